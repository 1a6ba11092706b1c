import pytest
import spacy
from spacy.tokens import DocBin

from spacy_xlmr_ner.corpus.writing import check_target, write_docbin


@pytest.fixture
def docs():
    return DocBin(docs=[spacy.blank("xx")("Anna")])


def test_write_docbin_replaces_the_file(docs, tmp_path):
    (tmp_path / "out.spacy").write_text("former")
    (tmp_path / "same").hardlink_to(tmp_path / "out.spacy")
    write_docbin(docs, tmp_path / "out.spacy")
    assert len(DocBin().from_disk(tmp_path / "out.spacy")) == 1
    assert (tmp_path / "same").read_text() == "former"  # another file has come under the name, whole
    assert len(list(tmp_path.iterdir())) == 2


def test_write_docbin_leaves_the_former_file_when_it_fails(docs, tmp_path, monkeypatch):
    (tmp_path / "out.spacy").write_text("former")
    monkeypatch.setattr("os.fsync", lambda descriptor: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(OSError, match="No space"):
        write_docbin(docs, tmp_path / "out.spacy")
    assert [path.read_text() for path in tmp_path.iterdir()] == ["former"]


@pytest.mark.parametrize("name", ["out.conll", "no/folder/out.spacy"])
def test_check_target_refuses(tmp_path, name):
    with pytest.raises(ValueError, match="XN223"):
        check_target(tmp_path / name)
