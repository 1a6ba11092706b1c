"""The bytes of a file or of standard input, plain, gzipped or in Zstandard, and the lines in them."""

import io
import sys
import zlib
from collections import deque
from contextlib import contextmanager
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import Any, BinaryIO, Callable, Deque, Iterator, NamedTuple, Optional, Sequence, cast

from .._compat import require_extra
from ..corpus.lines import GZIP_MAGIC
from ..errors import Errors
from .rows import START, Place

# The second begins frames that are passed over, as pzstd writes them; its first byte may be sixteen ones.
ZSTD_MAGIC, ZSTD_SKIPPED = b"\x28\xb5\x2f\xfd", b"\x2a\x4d\x18"
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
STDIN = "-"
EXTRA = "bulk"
CHUNK = 2**20  # bytes


class DamagedInputError(ValueError):
    """An input that cannot be read, or not to its end."""


class RawLine(NamedTuple):
    """A line without its end; None where it was too long to be kept. Place and digest are those behind it."""

    data: Optional[bytes]
    place: Place
    n_bytes: int
    digest: str = ""


class Unpacker(io.RawIOBase):
    """Unpacks a file of one or several packed parts.

    Other than the libraries' own readers it gives all that can be had of a file that was cut off, and then says so.

    packed (BinaryIO): The file.
    make (Callable): Makes what unpacks a part: zlib.decompressobj or the like.
    size (int): Bytes to unpack at a time: few, for they may become a thousand times as many.
    """

    def __init__(self, packed: BinaryIO, make: Callable[[], Any], *, size: int):
        self._packed, self._make, self._size = packed, make, size
        self._part = make()
        self._rest = b""
        self._ready = memoryview(b"")

    def readable(self) -> bool:
        """Yes."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read into a buffer. RETURNS (int): How many bytes; 0 at the end. RAISES (EOFError): If it was cut off."""
        while not self._ready:
            data = self._rest or self._packed.read(self._size)
            self._rest = b""
            if not data and self._part.eof:
                return 0
            if not data:
                raise EOFError("it ends before its end was marked")
            if self._part.eof:
                data = data.lstrip(b"\0")  # some tools fill up a block behind the end
                if not data:
                    continue
                self._part = self._make()
            self._ready = memoryview(self._part.decompress(data))
            self._rest = self._part.unused_data
        n = min(len(buffer), len(self._ready))
        buffer[:n], self._ready = self._ready[:n], self._ready[n:]
        return n


class Stream:
    """The bytes of an input, unpacked. A context manager.

    path (str): A file, or "-" for standard input.
    digest (str): What the digest of the bytes that `skip` passes over must be.
    RAISES (OSError): If it cannot be opened. ImportError: XN112 for Zstandard without the extra.
    """

    def __init__(self, path: str, *, digest: str = ""):
        self.path = path
        # __exit__ closes it.
        self.raw: BinaryIO = sys.stdin.buffer if path == STDIN else Path(path).open("rb")  # noqa: SIM115
        self.offset = 0
        # Of all bytes of standard input that were read; empty for a file, whose size and time tell what it is.
        self.digest = ""
        self._again: Deque[RawLine] = deque()
        self._digest = blake2b(digest_size=16) if path == STDIN else None
        self._expected = digest
        try:
            self.file, self.is_packed = self._unpack()
        except BaseException:
            self.__exit__()
            raise

    def __enter__(self) -> "Stream":
        return self

    def __exit__(self, *_: Any) -> None:
        if self.path != STDIN:
            self.raw.close()

    def read_line(self, limit: int) -> bytes:
        """The next line with its end, or its next `limit` bytes; nothing at the end."""
        with self._explain():
            return self._note(self.file.readline(limit))

    def read_lines(self, limit: int, start: Place = START) -> Iterator[RawLine]:
        r"""All lines from a place on. Only \n and \r\n end one.

        limit (int): The longest line, in bytes. What is longer is read over, a piece at a time.
        start (Place): Where to begin; `skip` goes there first.
        YIELDS (RawLine): The lines.
        RAISES (DamagedInputError): XN222 if the file is damaged.
        """
        entries, lines = start.entries, start.lines
        while self._again:
            line = self._again.popleft()
            entries, lines, self.digest = line.place.entries, line.place.lines, line.digest
            yield line
        while data := self.read_line(limit + 2):
            n_bytes = len(data)
            while not data.endswith(b"\n") and (more := self.read_line(CHUNK)):
                n_bytes, data = n_bytes + len(more), more
            entries, lines = entries + 1, lines + 1
            if lines == 1:
                data = data.removeprefix(BYTE_ORDER_MARK)
            text = data.removesuffix(b"\n").removesuffix(b"\r")
            is_kept = n_bytes <= limit + 2 and len(text) <= limit
            yield RawLine(text if is_kept else None, Place(entries, lines, self.offset), n_bytes, self.digest)

    def put_back(self, last: RawLine, lines: Sequence[RawLine]) -> None:
        """Have lines be read once more.

        last (RawLine): The line before them.
        lines (Sequence[RawLine]): All that were read behind it.
        """
        self._again.extendleft(reversed(lines))
        self.digest = last.digest

    def read_all(self, limit: int) -> Optional[bytes]:
        """All that is left, or None if it is more than `limit` bytes. RAISES (DamagedInputError): XN222."""
        with self._explain():
            data = self._note(self.file.read(limit + 1))
        return data if len(data) <= limit else None

    def skip(self, place: Place) -> None:
        """Go to a place. RAISES (ValueError): XN281 if standard input is not what it was."""
        if not self.is_packed and self._digest is None and self.raw.seekable():
            self.file.seek(place.offset)
            self.offset = place.offset
            return
        while self.offset < place.offset:
            with self._explain():
                data = self._note(self.file.read(min(CHUNK, place.offset - self.offset)))
            if not data:
                break
        if place.offset and self.digest != self._expected:
            raise ValueError(Errors.XN281.format(n=place.offset))

    def peek(self) -> bytes:
        """The first bytes of what is left, without taking them."""
        with self._explain():
            return bytes(self.file.peek(1))

    def _note(self, data: bytes) -> bytes:
        self.offset += len(data)
        if self._digest is not None:
            self._digest.update(data)
            self.digest = self._digest.hexdigest()
        return data

    def _unpack(self) -> Any:
        plain = self.raw if isinstance(self.raw, io.BufferedReader) else io.BufferedReader(cast(Any, self.raw))
        magic = plain.peek(4)[:4]
        if magic.startswith(GZIP_MAGIC):
            return io.BufferedReader(Unpacker(plain, partial(zlib.decompressobj, 31), size=2**14)), True
        if magic == ZSTD_MAGIC or (magic[1:] == ZSTD_SKIPPED and magic[0] & 0xF0 == 0x50):
            make = require_extra("zstandard", extra=EXTRA).ZstdDecompressor().decompressobj
            return io.BufferedReader(Unpacker(plain, make, size=2**11)), True
        return plain, False

    @contextmanager
    def _explain(self) -> Iterator[None]:
        """What is wrong with packed data, as a DamagedInputError."""
        try:
            yield
        except (EOFError, zlib.error) as err:
            raise DamagedInputError(Errors.XN222.format(path=self.path, reason=str(err).rstrip("."))) from err
        except Exception as err:
            if type(err).__module__.split(".")[0] not in ("zstd", "zstandard"):
                raise
            raise DamagedInputError(Errors.XN222.format(path=self.path, reason=str(err).rstrip("."))) from err
