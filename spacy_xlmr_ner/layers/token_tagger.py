"""Docs to logits for each token, by a head over vectors that another layer makes, such as a shared transformer's."""

from pathlib import Path
from typing import Any, Callable, Iterable, List, Mapping, Optional, Sequence, Tuple, TypeAlias

import numpy as np
from spacy.attrs import IS_SPACE, SPACY
from spacy.tokens import Doc
from spacy.vocab import Vocab
from thinc.api import Linear, Model
from thinc.types import Floats2d

from ..errors import CheckpointError, Errors
from ..tags import HEAD_RANGE, NEW_TAG_BIAS
from ..types import BoolArray, FloatArray, LoadedCheckpoint, PieceTags, SchemeName, TaggerModel
from .pooled_logits import get_scheme, split_shared
from .transformer_pieces import mend_pooling

Tok2Vec: TypeAlias = Model[List[Doc], List[Floats2d]]
FILE = "model"
ARCHITECTURE = "spacy-xlmr-ner.TokenTagger.v1"
# What spacy-transformers keeps of a doc, under doc._.
TRANSFORMER_DATA = "trf_data"


class _State:
    """What is not saved: thinc leaves out attrs that msgpack has no word for.

    is_ready (bool): Whether there are weights beneath the head.
    is_read (bool): Whether they, and the head, are those of a saved pipeline; `initialize` keeps them then.
    is_trained (bool): Whether the head has learned since it was made or read.
    """

    def __init__(self) -> None:
        self.is_ready = self.is_read = self.is_trained = False


def TokenTagger(tok2vec: Tok2Vec, n_tags: Optional[int]) -> TaggerModel:
    """A linear head over vectors of tokens.

    tok2vec (Tok2Vec): For each doc vectors of shape (n_tokens, width). A vector of zeros says that there is none: the
        tokens that a transformer has no pieces for get that.
    n_tags (Optional[int]): How many tags there must be; None: as many as there are.
    RETURNS (TaggerModel): Docs to logits; see types.TaggerModel for its attrs.
    """
    mend_pooling(tok2vec)
    model: TaggerModel = Model(
        "token_tagger",
        forward,
        layers=[tok2vec, Linear()],
        refs={"tok2vec": tok2vec},
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
            "tags": [],
            "n_tags": n_tags,
            "state": _State(),
        },
    )
    return model


def forward(
    model: TaggerModel, docs: Sequence[Doc], is_train: bool
) -> Tuple[List[Floats2d], Callable[[List[Floats2d]], List[Doc]]]:
    """Have the vectors made, and tag them; see types.TaggerModel for the shape of the result.

    Neighbours with no space between them and the very same vector are parts of one piece, and of one entity if of any.
    """
    tok2vec, head = model.layers
    check_upstream(tok2vec, docs, is_train=is_train)
    is_full = [len(doc) > 0 for doc in docs]
    # A listener that was given its vectors has them for all docs; one that looks at the docs stumbles over empty ones.
    is_asked = [True] * len(docs) if is_train and _was_given(tok2vec) else is_full
    asked = [doc for doc, ok in zip(docs, is_asked) if ok]
    vectors, backprop_vectors = tok2vec(asked, is_train) if asked else ([], None)
    kept = [rows for rows in vectors if len(rows)]
    if not kept:
        n_tags = len(model.attrs["tags"])
        return [np.zeros((0, n_tags), dtype=np.float32) for _ in docs], lambda d_logits: list(docs)
    flat = model.ops.xp.concatenate(kept)
    width = flat.shape[1]
    _check_width(head, width)
    logits, backprop_head = head(flat, is_train)
    has_vector = model.ops.to_numpy(flat.any(axis=1)) & ~_find_spaces(docs)
    found: FloatArray = np.array(model.ops.to_numpy(logits), dtype=np.float32)
    _mark_broken(found, has_vector, is_train=is_train)
    is_same = np.zeros(len(flat), dtype=bool)
    is_same[1:] = model.ops.to_numpy((flat[1:] == flat[:-1]).all(axis=1)) & has_vector[1:]
    shared = np.flatnonzero(is_same & ~_find_separate(docs))
    join = split_shared(found, shared, get_scheme(get_tags(model), get_scheme_name(model)))

    def backprop(d_logits: List[Floats2d]) -> List[Doc]:
        d_found = np.where(has_vector[:, None], np.concatenate([rows for rows in d_logits if len(rows)]), 0.0)
        join(d_found)
        # The loss is a mean over tokens. Other components add up, and would drown it in a transformer that they share.
        d_found = d_found * max(1, int(d_found.any(axis=1).sum()))
        model.attrs["state"].is_trained = True
        d_flat = backprop_head(model.ops.asarray2f(d_found))
        ends = np.cumsum([len(rows) for rows in kept])[:-1].tolist()
        parts = iter(model.ops.xp.split(d_flat, ends))
        backprop_vectors([next(parts) if len(doc) else model.ops.alloc2f(0, width) for doc in asked])
        return list(docs)

    return list(np.split(found, np.cumsum([len(doc) for doc in docs])[:-1])), backprop


