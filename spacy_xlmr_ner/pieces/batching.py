"""Put windows of like length into batches, and pad them."""

from typing import List, Tuple

import numpy as np

from ..types import BoolArray, IntArray

# Windows down to this share of a batch's longest may join it, so that little is padding ...
LEAST_FILL = 0.95
# ... and any may while the batch has no more pieces than this, below which a CPU is not busy.
SMALL_BATCH = 256
# Pieces in a batch where neither the user nor the runtime says how many.
MAX_BATCH = 4096


def plan_batches(lengths: IntArray, *, max_batch_pieces: int, small_batch: int = SMALL_BATCH) -> List[IntArray]:
    """Sort windows by length and cut them into batches.

    A batch computes (its longest window) x (its number of windows) pieces, padding included; that stays within the
    budget. A window that alone is over it is a batch of its own.

    lengths [3, 9, 3, 8] with a budget of 18 give [[1, 3], [0, 2]].

    lengths (IntArray): Shape (n_windows,). Pieces in each, specials included.
    max_batch_pieces (int): The budget.
    small_batch (int): Pieces below which padding is no loss.
    RETURNS (List[IntArray]): Rows of lengths, each exactly once; longest first.
    """
    order = np.argsort(-lengths, kind="stable")
    ordered = lengths[order]
    batches: List[IntArray] = []
    start = 0
    while start < len(order):
        longest = int(ordered[start])
        in_budget = start + max(1, max_batch_pieces // longest)
        alike = int(np.searchsorted(-ordered, -longest * LEAST_FILL, side="right"))
        stop = max(start + 1, min(in_budget, max(alike, start + small_batch // longest)))
        batches.append(order[start:stop])
        start = stop
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
