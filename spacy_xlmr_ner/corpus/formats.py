"""Which format a file is in, told from its lines."""

import json
import re
from pathlib import Path
from typing import Callable, List, Optional, Sequence

from ..errors import Errors
from .lines import Line

FORMATS = ("auto", "panx", "tsv", "conll", "iob2", "jsonl", "spacy")
N_SAMPLE = 500  # lines looked at
MIN_TAGS = 0.25  # share of a file's lines; labels without prefixes are not seen to be tags, O is
MAX_SHOWN = 80  # characters of a line in a message
LANGUAGE_PREFIX = re.compile(r"[a-z]{2,}(-[a-z]+)*:")
_TAG = r"(O|[BIMELSU]-\S.*)"
_PANX = re.compile(rf"{LANGUAGE_PREFIX.pattern}[^\t]*\t{_TAG}")
_NUMBERED = re.compile(rf"\d+([-.]\d+)?\t[^\t]+\t{_TAG}(\t.*)?")
_CONLLU = re.compile(r"\d+([-.]\d+)?(\t[^\t]+){9}")
_PIPED = re.compile(r"\S+\|(O|[BI]-\S+)( |$).*")
_HAS_TAB = re.compile(r"[^\t]*\t.*\S.*")
_HAS_SPACE = re.compile(r"\S+([ \t]+\S+)+[ \t]*")
_COLUMN = re.compile(r"[ \t]+")


def detect_format(path: Path, lines: Sequence[Line]) -> str:
    """Tell the format of a file, as find_format does.

    RAISES (ValueError): XN210 if it is in none that is known; XN211 as find_format.
    """
    format = find_format(path, lines)
    if format is None:
        first = shorten(next((line.text for line in lines if line.text.strip()), ""))
        raise ValueError(Errors.XN210.format(path=path, formats=", ".join(FORMATS[1:]), line=first))
    return format


def find_format(path: Path, lines: Sequence[Line]) -> Optional[str]:
    """Tell the format of a file. More than half of its first lines must be in it: some may be broken.

    path (Path): For messages.
    lines (Sequence[Line]): All lines, or enough of the first.
    RETURNS (Optional[str]): One of FORMATS, but neither "auto" nor "spacy"; None: it is in none of them.
    RAISES (ValueError): XN211 if spaCy's own command reads it.
    """
    rows = [line.text for line in lines[:N_SAMPLE] if line.text.strip() and not _is_remark(line.text)]
    if _are_mostly(rows, _is_json):
        return "jsonl"
    if _are_mostly(rows, _NUMBERED.fullmatch):
        return "iob2"
    if _are_mostly(rows, _PANX.fullmatch):
        return "panx"
    for found, test in (("CoNLL-U", _CONLLU.fullmatch), ("of the form token|tag", _PIPED.fullmatch)):
        if _are_mostly(rows, test):
            raise ValueError(Errors.XN211.format(path=path, found=found))
    if _are_mostly(rows, _HAS_TAB.fullmatch) and _have_tags([row.rstrip().split("\t")[-1] for row in rows]):
        return "tsv"
    if _are_mostly(rows, _HAS_SPACE.fullmatch) and _have_tags([_COLUMN.split(row.strip())[-1] for row in rows]):
        return "conll"
    return None


def shorten(line: str) -> str:
    """A line as messages show it."""
    return line if len(line) <= MAX_SHOWN else line[:MAX_SHOWN] + "..."


def _are_mostly(rows: List[str], test: Callable[[str], object]) -> bool:
    return 2 * sum(bool(test(row)) for row in rows) > len(rows)


def _is_remark(row: str) -> bool:
    """Remarks of UNER, GermEval and others. A token may be # too: then a tag is behind it."""
    return row.startswith("#") and not re.search(rf"\s{_TAG}$", row)


def _is_json(row: str) -> bool:
    if not row.lstrip().startswith(("{", "[")):
        return False
    try:
        return isinstance(json.loads(row), (dict, list))
    except (ValueError, RecursionError):  # of what is nested a thousand deep
        return False


def _have_tags(columns: List[str]) -> bool:
    """Whether a good part of these are tags: else the first and last word of any text would be token and tag."""
    return MIN_TAGS * len(columns) <= sum(bool(re.fullmatch(_TAG, column)) for column in columns)
