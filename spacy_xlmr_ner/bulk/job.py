"""Annotate files of any number of texts, losing none of them and none of the work."""

import time
from dataclasses import asdict
from pathlib import Path
from typing import Any, Dict, Optional, Sequence, Union

from ..about import __version__
from ..errors import Errors
from .inputs import IN_FORMATS, Input, find_inputs
from .journal import Journal
from .model_version import find_version
from .progress import Progress
from .rows import OUT_FORMATS
from .shards import cut_shards
from .streams import STDIN
from .summary import Summary
from .text_readers import ReadSettings
from .workers import AnnotatorSettings, Done, annotate_here, annotate_in_processes
from .writers import ShardWriter, make_writer

SHARD_SIZE = 5000  # rows


def annotate_files(
    paths: Sequence[Union[str, Path]],
    out: Union[str, Path],
    *,
    model: Optional[str] = None,
    lang: str = "xx",
    format: str = "jsonl",
    input_format: str = "auto",
    text_field: str = "text",
    id_field: str = "id",
    whole_file: bool = False,
    batch_size: Optional[int] = None,
    n_process: int = 1,
    shard_size: int = SHARD_SIZE,
    resume: bool = False,
    show_progress: bool = False,
) -> Summary:
    """Annotate the texts of files and write them, with their entities, in shards.

    Whenever it is stopped, what was written is whole; with `resume` it goes on, and what comes out is what an
    undisturbed run would have written.

    paths (Sequence[Union[str, Path]]): Files (.txt, .jsonl, .csv, .tsv, .parquet, .spacy, the first four also gzipped
        or in Zstandard), folders or patterns of them, or "-" for standard input.
    out (Union[str, Path]): A folder: part-00000.jsonl and so on, rejected.jsonl, manifest.jsonl, summary.json.
    model (Optional[str]): A pipeline or a checkpoint, as load_pipeline takes it; None: the model in the package.
    lang (str): Of a pipeline that is made around a checkpoint.
    format (str): Of the shards: "jsonl", "parquet" or "spacy".
    input_format (str): Of the files: "txt", "jsonl", "csv", "parquet", "spacy"; "auto": told from their names.
    text_field (str), id_field (str): Where a row has its text and its id.
    whole_file (bool): Whether a file of text is one text, and not one a line.
    batch_size (Optional[int]): Docs at a time; None: the pipeline's own.
    n_process (int): Processes that annotate, each with a pipeline of its own; 1: this one.
    shard_size (int): Rows in a shard, at most.
    resume (bool): Go on with what was begun in `out`.
    show_progress (bool): Show a bar on standard error, if that is a terminal.
    RETURNS (Summary): What was done.
    RAISES (ValueError): XN221 to XN223, XN281, XN290 to XN296. OSError: XN228 if `out` cannot be made, XN295 if
        the disk is full.
    """
    check_settings(format, input_format, n_process=n_process, shard_size=shard_size, batch_size=batch_size)
    inputs = find_inputs([str(path) for path in paths], format=input_format, whole_file=whole_file, out=Path(out))
    out = Path(out)
    check_apart(inputs, out)
    reading = ReadSettings(text_field=text_field, id_field=id_field)
    annotating = AnnotatorSettings(find_version(model), model, lang, batch_size, with_docs=format == "spacy")
    header: Dict[str, Any] = {
        "inputs": [one._asdict() for one in inputs],
        "package": __version__,
        "format": format,
        "shard_size": shard_size,
        **asdict(reading),
        **asdict(annotating),
    }
    with Journal(out, header, suffix=f".{format}", resume=resume) as journal:
        summary = Summary.of(journal.records)
        n_bytes = sum(one.size for one in inputs)
        index = len(journal.records)
        shards = cut_shards(inputs, reading, size=shard_size, start=journal.end, index=index)
        with Progress(n_bytes, n_done=summary.n_texts, is_shown=show_progress) as progress:
            if n_process == 1:
                done = annotate_here(shards, annotating, progress.advance)
            else:
                done = annotate_in_processes(shards, annotating, progress.advance, n_process=n_process)
            _write(done, journal, make_writer(format, journal.find_path(0)), summary, progress)
        with journal.explain_full_disk(summary):
            journal.finish(summary)
    return summary


def _write(done: Done, journal: Journal, writer: ShardWriter, summary: Summary, progress: Progress) -> None:
    """Write what is done as it comes."""
    start = time.perf_counter()
    for shard, annotated in done:
        with journal.explain_full_disk(summary):
            record = journal.commit(shard, annotated, writer, seconds=time.perf_counter() - start)
        start = time.perf_counter()
        summary.add(record.n_texts, record.n_rejected, record.ents, seconds=record.seconds)
        progress.note_read(shard.n_bytes)


def check_settings(format: str, input_format: str, **counts: Optional[int]) -> None:
    """RAISES (ValueError): XN223 for a format that is not known, or a count below 1."""
    for option, value, known in (("format", format, OUT_FORMATS), ("input_format", input_format, IN_FORMATS)):
        if value not in known:
            raise ValueError(Errors.XN223.format(option=option, found=value, expected="one of: " + ", ".join(known)))
    for option, count in counts.items():
        if count is not None and count < 1:
            raise ValueError(Errors.XN223.format(option=option, found=count, expected="at least 1"))


def check_apart(inputs: Sequence[Input], out: Path) -> None:
    """Refuse to read what is written. RAISES (ValueError): XN223."""
    folder = out.resolve()
    inside = [one.path for one in inputs if one.path != STDIN and Path(one.path).resolve().is_relative_to(folder)]
    if inside:
        expected = f"a folder that holds none of the input, and not that of '{inside[0]}'"
        raise ValueError(Errors.XN223.format(option="out", found=str(out), expected=expected))
