"""The output folder of a job: its shards, and the manifest that says which of them are done.

A shard is written aside and renamed; then its rejected rows are added to rejected.jsonl, then a line to the manifest.
Whenever that is cut short, opening the folder again takes back what the manifest does not know of.
"""

import json
import os
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional, Sequence, Tuple

from filelock import FileLock, Timeout

from ..errors import Errors
from .annotator import Annotated
from .records import ShardRecord
from .rows import Rejected
from .shard_file import dump_rejected, write_shard
from .shards import Position, Shard
from .summary import Summary
from .writers import ShardWriter, dump_json

MANIFEST = "manifest.jsonl"
REJECTED = "rejected.jsonl"
SUMMARY = "summary.json"
LOCK = ".lock"
NEW = ".new"
VERSION = 1


class Journal:
    """A job's output folder. A context manager: it is locked against other runs, and free again when its owner dies.

    out (Path): The folder; made if need be.
    header (Dict[str, Any]): What the shards depend on: inputs and settings.
    suffix (str): Of the shards.
    resume (bool): Whether to go on with what was begun there.
    RAISES (ValueError): XN293 if another run is at work on it; XN294 if it holds files and `resume` is not set;
        XN292 if it was begun with another header; XN296 if what is in it was changed. OSError: XN228 if it cannot be
        made, XN295 if the disk is full.
    """

    def __init__(self, out: Path, header: Dict[str, Any], *, suffix: str, resume: bool):
        self.out, self.suffix = out, suffix
        self._check_foreign()
        self._lock = lock_folder(out, out=out)
        try:
            with self.explain_full_disk(Summary()):
                self.records = self._open(header, resume)
        except BaseException:
            self._lock.release()
            raise

    def __enter__(self) -> "Journal":
        return self

    def __exit__(self, *_: Any) -> None:
        self._lock.release()

    @property
    def end(self) -> Position:
        """Where reading goes on."""
        return self.records[-1].end if self.records else Position()

    def commit(self, shard: Shard, annotated: Annotated, writer: ShardWriter, *, seconds: float) -> ShardRecord:
        """Write a shard and say that it is done. RETURNS (ShardRecord): What the manifest says of it."""
        path = self.find_path(shard.number)
        aside = path.with_name("." + path.name + NEW)
        written = write_shard(path, shard, annotated, writer, aside=aside)
        record = ShardRecord(
            file=path.name,
            n_texts=written.n_texts,
            n_rejected=len(written.rejected),
            ents=written.ents,
            n_bytes=path.stat().st_size,
            rejected_bytes=self._add_rejected(written.rejected),
            end=shard.end,
            seconds=round(seconds, 3),
        )
        self._add(MANIFEST, dump_json(record.to_json()) + b"\n")
        self.records.append(record)
        return record

    def finish(self, summary: Summary) -> None:
        """Write what was done in all."""
        (self.out / SUMMARY).write_bytes(dump_json(asdict(summary)) + b"\n")

    @contextmanager
    def explain_full_disk(self, summary: Summary) -> Iterator[None]:
        """What could not be written, as XN295 with what is done."""
        try:
            yield
        except OSError as err:
            n_texts, n_shards = summary.n_texts, summary.n_shards
            reason = err.strerror or str(err)
            message = Errors.XN295.format(reason=reason, out=self.out, n_texts=n_texts, n_shards=n_shards)
            raise OSError(message) from err

    def find_path(self, index: int) -> Path:
        """The file of a shard."""
        return self.out / f"part-{index:05}{self.suffix}"

    def _check_foreign(self) -> None:
        """Refuse a folder that is another's before anything is put there."""
        if self.out.is_file():
            raise ValueError(Errors.XN223.format(option="--out", found=str(self.out), expected="a folder"))
        if self.out.is_dir() and not (self.out / MANIFEST).exists():
            self._check_empty()

    def _check_empty(self) -> None:
        found = sorted(path.name for path in self.out.iterdir() if path.name not in (LOCK, MANIFEST))
        if found:
            raise ValueError(Errors.XN294.format(out=self.out, found=", ".join(found[:3])))

    def _open(self, header: Dict[str, Any], resume: bool) -> List[ShardRecord]:
        """What is done. Nothing is changed before it is sure that the folder is this job's."""
        path = self.out / MANIFEST
        data = path.read_bytes() if path.exists() else b""
        if data and not resume:
            raise ValueError(Errors.XN294.format(out=self.out, found=MANIFEST))
        whole = data[: data.rfind(b"\n") + 1]  # a last line may not have been written to its end
        if not whole:
            self._begin(header, data)
            return []
        try:
            first, *lines = (json.loads(line) for line in whole.splitlines())
            self._check_header(dict(first), header)
            records = [ShardRecord.from_json(line) for line in lines]
        except (ValueError, TypeError, KeyError, RecursionError) as err:
            if isinstance(err, ValueError) and str(err).startswith("[XN"):
                raise
            raise ValueError(Errors.XN296.format(path=path, reason=str(err) or type(err).__name__)) from None
        for record in records:
            self._check_shard(record)
        if len(whole) < len(data):
            os.truncate(path, len(whole))
        self._remove_unknown([record.file for record in records])
        self._cut_rejected(records[-1].rejected_bytes if records else 0)
        return records

    def _begin(self, header: Dict[str, Any], begun: bytes) -> None:
        """Write the header, or what is missing of it."""
        self._check_empty()
        line = dump_json({"version": VERSION, **header}) + b"\n"
        if not line.startswith(begun):
            path = self.out / MANIFEST
            raise ValueError(Errors.XN296.format(path=path, reason="it was begun by another job, or by something else"))
        self._add(MANIFEST, line[len(begun) :])

    def _check_header(self, found: Dict[str, Any], header: Dict[str, Any]) -> None:
        given = json.loads(dump_json({"version": VERSION, **header}))
        for key in dict.fromkeys([*found, *given]):
            if found.get(key) != given.get(key):
                what, difference = describe_difference(key, found.get(key), given.get(key))
                raise ValueError(Errors.XN292.format(out=self.out, what=what, difference=difference))

    def _check_shard(self, record: ShardRecord) -> None:
        path = self.out / record.file
        if not path.is_file():
            raise ValueError(Errors.XN296.format(path=path, reason="it is gone"))
        if path.stat().st_size != record.n_bytes:
            reason = f"it has {path.stat().st_size} bytes, not {record.n_bytes}"
            raise ValueError(Errors.XN296.format(path=path, reason=reason))

    def _remove_unknown(self, known: Sequence[str]) -> None:
        """Take away shards that the manifest does not know of, and what was being written."""
        for path in [*self.out.glob(f"part-*{self.suffix}"), *self.out.glob(f".part-*{self.suffix}{NEW}")]:
            if path.name not in known:
                path.unlink()

    def _cut_rejected(self, n_bytes: int) -> None:
        path = self.out / REJECTED
        size = path.stat().st_size if path.exists() else 0
        if size < n_bytes:
            raise ValueError(Errors.XN296.format(path=path, reason=f"it has {size} bytes, not {n_bytes}"))
        if size > n_bytes:
            os.truncate(path, n_bytes)

    def _add_rejected(self, rejected: Sequence[Rejected]) -> int:
        """Add to rejected.jsonl. RETURNS (int): Its size then."""
        if rejected:
            self._add(REJECTED, dump_rejected(rejected))
        path = self.out / REJECTED
        return path.stat().st_size if path.exists() else 0

    def _add(self, name: str, data: bytes) -> None:
        with (self.out / name).open("ab") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())


