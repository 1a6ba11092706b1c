"""A folder swapped in whole, and found again after a crash half-way."""

import os
import shutil
import warnings
from pathlib import Path
from typing import Callable

from .errors import CheckpointError, Errors, Warnings

NEW, ASIDE = ".new", ".old"
FORMAT_VERSION = 1


def swap_in(folder: Path, write: Callable[[Path], None]) -> None:
    """Write a folder beside the one that is there, then put it in its place by renaming.

    Whenever the machine stops, one of the two is whole: the former one, if need be under its name put aside.

    folder (Path): The folder to replace or make.
    write (Callable[[Path], None]): Writes the new one to the path that it is given.
    """
    new, aside = folder.with_name(folder.name + NEW), folder.with_name(folder.name + ASIDE)
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir()
    try:
        write(new)
        _flush(new)
    except BaseException:
        shutil.rmtree(new, ignore_errors=True)
        raise
    if folder.exists():
        shutil.rmtree(aside, ignore_errors=True)
        folder.rename(aside)
    new.rename(folder)
    shutil.rmtree(aside, ignore_errors=True)


def find_whole(folder: Path, *, component: str) -> Path:
    """The folder, or the former one put aside if a crash came between.

    folder (Path): The folder that swap_in was given.
    component (str): For the message.
    RETURNS (Path): A folder that is there.
    RAISES (CheckpointError): XN411 if neither is.
    """
    if folder.is_dir():
        return folder
    aside = folder.with_name(folder.name + ASIDE)
    if aside.is_dir():
        warnings.warn(Warnings.XW401.format(path=folder, aside=aside.name), stacklevel=2)
        return aside
    found = ", ".join(sorted(path.name for path in folder.parent.glob("*"))) or "nothing"
    raise CheckpointError(Errors.XN411.format(path=folder.parent, name=component, found=found))


def check_format(version: int, path: Path) -> None:
    """RAISES (CheckpointError): XN412 if a later version of this package wrote the folder."""
    if version > FORMAT_VERSION:
        raise CheckpointError(Errors.XN412.format(path=path, found=version, known=FORMAT_VERSION))


def _flush(folder: Path) -> None:
    """Have the files on the disk before the names change."""
    for path in folder.iterdir():
        descriptor = os.open(path, os.O_RDWR)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
