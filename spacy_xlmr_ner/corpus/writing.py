"""Docs to a .spacy file."""

import os
from pathlib import Path

from spacy.tokens import DocBin

from ..errors import Errors

SUFFIX = ".spacy"
NEW = ".new"


def check_target(path: Path) -> None:
    """Refuse a file that docs cannot be written to, before they have been read.

    RAISES (ValueError): XN223 if it has not the suffix by which spaCy knows such files: more likely than not it is a
        corpus, that was to be read; or if its folder is not there.
    """
    if path.suffix != SUFFIX:
        raise ValueError(Errors.XN223.format(option="OUT", found=str(path), expected=f"a file that ends in {SUFFIX}"))
    if not path.parent.is_dir():
        raise ValueError(Errors.XN223.format(option="OUT", found=str(path), expected="in a folder that exists"))


def write_docbin(docs: DocBin, path: Path) -> None:
    """Write docs to a file, all of them or none: half a file would be found out in the middle of a training.

    docs (DocBin): What to write.
    path (Path): Replaced if it is there.
    """
    new = path.with_name(path.name + NEW)
    try:
        with new.open("wb") as file:
            file.write(docs.to_bytes())
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)
