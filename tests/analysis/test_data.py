from pathlib import Path

import pytest
from spacy.tokens import Doc, DocBin
from spacy.vocab import Vocab

from spacy_xlmr_ner.analysis.data import is_language, parse_named, read_data

IOB2 = "Jack\tB-PER\nin\tO\nBerlin\tB-LOC\n\nAnna\tB-PER\n"


@pytest.fixture
def spacy_file(tmp_path):
    """Two docs that name their language, and one that does not."""
    docs = [Doc(Vocab(), words=[word], ents=["B-PER"]) for word in ("Jack", "Anna", "Spar")]
    for doc, lang in zip(docs, ("de", "fr")):
        doc.user_data["lang"] = lang
    DocBin(docs=docs, store_user_data=True).to_disk(tmp_path / "people.spacy")
    return tmp_path / "people.spacy"


def count(groups):
    return {group: len(docs) for group, docs in groups.items()}


def test_read_data_groups_by_language_then_by_file(spacy_file):
    assert count(read_data([str(spacy_file)])) == {"de": 1, "fr": 1, "people.spacy": 1}


def test_read_data_takes_a_given_name_before_all(spacy_file):
    assert count(read_data([f"news={spacy_file}"])) == {"news": 3}


def test_read_data_puts_files_of_one_language_together(spacy_file, tmp_path):
    (tmp_path / "some.iob2").write_text(IOB2, encoding="utf8")
    groups = read_data([f"de={tmp_path / 'some.iob2'}", str(spacy_file)])
    assert count(groups) == {"de": 3, "fr": 1, "people.spacy": 1}
    assert [(ent.text, ent.label_) for ent in groups["de"][0].ents] == [("Jack", "PER"), ("Berlin", "LOC")]
    assert [token.text for token in groups["de"][0]] == ["Jack", "in", "Berlin"]


@pytest.mark.parametrize(
    "files, expected",
    [
        (["de/test.conll", "fr/test.conll"], ["de/test.conll", "fr/test.conll"]),
        (["de/test.conll", "fr/dev.conll"], ["test.conll", "dev.conll"]),
        (
            ["a/de/test.conll", "b/de/test.conll", "b/fr/test.conll"],
            ["a/de/test.conll", "b/de/test.conll", "fr/test.conll"],
        ),
        (["test.conll", "fr/test.conll"], ["test.conll", "fr/test.conll"]),
        (["fr/test.conll", "./fr/test.conll"], ["test.conll"]),
        (["de/data", "fr/data"], ["de/data", "fr/data"]),
    ],
)
def test_read_data_tells_files_of_one_name_apart(tmp_path, monkeypatch, files, expected):
    monkeypatch.chdir(tmp_path)
    for file in map(Path, files):
        file = file if file.suffix else file / "some.conll"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(IOB2, encoding="utf8")
    assert list(read_data(files)) == expected


def test_read_data_puts_files_of_one_given_name_together(tmp_path):
    paths = [tmp_path / lang / "test.conll" for lang in ("de", "fr")]
    for path in paths:
        path.parent.mkdir()
        path.write_text(IOB2, encoding="utf8")
    assert count(read_data([f"all={path}" for path in paths])) == {"all": 4}


def test_read_data_joins_words_as_the_language_does(tmp_path):
    (tmp_path / "some.iob2").write_text("東京\tB-LOC\nへ\tO\n", encoding="utf8")
    (doc,) = read_data([f"ja={tmp_path / 'some.iob2'}"])["ja"]
    assert doc.text == "東京へ"


def test_parse_named_takes_a_path_that_exists_for_a_path(tmp_path):
    path = tmp_path / "a=b"
    path.touch()
    assert parse_named(str(path)) == (None, str(path))
    assert parse_named(f"x={path}") == ("x", str(path))


@pytest.mark.parametrize("argument", ["=file", "de="])
def test_parse_named_refuses_half_an_argument(argument):
    with pytest.raises(ValueError, match="XN230"):
        parse_named(argument)


@pytest.mark.parametrize("name, expected", [("de", True), ("zh-Hant", True), ("news", False), ("people.spacy", False)])
def test_is_language_goes_by_form(name, expected):
    assert is_language(name) == expected


def test_read_data_refuses_a_path_that_is_not_there(tmp_path):
    with pytest.raises(ValueError, match="XN221"):
        read_data([str(tmp_path / "none.iob2")])
