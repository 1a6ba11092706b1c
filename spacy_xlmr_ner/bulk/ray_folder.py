"""The output folder of a job on a cluster: there when it is whole, and not before."""

import os
import shutil
import uuid
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, Dict, Iterator, List, NamedTuple, Sequence

from ..errors import Errors
from .annotator import Annotated
from .journal import LOCK, NEW, REJECTED, SUMMARY, lock_folder
from .shard_file import dump_rejected, flush, write_shard
from .shards import Shard
from .summary import Summary
from .writers import ShardWriter, dump_json

MAX_ATTEMPTS = 5


class Part(NamedTuple):
    """A shard that was written.

    piece (int), number (int): The number of its piece, and its own in that.
    is_last (bool): Whether it is the last of its piece.
    file (str): Its file, aside; empty if there were no rows.
    n_texts (int), n_rejected (int): Rows in it, and left out.
    ents (Dict[str, int]): Entities by label.
    """

    piece: int
    number: int
    is_last: bool
    file: str
    n_texts: int
    n_rejected: int
    ents: Dict[str, int]


def write_part(
    folder: Path, shard: Shard, annotated: Annotated, writer: ShardWriter, *, piece: int, is_last: bool, suffix: str
) -> Part:
    """Write a shard, and what of it was rejected beside it. Done again it writes the same files, so that none is twice.

    folder (Path): Where.
    shard (Shard), annotated (Annotated), writer (ShardWriter): As write_shard has them.
    piece (int), is_last (bool): As in Part.
    suffix (str): Of the format.
    RETURNS (Part): What was written.
    """
    if not shard.rows and not shard.rejected:
        return Part(piece, shard.number, is_last, "", 0, 0, {})
    path = folder / f"{piece:06}-{shard.number:06}{suffix}"
    mark = f".{uuid.uuid4().hex}{NEW}"  # a worker that was given up may still be at the same shard
    written = write_shard(path, shard, annotated, writer, aside=path.with_name(path.name + mark))
    if written.rejected:
        aside = path.with_name(path.name + mark)
        aside.write_bytes(dump_rejected(written.rejected))
        flush(aside)
        os.replace(aside, find_rejected(path))
    return Part(piece, shard.number, is_last, path.name, written.n_texts, len(written.rejected), written.ents)


def find_rejected(path: Path) -> Path:
    """The file of a part's rejected rows."""
    return path.with_name(path.name + ".rejected")


@contextmanager
def note_attempt(folder: Path, piece: int, shard: Shard) -> Iterator[None]:
    """Note that a shard is begun, until it is done: Ray would give one that ends its workers to the next forever.

    RAISES (RuntimeError): XN280 if it was begun too often.
    """
    path = folder / f"{piece:06}-{shard.number:06}.begun"
    with path.open("ab") as file:
        file.write(b".")
        n = file.tell()
    if n > MAX_ATTEMPTS:
        raise RuntimeError(
            Errors.XN280.format(n=n - 1, file=shard.rows[0].file, first=shard.rows[0].line, last=shard.rows[-1].line)
        )
    yield
    path.unlink(missing_ok=True)


class NewFolder:
    """A folder that is written aside, as `.<name>.new`, and gets its name when it is whole. A context manager.

    out (Path): The folder.
    RAISES (ValueError): XN223 if it is there and holds something; XN293 if another run is at work on it.
        OSError: XN228 if it cannot be made.
    """

    def __init__(self, out: Path):
        self.out = Path(os.path.abspath(out))
        self._check_new()
        self.aside = self.out.with_name(f".{self.out.name}{NEW}")
        self._lock = lock_folder(self.aside, out=out)
        self._clear([])  # what a run that was killed has left

    def __enter__(self) -> "NewFolder":
        return self

    def __exit__(self, *_: Any) -> None:
        self._lock.release()
        shutil.rmtree(self.aside, ignore_errors=True)

    def finish(self, parts: Sequence[Part], *, n_pieces: int, seconds: float) -> Summary:
        """Give the parts their names in the order of the rows, and the folder its own.

        parts (Sequence[Part]): All that was written.
        n_pieces (int): How many pieces were read.
        seconds (float): That it took.
        RETURNS (Summary): What was done.
        RAISES (RuntimeError): XN903 if a part was lost. FileNotFoundError: XN245 if a part is not here.
        """
        parts = order_parts(parts, n_pieces)
        summary = count_parts(parts, seconds)
        files = [self.aside / part.file for part in parts if part.file]
        with (self.aside / (REJECTED + NEW)).open("wb") as rejected:
            for number, path in enumerate(files):
                self._name_part(path, self.aside / f"part-{number:05}{path.suffix}", rejected)
        names = [f"part-{number:05}{path.suffix}" for number, path in enumerate(files)]
        if summary.n_rejected:
            os.replace(self.aside / (REJECTED + NEW), self.aside / REJECTED)
            flush(self.aside / REJECTED)
        (self.aside / SUMMARY).write_bytes(dump_json(asdict(summary)) + b"\n")
        flush(self.aside / SUMMARY)
        self._clear([*names, REJECTED, SUMMARY])
        flush(self.aside)
        self._check_new()
        if self.out.is_dir():
            self.out.rmdir()
        os.replace(self.aside, self.out)
        return summary

    def _name_part(self, path: Path, named: Path, rejected: Any) -> None:
        """Give a part its name, and add its rejected rows to the others."""
        if not path.exists():
            raise FileNotFoundError(Errors.XN245.format(path=path))
        os.replace(path, named)
        if find_rejected(path).exists():
            with find_rejected(path).open("rb") as file:
                shutil.copyfileobj(file, rejected)

    def _check_new(self) -> None:
        if self.out.is_file() or (self.out.is_dir() and any(self.out.iterdir())):
            expected = "a folder that is new or empty"
            raise ValueError(Errors.XN223.format(option="--out", found=str(self.out), expected=expected))

    def _clear(self, known: Sequence[str]) -> None:
        for path in self.aside.iterdir():
            if path.name not in {*known, LOCK}:
                path.unlink()


def order_parts(parts: Sequence[Part], n_pieces: int) -> List[Part]:
    """All parts in the order of the rows, each once. RAISES (RuntimeError): XN903 if one is missing."""
    found = {(part.piece, part.number): part for part in parts}
    ordered: List[Part] = []
    for piece in range(n_pieces):
        number, is_last = 0, False
        while not is_last:
            part = found.get((piece, number))
            if part is None:
                raise RuntimeError(Errors.XN903.format(piece=piece, number=number))
            ordered.append(part)
            number, is_last = number + 1, part.is_last
    return ordered


def count_parts(parts: Sequence[Part], seconds: float) -> Summary:
    """What was done in all."""
    summary = Summary(seconds=round(seconds, 3))
    for part in parts:
        if part.file:
            summary.add(part.n_texts, part.n_rejected, part.ents)
    return summary
