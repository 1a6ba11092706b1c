"""Which pieces belong to which token, and one row of logits for each token."""

import numpy as np
from thinc.types import Ints2d, Ragged

from ..errors import Errors
from ..types import BoolArray, FloatArray, IntArray, Pooling


def align_pieces(token_offsets: Ints2d, piece_offsets: Ints2d) -> Ragged:
    """Group the pieces of a text by the token they belong to.

    A piece belongs to every token it shares a character with. So a piece can stand under two tokens,
    and a token can have none: whitespace, or characters that the normaliser removed. Callers handle the empty group.

    Tokens "New York" [(0, 3), (4, 8)], pieces [(0, 0), (0, 3), (4, 6), (6, 8), (0, 0)]
    give [[1], [2, 3]]: data [1, 2, 3], lengths [1, 2].

    token_offsets (Ints2d): Shape (n_tokens, 2). Start and end in characters of doc.text, half-open, ascending.
    piece_offsets (Ints2d): Shape (n_pieces, 2). The same unit. start == end marks a special piece, of no token.
    RETURNS (Ragged): lengths of shape (n_tokens,), data of shape (n_links,): rows of piece_offsets, ascending within
        a token.
    RAISES (ValueError): XN301 if an array is not (n, 2); XN302 if tokens overlap or go back.
    SOURCE: offsets as Hugging Face's fast tokenizers document them.
    """
    _check_offsets(token_offsets, piece_offsets)
    piece_starts, piece_ends = piece_offsets[:, 0], piece_offsets[:, 1]
    first = np.searchsorted(token_offsets[:, 1], piece_starts, side="right")
    last = np.searchsorted(token_offsets[:, 0], piece_ends, side="left")
    n_links = np.where(piece_starts < piece_ends, np.maximum(last - first, 0), 0)
    pieces = np.repeat(np.arange(len(piece_offsets)), n_links)
    within = np.arange(len(pieces)) - np.repeat(np.cumsum(n_links) - n_links, n_links)
    tokens = np.repeat(first, n_links) + within
    order = np.argsort(tokens, kind="stable")
    lengths = np.bincount(tokens, minlength=len(token_offsets))
    return Ragged(pieces[order], lengths.astype(np.int64))


def _check_offsets(token_offsets: Ints2d, piece_offsets: Ints2d) -> None:
    for name, array in (("token_offsets", token_offsets), ("piece_offsets", piece_offsets)):
        if array.ndim != 2 or array.shape[1] != 2:
            raise ValueError(Errors.XN301.format(array=name, shape=array.shape))
    wrong = np.flatnonzero(token_offsets[1:, 0] < token_offsets[:-1, 1])
    if len(wrong):
        i = int(wrong[0]) + 1
        raise ValueError(
            Errors.XN302.format(index=i, before=tuple(token_offsets[i - 1]), after=tuple(token_offsets[i]))
        )


def trim_offsets(piece_offsets: IntArray, is_space: BoolArray, is_marker: BoolArray) -> IntArray:
    """Take the whitespace off the ends of pieces.

    Some tokenizers count the space before a word to its first piece, some do not, and after a run of spaces both leak
    one. A lone "▁" that stands for nothing but the space before a word belongs to that word, as its first piece.

    Text "in  Rio 🚀", pieces [(0, 2), (3, 7), (7, 8), (8, 9)], the third a lone "▁", give
    [(0, 2), (4, 7), (8, 9), (8, 9)].

    piece_offsets (IntArray): Shape (n_pieces, 2). In characters, half-open.
    is_space (BoolArray): Shape (n_chars,). Which characters of the text are whitespace.
    is_marker (BoolArray): Shape (n_pieces,). Which pieces are a lone "▁".
    RETURNS (IntArray): Shape (n_pieces, 2). start == end where a piece was all whitespace.
    """
    n_chars = len(is_space)
    positions = np.arange(n_chars + 1)
    next_solid = np.append(np.where(is_space, n_chars, positions[:-1]), n_chars)
    next_solid = np.minimum.accumulate(next_solid[::-1])[::-1]
    after_solid = np.maximum.accumulate(np.append(0, np.where(is_space, 0, positions[:-1] + 1)))
    starts = next_solid[piece_offsets[:, 0]]
    ends = np.maximum(after_solid[piece_offsets[:, 1]], starts)
    is_prefix = is_marker & (starts == ends) & (starts < n_chars)
    is_prefix[-1:] = False
    is_prefix[:-1] &= piece_offsets[1:, 0] == starts[:-1]
    ends[is_prefix] += 1
    return np.stack([starts, ends], axis=1)


