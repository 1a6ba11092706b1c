"""The network in PyTorch."""

import multiprocessing
import os
import threading
from contextlib import contextmanager, nullcontext
from functools import partial
from typing import Any, Iterator, Optional, Sequence
from weakref import WeakKeyDictionary

import numpy as np
import torch
from thinc.util import get_torch_default_device

from ..errors import Errors
from ..pieces.batching import find_overhead
from ..process import FIRST_PID
from ..types import BoolArray, FloatArray, IntArray, Precision
from .converted import convert_network
from .cpu_encoder import CpuEncoder
from .fast import make_fast
from .halving import Halves, shorten

# What could be computed in the time that it takes to begin a batch: each operator's start, and code that oneDNN makes
# for sizes that it has not seen. Measured were 15 ms, as long as four times so many; with twice so many, 6 % were
# padding.
OPERATIONS_OF_BATCH = 6e8
# Bytes that glibc takes from the system for themselves at most, to give them back when they are freed.
LARGEST_OF_ITS_OWN = 2**25

_pid = FIRST_PID
_locks: "WeakKeyDictionary[torch.nn.Module, threading.RLock]" = WeakKeyDictionary()


def leave_parent_threads() -> None:
    """In a forked worker, drop to one thread.

    It has none of its parent's threads, and an operation that waits for them never ends.
    """
    global _pid
    if os.getpid() != _pid:
        torch.set_num_threads(1)
        _pid = os.getpid()


def keep_freed_memory() -> None:
    """Have the C library keep what a batch frees for the next one: to get it from the system anew took 5 % of the time.

    glibc, as it is set up, keeps twice as much as the largest piece of memory that it has given back to the system,
    which is at most 64 MiB. With other libraries nothing changes.
    SOURCE: man 3 mallopt, M_MMAP_THRESHOLD
    """
    torch.empty(LARGEST_OF_ITS_OWN - 2**16, dtype=torch.uint8)  # less what the library puts around it


def make_lock(network: torch.nn.Module) -> threading.RLock:
    """What keeps predictions from a network that is being trained at this moment."""
    return _locks.setdefault(network, threading.RLock())


def find_device(device: Optional[str]) -> torch.device:
    """The device that a setting means.

    device (Optional[str]): Such as "cpu", "cuda:0", "mps"; "cuda": in each worker a GPU of its own, as far as there
        are; None: where spaCy is (spacy.require_gpu and friends).
    RETURNS (torch.device): A device that is there.
    RAISES (ValueError): XN108 if it is not; XN130 if it is a GPU that a parent process uses.
    """
    if device is None:
        return get_torch_default_device()
    try:
        found = torch.device(device)
        torch.empty(1, device=found)
    except (RuntimeError, AssertionError, NotImplementedError) as err:
        is_forked = "forked subprocess" in str(err)  # PyTorch has no error of its own for it
        message = Errors.XN130.format(device=device) if is_forked else None
        raise ValueError(message or Errors.XN108.format(device=device, reason=shorten(err))) from err
    if found.type == "cuda" and found.index is None:
        workers = getattr(multiprocessing.current_process(), "_identity", ())
        return torch.device("cuda", pick_gpu(workers, torch.cuda.device_count()))
    return found


def check_device_name(device: Optional[str]) -> None:
    """Refuse what is the name of no device. RAISES (ValueError): XN108."""
    try:
        torch.device(device or "cpu")
    except RuntimeError as err:
        raise ValueError(Errors.XN108.format(device=device, reason=shorten(err))) from err


def pick_gpu(workers: Sequence[int], n_gpus: int) -> int:
    """The GPU of a process: each worker of nlp.pipe(n_process=...) has the next one.

    workers (Sequence[int]): The process's number among its parent's workers, from 1, behind those of its parents; empty
        for a program that is nobody's worker.
    n_gpus (int): How many there are.
    RETURNS (int): From 0.
    """
    return (workers[-1] - 1) % n_gpus if workers else 0


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
            reason = shorten(err)
    if reason is not None:
        raise ValueError(Errors.XN109.format(setting=setting, precision=precision, device=device, reason=reason))


