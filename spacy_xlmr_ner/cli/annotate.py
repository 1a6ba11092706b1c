"""python -m spacy_xlmr_ner annotate: the entities of any number of texts."""

import signal
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Dict, Iterator, List, Optional

import typer
from wasabi import msg, table

from ..bulk import Summary, annotate_files, annotate_files_on_ray
from ..bulk.inputs import IN_FORMATS
from ..bulk.job import SHARD_SIZE
from ..bulk.rows import OUT_FORMATS
from ..errors import Errors
from .console import exit_on_error, show_warnings
from .pipeline_options import LangOption


def annotate(
    paths: Annotated[
        List[str],
        typer.Argument(
            metavar="IN...",
            show_default=False,
            help="Files, folders, patterns, or - for standard input. "
            ".txt, .jsonl, .csv, .tsv (also .gz, .zst), .parquet, .spacy.",
        ),
    ],
    out: Annotated[Path, typer.Option(metavar="DIR", show_default=False, help="The folder to write, new or empty.")],
    model: Annotated[
        Optional[str],
        typer.Option(help="A spaCy pipeline or a checkpoint (folder or hub id). None: the model inside."),
    ] = None,
    lang: LangOption = "xx",
    format: Annotated[str, typer.Option(help=f"What to write: {', '.join(OUT_FORMATS)}.")] = "jsonl",
    input_format: Annotated[
        str, typer.Option(help=f"What to read: {', '.join(IN_FORMATS)}. auto: told from the names.")
    ] = "auto",
    text_field: Annotated[str, typer.Option(help="Field or column that holds the text.")] = "text",
    id_field: Annotated[str, typer.Option(help="Field or column that holds the id. Without: file:line.")] = "id",
    whole_file: Annotated[bool, typer.Option("--whole-file", help="A file of text is one text.")] = False,
    batch_size: Annotated[Optional[int], typer.Option(help="Docs at a time. None: the pipeline's own.")] = None,
    n_process: Annotated[
        Optional[int],
        typer.Option(help="Processes; each loads the model. None: 1; with --ray one for each GPU or processor."),
    ] = None,
    shard_size: Annotated[int, typer.Option(help="Rows in a file that is written, at most.")] = SHARD_SIZE,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with what was begun in DIR.")] = False,
    ray: Annotated[
        Optional[str],
        typer.Option(
            metavar="[ADDRESS]",
            help="Work on a cluster of Ray: auto, local, HOST:PORT, ray://...; without ADDRESS this machine's, or a "
            "new one on it. Needs the extra `ray`.",
        ),
    ] = None,
) -> None:
    """Annotate any number of texts, and write them with their entities, in shards.

    What is written is whole whenever the command is stopped; with --resume it goes on where it was. A row that cannot
    be read or annotated goes to DIR/rejected.jsonl, and the exit status is 1; the others go on.

    With --ray a cluster does it, and DIR is there when all is done.
    """
    settings: Dict[str, Any] = {
        "model": model,
        "lang": lang,
        "format": format,
        "input_format": input_format,
        "text_field": text_field,
        "id_field": id_field,
        "whole_file": whole_file,
        "batch_size": batch_size,
        "shard_size": shard_size,
        "show_progress": True,
    }
    with exit_on_error(), show_warnings(), stop_cleanly(out, is_resumable=ray is None):
        if ray is None:
            summary = annotate_files(paths, out, n_process=n_process or 1, resume=resume, **settings)
        elif resume:
            raise ValueError(Errors.XN241)
        else:
            summary = annotate_files_on_ray(paths, out, n_process=n_process, address=ray, **settings)
    typer.echo(format_summary(summary))
    if summary.n_rejected:
        msg.fail(f"{summary.n_rejected} rows were left out, see {out / 'rejected.jsonl'}")
        raise typer.Exit(1)
    msg.good(f"Wrote {out}")


@contextmanager
def stop_cleanly(out: Path, *, is_resumable: bool = True) -> Iterator[None]:
    """End at Ctrl-C and SIGTERM with a word on how to go on, and the status that shells expect."""
    received: List[int] = []

    def stop(number: int, frame: Any) -> None:
        received.append(number)
        raise KeyboardInterrupt

    former = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    except KeyboardInterrupt:
        done = f"What is done is in {out}; give the same command with --resume to go on."
        typer.secho(f"Stopped. {done if is_resumable else f'{out} was not written.'}", err=True)
        raise typer.Exit(128 + (received[-1] if received else signal.SIGINT)) from None
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


def format_summary(summary: Summary) -> str:
    """What was done, as a table."""
    rows = [("Texts", f"{summary.n_texts:,}"), *((label, f"{n:,}") for label, n in summary.ents.items())]
    rows += [("Rejected", f"{summary.n_rejected:,}"), ("Files", f"{summary.n_shards:,}")]
    rows += [("Seconds", f"{summary.seconds:,.1f}")]
    return str(table(rows, aligns=("l", "r")).strip("\n"))
