"""What kind of error each wrong entity is."""

from typing import List, NamedTuple, Optional, Sequence, Tuple

from .mentions import Mention

WRONG_BORDER = "wrong border"
WRONG_LABEL = "wrong label"
WRONG_BOTH = "wrong border and label"
MISSED = "missed"
INVENTED = "invented"
# In the order in which pairs are made, then what is left.
KINDS = (WRONG_LABEL, WRONG_BORDER, WRONG_BOTH, MISSED, INVENTED)
MEANINGS = {
    WRONG_LABEL: "the borders of a gold entity, another label",
    WRONG_BORDER: "the label of a gold entity that it overlaps, other borders",
    WRONG_BOTH: "it overlaps a gold entity, but neither its label nor its borders are the same",
    MISSED: "a gold entity with which no found entity was paired",
    INVENTED: "a found entity with which no gold entity was paired",
}


class EntError(NamedTuple):
    """A wrong entity: its kind, the gold entity (None if invented) and the found one (None if missed)."""

    kind: str
    gold: Optional[Mention]
    found: Optional[Mention]


def find_errors(gold: Sequence[Mention], found: Sequence[Mention]) -> List[EntError]:
    """Tell the kinds of error in a doc. Each gold and each found entity stands in one error at most.

    Entities with equal borders and label are right and out of the way. The others are paired one to one where they
    overlap: first those of equal borders ("wrong label"), then those of equal label ("wrong border"), then the rest
    ("wrong border and label"); within each, those that share most characters first, then from left to right.
    What stays alone was "missed" (gold) or "invented" (found). So

        gold  = right + wrong label + wrong border + wrong border and label + missed
        found = right + wrong label + wrong border + wrong border and label + invented.

    gold (Sequence[Mention]): Of one text, in order; not overlapping one another.
    found (Sequence[Mention]): Of the same text; likewise.
    RETURNS (List[EntError]): In order of the text.
    """
    right = {mention.key for mention in gold} & {mention.key for mention in found}
    free_gold = {mention.key: mention for mention in gold if mention.key not in right}
    free_found = {mention.key: mention for mention in found if mention.key not in right}
    errors: List[EntError] = []
    for _, _, wanted, got in sorted(_rank_pairs(list(free_gold.values()), list(free_found.values()))):
        if wanted.key in free_gold and got.key in free_found:
            errors.append(EntError(_name_kind(wanted, got), free_gold.pop(wanted.key), free_found.pop(got.key)))
    errors += [EntError(MISSED, mention, None) for mention in free_gold.values()]
    errors += [EntError(INVENTED, None, mention) for mention in free_found.values()]
    return sorted(errors, key=find_place)


def find_place(error: EntError) -> Tuple[int, int]:
    """The characters that an error spans: of the gold and the found entity together, half-open."""
    places = [mention for mention in (error.gold, error.found) if mention is not None]
    return min(mention.start for mention in places), max(mention.end for mention in places)


def _rank_pairs(gold: Sequence[Mention], found: Sequence[Mention]) -> List[Tuple[int, int, Mention, Mention]]:
    """Overlapping pairs, behind what they are to be sorted by: the kind, and the shared characters, negative."""
    pairs = []
    first = 0
    for wanted in gold:
        while first < len(found) and found[first].end <= wanted.start:
            first += 1
        for i in range(first, len(found)):
            got = found[i]
            if got.start >= wanted.end:
                break
            n_shared = min(wanted.end, got.end) - max(wanted.start, got.start)
            pairs.append((KINDS.index(_name_kind(wanted, got)), -n_shared, wanted, got))
    return pairs


def _name_kind(gold: Mention, found: Mention) -> str:
    if (gold.start, gold.end) == (found.start, found.end):
        return WRONG_LABEL
    return WRONG_BORDER if gold.label == found.label else WRONG_BOTH
