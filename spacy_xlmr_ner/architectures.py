"""Registered builders: from the settings of a config to a model. Nothing is read here, neither disk nor network."""

import random
from dataclasses import MISSING, fields
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Iterable, List, Mapping, Optional, Union, get_args

from spacy.tokens import Doc
from thinc.api import Model
from thinc.types import Floats2d

from .checkpoint import Checkpoint, load_checkpoint, read_checkpoint
from .checkpoint_files import CheckpointSource
from .checkpoint_shim import CheckpointShim
from .errors import Errors
from .layers.token_tagger import TokenTagger
from .layers.xlmr_tagger import XlmrTagger
from .pieces.windows import OVERLAP
from .runtimes.onnx_engine import OnnxEngine
from .runtimes.torch_engine import TorchEngine
from .runtimes.torch_training import TorchTrainer, swap_params
from .scratch import NetworkShape, init_checkpoint
from .settings import check_choice, check_different, check_number, check_overlap, check_range
from .types import (
    Engine,
    Input,
    InputSettings,
    OnnxPrecision,
    Pooling,
    Precision,
    RuntimeName,
    SchemeName,
    TaggerModel,
    TrainingSettings,
)

WHERE = "[components.<name>.model]"


def build_xlmr_tagger_v1(
    name: Optional[str] = None,
    labels: Optional[List[str]] = None,
    scheme: Optional[str] = None,
    revision: str = "main",
    local_files_only: bool = False,
    input: str = "words",
    pooling: str = "first",
    window: Optional[int] = None,
    overlap: int = OVERLAP,
    max_batch_pieces: Optional[int] = None,
    runtime: str = "torch",
    precision: str = "float32",
    device: Optional[str] = None,
    freeze: Union[int, str, None] = None,
    layer_decay: float = 1.0,
    dropout: Optional[float] = None,
    mixed_precision: Optional[str] = None,
    gradient_checkpointing: bool = False,
    sample_pieces: float = 0.0,
    sampling_alpha: float = 0.2,
) -> TaggerModel:
    """Build spacy-xlmr-ner.XlmrTagger.v1: a token classifier with its own encoder and head.

    name (Optional[str]): A hub id or a local folder; None: the small model inside the package.
    labels (Optional[List[str]]): Tag names in id order, for checkpoints that name them LABEL_0 ...
    scheme (Optional[str]): "io", "iob" or "bioes"; None: told from the tags.
    revision (str): Branch, tag or commit of a hub id.
    local_files_only (bool): Never ask the hub.
    input (str): "words": spaCy's tokens as words; "text": the raw text, as transformers' pipeline feeds it.
    pooling (str): "first", "mean" or "max": how the pieces of a token make its logits.
    window (Optional[int]): Pieces, specials included; None: all that the checkpoint allows.
    overlap (int): Pieces that neighbouring windows share; half a window where the checkpoint's own holds no 64.
    max_batch_pieces (Optional[int]): Pieces in a batch, padding included; None: 4096, on a GPU what its memory holds.
    runtime (str): What runs the network when it predicts: "torch" or, on the CPU, "onnx" (extra `onnx`).
    precision (str): "float32", "bfloat16" or "float16"; with "onnx" "float32" or "int8".
    device (Optional[str]): "cpu", "cuda:0", "mps"; "cuda": in each worker process a GPU of its own; None: where spaCy
        is. ONNX Runtime runs on the CPU in any case.
    freeze (Union[int, str, None]): What training leaves as it is: "embeddings", "encoder", or a number: the embeddings
        and so many layers.
    layer_decay (float): How much slower each layer learns than the one above it: 1.0 is not at all.
    dropout (Optional[float]): In training; None: the rate that `update` is given, [training] dropout under spacy train.
    mixed_precision (Optional[str]): "bfloat16" or "float16": compute in it while training; None: in float32.
    gradient_checkpointing (bool): Trade time for memory in training.
    sample_pieces (float): The share of words whose pieces are drawn anew each time they are trained on.
    sampling_alpha (float): How much the vocabulary's own probabilities count then.
    RETURNS (TaggerModel): Loads its weights when they are first needed.
    RAISES (ValueError): XN101 to XN123, for a value that can be seen to be wrong without the weights.
    """
    check_number("overlap", overlap, least=0)
    if max_batch_pieces is not None:
        check_number("max_batch_pieces", max_batch_pieces, least=1)
    if window is not None:
        check_number("window", window, least=3)
        check_overlap(overlap, window)
    if labels is not None:
        check_different("labels", labels, where=WHERE)
    settings = InputSettings(
        input=check_choice("input", input, get_args(Input), where=WHERE),
        pooling=check_choice("pooling", pooling, get_args(Pooling), where=WHERE),
        window=window,
        overlap=overlap,
        max_batch_pieces=max_batch_pieces,
    )
    source = CheckpointSource(name, None if labels is None else tuple(labels), revision, local_files_only)
    training = _check_training(
        freeze=freeze,
        layer_decay=layer_decay,
        dropout=dropout,
        mixed_precision=mixed_precision,
        gradient_checkpointing=gradient_checkpointing,
        sample_pieces=sample_pieces,
        sampling_alpha=sampling_alpha,
        input=input,
    )
    shim = CheckpointShim(
        engine=_make_engine(runtime, precision, device),
        load=partial(load_checkpoint, source),
        read=read_checkpoint,
        make_trainer=partial(TorchTrainer, settings=training, device=device),
        swap_params=swap_params,
    )
    scheme_name: Optional[SchemeName] = None
    if scheme is not None:
        scheme_name = check_choice("scheme", scheme, get_args(SchemeName), where=WHERE)
    return XlmrTagger(shim, settings=settings, training=training, scheme=scheme_name, make_scratch=make_scratch)


