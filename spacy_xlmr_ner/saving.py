"""A folder swapped in whole, and found again after a crash half-way."""

import os
import shutil
import sys
import warnings
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Callable, Dict, Iterable, Iterator

import srsly
from safetensors import SafetensorError

from .errors import CheckpointError, Errors, Warnings

NEW, ASIDE = ".new", ".old"
FORMAT_VERSION = 1
# Functions of spacy.language that read nlp.meta for an entry of their own, and how far they are from who is asked:
# the function, meta, pipe_labels, hide_labels.
META_UPKEEP = frozenset(
    {
        ("spacy.language", "deserialize_meta"),
        ("spacy.language", "from_config"),
        ("spacy.language", "create_pipe_from_source"),
        ("spacy.language", "remove_pipe"),
        # Here an OSError would be taken for one of missing vectors, and hidden.
        ("spacy.training.initialize", "init_vocab"),
    }
)
META_DEPTH = 4


def swap_in(folder: Path, write: Callable[[Path], None]) -> None:
    """Write a folder beside the one that is there, then put it in its place by renaming.

    Whenever the machine stops, one of the two is whole: the former one, if need be under its name put aside.

    folder (Path): The folder to replace or make.
    write (Callable[[Path], None]): Writes the new one to the path that it is given.
    RAISES (CheckpointError): XN414 if it cannot be written, such as where the disk is full.
    """
    new, aside = folder.with_name(folder.name + NEW), folder.with_name(folder.name + ASIDE)
    shutil.rmtree(new, ignore_errors=True)
    try:
        with _explain_write(folder):
            new.mkdir()
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


@contextmanager
def _explain_write(path: Path) -> Iterator[None]:
    """Turn what the operating system says, which safetensors tells as an error of its own, into ours."""
    try:
        yield
    except (OSError, SafetensorError) as err:
        former = "The one that was there is kept" if path.exists() else "Nothing is left of it"
        raise CheckpointError(Errors.XN414.format(path=path, reason=err, former=former)) from err


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


def holds_former(folder: Path) -> bool:
    """Whether find_whole would find something there."""
    return folder.is_dir() or folder.with_name(folder.name + ASIDE).is_dir()


def write_cfg(file: Path, cfg: Dict[str, Any]) -> None:
    """Write a component's cfg, all of it or nothing.

    RAISES (CheckpointError): XN414 if it cannot be written, such as where the disk is full.
    """
    new = file.with_name(file.name + NEW)
    try:
        with _explain_write(file):
            srsly.write_json(new, cfg)
            new.replace(file)
    except BaseException:
        new.unlink(missing_ok=True)
        raise


def read_cfg(file: Path) -> None:
    """Read a component's cfg. All that it holds is the format, the rest being in the config.

    RAISES (CheckpointError): XN406 if it is damaged, XN412 if a later version of this package wrote it.
    """
    try:
        cfg = srsly.read_json(file) if file.exists() else {}
    except ValueError as err:
        raise CheckpointError(Errors.XN406.format(file=file.name, checkpoint=file.parent, reason=err)) from err
    check_format(cfg, str(file.parent))


def check_format(cfg: Any, origin: str) -> None:
    """RAISES (CheckpointError): XN412 if this is not a cfg of the format of this version."""
    version = cfg.get("format", FORMAT_VERSION) if isinstance(cfg, dict) else cfg
    if version != FORMAT_VERSION:
        raise CheckpointError(Errors.XN412.format(path=origin, found=version, known=FORMAT_VERSION))


def unpack_bytes(data: bytes, exclude: Iterable[str]) -> Dict[str, Any]:
    """RAISES (Exception): If that is not what to_bytes returned; explain_bytes words it."""
    message: Dict[str, Any] = srsly.msgpack_loads(data)
    missing = {"cfg", "model"}.difference(exclude, message)
    if missing:
        raise ValueError("they lack " + ", ".join(sorted(missing)))
    return message


@contextmanager
def explain_bytes(component: str) -> Iterator[None]:
    """RAISES (CheckpointError): XN413 for whatever bytes that are garbage lead msgpack and thinc to raise."""
    try:
        yield
    except Exception as err:
        if str(err).startswith("[XN"):  # it says itself what is wrong
            raise
        reason = str(err).split("\n")[0] or type(err).__name__
        raise CheckpointError(Errors.XN413.format(name=component, reason=reason)) from err


def is_meta_upkeep() -> bool:
    """Whether spaCy collects the labels of all components only because it needs another entry of nlp.meta.

    It does so just before it reads a saved pipeline, of all times: the weights would then be had from where the config
    says, which may be gone. Nothing but the function that asks tells this from a user's nlp.pipe_labels.
    """
    frame = sys._getframe(1)
    for _ in range(META_DEPTH):
        if frame.f_back is None:
            return False
        frame = frame.f_back
        if (frame.f_globals.get("__name__"), frame.f_code.co_name) in META_UPKEEP:
            return True
    return False


def _flush(folder: Path) -> None:
    """Have the files on the disk before the names change."""
    for path in folder.iterdir():
        descriptor = os.open(path, os.O_RDWR)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
