"""A listener to a shared transformer that reads words as checkpoints are trained: by the first piece, a lone ▁ too."""

from typing import Any, Callable, List, Tuple

import numpy as np
from spacy.tokens import Doc
from thinc.api import Model, chain
from thinc.types import Floats2d, Ragged

from .._compat import require_extra
from ..pieces.tokenizer import MARKER

EXTRA = "shared"


def PieceListener(
    pooling: Model[Ragged, Floats2d], *, grad_factor: float, upstream: str
) -> Model[List[Doc], List[Floats2d]]:
    """Listen to a transformer of spacy-transformers, as its own TransformerListener does but for one thing.

    A word can be cut into a lone ▁ and others ("張三", emoji, quotes). spacy-transformers counts that ▁ to the word
    before, where a checkpoint has learned the tag of the word behind on it.

    pooling (Model[Ragged, Floats2d]): From the vectors of a token's pieces to one.
    grad_factor (float): What gradients are multiplied with on their way to the transformer.
    upstream (str): The name of the transformer; "*": any.
    RETURNS (Model[List[Doc], List[Floats2d]]): For each doc vectors of shape (n_tokens, width).
    RAISES (ImportError): XN112 without the extra `shared`.
    """
    layers = require_extra("spacy_transformers.layers", extra=EXTRA)
    listener = layers.TransformerListener(upstream_name=upstream)
    arrays: Model[Any, List[Floats2d]] = Model(
        "trfs2arrays", forward_mended, layers=[pooling], attrs={"grad_factor": grad_factor}
    )
    model: Model[List[Doc], List[Floats2d]] = chain(listener, arrays)
    model.set_ref("listener", listener)
    return model


def forward_mended(model: Model[Any, Any], datas: List[Any], is_train: bool) -> Tuple[Any, Callable[[Any], Any]]:
    """As spacy-transformers pools, after the alignment is mended."""
    trfs2arrays = require_extra("spacy_transformers.layers.trfs2arrays", extra=EXTRA)
    result: Tuple[Any, Callable[[Any], Any]] = trfs2arrays.forward(model, [_mend(data) for data in datas], is_train)
    return result


def _mend(data: Any) -> Any:
    """A copy of TransformerData that has each lone ▁ with the word behind it."""
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
