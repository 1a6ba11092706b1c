from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_xlmr_ner.pieces.batching import find_overhead, pad_windows, plan_batches

LENGTHS = st.lists(st.integers(1, 600), max_size=60)


@settings(deadline=None)
@given(lengths=LENGTHS, budget=st.integers(1, 5000))
def test_batches_hold_each_window_once(lengths, budget):
    batches = plan_batches(np.array(lengths, dtype=np.int64), max_batch_pieces=budget)
    assert all(len(batch) for batch in batches)
    assert sorted(i for batch in batches for i in batch.tolist()) == list(range(len(lengths)))


@settings(deadline=None)
@given(lengths=LENGTHS, budget=st.integers(1, 5000))
def test_batches_keep_the_budget_padding_included(lengths, budget):
    for batch in plan_batches(np.array(lengths, dtype=np.int64), max_batch_pieces=budget):
        assert len(batch) == 1 or len(batch) * max(lengths[i] for i in batch) <= budget


@settings(deadline=None)
@given(lengths=LENGTHS, budget=st.integers(1, 5000))
def test_batches_are_sorted_by_length(lengths, budget):
    batches = plan_batches(np.array(lengths, dtype=np.int64), max_batch_pieces=budget)
    planned = [lengths[i] for batch in batches for i in batch.tolist()]
    assert planned == sorted(lengths, reverse=True)


@pytest.mark.parametrize(
    "lengths, budget, expected",
    [
        ([3, 9, 3, 8], 18, [[1, 3], [0, 2]]),
        ([3, 9, 3, 8], 17, [[1], [3, 0], [2]]),
        ([512] * 5, 1024, [[0, 1], [2, 3], [4]]),
        ([512, 500, 512, 20], 4096, [[0, 2, 1], [3]]),  # a short one would be padding for the most part
        ([600, 2, 2], 100, [[0], [1, 2]]),  # over the budget by itself
        ([], 100, []),
    ],
)
def test_batches_examples(lengths, budget, expected):
    found = plan_batches(np.array(lengths, dtype=np.int64), max_batch_pieces=budget)
    assert [batch.tolist() for batch in found] == expected


@pytest.mark.parametrize(
    "small_batch, expected", [(1, [[0], [1, 2], [3]]), (20, [[0], [1, 2, 3]]), (64, [[0, 1, 2, 3]])]
)
def test_a_machine_that_is_not_busy_takes_padding(small_batch, expected):
    lengths = np.array([12, 8, 8, 4])
    found = plan_batches(lengths, max_batch_pieces=4096, small_batch=small_batch, overhead=0)
    assert [batch.tolist() for batch in found] == expected


@pytest.mark.parametrize(
    "overhead, expected",
    [
        (3, [[0], [1, 2], [3]]),  # 12 + 16 + 4 and three times 3
        (5, [[0], [1, 2, 3]]),  # four of padding are less than 5
        (13, [[0, 1, 2, 3]]),  # and twelve more of it less than 13
    ],
)
def test_batches_are_as_few_as_their_cost_asks_for(overhead, expected):
    lengths = np.array([12, 8, 8, 4])
    found = plan_batches(lengths, max_batch_pieces=4096, small_batch=1, overhead=overhead)
    assert [batch.tolist() for batch in found] == expected


def cost(batches, lengths, small_batch, overhead):
    """What plan_batches says that a plan costs, for batches none of which the budget has parted."""
    return sum(max(small_batch, len(batch) * max(lengths[i] for i in batch)) + overhead for batch in batches)


@settings(deadline=None)
@given(
    lengths=st.lists(st.integers(1, 40), min_size=1, max_size=9),
    small_batch=st.integers(1, 100),
    overhead=st.integers(0, 100),
)
def test_no_other_cut_costs_less(lengths, small_batch, overhead):
    batches = plan_batches(np.array(lengths), max_batch_pieces=10**6, small_batch=small_batch, overhead=overhead)
    ordered = sorted(range(len(lengths)), key=lambda i: -lengths[i])
    places = range(1, len(lengths))
    plans = (
        [ordered[start:end] for start, end in zip((0, *cuts), (*cuts, len(lengths)))]
        for n_cuts in range(len(lengths))
        for cuts in combinations(places, n_cuts)
        if all(lengths[ordered[cut - 1]] != lengths[ordered[cut]] for cut in cuts)
    )
    least = min(cost(plan, lengths, small_batch, overhead) for plan in plans)
    assert cost(batches, lengths, small_batch, overhead) == least


def test_overhead_is_less_for_a_larger_network():
    # 4 layers of 256 and 1,024, and 12 of 768 and 3,072, as 12 times width times width a layer
    networks = ((256, 4), (768, 12))
    found = [find_overhead(12 * width**2 * layers, n_operations=4e8) for width, layers in networks]
    assert found == [79, 18]


@pytest.mark.parametrize(
    "prefix, suffix, ids, mask",
    [
        ([0], [2], [[0, 11, 12, 13, 2], [0, 14, 2, 1, 1]], [[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]]),
        ([7, 8], [2, 3], [[7, 8, 11, 12, 13, 2, 3], [7, 8, 14, 2, 3, 1, 1]], [[1] * 7, [1, 1, 1, 1, 1, 0, 0]]),
        ([], [], [[11, 12, 13], [14, 1, 1]], [[1, 1, 1], [1, 0, 0]]),
    ],
)
def test_pad_lays_windows_between_their_specials(prefix, suffix, ids, mask):
    piece_ids = np.array([10, 11, 12, 13, 14, 15])
    found_ids, found_mask = pad_windows(
        piece_ids,
        np.array([1, 4]),
        np.array([4, 5]),
        prefix=np.array(prefix, dtype=np.int64),
        suffix=np.array(suffix, dtype=np.int64),
        pad_id=1,
    )
    assert found_ids.tolist() == ids
    assert found_mask.astype(int).tolist() == mask
