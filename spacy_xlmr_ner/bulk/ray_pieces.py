"""The parts of files that the workers of a cluster read side by side, cut without reading a file in one place."""

import os
import sys
from itertools import takewhile
from typing import Callable, Dict, Iterator, List, NamedTuple, Optional, Sequence

from .._compat import require_extra
from ..errors import Errors
from .inputs import Input, InputReader, check_unchanged
from .rows import START, Entry, Place, Rejected
from .shards import Position, Shard, gather_shards
from .streams import CHUNK, EXTRA, STDIN, Stream
from .text_readers import ReadSettings

PIECE_SIZE = 2**26  # bytes
END = Place(sys.maxsize, sys.maxsize, sys.maxsize)
LINE_FORMATS = ("txt", "jsonl")  # where each line that ends is the end of a row; in CSV it may be inside quotes


class Piece(NamedTuple):
    """A part of an input, read by one task.

    number (int): Of the input.
    source (Input): The input.
    opened (str): Its path as workers open it: theirs is another working directory.
    start (Place): Where to begin.
    end (Place): Where the next piece begins.
    """

    number: int
    source: Input
    opened: str
    start: Place
    end: Place


class Range(NamedTuple):
    """Bytes of a file, half-open."""

    path: str
    start: int
    stop: int


class LineCount(NamedTuple):
    """The ends of lines in a range: how many, and the offset behind the first, if there is one."""

    n: int
    first: Optional[int]


def plan_pieces(inputs: Sequence[Input], count: Callable[[List[Range]], List[LineCount]], *, size: int) -> List[Piece]:
    """Cut inputs into pieces of about a size.

    Lines of text and of JSON are cut where a line begins; so that each has the number that it has in the file, the
    ends of lines are counted first. A table of Parquet is cut between its groups of rows. Packed files, CSV, docs and
    files that are one text are a piece each.

    inputs (Sequence[Input]): Them.
    count (Callable): Counts the ends of lines in ranges, as count_lines does in one; on a cluster side by side.
    size (int): In bytes.
    RETURNS (List[Piece]): In the order of the rows.
    RAISES (ValueError): XN249 for standard input.
    """
    if any(one.path == STDIN for one in inputs):
        raise ValueError(Errors.XN249)
    ranges: Dict[int, List[Range]] = {
        number: cut_ranges(one, size) for number, one in enumerate(inputs) if _has_free_lines(one, size)
    }
    counts = iter(count([one for cut in ranges.values() for one in cut]))
    pieces: List[Piece] = []
    for number, source in enumerate(inputs):
        starts = [START]
        if number in ranges:
            starts = find_line_starts([next(counts) for _ in ranges[number]], source.size)
        elif source.format == "parquet":
            starts = find_group_starts(source.path, size)
        path = os.path.abspath(source.path)
        pieces += [Piece(number, source, path, *places) for places in zip(starts, [*starts[1:], END])]
    return pieces


def _has_free_lines(source: Input, size: int) -> bool:
    if source.format not in LINE_FORMATS or source.size <= size:
        return False
    with Stream(source.path) as stream:
        return not stream.is_packed


def cut_ranges(source: Input, size: int) -> List[Range]:
    """A file in ranges of a size."""
    return [Range(os.path.abspath(source.path), i, min(i + size, source.size)) for i in range(0, source.size, size)]


def count_lines(range: Range) -> LineCount:
    """Count the ends of lines in a range."""
    n, first = 0, None
    with open(range.path, "rb") as file:
        file.seek(range.start)
        offset = range.start
        while data := file.read(min(CHUNK, range.stop - offset)):
            if first is None and b"\n" in data:
                first = offset + data.index(b"\n") + 1
            n += data.count(b"\n")
            offset += len(data)
    return LineCount(n, first)


def find_line_starts(counts: Sequence[LineCount], size: int) -> List[Place]:
    """Where the first line that begins in each range but the first begins, and how many are before it.

    counts (Sequence[LineCount]): Of the ranges of a file, in order.
    size (int): The size of the file.
    RETURNS (List[Place]): START, and the others. A range within one line has none.
    """
    starts, n_before = [START], 0
    for i, count in enumerate(counts):
        if i and count.first is not None and count.first < size:
            starts.append(Place(n_before + 1, n_before + 1, count.first))
        n_before += count.n
    return starts


def find_group_starts(path: str, size: int) -> List[Place]:
    """Where the rows of a Parquet file can be cut. A damaged file is one piece: reading it says what is wrong."""
    pyarrow = require_extra("pyarrow", extra=EXTRA)
    parquet = require_extra("pyarrow.parquet", extra=EXTRA)
    try:
        data = parquet.read_metadata(path)
        groups = [data.row_group(i) for i in range(data.num_row_groups)]
        sizes = [(group.num_rows, group.total_byte_size) for group in groups]
    except (pyarrow.ArrowException, OSError):
        return [START]
    starts, n_rows, n_bytes = [START], 0, 0
    for rows, bytes in sizes:
        if n_bytes and n_bytes + bytes > size:
            starts.append(Place(n_rows, n_rows, 0))
            n_bytes = 0
        n_rows, n_bytes = n_rows + rows, n_bytes + bytes
    return starts


def read_piece(piece: Piece, settings: ReadSettings, *, shard_size: int) -> Iterator[Shard]:
    """Read the rows of a piece as they are read on one machine, in shards that are numbered from 0.

    piece (Piece): The piece.
    settings (ReadSettings): How rows are read.
    shard_size (int): Rows in a shard, at most.
    RETURNS (Iterator[Shard]): Shards that are not empty.
    RAISES (ValueError): XN242 if the file is not what it was. OSError: if there is no reading it.
    """
    source = piece.source._replace(path=piece.opened)
    check_unchanged(source)
    reader = InputReader(source, settings)
    steps = takewhile(lambda step: step.place.entries <= piece.end.entries, reader.read(piece.start))
    read = ((name_as_given(step.entry, piece), Position(piece.number, step.place), 0) for step in steps)
    return gather_shards(read, size=shard_size, end=Position(piece.number, piece.start), index=0)


def name_as_given(entry: Entry, piece: Piece) -> Entry:
    """A row whose file, and whose id if that is its place, are named as the user names the file."""
    opened, given = piece.opened, piece.source.path
    if isinstance(entry, Rejected):
        return Rejected(given, entry.line, entry.reason.replace(opened, given))
    if entry.id in (opened, f"{opened}:{entry.line}"):
        entry = entry._replace(id=given + entry.id[len(opened) :])
    return entry._replace(file=given)
