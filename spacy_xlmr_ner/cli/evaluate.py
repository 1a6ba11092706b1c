"""python -m spacy_xlmr_ner evaluate: scores, kinds of error and losses of a pipeline."""

from pathlib import Path
from typing import Annotated, List, Sequence

import typer
from wasabi import table

from ..analysis.data import parse_named, read_data
from ..analysis.evaluation import Evaluation
from ..analysis.evaluation import evaluate as evaluate_pipeline
from ..analysis.scores import EntScore
from ..loading import load_pipeline
from ..report.evaluation_page import make_evaluation_page
from ..report.score_tables import HEADER, format_estimate, list_scores
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


def evaluate(
    model: Annotated[
        str, typer.Argument(help="A spaCy pipeline (folder or package), or a checkpoint; NAME=... names it.")
    ],
    data: Annotated[List[str], typer.Argument(metavar="DATA", help=DATA_HELP)],
    html: HtmlOption = None,
    json: JsonOption = None,
    labels: LabelsOption = None,
    label_map: LabelMapOption = None,
    own_tokens: OwnTokensOption = False,
    lang: LangOption = "xx",
    format: FormatOption = "auto",
    seed: SeedOption = 0,
) -> None:
    """Compare found entities with gold ones: strict scores by label and language, with intervals; errors; losses."""
    with exit_on_error(), show_warnings():
        check_targets(html, json)
        name, path = parse_named(model)
        chosen, renamed = parse_labels(labels), parse_label_map(label_map)
        nlp = load_pipeline(path, lang=lang)
        evaluation = evaluate_pipeline(
            nlp,
            read_data(data, format=format, progress=True),
            name=name or Path(path).name,
            labels=chosen,
            label_map=renamed,
            own_tokens=own_tokens,
            seed=seed,
            progress=True,
        )
        typer.echo(format_evaluation(evaluation))
        show_gaps(score.f1 for _, members in list_scores(evaluation.scores) for _, score in members)
        write_outputs(evaluation, json_path=json, html_path=html, make_page=make_evaluation_page)


def format_evaluation(evaluation: Evaluation) -> str:
    """The table of scores and that of the kinds of error."""
    rows: List[Sequence[str]] = []
    for group, members in list_scores(evaluation.scores):
        if group and members:
            rows += [[""] * len(HEADER), [group, *[""] * (len(HEADER) - 1)]]
        for name, score in members:
            estimates = [format_estimate(estimate) for estimate in (score.precision, score.recall, score.f1)]
            counts = [str(score.support), str(score.predicted)] if isinstance(score, EntScore) else ["", ""]
            rows.append([name, *estimates, *counts])
    kinds = list(evaluation.errors.counts.items())
    return "\n\n".join(
        [
            table(rows, header=HEADER, divider=True, aligns=("l", "l", "l", "l", "r", "r"), max_col=60).strip("\n"),
            table(kinds, header=("Kind of error", "Errors"), divider=True, aligns=("l", "r")).strip("\n"),
        ]
    )
