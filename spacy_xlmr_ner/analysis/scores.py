"""Strict precision, recall and F1 of entities, with bootstrap intervals."""

from dataclasses import dataclass
from typing import Dict, List, NamedTuple, Sequence, Tuple
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from ..types import IntArray
from .mentions import Mention

Floats = NDArray[np.float64]

# Columns of counts.
CORRECT, PREDICTED, GOLD = range(3)
LEVELS = (2.5, 97.5)
# Cells of (resamples x kinds of docs) that are drawn at a time.
MAX_DRAWN_CELLS = 2**24


@dataclass(frozen=True)
class Estimate:
    """A figure, and the 95 % interval of it, from low to high."""

    value: float
    low: float
    high: float


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
    """The entities of one doc: gold and found."""

    gold: Sequence[Mention]
    found: Sequence[Mention]


class _Counted(NamedTuple):
    """Counts of a language: shape (n_labels, 3); and in each resample: shape (n_resamples, n_labels, 3)."""

    counts: IntArray
    resampled: Floats


def score_ents(groups: Dict[str, List[Judged]], *, n_resamples: int = 1000, seed: int = 0) -> Scores:
    """Score the entities of docs, by label and by language.

    The intervals are percentiles of a bootstrap over docs: each resample draws from every language as many docs as it
    has, with replacement. Overall and mean figures come from the same resamples. A resample in which a figure has
    nothing to divide by has no part in that figure's interval.

    groups (Dict[str, List[Judged]]): Docs by language; at least one doc each.
    n_resamples (int): How many resamples.
    seed (int): Of the resamples; with the language's name, so that others beside it change nothing.
    RETURNS (Scores): The scores.
    """
    every = (mention.label for docs in groups.values() for doc in docs for part in doc for mention in part)
    labels = sorted(set(every))
    counted = {}
    for language, docs in groups.items():
        counts = count_ents(docs, labels)
        resampled = resample_counts(counts, n_resamples=n_resamples, seed=(seed, crc32(language.encode("utf8"))))
        counted[language] = _Counted(counts.sum(axis=0), resampled)
    total = _Counted(
        np.sum([part.counts for part in counted.values()], axis=0),
        np.sum([part.resampled for part in counted.values()], axis=0),
    )
    return Scores(
        overall=_score_all(total),
        mean=_score_mean(list(counted.values())),
        labels=_score_labels(total, labels),
        languages={language: _score_all(part) for language, part in counted.items()},
        languages_labels={language: _score_labels(part, labels) for language, part in counted.items()},
    )


def count_ents(docs: Sequence[Judged], labels: Sequence[str]) -> IntArray:
    """Count entities by doc and label.

    docs (Sequence[Judged]): The docs.
    labels (Sequence[str]): All labels that they have.
    RETURNS (IntArray): Shape (n_docs, n_labels, 3): correct, predicted and gold entities.
    """
    ids = {label: i for i, label in enumerate(labels)}
    counts = np.zeros((len(docs), len(labels), 3), dtype=np.int64)
    for row, doc in zip(counts, docs):
        gold = {mention.key for mention in doc.gold}
        for mention in doc.gold:
            row[ids[mention.label], GOLD] += 1
        for mention in doc.found:
            row[ids[mention.label], PREDICTED] += 1
            row[ids[mention.label], CORRECT] += mention.key in gold
    return counts


def resample_counts(counts: IntArray, *, n_resamples: int, seed: Tuple[int, ...]) -> Floats:
    """Sum the counts of docs drawn with replacement, as many as there are, many times.

    Docs of equal counts are alike here, so what is drawn is how often each kind of doc comes: a multinomial.

    counts (IntArray): Shape (n_docs, n_labels, 3), n_docs > 0.
    n_resamples (int): How many times.
    seed (Tuple[int, ...]): For numpy.
    RETURNS (Floats): Shape (n_resamples, n_labels, 3).
    """
    n_docs = len(counts)
    kinds, n_alike = np.unique(counts.reshape(n_docs, -1), axis=0, return_counts=True)
    generator = np.random.default_rng(seed)
    step = max(1, MAX_DRAWN_CELLS // len(kinds))
    sums = [
        generator.multinomial(n_docs, n_alike / n_docs, size=min(step, n_resamples - i)).astype(np.float64) @ kinds
        for i in range(0, n_resamples, step)
    ]
    return np.concatenate([np.zeros((0, kinds.shape[1])), *sums]).reshape(n_resamples, *counts.shape[1:])


def compute_prf(counts: NDArray) -> Floats:
    """Precision, recall and F1. counts: shape (..., 3). RETURNS (Floats): The same shape; NaN where undefined."""
    correct, predicted, gold = counts[..., CORRECT], counts[..., PREDICTED], counts[..., GOLD]
    parts = [(correct, predicted), (correct, gold), (2 * correct, predicted + gold)]
    with np.errstate(invalid="ignore"):
        return np.stack([np.divide(above, below) for above, below in parts], axis=-1)


def _score_all(part: _Counted) -> EntScore:
    return _make_score(part.counts.sum(axis=0), part.resampled.sum(axis=1))


def _score_labels(part: _Counted, labels: Sequence[str]) -> Dict[str, EntScore]:
    occurs = part.counts.sum(axis=1)
    return {label: _make_score(part.counts[i], part.resampled[:, i]) for i, label in enumerate(labels) if occurs[i]}


def _make_score(counts: IntArray, resampled: Floats) -> EntScore:
    """counts: shape (3,); resampled: shape (n_resamples, 3)."""
    precision, recall, f1 = _estimate(compute_prf(counts), compute_prf(resampled))
    correct, predicted, support = counts.tolist()
    return EntScore(precision, recall, f1, correct=correct, predicted=predicted, support=support)


def _score_mean(parts: Sequence[_Counted]) -> MeanScore:
    with_gold = [part for part in parts if part.counts[:, GOLD].any()]
    if not with_gold:
        nothing = Estimate(0.0, 0.0, 0.0)
        return MeanScore(nothing, nothing, nothing, n_languages=0)
    values = np.stack([compute_prf(part.counts.sum(axis=0)) for part in with_gold])
    resampled = np.stack([compute_prf(part.resampled.sum(axis=1)) for part in with_gold])
    # A language in which nothing was found has no precision; it counts 0, as it is shown.
    means = np.nan_to_num(values).mean(axis=0), np.nan_to_num(resampled).mean(axis=0)
    precision, recall, f1 = _estimate(*means)
    return MeanScore(precision, recall, f1, n_languages=len(with_gold))


def _estimate(values: Floats, resampled: Floats) -> List[Estimate]:
    """values: shape (3,); resampled: shape (n_resamples, 3); both NaN where undefined."""
    estimates = []
    for value, column in zip(np.nan_to_num(values).tolist(), resampled.T):
        defined = column[~np.isnan(column)]
        low, high = np.percentile(defined, LEVELS).tolist() if len(defined) else (value, value)
        estimates.append(Estimate(value, low, high))
    return estimates
