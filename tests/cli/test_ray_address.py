import pytest
from typer.testing import CliRunner

from spacy_xlmr_ner.bulk import Summary
from spacy_xlmr_ner.cli import app


@pytest.fixture
def run(monkeypatch, tmp_path):
    """What `annotate` would do, and where: run("in.txt", "--ray") gives paths and settings."""
    monkeypatch.chdir(tmp_path)
    calls = []

    def note(paths, out, **settings):
        calls.append((paths, settings))
        return Summary()

    monkeypatch.setattr("spacy_xlmr_ner.cli.annotate.annotate_files_on_ray", note)
    monkeypatch.setattr("spacy_xlmr_ner.cli.annotate.annotate_files", note)

    def invoke(*args):
        result = CliRunner().invoke(app, ["annotate", "--out", "out", *args])
        assert result.exit_code == 0, result.output
        return calls.pop()

    return invoke


@pytest.mark.parametrize(
    "args, paths, address",
    [
        (["in.txt", "--ray"], ["in.txt"], ""),
        (["--ray", "in.txt"], ["in.txt"], ""),
        (["--ray", "in.txt", "more.txt"], ["in.txt", "more.txt"], ""),
        (["--ray", "--format", "parquet", "in.txt"], ["in.txt"], ""),
        (["--ray", "auto", "in.txt"], ["in.txt"], "auto"),
        (["--ray", "./auto"], ["./auto"], ""),
        (["--ray", "local", "in.txt"], ["in.txt"], "local"),
        (["--ray", "10.0.0.1:6379", "in.txt"], ["in.txt"], "10.0.0.1:6379"),
        (["--ray", "[::1]:6379", "in.txt"], ["in.txt"], "[::1]:6379"),
        (["--ray", "head-node:6379", "in.txt"], ["in.txt"], "head-node:6379"),
        (["--ray", "ray://head:10001", "in.txt"], ["in.txt"], "ray://head:10001"),
        (["--ray=auto", "in.txt"], ["in.txt"], "auto"),
        (["in.txt", "--ray", "a/b:c.txt"], ["in.txt", "a/b:c.txt"], ""),
    ],
)
def test_option_takes_an_address_and_no_path(run, args, paths, address):
    found, settings = run(*args)
    assert (found, settings["address"]) == (paths, address)


def test_without_the_option_one_machine_does_it(run):
    paths, settings = run("in.txt")
    assert paths == ["in.txt"]
    assert "address" not in settings
    assert settings["n_process"] == 1


def test_path_behind_two_dashes_is_a_path(run):
    assert run("--ray", "--", "--ray")[0] == ["--ray"]


def test_going_on_is_refused(tmp_path):
    result = CliRunner().invoke(app, ["annotate", "in.txt", "--out", str(tmp_path / "out"), "--ray", "--resume"])
    assert result.exit_code == 1
    assert "XN241" in result.output
