"""How commands speak of errors and warnings."""

import warnings
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Iterator, List

import typer
from spacy.language import Language

from ..errors import Errors
from ..loading import FACTORY


@contextmanager
def exit_on_error() -> Iterator[None]:
    """End the command with status 1 and one message in place of a traceback, where what it was given is at fault."""
    try:
        yield
    except (ValueError, OSError, ImportError, MemoryError, RuntimeError) as err:
        if isinstance(err, RuntimeError) and not str(err).startswith("[XN"):
            raise
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


def check_new(out: Path) -> None:
    """RAISES (ValueError): XN223 if a folder to be written is there already and holds something."""
    if out.is_file() or (out.is_dir() and any(out.iterdir())):
        raise ValueError(Errors.XN223.format(option="OUT", found=str(out), expected="a folder that is new or empty"))


def find_components(nlp: Language) -> List[str]:
    """The names of the components that are of this package. RAISES (ValueError): XN111 if there are none."""
    names = [name for name in nlp.component_names if nlp.get_pipe_meta(name).factory == FACTORY]
    if not names:
        raise ValueError(Errors.XN111.format(found=", ".join(nlp.component_names) or "nothing"))
    return names