def limit_pieces(tokens: Ragged, n_pieces: int, limit: int) -> tuple[Ragged, BoolArray, IntArray]:
    """Keep the first pieces of tokens that have too many.

    tokens (Ragged): The pieces of each token, as align_pieces gives them.
    n_pieces (int): How many pieces there are.
    limit (int): How many pieces a token may have.
    RETURNS (Tuple[Ragged, BoolArray, IntArray]): The tokens over the pieces that are left, renumbered; which pieces are
        left, shape (n_pieces,); the tokens that lost some.
    """
    lengths = tokens.lengths
    cut = np.flatnonzero(lengths > limit)
    if not len(cut):
        return tokens, np.ones(n_pieces, dtype=bool), cut
    rank = np.arange(len(tokens.dataXd)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    is_kept_link = rank < limit
    is_kept = np.ones(n_pieces, dtype=bool)
    is_kept[tokens.dataXd] = False
    is_kept[tokens.dataXd[is_kept_link]] = True
    renumbered = np.cumsum(is_kept) - 1
    left = Ragged(renumbered[tokens.dataXd[is_kept_link]], np.minimum(lengths, limit))
    return left, is_kept, cut


def pool_logits(logits: FloatArray, tokens: Ragged, pooling: Pooling) -> FloatArray:
    """Turn logits of pieces into logits of tokens.

    logits (FloatArray): Shape (n_links, n_tags): one row for each link of `tokens`, in its order.
    tokens (Ragged): Its lengths say how many rows each token has.
    pooling (Pooling): "first" takes a token's first row, "mean" the mean, "max" the largest of each column.
    RETURNS (FloatArray): Shape (n_tokens, n_tags). NaN for a token without pieces.
    """
    lengths = tokens.lengths
    pooled = np.full((len(lengths), logits.shape[1]), np.nan, dtype=np.float32)
    has_pieces = lengths > 0
    starts = (np.cumsum(lengths) - lengths)[has_pieces]
    if not len(starts):
        return pooled
    if pooling == "first":
        pooled[has_pieces] = logits[starts]
    elif pooling == "mean":
        pooled[has_pieces] = np.add.reduceat(logits, starts, axis=0) / lengths[has_pieces, None]
    else:
        pooled[has_pieces] = np.maximum.reduceat(logits, starts, axis=0)
    return pooled


def unpool_gradient(d_pooled: FloatArray, logits: FloatArray, tokens: Ragged, pooling: Pooling) -> FloatArray:
    """Send the gradient of pool_logits' result back to its argument.

    d_pooled (FloatArray): Shape (n_tokens, n_tags). Rows of tokens without pieces are not looked at.
    logits (FloatArray): Shape (n_links, n_tags), as pool_logits got them.
    tokens, pooling: Likewise.
    RETURNS (FloatArray): Shape (n_links, n_tags).
    """
    lengths = tokens.lengths
    d_logits = np.zeros_like(logits)
    has_pieces = lengths > 0
    starts = (np.cumsum(lengths) - lengths)[has_pieces]
    if not len(starts):
        return d_logits
    if pooling == "first":
        d_logits[starts] = d_pooled[has_pieces]
    elif pooling == "mean":
        d_logits[:] = np.repeat(d_pooled[has_pieces] / lengths[has_pieces, None], lengths[has_pieces], axis=0)
    else:
        owners = np.repeat(np.arange(len(starts)), lengths[has_pieces])
        for tag in range(logits.shape[1]):
            # Of equals the first: links in order, the largest logit of each token in front.
            order = np.lexsort((np.arange(len(owners)), -logits[:, tag], owners))
            d_logits[order[starts], tag] = d_pooled[has_pieces, tag]
    return d_logits


def find_shared(tokens: Ragged, pooling: Pooling) -> IntArray:
    """Find tokens whose logits come from the very pieces of the token before.

    tokens (Ragged): The pieces of each token, as align_pieces gives them.
    pooling (Pooling): With "first" only a token's first piece counts, else all.
    RETURNS (IntArray): Tokens, ascending.
    """
    lengths = tokens.lengths
    if not len(tokens.dataXd):
        return np.zeros(0, dtype=np.int64)
    starts = np.minimum(np.cumsum(lengths) - lengths, len(tokens.dataXd) - 1)
    first = np.where(lengths > 0, tokens.dataXd[starts], -1)
    last = first if pooling == "first" else np.where(lengths > 0, first + lengths - 1, -1)
    same = (first[1:] == first[:-1]) & (last[1:] == last[:-1]) & (first[1:] >= 0)
    return np.flatnonzero(same) + 1
