"""python -m spacy_xlmr_ner init-checkpoint: an untrained network with a vocabulary of its own."""

from typing import Annotated, Optional

import typer
from wasabi import msg

from ..corpus.plain_text import read_texts
from ..scratch import NetworkShape, init_checkpoint
from .console import check_new, exit_on_error, show_warnings
from .pipeline_options import OutArgument, TextOption


def init(
    out: OutArgument,
    text: TextOption,
    vocab_size: Annotated[int, typer.Option(help="Pieces, the special ones included.")] = 24000,
    hidden_size: Annotated[int, typer.Option(help="Width of a layer.")] = 256,
    layers: Annotated[int, typer.Option(help="How many layers.")] = 4,
    heads: Annotated[int, typer.Option(help="Attention heads of a layer.")] = 4,
    intermediate_size: Annotated[
        Optional[int], typer.Option(help="Width of the feed-forward parts. None: four times --hidden-size.")
    ] = None,
    window: Annotated[int, typer.Option(help="Pieces that are read at once, specials included.")] = 512,
    seed: Annotated[int, typer.Option(help="Of the random weights.")] = 0,
) -> None:
    """Write an untrained checkpoint of XLM-R's architecture, with a vocabulary trained on the text.

    It predicts nothing before it is trained: `spacy train` does that, with its folder as `name` of the model.
    """
    with exit_on_error(), show_warnings():
        check_new(out)
        shape = NetworkShape(
            vocab_size=vocab_size,
            hidden_size=hidden_size,
            layers=layers,
            heads=heads,
            intermediate_size=4 * hidden_size if intermediate_size is None else intermediate_size,
            window=window,
        )
        init_checkpoint(read_texts(text), out, shape, seed=seed)
    msg.good(f"Wrote an untrained checkpoint with {vocab_size} pieces to {out}")
