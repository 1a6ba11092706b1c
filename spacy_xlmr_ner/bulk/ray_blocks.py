"""What Ray Data calls in its workers: a source that reads shards, actors that annotate them, a sink that writes them.

A row of Ray's is a shard, so that rows keep their order and their types, whatever is in them.
"""

from functools import partial
from pathlib import Path
from typing import Any, Iterable, Iterator, List, Optional, Sequence, Tuple

import pyarrow
import ray
import spacy
from ray import cloudpickle
from ray.data import Datasource
from ray.data.block import BlockAccessor, BlockMetadata
from ray.data.datasource import Datasink, ReadTask, WriteResult

from ..errors import Errors
from .annotator import Annotator
from .ray_folder import Part, note_attempt, write_part
from .ray_pieces import Piece, read_piece
from .rows import Rejected, Row
from .shards import Position, Shard
from .text_readers import ReadSettings, make_record_row
from .workers import AnnotatorSettings, make_annotator
from .writers import make_ents_type, make_writer

# The columns that annotating a dataset adds.
ENTS, REJECTED = "ents", "rejected"


class ShardSource(Datasource):
    """Reads pieces of files, a task each, in shards.

    pieces (Sequence[Piece]): The pieces.
    settings (ReadSettings): How rows are read.
    shard_size (int): Rows in a shard, at most.
    """

    def __init__(self, pieces: Sequence[Piece], settings: ReadSettings, *, shard_size: int):
        super().__init__()
        self.pieces, self.settings, self.shard_size = pieces, settings, shard_size

    def estimate_inmemory_data_size(self) -> Optional[int]:
        """Not known: files may be packed."""
        return None

    def get_read_tasks(self, parallelism: int, *_: Any, **__: Any) -> List[ReadTask]:
        """A task for each piece, however many Ray would have."""
        tasks = []
        for number, piece in enumerate(self.pieces):
            read = partial(read_blocks, number, piece, self.settings, self.shard_size)
            about = BlockMetadata(num_rows=None, size_bytes=None, exec_stats=None, input_files=[piece.opened])
            tasks.append(ReadTask(read, about))
        return tasks


def read_blocks(number: int, piece: Piece, settings: ReadSettings, shard_size: int) -> Iterator[pyarrow.Table]:
    """The shards of a piece, a table of one row each; an empty one where there are none, so that no piece is lost."""
    empty = Shard(0, [], [], Position(), 0)
    for shard, is_last in mark_last(read_piece(piece, settings, shard_size=shard_size), empty):
        yield pyarrow.table({"piece": [number], "is_last": [is_last], "shard": [cloudpickle.dumps(shard)]})


def mark_last(shards: Iterator[Shard], empty: Shard) -> Iterator[Tuple[Shard, bool]]:
    """Shards, and whether each is the last. Where there are none, an empty one."""
    shard = next(shards, empty)
    for following in shards:
        yield shard, False
        shard = following
    yield shard, True


class LoadedPipeline:
    """What actors have in common: the pipeline, loaded once.

    settings (AnnotatorSettings): What it is.
    """

    def __init__(self, settings: AnnotatorSettings):
        self._annotator: Optional[Annotator] = None
        try:
            self._annotator = make_annotator_of_actor(settings)
        except Exception as err:
            self._fault = err  # of an actor that cannot be made Ray says no more than that it has died

    @property
    def annotator(self) -> Annotator:
        """What annotates. RAISES (Exception): Why there is none."""
        if self._annotator is None:
            raise self._fault
        if has_gpu():
            spacy.prefer_gpu()  # which holds for a thread, and Ray calls from several
        return self._annotator


def make_annotator_of_actor(settings: AnnotatorSettings) -> Annotator:
    """make_annotator, on the actor's GPU if it has one."""
    if not has_gpu() or spacy.prefer_gpu():
        return make_annotator(settings)
    # spaCy needs cupy for a GPU, this component's own network does not.
    return make_annotator(settings, {"device": "cuda:0"})


