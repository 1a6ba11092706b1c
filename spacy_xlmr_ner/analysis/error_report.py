"""How many errors of each kind there are, and some of them in their surroundings."""

import random
from collections import Counter
from dataclasses import dataclass
from typing import Counter as Counts
from typing import Dict, List, Optional, Sequence, Tuple

from .error_kinds import KINDS, EntError, find_errors, find_place
from .mentions import Mention
from .prediction import DocResult

# Characters shown before and after an error, and of an error itself.
CONTEXT = 60


@dataclass(frozen=True)
class ErrorExample:
    """A wrong entity in its surroundings.

    language (str): The group of docs.
    doc (int): Which of the group's docs, from 0; docs without annotation count too.
    before, text, after (str): What the gold and the found entity span together, and up to 60 characters on each side.
    gold, found (Optional[Mention]): The entities, by characters of the doc's text; None if there is none.
    gold_text, found_text (str): Their text, or "".
    """

    language: str
    doc: int
    before: str
    text: str
    after: str
    gold: Optional[Mention]
    found: Optional[Mention]
    gold_text: str
    found_text: str


@dataclass(frozen=True)
class ErrorReport:
    """Wrong entities.

    counts (Dict[str, int]): By kind, all kinds of error_kinds.KINDS.
    languages (Dict[str, Dict[str, int]]): By language, then kind.
    examples (Dict[str, List[ErrorExample]]): Some of each kind, drawn at random.
    """

    counts: Dict[str, int]
    languages: Dict[str, Dict[str, int]]
    examples: Dict[str, List[ErrorExample]]


def report_errors(results: Sequence[DocResult], *, n_examples: int, seed: int) -> ErrorReport:
    """Tell the kinds of all errors and draw examples of each.

    results (Sequence[DocResult]): Docs with their gold and found entities.
    n_examples (int): How many of each kind, at most.
    seed (int): Of the drawing.
    RETURNS (ErrorReport): Counts and examples.
    """
    languages: Dict[str, Counts[str]] = {result.language: Counter() for result in results}
    by_kind: Dict[str, List[Tuple[DocResult, EntError]]] = {kind: [] for kind in KINDS}
    for result in results:
        for error in find_errors(result.judged.gold, result.judged.found):
            languages[result.language][error.kind] += 1
            by_kind[error.kind].append((result, error))
    generator = random.Random(seed)
    examples = {
        kind: [_show_error(*pair) for pair in generator.sample(pairs, min(n_examples, len(pairs)))]
        for kind, pairs in by_kind.items()
    }
    return ErrorReport(
        counts={kind: len(pairs) for kind, pairs in by_kind.items()},
        languages={language: {kind: row[kind] for kind in KINDS} for language, row in languages.items()},
        examples=examples,
    )


def _show_error(result: DocResult, error: EntError) -> ErrorExample:
    text = result.text
    start, end = find_place(error)
    return ErrorExample(
        language=result.language,
        doc=result.number,
        before=text[max(0, start - CONTEXT) : start],
        text=text[start:end],
        after=text[end : end + CONTEXT],
        gold=error.gold,
        found=error.found,
        gold_text="" if error.gold is None else text[error.gold.start : error.gold.end],
        found_text="" if error.found is None else text[error.found.start : error.found.end],
    )