def _mark_broken(logits: FloatArray, has_vector: BoolArray, *, is_train: bool) -> None:
    """Say in the logits which tokens have no vector, and which one that is broken, in place.

    RAISES (ValueError): XN901 for broken ones, unless it is training, which tells it by the loss.
    """
    is_broken = has_vector & ~np.isfinite(logits).all(axis=1)
    if is_broken.any() and not is_train:
        raise ValueError(Errors.XN901.format(n=int(is_broken.sum())))
    logits[is_broken] = np.inf
    logits[~has_vector] = np.nan


def _was_given(tok2vec: Tok2Vec) -> bool:
    """Whether a listener below has its vectors from the component that it listens to, as in a step of training."""
    return any(getattr(node, "_batch_id", None) is not None for node in tok2vec.walk())


def _find_spaces(docs: Sequence[Doc]) -> BoolArray:
    """Which tokens of all docs are whitespace: no piece is theirs, whatever a transformer's alignment says."""
    return np.concatenate([doc.to_array([IS_SPACE]).reshape(-1) > 0 for doc in docs if len(doc)])


def _find_separate(docs: Sequence[Doc]) -> BoolArray:
    """Which tokens of all docs have a space before them or are their doc's first: no piece reaches across."""
    separate = [np.append(True, doc.to_array([SPACY]).reshape(-1)[:-1] > 0) for doc in docs if len(doc)]
    return np.concatenate(separate)


def check_upstream(tok2vec: Tok2Vec, docs: Sequence[Doc], *, is_train: bool) -> None:
    """Refuse docs that the component listened to has not seen: a listener would take zeros for its vectors.

    RAISES (ValueError): XN440, naming it.
    """
    for node in tok2vec.walk():
        upstream = getattr(node, "upstream_name", None)
        if upstream is None or (is_train and node._batch_id is not None):
            continue  # in training it was given its vectors, or looks for them in the docs as it does here
        lacking = [doc for doc in docs if len(doc) and not _has_vectors(doc, is_transformer="transformer" in node.name)]
        if lacking:
            named = "the transformer" if upstream == "*" else f"'{upstream}'"
            raise ValueError(Errors.XN440.format(upstream=named, n=len(lacking), text=lacking[0].text[:40]))


def _has_vectors(doc: Doc, *, is_transformer: bool) -> bool:
    if is_transformer:
        return doc.has_extension(TRANSFORMER_DATA) and doc._.get(TRANSFORMER_DATA) is not None
    return doc.tensor.size > 0


def _check_width(head: Model[Floats2d, Floats2d], width: int) -> None:
    """RAISES (ValueError): XN441."""
    if head.get_dim("nI") != width:
        raise ValueError(Errors.XN441.format(found=width, expected=head.get_dim("nI")))


