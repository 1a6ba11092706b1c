"""A checkpoint taken apart: its encoder as a `transformer` that other components can share, its head as `xlmr_ner`."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Dict, Optional

import spacy
from spacy.language import Language

from ._compat import require_extra
from .checkpoint import load_checkpoint, quiet
from .checkpoint_files import CheckpointSource
from .errors import CheckpointError, Errors
from .layers.token_tagger import ARCHITECTURE, mark_read, set_head, set_tags

EXTRA = "shared"
LISTENER = {
    "@architectures": "spacy-transformers.TransformerListener.v1",
    "grad_factor": 1.0,
    # Of the first piece, as checkpoints are trained; the usual mean gives other entities than they do.
    "pooling": {"@layers": "reduce_first.v1"},
}


def split_checkpoint(
    name: Optional[str], *, revision: str = "main", lang: str = "xx", window: int = 128, stride: int = 96
) -> Language:
    """Make a pipeline of `transformer` and `xlmr_ner` from a token-classification checkpoint.

    For a text of one window the entities are those of the checkpoint with `input = "text"`. Beyond that they can
    differ: spacy-transformers cuts its windows by tokens, takes each token from the first window that it is in, and
    what of a window is more than the network holds is not read.

    name (Optional[str]): A hub id or a folder; None: the small model in the package.
    revision (str): Branch, tag or commit of a hub id.
    lang (str): spaCy's language, whose tokenizer is used.
    window (int), stride (int): Tokens in a window, and from the start of one to that of the next.
    RETURNS (Language): The pipeline; nothing of it is read from the checkpoint's place again.
    RAISES (ImportError): XN112 without the extra `shared`.
    RAISES (ValueError): XN446 if window and stride do not go together.
    RAISES (CheckpointError): XN401 to XN415, as for any checkpoint; XN447 if more than a layer is above its encoder.
    """
    require_extra("spacy_transformers", extra=EXTRA)
    if not 0 < stride <= window:
        raise ValueError(Errors.XN446.format(window=window, stride=stride))
    checkpoint = load_checkpoint(CheckpointSource(name, None, revision, local_files_only=False))
    checkpoint.check_trained()
    weight, bias = checkpoint.get_head()
    between = checkpoint.find_between()
    if between:
        raise CheckpointError(Errors.XN447.format(checkpoint=checkpoint.origin, found=", ".join(between[:3])))
    checkpoint.hf_tokenizer.model_max_length = checkpoint.max_window  # spacy-transformers cuts off what is beyond
    nlp = spacy.blank(lang)
    with TemporaryDirectory() as folder, quiet():
        checkpoint.write(Path(folder))
        transformer: Any = nlp.add_pipe("transformer", config=_describe_transformer(folder, window, stride))
        tagger: Any = nlp.add_pipe("xlmr_ner", config={"model": {"@architectures": ARCHITECTURE, "tok2vec": LISTENER}})
        transformer.initialize(lambda: [], nlp=nlp)
    nlp.config["components"]["transformer"]["model"]["name"] = checkpoint.origin
    set_tags(tagger.model, checkpoint.tags)
    bias = weight.new_zeros(len(weight)) if bias is None else bias
    set_head(tagger.model, weight.float().numpy(), bias.float().numpy())
    mark_read(tagger.model)
    return nlp


def _describe_transformer(folder: str, window: int, stride: int) -> Dict[str, Any]:
    spans = {"@span_getters": "spacy-transformers.strided_spans.v1", "window": window, "stride": stride}
    model = {
        "@architectures": "spacy-transformers.TransformerModel.v3",
        "name": folder,
        "tokenizer_config": {"use_fast": True},
        "get_spans": spans,
    }
    return {"model": model}
