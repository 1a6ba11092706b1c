"""Batches that do not fit the memory, computed in halves."""

import textwrap
import warnings
from typing import Any, Callable, List, Optional, TypeVar

from ..errors import Errors, Warnings
from ..types import IntArray

T = TypeVar("T")

MAX_REASON = 160  # characters of another library's own message
# What PyTorch, for which devices differ, and ONNX Runtime say then: neither has one error for it.
SIGNS = ("out of memory", "can't allocate memory", "ALLOC_FAILED", "Failed to allocate memory", "bad_alloc")


class Halves:
    """Runs batches, and remembers how large a one was too large for the memory.

    device (object): Whose memory it is, for messages.
    free (Callable[[], None]): Called when it was full.
    """

    def __init__(self, device: object, *, free: Callable[[], None] = lambda: None):
        self._device = device
        self._free = free
        self._most_pieces: Optional[int] = None  # in a batch; known once one was too large

    def run(self, run: Callable[..., T], piece_ids: IntArray, *others: Any) -> List[T]:
        """Call `run` with a batch or, where that does not fit the memory, with halves of it; nothing is left out.

        run (Callable): Takes these arrays, or rows of them.
        piece_ids (IntArray), others (Any): Of as many windows.
        RETURNS (List): What it returned, in the order of the windows.
        RAISES (MemoryError): XN129 if the memory does not do for one window.
        """
        n_windows = len(piece_ids)
        if self._most_pieces is None or piece_ids.size <= self._most_pieces or n_windows == 1:
            try:
                return [run(piece_ids, *others)]
            except Exception as err:
                if not is_out_of_memory(err):
                    raise
                if n_windows == 1:
                    message = Errors.XN129.format(n_pieces=piece_ids.size, device=self._device, reason=shorten(err))
                    raise MemoryError(message) from err
            # Behind the except clause: the error holds on to what was computed so far.
            self._limit_pieces(piece_ids.size)
        halves = (slice(None, n_windows // 2), slice(n_windows // 2, None))
        parts = [self.run(run, piece_ids[half], *(other[half] for other in others)) for half in halves]
        return [result for part in parts for result in part]

    def _limit_pieces(self, n_pieces: int) -> None:
        """Remember that a batch of so many pieces was too large."""
        self._free()
        limit = n_pieces // 2
        self._most_pieces = limit if self._most_pieces is None else min(limit, self._most_pieces)
        message = Warnings.XW408.format(n_pieces=n_pieces, device=self._device, limit=limit)
        warnings.warn(message, stacklevel=4)


def is_out_of_memory(err: Exception) -> bool:
    """Whether an error says that the memory is full."""
    is_named = isinstance(err, MemoryError) or type(err).__name__ == "OutOfMemoryError"  # PyTorch's, of some GPUs only
    return is_named or any(sign in str(err) for sign in SIGNS)


def shorten(err: Exception) -> str:
    """The first words of an error: PyTorch's list of all its backends says nothing to a user."""
    return textwrap.shorten(str(err), MAX_REASON, placeholder=" ...")