def build_token_tagger_v1(tok2vec: Model[List[Doc], List[Floats2d]], nO: Optional[int] = None) -> TaggerModel:
    """Build spacy-xlmr-ner.TokenTagger.v1: a head alone, over vectors that another layer makes.

    tok2vec (Model[List[Doc], List[Floats2d]]): Such as spacy-transformers.TransformerListener.v1, which shares one
        transformer with other components, or spacy.Tok2VecListener.v1; any layer that gives a vector for each token.
    nO (Optional[int]): How many tags there must be; None: as many as the labels need.
    RETURNS (TaggerModel): Its head is made when the labels are known.
    RAISES (ValueError): XN106 if nO is no number of tags.
    """
    if nO is not None:
        check_number("nO", nO, least=1)
    return TokenTagger(tok2vec, nO)


def _make_engine(runtime: str, precision: Any, device: Optional[str]) -> Engine:
    """RAISES (ValueError): XN102 if there is no such runtime, or it has not this precision."""
    check_choice("runtime", runtime, get_args(RuntimeName), where=WHERE)
    if runtime == "onnx":
        check_choice("precision", precision, get_args(OnnxPrecision), where=f'{WHERE} (or runtime = "torch")')
        return OnnxEngine(precision=precision, device=device)
    where = f'{WHERE} (or runtime = "onnx")' if precision in get_args(OnnxPrecision) else WHERE
    check_choice("precision", precision, get_args(Precision), where=where)
    return TorchEngine(precision=precision, device=device)


def make_scratch(texts: Iterable[str], sizes: Mapping[str, Any]) -> Checkpoint:
    """Make an untrained checkpoint without a head.

    texts (Iterable[str]): Its vocabulary is trained on them.
    sizes (Mapping[str, Any]): As NetworkShape takes them.
    RETURNS (Checkpoint): In memory; nothing of it is left on the disk.
    RAISES (ValueError): XN124 if the sizes have other names; what init_checkpoint raises.
    """
    known = {field.name: field.default is MISSING for field in fields(NetworkShape)}
    lacking = [name for name, is_required in known.items() if is_required and name not in sizes]
    if lacking or set(sizes) - set(known):
        raise ValueError(Errors.XN124.format(found=", ".join(sizes), expected=", ".join(known)))
    with TemporaryDirectory() as folder:
        # spaCy seeds this module, so that a training run can be repeated.
        init_checkpoint(texts, Path(folder), NetworkShape(**sizes), seed=random.randrange(2**31))
        return read_checkpoint(Path(folder), origin="a network from scratch")


def _check_training(*, freeze: Any, mixed_precision: Any, input: str, **settings: Any) -> TrainingSettings:
    """Check the settings of training. RAISES (ValueError): XN102, XN120, XN121, XN123."""
    if not (freeze in (None, "embeddings", "encoder") or (type(freeze) is int and freeze > 0)):
        raise ValueError(Errors.XN120.format(found=freeze, n_layers="those of the checkpoint"))
    if mixed_precision is not None:
        check_choice("mixed_precision", mixed_precision, ("bfloat16", "float16"), where=WHERE)
    check_range("layer_decay", settings["layer_decay"], "above 0, at most 1", lambda x: 0 < x <= 1, where=WHERE)
    if settings["dropout"] is not None:
        check_range("dropout", settings["dropout"], "from 0, less than 1", lambda x: 0 <= x < 1, where=WHERE)
    check_range("sample_pieces", settings["sample_pieces"], "from 0 to 1", lambda x: 0 <= x <= 1, where=WHERE)
    check_range("sampling_alpha", settings["sampling_alpha"], "of at least 0", lambda x: x >= 0, where=WHERE)
    if settings["sample_pieces"] and input == "text":
        raise ValueError(Errors.XN123)
    return TrainingSettings(freeze=freeze, mixed_precision=mixed_precision, **settings)
