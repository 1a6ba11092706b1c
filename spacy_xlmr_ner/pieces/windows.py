"""Cut long texts into overlapping windows, and choose for each token the window that sees most around it."""

from typing import List, NamedTuple, Tuple

import numpy as np
from thinc.types import Ragged

from ..types import BoolArray, IntArray

OVERLAP = 64  # pieces that windows share where nothing else is said


class Windows(NamedTuple):
    """Windows over the pieces of a batch of docs, in order of the pieces.

    starts, ends (IntArray): Shape (n_windows,). Rows of the pieces, half-open, specials not counted.
    """

    starts: IntArray
    ends: IntArray


def find_token_ranges(tokens: Ragged) -> Tuple[IntArray, IntArray]:
    """First piece of each token and the one behind its last; both -1 for a token without pieces."""
    lengths = tokens.lengths
    ends = np.cumsum(lengths)
    starts = ends - lengths
    first = np.full(len(lengths), -1, dtype=np.int64)
    stop = first.copy()
    has_pieces = lengths > 0
    first[has_pieces] = tokens.dataXd[starts[has_pieces]]
    stop[has_pieces] = tokens.dataXd[ends[has_pieces] - 1] + 1
    return first, stop


def find_cuts(first: IntArray, stop: IntArray, n_pieces: int) -> BoolArray:
    """Where a text may be cut: before piece i, if no token has pieces on both sides.

    first, stop (IntArray): Shape (n_tokens,), of find_token_ranges.
    n_pieces (int): How many pieces there are.
    RETURNS (BoolArray): Shape (n_pieces + 1,).
    """
    change = np.zeros(n_pieces + 2, dtype=np.int64)
    has_pieces = first >= 0
    np.add.at(change, first[has_pieces] + 1, 1)
    np.add.at(change, stop[has_pieces], -1)
    return np.cumsum(change)[: n_pieces + 1] == 0


def cut_windows(may_cut: BoolArray, doc_lengths: IntArray, *, capacity: int, overlap: int) -> Windows:
    """Cut each doc into windows.

    A window ends at the last place to cut that leaves it within capacity; the next begins up to `overlap` pieces before
    that, at a place to cut too, and late enough to take in at least one more token. A doc without pieces has no window.

    capacity 4, overlap 1, a doc of 9 pieces that may be cut anywhere: [0, 4), [3, 7), [6, 9).

    may_cut (BoolArray): Shape (n_pieces + 1,), of find_cuts over all docs.
    doc_lengths (IntArray): Shape (n_docs,). In pieces.
    capacity (int): Pieces that a window holds beside its specials.
    overlap (int): Pieces that neighbouring windows share at most; less than capacity.
    RETURNS (Windows): In order.
    """
    doc_ends = np.cumsum(doc_lengths)
    starts: List[int] = []
    ends: List[int] = []
    for doc_start, doc_end in zip((doc_ends - doc_lengths).tolist(), doc_ends.tolist()):
        if doc_end - doc_start > capacity:
            _cut_doc(starts, ends, may_cut, doc_start, doc_end, capacity, overlap)
        elif doc_end > doc_start:
            starts.append(doc_start)
            ends.append(doc_end)
    return Windows(np.array(starts, dtype=np.int64), np.array(ends, dtype=np.int64))


def _cut_doc(
    starts: List[int], ends: List[int], may_cut: BoolArray, start: int, doc_end: int, capacity: int, overlap: int
) -> None:
    cuts = np.flatnonzero(may_cut[start : doc_end + 1]) + start
    while True:
        starts.append(start)
        end = _last_cut(cuts, start, start + capacity)
        ends.append(end)
        if end >= doc_end:
            return
        next_end = int(cuts[np.searchsorted(cuts, end, side="right")])
        # A run of tokens chained by shared pieces may have no place to cut within capacity; then any place must do.
        least = max(end - overlap, next_end - capacity, start + 1)
        start = min(int(cuts[np.searchsorted(cuts, least)]), end)


def _last_cut(cuts: IntArray, start: int, limit: int) -> int:
    i = int(np.searchsorted(cuts, limit, side="right")) - 1
    return int(cuts[i]) if i >= 0 and cuts[i] > start else limit


def own_tokens(first: IntArray, stop: IntArray, windows: Windows) -> IntArray:
    """Choose for each token the window that sees most around it.

    That is the one in which the token stands farthest from an edge; of equals the earlier. The ends of the doc hide
    nothing, but need no case of their own: near its start the first window begins farthest before the token.

    Windows [0, 6) and [4, 10) of a doc of 10 pieces, tokens of one piece: token 4 is 1 from the first's end
    and 0 from the second's start, so the first owns it; token 5 the other way round.

    first, stop (IntArray): Shape (n_tokens,), of find_token_ranges.
    windows (Windows): As cut_windows gives them.
    RETURNS (IntArray): Shape (n_tokens,). Rows of windows; -1 for a token without pieces.
    """
    lowest = np.searchsorted(windows.ends, stop, side="left")
    highest = np.searchsorted(windows.starts, first, side="right") - 1
    # A token that no window holds whole (see _cut_doc) goes to the last that holds its beginning.
    lowest = np.minimum(lowest, highest)
    owner = np.where(first >= 0, lowest, -1)
    best = np.full(len(first), -1, dtype=np.int64)
    n_steps = int((highest - lowest).max(initial=-1, where=first >= 0)) + 1
    for step in range(n_steps):
        window = lowest + step
        fits = (first >= 0) & (window <= highest)
        window = np.where(fits, window, 0)
        distance = np.minimum(first - windows.starts[window], windows.ends[window] - stop)
        is_better = fits & (distance > best)
        owner[is_better] = window[is_better]
        best[is_better] = distance[is_better]
    return owner
