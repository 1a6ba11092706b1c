import numpy as np
import pytest
import torch
from torch.nn import functional

from spacy_xlmr_ner.loss import compute_divergence, compute_loss

LOGITS = np.random.default_rng(0).normal(size=(6, 5)).astype(np.float32) * 3
TAGS = np.array([0, 4, -1, 2, 2, -1])


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_compute_loss_equals_torch(smoothing):
    logits = torch.tensor(LOGITS, dtype=torch.float64, requires_grad=True)
    expected = functional.cross_entropy(logits, torch.tensor(TAGS), ignore_index=-1, label_smoothing=smoothing)
    expected.backward()
    loss, d_logits = compute_loss(LOGITS, TAGS, smoothing=smoothing)
    assert loss == pytest.approx(expected.item(), rel=1e-6)
    np.testing.assert_allclose(d_logits, logits.grad, atol=1e-7)


def test_compute_loss_leaves_out_tokens_without_pieces():
    with_gap = np.insert(LOGITS, 1, np.nan, axis=0)
    loss, d_logits = compute_loss(with_gap, np.insert(TAGS, 1, 3))
    assert loss == pytest.approx(compute_loss(LOGITS, TAGS)[0])
    assert (d_logits[1] == 0).all()


def test_compute_loss_without_annotation_is_zero():
    loss, d_logits = compute_loss(LOGITS, np.full(6, -1))
    assert loss == 0.0
    assert not d_logits.any()


def test_compute_loss_of_broken_logits_is_no_number():
    logits = LOGITS.copy()
    logits[0, 0] = np.nan
    assert np.isnan(compute_loss(logits, TAGS)[0])


def test_compute_divergence_equals_torch():
    logits = torch.tensor(LOGITS, dtype=torch.float64, requires_grad=True)
    former = torch.tensor(LOGITS[::-1].copy(), dtype=torch.float64)
    expected = functional.kl_div(logits.log_softmax(1), former.softmax(1), reduction="batchmean")
    expected.backward()
    loss, d_logits = compute_divergence(LOGITS, LOGITS[::-1])
    assert loss == pytest.approx(expected.item(), rel=1e-5)
    np.testing.assert_allclose(d_logits, logits.grad, atol=1e-6)
