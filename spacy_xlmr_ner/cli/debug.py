"""python -m spacy_xlmr_ner debug: what `spacy debug data` leaves out about entities."""

from pathlib import Path
from typing import Annotated, Any, Dict, Iterable, List, Optional, Sequence, Tuple

import srsly
import typer
from spacy.cli._util import import_code, parse_config_overrides, setup_gpu, show_validation_error
from spacy.util import load_config
from wasabi import msg, table

from ..corpus_report.notes import Note, judge_report
from ..corpus_report.report import CorpusReport, report_corpora
from ..corpus_report.stats import CorpusStats
from ..errors import Errors
from .console import exit_on_error
from .evaluation_options import check_targets

# spaCy's own way of having --paths.train and the like.
OVERRIDES = {"allow_extra_args": True, "ignore_unknown_options": True}
PRINT = {"good": msg.good, "info": msg.info, "warn": msg.warn, "fail": msg.fail}
MAX_LENGTH = 10  # of entities, in tokens; longer ones share a row


def debug(
    ctx: typer.Context,
    config: Annotated[Path, typer.Argument(help="A training config, as `spacy train` takes it.")],
    json: Annotated[
        Optional[Path], typer.Option(dir_okay=False, help="Write the report to a file as JSON, notes included.")
    ] = None,
    code: Annotated[
        Optional[Path], typer.Option("--code", "-c", help="A Python file with functions that the config names.")
    ] = None,
    gpu_id: Annotated[int, typer.Option("--gpu-id", "-g", help="The GPU to initialize on; -1: the CPU.")] = -1,
) -> None:
    """Look at the training data of a config as it concerns entities, and whether the training can begin.

    Settings can be overridden, as for `spacy train`: --paths.train train.spacy. Exit status 1 if it could not work.
    """
    with exit_on_error(), show_validation_error(config):
        check_options(ctx.args)
        check_targets(json)
        overrides = parse_config_overrides(ctx.args)
        import_code(code)
        setup_gpu(gpu_id, silent=True)
        report = report_corpora(load_config(config, overrides=overrides, interpolate=False), use_gpu=gpu_id)
        sections = judge_report(report)
        if json is not None:
            srsly.write_json(json, describe_report(report, sections))
    print_report(report, sections)
    if any(note.level == "fail" for notes in sections.values() for note in notes):
        raise typer.Exit(1)


def check_options(args: Sequence[str]) -> None:
    """RAISES (ValueError): XN255 for an option that names no setting; spaCy's own error ends in a traceback here."""
    for arg in args:
        if arg.startswith("--") and "." not in arg.split("=")[0]:
            raise ValueError(Errors.XN255.format(option=arg))


def describe_report(report: CorpusReport, sections: Dict[str, List[Note]]) -> Dict[str, Any]:
    """The report as JSON has it: its figures, and the notes by section."""
    notes = {
        title: [{"level": note.level, "text": note.text, "examples": note.examples} for note in section]
        for title, section in sections.items()
    }
    return {**report.to_dict(), "notes": notes}


def print_report(report: CorpusReport, sections: Dict[str, List[Note]]) -> None:
    """Print the report, section by section, each with its table first."""
    tables = {"Docs": format_docs, "Labels": format_labels, "Entities": format_lengths}
    for title, notes in sections.items():
        msg.divider(title)
        if title in tables:
            typer.echo(tables[title](report.train, report.dev).strip("\n"))
        for note in notes:
            PRINT[note.level](note.text)
            for example in note.examples:
                typer.echo(f"    {example}")


def format_docs(train: CorpusStats, dev: CorpusStats) -> str:
    """Docs, tokens and entities of both corpora, as a table."""
    rows = [
        ("docs", train.n_docs, dev.n_docs),
        ("without an entity", train.without_ents, dev.without_ents),
        ("not annotated", train.unannotated.n, dev.unannotated.n),
        ("tokens", train.n_tokens, dev.n_tokens),
        ("not annotated", train.missing_tokens, dev.missing_tokens),
        ("entities", train.n_ents, dev.n_ents),
    ]
    return _format_table(rows, header=("", "train", "dev"))


def format_labels(train: CorpusStats, dev: CorpusStats) -> str:
    """Entities of each label, with their share, and the docs that hold some, as a table."""
    names = dict.fromkeys([*train.labels, *dev.labels])
    rows = [
        (
            name,
            *_format_share(train.labels.get(name, 0), train.n_ents),
            train.docs_by_label.get(name, 0),
            *_format_share(dev.labels.get(name, 0), dev.n_ents),
            dev.docs_by_label.get(name, 0),
        )
        for name in names
    ]
    return _format_table(rows, header=("label", "train", "", "in docs", "dev", "", "in docs"))


def format_lengths(train: CorpusStats, dev: CorpusStats) -> str:
    """Entities by their number of tokens, as a table."""
    columns = [_count_lengths(stats.ent_lengths) for stats in (train, dev)]
    rows = [
        (f"more than {MAX_LENGTH}" if length > MAX_LENGTH else length, *(column.get(length, 0) for column in columns))
        for length in sorted({length for column in columns for length in column})
    ]
    return _format_table(rows, header=("length in tokens", "train", "dev"))


def _count_lengths(lengths: Dict[int, int]) -> Dict[int, int]:
    counts: Dict[int, int] = {}
    for length, n in lengths.items():
        row = min(length, MAX_LENGTH + 1)
        counts[row] = counts.get(row, 0) + n
    return counts


def _format_share(n: int, n_all: int) -> Tuple[int, str]:
    return n, f"{n / n_all:.0%}" if n_all else ""


def _format_table(rows: Iterable[Sequence[Any]], *, header: Sequence[str]) -> str:
    rows = list(rows)
    if not rows:
        return ""
    return str(table(rows, header=header, divider=True, aligns=("l", *"r" * (len(header) - 1)), max_col=60))