def check_trained(model: TaggerModel) -> None:
    """RAISES (ValueError): XN442 if there is no head yet."""
    if not model.layers[1].has_param("W"):
        raise ValueError(Errors.XN442)


def check_encoder(model: TaggerModel, vocab: Vocab) -> None:
    """Make the weights beneath the head, unless they were read.

    RAISES (ValueError): XN443 if it cannot be known how wide the vectors are.
    """
    state: _State = model.attrs["state"]
    if not state.is_read:
        try:
            model.layers[0].initialize(X=[Doc(vocab, words=["hello"])])
        except (KeyError, ValueError) as err:
            raise ValueError(Errors.XN443.format(reason=err)) from err
        state.is_ready = True
    if _find_width(model) is None:
        raise ValueError(Errors.XN443.format(reason="none of its layers says it"))


def find_broken(model: TaggerModel) -> str:
    """Why the head, and layers beneath that are thinc's and no other component's, cannot tag once they have learned;
    empty if they can.
    """
    head = model.layers[1]
    if not model.attrs["state"].is_trained or not head.has_param("W"):
        return ""
    for node in model.walk():
        for name in node.param_names:
            if node.has_param(name) and not np.isfinite(model.ops.to_numpy(node.get_param(name))).all():
                return f"{name} of {node.name} holds no finite numbers"
    with np.errstate(over="ignore"):
        most = np.abs(model.ops.to_numpy(head.get_param("W"))).sum(axis=1)
    return "" if np.isfinite(most).all() else "its head gives logits that are no finite numbers"


def _find_width(model: TaggerModel) -> Optional[int]:
    """How wide the vectors are; None if that is not known."""
    nodes = [model.layers[0], *(node for node in model.layers[0].walk() if "transformer" in node.name)]
    widths = [node.maybe_get_dim("nO") for node in nodes if "nO" in node.dim_names]
    return next((width for width in widths if width is not None), None)


def prepare(model: TaggerModel, docs: Sequence[Doc]) -> List[Doc]:
    """Nothing can be done ahead."""
    return list(docs)


def get_tags(model: TaggerModel) -> Tuple[str, ...]:
    """The tags of the head, in id order."""
    return tuple(model.attrs["tags"])


def get_scheme_name(model: TaggerModel) -> Optional[SchemeName]:
    """Told from the tags."""
    return None


def add_tags(model: TaggerModel, tags: Tuple[str, ...]) -> None:
    """Give the head rows for more tags; what it finds stays what it was."""
    old = model.layers[1]
    names = (*get_tags(model), *tags)
    if not old.has_param("W"):
        set_tags(model, names)
        return
    n_old, width = old.get_dim("nO"), old.get_dim("nI")
    weight, bias = model.ops.alloc2f(len(names), width), model.ops.alloc1f(len(names))
    weight[:n_old], bias[:n_old] = old.get_param("W"), old.get_param("b")
    bias[n_old:] = NEW_TAG_BIAS
    set_tags(model, names)
    set_head(model, weight, bias)


def reset_head(model: TaggerModel, tags: Tuple[str, ...]) -> None:
    """Put an untrained head for these tags in place of the one there is; later, if nothing is beneath it yet."""
    set_tags(model, tags)
    model.attrs["state"].is_trained = False
    width = _find_width(model)
    if width is None or not model.attrs["state"].is_ready:
        model.layers[1] = Linear()
        return
    weight = np.random.normal(scale=HEAD_RANGE, size=(len(tags), width)).astype(np.float32)  # spaCy seeds NumPy
    set_head(model, weight, np.zeros(len(tags), dtype=np.float32))


