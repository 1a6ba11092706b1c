"""From the pieces of a shared transformer to tokens, as checkpoints are trained.

spacy-transformers pools the vectors of a token's pieces in a layer of its own, `trfs2arrays`. Two things in it are
mended here for the layers below a TokenTagger: it counts a lone ▁ to the word before (in "張三", before emoji and
quotes), where a checkpoint has learned the tag of the word behind; and thinc's reduce_first refuses a token without
pieces.
"""

from importlib import import_module
from typing import Any, Callable, List, Tuple

import numpy as np
from thinc.api import Model
from thinc.types import Ragged

from ..pieces.tokenizer import MARKER

POOLING_LAYER = "trfs2arrays"


def mend_pooling(tok2vec: Model[Any, Any]) -> None:
    """Have the layers of spacy-transformers below a tagger pool as is said above.

    tok2vec (Model): A listener, or what replace_listeners puts in its place; any other layer is left alone.
    """
    for node in tok2vec.walk():
        if node.name == POOLING_LAYER:
            node._func = forward_mended


class _View:
    """A pooling layer as spacy-transformers' function looks at it: its pooling leaves out tokens without pieces."""

    def __init__(self, model: Model[Any, Any]):
        self.ops = model.ops
        self.attrs = model.attrs
        self.layers = [_SkipEmpty(model.layers[0])]


class _SkipEmpty:
    """A pooling that gives zeros for tokens without pieces."""

    def __init__(self, pooling: Model[Ragged, Any]):
        self.ops = pooling.ops
        self._pooling = pooling

    def __call__(self, pieces: Ragged, is_train: bool) -> Tuple[Any, Callable[[Any], Ragged]]:
        is_full = pieces.lengths > 0
        vectors = self.ops.alloc2f(len(pieces.lengths), pieces.dataXd.shape[1])
        if not is_full.any():
            return vectors, lambda d_vectors: Ragged(self.ops.alloc2f(*pieces.dataXd.shape), pieces.lengths)
        pooled, backprop = self._pooling(Ragged(pieces.dataXd, pieces.lengths[is_full]), is_train)
        vectors[is_full] = pooled
        return vectors, lambda d_vectors: backprop(d_vectors[is_full])


def forward_mended(model: Model[Any, Any], datas: List[Any], is_train: bool) -> Tuple[Any, Callable[[Any], Any]]:
    """As spacy-transformers pools, but for what is mended."""
    trfs2arrays = import_module("spacy_transformers.layers.trfs2arrays")
    result: Tuple[Any, Callable[[Any], Any]] = trfs2arrays.forward(
        _View(model), [_mend(data) for data in datas], is_train
    )
    return result


def _mend(data: Any) -> Any:
    """TransformerData that has each lone ▁ with the word behind it."""
    strings = [piece for row in data.wordpieces.strings for piece in row] if data.wordpieces is not None else []
    if MARKER not in strings:
        return data
    pieces, lengths = give_markers(
        np.asarray(data.align.dataXd).reshape(-1),
        np.asarray(data.align.lengths),
        is_marker=np.array([piece == MARKER for piece in strings]),
    )
    align = Ragged(pieces.astype(np.int32), lengths.astype(np.int32))
    return type(data)(wordpieces=data.wordpieces, model_output=data.model_output, align=align)


def give_markers(pieces: Any, lengths: Any, *, is_marker: Any) -> Tuple[Any, Any]:
    """Move each marker from the token before to the one whose first piece stands behind it.

    Pieces ["in", "▁", "🚀"], tokens [[0, 1], [2]] give [[0], [1, 2]].

    pieces (Ints1d): Pieces of all tokens, one token after the other.
    lengths (Ints1d): Shape (n_tokens,).
    is_marker (Bools1d): Shape (n_pieces of the text,).
    RETURNS (Tuple[Ints1d, Ints1d]): As pieces and lengths.
    """
    tokens = np.repeat(np.arange(len(lengths)), lengths)
    starts = (np.cumsum(lengths) - lengths)[lengths > 0]
    firsts, owners = pieces[starts], tokens[starts]
    gains = (firsts > 0) & is_marker[firsts - 1]
    markers = firsts[gains] - 1
    # The token before may have it as one of its own; so may, where windows overlap, one that is farther away.
    is_lost = np.isin(pieces, markers)
    new_pieces = np.concatenate([markers, pieces[~is_lost]])
    new_tokens = np.concatenate([owners[gains], tokens[~is_lost]])
    order = np.lexsort((new_pieces, new_tokens))
    return new_pieces[order], np.bincount(new_tokens, minlength=len(lengths))
