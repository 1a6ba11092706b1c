"""The network in PyTorch."""

import copy
import os
import textwrap
import threading
import warnings
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Optional
from weakref import WeakKeyDictionary

import numpy as np
import torch
from thinc.util import get_torch_default_device

from ..errors import Errors, Warnings
from ..types import BoolArray, FloatArray, IntArray, LoadedCheckpoint, Precision

MAX_REASON = 160  # characters of PyTorch's own message

_pid = os.getpid()
_locks: "WeakKeyDictionary[torch.nn.Module, threading.RLock]" = WeakKeyDictionary()


def leave_parent_threads() -> None:
    """In a forked worker, drop to one thread.

    It has none of its parent's threads, and an operation that waits for them never ends.
    """
    global _pid
    if os.getpid() != _pid:
        torch.set_num_threads(1)
        _pid = os.getpid()


def make_lock(network: torch.nn.Module) -> threading.RLock:
    """What keeps predictions from a network that is being trained at this moment."""
    return _locks.setdefault(network, threading.RLock())


def find_device(device: Optional[str]) -> torch.device:
    """The device that a setting means.

    device (Optional[str]): Such as "cpu", "cuda:0", "mps"; None: where spaCy is (spacy.require_gpu and friends).
    RETURNS (torch.device): A device that is there.
    RAISES (ValueError): XN108 if it is not.
    """
    if device is None:
        return get_torch_default_device()
    try:
        found = torch.device(device)
        torch.empty(1, device=found)
    except (RuntimeError, AssertionError, NotImplementedError) as err:
        raise ValueError(Errors.XN108.format(device=device, reason=_shorten(err))) from err
    return found


def check_precision(precision: Precision, device: torch.device, *, setting: str = "precision") -> None:
    """Refuse a precision in which the device does not compute.

    setting (str): Where it comes from, for the message.
    RAISES (ValueError): XN109. For float16 on a CPU without such arithmetic: PyTorch emulates it there, several times
        slower than float32 (34 against 109 GFLOP/s measured).
    """
    reason = None
    if device.type == "cpu" and precision == "float16" and not torch.ops.mkldnn._is_mkldnn_fp16_supported():
        reason = "this CPU emulates it, slower than float32; bfloat16 is the one for CPUs"
    if device.type == "cuda" and precision == "bfloat16" and not torch.cuda.is_bf16_supported():
        reason = "this GPU is too old for it; float16 is the one for it"
    if reason is None:
        try:
            one = torch.ones((2, 2), dtype=getattr(torch, precision), device=device)
            torch.nn.functional.linear(one, one).sum().item()
        except (RuntimeError, TypeError) as err:
            reason = _shorten(err)
    if reason is not None:
        raise ValueError(Errors.XN109.format(setting=setting, precision=precision, device=device, reason=reason))


def _is_out_of_memory(err: RuntimeError) -> bool:
    """Whether the memory is full: PyTorch has an error of its own for that of some GPUs only."""
    signs = ("out of memory", "can't allocate memory", "ALLOC_FAILED")
    return isinstance(err, torch.OutOfMemoryError) or any(sign in str(err) for sign in signs)


def _shorten(err: Exception) -> str:
    """The first words of an error: PyTorch's list of all its backends says nothing to a user."""
    return textwrap.shorten(str(err), MAX_REASON, placeholder=" ...")


@dataclass(frozen=True)
class TorchEngine:
    """Makes runtimes of PyTorch. Nothing that it makes needs to be kept.

    precision (Precision), device (Optional[str]): As for TorchRuntime.
    """

    precision: Precision
    device: Optional[str]

    def prepare(self) -> None:
        """As types.Engine."""
        leave_parent_threads()
        check_precision(self.precision, find_device(self.device))

    def make_runtime(self, checkpoint: LoadedCheckpoint) -> "TorchRuntime":
        """As types.Engine."""
        return TorchRuntime(checkpoint.network, precision=self.precision, device=self.device)

    def write(self, checkpoint: LoadedCheckpoint, folder: Path, *, make: bool) -> None:
        """As types.Engine."""

    def read(self, checkpoint: LoadedCheckpoint, folder: Path) -> None:
        """As types.Engine."""


class TorchRuntime:
    """Runs a transformers network on a device, in a precision. Safe to be called from several threads.

    network (torch.nn.Module): Takes input_ids and attention_mask, gives `.logits`. It is used as it is where it is
        in this precision; otherwise a copy is converted, and the network keeps the precision of its file.
    precision (Precision): The dtype of the weights.
    device (Optional[str]): As find_device takes it.
    """

    def __init__(self, network: torch.nn.Module, *, precision: Precision, device: Optional[str]):
        self.device = find_device(device)
        dtype = getattr(torch, precision)
        is_converted = any(weight.dtype != dtype for weight in network.parameters())
        self.network = (copy.deepcopy(network) if is_converted else network).to(self.device, dtype).eval()
        self._most_pieces: Optional[int] = None  # in a batch; known once one was too large for the memory

    def __call__(self, piece_ids: IntArray, mask: BoolArray) -> FloatArray:
        """Run the network over one batch.

        piece_ids (IntArray): Shape (n_windows, length), padded.
        mask (BoolArray): The same shape; False where padded.
        RETURNS (FloatArray): Logits of shape (n_windows, length, n_tags), float32.
        RAISES (MemoryError): XN129 if the memory does not do for one window.
        """
        leave_parent_threads()
        n_windows = len(piece_ids)
        if self._most_pieces is None or piece_ids.size <= self._most_pieces or n_windows == 1:
            try:
                return self._run(piece_ids, mask)
            except RuntimeError as err:
                if not _is_out_of_memory(err):
                    raise
                if n_windows == 1:
                    message = Errors.XN129.format(n_pieces=piece_ids.size, device=self.device, reason=_shorten(err))
                    raise MemoryError(message) from err
            # Behind the except clause: the error holds on to what was computed so far.
            if self.device.type == "cuda":
                torch.cuda.empty_cache()
            limit = piece_ids.size // 2
            self._most_pieces = limit if self._most_pieces is None else min(limit, self._most_pieces)
            message = Warnings.XW408.format(n_pieces=piece_ids.size, device=self.device, limit=limit)
            warnings.warn(message, stacklevel=2)
        halves = (slice(None, n_windows // 2), slice(n_windows // 2, None))
        return np.concatenate([self(piece_ids[half], mask[half]) for half in halves])

    def _run(self, piece_ids: IntArray, mask: BoolArray) -> FloatArray:
        with _locks.get(self.network) or nullcontext(), torch.inference_mode():
            ids = torch.from_numpy(piece_ids).to(self.device)
            attention_mask = torch.from_numpy(mask).to(self.device, torch.int64)
            logits = self.network(input_ids=ids, attention_mask=attention_mask).logits
            return logits.float().cpu().numpy()
