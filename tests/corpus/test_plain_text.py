import gzip

import pytest
import spacy
from spacy.tokens import DocBin

from spacy_xlmr_ner.corpus.plain_text import read_texts


@pytest.mark.parametrize(
    "data, expected",
    [
        (b"One line.\nAnother one.\n", ["One line.", "Another one."]),
        (gzip.compress(b"One line.\r\nAnother one.\n", mtime=0), ["One line.", "Another one."]),
        (b"de:Anna\tB-PER\nde:lacht\tO\n", ["Anna lacht "]),
        (b'{"text": "Anna"}\n{"text": "Rom", "entities": []}\n', ["Anna", "Rom"]),
    ],
)
def test_read_texts_reads_text_labelled_or_not(tmp_path, data, expected):
    (tmp_path / "file").write_bytes(data)
    assert list(read_texts(tmp_path / "file")) == expected


def test_read_texts_reads_docs(tmp_path):
    DocBin(docs=[spacy.blank("xx")("Anna, Rom")]).to_disk(tmp_path / "docs.spacy")
    assert list(read_texts([tmp_path / "docs.spacy"])) == ["Anna, Rom"]


def test_read_texts_goes_on_behind_the_lines_that_tell_the_format(tmp_path):
    lines = [f"line {i}" for i in range(1200)]
    (tmp_path / "file").write_text("\n".join(lines))
    assert list(read_texts(tmp_path / "file")) == lines


def test_read_texts_warns_of_lines_left_out(tmp_path):
    (tmp_path / "file").write_bytes(b"One\nTwo \xff\nThree\n")
    with pytest.warns(UserWarning, match="XW210.*file:2: "):
        assert list(read_texts(tmp_path / "file")) == ["One", "Three"]
