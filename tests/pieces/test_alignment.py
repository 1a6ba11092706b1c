from itertools import pairwise
from typing import List, Sequence, Tuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from thinc.types import Ragged

from spacy_xlmr_ner.pieces.alignment import (
    align_pieces,
    find_shared,
    limit_pieces,
    pool_logits,
    trim_offsets,
    unpool_gradient,
)

Offsets = List[Tuple[int, int]]


def as_array(offsets: Offsets) -> np.ndarray:
    return np.array(offsets, dtype=np.int64).reshape(-1, 2)


def as_ragged(groups: Sequence[Sequence[int]]) -> Ragged:
    data = np.array([piece for group in groups for piece in group], dtype=np.int64)
    return Ragged(data, np.array([len(group) for group in groups], dtype=np.int64))


def as_lists(ragged: Ragged) -> List[List[int]]:
    ends = np.cumsum(ragged.lengths)
    return [ragged.dataXd[end - length : end].tolist() for length, end in zip(ragged.lengths, ends)]


@st.composite
def token_offsets(draw) -> Offsets:
    """Tokens with and without space between them."""
    steps = draw(st.lists(st.tuples(st.integers(0, 2), st.integers(1, 4)), max_size=8))
    offsets: Offsets = []
    end = 0
    for gap, length in steps:
        offsets.append((end + gap, end + gap + length))
        end += gap + length
    return offsets


@st.composite
def piece_offsets(draw) -> Offsets:
    """Pieces in order. Some cover nothing, some cover the same characters, some leave characters out."""
    steps = draw(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 6), st.booleans()), max_size=10))
    offsets: Offsets = []
    for gap, length, repeat in steps:
        start = (offsets[-1][1] if offsets else 0) + gap
        offsets.append(offsets[-1] if repeat and offsets else (start, start + length))
    return offsets


def align_slowly(tokens: Offsets, pieces: Offsets) -> List[List[int]]:
    """Character by character."""
    return [[i for i, piece in enumerate(pieces) if set(range(*piece)) & set(range(*token))] for token in tokens]


@settings(deadline=None)
@given(tokens=token_offsets(), pieces=piece_offsets())
def test_align_groups_pieces_by_shared_characters(tokens, pieces):
    assert as_lists(align_pieces(as_array(tokens), as_array(pieces))) == align_slowly(tokens, pieces)


@pytest.mark.parametrize(
    "tokens, pieces, expected",
    [
        ([(0, 3), (4, 8)], [(0, 0), (0, 3), (4, 6), (6, 8), (0, 0)], [[1], [2, 3]]),
        ([(0, 2), (2, 5)], [(0, 3), (3, 5)], [[0], [0, 1]]),  # do|n't, don|'t
        ([(0, 1), (1, 2), (2, 3)], [(0, 3)], [[0], [0], [0]]),
        ([(0, 4), (4, 5), (5, 6)], [(0, 4), (5, 6)], [[0], [], [1]]),  # "Anna", a line break, "B"
        ([(0, 1)], [(0, 1), (0, 1)], [[0, 1]]),  # one character that the normaliser made into several
        ([(0, 4)], [(0, 2), (2, 2), (2, 4)], [[0, 2]]),  # the second stands for nothing
        ([], [(0, 1)], []),
        ([(0, 1)], [], [[]]),
    ],
)
def test_align_examples(tokens, pieces, expected):
    assert as_lists(align_pieces(as_array(tokens), as_array(pieces))) == expected


@pytest.mark.parametrize(
    "tokens, pieces, message",
    [
        (np.zeros((2, 3), dtype=int), np.zeros((1, 2), dtype=int), r"XN301.*token_offsets.*\(2, 3\)"),
        (np.zeros((1, 2), dtype=int), np.zeros(4, dtype=int), r"XN301.*piece_offsets.*\(4,\)"),
        (as_array([(0, 3), (2, 4)]), as_array([]), r"XN302.*token 1"),
        (as_array([(0, 1), (4, 6), (2, 3)]), as_array([]), r"XN302.*token 2"),
    ],
)
def test_align_refuses_wrong_offsets(tokens, pieces, message):
    with pytest.raises(ValueError, match=message):
        align_pieces(tokens, pieces)


def trim(text: str, offsets: Offsets, markers: Sequence[int] = ()) -> Offsets:
    is_space = np.array([character.isspace() for character in text], dtype=bool)
    is_marker = np.isin(np.arange(len(offsets)), markers)
    return [tuple(pair) for pair in trim_offsets(as_array(offsets), is_space, is_marker).tolist()]


@pytest.mark.parametrize("text", ["in Rio"])
@pytest.mark.parametrize("rio", [(2, 6), (3, 6)], ids=["with its space", "without"])
def test_trim_reads_styles_alike(text, rio):
    assert trim(text, [(0, 2), rio]) == [(0, 2), (3, 6)]


@pytest.mark.parametrize("rio", [(2, 7), (3, 7), (4, 7)], ids=["two spaces leak", "one leaks", "none"])
def test_trim_takes_off_a_run_of_spaces(rio):
    assert trim("in  Rio", [(0, 2), rio]) == [(0, 2), (4, 7)]


@pytest.mark.parametrize("marker", [(2, 4), (3, 4), (4, 4), (4, 5)])
def test_trim_gives_a_lone_marker_to_its_word(marker):
    assert trim("in  🚀🚀", [(0, 2), marker, (4, 5), (5, 6)], markers=[1]) == [(0, 2), (4, 5), (4, 5), (5, 6)]


