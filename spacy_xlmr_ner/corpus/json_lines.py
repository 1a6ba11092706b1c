"""JSON lines: a text and the spans of its entities, in characters. The customary spellings are read."""

import json
from bisect import bisect_left, bisect_right
from itertools import pairwise
from typing import Any, Callable, Dict, Iterable, List, NamedTuple, Optional, Sequence, Tuple

from spacy.tokens import Doc

from ..errors import Errors
from .file_tags import TokenEnt
from .lines import Line, Reject

TEXT_KEYS = ("text", "data")
SPANS_KEYS = ("entities", "spans", "labels", "label", "ents")
START_KEYS = ("start", "start_offset", "start_char")
END_KEYS = ("end", "end_offset", "end_char")
LABEL_KEYS = ("label", "type", "entity_group", "tag")
LANG_KEYS = ("lang", "language")


class CharEnt(NamedTuple):
    """An entity: characters start to end, half-open."""

    start: int
    end: int
    label: str


class Record(NamedTuple):
    """A text with its entities, in order and not overlapping."""

    text: str
    ents: List[CharEnt]
    lang: Optional[str]


def read_records(lines: Sequence[Line], reject: Reject) -> List[Record]:
    """Read the texts of a file.

    lines (Sequence[Line]): An object each, {"text": ..., "entities": [[start, end, label], ...]}; the keys may be any
        of TEXT_KEYS and SPANS_KEYS, the spans objects too. The pairs of spaCy 2, [text, {"entities": ...}], as well.
    reject (Reject): Told of lines that are none (XN217 to XN219): they are left out whole.
    RETURNS (List[Record]): The others.
    """
    records: List[Record] = []
    for number, line in lines:
        if line.strip():
            try:
                records.append(_read_record(line))
            except ValueError as err:
                reject(number, str(err))
    return records


def read_text(line: str) -> str:
    """The text of a line, which may be without entities. RAISES (ValueError): XN217, XN218."""
    return _find_text(_load(line))


def _load(line: str) -> Dict[str, Any]:
    try:
        record = json.loads(line)
        json.dumps(record, ensure_ascii=False).encode("utf8")  # halves of surrogate pairs are JSON, but no text
    except (ValueError, RecursionError) as err:
        raise ValueError(Errors.XN217.format(reason=str(err).rstrip("."))) from None
    if isinstance(record, list) and len(record) == 2 and isinstance(record[1], dict):
        record = {**record[1], "text": record[0]}
    if not isinstance(record, dict):
        raise ValueError(Errors.XN217.format(reason=f"it is of type {type(record).__name__}"))
    return record


def _find_text(record: Dict[str, Any]) -> str:
    return str(_find(record, TEXT_KEYS, "text", lambda value: isinstance(value, str) and bool(value.strip())))


def _read_record(line: str) -> Record:
    record = _load(line)
    if record.get("answer", "accept") != "accept":  # Prodigy keeps what its user has refused
        raise ValueError(Errors.XN225.format(answer=record["answer"]))
    text = _find_text(record)
    spans = _find(record, SPANS_KEYS, "list of entities", lambda value: isinstance(value, list))
    lang = next((record[key] for key in LANG_KEYS if isinstance(record.get(key), str)), None)
    return Record(text, _check_overlap(sorted({_read_ent(span, text) for span in spans}), text), lang)


def _find(record: Dict[str, Any], keys: Sequence[str], what: str, fits: Callable[[Any], bool]) -> Any:
    for key in keys:
        if fits(record.get(key)):
            return record[key]
    found = ", ".join(map(str, record)) or "none"
    raise ValueError(Errors.XN218.format(missing=what, found=found, known=", ".join(keys)))


def _read_ent(span: Any, text: str) -> CharEnt:
    """RAISES (ValueError): XN219 if this is no span of the text."""
    values: List[Any] = list(span) if isinstance(span, list) else []
    if isinstance(span, dict):
        keys = (START_KEYS, END_KEYS, LABEL_KEYS)
        values = [next((span[key] for key in names if key in span), None) for names in keys]
    shown = json.dumps(span, ensure_ascii=False)
    if len(values) != 3 or type(values[0]) is not int or type(values[1]) is not int or not isinstance(values[2], str):
        raise ValueError(Errors.XN219.format(entity=shown, reason="is not of the form [start, end, label]"))
    start, end, label = values
    if not 0 <= start < end <= len(text):
        raise ValueError(Errors.XN219.format(entity=shown, reason=f"is not within the text's {len(text)} characters"))
    if not label.strip() or not text[start:end].strip():
        raise ValueError(Errors.XN219.format(entity=shown, reason="has no label, or nothing but spaces in it"))
    # No token begins or ends with the space that a hasty hand has marked with it.
    inner = text[start:end].lstrip()
    start = end - len(inner)
    return CharEnt(start, start + len(inner.rstrip()), label.strip())


def _check_overlap(ents: List[CharEnt], text: str) -> List[CharEnt]:
    for before, ent in pairwise(ents):
        if ent.start < before.end:
            shown = f"{text[ent.start : ent.end]!r} ({ent.start}, {ent.end})"
            reason = (
                f"overlaps {text[before.start : before.end]!r} ({before.start}, {before.end}): a token is in one entity"
            )
            raise ValueError(Errors.XN219.format(entity=shown, reason=reason))
    return ents


def cut_tokens(
    tokens: Doc, ents: Sequence[CharEnt], more_borders: Iterable[int] = ()
) -> Tuple[List[str], List[bool], List[TokenEnt]]:
    """Cut tokens where an entity begins or ends inside one, so that none is lost.

    Token "Berlin-based", entity "Berlin": "Berlin", "-based".

    tokens (Doc): A text as a tokenizer cuts it.
    ents (Sequence[CharEnt]): In order, not overlapping, neither beginning nor ending with space.
    more_borders (Iterable[int]): Where else to cut, in characters.
    RETURNS (Tuple[List[str], List[bool], List[TokenEnt]]): Words, whether a space follows each, and the entities.
    """
    text = tokens.text
    borders = sorted({*more_borders, *(border for ent in ents for border in (ent.start, ent.end))})
    words: List[str] = []
    spaces: List[bool] = []
    first_at: Dict[int, int] = {}
    next_at: Dict[int, int] = {}
    for token in tokens:
        start, stop = token.idx, token.idx + len(token)
        cuts = [start, *borders[bisect_right(borders, start) : bisect_left(borders, stop)], stop]
        for begin, end in pairwise(cuts):
            first_at[begin] = len(words)
            words.append(text[begin:end])
            spaces.append(False)
            next_at[end] = len(words)
        spaces[-1] = bool(token.whitespace_)
    return words, spaces, [TokenEnt(first_at[ent.start], next_at[ent.end], ent.label) for ent in ents]
