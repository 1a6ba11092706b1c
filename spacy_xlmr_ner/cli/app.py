"""The app and its commands."""

from typing import Annotated, Optional

import typer

from ..about import __version__
from .annotate import annotate
from .convert import convert
from .debug import OVERRIDES, debug
from .evaluate import evaluate
from .export import export
from .init_checkpoint import init
from .many_values import ManyTextsCommand
from .ray_address import RayAddressCommand
from .serve import serve
from .split import split
from .tag import tag
from .transfer import ManyDataCommand, transfer
from .trim import trim

app = typer.Typer(
    name="spacy_xlmr_ner",
    help="Multilingual named entities for spaCy, by an XLM-RoBERTa token classifier.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)


def _show_version(value: bool) -> None:
    if value:
        typer.echo(__version__)
        raise typer.Exit()


@app.callback()
def main(
    version: Annotated[
        Optional[bool], typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
    ] = None,
) -> None:
    """Multilingual named entities for spaCy, by an XLM-RoBERTa token classifier."""


app.command()(tag)
app.command(cls=RayAddressCommand)(annotate)
app.command()(convert)
app.command("init-checkpoint", cls=ManyTextsCommand)(init)
app.command(context_settings=OVERRIDES)(debug)
app.command()(evaluate)
app.command()(export)
app.command()(serve)
app.command()(split)
app.command(cls=ManyDataCommand)(transfer)
app.command(cls=ManyTextsCommand)(trim)