def set_tags(model: TaggerModel, tags: Sequence[str]) -> None:
    """Name the tags of the head. RAISES (ValueError): XN444 if the config wants another number of them."""
    wanted = model.attrs["n_tags"]
    if wanted is not None and wanted != len(tags):
        raise ValueError(Errors.XN444.format(wanted=wanted, n_tags=len(tags), tags=", ".join(tags)))
    model.attrs["tags"] = list(tags)


def set_head(model: TaggerModel, weight: Any, bias: Any) -> None:
    """Put a head in place of the one there is.

    weight (Any): An array of shape (n_tags, width). bias (Any): One of shape (n_tags,).
    """
    head: Model[Floats2d, Floats2d] = Linear(nO=weight.shape[0], nI=weight.shape[1])
    head.set_param("W", model.ops.asarray2f(weight))
    head.set_param("b", model.ops.asarray1f(bias))
    model.layers[1] = head


def restart(model: TaggerModel) -> None:
    """Forget head and labels, unless they were read from a saved pipeline."""
    if not model.attrs["state"].is_read:
        model.attrs["state"].is_trained = False
        model.attrs["tags"] = []
        model.layers[1] = Linear()


def init_scratch(model: TaggerModel, texts: Iterable[str], sizes: Mapping[str, Any]) -> None:
    """RAISES (ValueError): XN445: what lies beneath is another component's."""
    raise ValueError(Errors.XN445.format(what="`scratch` makes a network", architecture=ARCHITECTURE))


def change_checkpoint(model: TaggerModel, change: Callable[[LoadedCheckpoint], LoadedCheckpoint]) -> None:
    """RAISES (ValueError): XN445: there is no checkpoint."""
    raise ValueError(Errors.XN445.format(what="This changes a checkpoint", architecture=ARCHITECTURE))


def write_checkpoint(model: TaggerModel, folder: Path) -> None:
    """Write head and tags, and the weights beneath that are not another component's, as thinc does."""
    (folder / FILE).write_bytes(model.to_bytes())


def read_checkpoint(model: TaggerModel, folder: Path) -> None:
    """Read what write_checkpoint has written.

    RAISES (CheckpointError): XN406 if it cannot be read.
    """
    try:
        data = (folder / FILE).read_bytes()
        read_bytes(model, data)
    except Exception as err:  # damaged bytes lead msgpack and thinc to raise all kinds
        reason = str(err).split("\n")[0] or type(err).__name__
        raise CheckpointError(Errors.XN406.format(file=FILE, checkpoint=folder, reason=reason)) from err


def read_bytes(model: TaggerModel, data: bytes) -> None:
    """Take what `to_bytes` of such a model has returned."""
    former = model.layers[1]
    model.layers[1] = Linear()  # one that has a size takes no other
    try:
        model.from_bytes(data)
    except Exception:
        model.layers[1] = former
        raise
    mark_read(model)


def mark_read(model: TaggerModel) -> None:
    """Have `initialize` keep head and weights as they are."""
    state: _State = model.attrs["state"]
    state.is_ready = state.is_read = True
    state.is_trained = False


def tag_pieces(model: TaggerModel, doc: Doc) -> PieceTags:
    """The pieces of a doc with their logits, as the transformer has them, window after window, specials included.

    Over another layer than a transformer's: the tokens.
    """
    tok2vec, head = model.layers
    check_upstream(tok2vec, [doc], is_train=False)
    listens = any(hasattr(node, "upstream_name") and "transformer" in node.name for node in tok2vec.walk())
    data = doc._.get(TRANSFORMER_DATA) if listens and doc.has_extension(TRANSFORMER_DATA) else None
    if data is None or not len(doc):
        return PieceTags([token.text for token in doc], model.predict([doc])[0])
    is_piece = np.asarray(data.wordpieces.attention_mask).astype(bool)
    hidden = data.model_output.last_hidden_state[is_piece]
    pieces = [piece for row, mask in zip(data.wordpieces.strings, is_piece) for piece, ok in zip(row, mask) if ok]
    return PieceTags(pieces, model.ops.to_numpy(head.predict(hidden)))