def has_gpu() -> bool:
    """Whether this actor was given one."""
    return bool(ray.get_runtime_context().get_accelerator_ids().get("GPU"))


class ShardAnnotator(LoadedPipeline):
    """Annotates shards.

    settings (AnnotatorSettings): The pipeline.
    folder (Path): Where it is noted what shards are begun.
    """

    def __init__(self, settings: AnnotatorSettings, folder: Path):
        super().__init__(settings)
        self.folder = folder

    def __call__(self, table: pyarrow.Table) -> pyarrow.Table:
        """Put what became of its rows beside each shard."""
        annotated = [self._annotate(row["piece"], cloudpickle.loads(row["shard"])) for row in table.to_pylist()]
        return table.append_column("annotated", pyarrow.array(annotated, pyarrow.binary()))

    def _annotate(self, piece: int, shard: Shard) -> bytes:
        with note_attempt(self.folder, piece, shard):
            return bytes(cloudpickle.dumps(self.annotator.annotate(shard.rows)))


class ShardSink(Datasink[List[Part]]):
    """Writes shards that were annotated.

    folder (Path): Where.
    format (str): Of the files.
    first (Path): A file that has the columns of all of them, if they are tables.
    """

    def __init__(self, folder: Path, format: str, first: Path):
        self.folder, self.format, self.first = folder, format, first
        self.parts: List[Part] = []

    def write(self, blocks: Iterable[Any], ctx: Any) -> List[Part]:
        """In a worker. RETURNS (List[Part]): What was written."""
        writer = make_writer(self.format, self.first)
        parts = []
        for block in blocks:
            for row in BlockAccessor.for_block(block).to_arrow().to_pylist():
                shard, annotated = cloudpickle.loads(row["shard"]), cloudpickle.loads(row["annotated"])
                place = {"piece": row["piece"], "is_last": row["is_last"], "suffix": f".{self.format}"}
                parts.append(write_part(self.folder, shard, annotated, writer, **place))
        return parts

    def on_write_complete(self, write_result: WriteResult[List[Part]]) -> None:
        """Where the job was begun: all that was written."""
        self.parts = [part for parts in write_result.write_returns for part in parts]


class TableAnnotator(LoadedPipeline):
    """Annotates the rows of a table.

    settings (AnnotatorSettings): The pipeline.
    text_field (str): The column that has the texts.
    """

    def __init__(self, settings: AnnotatorSettings, text_field: str):
        super().__init__(settings)
        self.text_field = text_field

    def __call__(self, table: pyarrow.Table) -> pyarrow.Table:
        """Add the columns of entities and of reasons why a row has none.

        RAISES (ValueError): XN246 if there is a column of that name; XN247 if there is none of texts.
        """
        check_columns(table.column_names, self.text_field)
        texts = table[self.text_field].to_pylist()
        settings = ReadSettings(text_field=self.text_field)
        entries = [make_record_row({self.text_field: text}, "", i, settings) for i, text in enumerate(texts)]
        rows = [entry for entry in entries if isinstance(entry, Row)]
        reasons = [entry.reason if isinstance(entry, Rejected) else None for entry in entries]
        ents: List[Any] = [None] * len(entries)
        for row, outcome in zip(rows, self.annotator.annotate(rows).outcomes):
            if isinstance(outcome, str):
                reasons[row.line] = outcome
            else:
                ents[row.line] = outcome
        table = table.append_column(ENTS, pyarrow.array(ents, make_ents_type(pyarrow)))
        return table.append_column(REJECTED, pyarrow.array(reasons, pyarrow.string()))


def check_columns(found: Sequence[str], text_field: str) -> None:
    """RAISES (ValueError): XN246 if a column is in the way of those that are added; XN247 if there is none of texts."""
    for name in (ENTS, REJECTED):
        if name in found:
            raise ValueError(Errors.XN246.format(name=name))
    if text_field not in found:
        raise ValueError(Errors.XN247.format(field=text_field, found=", ".join(found)))
