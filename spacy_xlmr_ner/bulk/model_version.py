"""What tells one model from another, so that the shards of a job are all of one."""

from hashlib import blake2b
from pathlib import Path
from typing import Optional

from spacy.util import get_package_version, is_package

from ..checkpoint_files import BUNDLED, CheckpointSource, find_folder

CHUNK = 2**20  # bytes


def find_version(model: Optional[str]) -> str:
    """A digest of a model's files, the version of the package that it is, or the hub's commit.

    model (Optional[str]): As load_pipeline takes it.
    RETURNS (str): It.
    RAISES (CheckpointError): XN401 or XN403 if there is no such model.
    """
    folder = BUNDLED if model is None else Path(model)
    if folder.is_dir():
        return _digest(folder)
    if model is not None and is_package(model):
        return f"{model} {get_package_version(model)}"
    source = CheckpointSource(name=model, labels=None, revision="main", local_files_only=False)
    folder, name = find_folder(source)
    return f"{name} {folder.name}"  # the hub's cache names a folder by its commit


def _digest(folder: Path) -> str:
    """Of the names and bytes of all files in a folder."""
    digest = blake2b(digest_size=16)
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        digest.update(path.relative_to(folder).as_posix().encode("utf8", "surrogateescape") + b"\0")
        with path.open("rb") as file:
            while data := file.read(CHUNK):
                digest.update(data)
    return digest.hexdigest()
