"""What a bulk job reads and what becomes of it: rows, rejected rows, and places in the input."""

from typing import Any, Dict, List, NamedTuple, Optional, Union

OUT_FORMATS = ("jsonl", "parquet", "spacy")
# What stands in the way of ours in a row's other fields gets this prefix.
FIELD_PREFIX = "input_"
OWN_FIELDS = ("id", "text", "ents")


class Row(NamedTuple):
    """A text to be annotated.

    id (Any): As the input has it, or file:line.
    text (str): The text.
    fields (Dict[str, Any]): What else the row holds.
    file (str): The file that it is from, as it was named.
    line (int): The line that it begins in, from 1; in files without lines its number.
    doc (Optional[bytes]): The doc as spaCy writes it, where the input holds docs; its tokens are kept.
    """

    id: Any
    text: str
    fields: Dict[str, Any]
    file: str
    line: int
    doc: Optional[bytes] = None


class Rejected(NamedTuple):
    """A row that was left out: where it is, as in Row, and why."""

    file: str
    line: int
    reason: str


Entry = Union[Row, Rejected]


class Place(NamedTuple):
    """Where reading a file has come to, so that it can go on from there.

    entries (int): Rows that were read, rejected and empty ones included.
    lines (int): Lines that were read.
    offset (int): Bytes that were read, of what the file holds when it is unpacked.
    is_end (bool): Whether nothing more can be read.
    """

    entries: int = 0
    lines: int = 0
    offset: int = 0
    is_end: bool = False


START = Place()


class Step(NamedTuple):
    """A row, and the place behind it."""

    entry: Entry
    place: Place


# What annotating a row gives: its entities as describe_ents has them, or why there are none.
Outcome = Union[List[Dict[str, Any]], str]


def collect_fields(row: Dict[str, Any], *, id_field: str, text_field: str) -> Dict[str, Any]:
    """What a row holds beside its id and its text. Names that the output has itself get a prefix.

    RAISES (KeyError): If there is a field with that prefix as well; it is the argument.
    """
    fields: Dict[str, Any] = {}
    for name, value in row.items():
        if name in (id_field, text_field):
            continue
        own = FIELD_PREFIX + name if name in OWN_FIELDS else name
        if own in fields or (own != name and own in row):
            raise KeyError(own)
        fields[own] = value
    return fields
