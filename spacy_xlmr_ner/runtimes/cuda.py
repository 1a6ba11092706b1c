"""The network in PyTorch on a GPU, which computes on its own: nothing is waited for before it is needed."""

import os
from typing import Callable, Optional

import numpy as np
import torch
from torch import Tensor

from ..errors import Errors
from ..types import BoolArray, FloatArray, IntArray, Precision
from .torch import TorchRuntime

# Pieces in a batch from which on a GPU is busy with it: below, starting each of its operations takes longer ...
BUSY_PIECES = 8192
# ... and more than these make it no faster.
MOST_PIECES = 65536
# Of the memory that is free; the rest is for what others do on the card.
MEMORY_SHARE = 0.5
# Vectors of the hidden width that a layer holds of a piece at a time: its input, query, key, value, what attention
# makes of them and their sum, with two in the making.
HIDDEN_VECTORS = 8
INNER_VECTORS = 2  # the wide ones between its two products, before and behind the activation

MaskForm = Callable[[Tensor, torch.dtype], Tensor]


class CudaRuntime(TorchRuntime):
    """Runs a transformers network on a GPU.

    A batch goes there in one copy from pinned memory, and what is asked for of its logits comes back in one; the
    network is started in between without waiting, as types.LaunchingRuntime.

    network, precision, device: As for TorchRuntime.
    """

    max_batch_pieces: int
    small_batch: int

    def __init__(self, network: torch.nn.Module, *, precision: Precision, device: Optional[str]):
        super().__init__(network, precision=precision, device=device)
        self._pid = os.getpid()
        self._dtype = getattr(torch, precision)
        with self._ready():
            self._make_mask = find_mask_form(self.network, self.device, self._dtype)
        self.max_batch_pieces = self._find_budget()
        self.small_batch = min(BUSY_PIECES, self.max_batch_pieces)
        self.overhead = 0  # the next batch is begun while the card computes this one

    def _make_fast(self, network: torch.nn.Module) -> torch.nn.Module:
        return network

    def _find_budget(self) -> int:
        if self.device.type != "cuda":
            return MOST_PIECES
        free, _ = torch.cuda.mem_get_info(self.device)
        free += torch.cuda.memory_reserved(self.device) - torch.cuda.memory_allocated(self.device)
        config = self.network.config
        return find_budget(
            free,
            hidden=config.hidden_size,
            inner=getattr(config, "intermediate_size", 4 * config.hidden_size),
            window=getattr(config, "max_position_embeddings", 512),
            itemsize=self._dtype.itemsize,
        )

    def __call__(self, piece_ids: IntArray, mask: BoolArray) -> FloatArray:
        """As types.Runtime; the padding of a window is at its end."""
        return self.launch(piece_ids, mask, np.ones_like(mask))().reshape(*mask.shape, -1)

    def launch(self, piece_ids: IntArray, mask: BoolArray, is_read: BoolArray) -> Callable[[], FloatArray]:
        """As types.LaunchingRuntime.

        RAISES (RuntimeError): XN130 in a forked worker.
        """
        if os.getpid() != self._pid:
            raise RuntimeError(Errors.XN130.format(device=self.device))
        waits = self._halves.run(self._launch, piece_ids, mask, is_read)
        return lambda: np.concatenate([wait() for wait in waits])

    def _launch(self, piece_ids: IntArray, mask: BoolArray, is_read: BoolArray) -> Callable[[], FloatArray]:
        lengths, rows = mask.sum(axis=1), np.flatnonzero(is_read)
        with self._ready():
            sent = self._send(np.concatenate([piece_ids.reshape(-1), lengths, rows])).long()
            ids, sent_lengths, sent_rows = sent.split([piece_ids.size, len(lengths), len(rows)])
            logits = self.network(
                input_ids=ids.view(piece_ids.shape),
                attention_mask=self._mask(sent_lengths, piece_ids.shape[1], is_full=bool(mask.all())),
            ).logits
            return self._fetch(logits.flatten(0, 1).index_select(0, sent_rows).float())

    def _mask(self, lengths: Tensor, width: int, *, is_full: bool) -> Optional[Tensor]:
        """What the network is given; nothing where it can do without, for attention is faster then."""
        if is_full and self._make_mask is add_to_scores:
            return None
        return self._make_mask(torch.arange(width, device=self.device) < lengths[:, None], self._dtype)

    def _send(self, numbers: IntArray) -> Tensor:
        """Copy numbers to the device, as int32."""
        host = torch.from_numpy(numbers.astype(np.int32))
        if self.device.type == "cuda":
            host = host.pin_memory()
        return host.to(self.device, non_blocking=True)

    def _fetch(self, logits: Tensor) -> Callable[[], FloatArray]:
        """Have logits copied from the device when they are there."""
        if self.device.type != "cuda":
            return logits.numpy
        host = torch.empty(logits.shape, dtype=logits.dtype, pin_memory=True)
        host.copy_(logits, non_blocking=True)
        is_there = torch.cuda.Event()
        is_there.record(torch.cuda.current_stream(self.device))

        def wait() -> FloatArray:
            is_there.synchronize()
            return host.numpy()

        return wait


