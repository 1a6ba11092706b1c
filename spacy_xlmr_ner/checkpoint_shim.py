"""A checkpoint inside a thinc model: loaded once, when it is first needed, and saved with the model."""

import threading
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Callable, Dict, Optional

import srsly
from thinc.api import Shim

from .errors import Errors
from .types import LoadCheckpoint, LoadedCheckpoint, MakeRuntime, ReadCheckpoint, Runtime

# msgpack counts the bytes of a value in 32 bits; thinc and spaCy wrap these bytes twice more, with a little beside.
MAX_BYTES = 2**32 - 2**20


class CheckpointShim(Shim):
    """Holds a checkpoint and the runtime made from it.

    prepare (Callable[[], None]): Called before anything is loaded; raises if device or precision are not to be had.
    load (LoadCheckpoint): Loads what the config names. Called once, by the first that needs the weights.
    read (ReadCheckpoint): Reads a folder that the checkpoint's own `write` has written.
    make_runtime (MakeRuntime): Makes the runtime from a network.
    """

    def __init__(
        self,
        *,
        prepare: Callable[[], None],
        load: LoadCheckpoint,
        read: ReadCheckpoint,
        make_runtime: MakeRuntime,
    ):
        super().__init__(None)
        self._prepare = prepare
        self._load = load
        self._read = read
        self._make_runtime = make_runtime
        self._checkpoint: Optional[LoadedCheckpoint] = None
        self._runtime: Optional[Runtime] = None
        self._lock = threading.RLock()

    @property
    def checkpoint(self) -> LoadedCheckpoint:
        """The checkpoint; loaded if it is not yet."""
        if self._checkpoint is None:
            with self._lock:
                if self._checkpoint is None:
                    self._prepare()
                    self._checkpoint = self._load()
        return self._checkpoint

    @property
    def runtime(self) -> Runtime:
        """The runtime; made if it is not yet."""
        if self._runtime is None:
            with self._lock:
                if self._runtime is None:
                    self._runtime = self._make_runtime(self.checkpoint.network)
        return self._runtime

    def reset_runtime(self) -> None:
        """Have the runtime made anew: the network has changed, or its device."""
        with self._lock:
            self._runtime = None

    def to_device(self, device_type: str, device_id: int) -> None:
        """Have the runtime made anew where thinc now is."""
        self.reset_runtime()

    def to_folder(self, folder: Path) -> None:
        """Write the checkpoint to a folder."""
        self.checkpoint.write(folder)

    def from_folder(self, folder: Path) -> None:
        """Take the checkpoint of a folder in place of the one here."""
        self._prepare()
        checkpoint = self._read(folder)
        with self._lock:
            self._checkpoint = checkpoint
            self._runtime = None

    def to_bytes(self) -> bytes:
        """The files of the checkpoint by name, in msgpack.

        RAISES (ValueError): XN410 if they are more than msgpack can hold.
        """
        with TemporaryDirectory() as folder:
            self.to_folder(Path(folder))
            size = sum(path.stat().st_size for path in Path(folder).iterdir())
            if size > MAX_BYTES:
                raise ValueError(Errors.XN410.format(size=size, limit=MAX_BYTES))
            return srsly.msgpack_dumps({path.name: path.read_bytes() for path in sorted(Path(folder).iterdir())})

    def from_bytes(self, data: bytes) -> "CheckpointShim":
        """Take the checkpoint that `to_bytes` returned in place of the one here."""
        with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            for name, content in srsly.msgpack_loads(data).items():
                # Only a bare name: bytes from elsewhere must not write outside the folder.
                (Path(folder) / Path(name).name).write_bytes(content)
            self.from_folder(Path(folder))
        return self

    def __getstate__(self) -> Dict[str, Any]:
        # Whole, as every saved pipeline: what the config names may be gone where the copy is opened.
        checkpoint = self.to_bytes()
        return {**self.__dict__, "_checkpoint": None, "_runtime": None, "_lock": None, "_saved": checkpoint}

    def __setstate__(self, state: Dict[str, Any]) -> None:
        saved = state.pop("_saved")
        self.__dict__.update(state)
        self._lock = threading.RLock()
        self.from_bytes(saved)
