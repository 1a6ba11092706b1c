"""Tag lists, logits and offsets: what decoding and alignment must hold to, told by slower means."""

from itertools import pairwise, product
from typing import List, Sequence, Tuple

import numpy as np

from spacy_xlmr_ner.decoding import EntDecoder, decode_tags
from spacy_xlmr_ner.pieces.alignment import align_pieces, limit_pieces, pool_logits, trim_offsets
from spacy_xlmr_ner.pieces.windows import cut_windows, find_cuts, find_token_ranges, own_tokens
from spacy_xlmr_ner.tags import TagScheme

from .choices import Choices

METHODS = ("viterbi", "argmax")
MAX_PATHS = 300  # that are gone through one by one
SCHEMES = (None, "io", "iob", "bioes")
PREFIXES = ("B-", "I-", "E-", "S-", "M-", "L-", "U-", "", "O")
LABELS = ("PER", "LOC", "geo-loc", "O", "", "X\n", "é", "E-mail", " ", "-")
LOGITS = (0.0, 1.0, -1.0, 0.5, 3.0, -50.0, 1e30, -1e30)


def make_tags(choices: Choices) -> List[str]:
    tags = ["O", *(choices.pick(PREFIXES) + choices.pick(LABELS) for _ in range(1 + choices.number(8)))]
    return list(dict.fromkeys(tags)) if choices.number(4) else tags


def check_tags(data: bytes) -> None:
    """A tag list, logits and whitespace to entities: in order, within their docs, and by viterbi the best legal way."""
    choices = Choices(data)
    scheme = TagScheme(make_tags(choices), choices.pick(SCHEMES))
    assert len(scheme.label_ids) == scheme.n_tags
    for label_id, n_tokens in product(range(len(scheme.labels)), (1, 2, 4)):
        assert set(scheme.label_ids[scheme.spell(label_id, n_tokens)]) == {label_id}
    method = choices.pick(METHODS)
    lengths = np.array([choices.number(6) for _ in range(1 + choices.number(3))], dtype=np.int64)
    values = [[choices.pick(LOGITS) for _ in range(scheme.n_tags)] for _ in range(int(lengths.sum()))]
    logits = np.array(values, dtype=np.float32).reshape(-1, scheme.n_tags)
    tags = decode_tags(logits, lengths, scheme, method)
    ends = np.cumsum(lengths)
    for start, end in zip(ends - lengths, ends):
        if method == "viterbi" and end > start:
            assert_best(tags[start:end], logits[start:end].astype(np.float64), scheme)
    parts = np.split(logits, ends[:-1])
    solid = [np.array([bool(choices.number(5)) for _ in part], dtype=bool) for part in parts]
    blank = [[not choices.number(6) for _ in part] for part in parts]
    for part, is_blank in zip(parts, blank):
        part[is_blank] = np.nan
    found = EntDecoder(scheme, method=method, names=list(scheme.labels)).decode(parts, solid)
    for ents, is_solid, is_blank in zip(found, solid, blank):
        last_end = 0
        for ent in ents:
            assert last_end <= ent.start < ent.end <= len(is_solid)
            assert is_solid[ent.start] and is_solid[ent.end - 1]
            assert not is_blank[ent.start] and not is_blank[ent.end - 1]
            assert ent.label in scheme.labels and 0.0 <= ent.score <= 1.0
            last_end = ent.end


def is_legal(tags: Sequence[int], scheme: TagScheme) -> bool:
    return (
        bool(scheme.legal_first[tags[0]])
        and bool(scheme.legal_last[tags[-1]])
        and all(scheme.legal_moves[a, b] for a, b in pairwise(tags))
    )


def assert_best(tags: np.ndarray, logits: np.ndarray, scheme: TagScheme) -> None:
    """Legal, and no other legal way has a higher sum, where these are few enough to be gone through."""
    assert is_legal(tags, scheme)
    n_tokens, n_tags = logits.shape
    if n_tags**n_tokens > MAX_PATHS:
        return
    rows = np.arange(n_tokens)
    sums = [logits[rows, path].sum() for path in product(range(n_tags), repeat=n_tokens) if is_legal(path, scheme)]
    assert logits[rows, tags].sum() >= max(sums) - 1e-6 * max(1.0, float(np.abs(logits).max()))


def make_offsets(choices: Choices, n: int, *, may_overlap: bool) -> List[Tuple[int, int]]:
    offsets: List[Tuple[int, int]] = []
    end = 0
    for _ in range(n):
        start = max(0, end + choices.number(4) - (2 if may_overlap else 0))
        end = start + choices.number(5)
        offsets.append((start, end))
    return offsets


def check_alignment(data: bytes) -> None:
    """Offsets of tokens and pieces to pieces of each token, to windows, and back to a row for each token."""
    choices = Choices(data)
    tokens = make_offsets(choices, choices.number(9), may_overlap=choices.number(16) == 0)
    pieces = make_offsets(choices, choices.number(12), may_overlap=choices.number(3) == 0)
    token_array, piece_array = (np.array(one, dtype=np.int64).reshape(-1, 2) for one in (tokens, pieces))
    n_chars = max([end for _, end in (*tokens, *pieces)], default=0)
    is_space = np.array([choices.number(4) == 0 for _ in range(n_chars)], dtype=bool)
    trimmed = trim_offsets(piece_array, is_space, np.zeros(len(pieces), dtype=bool))
    assert trimmed.shape == piece_array.shape
    aligned = align_pieces(token_array, piece_array)
    ends = np.cumsum(aligned.lengths)
    groups = [aligned.dataXd[end - n : end].tolist() for n, end in zip(aligned.lengths, ends)]
    if all(start < end for start, end in tokens):  # an empty token is none of spaCy's
        expected = [[i for i, own in enumerate(pieces) if set(range(*own)) & set(range(*token))] for token in tokens]
        assert groups == expected
    limit = 1 + choices.number(4)
    left, is_kept, cut = limit_pieces(aligned, len(pieces), limit)
    assert left.lengths.tolist() == [min(len(group), limit) for group in groups]
    assert set(left.dataXd.tolist()) <= set(range(int(is_kept.sum())))
    assert cut.tolist() == [i for i, group in enumerate(groups) if len(group) > limit]
    logits = np.array([[choices.pick(LOGITS), 0.0] for _ in aligned.dataXd], dtype=np.float32).reshape(-1, 2)
    pooled = pool_logits(logits, aligned, choices.pick(("first", "mean", "max")))
    assert np.isnan(pooled).any(axis=1).tolist() == [not group for group in groups]
    if all(piece[1] <= after[0] for piece, after in pairwise(pieces)):
        check_windows(left, int(is_kept.sum()), choices)


def check_windows(tokens, n_pieces: int, choices: Choices) -> None:
    """Windows cover all pieces, none is too long, and each token is whole in the one that owns it."""
    capacity = 4 + choices.number(8)
    first, stop = find_token_ranges(tokens)
    cuts = find_cuts(first, stop, n_pieces)
    windows = cut_windows(cuts, np.array([n_pieces]), capacity=capacity, overlap=choices.number(capacity))
    assert set(range(n_pieces)) == {i for start, end in zip(windows.starts, windows.ends) for i in range(start, end)}
    assert all(0 < end - start <= capacity for start, end in zip(windows.starts, windows.ends))
    has_pieces = first >= 0
    owners = own_tokens(first[has_pieces], stop[has_pieces], windows)
    assert len(owners) == has_pieces.sum()
    assert all(windows.starts[owner] <= start < windows.ends[owner] for owner, start in zip(owners, first[has_pieces]))
