from itertools import pairwise
from typing import List, NamedTuple, Tuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from thinc.types import Ragged

from spacy_xlmr_ner.pieces.windows import Windows, cut_windows, find_cuts, find_token_ranges, own_tokens


class Batch(NamedTuple):
    """Docs as windows see them: the pieces of each token, and how many pieces each doc has."""

    tokens: List[List[int]]
    doc_lengths: List[int]

    @property
    def ragged(self) -> Ragged:
        data = np.array([piece for token in self.tokens for piece in token], dtype=np.int64)
        return Ragged(data, np.array([len(token) for token in self.tokens], dtype=np.int64))

    @property
    def docs(self) -> List[Tuple[int, int]]:
        ends = np.cumsum(self.doc_lengths, dtype=int).tolist()
        return [(end - length, end) for length, end in zip(self.doc_lengths, ends)]


def make_batch(docs: List[List[Tuple[int, str]]]) -> Batch:
    """Each token is a number of pieces, and what its first piece is: its "own", the last of the token before
    ("shared"), or its own behind a piece of no token ("orphan")."""
    tokens: List[List[int]] = []
    doc_lengths: List[int] = []
    end = 0
    for doc in docs:
        doc_start = end
        for n_pieces, kind in doc:
            start = end - 1 if kind == "shared" and end > doc_start else end + (kind == "orphan")
            tokens.append(list(range(start, start + n_pieces)) if n_pieces else [])
            end = max(end, start + n_pieces)
        doc_lengths.append(end - doc_start)
    return Batch(tokens, doc_lengths)


@st.composite
def cases(draw) -> Tuple[Batch, int, int]:
    """A batch, the capacity of a window, which each token fits, and the overlap."""
    capacity = draw(st.integers(1, 12))
    overlap = draw(st.integers(0, capacity - 1))
    kinds = draw(st.sampled_from([["own"], ["own", "own", "shared", "orphan"], ["shared"]]))
    token = st.tuples(st.integers(0, min(capacity, draw(st.sampled_from([1, 3, 12])))), st.sampled_from(kinds))
    docs = draw(st.lists(st.lists(token, max_size=40), max_size=3))
    return make_batch(docs), capacity, overlap


def cut(batch: Batch, capacity: int, overlap: int) -> Windows:
    may_cut = find_cuts(*find_token_ranges(batch.ragged), sum(batch.doc_lengths))
    return cut_windows(may_cut, np.array(batch.doc_lengths, dtype=np.int64), capacity=capacity, overlap=overlap)


def find_cuts_slowly(batch: Batch) -> List[int]:
    """Places with no token on both sides."""
    return [
        place
        for place in range(sum(batch.doc_lengths) + 1)
        if not any(token and token[0] < place <= token[-1] for token in batch.tokens)
    ]


def split_by_doc(batch: Batch, windows: Windows) -> List[List[Tuple[int, int]]]:
    spans = list(zip(windows.starts.tolist(), windows.ends.tolist()))
    return [[span for span in spans if start <= span[0] < end] for start, end in batch.docs]


@settings(deadline=None)
@given(case=cases())
def test_cuts_are_where_no_token_is_on_both_sides(case):
    batch = case[0]
    may_cut = find_cuts(*find_token_ranges(batch.ragged), sum(batch.doc_lengths))
    assert np.flatnonzero(may_cut).tolist() == find_cuts_slowly(batch)


@settings(max_examples=200, deadline=None)
@given(case=cases())
def test_windows_cover_every_piece_within_capacity_and_overlap(case):
    batch, capacity, overlap = case
    windows = cut(batch, capacity, overlap)
    by_doc = split_by_doc(batch, windows)
    assert sum(map(len, by_doc)) == len(windows.starts)
    for (doc_start, doc_end), spans in zip(batch.docs, by_doc):
        assert all(0 < end - start <= capacity for start, end in spans)
        assert [start for start, _ in spans[:1]] == [doc_start] * (doc_end > doc_start)
        assert [end for _, end in spans[-1:]] == [doc_end] * (doc_end > doc_start)
        for (_, before), (start, end) in pairwise(spans):
            assert before - overlap <= start <= before < end


