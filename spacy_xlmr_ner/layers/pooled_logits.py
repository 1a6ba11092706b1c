"""From the logits of pieces to those of tokens, and back by the gradient."""

from functools import lru_cache
from typing import Callable, List, Optional, Tuple

import numpy as np

from ..errors import Errors
from ..pieces.alignment import find_shared, pool_logits, unpool_gradient
from ..pieces.runner import PieceLogits
from ..pieces.windows import find_token_ranges, own_tokens
from ..tags import TagScheme
from ..types import BoolArray, FloatArray, IntArray, Pooling, SchemeName

# Takes the place of a logit that must lose, and leaves the probability 0.
NEVER = -1e4


class PooledLogits:
    """The logits of the tokens of a batch, and the way back to those of the pieces.

    result (PieceLogits): Of the pieces.
    pooling (Pooling): How the pieces of a token make its logits.
    scheme (TagScheme): The tags.
    """

    logits: FloatArray

    def __init__(self, result: PieceLogits, *, pooling: Pooling, scheme: TagScheme):
        self._result = result
        self._pooling = pooling
        tokens = result.pieces.tokens
        # A token is read in the window that sees most around it, and learns through that one alone.
        owner = own_tokens(*find_token_ranges(tokens), result.windows)
        self._rows, self._links = result.find_rows(tokens, owner)
        self.logits = pool_logits(result.logits[self._rows], self._links, pooling)
        self._join = split_shared(self.logits, find_shared(tokens, pooling), scheme)

    def _find_broken(self) -> BoolArray:
        return (self._links.lengths > 0) & ~np.isfinite(self.logits).all(axis=1)

    def check_finite(self) -> None:
        """RAISES (ValueError): XN901."""
        broken = self._find_broken()
        if broken.any():
            raise ValueError(Errors.XN901.format(n=int(broken.sum())))

    def mark_broken(self) -> None:
        """Make what is broken infinite, and so the loss no number: NaN would say that a token has no pieces."""
        self.logits[self._find_broken()] = np.inf

    def backprop(self, d_logits: FloatArray) -> FloatArray:
        """From the gradient of the tokens' logits to that of the pieces'.

        d_logits (FloatArray): Shape (n_tokens, n_tags).
        RETURNS (FloatArray): Shape (n_rows, n_tags), of result.logits.
        """
        d_logits = np.array(d_logits, dtype=np.float32)
        self._join(d_logits)
        d_links = unpool_gradient(d_logits, self._result.logits[self._rows], self._links, self._pooling)
        d_pieces = np.zeros_like(self._result.logits)
        np.add.at(d_pieces, self._rows, d_links)
        return d_pieces


@lru_cache
def get_scheme(tags: Tuple[str, ...], name: Optional[SchemeName]) -> TagScheme:
    """The scheme of some tags; made once."""
    return TagScheme(tags, name)


def split_shared(logits: FloatArray, shared: IntArray, scheme: TagScheme) -> Callable[[FloatArray], None]:
    """Make one entity of several tokens that one piece covers, in place.

    Each of them has the piece's logits; B-X on each would be an entity a token.

    logits (FloatArray): Shape (n_tokens, n_tags).
    shared (IntArray): Tokens that have the logits of the token before, ascending.
    scheme (TagScheme): The tags.
    RETURNS (Callable[[FloatArray], None]): Takes the gradient of the result, the shape of logits, and makes it that of
        what logits were before, in place.
    """
    if not len(shared):
        return lambda d_logits: None
    is_shared = np.zeros(len(logits) + 1, dtype=bool)
    is_shared[shared] = True
    in_run = np.flatnonzero(is_shared[:-1] | is_shared[1:])
    steps: List[Tuple[IntArray, IntArray, FloatArray]] = []
    for is_first, is_last in ((True, False), (False, False), (False, True)):
        part = in_run[(is_shared[in_run] != is_first) & (is_shared[in_run + 1] != is_last)]
        becomes = scheme.as_part(is_first=is_first, is_last=is_last)
        moved = np.full((len(part), scheme.n_tags), NEVER, dtype=np.float32)
        for tag, new_tag in enumerate(becomes.tolist()):
            moved[:, new_tag] = np.logaddexp(moved[:, new_tag], logits[part, tag])
        steps.append((part, becomes, np.exp(logits[part] - moved[:, becomes])))
        logits[part] = moved

    def backprop(d_logits: FloatArray) -> None:
        for part, becomes, shares in steps:
            d_logits[part] = d_logits[part][:, becomes] * shares

    return backprop
