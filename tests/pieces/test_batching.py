import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_xlmr_ner.pieces.batching import pad_windows, plan_batches

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
    "small_batch, expected", [(1, [[0], [1, 2], [3]]), (24, [[0, 1], [2, 3]]), (64, [[0, 1, 2, 3]])]
)
def test_a_machine_that_is_not_busy_takes_padding(small_batch, expected):
    lengths = np.array([12, 8, 8, 4])
    found = plan_batches(lengths, max_batch_pieces=4096, small_batch=small_batch)
    assert [batch.tolist() for batch in found] == expected


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
