"""Tables of scores, for pages and for the terminal."""

from typing import List, Mapping, Optional, Sequence, Tuple, Union

from ..analysis.scores import EntScore, Estimate, MeanScore, Scores
from .elements import make_divider, make_heat, make_number, make_row, make_table

HEADER = ("", "Precision", "Recall", "F1", "Entities", "Found")
ABOUT_OPEN_INTERVAL = (
    "(0.000–1.000) says nothing: there are too few sentences, or docs that are not parted in them, to be resampled."
)
Row = Tuple[str, Union[EntScore, MeanScore]]


def list_scores(scores: Scores) -> List[Tuple[str, List[Row]]]:
    """The rows of a table of scores, in groups with a name each; the first has none.

    The mean over languages is left out where there is but one language, and so is the group of languages.
    """
    every: List[Row] = [("All", scores.overall)]
    by_label: List[Row] = list(scores.labels.items())
    by_language: List[Row] = list(scores.languages.items())
    if len(by_language) == 1:
        return [("", every), ("By label", by_label)]
    every.append((f"Mean of {scores.mean.n_languages} languages", scores.mean))
    return [("", every), ("By label", by_label), ("By language", by_language)]


def draw_scores(scores: Scores) -> str:
    """The table of scores as HTML."""
    rows: List[str] = []
    for group, members in list_scores(scores):
        rows += [make_divider(group, len(HEADER))] if group and members else []
        rows += [make_row(name, _draw_score(score)) for name, score in members]
    return make_table(HEADER, rows, kind="numbers")


def draw_heat(corner: str, columns: Sequence[str], rows: Mapping[str, Sequence[Optional[Estimate]]]) -> str:
    """A table of shaded cells with their intervals; an empty cell for None.

    corner (str): Heading of the first column.
    columns (Sequence[str]): Headings of the others.
    rows (Mapping[str, Sequence[Optional[Estimate]]]): A cell for each of these, by the row's heading.
    """
    drawn = [make_row(name, [_draw_estimate(cell) for cell in cells]) for name, cells in rows.items()]
    return make_table((corner, *columns), drawn, kind="heats")


def format_value(estimate: Estimate) -> str:
    """Three figures."""
    return f"{estimate.value:.3f}"


def format_interval(estimate: Estimate) -> str:
    """From low to high, three figures each."""
    return f"{estimate.low:.3f}–{estimate.high:.3f}"


def format_estimate(estimate: Estimate) -> str:
    """A figure with its interval, for a terminal."""
    return f"{format_value(estimate)} ({format_interval(estimate)})"


def _draw_score(score: Union[EntScore, MeanScore]) -> List[str]:
    estimates = (score.precision, score.recall, score.f1)
    counts = [f"{score.support:,}", f"{score.predicted:,}"] if isinstance(score, EntScore) else ["", ""]
    return [
        *(make_number(format_value(estimate), interval=format_interval(estimate)) for estimate in estimates),
        *(make_number(count) for count in counts),
    ]


def _draw_estimate(estimate: Optional[Estimate]) -> str:
    if estimate is None:
        return make_number("")
    # Squared, so that good and very good can be told apart.
    return make_heat(estimate.value**2, format_value(estimate), interval=format_interval(estimate))
