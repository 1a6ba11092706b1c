"""A checkpoint inside a thinc model: loaded once, when it is first needed, and saved with the model."""

import threading
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Dict, Iterator, List, Mapping, Optional, Tuple

import numpy as np
import srsly
from thinc.api import Shim

from .errors import Errors
from .types import (
    Engine,
    LoadCheckpoint,
    LoadedCheckpoint,
    MakeTrainer,
    ReadCheckpoint,
    Runtime,
    SwapParams,
    Trainer,
)

# msgpack counts the bytes of a value in 32 bits; thinc and spaCy wrap these bytes twice more, with a little beside.
MAX_BYTES = 2**32 - 2**20
# Batches that a message names.
MAX_SHOWN = 4
# Pieces that weights are tried on before they are saved.
SAMPLE_SIZE = 64


class CheckpointShim(Shim):
    """Holds a checkpoint and what is made from it: the runtime that predicts, the trainer that learns.

    engine (Engine): Makes the runtime.
    load (LoadCheckpoint): Loads what the config names. Called once, by the first that needs the weights.
    read (ReadCheckpoint): Reads a folder that the checkpoint's own `write` has written.
    make_trainer (MakeTrainer): Makes the trainer from a network, and the network ready to be trained.
    swap_params (SwapParams): Puts other values into a network's weights for a while.
    """

    batches: List[str]  # what was learned from since the last step, for messages

    def __init__(
        self,
        *,
        engine: Engine,
        load: LoadCheckpoint,
        read: ReadCheckpoint,
        make_trainer: MakeTrainer,
        swap_params: SwapParams,
    ):
        super().__init__(None)
        self._engine = engine
        self._load = load
        self._read = read
        self._make_trainer = make_trainer
        self._swap_params = swap_params
        self._is_of_config = False
        self._is_trained = False
        self.batches = []
        self._checkpoint: Optional[LoadedCheckpoint] = None
        self._runtime: Optional[Runtime] = None
        self._trainer: Optional[Trainer] = None
        self._lock = threading.RLock()

    @property
    def checkpoint(self) -> LoadedCheckpoint:
        """The checkpoint; loaded if it is not yet."""
        if self._checkpoint is None:
            with self._lock:
                if self._checkpoint is None:
                    self._engine.prepare()
                    self._checkpoint = self._load()
                    self._is_of_config = True
        return self._checkpoint

    @property
    def runtime(self) -> Runtime:
        """The runtime; made if it is not yet."""
        runtime = self._runtime
        if runtime is None:
            with self._lock:
                runtime = self._runtime = self._runtime or self._engine.make_runtime(self.checkpoint)
        return runtime

    @property
    def trainer(self) -> Trainer:
        """The trainer; made if it is not yet."""
        if self._trainer is None:
            with self._lock:
                if self._trainer is None:
                    self._trainer = self._make_trainer(self.checkpoint.network)
                    self._runtime = None
        return self._trainer

    def reset(self) -> None:
        """Have runtime and trainer made anew: the network has changed, or its device."""
        with self._lock:
            self._runtime = self._trainer = None

    def to_device(self, device_type: str, device_id: int) -> None:
        """Have runtime and trainer made anew where thinc now is."""
        self.reset()

    def finish_update(self, optimizer: Any) -> None:
        """Take a step, if there is something to learn since the last."""
        where = "; ".join(self.batches[:MAX_SHOWN])
        self.batches = []
        with self._lock:  # no runtime is made of weights that are changing
            if self._trainer is not None and self._trainer.finish_update(optimizer, self.id, where=where):
                self._runtime = None
                self._is_trained = True

    def find_broken(self) -> str:
        """Why weights that were trained since they were loaded cannot predict; empty if they can, or none were.

        They are tried on pieces from all over the vocabulary, in one window.
        """
        with self._lock:
            if not self._is_trained:
                return ""
            checkpoint = self.checkpoint
            prefix, suffix = checkpoint.tokenizer.prefix, checkpoint.tokenizer.suffix
            n_pieces = min(SAMPLE_SIZE, checkpoint.max_window - len(prefix) - len(suffix), checkpoint.n_rows)
            sample = np.linspace(0, checkpoint.n_rows - 1, n_pieces).astype(np.int64)
            return self.trainer.find_broken(np.concatenate([prefix, sample, suffix])[None])

    def restart(self) -> None:
        """Forget what was learned since the config's checkpoint was loaded: it is loaded anew when it is needed.

        What came from a folder or from bytes stays: where it came from may be gone.
        """
        with self._lock:
            if self._is_trained and self._is_of_config:
                self._checkpoint = None
                self._is_trained = False
                self.reset()

    @contextmanager
    def use_params(self, params: Mapping[Tuple[int, str], Any]) -> Iterator[None]:
        """Have other values in the weights for a while."""
        if self._checkpoint is None or not any(key[0] == self.id for key in params):
            yield
            return
        swap = self._swap_params(self._checkpoint.network, params, self.id)
        with self._lock:
            swap.__enter__()
            self._runtime = None  # it may hold a copy
        try:
            yield
        finally:
            with self._lock:
                swap.__exit__(None, None, None)
                self._runtime = None

    def replace(self, load: LoadCheckpoint) -> None:
        """Take another checkpoint in place of the one that the config names."""
        self._engine.prepare()
        checkpoint = load()
        with self._lock:
            self._checkpoint = checkpoint
            self._is_of_config = self._is_trained = False
            self.reset()

    def to_folder(self, folder: Path, *, make: bool = True) -> None:
        """Write the checkpoint to a folder, and what the engine makes of it, or has made."""
        self.checkpoint.write(folder)
        self._engine.write(self.checkpoint, folder, make=make)

    def from_folder(self, folder: Path) -> None:
        """Take the checkpoint of a folder in place of the one here."""
        self.replace(lambda: self._read(folder))
        self._engine.read(self.checkpoint, folder)

    def to_bytes(self) -> bytes:
        """The files of the checkpoint by name, in msgpack.

        RAISES (ValueError): XN410 if they are more than msgpack can hold.
        """
        with TemporaryDirectory() as folder:
            self.to_folder(Path(folder), make=False)
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
        return {
            **self.__dict__,
            "_checkpoint": None,
            "_runtime": None,
            "_trainer": None,
            "_lock": None,
            "_saved": checkpoint,
        }

    def __setstate__(self, state: Dict[str, Any]) -> None:
        saved = state.pop("_saved")
        self.__dict__.update(state)
        self._lock = threading.RLock()
        self.from_bytes(saved)
