import pytest
import spacy
from spacy.tokens import DocBin
from spacy.training import Corpus
from typer.testing import CliRunner

from spacy_xlmr_ner.cli import app

GOOD = "en:Jack\tB-PER\nen:Sparrow\tI-PER\nen:loves\tO\n\nen:Paris\tB-LOC\n"


@pytest.fixture
def run(tmp_path):
    def invoke(data, *args, out="out.spacy"):
        (tmp_path / "in.txt").write_text(data, encoding="utf8")
        return CliRunner().invoke(app, ["convert", str(tmp_path / "in.txt"), str(tmp_path / out), *args])

    return invoke


def read(path):
    return list(DocBin().from_disk(path).get_docs(spacy.blank("xx").vocab))


def test_convert_writes_docs_and_says_what_it_read(run, tmp_path):
    result = run(GOOD)
    assert result.exit_code == 0, result.output
    docs = read(tmp_path / "out.spacy")
    assert [[(ent.text, ent.label_) for ent in doc.ents] for doc in docs] == [
        [("Jack Sparrow", "PER")],
        [("Paris", "LOC")],
    ]
    assert [doc.user_data for doc in docs] == [{"lang": "en"}] * 2
    assert result.stdout.splitlines()[2].split() == ["in.txt", "panx", "IOB2", "2", "4", "2"]
    assert result.stderr == ""


def test_convert_takes_options(run, tmp_path):
    assert run("Jack\tB-PER\n\nRom\tO\n", "--lang", "ja", "-n", "2", "--format", "tsv").exit_code == 0
    (doc,) = read(tmp_path / "out.spacy")
    assert (doc.text, doc.user_data["lang"], len(list(doc.sents))) == ("Jack Rom", "ja", 2)


@pytest.mark.parametrize("args, status, is_written", [((), 0, True), (("--strict",), 1, False)])
def test_convert_names_rejected_lines(run, tmp_path, args, status, is_written):
    result = run(GOOD + "en:what\n\nen:\tO\n", *args)
    assert result.exit_code == status
    assert (tmp_path / "out.spacy").exists() is is_written
    lines = result.stderr.splitlines()
    assert [line.split(" ")[0] for line in lines[:2]] == [f"{tmp_path / 'in.txt'}:{number}:" for number in (6, 8)]
    assert [line for line in lines[2:] if "XN224" in line] == lines[2:]


def test_convert_strict_writes_what_has_no_rejected_line(run, tmp_path):
    assert run(GOOD, "--strict").exit_code == 0
    assert len(read(tmp_path / "out.spacy")) == 2


@pytest.mark.parametrize(
    "data, args, out, said",
    [
        ("", (), "out.spacy", "XN220"),
        ("no labels here\n", (), "out.spacy", "XN210"),
        (GOOD, ("--format", "conllu"), "out.spacy", "XN223"),
        (GOOD, (), "out.conll", "XN223"),
        (GOOD, (), "no/folder/out.spacy", "XN223"),
    ],
)
def test_convert_tells_what_is_wrong(run, tmp_path, data, args, out, said):
    result = run(data, *args, out=out)
    assert result.exit_code == 1
    assert said in result.stderr.splitlines()[-1]
    assert not (tmp_path / out).exists()


def test_convert_warns_in_one_line(run):
    result = run("Jack\tO\n")
    assert result.exit_code == 0
    assert [line[:10] for line in result.stderr.splitlines()] == ["⚠ [XW213] "]


def test_convert_makes_what_spacy_trains_on(run, tmp_path):
    assert run(GOOD).exit_code == 0
    examples = list(Corpus(tmp_path / "out.spacy")(spacy.blank("xx")))
    assert [example.get_aligned_ner() for example in examples] == [["B-PER", "L-PER", "O"], ["U-LOC"]]


def test_convert_of_a_folder_leaves_its_own_output_out(tmp_path):
    (tmp_path / "in.txt").write_text(GOOD, encoding="utf8")
    for _ in range(2):
        result = CliRunner().invoke(app, ["convert", str(tmp_path), str(tmp_path / "out.spacy")])
        assert result.exit_code == 0, result.output
        assert len(read(tmp_path / "out.spacy")) == 2


def test_convert_of_a_folder_leaves_hidden_folders_out(tmp_path):
    for folder in (tmp_path / "in", tmp_path / "in" / ".hidden", tmp_path / "in" / "more"):
        folder.mkdir()
        (folder / "in.txt").write_text(GOOD, encoding="utf8")
    assert CliRunner().invoke(app, ["convert", str(tmp_path / "in"), str(tmp_path / "out.spacy")]).exit_code == 0
    assert len(read(tmp_path / "out.spacy")) == 4
