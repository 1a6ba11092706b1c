"""A network of BERT's shape written out in the operators that a CPU computes fastest, and no more than is read.

Of a word only the first piece is read, which leaves half of the pieces. Of the last layer the keys and values of all
pieces are needed, and everything else only for these.
"""

from typing import NamedTuple, Optional, Tuple

import numpy as np
import torch
from torch import Tensor

from ..types import IntArray
from .architecture import PROJECTIONS, find_misfit
from .attention import attend
from .onednn import PackedLinear

# oneDNN makes code for each number of rows that it meets, which took an eighth of a small network's time: they
# come by so many at a time, with some behind the last that nobody reads, and by fewer where there are few, or where
# a row costs more than the code soon: in a network that multiplies each with so many weights.
ROWS_STEP, FEW_ROWS_STEP = 64, 16
MANY_ROWS = 8 * ROWS_STEP
MANY_WEIGHTS = 3e7
QUERIES_STEP = 32


class Output(NamedTuple):
    """As transformers' networks give it."""

    logits: Tensor


class CpuEncoder(torch.nn.Module):
    """The network, its linear layers over a copy of the weights; it does not follow them when they change.

    network (torch.nn.Module): Of transformers, on the CPU, in evaluation mode. It is left as it is.
    RAISES (ValueError): If it is of another shape.
    """

    def __init__(self, network: torch.nn.Module):
        super().__init__()
        reason = find_misfit(network)
        if reason is not None:
            raise ValueError(reason)
        for module in network.modules():
            if isinstance(module, torch.nn.Linear) and type(module) is not torch.nn.Linear:
                raise ValueError(f"{type(module).__name__} has arithmetic of its own")
        embeddings = network.base_model.embeddings  # type: ignore[union-attr]
        self._pieces = embeddings.word_embeddings  # type: ignore[union-attr]
        self._positions = embeddings.position_embeddings  # type: ignore[union-attr]
        self._types = embeddings.token_type_embeddings  # type: ignore[union-attr]
        self._norm = embeddings.LayerNorm  # type: ignore[union-attr]
        n_heads = int(network.config.num_attention_heads)  # type: ignore[union-attr, arg-type]
        layers = network.base_model.encoder.layer  # type: ignore[union-attr]
        n_weights = sum(weight.numel() for weight in layers.parameters())  # type: ignore[union-attr]
        self.rows_step = ROWS_STEP if n_weights < MANY_WEIGHTS else FEW_ROWS_STEP
        self._layers = torch.nn.ModuleList([Layer(layer, n_heads, self.rows_step) for layer in layers])  # type: ignore[union-attr]
        self._head = PackedLinear(network.classifier)  # type: ignore[arg-type]

    def forward(self, input_ids: Tensor, attention_mask: Tensor, rows: Optional[IntArray] = None) -> Output:
        """Logits of all pieces, or of some.

        input_ids (Tensor): Shape (n_windows, length), int64, padded at the end.
        attention_mask (Tensor): The same shape; 0 where padded.
        rows (Optional[IntArray]): Shape (n_rows,): numbers of pieces, the windows one behind the other, ascending,
            each once; at least one.
        RETURNS (Output): Logits of shape (n_windows, length, n_tags) or, of some, (n_rows, n_tags).
        """
        is_piece = attention_mask > 0
        hidden: Tensor = self._norm(_fill_up(self._embed(input_ids).flatten(0, 1), self.rows_step))
        *first, last = self._layers
        for layer in first:
            hidden = layer(hidden, is_piece)
        if rows is None:
            return Output(self._head(last(hidden, is_piece))[: input_ids.numel()].unflatten(0, input_ids.shape))
        found = last.read(hidden, is_piece, rows)
        return Output(self._head(found)[: len(rows)])

    def _embed(self, ids: Tensor) -> Tensor:
        """Sum the embeddings, shape (n_windows, length, width).

        SOURCE: transformers, create_position_ids_from_input_ids.
        """
        offset = self._positions.padding_idx
        if offset is None:
            positions = torch.arange(ids.shape[1])
        else:
            is_counted = ids != offset
            positions = is_counted.cumsum(1) * is_counted + offset
        return (self._pieces(ids) + self._types.weight[0]).add_(self._positions(positions))


