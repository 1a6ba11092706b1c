"""Rows of files of text: lines, whole files, JSON lines, CSV."""

import csv
import json
from dataclasses import dataclass
from typing import Any, Dict, Iterator, List, NoReturn, Optional, Tuple, Union

from ..errors import Errors
from .rows import Entry, Place, Rejected, Row, Step, collect_fields
from .streams import DamagedInputError, RawLine, Stream

CARRIAGE_RETURN = "\r"
DELIMITERS = (",", "\t", ";", "|")
# Of lists and objects in each other: writing them, and sending them to a process, takes more of the stack than reading.
MAX_DEPTH = 100


@dataclass(frozen=True)
class ReadSettings:
    """How rows are read.

    max_chars (int): The longest text.
    """

    text_field: str = "text"
    id_field: str = "id"
    max_chars: int = 1_000_000

    @property
    def max_bytes(self) -> int:
        """The longest line that is looked at. A character takes four bytes in UTF-8, and twelve escaped in JSON."""
        return 12 * self.max_chars + 2**20


def read_texts(stream: Stream, settings: ReadSettings, start: Place) -> Iterator[Step]:
    """A text a line; empty ones too."""
    stream.skip(start)
    for line in stream.read_lines(settings.max_bytes, start):
        text = decode_line(line, stream.path, settings)
        yield Step(text if isinstance(text, Rejected) else make_row(text, stream.path, line.place.lines), line.place)


def read_whole(stream: Stream, settings: ReadSettings, start: Place) -> Iterator[Step]:
    """The file as one text."""
    if start.entries:
        return
    data = stream.read_all(settings.max_bytes)
    place = Place(1, 1, stream.offset)
    text = decode_line(RawLine(data, place, stream.offset), stream.path, settings)
    if isinstance(text, Rejected):
        yield Step(text, place)
        return
    row = make_row(text.removeprefix("\ufeff"), stream.path, 1)
    yield Step(row._replace(id=stream.path), place)


def read_json_lines(stream: Stream, settings: ReadSettings, start: Place) -> Iterator[Step]:
    """An object a line; lines of whitespace are passed over."""
    stream.skip(start)
    for line in stream.read_lines(settings.max_bytes, start):
        if line.data is not None and not line.data.strip():
            continue
        yield Step(_read_object(line, stream.path, settings), line.place)


def read_csv(stream: Stream, settings: ReadSettings, start: Place) -> Iterator[Step]:
    """Comma- (or tab-, semicolon-, bar-)separated values, with a header.

    Where a quote is opened that is not closed as it should, its line is rejected, and those behind it are rows again.

    RAISES (DamagedInputError): XN222 if there is no reading the header, XN282 if it does not name the text, XN285 if it
        names a column twice.
    """
    lines = CsvLines(stream, settings)
    header_line = lines.read_header()
    delimiter, header = find_header(header_line, stream.path, settings)
    if start.entries:
        stream.skip(start)
    lines.place = start if start.entries else lines.place
    csv.field_size_limit(settings.max_bytes)
    rows = csv.reader(lines, delimiter=delimiter, strict=True)
    entries = start.entries
    while True:
        lines.begin_row()
        try:
            values: Optional[List[str]] = next(rows, None)
            reason = lines.reason
        except csv.Error as err:
            values, reason = [], Errors.XN283.format(reason=str(err) + lines.describe_span())
            lines.go_back()
            rows = csv.reader(lines, delimiter=delimiter, strict=True)
        if values is None and not reason:
            return
        if not values and not reason:
            continue  # an empty line
        entries += 1
        place = lines.place._replace(entries=entries)
        if values and not reason and len(values) != len(header):
            reason = Errors.XN284.format(n=len(values), expected=len(header), span=lines.describe_span())
        if reason:
            yield Step(Rejected(stream.path, lines.first, reason), place)
        else:
            record = dict(zip(header, values or []))
            yield Step(make_record_row(record, stream.path, lines.first, settings), place)


