"""The numbered lines of a file, plain or gzipped, and those that are rejected."""

import gzip
import zlib
from pathlib import Path
from typing import BinaryIO, Callable, Iterator, List, NamedTuple, Union

from ..errors import Errors

GZIP_MAGIC = b"\x1f\x8b"
BYTE_ORDER_MARK = "\ufeff"
N_CHECKED = 2**16  # bytes


class Rejection(NamedTuple):
    """A line that was left out: the file, the line's number from 1, and why."""

    path: Path
    line: int
    reason: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.reason}"


class Line(NamedTuple):
    """A line without its end, and its number from 1."""

    number: int
    text: str


RawFile = Union[BinaryIO, gzip.GzipFile]
Reject = Callable[[int, str], None]
"""Called with the number of a line and why it is left out."""


def read_lines(path: Path, reject: Reject) -> List[Line]:
    """All lines of a file; iterate_lines has the arguments."""
    return list(iterate_lines(path, reject))


def iterate_lines(path: Path, reject: Reject) -> Iterator[Line]:
    r"""Read the lines of a file. Only \n and \r\n end one: tokens hold other characters that Python takes for ends.

    path (Path): In UTF-8, plain or gzipped, whatever its name.
    reject (Reject): Told of lines that are not in UTF-8 (XN216), or of several in one (XN226).
    YIELDS (Line): All others.
    RAISES (ValueError): XN222 if the file is damaged, or no text.
    """
    for number, raw in enumerate(_read_raw_lines(path), start=1):
        data = raw.removesuffix(b"\n").rstrip(b"\r")
        if b"\r" in data:
            reject(number, Errors.XN226)
            continue
        try:
            text = data.decode("utf8")
        except UnicodeDecodeError as err:
            reject(number, Errors.XN216.format(reason=f"byte 0x{data[err.start]:02x} at place {err.start + 1}"))
            continue
        yield Line(number, text.removeprefix(BYTE_ORDER_MARK) if number == 1 else text)


def _read_raw_lines(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        is_gzipped = file.read(2) == GZIP_MAGIC
        file.seek(0)
        if not is_gzipped:
            yield from _check_text(path, file)
            return
        try:
            with gzip.GzipFile(fileobj=file) as unpacked:
                yield from _check_text(path, unpacked)
        except (EOFError, gzip.BadGzipFile, zlib.error) as err:
            raise ValueError(Errors.XN222.format(path=path, reason=str(err).rstrip("."))) from err


def _check_text(path: Path, file: RawFile) -> RawFile:
    """Refuse what is no text as a whole: else each of its lines would be rejected."""
    if b"\0" in file.read(N_CHECKED):
        raise ValueError(Errors.XN222.format(path=path, reason="it holds NUL bytes; text must be in UTF-8"))
    file.seek(0)
    return file
