"""python -m spacy_xlmr_ner serve: a page to try a model on."""

from typing import Annotated, Optional

import typer
from wasabi import msg

from .._compat import require_extra
from ..loading import load_pipeline
from ..tag_text import find_component
from .console import exit_on_error
from .pipeline_options import LangOption

EXTRA = "serve"


def serve(
    model: Annotated[
        Optional[str],
        typer.Argument(
            metavar="[MODEL]", help="A spaCy pipeline or a checkpoint (folder or hub id). None: the model inside."
        ),
    ] = None,
    lang: LangOption = "xx",
    host: Annotated[
        str, typer.Option(help="Where to listen. Anything but loopback lets others use it: there are no passwords.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any that is free.")] = 8000,
    max_chars: Annotated[int, typer.Option(min=1, help="Longest text, in characters.")] = 20_000,
    max_requests: Annotated[int, typer.Option(min=1, help="Texts that are tagged at a time.")] = 2,
) -> None:
    """Serve a page on this machine to try a model on: entities, their scores, and the pieces beneath.

    Needs the extra `serve`. Ctrl-C ends it.
    """
    with exit_on_error():
        require_extra("starlette", extra=EXTRA)
        require_extra("uvicorn", extra=EXTRA)
        from ..server import running  # these import what the extra brings

        taken = running.open_socket(host, port)
        nlp = load_pipeline(model, lang=lang)
        find_component(nlp)
        nlp("Jack Sparrow loves New York!")  # what is wrong with the weights is said now
        running.serve(nlp, taken, host=host, max_chars=max_chars, max_requests=max_requests, say=say_address)
    msg.good("Ended")


def say_address(address: str) -> None:
    """Where the page is."""
    msg.good(f"Serving at {address}", "Ctrl-C ends it.")
