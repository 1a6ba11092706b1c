import json

import pytest
from typer.testing import CliRunner

from spacy_xlmr_ner.cli import app


@pytest.fixture
def run():
    runner = CliRunner()
    return lambda *args: runner.invoke(app, ["transfer", *map(str, args)])


@pytest.fixture
def data(tmp_path):
    paths = []
    for name, text in {"de": "Jack\tB-PER\n", "fr": "the\tB-LOC\nJack\tB-PER\n", "it": "Jack\tB-PER\n"}.items():
        path = tmp_path / f"{name}.iob2"
        path.write_text(text, encoding="utf8")
        paths.append(f"{name}={path}")
    return paths


def read_f1(stdout):
    """Figures by model: each is followed by its interval."""
    rows = [row.split() for row in stdout.splitlines() if "0." in row or "1." in row]
    return {row[0]: row[1::2] for row in rows}


@pytest.mark.parametrize("join", [lambda first: ["--data", first], lambda first: [f"--data={first}"]])
def test_transfer_takes_several_data_behind_one_option(run, chosen_checkpoint, data, join):
    result = run(f"a={chosen_checkpoint}", f"b={chosen_checkpoint}", *join(data[0]), *data[1:])
    assert result.stdout.splitlines()[0].split() == ["F1", "de", "fr", "it", "Mean"]
    expected = ["1.000", "0.667", "1.000", "0.889"]
    assert read_f1(result.stdout) == {"a": expected, "b": expected}


def test_transfer_has_a_column_for_each_of_two_files_of_one_name(run, chosen_checkpoint, tmp_path):
    paths = [tmp_path / language / "test.conll" for language in ("de", "fr")]
    for path, word in zip(paths, ("Jack", "the")):
        path.parent.mkdir()
        path.write_text(f"{word} B-PER\nin O\n", encoding="utf8")
    result = run(f"m={chosen_checkpoint}", "--data", *paths)
    assert result.stdout.splitlines()[0].split() == ["F1", "de/test.conll", "fr/test.conll", "Mean"]
    assert read_f1(result.stdout) == {"m": ["1.000", "0.000", "0.500"]}


def test_transfer_says_why_there_is_no_interval(run, chosen_checkpoint, data):
    result = run(f"m={chosen_checkpoint}", "--data", data[0])
    assert result.stdout.splitlines()[-1].split() == ["m", *["1.000", "(0.000–1.000)"] * 2]
    assert "(0.000–1.000) says nothing: " in result.stderr


def test_transfer_takes_data_in_several_options_too(run, chosen_checkpoint, data, tmp_path):
    result = run(
        "--data",
        data[0],
        "--data",
        data[1],
        "--json",
        tmp_path / "t.json",
        chosen_checkpoint,
        "--html",
        tmp_path / "t.html",
    )
    assert result.exit_code == 0
    table = json.loads((tmp_path / "t.json").read_text(encoding="utf8"))
    assert (table["models"], table["languages"]) == ([chosen_checkpoint.name], ["de", "fr"])
    assert "<table" in (tmp_path / "t.html").read_text(encoding="utf8")


def test_transfer_names_models_of_one_folder_name_by_path(run, make_nlp, chosen_checkpoint, data, tmp_path):
    paths = [tmp_path / language / "model-best" for language in ("de", "fr")]
    for path in paths:
        path.parent.mkdir()
        make_nlp(chosen_checkpoint).to_disk(path)
    run(*paths, "--data", data[0], "--json", tmp_path / "t.json")
    assert json.loads((tmp_path / "t.json").read_text(encoding="utf8"))["models"] == [str(path) for path in paths]


@pytest.mark.parametrize("names, said", [(("a", "a"), "XN237"), (("a", ""), "XN230")])
def test_transfer_tells_what_is_wrong_in_one_line(run, chosen_checkpoint, data, names, said):
    result = run(*(f"{name}={chosen_checkpoint}" for name in names), "--data", data[0])
    assert result.exit_code == 1
    assert said in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_transfer_without_data_is_a_wrong_use(run, chosen_checkpoint):
    result = run(chosen_checkpoint)
    assert result.exit_code == 2
    assert "--data" in result.stderr
