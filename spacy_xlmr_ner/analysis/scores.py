"""Strict precision, recall and F1 of entities, with bootstrap intervals."""

from bisect import bisect_right
from dataclasses import dataclass
from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from ..types import IntArray
from .mentions import Mention

Floats = NDArray[np.float64]

# Columns of counts.
CORRECT, PREDICTED, GOLD = range(3)
LEVELS = (2.5, 97.5)
# Cells of (resamples x kinds of units) that are drawn at a time.
MAX_DRAWN_CELLS = 2**24


@dataclass(frozen=True)
class Estimate:
    """A figure and its 95 % interval, from low to high; 0 to 1, which says nothing, where nothing is to resample."""

    value: float
    low: float
    high: float

    @property
    def is_open(self) -> bool:
        """Whether the interval says nothing."""
        return (self.low, self.high) == (0.0, 1.0)


@dataclass(frozen=True)
class EntScore:
    """Strict scores of entities. An entity is correct if both its borders and its label are.

    precision, recall, f1 (Estimate): In [0, 1]; 0 where there is nothing to divide by, as seqeval has it.
    correct, predicted, support (int): How many entities are right, were found, and stand in the gold annotation.
    """

    precision: Estimate
    recall: Estimate
    f1: Estimate
    correct: int
    predicted: int
    support: int


@dataclass(frozen=True)
class MeanScore:
    """The plain mean of the scores of languages, whatever their sizes; of those languages that have gold entities."""

    precision: Estimate
    recall: Estimate
    f1: Estimate
    n_languages: int


@dataclass(frozen=True)
class Scores:
    """The scores of one evaluation. A language is a language or another group of docs, as the data names it.

    overall (EntScore): Of all entities together (micro).
    mean (MeanScore): Over the languages (macro).
    labels (Dict[str, EntScore]): By label, over all languages.
    languages (Dict[str, EntScore]): By language, over all labels.
    languages_labels (Dict[str, Dict[str, EntScore]]): By language, then label; without labels that occur nowhere there.
    """

    overall: EntScore
    mean: MeanScore
    labels: Dict[str, EntScore]
    languages: Dict[str, EntScore]
    languages_labels: Dict[str, Dict[str, EntScore]]


class Judged(NamedTuple):
    """The entities of one unit, a sentence or a doc: gold and found."""

    gold: Sequence[Mention]
    found: Sequence[Mention]


class _Counted(NamedTuple):
    """Counts of a language: shape (n_labels, 3); and in each resample: shape (n_resamples, n_labels, 3)."""

    counts: IntArray
    resampled: Floats
    n_units: int


def part_judged(judged: Judged, starts: Sequence[int]) -> List[Judged]:
    """Part the entities of a doc by its sentences: each belongs to the one in which it begins.

    judged (Judged): The entities of the doc.
    starts (Sequence[int]): The characters at which its sentences begin, ascending; at least one.
    RETURNS (List[Judged]): For each sentence.
    """
    return [Judged(*pair) for pair in zip(_deal(judged.gold, starts), _deal(judged.found, starts))]


def _deal(mentions: Sequence[Mention], starts: Sequence[int]) -> List[List[Mention]]:
    parts: List[List[Mention]] = [[] for _ in starts]
    for mention in mentions:
        parts[max(0, bisect_right(starts, mention.start) - 1)].append(mention)
    return parts


def score_ents(groups: Dict[str, List[Judged]], *, n_resamples: int = 1000, seed: int = 0) -> Scores:
    """Score the entities of sentences or docs, by label and by language.

    The intervals are percentiles of a bootstrap over these units: each resample draws from every language as many as it
    has, with replacement. Overall and mean figures come from the same resamples. A resample in which a figure has
    nothing to divide by has no part in that figure's interval. A language of one unit is the same in all resamples: a
    figure of such languages alone has the interval of 0 to 1.

    groups (Dict[str, List[Judged]]): Sentences, or docs that are not parted in them, by language; at least one each.
    n_resamples (int): How many resamples.
    seed (int): Of the resamples; with the language's name, so that others beside it change nothing.
    RETURNS (Scores): The scores.
    """
    every = (mention.label for units in groups.values() for unit in units for part in unit for mention in part)
    labels = sorted(set(every))
    counted = {}
    for language, units in groups.items():
        counts = count_ents(units, labels)
        resampled = resample_counts(counts, n_resamples=n_resamples, seed=(seed, crc32(language.encode("utf8"))))
        counted[language] = _Counted(counts.sum(axis=0), resampled, len(units))
    parts = list(counted.values())
    return Scores(
        overall=_score_parts(parts),
        mean=_score_mean(parts),
        labels=_score_labels(parts, labels),
        languages={language: _score_parts([part]) for language, part in counted.items()},
        languages_labels={language: _score_labels([part], labels) for language, part in counted.items()},
    )


