"""Files that a bulk job reads: what its rows are, and that it can go on from behind each of them."""

import gzip
import io
import warnings
from functools import lru_cache
from pathlib import Path

import pyarrow
import pyarrow.parquet
import zstandard

from spacy_xlmr_ner.bulk.inputs import InputReader, find_inputs
from spacy_xlmr_ner.bulk.rows import Rejected
from spacy_xlmr_ner.bulk.text_readers import ReadSettings

from .choices import Choices, edit_bytes
from .corpus_cases import make_docbin

FORMATS = ("txt", "jsonl", "csv")
ROWS = (
    b"Anna in Berlin\r\n\nba\xffd\n" + "北京 🚀".encode(),
    b'{"id": 1, "text": "Anna", "more": [{"a": null}, 1e3]}\n\n{"text": 3}\n["x"]\n{"text": "A\\u00e4\\ud800"}\n',
    b'id,text\n1,"Anna\nin ""Berlin"""\n2,Ro"m\n"3,x\n4,Rom\n',
    b'text;"a;b"\n"Anna;";3\n\n;\n',
    b"\xef\xbb\xbftext\tid\nAnna\t1\n",
)
SETTINGS = ReadSettings(max_chars=60)
_FOLDERS = [Path()]


def place_rows(folder: Path) -> None:
    """Say where the files of these cases are written."""
    _FOLDERS[0] = folder


def check_rows(data: bytes) -> None:
    """A file of any content and format, plain or packed."""
    choices = Choices(data)
    format = choices.pick(FORMATS)
    pack = choices.pick((bytes, gzip.compress, zstandard.ZstdCompressor().compress))
    seed, is_whole = choices.number(256), choices.number(8) == 0
    check_file(f"rows.{format}", pack(choices.rest()), seed, whole_file=is_whole)


def check_damaged_rows(data: bytes) -> None:
    """A packed file, one of Parquet or of docs, with some bytes changed."""
    choices = Choices(data)
    name = choices.pick(("a.parquet", "a.spacy", "a.txt.gz", "a.csv.zst"))
    content = make_whole(name)
    check_file(name, edit_bytes(content, choices, 1 + choices.number(4)), choices.number(256))


@lru_cache
def make_whole(name: str) -> bytes:
    if name == "a.spacy":
        return make_docbin()
    if name == "a.txt.gz":
        return gzip.compress(ROWS[0] * 3)
    if name == "a.csv.zst":
        return zstandard.ZstdCompressor().compress(ROWS[2] * 3)
    file = io.BytesIO()
    table = pyarrow.table({"text": ["Anna", None, "Berlin"], "n": [1.5, None, 3.0], "deep": [[{"a": "x"}], [], None]})
    pyarrow.parquet.write_table(table, file, row_group_size=2)
    return file.getvalue()


def check_file(name: str, content: bytes, seed: int, *, whole_file: bool = False) -> None:
    path = _FOLDERS[0] / name
    path.write_bytes(content)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        (source,) = find_inputs([str(path)], whole_file=whole_file)
        reader = InputReader(source, SETTINGS)
        steps = list(reader.read())
        for number, (entry, place) in enumerate(steps, start=1):
            assert place.entries >= number
            if isinstance(entry, Rejected):
                assert entry.reason.startswith("[XN") and entry.line >= 1
            else:
                assert len(entry.text) <= SETTINGS.max_chars
        if steps:
            at = seed % len(steps)
            assert repr(list(reader.read(steps[at].place))) == repr(steps[at + 1 :])  # NaN is not NaN
