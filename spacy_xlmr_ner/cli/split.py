"""python -m spacy_xlmr_ner split: a checkpoint as a transformer that can be shared, and a head."""

from typing import Annotated

import typer
from wasabi import msg

from ..splitting import split_checkpoint
from .console import check_new, exit_on_error, show_warnings
from .pipeline_options import LangOption, OutArgument


def split(
    checkpoint: Annotated[str, typer.Argument(metavar="CHECKPOINT", help="A folder or hub id.")],
    out: OutArgument,
    lang: LangOption = "xx",
    revision: Annotated[str, typer.Option(help="Branch, tag or commit of a hub id.")] = "main",
    window: Annotated[int, typer.Option(help="Tokens in a window.")] = 128,
    stride: Annotated[int, typer.Option(help="Tokens from the start of one window to that of the next.")] = 96,
) -> None:
    """Save a pipeline of `transformer` and `xlmr_ner`: other components can share the transformer, and train with it.

    For texts of one window its entities are those of the checkpoint with `input = "text"`. Needs the extra `shared`.
    """
    with exit_on_error(), show_warnings():
        check_new(out)
        split_checkpoint(checkpoint, revision=revision, lang=lang, window=window, stride=stride).to_disk(out)
    msg.good(f"Wrote {out}")
