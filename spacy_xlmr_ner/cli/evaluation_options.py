"""What `evaluate` and `transfer` share: options, and the files they write."""

import json
import os
from pathlib import Path
from typing import Annotated, Any, Callable, Dict, Iterable, List, Mapping, Optional

import typer
from wasabi import msg

from ..analysis.scores import Estimate
from ..errors import Errors
from ..report.score_tables import ABOUT_OPEN_INTERVAL

HtmlOption = Annotated[
    Optional[Path], typer.Option("--html", dir_okay=False, help="Write a page that opens from disk.")
]
JsonOption = Annotated[Optional[Path], typer.Option("--json", dir_okay=False, help="Write all of it as JSON.")]
LabelsOption = Annotated[
    Optional[str], typer.Option(help="Count only these labels, with commas between them: PER,ORG.")
]
LabelMapOption = Annotated[
    Optional[str],
    typer.Option(help="Other names for labels, gold and found alike: GPE=LOC,MISC= (which leaves MISC out)."),
]
OwnTokensOption = Annotated[
    bool, typer.Option("--own-tokens", help="Let the pipeline tokenize the text; else the data's tokens are kept.")
]
LangOption = Annotated[
    str, typer.Option(help="spaCy's language, whose tokenizer --own-tokens takes. Not for pipelines.")
]
FormatOption = Annotated[str, typer.Option(help="The format of the data, as `convert` names it.")]
SeedOption = Annotated[int, typer.Option(min=0, help="Of the intervals, and of the examples that are drawn.")]
DATA_HELP = (
    "Gold docs: FILE, or NAME=FILE with the language or another name. A .spacy file or any format that `convert` reads."
)


def parse_labels(labels: Optional[str]) -> Optional[List[str]]:
    """The labels of "PER,ORG"; None for all."""
    if labels is None:
        return None
    return [label.strip() for label in labels.split(",") if label.strip()]


def parse_label_map(label_map: Optional[str]) -> Dict[str, Optional[str]]:
    """The pairs of "GPE=LOC,MISC="; a label mapped to nothing is left out."""
    pairs: Dict[str, Optional[str]] = {}
    for part in filter(None, (label_map or "").split(",")):
        old, sign, new = (text.strip() for text in part.partition("="))
        if not old or not sign:
            raise ValueError(Errors.XN235.format(found=part))
        pairs[old] = new or None
    return pairs


def show_gaps(estimates: Iterable[Optional[Estimate]]) -> None:
    """Say beside a table, on standard error, why intervals say nothing, if one does."""
    if any(estimate is not None and estimate.is_open for estimate in estimates):
        typer.echo(ABOUT_OPEN_INTERVAL, err=True)


def check_targets(*paths: Optional[Path]) -> None:
    """Refuse files that cannot be written before the work has taken its time. RAISES (ValueError): XN236."""
    for path in paths:
        if path is None:
            continue
        if not path.parent.is_dir():
            raise ValueError(Errors.XN236.format(path=path, reason=f"there is no folder '{path.parent}'"))
        if not os.access(path if path.exists() else path.parent, os.W_OK):
            raise ValueError(Errors.XN236.format(path=path, reason="permission denied"))


def write_outputs(
    result: Any, *, json_path: Optional[Path], html_path: Optional[Path], make_page: Callable[[Any], str]
) -> None:
    """Write what was asked for and say so.

    result (Any): What has a `to_json`.
    json_path, html_path (Optional[Path]): The files; None: not asked for.
    make_page (Callable[[Any], str]): The result as HTML.
    """
    if json_path is not None:
        described: Mapping[str, Any] = result.to_json()
        text = json.dumps(described, ensure_ascii=False, indent=2, allow_nan=False)
        json_path.write_text(f"{text}\n", encoding="utf8", errors="surrogatepass")
        msg.good(f"Wrote {json_path}")
    if html_path is not None:
        html_path.write_text(make_page(result), encoding="utf8", errors="replace")
        msg.good(f"Wrote {html_path}")
