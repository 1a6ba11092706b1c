"""Cross-entropy of tags."""

from typing import Tuple

import numpy as np

from .decoding import compute_probs
from .types import FloatArray, IntArray


def compute_loss(logits: FloatArray, tags: IntArray, *, smoothing: float = 0.0) -> Tuple[float, FloatArray]:
    """Mean cross-entropy over the tokens that have both logits and a tag, and its gradient.

    logits (FloatArray): Shape (n_tokens, n_tags). NaN in rows of tokens without pieces.
    tags (IntArray): Shape (n_tokens,). Tag ids, negative where none is known.
    smoothing (float): The share of a tag's probability that is spread evenly over all tags.
    RETURNS (Tuple[float, FloatArray]): The mean, 0.0 if there is no such token; and d mean / d logits, shape
        (n_tokens, n_tags), zero in all other rows. NaN for the loss where logits are no finite numbers.
    SOURCE: label smoothing as torch.nn.functional.cross_entropy defines it.
    """
    is_counted = (tags >= 0) & ~np.isnan(logits).all(axis=1)
    d_logits = np.zeros_like(logits)
    n_counted = int(is_counted.sum())
    if not n_counted:
        return 0.0, d_logits
    rows = logits[is_counted].astype(np.float64)
    if not np.isfinite(rows).all():
        return float("nan"), d_logits
    n_tags = rows.shape[1]
    targets = np.full(rows.shape, smoothing / n_tags)
    targets[np.arange(n_counted), tags[is_counted]] += 1 - smoothing
    top = rows.max(axis=1, keepdims=True)
    log_probs = rows - top - np.log(np.exp(rows - top).sum(axis=1, keepdims=True))
    d_logits[is_counted] = (np.exp(log_probs) - targets) / n_counted
    return float(-(targets * log_probs).sum() / n_counted), d_logits


def compute_divergence(logits: FloatArray, former: FloatArray) -> Tuple[float, FloatArray]:
    """Mean Kullback-Leibler divergence from a former model's probabilities, and its gradient.

    logits, former (FloatArray): Shape (n_tokens, n_tags). NaN in the same rows, those of tokens without pieces.
    RETURNS (Tuple[float, FloatArray]): The mean over tokens with pieces, NaN where logits are no finite numbers; and
        d mean / d logits.
    """
    has_pieces = ~np.isnan(logits).any(axis=1)
    d_logits = np.zeros_like(logits)
    n_rows = int(has_pieces.sum())
    if not n_rows:
        return 0.0, d_logits
    if not np.isfinite(logits[has_pieces]).all():
        return float("nan"), d_logits
    probs, target = (compute_probs(rows[has_pieces]).astype(np.float64) for rows in (logits, former))
    tiny = np.finfo(np.float32).tiny
    loss = (target * (np.log(target + tiny) - np.log(probs + tiny))).sum() / n_rows
    d_logits[has_pieces] = (probs - target) / n_rows
    return float(loss), d_logits