@settings(max_examples=200, deadline=None)
@given(case=cases())
def test_windows_are_cut_within_tokens_only_where_no_cut_is_near(case):
    batch, capacity, overlap = case
    windows = cut(batch, capacity, overlap)
    cuts = find_cuts_slowly(batch)
    for place in {*windows.starts.tolist(), *windows.ends.tolist()} - set(cuts):
        before, after = max(c for c in cuts if c < place), min(c for c in cuts if c > place)
        assert after - before > capacity, "tokens that no window holds, chained by shared pieces"


@settings(max_examples=200, deadline=None)
@given(case=cases())
def test_windows_grow_linearly_with_the_doc(case):
    batch, capacity, overlap = case
    for length, spans in zip(batch.doc_lengths, split_by_doc(batch, cut(batch, capacity, overlap))):
        # A window advances by what the overlap leaves, or stops short of a token that the next then takes whole.
        assert len(spans) <= 2 * length / (capacity - overlap) + 2


@pytest.mark.parametrize(
    "doc, capacity, overlap, expected",
    [
        ([(1, "own")] * 9, 4, 1, [(0, 4), (3, 7), (6, 9)]),
        ([(1, "own")] * 9, 4, 0, [(0, 4), (4, 8), (8, 9)]),
        ([(1, "own")] * 4, 4, 1, [(0, 4)]),
        ([(2, "own")] * 4, 5, 2, [(0, 4), (2, 6), (4, 8)]),
        ([(2, "own")] * 4, 5, 1, [(0, 4), (4, 8)]),  # an overlap of one piece holds no token
        ([(1, "own"), (4, "own"), (1, "own")], 4, 3, [(0, 1), (1, 5), (5, 6)]),
        ([(3, "own"), (3, "own")], 4, 3, [(0, 3), (3, 6)]),  # no room for the overlap beside the second token
        ([(2, "own"), *[(2, "shared")] * 8], 4, 1, [(0, 4), (4, 8), (8, 10)]),  # a chain of ten pieces
        ([], 4, 1, []),
    ],
)
def test_windows_examples(doc, capacity, overlap, expected):
    windows = cut(make_batch([doc]), capacity, overlap)
    assert list(zip(windows.starts.tolist(), windows.ends.tolist())) == expected


def own_slowly(batch: Batch, windows: Windows) -> List[int]:
    """The first of the windows that hold the token whole and farthest from an edge at which the doc was cut."""
    owner: List[int] = []
    spans = list(enumerate(zip(windows.starts.tolist(), windows.ends.tolist())))
    doc_starts, doc_ends = [start for start, _ in batch.docs], [end for _, end in batch.docs]
    for token in batch.tokens:
        best, best_distance = -1, -1.0
        for i, (start, end) in spans:
            if token and start <= token[0] and token[-1] < end:
                before = np.inf if start in doc_starts else token[0] - start
                after = np.inf if end in doc_ends else end - 1 - token[-1]
                if min(before, after) > best_distance:
                    best, best_distance = i, min(before, after)
        if token and best < 0:  # chained tokens: the last window that has the first piece
            best = max(i for i, (start, end) in spans if start <= token[0] < end)
        owner.append(best)
    return owner


@settings(max_examples=300, deadline=None)
@given(case=cases())
def test_tokens_are_owned_by_the_window_with_most_context(case):
    batch, capacity, overlap = case
    windows = cut(batch, capacity, overlap)
    assert own_tokens(*find_token_ranges(batch.ragged), windows).tolist() == own_slowly(batch, windows)


def test_tokens_of_two_windows_are_shared_out_in_the_middle():
    batch = make_batch([[(1, "own")] * 10])
    windows = Windows(np.array([0, 4]), np.array([6, 10]))
    assert own_tokens(*find_token_ranges(batch.ragged), windows).tolist() == [0] * 5 + [1] * 5


def test_tokens_of_whitespace_docs_have_no_window():
    batch = make_batch([[(0, "own")] * 3, []])
    assert own_tokens(*find_token_ranges(batch.ragged), cut(batch, 4, 1)).tolist() == [-1, -1, -1]
