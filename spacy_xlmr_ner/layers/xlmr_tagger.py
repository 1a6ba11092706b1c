"""Docs to logits for each token, by a token classifier of its own."""

from functools import lru_cache, partial
from pathlib import Path
from typing import Any, Callable, Iterable, List, Mapping, Optional, Sequence, Tuple

import numpy as np
from spacy.tokens import Doc
from spacy.vocab import Vocab
from thinc.api import Model
from thinc.types import Floats2d

from ..checkpoint_shim import CheckpointShim
from ..gold import describe_docs
from ..pieces.ahead import PreparedDocs
from ..pieces.launched import LaunchedDocs
from ..pieces.runner import PieceLogits, find_window, launch_piece_logits
from ..pieces.sampling import PieceSampler, sample_pieces
from ..pieces.tokenizer import PieceTokenizer
from ..pieces.windows import own_tokens
from ..types import (
    InputSettings,
    LaunchingRuntime,
    LoadedCheckpoint,
    PieceTags,
    Pooling,
    Runtime,
    SchemeName,
    TaggerModel,
    TrainingSettings,
)
from .pooled_logits import PooledLogits, get_scheme

MakeScratch = Callable[[Iterable[str], Mapping[str, Any]], LoadedCheckpoint]


def XlmrTagger(
    shim: CheckpointShim,
    *,
    settings: InputSettings,
    training: TrainingSettings,
    scheme: Optional[SchemeName],
    make_scratch: MakeScratch,
) -> TaggerModel:
    """A token classifier as a layer. Nothing is loaded until it is used.

    shim (CheckpointShim): Holds the weights, or knows where to get them.
    settings (InputSettings): How docs become windows and pieces become tokens.
    training (TrainingSettings): What of it is different when it learns.
    scheme (Optional[SchemeName]): What the config says of the tags.
    make_scratch (MakeScratch): Makes an untrained checkpoint of texts and sizes.
    RETURNS (TaggerModel): Docs to logits; see types.TaggerModel for its attrs.
    """
    return Model(
        "xlmr_tagger",
        forward,
        shims=[shim],
        attrs={
            "check_trained": check_trained,
            "check_encoder": check_encoder,
            "find_broken": find_broken,
            "prepare": prepare,
            "get_tags": get_tags,
            "get_scheme_name": get_scheme_name,
            "add_tags": add_tags,
            "reset_head": reset_head,
            "init_scratch": init_scratch,
            "restart": restart,
            "change_checkpoint": change_checkpoint,
            "write_checkpoint": write_checkpoint,
            "read_checkpoint": read_checkpoint,
            "read_bytes": read_bytes,
            "tag_pieces": tag_pieces,
            "settings": settings,
            "training": training,
            "scheme": scheme,
            "make_scratch": make_scratch,
            "dropout_rate": 0.0,
        },
    )


def forward(
    model: TaggerModel, docs: Sequence[Doc], is_train: bool
) -> Tuple[List[Floats2d], Callable[[List[Floats2d]], List[Doc]]]:
    """Run the network and pool its logits; see types.TaggerModel for their shape."""
    shim = _get_shim(model)
    if is_train:
        training_pass = shim.trainer.begin_update(model.attrs["dropout_rate"])
        result = launch_network(model, docs, training_pass, is_train=True)()
    else:
        launched = docs.take(shim.runtime) if isinstance(docs, LaunchedDocs) else None
        result = launched or launch_network(model, docs, shim.runtime, pooling=model.attrs["settings"].pooling)()
    scheme = get_scheme(get_tags(model), get_scheme_name(model))
    pooled = PooledLogits(result, pooling=model.attrs["settings"].pooling, scheme=scheme)
    if is_train:
        pooled.mark_broken()
    else:
        pooled.check_finite()
    ends = np.cumsum([len(doc) for doc in docs])

    def backprop(d_logits: List[Floats2d]) -> List[Doc]:
        shim.batches.append(describe_docs(docs))  # not before: of a batch whose loss is broken nothing is in the step
        d_tokens = np.concatenate(d_logits) if len(docs) else np.zeros((0, 0), dtype=np.float32)
        n_tokens = int(d_tokens.any(axis=1).sum())
        if n_tokens:
            training_pass.backprop(result.split_gradient(pooled.backprop(d_tokens)), n_tokens)
        return list(docs)

    return np.split(pooled.logits, ends[:-1]) if len(docs) else [], backprop


