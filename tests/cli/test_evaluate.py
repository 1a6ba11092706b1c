import json
import re

import pytest
from typer.testing import CliRunner

from spacy_xlmr_ner.cli import app

IOB2 = "Jack\tB-PER\nSparrow\tI-PER\nin\tO\nBerlin\tB-ORG\n\nAnna\tB-PER\n"


@pytest.fixture
def run():
    runner = CliRunner()
    return lambda *args: runner.invoke(app, ["evaluate", *map(str, args)])


@pytest.fixture
def data(tmp_path):
    path = tmp_path / "some.iob2"
    path.write_text(IOB2, encoding="utf8")
    return path


def read_rows(stdout):
    return {row.split("  ")[0]: row.split() for row in stdout.splitlines() if row}


def test_evaluate_shows_scores_and_errors(run, chosen_checkpoint, data):
    result = run(chosen_checkpoint, f"de={data}")
    rows = read_rows(result.stdout)
    assert result.exit_code == 0
    assert rows["All"][1] == rows["All"][3] == rows["All"][5] == "0.667"
    assert rows["All"][-2:] == ["3", "3"]
    assert rows["PER"][5] == "1.000"
    assert rows["wrong label"] == ["wrong", "label", "1"]
    assert "By language" not in rows


def test_evaluate_shows_languages_where_there_are_several(run, chosen_checkpoint, data):
    rows = read_rows(run(chosen_checkpoint, f"de={data}", f"fr={data}").stdout)
    assert "Mean of 2 languages" in rows
    assert rows["fr"][-2:] == ["3", "3"]


def test_evaluate_says_why_there_is_no_interval(run, chosen_checkpoint, tmp_path):
    (tmp_path / "one.iob2").write_text("Jack\tB-PER\n", encoding="utf8")
    result = run(chosen_checkpoint, tmp_path / "one.iob2")
    row = next(line for line in result.stdout.splitlines() if line.startswith("All"))
    assert row.split()[5:7] == ["1.000", "(0.000–1.000)"]
    assert result.stderr.count("(0.000–1.000) says nothing: ") == 1


def test_evaluate_shows_intervals_without_more_words(run, chosen_checkpoint, data):
    result = run(chosen_checkpoint, data)
    assert result.exit_code == 0
    assert re.search(r"\(\d\.\d+–\d\.\d+\)", result.stdout)
    assert "says nothing" not in result.stderr


def test_evaluate_shows_files_of_one_name_apart(run, chosen_checkpoint, data, tmp_path):
    other = tmp_path / "more" / data.name
    other.parent.mkdir()
    other.write_text("Anna\tB-PER\n", encoding="utf8")
    rows = read_rows(run(chosen_checkpoint, data, other).stdout)
    assert rows[f"{tmp_path.name}/some.iob2"][-2:] == ["3", "3"]
    assert rows["more/some.iob2"][-2:] == ["1", "1"]


def test_evaluate_writes_page_and_json(run, chosen_checkpoint, data, tmp_path):
    result = run(f"mine={chosen_checkpoint}", data, "--html", tmp_path / "page.html", "--json", tmp_path / "all.json")
    assert result.exit_code == 0
    read = json.loads((tmp_path / "all.json").read_text(encoding="utf8"))
    assert (read["model"], read["n_docs"], list(read["scores"]["languages"])) == ("mine", 2, ["some.iob2"])
    assert "<title>Entities of mine</title>" in (tmp_path / "page.html").read_text(encoding="utf8")


def test_evaluate_loads_a_saved_pipeline(run, make_nlp, chosen_checkpoint, data, tmp_path):
    make_nlp(chosen_checkpoint, label_map={"LOC": "ORG"}).to_disk(tmp_path / "pipeline")
    assert read_rows(run(tmp_path / "pipeline", data).stdout)["All"][5] == "1.000"


def test_evaluate_maps_and_chooses_labels(run, chosen_checkpoint, data):
    rows = read_rows(run(chosen_checkpoint, data, "--label-map", "ORG=PLACE, LOC=PLACE", "--labels", "PLACE,").stdout)
    assert rows["All"][5] == "1.000"
    assert "PER" not in rows


def test_evaluate_says_what_it_warns_of(run, chosen_checkpoint, data):
    result = run(chosen_checkpoint, data, "--label-map", "PER=HUMAN,ORG=COMPANY")
    assert "⚠ [XW231]" in result.stderr
    assert "UserWarning" not in result.stderr


@pytest.mark.parametrize(
    "change, said",
    [
        ({"model": "./no/such/model"}, "XN401"),
        ({"data": "./no/such/file"}, "XN221"),
        ({"data": "de="}, "XN230"),
        ({"more": ["--label-map", "PER"]}, "XN235"),
        ({"more": ["--labels", "PER,NONE"]}, "XN231"),
        ({"more": ["--labels", ","]}, "XN231"),
        ({"model": "seqeval"}, "XN238"),
        ({"more": ["--html", "./no/such/page.html"]}, "XN236"),
        ({"more": ["--format", "nonsense"]}, "XN223"),
    ],
)
def test_evaluate_tells_what_is_wrong_in_one_line(run, chosen_checkpoint, data, change, said):
    result = run(change.get("model", chosen_checkpoint), change.get("data", data), *change.get("more", []))
    assert result.exit_code == 1
    assert said in result.stderr
    assert len(result.stderr.splitlines()) == 1