def _free_cache(device: torch.device) -> None:
    """Give back what PyTorch keeps of a GPU's memory."""
    if device.type == "cuda":
        torch.cuda.empty_cache()


def _count_multiplied(network: torch.nn.Module) -> int:
    """The weights that each piece is multiplied with: all but tables, of which it has a row."""
    tables = {module.weight for module in network.modules() if isinstance(module, torch.nn.Embedding)}
    return sum(weight.numel() for weight in network.parameters() if weight not in tables)


class TorchRuntime:
    """Runs a transformers network on a device, in a precision. Safe to be called from several threads.

    network (torch.nn.Module): Takes input_ids and attention_mask, gives `.logits`. Its weights are shared where they
        are in this precision, those of its linear layers on a CPU aside; otherwise a copy is converted, on a CPU
        without the table of the pieces, and the network keeps the precision of its file.
    precision (Precision): The dtype of the weights.
    device (Optional[str]): As find_device takes it.
    """

    def __init__(self, network: torch.nn.Module, *, precision: Precision, device: Optional[str]):
        leave_parent_threads()
        self.device = find_device(device)
        dtype = getattr(torch, precision)
        is_converted = any(weight.dtype != dtype for weight in network.parameters())
        own = convert_network(network, self.device, dtype) if is_converted else network.to(self.device)
        own.eval()
        self._shared = network  # which may be trained at another time
        self.network = self._make_fast(own)
        self.overhead = find_overhead(_count_multiplied(own), n_operations=OPERATIONS_OF_BATCH)
        self._halves = Halves(self.device, free=partial(_free_cache, self.device))

    def _make_fast(self, network: torch.nn.Module) -> torch.nn.Module:
        """The network as its device runs it fastest."""
        if self.device.type != "cpu":
            return network
        keep_freed_memory()
        return make_fast(network)

    def __call__(self, piece_ids: IntArray, mask: BoolArray) -> FloatArray:
        """Run the network over one batch.

        piece_ids (IntArray): Shape (n_windows, length), padded.
        mask (BoolArray): The same shape; False where padded.
        RETURNS (FloatArray): Logits of shape (n_windows, length, n_tags), float32.
        RAISES (MemoryError): XN129 if the memory does not do for one window.
        """
        leave_parent_threads()
        parts = self._halves.run(self._run, piece_ids, mask)
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def read(self, piece_ids: IntArray, mask: BoolArray, is_read: BoolArray) -> FloatArray:
        """As types.SelectiveRuntime.

        RAISES (MemoryError): XN129 if the memory does not do for one window.
        """
        leave_parent_threads()
        return np.concatenate(self._halves.run(self._read, piece_ids, mask, is_read))

    def _run(self, piece_ids: IntArray, mask: BoolArray, **settings: Any) -> FloatArray:
        with self._ready():
            ids = torch.from_numpy(piece_ids).to(self.device)
            attention_mask = torch.from_numpy(mask).to(self.device, torch.int64)
            logits = self.network(input_ids=ids, attention_mask=attention_mask, **settings).logits
            return logits.float().cpu().numpy()

    def _read(self, piece_ids: IntArray, mask: BoolArray, is_read: BoolArray) -> FloatArray:
        rows = np.flatnonzero(is_read)
        if not (len(rows) and isinstance(self.network, CpuEncoder)):
            return self._run(piece_ids, mask)[is_read]
        return self._run(piece_ids, mask, rows=rows)

    @contextmanager
    def _ready(self) -> Iterator[None]:
        """Nothing trains the network meanwhile, and nothing is kept for it."""
        lock = _locks.get(self._shared)
        with lock or nullcontext(), torch.inference_mode():
            yield