def find_budget(free: int, *, hidden: int, inner: int, window: int, itemsize: int) -> int:
    """How many pieces a batch may have.

    A layer at its widest holds so many vectors of each piece, and its row of the attention's mask.

    free (int): Bytes of memory.
    hidden, inner (int): Width of the layers, and of that between their two products.
    window (int): Pieces that a piece looks at.
    itemsize (int): Bytes of a number.
    RETURNS (int): At least one window, at most MOST_PIECES.
    """
    per_piece = itemsize * (HIDDEN_VECTORS * hidden + INNER_VECTORS * inner + window)
    return max(window, min(MOST_PIECES, int(free * MEMORY_SHARE) // per_piece))


def add_to_scores(is_piece: Tensor, dtype: torch.dtype) -> Tensor:
    """What is added to the attention's scores, shape (n_windows, 1, 1, length): transformers 5 takes it as it is."""
    scores = torch.zeros(is_piece.shape, dtype=dtype, device=is_piece.device)
    return scores.masked_fill_(~is_piece, torch.finfo(dtype).min)[:, None, None]


def for_each_query(is_piece: Tensor, dtype: torch.dtype) -> Tensor:
    """1 where a piece is, shape (n_windows, 1, length): transformers 4 makes the above of it."""
    return is_piece[:, None].to(dtype)


def for_each_piece(is_piece: Tensor, dtype: torch.dtype) -> Tensor:
    """1 where a piece is, shape (n_windows, length), as every network takes it."""
    return is_piece.long()


def find_mask_form(network: torch.nn.Module, device: torch.device, dtype: torch.dtype) -> MaskForm:
    """The form of the mask that keeps the network from waiting.

    Given the usual one transformers looks whether anything is masked, and for that waits for all that the GPU still
    computes. Which others a network takes depends on its architecture and on the version: they are tried.

    RETURNS (MaskForm): From which pieces are no padding, shape (n_windows, length), to what the network is given.
    """
    ids = torch.arange(5, 21, device=device).view(2, 8) % network.config.vocab_size
    is_piece = torch.arange(8, device=device) < torch.tensor([[8], [4]], device=device)
    ids[~is_piece] = network.config.pad_token_id or 0

    def run(form: MaskForm) -> Tensor:
        return network(input_ids=ids, attention_mask=form(is_piece, dtype)).logits[is_piece].float()

    expected = run(for_each_piece)
    for form in (add_to_scores, for_each_query):
        try:
            found = run(form)
        except (ValueError, RuntimeError, IndexError, TypeError):
            continue
        if torch.allclose(found, expected, rtol=0.0, atol=0.01 * float(expected.abs().max())):
            return form
    return for_each_piece
