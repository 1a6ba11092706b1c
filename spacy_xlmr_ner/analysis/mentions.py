"""Entities as places in a text: what is compared in an evaluation."""

from typing import Collection, List, Mapping, NamedTuple, Optional, Tuple

import numpy as np
from spacy.attrs import ENT_IOB
from spacy.tokens import Doc, Span


class Mention(NamedTuple):
    """An entity: characters start to end of its text (half-open), its label, its score in [0, 1] if it has one."""

    start: int
    end: int
    label: str
    score: Optional[float] = None

    @property
    def key(self) -> Tuple[int, int, str]:
        """What must be the same for two to be the same entity: both borders and the label."""
        return (self.start, self.end, self.label)


class LabelChoice:
    """Which labels take part in an evaluation, and under which names; for gold and found entities alike.

    label_map (Mapping[str, Optional[str]]): Other names for labels; None leaves the label out.
    labels (Optional[Collection[str]]): The labels that take part, by their names after label_map; None: all.
    """

    def __init__(
        self, *, label_map: Optional[Mapping[str, Optional[str]]] = None, labels: Optional[Collection[str]] = None
    ):
        self.label_map = dict(label_map or {})
        self.labels = None if labels is None else frozenset(labels)

    def rename(self, label: str) -> Optional[str]:
        """The name under which a label takes part, or None if it does not."""
        name = self.label_map.get(label, label)
        return name if self.labels is None or name in self.labels else None

    def relabel(self, doc: Doc) -> Doc:
        """A doc whose entities bear the names under which they take part; the same doc if none changes.

        An entity that takes no part leaves its tokens outside of entities. Tokens without annotation stay so.
        """
        names = [self.rename(ent.label_) for ent in doc.ents]
        if names == [ent.label_ for ent in doc.ents]:
            return doc
        copy = doc.copy()
        missing = [copy[i : i + 1] for i in np.flatnonzero(find_missing(doc)).tolist()]
        ents = [Span(copy, ent.start, ent.end, label=name) for ent, name in zip(doc.ents, names) if name is not None]
        copy.set_ents(ents, missing=missing, default="outside")
        return copy


def read_mentions(doc: Doc, choice: LabelChoice) -> List[Mention]:
    """The entities of a doc that take part, in order, with their scores where they have one."""
    named = ((ent, choice.rename(ent.label_)) for ent in doc.ents)
    return [Mention(ent.start_char, ent.end_char, name, _read_score(ent)) for ent, name in named if name is not None]


def drop_unknown(found: List[Mention], gold: Doc) -> List[Mention]:
    """Leave out the found entities that share a character with a token that has no gold annotation.

    Such an entity is neither right nor wrong, as in spaCy's own scorer.

    found (List[Mention]): Found in the text of gold.
    gold (Doc): The annotated doc. Its tokens without annotation have token.ent_iob == 0.
    RETURNS (List[Mention]): Those that can be judged.
    """
    missing = np.flatnonzero(find_missing(gold)).tolist()
    if not missing:
        return found
    is_missing = np.zeros(len(gold.text) + 1, dtype=bool)
    for i in missing:
        token = gold[i]
        is_missing[token.idx : token.idx + len(token)] = True
    return [mention for mention in found if not is_missing[mention.start : mention.end].any()]


def find_missing(doc: Doc) -> np.ndarray:
    """Which tokens have no entity annotation, not even that they are outside: bool, shape (n_tokens,)."""
    return np.asarray(doc.to_array([ENT_IOB]).reshape(-1) == 0)


def _read_score(ent: Span) -> Optional[float]:
    score = ent._.score
    return float(score) if isinstance(score, (int, float)) else None
