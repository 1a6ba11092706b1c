"""Entities that were there before: which of them and of the found ones stand in the doc."""

from typing import List, Tuple, Union

import numpy as np
from spacy.attrs import ENT_IOB, ENT_TYPE
from spacy.tokens import Doc, Span

from .ent_score import forget_scores, get_component, get_score, set_score
from .types import BoolArray, Ent, ExistingEnts

BEGIN_IOB = 3  # with no type, it marks a blocked token


def find_blocked(doc: Doc) -> BoolArray:
    """The tokens that spaCy calls blocked: never part of an entity. RETURNS (BoolArray): Shape (n_tokens,)."""
    iob_and_type = doc.to_array([ENT_IOB, ENT_TYPE]).reshape(-1, 2)
    return (iob_and_type[:, 0] == BEGIN_IOB) & (iob_and_type[:, 1] == 0)


def select_ents(
    found: List[Ent], earlier: List[Span], blocked: BoolArray, policy: ExistingEnts
) -> Tuple[List[Ent], List[Span]]:
    """Choose which entities stand where the found and the earlier ones are in each other's way.

    found (List[Ent]): Not overlapping one another.
    earlier (List[Span]): Likewise.
    blocked (BoolArray): Shape (n_tokens,). Tokens that are in no entity.
    policy (ExistingEnts): "keep" and "overwrite" say which side wins; "best": the higher score, of equals the earlier;
        an entity without a score counts 1.0.
    RETURNS (Tuple[List[Ent], List[Span]]): Those that stand. Without a conflict, all.
    """
    found = [ent for ent in found if not blocked[ent.start : ent.end].any()]
    if not earlier or not found:
        return found, earlier

    def rank(ent: Union[Ent, Span]) -> float:
        if isinstance(ent, Ent):
            return {"keep": 0.0, "overwrite": 2.0, "best": ent.score}[policy]
        score = get_score(ent) if policy == "best" else None
        return score if isinstance(score, float) else 1.0

    taken = np.zeros(len(blocked), dtype=bool)
    standing: List[Union[Ent, Span]] = []
    # Sorting keeps the order of equals, in reverse too: the earlier come first.
    for ent in sorted([*earlier, *found], key=rank, reverse=True):
        if not taken[ent.start : ent.end].any():
            taken[ent.start : ent.end] = True
            standing.append(ent)
    return sorted(ent for ent in standing if isinstance(ent, Ent)), [ent for ent in standing if isinstance(ent, Span)]


def set_ents(doc: Doc, found: List[Ent], *, policy: ExistingEnts, component: str) -> List[Tuple[Span, float]]:
    """Write found entities to doc.ents and keep their scores.

    What this component itself set before is replaced, so running it twice is running it once.

    doc (Doc): The doc.
    found (List[Ent]): In order, not overlapping.
    policy (ExistingEnts): What becomes of entities that are there already.
    component (str): Its name.
    RETURNS (List[Tuple[Span, float]]): The found entities that now stand in doc.ents, with their scores.
    """
    blocked = find_blocked(doc)
    present = list(doc.ents)
    earlier = [ent for ent in present if get_component(ent) != component]
    standing, left = select_ents(found, earlier, blocked, policy)
    _clear_ids(doc, present, left)
    spans = [(Span(doc, ent.start, ent.end, label=ent.label), ent.score) for ent in standing]
    doc.set_ents(
        [*left, *(span for span, _ in spans)],
        blocked=[doc[i : i + 1] for i in np.flatnonzero(blocked).tolist()],
    )
    forget_scores(doc, keep=tuple(left))
    for span, score in spans:
        set_score(span, score, component=component)
    return spans


def _clear_ids(doc: Doc, present: List[Span], left: List[Span]) -> None:
    """Take the ids off entities that go: Doc.set_ents leaves them on the tokens, for the next entity to inherit."""
    kept = {ent.start for ent in left}
    for ent in present:
        if ent.start not in kept and (ent.id or ent.kb_id):
            for token in ent:
                token.ent_id = 0
                token.ent_kb_id = 0
