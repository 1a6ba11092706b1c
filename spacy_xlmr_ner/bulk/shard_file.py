"""The file of a shard: written aside and then named, so that it is whole wherever it is there."""

import os
from collections import Counter
from pathlib import Path
from typing import Dict, Iterable, List, NamedTuple, Sequence

from .annotator import Annotated
from .rows import Rejected, Row
from .shards import Shard
from .writers import ShardWriter, dump_json


class Written(NamedTuple):
    """What was written of a shard.

    n_texts (int): Rows in its file.
    rejected (List[Rejected]): Those that are not: could not be read, annotated, or held by the format.
    ents (Dict[str, int]): Entities by label.
    """

    n_texts: int
    rejected: List[Rejected]
    ents: Dict[str, int]


def write_shard(path: Path, shard: Shard, annotated: Annotated, writer: ShardWriter, *, aside: Path) -> Written:
    """Write a shard aside, have it on the disk, and give it its name. What had the name before is gone.

    path (Path): The file.
    shard (Shard), annotated (Annotated): The rows, and what became of them.
    writer (ShardWriter): The writer.
    aside (Path): A name beside it that nobody else writes to.
    RETURNS (Written): What was written.
    """
    failed = [
        Rejected(row.file, row.line, reason)
        for row, reason in zip(shard.rows, annotated.outcomes)
        if isinstance(reason, str)
    ]
    unfit = writer.write(aside, shard.rows, annotated)
    flush(aside)
    os.replace(aside, path)
    flush(path.parent)
    return Written(
        n_texts=len(shard.rows) - len(failed) - len(unfit),
        rejected=sorted([*shard.rejected, *failed, *unfit], key=lambda one: (one.file, one.line)),
        ents=count_labels(annotated, shard.rows, unfit),
    )


def count_labels(annotated: Annotated, rows: Sequence[Row], unfit: Sequence[Rejected]) -> Dict[str, int]:
    """Entities by label, of rows that the format could hold."""
    places = {(one.file, one.line) for one in unfit}
    counts = Counter(
        ent["label"]
        for row, ents in zip(rows, annotated.outcomes)
        if not isinstance(ents, str) and (row.file, row.line) not in places
        for ent in ents
    )
    return dict(sorted(counts.items()))


def dump_rejected(rejected: Iterable[Rejected]) -> bytes:
    """Rejected rows as JSON lines."""
    return b"".join(dump_json(one._asdict()) + b"\n" for one in rejected)


def flush(path: Path) -> None:
    """Have a file, or the names in a folder, on the disk."""
    if path.is_dir() and os.name == "nt":
        return
    descriptor = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
