"""Gold entities as tags of tokens, for a loss."""

from typing import Dict, Iterable, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np
from spacy.attrs import ENT_IOB, IS_SPACE, ORTH
from spacy.tokens import Doc, Span
from spacy.training import Example

from .tags import OUTSIDE, TagScheme
from .types import BoolArray, IntArray

MISSING = -1


class GoldTags(NamedTuple):
    """What the tokens of a batch of docs should be tagged.

    tags (List[IntArray]): For each example shape (n_tokens of example.predicted,). Tag ids; MISSING where nothing is
        annotated, or where what is annotated fits neither tokens nor tags: such tokens have no part in the loss.
    misfits (List[Span]): Gold entities that begin or end inside a token of the predicted doc, or on whitespace.
    unknown (Dict[str, int]): Labels that the tags do not have, and how many gold entities bear them.
    """

    tags: List[IntArray]
    misfits: List[Span]
    unknown: Dict[str, int]


def encode_gold(examples: Sequence[Example], scheme: TagScheme, names: Sequence[Optional[str]]) -> GoldTags:
    """Spell the gold entities of a batch in a scheme.

    Tokens "Jack", "'s", gold entity "Jack": B-PER, O. Were "Jack's" one token, the entity would end inside it: a
    misfit, and the token MISSING.

    examples (Sequence[Example]): Reference and predicted docs may be tokenized differently.
    scheme (TagScheme): The tags.
    names (Sequence[Optional[str]]): What the gold calls scheme.labels; None: it has no name for that one.
    RETURNS (GoldTags): For each example.
    """
    ids = {name: i for i, name in reversed(list(enumerate(names))) if name is not None}
    gold = GoldTags([], [], {})
    outside = _find_outside(scheme, names)
    for example in examples:
        spans, misfits, is_known = align_ents(example)
        tags = np.where(is_known, outside, MISSING)
        for start, end, label in spans:
            if label in ids:
                tags[start:end] = scheme.spell(ids[label], end - start)
            else:
                tags[start:end] = MISSING
                gold.unknown[label] = gold.unknown.get(label, 0) + 1
        gold.tags.append(tags)
        gold.misfits.extend(misfits)
    return gold


def _find_outside(scheme: TagScheme, names: Sequence[Optional[str]]) -> int:
    """The tag of tokens in no entity: O, or one that `label_map` makes nothing of."""
    if OUTSIDE in scheme.tags:
        return scheme.tags.index(OUTSIDE)
    dropped = [tag for tag, label in enumerate(scheme.label_ids.tolist()) if names[label] is None]
    return dropped[0] if dropped else MISSING


def align_ents(example: Example) -> Tuple[List[Tuple[int, int, str]], List[Span], BoolArray]:
    """Find the gold entities in the tokens of the predicted doc.

    example (Example): One example.
    RETURNS (Tuple[List[Tuple[int, int, str]], List[Span], BoolArray]): Entities as (start, end, label), tokens of the
        predicted doc, half-open; those of the reference that do not fit; and which tokens are annotated and touched by
        no misfit, shape (n_tokens,).
    """
    is_space = example.predicted.to_array([IS_SPACE]).reshape(-1) == 1
    has_same_tokens = _have_same_tokens(example)
    is_known = _find_annotated(example, has_same_tokens)
    spans: List[Tuple[int, int, str]] = []
    misfits: List[Span] = []
    for ent in example.reference.ents:
        start, end = (ent.start, ent.end) if has_same_tokens else _find_tokens(example, ent)
        fits = end > start and not is_space[start] and not is_space[end - 1]
        if fits and not has_same_tokens:
            fits = _strip(example.predicted[start:end].text) == _strip(ent.text)
        if fits:
            spans.append((start, end, ent.label_))
        else:
            is_known[start:end] = False
            misfits.append(ent)
    return spans, misfits, is_known


def _have_same_tokens(example: Example) -> bool:
    return np.array_equal(example.predicted.to_array([ORTH]), example.reference.to_array([ORTH]))


def _find_annotated(example: Example, has_same_tokens: bool) -> BoolArray:
    """Which tokens of the predicted doc have an annotation; whitespace among them counts as outside."""
    is_annotated = example.reference.to_array([ENT_IOB]).reshape(-1) != 0
    if has_same_tokens:
        return np.array(is_annotated)
    is_known = np.ones(len(example.predicted), dtype=bool)
    lengths = np.asarray(example.alignment.x2y.lengths)
    links = np.asarray(example.alignment.x2y.data)
    owners = np.repeat(np.arange(len(lengths)), lengths)
    is_known[owners[~is_annotated[links]]] = False
    return is_known


def _find_tokens(example: Example, ent: Span) -> Tuple[int, int]:
    """The tokens of the predicted doc that share a character with a gold entity."""
    links = np.asarray(example.alignment.y2x[ent.start : ent.end]).reshape(-1)
    return (int(links.min()), int(links.max()) + 1) if len(links) else (0, 0)


def _strip(text: str) -> str:
    """What spaCy compares when it aligns spans: tokenizers may differ in case and whitespace."""
    return "".join(text.lower().split())


def collect_labels(examples: Iterable[Example]) -> Dict[str, int]:
    """Labels of the gold entities, by name, and how many entities bear each."""
    counts: Dict[str, int] = {}
    for example in examples:
        for ent in example.reference.ents:
            counts[ent.label_] = counts.get(ent.label_, 0) + 1
    return dict(sorted(counts.items()))


def has_gold(example: Example) -> bool:
    """Whether there is a token of the gold that is known to be in an entity, or in none."""
    return bool(len(example.reference)) and example.reference.has_annotation("ENT_IOB")


def describe_docs(docs: Sequence[Doc], *, limit: int = 3) -> str:
    """The beginnings of some docs, for messages."""
    shown = [repr(doc.text[:40] + ("..." if len(doc.text) > 40 else "")) for doc in docs[:limit]]
    return ", ".join(shown) + (f" and {len(docs) - limit} more" if len(docs) > limit else "")
