"""The network in ONNX Runtime."""

import os
import threading
from typing import Any, Dict, List
from weakref import WeakSet

import numpy as np
import torch

from .._compat import require_extra
from ..pieces.batching import find_overhead
from ..types import BoolArray, FloatArray, IntArray
from .halving import Halves
from .onnx_graph import EMBEDDED, EXTRA, LENGTHS, ROWS, EncoderGraph
from .torch import leave_parent_threads

# What could be computed in the time that it takes to begin a batch: 2 to 3 ms, for each operator's start.
OPERATIONS_OF_BATCH = 4e8


class OnnxRuntime:
    """Runs a graph on the CPU. Safe to be called from several threads.

    The embeddings are looked up in the checkpoint's own table, of which few rows are ever read.

    graph (EncoderGraph): The network.
    model (bytes): The graph, with its weights or without.
    weights (Dict[str, FloatArray]): Those that the graph lacks, by name.
    """

    def __init__(self, graph: EncoderGraph, model: bytes, weights: Dict[str, FloatArray]):
        self._embed = graph.make_embedder()
        self.overhead = find_overhead(graph.count_multiplied(), n_operations=OPERATIONS_OF_BATCH)
        self._model, self._weights = model, weights
        self._session = _make_session(model, weights)
        self._lock = threading.Lock()
        self._halves = Halves("cpu")
        _runtimes.add(self)

    def __call__(self, piece_ids: IntArray, mask: BoolArray) -> FloatArray:
        """As types.Runtime; the padding of a window is at its end.

        RAISES (MemoryError): XN129 if the memory does not do for one window.
        """
        return self.read(piece_ids, mask, np.ones_like(mask)).reshape(*mask.shape, -1)

    def read(self, piece_ids: IntArray, mask: BoolArray, is_read: BoolArray) -> FloatArray:
        """As types.SelectiveRuntime.

        RAISES (MemoryError): XN129 if the memory does not do for one window.
        """
        return np.concatenate(self._halves.run(self._read, piece_ids, mask, is_read))

    def _read(self, piece_ids: IntArray, mask: BoolArray, is_read: BoolArray) -> FloatArray:
        if not is_read.any():  # the graph has no form for it, and how many tags there are is not known here
            return self._read(piece_ids, mask, np.ones_like(mask))[:0]
        if self._session is None:  # in a forked worker
            with self._lock:
                if self._session is None:
                    self._session = _make_session(self._model, self._weights)
        lengths = mask.sum(axis=1).astype(np.int32)
        inputs = {EMBEDDED: self._embed(piece_ids), LENGTHS: lengths, ROWS: np.flatnonzero(is_read)}
        logits: FloatArray = self._session.run(None, inputs)[0]
        return logits

    def leave_session(self) -> None:
        """In a forked worker: put the parent's session aside."""
        _left_alone.append(self._session)
        self._session, self._lock = None, threading.Lock()


def _make_session(model: bytes, weights: Dict[str, FloatArray]) -> Any:
    """Make a session with as many threads as PyTorch has."""
    leave_parent_threads()
    library = require_extra("onnxruntime", extra=EXTRA)
    options = library.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.log_severity_level = 3  # errors: it warns of what only its makers can change
    if weights:
        values = [library.OrtValue.ortvalue_from_numpy(weight) for weight in weights.values()]
        options.add_external_initializers(list(weights), values)
    return library.InferenceSession(model, options, providers=["CPUExecutionProvider"])


_runtimes: "WeakSet[OnnxRuntime]" = WeakSet()
# Sessions of a parent process in a forked worker: they can be neither used nor ended there, without their threads.
_left_alone: List[Any] = []


def _leave_sessions() -> None:
    for runtime in list(_runtimes):
        runtime.leave_session()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_leave_sessions)
