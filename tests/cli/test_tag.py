import json
import runpy

import pytest
import spacy
from typer.testing import CliRunner

from spacy_xlmr_ner.cli import app


@pytest.fixture
def run():
    runner = CliRunner()
    return lambda *args, **kwargs: runner.invoke(app, ["tag", *map(str, args)], **kwargs)


def test_tag_shows_a_row_for_each_entity(run, chosen_checkpoint):
    result = run("Jack Sparrow loves New York!", "--model", chosen_checkpoint)
    rows = [line.split() for line in result.stdout.splitlines() if line]
    assert rows[0] == ["Text", "Label", "Score", "Start", "End"]
    assert rows[2] == ["Jack", "Sparrow", "PER", "1.00", "0", "12"]
    assert rows[3] == ["New", "York", "LOC", "1.00", "19", "27"]


def test_tag_reads_standard_input_as_one_text(run, chosen_checkpoint):
    result = run("--model", chosen_checkpoint, "--json", input="Anna\nBerlin\n")
    (text,) = json.loads(result.stdout)
    assert text["text"] == "Anna\nBerlin"
    assert [(ent["text"], ent["label"], ent["start"], ent["end"]) for ent in text["ents"]] == [
        ("Anna", "PER", 0, 4),
        ("Berlin", "LOC", 5, 11),
    ]


def test_tag_json_has_an_object_for_each_text(run, chosen_checkpoint):
    result = run("Jack", "the", "--model", chosen_checkpoint, "--json")
    texts = json.loads(result.stdout)
    assert [len(text["ents"]) for text in texts] == [1, 0]
    # the chosen tag has the logit 8 and six others have 0; its label's other tag counts too
    assert texts[0]["ents"][0]["score"] == pytest.approx((2.718281828**8 + 1) / (2.718281828**8 + 6), abs=1e-5)


def test_tag_says_that_nothing_was_found(run, chosen_checkpoint):
    assert "No entities found." in run("the", "--model", chosen_checkpoint).stdout


def test_tag_pieces_shows_pieces_over_tags(run, chosen_checkpoint):
    lines = run("Jack in Berlin", "--model", chosen_checkpoint, "--pieces").stdout.splitlines()
    assert lines[1].split() == ["Tokens", "<s>", "▁Jack", "▁in", "▁Berlin", "</s>"]
    assert lines[2].split() == ["Tags", "O", "B-PER", "O", "B-LOC", "O"]


def test_tag_json_has_the_pieces_if_asked(run, chosen_checkpoint):
    result = run("Jack", "--model", chosen_checkpoint, "--json", "--pieces")
    expected = [{"piece": "<s>", "tag": "O"}, {"piece": "▁Jack", "tag": "B-PER"}, {"piece": "</s>", "tag": "O"}]
    assert json.loads(result.stdout)[0]["pieces"] == expected


def test_tag_html_writes_a_page(run, chosen_checkpoint, tmp_path):
    result = run("Anna & <b>Berlin</b>", "--model", chosen_checkpoint, "--html", tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text(encoding="utf8")
    assert result.exit_code == 0
    assert '<meta charset="utf-8">' in page
    assert "&amp; &lt;b&gt;" in page
    assert "<b>" not in page


def test_tag_loads_a_saved_pipeline(run, make_nlp, chosen_checkpoint, tmp_path):
    make_nlp(chosen_checkpoint, label_map={"PER": "PERSON"}).to_disk(tmp_path / "pipeline")
    result = run("Jack", "--model", tmp_path / "pipeline", "--json")
    assert json.loads(result.stdout)[0]["ents"][0]["label"] == "PERSON"


@pytest.mark.parametrize(
    "args, said",
    [
        (("--model", "./no/such/folder"), "XN401"),
        (("--lang", "qq"), "E048"),
        (("--html", "./no/such/folder/page.html"), "No such file or directory"),
    ],
)
def test_tag_tells_what_is_wrong_in_one_line(run, args, said):
    result = run("Jack", *args)
    assert result.exit_code == 1
    assert said in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_module_runs_the_model_in_the_package(monkeypatch, capsys):
    """The README's main command, as `python -m` runs it."""
    monkeypatch.setattr("sys.argv", ["spacy_xlmr_ner", "tag", "Jack Sparrow loves New York!", "--json"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_module("spacy_xlmr_ner", run_name="__main__", alter_sys=True)
    assert ended.value.code == 0
    ents = json.loads(capsys.readouterr().out)[0]["ents"]
    assert ("Jack Sparrow", "PER") in [(ent["text"], ent["label"]) for ent in ents]


def test_version_is_that_of_the_package():
    from importlib.metadata import version

    result = CliRunner().invoke(app, ["--version"])
    assert result.stdout.strip() == version("spacy-xlmr-ner")


def test_tag_refuses_a_pipeline_that_finds_nothing(run, tmp_path):
    spacy.blank("xx").to_disk(tmp_path)
    result = run("Anna", "--model", tmp_path)
    assert result.exit_code == 1
    assert "XN239" in result.output


def test_tag_takes_components_that_do_not_say_what_they_set(run, tmp_path):
    nlp = spacy.blank("xx")
    nlp.add_pipe("span_ruler", config={"annotate_ents": True}).add_patterns([{"label": "PER", "pattern": "Anna"}])
    nlp.to_disk(tmp_path)
    result = run("Anna", "--model", tmp_path)
    assert result.exit_code == 0, result.output
    assert "PER" in result.stdout


def test_tag_refuses_a_package_that_can_load_something_else(run):
    result = run("Anna", "--model", "numpy")  # which has a function `load`
    assert result.exit_code == 1
    assert "XN238" in result.output
