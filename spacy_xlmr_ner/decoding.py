"""From logits of tokens to entities: legal tags, spans, scores."""

from typing import List, NamedTuple, Optional, Sequence

import numpy as np

from .tags import TagScheme
from .types import BoolArray, Decoding, Ent, FloatArray, IntArray

# Cells of (docs x tags x tags) that one step of the Viterbi search may hold.
MAX_SEARCH_CELLS = 2**24


class Spans(NamedTuple):
    """Entities of a batch: shape (n_spans,) each. Rows of the batch's tokens, half-open; rows of scheme.labels."""

    starts: IntArray
    ends: IntArray
    label_ids: IntArray


def decode_tags(logits: FloatArray, lengths: IntArray, scheme: TagScheme, method: Decoding) -> IntArray:
    """Choose a tag for each token.

    "viterbi" finds the legal sequence of the highest sum of logits. Where the best tags taken one by one are
    legal they are that sequence, so only docs in which they are not are searched.

    logits (FloatArray): Shape (n_tokens, n_tags). All docs in a row, finite.
    lengths (IntArray): Shape (n_docs,). Tokens of each doc.
    scheme (TagScheme): The tags.
    method (Decoding): "viterbi" or "argmax".
    RETURNS (IntArray): Shape (n_tokens,). Tag ids.
    """
    tags = logits.argmax(axis=1)
    if method == "argmax" or not len(tags):
        return tags
    searched = find_illegal_docs(tags, lengths, scheme)
    ends = np.cumsum(lengths)
    n_docs = max(1, MAX_SEARCH_CELLS // scheme.n_tags**2)
    for i in range(0, len(searched), n_docs):
        docs = searched[i : i + n_docs]
        rows = _concat_ranges(ends[docs] - lengths[docs], ends[docs])
        tags[rows] = search_tags(logits[rows], lengths[docs], scheme)
    return tags


def find_illegal_docs(tags: IntArray, lengths: IntArray, scheme: TagScheme) -> IntArray:
    """The docs, as rows of lengths, whose tags are no legal sequence."""
    docs = np.repeat(np.arange(len(lengths)), lengths)
    is_first = np.append(True, docs[1:] != docs[:-1])
    is_last = np.append(is_first[1:], True)
    is_legal = np.where(is_first, scheme.legal_first[tags], True)
    is_legal &= np.where(is_last, scheme.legal_last[tags], True)
    is_legal[1:] &= is_first[1:] | scheme.legal_moves[tags[:-1], tags[1:]]
    return np.unique(docs[~is_legal])


def search_tags(logits: FloatArray, lengths: IntArray, scheme: TagScheme) -> IntArray:
    """Viterbi search over several docs at once, all docs one token on at each step.

    logits (FloatArray): Shape (n_tokens, n_tags). All docs in a row, finite.
    lengths (IntArray): Shape (n_docs,). At least 1 each.
    scheme (TagScheme): Says which tag may begin, end and follow.
    RETURNS (IntArray): Shape (n_tokens,). Tag ids.
    """
    order = np.argsort(-lengths, kind="stable")
    starts = (np.cumsum(lengths) - lengths)[order]
    # How many docs, longest first, have a token at each step.
    n_active = np.searchsorted(-lengths[order], -np.arange(int(lengths.max())), side="left")
    legal = (scheme.legal_first, scheme.legal_last, scheme.legal_moves)
    first, last, moves = (np.where(may_be, 0.0, -np.inf) for may_be in legal)
    best = logits[starts].astype(np.float64) + first
    came_from = np.zeros(logits.shape, dtype=np.int64)
    for step in range(1, len(n_active)):
        n = n_active[step]
        rows = starts[:n] + step
        candidates = best[:n, :, None] + moves
        came_from[rows] = candidates.argmax(axis=1)
        best[:n] = candidates.max(axis=1) + logits[rows]
    tags = np.zeros(len(logits), dtype=np.int64)
    tags[starts + lengths[order] - 1] = (best + last).argmax(axis=1)
    for step in range(len(n_active) - 1, 0, -1):
        rows = starts[: n_active[step]] + step
        tags[rows - 1] = came_from[rows, tags[rows]]
    return tags


def find_spans(tags: IntArray, lengths: IntArray, scheme: TagScheme) -> Spans:
    """Read the entities off the tags, legal or not.

    A tag goes on with the entity before it if it has the same label, does not open one (B, S) and the tag before
    did not close it (E, S); otherwise a tag with a label begins an entity. So I-X after O or I-Y begins one, and
    B-X I-Y are two.

    tags (IntArray): Shape (n_tokens,). Tag ids, all docs in a row.
    lengths (IntArray): Shape (n_docs,). Tokens of each doc.
    scheme (TagScheme): The tags.
    RETURNS (Spans): In order.
    SOURCE: the rule of the conlleval script of CoNLL-2000, for IOB1, IOB2 and IOBES alike.
    """
    labels = scheme.label_ids[tags]
    docs = np.repeat(np.arange(len(lengths)), lengths)
    goes_on = np.zeros(len(tags), dtype=bool)
    goes_on[1:] = (labels[1:] == labels[:-1]) & (docs[1:] == docs[:-1])
    goes_on[1:] &= ~scheme.opens[tags[1:]] & ~scheme.closes[tags[:-1]]
    in_ent = labels >= 0
    starts = np.flatnonzero(in_ent & ~goes_on)
    is_last = in_ent & np.append(~goes_on[1:], True)[: len(tags)]
    return Spans(starts, np.flatnonzero(is_last) + 1, labels[starts])


def compute_probs(logits: FloatArray) -> FloatArray:
    """Softmax over the tags. logits, RETURNS (FloatArray): Shape (n_tokens, n_tags); NaN rows stay NaN."""
    shifted = logits.astype(np.float64) - logits.max(axis=1, keepdims=True, initial=-np.inf)
    probs = np.exp(shifted)
    return (probs / probs.sum(axis=1, keepdims=True)).astype(np.float32)


def score_spans(spans: Spans, logits: FloatArray, groups: IntArray) -> FloatArray:
    """The mean, over an entity's tokens with pieces, of the probability of its label.

    spans (Spans): Rows of logits.
    logits (FloatArray): Shape (n_tokens, n_tags). NaN for tokens without pieces.
    groups (IntArray): Shape (n_tags,). Tags of one number count as one label. Spans' label_ids are such numbers.
    RETURNS (FloatArray): Shape (n_spans,).
    """
    if not len(spans.starts):
        return np.zeros(0, dtype=np.float32)
    rows = _concat_ranges(spans.starts, spans.ends)
    n_rows = spans.ends - spans.starts
    probs = compute_probs(logits[rows])
    is_label = groups[None] == np.repeat(spans.label_ids, n_rows)[:, None]
    label_probs = np.where(is_label, probs, 0.0).sum(axis=1)
    has_pieces = ~np.isnan(label_probs)
    firsts = np.cumsum(n_rows) - n_rows
    sums = np.add.reduceat(np.where(has_pieces, label_probs, 0.0), firsts)
    return np.clip(sums / np.add.reduceat(has_pieces.astype(np.int64), firsts), 0.0, 1.0)


def _concat_ranges(starts: IntArray, ends: IntArray) -> IntArray:
    """[2, 7), [9, 11) to 2 3 4 5 6 9 10."""
    lengths = ends - starts
    before = np.cumsum(lengths) - lengths
    return np.arange(int(lengths.sum())) + np.repeat(starts - before, lengths)


class EntDecoder:
    """Logits of docs to entities, under a component's settings.

    scheme (TagScheme): The model's tags.
    method (Decoding): "viterbi" or "argmax".
    names (Sequence[Optional[str]]): What each of scheme.labels is called in the output; None drops it.
    """

    def __init__(self, scheme: TagScheme, *, method: Decoding, names: Sequence[Optional[str]]):
        self.scheme = scheme
        self.method = method
        self.names = list(names)
        unique = list(dict.fromkeys(names))
        # Labels of one output name score as one label.
        self._name_ids = np.array([unique.index(name) for name in names], dtype=np.int64)
        self._groups = np.where(scheme.label_ids < 0, -1, self._name_ids[scheme.label_ids])

    def decode(self, logits: List[FloatArray], may_bound: List[BoolArray]) -> List[List[Ent]]:
        """Find the entities of a batch.

        Tokens that may not stand first or last in an entity (whitespace; tokens without pieces) are left out of the
        sequence that is decoded, so they are in an entity only where it goes on behind them.

        logits (List[FloatArray]): For each doc shape (n_tokens, n_tags).
        may_bound (List[BoolArray]): For each doc shape (n_tokens,): False for whitespace.
        RETURNS (List[List[Ent]]): For each doc its entities, in order, not overlapping.
        """
        lengths = np.array([len(rows) for rows in logits], dtype=np.int64)
        flat = np.concatenate(logits) if logits else np.zeros((0, self.scheme.n_tags), dtype=np.float32)
        is_decoded = np.concatenate([*may_bound, np.zeros(0, dtype=bool)]) & ~np.isnan(flat).any(axis=1)
        tokens = np.flatnonzero(is_decoded)
        docs = np.repeat(np.arange(len(lengths)), lengths)
        decoded_lengths = np.bincount(docs[tokens], minlength=len(lengths))
        tags = decode_tags(flat[tokens], decoded_lengths, self.scheme, self.method)
        spans = find_spans(tags, decoded_lengths, self.scheme)
        starts, ends = tokens[spans.starts], tokens[spans.ends - 1] + 1
        scores = score_spans(Spans(starts, ends, self._name_ids[spans.label_ids]), flat, self._groups)
        doc_starts = np.cumsum(lengths) - lengths
        found: List[List[Ent]] = [[] for _ in logits]
        rows = zip(docs[starts].tolist(), starts.tolist(), ends.tolist(), spans.label_ids.tolist(), scores.tolist())
        for doc, start, end, label_id, score in rows:
            name = self.names[label_id]
            if name is not None:
                offset = int(doc_starts[doc])
                found[doc].append(Ent(start - offset, end - offset, name, score))
        return found
