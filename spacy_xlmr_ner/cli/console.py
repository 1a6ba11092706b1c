"""How commands speak of errors and warnings."""

import warnings
from contextlib import contextmanager
from typing import Any, Iterator

import typer


@contextmanager
def exit_on_error() -> Iterator[None]:
    """End the command with status 1 and one message in place of a traceback, where what it was given is at fault."""
    try:
        yield
    except (ValueError, OSError, ImportError) as err:
        typer.secho(f"✘ {err}", fg=typer.colors.RED, err=True)
        raise typer.Exit(1) from None


@contextmanager
def show_warnings() -> Iterator[None]:
    """Print warnings as messages, without the line of code that they come from."""

    def show(message: Any, *_: Any, **__: Any) -> None:
        typer.secho(f"⚠ {message}", fg=typer.colors.YELLOW, err=True)

    with warnings.catch_warnings():
        warnings.showwarning = show
        yield
