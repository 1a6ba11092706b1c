"""What a corpus holds: its texts, their entities, and what looks wrong about them."""

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Dict, FrozenSet, List, Set, Tuple

import numpy as np
from spacy.attrs import ENT_IOB
from spacy.tokens import Doc, Span
from spacy.training import Example

from ..gold import align_ents

MAX_EXAMPLES = 5
MAX_CHARS = 60  # of an example
MARGIN = 15  # characters of the text around an entity

_BREAKS = re.compile(r"\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")

Ents = FrozenSet[Tuple[int, int, str]]


@dataclass
class Finding:
    """How often something was found, and the first few of them.

    n (int): How often.
    examples (List[str]): At most MAX_EXAMPLES, each on one line.
    """

    n: int = 0
    examples: List[str] = field(default_factory=list)

    def add(self, example: str, n: int = 1) -> None:
        """Count one, or several that look alike."""
        self.n += n
        if len(self.examples) < MAX_EXAMPLES:
            self.examples.append(example)


@dataclass
class CorpusStats:
    """What a corpus holds. Docs and entities are the gold ones; tokens are those of the gold docs.

    labels (Dict[str, int]): Entities by label, most frequent first.
    docs_by_label (Dict[str, int]): Docs that hold an entity of the label.
    ent_lengths (Dict[int, int]): Entities by their number of tokens.
    empty (int): Docs without a token.
    without_ents (int): Docs that are annotated, and hold no entity.
    missing_tokens (int): Tokens of which nothing is known, not even that they are outside of entities.
    unannotated (Finding): Docs that have tokens, all of them such.
    misfits (Finding): Entities that begin or end inside a token of the pipeline's, or on whitespace.
    edges (Finding): Entities that begin or end with punctuation, or with a space inside a token.
    crossing (Finding): Entities that go on beyond the end of a sentence, where sentences are annotated.
    duplicates (Finding): Docs whose text an earlier doc has.
    conflicts (Finding): Those of them whose entities are others.
    """

    n_docs: int = 0
    n_tokens: int = 0
    n_ents: int = 0
    labels: Dict[str, int] = field(default_factory=dict)
    docs_by_label: Dict[str, int] = field(default_factory=dict)
    ent_lengths: Dict[int, int] = field(default_factory=dict)
    empty: int = 0
    without_ents: int = 0
    missing_tokens: int = 0
    unannotated: Finding = field(default_factory=Finding)
    misfits: Finding = field(default_factory=Finding)
    edges: Finding = field(default_factory=Finding)
    crossing: Finding = field(default_factory=Finding)
    duplicates: Finding = field(default_factory=Finding)
    conflicts: Finding = field(default_factory=Finding)


class CorpusCounter:
    """Counts what the examples of a corpus hold, and remembers their texts.

    texts (Dict[str, Ents]): The entities of each text; spaces in a row count as one.
    mentions (Set[Tuple[str, str]]): Text and label of the entities.
    """

    texts: Dict[str, Ents]
    mentions: Set[Tuple[str, str]]

    def __init__(self) -> None:
        self._stats = CorpusStats()
        self._labels: Counter[str] = Counter()
        self._docs_by_label: Counter[str] = Counter()
        self._lengths: Counter[int] = Counter()
        self.texts = {}
        self.mentions = set()

    def add(self, example: Example) -> None:
        """Count an example."""
        doc, stats = example.reference, self._stats
        is_missing = doc.to_array([ENT_IOB]).reshape(-1) == 0
        stats.n_docs += 1
        stats.n_tokens += len(doc)
        stats.n_ents += len(doc.ents)
        stats.missing_tokens += int(np.sum(is_missing))
        if not len(doc):
            stats.empty += 1
            return
        if is_missing.all():
            stats.unannotated.add(shorten(doc.text))
        elif not doc.ents:
            stats.without_ents += 1
        self._add_ents(doc)
        self._add_text(doc)
        for ent in align_ents(example)[1]:
            stats.misfits.add(describe_ent(ent))

    def _add_ents(self, doc: Doc) -> None:
        has_sents = doc.has_annotation("SENT_START")
        for ent in doc.ents:
            self._labels[ent.label_] += 1
            self._lengths[len(ent)] += 1
            self.mentions.add((join_spaces(ent.text), ent.label_))
            if ent[0].is_punct or ent[-1].is_punct or ent.text != ent.text.strip():
                self._stats.edges.add(describe_ent(ent))
            if has_sents and any(token.is_sent_start for token in ent[1:]):
                self._stats.crossing.add(describe_ent(ent))
        self._docs_by_label.update({ent.label_ for ent in doc.ents})

    def _add_text(self, doc: Doc) -> None:
        text = join_spaces(doc.text)
        ents = frozenset((ent.start_char, ent.end_char, ent.label_) for ent in doc.ents)
        if text not in self.texts:
            self.texts[text] = ents
            return
        self._stats.duplicates.add(shorten(text))
        if self.texts[text] != ents:
            self._stats.conflicts.add(shorten(text))

    def finish(self) -> CorpusStats:
        """What was counted."""
        self._stats.labels = dict(self._labels.most_common())
        self._stats.docs_by_label = dict(self._docs_by_label.most_common())
        self._stats.ent_lengths = dict(sorted(self._lengths.items()))
        return self._stats


def find_overlap(train: CorpusCounter, dev: CorpusCounter) -> Finding:
    """The texts of dev that train has too."""
    overlap = Finding()
    for text in dev.texts:
        if text in train.texts:
            overlap.add(shorten(text))
    return overlap


def measure_novelty(train: CorpusCounter, dev: CorpusCounter) -> float:
    """The share of the different entities of dev that train does not have with that label; 0 where dev has none."""
    return len(dev.mentions - train.mentions) / len(dev.mentions) if dev.mentions else 0.0


def describe_ent(ent: Span) -> str:
    """An entity in brackets, with a little of the text around it."""
    text = ent.doc.text
    before = text[max(0, ent.start_char - MARGIN) : ent.start_char]
    after = text[ent.end_char : ent.end_char + MARGIN]
    return show_breaks(f"{before}[{shorten(ent.text)}]{after} {ent.label_}")


def shorten(text: str) -> str:
    """The beginning of a text, on one line."""
    text = show_breaks(text[: MAX_CHARS + 1])
    return text if len(text) <= MAX_CHARS else text[: MAX_CHARS - 3] + "..."


def show_breaks(text: str) -> str:
    """A text on one line, with a sign for each line break."""
    return _BREAKS.sub("⏎", text)


def join_spaces(text: str) -> str:
    """A text with one space for each run of whitespace, and none at its ends."""
    return " ".join(text.split())
