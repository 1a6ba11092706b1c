"""Annotate files on a cluster of Ray: the same rows as on one machine."""

import gc
import re
import sys
import time
from pathlib import Path
from typing import Any, List, NamedTuple, Optional, Sequence, Union

from .._compat import require_extra
from ..errors import CheckpointError, Errors
from .annotator import Annotated
from .inputs import Input, find_inputs
from .job import SHARD_SIZE, check_apart, check_settings
from .model_version import find_version
from .ray_cluster import EXTRA, Workers, find_workers, name_model, use_cluster
from .ray_folder import NewFolder, Part
from .ray_pieces import PIECE_SIZE, LineCount, Piece, Range, count_lines, plan_pieces
from .shards import Position, cut_shards
from .summary import Summary
from .text_readers import ReadSettings
from .workers import AnnotatorSettings
from .writers import make_writer

# Lines of a traceback: an exception, and one of this package's.
EXCEPTION = re.compile(r"^(?:\w+\.)*\w*(?:Error|Exception): .+$", re.MULTILINE)
CODED = re.compile(r"^(?:\w+\.)*(\w+): (\[XN\d+\] .+)$", re.MULTILINE)


def annotate_files_on_ray(
    paths: Sequence[Union[str, Path]],
    out: Union[str, Path],
    *,
    address: Optional[str] = None,
    model: Optional[str] = None,
    lang: str = "xx",
    format: str = "jsonl",
    input_format: str = "auto",
    text_field: str = "text",
    id_field: str = "id",
    whole_file: bool = False,
    batch_size: Optional[int] = None,
    n_process: Optional[int] = None,
    shard_size: int = SHARD_SIZE,
    show_progress: bool = False,
) -> Summary:
    """Annotate the texts of files on a cluster and write them, with their entities, in shards.

    All machines of the cluster must see the files, the model and the folder by the same names. The folder is there
    when all is done, and not before; work that is lost with a worker is done again.

    paths, out, model, lang, format, input_format, text_field, id_field, whole_file, batch_size, shard_size,
        show_progress: As annotate_files has them. There is no standard input, and no manifest.jsonl.
    address (Optional[str]): Of the cluster, as ray.init has it; None: the one that this machine is of, or a new one on
        this machine alone. One that is connected already is used.
    n_process (Optional[int]): Actors that annotate, each with a pipeline of its own. None: as many as the cluster has
        GPUs or, where there are none, processors.
    RETURNS (Summary): What was done.
    RAISES (ImportError): XN112 without the extra. ValueError: XN221 to XN223, XN242, XN244, XN249, XN290, XN293.
        OSError: XN228 if `out` cannot be made, XN243 if the cluster could not do it, XN245, XN248.
    """
    require_extra("ray.data", extra=EXTRA)
    gc.collect()  # actors of a job before this one keep their processors while circles of dead objects refer to them
    check_settings(format, input_format, n_process=n_process, shard_size=shard_size, batch_size=batch_size)
    inputs = find_inputs([str(path) for path in paths], format=input_format, whole_file=whole_file, out=Path(out))
    check_apart(inputs, Path(out))
    reading = ReadSettings(text_field=text_field, id_field=id_field)
    model = name_model(model)
    annotating = AnnotatorSettings(find_version(model), model, lang, batch_size, with_docs=format == "spacy")
    start = time.perf_counter()
    with NewFolder(Path(out)) as folder, use_cluster(address) as ray:
        try:
            pieces = plan_pieces(inputs, lambda ranges: count_on_ray(ray, ranges), size=PIECE_SIZE)
            columns = folder.aside / f"columns.{format}"
            if format == "parquet":
                write_columns(columns, inputs, reading, shard_size)
            job = RayJob(reading, annotating, find_workers(n_process), shard_size, show_progress)
            parts = job.run(pieces, folder.aside, format, columns)
            return folder.finish(parts, n_pieces=len(pieces), seconds=time.perf_counter() - start)
        except ray.exceptions.RayError as err:
            failure, said = explain(err, folder.out), str(err)
        finally:
            gc.collect()
        # Not from Ray's own exception, whose frames refer to them too.
        raise failure from RuntimeError(said)


class RayJob(NamedTuple):
    """How a job is done by Ray Data.

    reading (ReadSettings), annotating (AnnotatorSettings): As the one machine's job has them.
    workers (Workers): The actors that annotate. As many tasks read and as many write, and take no processor of theirs.
    shard_size (int): Rows in a shard, at most.
    show_progress (bool): Whether to show Ray's bars.
    """

    reading: ReadSettings
    annotating: AnnotatorSettings
    workers: Workers
    shard_size: int
    show_progress: bool

    def run(self, pieces: Sequence[Piece], folder: Path, format: str, columns: Path) -> List[Part]:
        """Read, annotate and write. RETURNS (List[Part]): What was written, in any order."""
        data = require_extra("ray.data", extra=EXTRA)
        from .ray_blocks import ShardAnnotator, ShardSink, ShardSource  # these import what the extra brings

        n, num_cpus, num_gpus = self.workers
        source = ShardSource(pieces, self.reading, shard_size=self.shard_size)
        sink = ShardSink(folder, format, columns)
        shards = data.read_datasource(
            source, num_cpus=0, concurrency=min(n, len(pieces)), override_num_blocks=len(pieces)
        )
        shards.context.target_max_block_size = 1  # each shard goes its own way
        shards.context.enable_progress_bars = self.show_progress and sys.stdout.isatty()  # else it writes lines
        annotated = shards.map_batches(
            ShardAnnotator,
            fn_constructor_args=(self.annotating, folder),
            batch_size=1,
            batch_format="pyarrow",
            compute=data.ActorPoolStrategy(size=n),
            num_cpus=num_cpus,
            num_gpus=num_gpus,
        )
        annotated.write_datasink(sink, ray_remote_args={"num_cpus": 0}, concurrency=n)
        return sink.parts


def count_on_ray(ray: Any, ranges: List[Range]) -> List[LineCount]:
    """count_lines of each range, on the cluster."""
    count = ray.remote(count_lines)
    return list(ray.get([count.remote(one) for one in ranges]))


def write_columns(path: Path, inputs: Sequence[Input], reading: ReadSettings, shard_size: int) -> None:
    """Write a table like the first shard's, for its columns are those of all."""
    first = next(cut_shards(inputs, reading, size=shard_size, start=Position(), index=0), None)
    rows = first.rows if first else []
    make_writer("parquet", path).write(path, rows, Annotated([[] for _ in rows], b""))


def explain(err: Exception, out: Path) -> Exception:
    """What a worker could not do, as it says it itself where it is what was asked that is at fault.

    Of an exception in a worker there is no more than its traceback, whose first exception is the cause.
    """
    if coded := CODED.search(str(err)):
        for kind in (CheckpointError, ImportError, ValueError):
            if kind.__name__ == coded[1]:
                return kind(coded[2])
    cause = EXCEPTION.search(str(err))
    reason = cause[0] if cause else f"{type(err).__name__}: {err}"
    return OSError(Errors.XN243.format(reason=reason.rstrip("."), out=out))
