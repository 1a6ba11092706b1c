"""The files of a checkpoint: their names, and where they are found: in the package, in a folder, on the hub."""

import json
import re
import textwrap
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError
from typing import Any, Dict, Iterator, List, Optional, Tuple

from huggingface_hub import HfApi, snapshot_download
from huggingface_hub.errors import HfHubHTTPError

from .errors import CheckpointError, Errors

BUNDLED = Path(__file__).parent / "bundled"
CONFIG_FILE = "config.json"
SAFE_WEIGHTS = ("model.safetensors", "model.safetensors.index.json")
OLD_WEIGHTS = ("pytorch_model.bin", "pytorch_model.bin.index.json")
TOKENIZER_FILES = (
    "tokenizer.json",
    "sentencepiece.bpe.model",
    "spiece.model",
    "tokenizer.model",
    "spm.model",
    "vocab.txt",
    "vocab.json",
)
SENTENCEPIECE_FILES = ("sentencepiece.bpe.model", "spiece.model", "spm.model")
TOKENIZER_EXTRAS = ("tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "merges.txt")
MAX_REASON = 300  # characters of another library's message
HUB_TIMEOUT = 10.0  # seconds to wait for the hub's first answer
_HUB_ID = re.compile(r"\w[\w.-]*(/\w[\w.-]*)?")


@dataclass(frozen=True)
class CheckpointSource:
    """Where a checkpoint comes from, as the config says.

    name (Optional[str]): A hub id or a folder; None: the model in the package.
    labels (Optional[Tuple[str, ...]]): Tag names in id order, instead of the checkpoint's own.
    revision (str): Branch, tag or commit, for a hub id.
    local_files_only (bool): Never ask the hub; what it has put on this machine before may be used.
    """

    name: Optional[str]
    labels: Optional[Tuple[str, ...]]
    revision: str
    local_files_only: bool


def find_folder(source: CheckpointSource) -> Tuple[Path, str]:
    """Find the folder of a checkpoint, fetching it if it is the hub's.

    source (CheckpointSource): Where to look.
    RETURNS (Tuple[Path, str]): The folder, and what messages call it.
    RAISES (CheckpointError): XN401 for a name that is neither, XN403 if the hub does not give it.
    """
    if source.name is None:
        return BUNDLED, "the model in the package"
    if source.name and Path(source.name).is_dir():
        return Path(source.name), source.name
    if Path(source.name).is_file() or not _HUB_ID.fullmatch(source.name):
        raise CheckpointError(Errors.XN401.format(path=source.name))
    return fetch_files(source.name, source.revision, local_files_only=source.local_files_only), source.name


def fetch_files(name: str, revision: str, *, local_files_only: bool) -> Path:
    """Have the files of a hub id on this machine: from the hub, or as it left them here before.

    Only what is needed is fetched: no weights of other frameworks, and none in the old format where there are safe
    ones. A hub that does not answer is not waited for where the files are here.

    name (str): The id.
    revision (str): Branch, tag or commit.
    local_files_only (bool): Do not ask the hub.
    RETURNS (Path): The folder.
    RAISES (CheckpointError): XN403 if the hub does not have it or cannot be reached, and it is not here either.
    """
    unreachable: Optional[Exception] = None
    files = [CONFIG_FILE, *TOKENIZER_FILES, *TOKENIZER_EXTRAS, *SAFE_WEIGHTS, "model-*.safetensors"]
    try:
        if not local_files_only:
            unreachable = _ask_hub(name, revision)
        is_local = local_files_only or unreachable is not None
        folder = _snapshot(name, revision, files, is_local)
        if not any((folder / file).is_file() for file in SAFE_WEIGHTS):
            folder = _snapshot(name, revision, [*files, *OLD_WEIGHTS, "pytorch_model-*.bin"], is_local)
    except Exception as err:
        cause = unreachable or err
        reason = str(cause).strip().split("\n")[0].rstrip(".") or type(cause).__name__
        raise CheckpointError(Errors.XN403.format(name=name, revision=revision, reason=reason)) from cause
    return folder


def _ask_hub(name: str, revision: str) -> Optional[Exception]:
    """Why the hub cannot be reached, None if it can. Downloads themselves would wait for it without end."""
    try:
        HfApi().model_info(name, revision=revision, timeout=HUB_TIMEOUT)
    except HfHubHTTPError:
        raise  # it answered: there is no such id or revision, or it is not for everyone
    except Exception as err:
        return err
    return None


def _snapshot(name: str, revision: str, files: List[str], local_files_only: bool) -> Path:
    return Path(snapshot_download(name, revision=revision, allow_patterns=files, local_files_only=local_files_only))


def check_files(folder: Path, origin: str) -> str:
    """The name of the weights file; an error if a file that must be there is not."""
    found = sorted(path.name for path in folder.iterdir() if path.is_file())
    weights = [file for file in (*SAFE_WEIGHTS, *OLD_WEIGHTS) if file in found]
    missing = [] if CONFIG_FILE in found else [CONFIG_FILE]
    if not weights:
        missing.append(f"{SAFE_WEIGHTS[0]} (or {OLD_WEIGHTS[0]})")
    if not set(TOKENIZER_FILES) & set(found):
        missing.append(f"{TOKENIZER_FILES[0]} (or {TOKENIZER_FILES[1]})")
    if missing:
        verb = "is" if len(missing) == 1 else "are"
        shown = f"{', '.join(missing)} {verb}"
        raise CheckpointError(Errors.XN402.format(path=origin, missing=shown, found=", ".join(found) or "nothing"))
    return weights[0]


def check_parts(folder: Path, weights: str, origin: str) -> None:
    """Refuse a folder whose files name others outside it: those would be read as well.

    RAISES (CheckpointError): XN406.
    """
    settings = read_json(folder, TOKENIZER_EXTRAS[0], origin)
    named = {
        TOKENIZER_EXTRAS[0]: settings.get("fast_tokenizer_files") or [],
        weights: _list_parts(folder, weights, origin),
    }
    for file, parts in named.items():
        with explain(file, origin):
            outside = sorted(part for part in parts if Path(part).name != part)
            if outside:
                raise ValueError(f"it names the file '{outside[0]}', which is not in its folder")


def measure_weights(folder: Path, weights: str) -> int:
    """How many bytes the files of the weights have."""
    parts = _list_parts(folder, weights, str(folder)) or [weights]
    return sum((folder / part).stat().st_size for part in parts if (folder / part).is_file())


def _list_parts(folder: Path, weights: str, origin: str) -> List[str]:
    """The files that an index of weights names; none if this is no index."""
    if not weights.endswith(".index.json"):
        return []
    with explain(weights, origin):
        return sorted(set(read_json(folder, weights, origin)["weight_map"].values()))


def read_json(folder: Path, file: str, origin: str) -> Dict[str, Any]:
    """A file of settings; none if it is not there."""
    if not (folder / file).is_file():
        return {}
    with explain(file, origin):
        settings = json.loads((folder / file).read_text(encoding="utf8"))  # srsly refuses the 1e30 of some
        if not isinstance(settings, dict):
            raise ValueError("it holds no JSON object")
        return settings


@contextmanager
def explain(file: str, origin: str) -> Iterator[None]:
    """Name the file, whatever of the libraries beneath fails on it: they raise anything, down to bare Exception."""
    try:
        yield
    except CheckpointError:
        raise
    except BaseException as err:
        # A panic of the libraries in Rust, such as `tokenizers` has over a damaged normalizer, is no Exception.
        if not isinstance(err, Exception) and type(err).__name__ != "PanicException":
            raise
        raise CheckpointError(Errors.XN406.format(file=file, checkpoint=origin, reason=_find_reason(err))) from err


def _find_reason(err: BaseException) -> str:
    """What to say of a library's error. Of a refused pickle not its own words: they advise to run it."""
    causes = [err]
    while (cause := causes[-1].__cause__ or causes[-1].__context__) is not None and cause not in causes:
        causes.append(cause)
    if any(isinstance(cause, UnpicklingError) for cause in causes):
        return "it holds more than tensors, or is no weights file; what else it holds could be code and is not run"
    lines = str(err).strip().split("\n")
    reason = " ".join(line.strip() for line in lines[:3]) or type(err).__name__
    return textwrap.shorten(reason, MAX_REASON, placeholder=" (...)").rstrip(".")