def lock_folder(folder: Path, *, out: Path) -> FileLock:
    """Lock a folder against other runs, until it is released or its owner dies.

    folder (Path): The folder; made if need be.
    out (Path): The one that is asked for, for the message.
    RETURNS (FileLock): The lock, which is held.
    RAISES (ValueError): XN293 if another run has it. OSError: XN228 if it cannot be made.
    """
    lock = FileLock(folder / LOCK, timeout=0)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout:
        raise ValueError(Errors.XN293.format(out=out)) from None
    except OSError as err:
        raise OSError(Errors.XN228.format(out=out, reason=err.strerror or str(err))) from err
    return lock


def describe_difference(key: str, found: Any, given: Any) -> Tuple[str, str]:
    """What is different between two headers, for a message."""
    if key != "inputs":
        return "settings", f"`{key}` was {found!r} and is {given!r}"
    former = {one["path"]: one for one in found or []}
    present = {one["path"]: one for one in given or []}
    for path, one in former.items():
        other: Optional[Dict[str, Any]] = present.get(path)
        if other is None:
            return "files", f"'{path}' was among them and is not"
        if other != one:
            said = [f"`{name}` was {one[name]} and is {other[name]}" for name in one if one[name] != other.get(name)]
            return "files", f"'{path}' was changed since: {', '.join(said)}"
    added = [path for path in present if path not in former]
    return "files", f"'{added[0]}' is new" if added else "they came in another order"