@pytest.mark.parametrize(
    "text, offsets, expected",
    [
        ("in  ", [(0, 2), (2, 4)], [(0, 2), (4, 4)]),  # at the end of the text
        (
            "in   Rio",
            [(0, 2), (2, 3), (4, 8)],
            [(0, 2), (5, 5), (5, 8)],
        ),  # the next piece begins with a space of its own
        ("", [], []),
    ],
)
def test_trim_leaves_a_marker_without_a_word_empty(text, offsets, expected):
    assert trim(text, offsets, markers=[1]) == expected


@settings(deadline=None)
@given(text=st.text(alphabet="ab \n\u3000", max_size=12), data=st.data())
def test_trim_takes_off_whitespace_and_nothing_else(text, data):
    edges = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=12)))
    offsets = list(pairwise(edges))
    for (start, end), (new_start, new_end) in zip(offsets, trim(text, offsets)):
        assert text[new_start:new_end] == text[start:end].strip()
        assert start <= new_start or not text[start:end].strip()


@st.composite
def groups_of_pieces(draw) -> Tuple[List[List[int]], int]:
    """The pieces of each token, and their number; tokens share pieces, and some pieces belong to none."""
    pieces = draw(piece_offsets())
    return align_slowly(draw(token_offsets()), pieces), len(pieces)


def limit_slowly(groups: List[List[int]], n_pieces: int, limit: int) -> Tuple[List[List[int]], List[bool], List[int]]:
    links = [group[:limit] for group in groups]
    lost = {piece for group in groups for piece in group[limit:]} - {piece for group in links for piece in group}
    number = {piece: i for i, piece in enumerate(piece for piece in range(n_pieces) if piece not in lost)}
    return (
        [[number[piece] for piece in group] for group in links],
        [piece not in lost for piece in range(n_pieces)],
        [token for token, group in enumerate(groups) if len(group) > limit],
    )


@settings(deadline=None)
@given(groups=groups_of_pieces(), limit=st.integers(1, 5))
def test_limit_keeps_the_first_pieces_of_long_tokens(groups, limit):
    tokens, is_kept, cut = limit_pieces(as_ragged(groups[0]), groups[1], limit)
    assert (as_lists(tokens), is_kept.tolist(), cut.tolist()) == limit_slowly(*groups, limit)


def pool_slowly(rows: np.ndarray, pooling: str) -> np.ndarray:
    if not len(rows):
        return np.full(rows.shape[1], np.nan)
    return {"first": rows[0], "mean": rows.mean(axis=0), "max": rows.max(axis=0)}[pooling]


@pytest.mark.parametrize("pooling", ["first", "mean", "max"])
@settings(deadline=None)
@given(lengths=st.lists(st.integers(0, 3), max_size=8))
def test_pool_makes_one_row_a_token(pooling, lengths):
    logits = np.random.default_rng(len(lengths)).normal(size=(sum(lengths), 3)).astype(np.float32)
    pooled = pool_logits(logits, Ragged(np.arange(len(logits)), np.array(lengths, dtype=np.int64)), pooling)
    ends = np.cumsum(lengths, dtype=int)
    expected = [pool_slowly(logits[end - length : end], pooling) for length, end in zip(lengths, ends)]
    assert pooled.dtype == np.float32
    np.testing.assert_allclose(pooled, np.reshape(expected, (-1, 3)), rtol=1e-5)


@pytest.mark.parametrize("pooling", ["first", "mean", "max"])
@settings(max_examples=300, deadline=None)
@given(tokens=token_offsets(), pieces=piece_offsets())
def test_find_shared_finds_tokens_of_the_same_pieces(pooling, tokens, pieces):
    groups = align_slowly(tokens, pieces)
    deciding = [group[:1] if pooling == "first" else group for group in groups]
    expected = [i for i in range(1, len(deciding)) if deciding[i] and deciding[i] == deciding[i - 1]]
    assert find_shared(as_ragged(groups), pooling).tolist() == expected


@pytest.mark.parametrize(
    "pooling, expected",
    [
        ("first", [[1, 2], [0, 0], [3, 4]]),
        ("mean", [[0.5, 1], [0.5, 1], [3, 4]]),
        ("max", [[1, 0], [0, 2], [3, 4]]),  # each column to the row that it was taken from
    ],
)
def test_unpool_gradient_sends_it_to_where_the_logits_came_from(pooling, expected):
    logits = np.array([[5, 0], [1, 7], [0, 0]], dtype=np.float32)
    tokens = Ragged(np.arange(3), np.array([2, 0, 1]))
    d_pooled = np.array([[1, 2], [np.nan, np.nan], [3, 4]], dtype=np.float32)
    np.testing.assert_array_equal(unpool_gradient(d_pooled, logits, tokens, pooling), expected)


@pytest.mark.parametrize("pooling", ["first", "mean", "max"])
def test_unpool_gradient_takes_tokens_without_pieces(pooling):
    none = np.zeros((0, 2), dtype=np.float32)
    tokens = Ragged(np.zeros(0, dtype=np.int64), np.array([0, 0]))
    assert unpool_gradient(np.ones((2, 2), dtype=np.float32), none, tokens, pooling).shape == (0, 2)