def count_ents(units: Sequence[Judged], labels: Sequence[str]) -> IntArray:
    """Count entities by unit and label.

    units (Sequence[Judged]): Sentences or docs.
    labels (Sequence[str]): All labels that they have.
    RETURNS (IntArray): Shape (n_units, n_labels, 3): correct, predicted and gold entities.
    """
    ids = {label: i for i, label in enumerate(labels)}
    counts = np.zeros((len(units), len(labels), 3), dtype=np.int64)
    for row, unit in zip(counts, units):
        gold = {mention.key for mention in unit.gold}
        for mention in unit.gold:
            row[ids[mention.label], GOLD] += 1
        for mention in unit.found:
            row[ids[mention.label], PREDICTED] += 1
            row[ids[mention.label], CORRECT] += mention.key in gold
    return counts


def resample_counts(counts: IntArray, *, n_resamples: int, seed: Tuple[int, ...]) -> Floats:
    """Sum the counts of units drawn with replacement, as many as there are, many times.

    Units of equal counts are alike here, so what is drawn is how often each kind comes: a multinomial.

    counts (IntArray): Shape (n_units, n_labels, 3), n_units > 0.
    n_resamples (int): How many times.
    seed (Tuple[int, ...]): For numpy.
    RETURNS (Floats): Shape (n_resamples, n_labels, 3).
    """
    n_units = len(counts)
    kinds, n_alike = np.unique(counts.reshape(n_units, -1), axis=0, return_counts=True)
    generator = np.random.default_rng(seed)
    step = max(1, MAX_DRAWN_CELLS // len(kinds))
    sums = [
        generator.multinomial(n_units, n_alike / n_units, size=min(step, n_resamples - i)).astype(np.float64) @ kinds
        for i in range(0, n_resamples, step)
    ]
    return np.concatenate([np.zeros((0, kinds.shape[1])), *sums]).reshape(n_resamples, *counts.shape[1:])


def compute_prf(counts: NDArray) -> Floats:
    """Precision, recall and F1. counts: shape (..., 3). RETURNS (Floats): The same shape; NaN where undefined."""
    correct, predicted, gold = counts[..., CORRECT], counts[..., PREDICTED], counts[..., GOLD]
    parts = [(correct, predicted), (correct, gold), (2 * correct, predicted + gold)]
    with np.errstate(invalid="ignore"):
        return np.stack([np.divide(above, below) for above, below in parts], axis=-1)


def _score_parts(parts: Sequence[_Counted], label: Optional[int] = None) -> EntScore:
    """The score of languages taken together. label (Optional[int]): Of which label; None: of all."""
    chosen = slice(None) if label is None else slice(label, label + 1)
    counts: IntArray = np.sum([part.counts[chosen].sum(axis=0) for part in parts], axis=0)
    resampled: Floats = np.sum([part.resampled[:, chosen].sum(axis=1) for part in parts], axis=0)
    with_ents = [part for part in parts if part.counts[chosen].any()]
    estimates = _estimate(compute_prf(counts), compute_prf(resampled), varies=_can_vary(with_ents or parts))
    correct, predicted, support = counts.tolist()
    return EntScore(*estimates, correct=correct, predicted=predicted, support=support)


def _score_labels(parts: Sequence[_Counted], labels: Sequence[str]) -> Dict[str, EntScore]:
    occurs = np.any([part.counts.any(axis=1) for part in parts], axis=0)
    return {label: _score_parts(parts, i) for i, label in enumerate(labels) if occurs[i]}


def _score_mean(parts: Sequence[_Counted]) -> MeanScore:
    with_gold = [part for part in parts if part.counts[:, GOLD].any()]
    varies = _can_vary(with_gold or parts)
    if not with_gold:
        nothing = Estimate(0.0, 0.0, 0.0 if varies else 1.0)
        return MeanScore(nothing, nothing, nothing, n_languages=0)
    values = np.stack([compute_prf(part.counts.sum(axis=0)) for part in with_gold])
    resampled = np.stack([compute_prf(part.resampled.sum(axis=1)) for part in with_gold])
    # A language in which nothing was found has no precision; it counts 0, as it is shown.
    means = np.nan_to_num(values).mean(axis=0), np.nan_to_num(resampled).mean(axis=0)
    return MeanScore(*_estimate(*means, varies=varies), n_languages=len(with_gold))


def _can_vary(parts: Sequence[_Counted]) -> bool:
    """Whether resamples of these languages can differ."""
    return any(part.n_units > 1 for part in parts)


def _estimate(values: Floats, resampled: Floats, *, varies: bool) -> Tuple[Estimate, Estimate, Estimate]:
    """Precision, recall and F1; with intervals of 0 to 1 if resamples cannot differ.

    values: shape (3,); resampled: shape (n_resamples, 3); both NaN where undefined.
    """

    def estimate(value: float, column: Floats) -> Estimate:
        if not varies:
            return Estimate(value, 0.0, 1.0)
        defined = column[~np.isnan(column)]
        low, high = np.percentile(defined, LEVELS).tolist() if len(defined) else (value, value)
        return Estimate(value, low, high)

    precision, recall, f1 = map(estimate, np.nan_to_num(values).tolist(), resampled.T)
    return precision, recall, f1
