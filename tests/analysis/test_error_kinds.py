import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_xlmr_ner.analysis.error_kinds import (
    INVENTED,
    KINDS,
    MEANINGS,
    MISSED,
    WRONG_BORDER,
    WRONG_BOTH,
    WRONG_LABEL,
    find_errors,
    find_place,
)
from spacy_xlmr_ner.analysis.mentions import Mention

PER, LOC = Mention(5, 15, "PER"), Mention(5, 15, "LOC")


@pytest.mark.parametrize(
    "gold, found, kinds",
    [
        ([PER], [PER._replace(score=0.5)], []),
        ([PER], [LOC], [WRONG_LABEL]),
        ([PER], [Mention(5, 9, "PER")], [WRONG_BORDER]),
        ([PER], [Mention(14, 20, "PER")], [WRONG_BORDER]),
        ([PER], [Mention(5, 9, "LOC")], [WRONG_BOTH]),
        ([PER], [], [MISSED]),
        ([], [PER], [INVENTED]),
        ([PER], [Mention(0, 5, "PER")], [INVENTED, MISSED]),  # they touch, but share no character
        # one gold entity found in two parts: the longer is its pair, the other is one too many
        ([PER], [Mention(5, 7, "PER"), Mention(8, 15, "PER")], [INVENTED, WRONG_BORDER]),
        # a pair of one label goes before one that shares more characters
        ([PER], [Mention(5, 13, "LOC"), Mention(13, 15, "PER")], [INVENTED, WRONG_BORDER]),
        # two gold entities found as one
        ([Mention(0, 4, "PER"), Mention(5, 15, "PER")], [Mention(0, 15, "PER")], [MISSED, WRONG_BORDER]),
        # a right one is no pair for another that overlaps it
        ([PER], [PER, Mention(16, 20, "PER")], [INVENTED]),
    ],
)
def test_find_errors_tells_the_kind(gold, found, kinds):
    assert sorted(error.kind for error in find_errors(gold, found)) == sorted(kinds)


def test_find_errors_pairs_those_that_share_most():
    parts = [Mention(5, 7, "PER"), Mention(8, 15, "PER")]
    assert [(error.kind, error.found) for error in find_errors([PER], parts)] == [
        (INVENTED, parts[0]),
        (WRONG_BORDER, parts[1]),
    ]


def test_find_errors_is_in_order_of_the_text():
    errors = find_errors([Mention(20, 25, "PER")], [Mention(0, 3, "LOC"), Mention(21, 25, "PER")])
    assert [(error.kind, find_place(error)) for error in errors] == [(INVENTED, (0, 3)), (WRONG_BORDER, (20, 25))]


def test_every_kind_has_a_meaning():
    assert list(MEANINGS) == list(KINDS)


@st.composite
def mention_lists(draw):
    """Entities that do not overlap."""
    borders = sorted(draw(st.sets(st.integers(0, 20), max_size=10)))
    pairs = list(zip(borders[::2], borders[1::2]))
    return [Mention(start, end, draw(st.sampled_from(["PER", "LOC"]))) for start, end in pairs]


@given(mention_lists(), mention_lists())
def test_find_errors_counts_each_entity_once(gold, found):
    errors = find_errors(gold, found)
    n_right = len(set(gold) & set(found))
    wanted = [error.gold for error in errors if error.gold]
    got = [error.found for error in errors if error.found]
    assert sorted(wanted) == sorted(set(gold) - set(found))
    assert sorted(got) == sorted(set(found) - set(gold))
    assert len(gold) == n_right + len(wanted)
