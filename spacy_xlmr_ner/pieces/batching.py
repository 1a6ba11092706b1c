"""Put windows of like length into batches, and pad them."""

from typing import List, Tuple

import numpy as np

from ..types import BoolArray, IntArray

# A batch of fewer pieces takes a CPU as long as one of so many.
SMALL_BATCH = 128
# Pieces in a batch where neither the user nor the runtime says how many.
MAX_BATCH = 4096
# Pieces that could be computed in the time that a batch takes beside its own, where the runtime does not say how many.
OVERHEAD = 64
# To read the weights takes as long as so many pieces.
LEAST_OVERHEAD = 16


def find_overhead(n_weights: int, *, n_operations: float) -> int:
    """What a batch costs a CPU beside its pieces, in pieces; for plan_batches.

    n_weights (int): Of the network, those that each piece is multiplied with.
    n_operations (float): Of arithmetic, that the runtime could do in the time that it takes to begin a batch.
    RETURNS (int): A large network's pieces take so long that a batch is soon worth its while.
    """
    return LEAST_OVERHEAD + int(n_operations / (2 * max(1, n_weights)))


def plan_batches(
    lengths: IntArray, *, max_batch_pieces: int, small_batch: int = SMALL_BATCH, overhead: int = OVERHEAD
) -> List[IntArray]:
    """Sort windows by length and cut them into batches where that costs least.

    A batch computes (its longest window) x (its number of windows) pieces, padding included; that stays within the
    budget. A window that alone is over it is a batch of its own. Windows of one length are not parted unless the budget
    asks for it.

    lengths [3, 9, 3, 8] with a budget of 18 give [[1, 3], [0, 2]].

    lengths (IntArray): Shape (n_windows,). Pieces in each, specials included.
    max_batch_pieces (int): The budget.
    small_batch (int): Pieces that a batch costs at least.
    overhead (int): Pieces that it costs beside its own.
    RETURNS (List[IntArray]): Rows of lengths, each exactly once; longest first.
    """
    order = np.argsort(-lengths, kind="stable")
    negated, starts = np.unique(-lengths[order], return_index=True)
    longest, bounds = -negated, np.append(starts, len(order))
    in_budget = np.maximum(1, max_batch_pieces // np.maximum(1, longest))
    # The least that all windows down to each length cost, and the length at which the last batches of these begin.
    costs, begins = np.zeros(len(longest) + 1), np.zeros(len(longest), dtype=np.int64)
    for i in range(len(longest)):
        n_windows = bounds[i + 1] - bounds[: i + 1]
        n_batches = -(-n_windows // in_budget[: i + 1])
        own = np.maximum(longest[: i + 1] * n_windows, small_batch * n_batches) + overhead * n_batches
        begins[i] = np.argmin(costs[: i + 1] + own)
        costs[i + 1] = costs[begins[i]] + own[begins[i]]
    batches: List[IntArray] = []
    end = len(longest)
    while end:
        begin = int(begins[end - 1])
        rows = order[bounds[begin] : bounds[end]]
        batches[:0] = np.array_split(rows, -(-len(rows) // in_budget[begin]))
        end = begin
    return batches


def pad_windows(
    piece_ids: IntArray, starts: IntArray, ends: IntArray, *, prefix: IntArray, suffix: IntArray, pad_id: int
) -> Tuple[IntArray, BoolArray]:
    """Lay windows out as rows of one length, with the special pieces around each.

    piece_ids (IntArray): Shape (n_pieces,). The ids of all docs.
    starts, ends (IntArray): Shape (n_windows,). Rows of piece_ids, half-open.
    prefix, suffix (IntArray): Ids of the special pieces before and behind each window.
    pad_id (int): Fills the rest.
    RETURNS (Tuple[IntArray, BoolArray]): Ids and mask, shape (n_windows, longest with its specials); the mask is True
        for pieces, specials included, False for padding.
    """
    lengths = ends - starts
    width = int(lengths.max()) + len(prefix) + len(suffix)
    columns = np.arange(width)[None] - len(prefix)
    is_content = (columns >= 0) & (columns < lengths[:, None])
    ids = np.full((len(starts), width), pad_id, dtype=np.int64)
    ids[is_content] = piece_ids[(starts[:, None] + columns)[is_content]]
    ids[:, : len(prefix)] = prefix
    is_suffix = (columns >= lengths[:, None]) & (columns < lengths[:, None] + len(suffix))
    ids[is_suffix] = np.tile(suffix, len(starts))
    mask = columns < lengths[:, None] + len(suffix)
    return ids, mask
