"""Docs to logits for each token, by a token classifier of its own."""

from functools import lru_cache
from pathlib import Path
from typing import Callable, List, NoReturn, Optional, Sequence, Tuple

import numpy as np
from spacy.tokens import Doc
from thinc.api import Model
from thinc.types import Floats2d

from ..checkpoint_shim import CheckpointShim
from ..errors import Errors
from ..pieces.alignment import find_shared, pool_logits
from ..pieces.runner import PieceLogits, compute_piece_logits, find_window
from ..pieces.windows import find_token_ranges, own_tokens
from ..tags import TagScheme
from ..types import FloatArray, InputSettings, IntArray, PieceTags, SchemeName, TaggerModel

# Takes the place of a logit that must lose, and leaves the probability 0.
NEVER = -1e4


def XlmrTagger(shim: CheckpointShim, *, settings: InputSettings, scheme: Optional[SchemeName]) -> TaggerModel:
    """A token classifier as a layer. Nothing is loaded until it is used.

    shim (CheckpointShim): Holds the weights, or knows where to get them.
    settings (InputSettings): How docs become windows and pieces become tokens.
    scheme (Optional[SchemeName]): What the config says of the tags.
    RETURNS (TaggerModel): Docs to logits; see types.TaggerModel for its attrs.
    """
    return Model(
        "xlmr_tagger",
        forward,
        shims=[shim],
        attrs={
            "check_trained": check_trained,
            "get_tags": get_tags,
            "get_scheme_name": get_scheme_name,
            "add_tags": add_tags,
            "write_checkpoint": write_checkpoint,
            "read_checkpoint": read_checkpoint,
            "tag_pieces": tag_pieces,
            "settings": settings,
            "scheme": scheme,
        },
    )


def forward(
    model: TaggerModel, docs: Sequence[Doc], is_train: bool
) -> Tuple[List[Floats2d], Callable[[List[Floats2d]], List[Doc]]]:
    """Run the network and pool its logits; see types.TaggerModel for their shape."""

    def backprop(d_logits: List[Floats2d]) -> NoReturn:
        raise NotImplementedError(Errors.XN902)

    result = run_network(model, docs)
    tokens = result.pieces.tokens
    owner = own_tokens(*find_token_ranges(tokens), result.windows)
    rows, links = result.find_rows(tokens, owner)
    pooling = model.attrs["settings"].pooling
    logits = pool_logits(result.logits[rows], links, pooling)
    broken = (links.lengths > 0) & ~np.isfinite(logits).all(axis=1)
    if broken.any():
        raise ValueError(Errors.XN901.format(n=int(broken.sum())))
    shared = find_shared(tokens, pooling)
    if len(shared):
        split_shared(logits, shared, _get_scheme(get_tags(model), get_scheme_name(model)))
    ends = np.cumsum([len(doc) for doc in docs])
    return np.split(logits, ends[:-1]) if len(docs) else [], backprop


def run_network(model: TaggerModel, docs: Sequence[Doc]) -> PieceLogits:
    """The logits of all pieces of a batch of docs."""
    shim = _get_shim(model)
    return compute_piece_logits(
        docs,
        shim.checkpoint.tokenizer,
        shim.runtime,
        settings=model.attrs["settings"],
        max_window=shim.checkpoint.max_window,
        n_tags=len(shim.checkpoint.tags),
    )


def split_shared(logits: FloatArray, shared: IntArray, scheme: TagScheme) -> None:
    """Make one entity of several tokens that one piece covers, in place.

    Each of them has the piece's logits; B-X on each would be an entity a token.

    logits (FloatArray): Shape (n_tokens, n_tags).
    shared (IntArray): Tokens that have the logits of the token before, ascending.
    scheme (TagScheme): The tags.
    """
    is_shared = np.zeros(len(logits) + 1, dtype=bool)
    is_shared[shared] = True
    in_run = np.flatnonzero(is_shared[:-1] | is_shared[1:])
    for is_first, is_last in ((True, False), (False, False), (False, True)):
        part = in_run[(is_shared[in_run] != is_first) & (is_shared[in_run + 1] != is_last)]
        becomes = scheme.as_part(is_first=is_first, is_last=is_last)
        moved = np.full((len(part), scheme.n_tags), NEVER, dtype=np.float32)
        for tag, new_tag in enumerate(becomes.tolist()):
            moved[:, new_tag] = np.logaddexp(moved[:, new_tag], logits[part, tag])
        logits[part] = moved


@lru_cache
def _get_scheme(tags: Tuple[str, ...], name: Optional[SchemeName]) -> TagScheme:
    return TagScheme(tags, name)


def _get_shim(model: TaggerModel) -> CheckpointShim:
    shim = model.shims[0]
    assert isinstance(shim, CheckpointShim)
    return shim


def check_trained(model: TaggerModel) -> None:
    """Load the weights, and refuse those that cannot predict."""
    _get_shim(model).checkpoint.check_trained()


def get_tags(model: TaggerModel) -> Tuple[str, ...]:
    """The tags of the checkpoint, in id order. Refuses a checkpoint that cannot hold the windows asked for."""
    checkpoint = _get_shim(model).checkpoint
    find_window(model.attrs["settings"], checkpoint.max_window, checkpoint.tokenizer.n_special)
    return checkpoint.tags


def get_scheme_name(model: TaggerModel) -> Optional[SchemeName]:
    """What the config says of the tags."""
    scheme: Optional[SchemeName] = model.attrs["scheme"]
    return scheme


def add_tags(model: TaggerModel, tags: Tuple[str, ...]) -> None:
    """Give the head rows for more tags."""
    shim = _get_shim(model)
    shim.checkpoint.add_tags(tags)
    shim.reset_runtime()


def write_checkpoint(model: TaggerModel, folder: Path) -> None:
    """Write the checkpoint to a folder."""
    _get_shim(model).to_folder(folder)


def read_checkpoint(model: TaggerModel, folder: Path) -> None:
    """Take the checkpoint of a folder in place of the one here."""
    _get_shim(model).from_folder(folder)


def tag_pieces(model: TaggerModel, doc: Doc) -> PieceTags:
    """The pieces of a doc with their logits, the specials before the first and behind the last.

    Of a doc longer than a window each piece is shown once, from the window that sees most around it.
    """
    shim = _get_shim(model)
    tokenizer = shim.checkpoint.tokenizer
    result = run_network(model, [doc])
    pieces = np.arange(len(result.pieces.ids))
    if not len(pieces):  # such a doc has no window: nothing of it could be tagged
        ids = np.concatenate([tokenizer.prefix, tokenizer.suffix])
        return PieceTags(tokenizer.get_pieces(ids), shim.runtime(ids[None], np.ones((1, len(ids)), dtype=bool))[0])
    owner = own_tokens(pieces, pieces + 1, result.windows)
    rows = pieces - result.windows.starts[owner] + result.window_rows[owner]
    n_rows, n_suffix = len(result.logits), len(tokenizer.suffix)
    rows = np.concatenate([np.arange(len(tokenizer.prefix)), rows, np.arange(n_rows - n_suffix, n_rows)])
    ids = np.concatenate([tokenizer.prefix, result.pieces.ids, tokenizer.suffix])
    return PieceTags(tokenizer.get_pieces(ids), result.logits[rows])