class CsvLines:
    """Feeds lines to csv.reader, which asks for more while a quoted field is open; notes which could not be read."""

    def __init__(self, stream: Stream, settings: ReadSettings):
        self.stream, self.settings = stream, settings
        self.place = Place()
        self.reason = ""
        self._row: List[RawLine] = []

    @property
    def first(self) -> int:
        """The number of the row's first line."""
        return self._row[0].place.lines

    def begin_row(self) -> None:
        """Forget the row before, and what was wrong with it."""
        self._row, self.reason = [], ""

    def go_back(self) -> None:
        """Have what follows the row's first line be read once more."""
        first, *others = self._row
        self.stream.put_back(first, others)
        self.place = first.place

    def describe_span(self) -> str:
        """Which lines the row is of, for a message; nothing where it is but one."""
        return f", from line {self.first} to {self.place.lines}" if len(self._row) > 1 else ""

    def read_header(self) -> str:
        """The first line. RAISES (DamagedInputError): XN222 if it cannot be read."""
        self.begin_row()
        line = next(self, "")
        if self.reason:
            reason = f"in its header, {self.reason.rstrip('.')}"
            raise DamagedInputError(Errors.XN222.format(path=self.stream.path, reason=reason))
        return line

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = next(self.stream.read_lines(self.settings.max_bytes, self.place), None)
        if line is None:
            raise StopIteration
        self.place = line.place
        self._row.append(line)
        text = decode_line(line, self.stream.path, None)
        if isinstance(text, Rejected):
            self.reason = self.reason or text.reason
            return "\n"
        return text + "\n"


def find_header(line: str, path: str, settings: ReadSettings) -> Tuple[str, List[str]]:
    """The delimiter, which is the first that makes the header name the text, and the names of the columns."""
    for delimiter in DELIMITERS:
        try:
            header = next(csv.reader([line], delimiter=delimiter), [])
        except csv.Error as err:
            reason = f"in its header, {Errors.XN226 if CARRIAGE_RETURN in line else err}"
            raise DamagedInputError(Errors.XN222.format(path=path, reason=reason.rstrip("."))) from err
        if settings.text_field in header:
            break
    else:
        raise DamagedInputError(Errors.XN282.format(path=path, field=settings.text_field, found=line.strip()[:200]))
    if len(set(header)) < len(header):
        raise DamagedInputError(Errors.XN285.format(path=path, found=", ".join(header)))
    return delimiter, header


def decode_line(line: RawLine, path: str, settings: Optional[ReadSettings]) -> Union[str, Rejected]:
    """The text of a line. With settings, one that is too long is rejected."""
    number = line.place.lines
    if line.data is None:
        return Rejected(path, number, Errors.XN286.format(n=line.n_bytes, unit="bytes"))
    try:
        text = line.data.decode("utf8")
    except UnicodeDecodeError as err:
        found = f"byte 0x{line.data[err.start]:02x} at place {err.start + 1}"
        return Rejected(path, number, Errors.XN216.format(reason=found))
    if settings is not None and len(text) > settings.max_chars:
        return Rejected(path, number, Errors.XN286.format(n=len(text), unit="characters"))
    return text


def _read_object(line: RawLine, path: str, settings: ReadSettings) -> Entry:
    text = decode_line(line, path, None)
    if isinstance(text, Rejected):
        return text
    number = line.place.lines
    try:
        record = json.loads(text, parse_constant=_refuse_constant)
        if text.count("[") + text.count("{") > MAX_DEPTH:
            _check_depth(record)
    except (ValueError, RecursionError) as err:
        return Rejected(path, number, Errors.XN217.format(reason=str(err) or type(err).__name__))
    if not isinstance(record, dict):
        return Rejected(path, number, Errors.XN217.format(reason=f"it holds no object but {type(record).__name__}"))
    return make_record_row(record, path, number, settings)


def _check_depth(value: Any) -> None:
    """RAISES (ValueError): If it is nested so deep that not all that has to do with it can follow."""
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [one for part in level for one in (part.values() if isinstance(part, dict) else part)]
        level = [one for one in level if isinstance(one, (dict, list))]
    if level:
        raise ValueError(f"it is nested more than {MAX_DEPTH} deep")


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def make_record_row(record: Dict[str, Any], path: str, line: int, settings: ReadSettings) -> Entry:
    """A row of named values, or why it cannot be one."""
    text = record.get(settings.text_field)
    if not isinstance(text, str):
        found = "has none" if settings.text_field not in record else f"has {type(text).__name__} in it"
        return Rejected(path, line, Errors.XN288.format(field=settings.text_field, found=found))
    if len(text) > settings.max_chars:
        return Rejected(path, line, Errors.XN286.format(n=len(text), unit="characters"))
    try:
        fields = collect_fields(record, id_field=settings.id_field, text_field=settings.text_field)
    except KeyError as err:
        return Rejected(path, line, Errors.XN289.format(field=err.args[0]))
    row = make_row(text, path, line)._replace(fields=fields)
    own_id = record.get(settings.id_field)
    is_missing = own_id is None or own_id != own_id  # pandas has NaN for none
    return row if is_missing else row._replace(id=own_id)


def make_row(text: str, path: str, line: int) -> Row:
    """A row whose id is its place."""
    return Row(f"{path}:{line}", text, {}, path, line)
