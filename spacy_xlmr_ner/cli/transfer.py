"""python -m spacy_xlmr_ner transfer: models trained on one thing, tested on others."""

from pathlib import Path
from typing import Annotated, ClassVar, Dict, FrozenSet, List

import typer
from wasabi import table

from ..analysis.data import parse_named, read_data
from ..analysis.transfer_table import TransferTable
from ..analysis.transfer_table import transfer as compare_models
from ..errors import Errors
from ..report.score_tables import format_estimate
from ..report.transfer_page import list_cells, make_transfer_page
from .console import exit_on_error, show_warnings
from .evaluation_options import (
    DATA_HELP,
    FormatOption,
    HtmlOption,
    JsonOption,
    LabelMapOption,
    LabelsOption,
    LangOption,
    OwnTokensOption,
    SeedOption,
    check_targets,
    parse_label_map,
    parse_labels,
    show_gaps,
    write_outputs,
)
from .many_values import ManyTextsCommand

DATA = "--data"


class ManyDataCommand(ManyTextsCommand):
    """Lets `--data` take several."""

    options: ClassVar[FrozenSet[str]] = frozenset({DATA})


def transfer(
    models: Annotated[
        List[str],
        typer.Argument(metavar="MODELS", help="Pipelines (folders or packages) or checkpoints: MODEL, or NAME=MODEL."),
    ],
    data: Annotated[List[str], typer.Option(DATA, metavar="DATA", help=f"{DATA_HELP} Several may follow.")],
    html: HtmlOption = None,
    json: JsonOption = None,
    labels: LabelsOption = None,
    label_map: LabelMapOption = None,
    own_tokens: OwnTokensOption = False,
    lang: LangOption = "xx",
    format: FormatOption = "auto",
    seed: SeedOption = 0,
) -> None:
    """The cross-lingual table: strict F1 of models (rows) on languages or data sets (columns), with the mean."""
    with exit_on_error(), show_warnings():
        check_targets(html, json)
        result = compare_models(
            name_models(models),
            read_data(data, format=format, progress=True),
            labels=parse_labels(labels),
            label_map=parse_label_map(label_map),
            own_tokens=own_tokens,
            lang=lang,
            seed=seed,
            progress=True,
        )
        typer.echo(format_transfer(result))
        show_gaps(cell for row in list_cells(result).values() for cell in row)
        write_outputs(result, json_path=json, html_path=html, make_page=make_transfer_page)


def name_models(arguments: List[str]) -> Dict[str, str]:
    """Models by name: the one given, else the folder's, else, where two folders have one name, the path.

    RAISES (ValueError): XN237 if two names are the same all the same.
    """
    parsed = [parse_named(argument) for argument in arguments]
    folders = [Path(path).name for _, path in parsed]
    models: Dict[str, str] = {}
    for (name, path), folder in zip(parsed, folders):
        name = name or (path if folders.count(folder) > 1 else folder)
        if name in models:
            raise ValueError(Errors.XN237.format(name=name, first=models[name], second=path))
        models[name] = path
    return models


def format_transfer(result: TransferTable) -> str:
    """The table, figures with their intervals; "-" where a language has no gold entities."""
    rows = [
        (model, *("-" if cell is None else format_estimate(cell) for cell in cells))
        for model, cells in list_cells(result).items()
    ]
    return str(table(rows, header=("F1", *result.languages, "Mean"), divider=True, max_col=60).strip("\n"))
