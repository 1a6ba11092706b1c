"""The cross-lingual table, as a page."""

from typing import Dict, Iterator, List, Optional

from ..analysis.scores import Estimate
from ..analysis.transfer_table import TransferTable
from .elements import make_html_page, make_paragraph
from .score_tables import draw_heat

ABOUT = (
    "Rows: models. Columns: what they were tested on. Strict F1 of entities; small figures: 95 % bootstrap intervals, "
    "over sentences, or over docs that are not parted in them; 0 to 1 where there is but one, which is not resampled."
)


def make_transfer_page(table: TransferTable) -> str:
    """Show a cross-lingual table as one page of HTML that opens from disk. All that comes from data is escaped.

    table (TransferTable): What `transfer` returned.
    RETURNS (str): A whole page.
    """
    return make_html_page("Transfer between languages", _draw_parts(table))


def list_cells(table: TransferTable) -> Dict[str, List[Optional[Estimate]]]:
    """F1 by model: a cell for each language, None without entities there, and behind them the mean."""
    rows: Dict[str, List[Optional[Estimate]]] = {}
    for model in table.models:
        scores = table.scores[model]
        languages = [scores.languages[language] for language in table.languages]
        rows[model] = [score.f1 if score.support else None for score in languages]
        rows[model].append(scores.mean.f1)
    return rows


def _draw_parts(table: TransferTable) -> Iterator[str]:
    yield make_paragraph(ABOUT, kind="soft")
    yield draw_heat("", [*table.languages, "Mean"], list_cells(table))
    for notes in table.notes.values():
        for note in notes:
            yield make_paragraph(note, kind="note")
