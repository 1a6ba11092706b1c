"""The rows of all inputs, cut into shards: always at the same places, whatever was done before."""

from typing import Iterable, Iterator, List, NamedTuple, Sequence, Tuple

from .inputs import Input, InputReader
from .rows import START, Entry, Place, Rejected, Row
from .text_readers import ReadSettings

MAX_CHARS = 2_000_000  # in a shard; the row that reaches it is the last


class Position(NamedTuple):
    """Where reading has come to: the number of the input, the place in it, the digest of it if it is standard input."""

    number: int = 0
    place: Place = START
    digest: str = ""


class Shard(NamedTuple):
    """Rows that are annotated together.

    number (int): Its own, from 0.
    rows (List[Row]): The rows.
    rejected (List[Rejected]): Those that could not be read.
    end (Position): Where the next begins.
    n_bytes (int): How much of the files was read up to its end.
    """

    number: int
    rows: List[Row]
    rejected: List[Rejected]
    end: Position
    n_bytes: int


def cut_shards(
    inputs: Sequence[Input], settings: ReadSettings, *, size: int, start: Position, index: int
) -> Iterator[Shard]:
    """Cut what is to be read into shards.

    inputs (Sequence[Input]): The inputs.
    settings (ReadSettings): How rows are read.
    size (int): Rows in a shard, rejected ones included, at most; long texts make it fewer.
    start (Position): Where to begin.
    index (int): The number of the first shard.
    RETURNS (Iterator[Shard]): Shards that are not empty.
    """
    return gather_shards(_read_all(inputs, settings, start), size=size, end=start, index=index)


def _read_all(
    inputs: Sequence[Input], settings: ReadSettings, start: Position
) -> Iterator[Tuple[Entry, Position, int]]:
    """The rows of all inputs, with where reading has come to and how much of the files that is."""
    n_before = sum(one.size for one in inputs[: start.number])
    for number in range(start.number, len(inputs)):
        reader = InputReader(inputs[number], settings)
        own_start = start if number == start.number else Position()
        for entry, place in reader.read(own_start.place, own_start.digest):
            yield entry, Position(number, place, reader.digest), n_before + reader.n_bytes
        n_before += inputs[number].size


def gather_shards(
    read: Iterable[Tuple[Entry, Position, int]], *, size: int, end: Position, index: int
) -> Iterator[Shard]:
    """Gather rows to shards, as cut_shards has them.

    read (Iterable[Tuple[Entry, Position, int]]): Rows, the position behind each, and how much of the files that is.
    size (int), index (int): As in cut_shards.
    end (Position): Where the rows begin.
    YIELDS (Shard): Shards that are not empty.
    """
    entries: List[Entry] = []
    n_chars = n_bytes = 0
    for entry, end, n_bytes in read:
        entries.append(entry)
        n_chars += _weigh(entry)
        if len(entries) == size or n_chars >= MAX_CHARS:
            yield _make_shard(index, entries, end, n_bytes)
            entries, n_chars, index = [], 0, index + 1
    if entries:
        yield _make_shard(index, entries, end, n_bytes)


def _make_shard(index: int, entries: Sequence[Entry], end: Position, n_bytes: int) -> Shard:
    rows = [entry for entry in entries if isinstance(entry, Row)]
    rejected = [entry for entry in entries if isinstance(entry, Rejected)]
    return Shard(index, rows, rejected, end, n_bytes)


def _weigh(entry: Entry) -> int:
    """About how much memory a row takes, in characters."""
    if isinstance(entry, Rejected):
        return len(entry.reason)
    others = sum(len(value) for value in entry.fields.values() if isinstance(value, (str, bytes, list, dict)))
    return len(entry.text) + others + len(entry.doc or b"")
