import json
import re
from pathlib import Path

import pytest
import spacy
from spacy.tokens import Doc
from toys import make_toy_docs, write_pretrained, write_toy_corpus
from typer.testing import CliRunner

from spacy_xlmr_ner.cli import app

CONFIG = Path(__file__).parents[2] / "configs" / "finetune_base.cfg"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A checkpoint without a head, and corpora in which nothing is wrong."""
    folder = tmp_path_factory.mktemp("debug")
    write_pretrained(folder / "checkpoint")
    docs = make_toy_docs(125)
    write_toy_corpus(folder / "train.spacy", docs[:101])
    write_toy_corpus(folder / "dev.spacy", docs[101:])
    (folder / "broken.spacy").write_text("Jack\tB-PER\n", encoding="utf8")
    return folder


@pytest.fixture
def debug(folder):
    """Call it: debug("--option", train=file); corpora that are not given are sound."""

    def run(*args, train="train.spacy", dev="dev.spacy", name="checkpoint", config=CONFIG):
        paths = {"paths.train": train, "paths.dev": dev, "components.xlmr_ner.model.name": name}
        overrides = [part for key, file in paths.items() if file for part in (f"--{key}", str(folder / file))]
        return CliRunner().invoke(app, ["debug", str(config), *overrides, *map(str, args)])

    return run


def write_docs(path, *docs):
    vocab = spacy.blank("xx").vocab
    return write_toy_corpus(path, [Doc(vocab, words.split(), ents=tags and tags.split()) for words, tags in docs])


def flatten(text):
    """Without the line breaks that wasabi puts into long lines."""
    return " ".join(text.split())


def test_debug_prints_a_section_for_each_question(debug):
    result = debug()
    assert result.exit_code == 0
    titles = re.findall(r"^=+ (.+?) =+", result.stdout, re.MULTILINE)
    assert titles == ["Docs", "Labels", "Entities", "Vocabulary and windows", "Training"]
    assert "xlmr_ner begins with a new head; labels: LOC, ORG, PER" in flatten(result.stdout)


def test_debug_tables_count_docs_labels_and_lengths(debug, tmp_path):
    train = write_docs(
        tmp_path / "train.spacy",
        ("Jack Sparrow and Anna", "B-PER I-PER O B-PER"),
        ("Berlin", "B-LOC"),
        ("Jack in the Siemens AG", None),
    )
    dev = write_docs(tmp_path / "dev.spacy", ("Anna", "B-PER"), ("the", "O"), ("x " * 12, "B-ORG " + "I-ORG " * 11))
    rows = [line.split() for line in debug(train=train, dev=dev).stdout.splitlines()]
    for row in (
        ["docs", "3", "3"],
        ["without", "an", "entity", "0", "1"],
        ["not", "annotated", "1", "0"],
        ["tokens", "10", "14"],
        ["not", "annotated", "5", "0"],
        ["entities", "3", "2"],
        ["PER", "2", "67%", "1", "1", "50%", "1"],
        ["LOC", "1", "33%", "1", "0", "0%", "0"],
        ["ORG", "0", "0%", "0", "1", "50%", "1"],
        ["1", "2", "1"],
        ["2", "1", "0"],
        ["more", "than", "10", "0", "1"],
    ):
        assert row in rows


def test_debug_writes_figures_and_notes_as_json(debug, tmp_path):
    result = debug("--json", tmp_path / "report.json")
    report = json.loads((tmp_path / "report.json").read_text(encoding="utf8"))
    assert result.exit_code == 0
    assert (report["train"]["n_docs"], report["dev"]["n_docs"]) == (101, 24)
    assert report["components"]["xlmr_ner"]["labels"] == ["LOC", "ORG", "PER"]
    assert report["components"]["xlmr_ner"]["train"]["n_unknown"] == 0
    assert report["schedule"]["steps_per_epoch"] == 5  # 101 docs, 24 at a time
    assert report["schedule"]["n_steps"] == 15
    assert {note["level"] for notes in report["notes"].values() for note in notes} <= {"good", "info", "warn", "fail"}


def test_debug_takes_overrides_as_spacy_train_does(debug, tmp_path):
    debug("--training.max_epochs", "1", "--training.batcher.size=10", "--json", tmp_path / "report.json")
    report = json.loads((tmp_path / "report.json").read_text(encoding="utf8"))
    assert report["schedule"]["n_steps"] == 11


@pytest.mark.parametrize(
    "corpus, docs, said",
    [
        ("train", [], "XN251"),
        ("train", [("Jack in Berlin", None)], "XN252"),
        ("train", [("the dog", "O O")], "XN208"),
        ("dev", [], "XN253"),
    ],
)
def test_debug_exits_with_1_where_a_training_could_not_work(debug, tmp_path, corpus, docs, said):
    result = debug(**{corpus: write_docs(tmp_path / "corpus.spacy", *docs)})
    assert result.exit_code == 1
    assert said in result.stdout
    assert "= Training =" in result.stdout  # the report is whole all the same


def test_debug_says_why_a_checkpoint_cannot_be_loaded(debug):
    result = debug(name="no-such-folder/at/all")
    assert result.exit_code == 1
    assert "XN401" in result.stdout
    assert "PER" in result.stdout


def test_debug_finds_a_head_that_is_kept_or_replaced(debug, chosen_checkpoint, tmp_path):
    kept = flatten(debug(name=chosen_checkpoint).stdout)
    assert "xlmr_ner keeps the trained head of its checkpoint" in kept
    other = write_docs(tmp_path / "train.spacy", ("Jack in Berlin", "B-NAME O B-PLACE"))
    replaced = flatten(debug(name=chosen_checkpoint, train=other).stdout)
    assert "begins with a new head in place of the checkpoint's (PER, ORG, LOC); labels: NAME, PLACE" in replaced
    assert "XW203" in replaced


def test_debug_reports_docs_longer_than_a_window_in_pieces(debug, tmp_path):
    words = "Jack Sparrow " * 3  # ▁Jack ▁Spar row: 9 pieces
    train = write_docs(tmp_path / "train.spacy", (words, "B-PER I-PER " * 3))
    overrides = ("--components.xlmr_ner.model.window", "10", "--components.xlmr_ner.model.overlap", "2")
    said = flatten(debug(*overrides, train=train).stdout)
    assert "1 doc(s), xlmr_ner, train: longer than a window (8 pieces)" in said
    assert "(9 pieces)" in said


@pytest.mark.parametrize(
    "given, said",
    [
        ({"train": None}, "E913"),
        ({"train": "no-such-file.spacy"}, "XN254"),
        ({"dev": Path(__file__).parent / "no-such-file.spacy"}, "XN254"),
        ({"dev": "broken.spacy"}, "XN254"),
        ({"config": Path(__file__)}, "✘"),
        ({"config": "no-such-file.cfg"}, "no-such-file.cfg"),
    ],
)
def test_debug_tells_what_is_wrong_with_its_arguments(debug, given, said):
    result = debug(**given)
    assert result.exit_code == 1
    assert said in result.output
    assert "Traceback" not in result.output


def test_debug_needs_a_component_that_is_trained(debug):
    result = debug("--training.frozen_components", '["xlmr_ner"]')
    assert result.exit_code == 1
    assert "XN250" in result.stderr


def test_debug_explains_a_variable_that_is_not_there(debug, tmp_path):
    text = CONFIG.read_text(encoding="utf8").replace("path = ${paths.train}", "path = ${paths.trian}")
    (tmp_path / "slip.cfg").write_text(text, encoding="utf8")
    result = debug(config=tmp_path / "slip.cfg")
    assert result.exit_code == 1
    assert "trian" in result.output


def test_debug_reads_only_the_beginning_of_a_streamed_corpus(debug, monkeypatch, tmp_path):
    monkeypatch.setattr("spacy_xlmr_ner.corpus_report.report.MAX_STREAMED", 7)
    result = debug("--training.max_epochs", "-1", "--json", tmp_path / "report.json")
    assert json.loads((tmp_path / "report.json").read_text(encoding="utf8"))["train"]["n_docs"] == 7
    assert "only the first 7 training docs were looked at" in flatten(result.stdout)


def test_debug_finds_a_setting_that_only_an_update_looks_at(debug):
    result = debug("--components.xlmr_ner.model.freeze", "99")
    assert result.exit_code == 1
    assert "XN120" in result.stdout


def test_debug_refuses_an_option_that_is_none(debug):
    result = debug("--verbos")
    assert result.exit_code == 1
    assert "XN255" in result.stderr


def test_debug_refuses_a_file_that_cannot_be_written_before_the_work(debug, monkeypatch, tmp_path):
    monkeypatch.setattr("spacy_xlmr_ner.cli.debug.report_corpora", lambda *_, **__: pytest.fail("the work was done"))
    result = debug("--json", tmp_path / "none" / "report.json")
    assert result.exit_code == 1
    assert "XN236" in result.stderr