class Layer(torch.nn.Module):
    """One layer of the encoder.

    layer (torch.nn.Module): Of transformers.
    n_heads (int): Of its attention.
    rows_step (int): By how many at a time rows come.
    """

    def __init__(self, layer: torch.nn.Module, n_heads: int, rows_step: int):
        super().__init__()
        self._rows_step = rows_step
        own, output = layer.attention.self, layer.attention.output  # type: ignore[union-attr]
        query, *others = (getattr(own, name) for name in PROJECTIONS)
        self._n_heads = n_heads
        self._query, self._key_value = PackedLinear(query), PackedLinear(*others)
        self._output, self._norm = PackedLinear(output.dense), output.LayerNorm  # type: ignore[union-attr, arg-type]
        self._inner = PackedLinear(layer.intermediate.dense)  # type: ignore[union-attr, arg-type]
        self._outer = PackedLinear(layer.output.dense)  # type: ignore[union-attr, arg-type]
        self._last_norm = layer.output.LayerNorm  # type: ignore[union-attr]

    def forward(self, hidden: Tensor, is_piece: Tensor) -> Tensor:
        """All pieces.

        hidden (Tensor): Shape (n_rows, width), of the pieces of all windows, and what they are filled up with.
        is_piece (Tensor): Shape (n_windows, length), bool.
        RETURNS (Tensor): Shape (n_rows, width).
        """
        context = self._attend(hidden, hidden, is_piece, is_piece.shape[1])
        return self._finish(_fill_up(context, self._rows_step), hidden)

    def read(self, hidden: Tensor, is_piece: Tensor, rows: IntArray) -> Tensor:
        """Some pieces.

        hidden (Tensor), is_piece (Tensor): As above.
        rows (IntArray): Shape (n_rows,), as CpuEncoder takes them.
        RETURNS (Tensor): Shape (n_rows, width), and what they are filled up with.
        """
        queries, places = _arrange(rows, *is_piece.shape)
        asking = _choose(hidden, queries.ravel(), self._rows_step)
        context = self._attend(asking, hidden, is_piece, queries.shape[1])
        return self._finish(*(_choose(values, places, self._rows_step) for values in (context, asking)))

    def _attend(self, asking: Tensor, hidden: Tensor, is_piece: Tensor, n_queries: int) -> Tensor:
        """What the first n_queries rows of `asking` for each window attend to, shape (n_windows * n_queries, width)."""
        key, value = self._key_value(hidden).chunk(2, -1)
        query, key, value = (
            part[: len(is_piece) * length].unflatten(-1, (self._n_heads, -1)).unflatten(0, (-1, length))
            for part, length in ((self._query(asking), n_queries), (key, is_piece.shape[1]), (value, is_piece.shape[1]))
        )
        return attend(query, key, value, is_piece).flatten(2).flatten(0, 1)

    def _finish(self, context: Tensor, skipped: Tensor) -> Tensor:
        middle = self._norm(self._output(context).add_(skipped))
        inner = torch.nn.functional.gelu(self._inner(middle))
        found: Tensor = self._last_norm(self._outer(inner).add_(middle))
        return found


def _arrange(rows: IntArray, n_windows: int, length: int) -> Tuple[IntArray, IntArray]:
    """Put the pieces that are read into as many columns for each window.

    Rows [0, 2, 3] of two windows of 3 pieces, in 3 columns: [[0, 2, 0], [3, 3, 3]], of which they are [0, 1, 3].

    rows (IntArray): Shape (n_rows,), ascending.
    n_windows, length (int): Of all pieces.
    RETURNS (Tuple[IntArray, IntArray]): Numbers of pieces, shape (n_windows, n_columns), the first of a window where
        there is none; and for each row its number among them.
    """
    windows = rows // length
    counts = np.bincount(windows, minlength=n_windows)
    n_columns = min(length, int(counts.max()) + -int(counts.max()) % QUERIES_STEP)
    columns = np.arange(len(rows)) - (np.cumsum(counts) - counts)[windows]
    queries = np.repeat(np.arange(n_windows)[:, None] * length, n_columns, axis=1)
    queries[windows, columns] = rows
    return queries, windows * n_columns + columns


def _choose(values: Tensor, rows: IntArray, step: int) -> Tensor:
    """Rows of values of shape (n_values, width), and the first value behind them: shape (n_rows and more, width)."""
    return values.index_select(0, torch.from_numpy(np.pad(rows, (0, count_more(len(rows), step)))))


def _fill_up(values: Tensor, step: int) -> Tensor:
    """Put zeros behind values of shape (n_values, width)."""
    n_more = count_more(len(values), step)
    return torch.nn.functional.pad(values, (0, 0, 0, n_more)) if n_more else values


def count_more(n_rows: int, step: int) -> int:
    """How many rows are to stand behind so many, for a number of rows that comes again; step: where they are many."""
    return -n_rows % (step if n_rows > MANY_ROWS else FEW_ROWS_STEP)
