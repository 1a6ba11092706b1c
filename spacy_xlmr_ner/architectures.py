"""Registered builders: from the settings of a config to a model. Nothing is read here, neither disk nor network."""

from functools import partial
from typing import List, Optional, get_args

from .checkpoint import load_checkpoint, read_checkpoint
from .checkpoint_files import CheckpointSource
from .checkpoint_shim import CheckpointShim
from .layers.xlmr_tagger import XlmrTagger
from .runtimes.torch import TorchRuntime, prepare_torch
from .settings import check_choice, check_different, check_number, check_overlap
from .types import Input, InputSettings, Pooling, Precision, SchemeName, TaggerModel

WHERE = "[components.<name>.model]"


def build_xlmr_tagger_v1(
    name: Optional[str],
    labels: Optional[List[str]],
    scheme: Optional[str],
    revision: str,
    local_files_only: bool,
    input: str,
    pooling: str,
    window: Optional[int],
    overlap: int,
    max_batch_pieces: int,
    precision: str,
    device: Optional[str],
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
    overlap (int): Pieces that neighbouring windows share.
    max_batch_pieces (int): Pieces in a batch, padding included.
    precision (str): "float32", "bfloat16" or "float16".
    device (Optional[str]): "cpu", "cuda:0", "mps"; None: where spaCy is.
    RETURNS (TaggerModel): Loads its weights when they are first needed.
    RAISES (ValueError): XN101 to XN110, for a value that can be seen to be wrong without the weights.
    """
    check_number("overlap", overlap, least=0)
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
    dtype: Precision = check_choice("precision", precision, get_args(Precision), where=WHERE)
    source = CheckpointSource(name, None if labels is None else tuple(labels), revision, local_files_only)
    shim = CheckpointShim(
        prepare=partial(prepare_torch, precision=dtype, device=device),
        load=partial(load_checkpoint, source),
        read=read_checkpoint,
        make_runtime=partial(TorchRuntime, precision=dtype, device=device),
    )
    scheme_name: Optional[SchemeName] = None
    if scheme is not None:
        scheme_name = check_choice("scheme", scheme, get_args(SchemeName), where=WHERE)
    return XlmrTagger(shim, settings=settings, scheme=scheme_name)