def launch_network(
    model: TaggerModel,
    docs: Sequence[Doc],
    runtime: Runtime,
    *,
    pooling: Optional[Pooling] = None,
    is_train: bool = False,
) -> Callable[[], PieceLogits]:
    """Start the network over a batch of docs, for the logits of all pieces or of those that a pooling reads."""
    checkpoint = _get_shim(model).checkpoint
    training: TrainingSettings = model.attrs["training"]
    change_pieces = None
    if is_train and training.sample_pieces:
        sampler = _get_sampler(checkpoint.tokenizer, training.sampling_alpha)
        change_pieces = partial(sample_pieces, sampler=sampler, share=training.sample_pieces)
    return launch_piece_logits(
        docs,
        checkpoint.tokenizer,
        runtime,
        settings=model.attrs["settings"],
        max_window=checkpoint.max_window,
        n_tags=len(checkpoint.tags),
        pooling=pooling,
        change_pieces=change_pieces,
    )


@lru_cache(maxsize=4)
def _get_sampler(tokenizer: PieceTokenizer, alpha: float) -> PieceSampler:
    return PieceSampler(tokenizer.backend, alpha=alpha)


def _get_shim(model: TaggerModel) -> CheckpointShim:
    shim = model.shims[0]
    assert isinstance(shim, CheckpointShim)
    return shim


def check_trained(model: TaggerModel) -> None:
    """Load the weights, and refuse those that cannot predict."""
    _get_shim(model).checkpoint.check_trained()


def check_encoder(model: TaggerModel, vocab: Vocab) -> None:
    """Load the weights, and refuse those that cannot be trained."""
    _get_shim(model).checkpoint.check_encoder()


def find_broken(model: TaggerModel) -> str:
    """Why weights that were trained cannot predict; empty if they can."""
    return _get_shim(model).find_broken()


def prepare(model: TaggerModel, docs: Sequence[Doc]) -> List[Doc]:
    """Docs that are tokenized from now on, beside whatever is done until they are predicted.

    A GPU that computes on its own is given them at once.
    """
    shim, settings = _get_shim(model), model.attrs["settings"]
    try:
        if isinstance(shim.runtime, LaunchingRuntime):
            return LaunchedDocs(docs, shim.runtime, launch_network(model, docs, shim.runtime, pooling=settings.pooling))
        return PreparedDocs(docs, shim.checkpoint.tokenizer, settings.input)
    except Exception:  # what cannot be read is told when it is predicted
        return list(docs)


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
    shim.reset()


def reset_head(model: TaggerModel, tags: Tuple[str, ...]) -> None:
    """Put an untrained head for these tags in place of the one there is."""
    shim = _get_shim(model)
    shim.checkpoint.reset_head(tags)
    shim.reset()


def restart(model: TaggerModel) -> None:
    """Forget what was learned since the config's checkpoint was loaded."""
    _get_shim(model).restart()


def init_scratch(model: TaggerModel, texts: Iterable[str], sizes: Mapping[str, Any]) -> None:
    """Take an untrained checkpoint in place of what the config names."""
    _get_shim(model).replace(lambda: model.attrs["make_scratch"](texts, sizes))


def change_checkpoint(model: TaggerModel, change: Callable[[LoadedCheckpoint], LoadedCheckpoint]) -> None:
    """Take what a function makes of the checkpoint in place of it."""
    shim = _get_shim(model)
    shim.replace(lambda: change(shim.checkpoint))


def write_checkpoint(model: TaggerModel, folder: Path) -> None:
    """Write the checkpoint to a folder."""
    _get_shim(model).to_folder(folder)


def read_checkpoint(model: TaggerModel, folder: Path) -> None:
    """Take the checkpoint of a folder in place of the one here."""
    _get_shim(model).from_folder(folder)


def read_bytes(model: TaggerModel, data: bytes) -> None:
    """Take what `to_bytes` of such a model has returned."""
    model.from_bytes(data)


def tag_pieces(model: TaggerModel, doc: Doc) -> PieceTags:
    """The pieces of a doc with their logits, the specials before the first and behind the last.

    Of a doc longer than a window each piece is shown once, from the window that sees most around it.
    """
    shim = _get_shim(model)
    tokenizer = shim.checkpoint.tokenizer
    result = launch_network(model, [doc], shim.runtime)()
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
