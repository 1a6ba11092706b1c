"""The last layer of an encoder, computed only for the pieces whose logits are asked for.

Of a word only the first piece is read, which leaves half of the pieces. What stands behind the attention of the last
layer takes each piece by itself, and three quarters of the layer's arithmetic.
"""

import threading
from contextlib import contextmanager
from typing import Iterator, Optional

import torch
from torch import Tensor


class RowSelection(torch.nn.Module):
    """What stands behind the attention of a layer; drops pieces before it, where it is told to.

    output (torch.nn.Module): Takes what was attended to and the layer's input, shape (n_windows, length, width) each.
    """

    def __init__(self, output: torch.nn.Module):
        super().__init__()
        self.output = output
        self._chosen = threading.local()  # the runtime may be called from several threads

    @contextmanager
    def choose(self, rows: Tensor) -> Iterator[None]:
        """Keep only some pieces for a while: the network's logits have the shape (1, n_rows, n_tags) then.

        rows (Tensor): Shape (n_rows,): numbers of pieces, the windows one behind the other.
        """
        self._chosen.rows = rows
        try:
            yield
        finally:
            self._chosen.rows = None

    def forward(self, context: Tensor, layer_input: Tensor) -> Tensor:
        """As `output`."""
        rows = getattr(self._chosen, "rows", None)
        if rows is not None:
            context, layer_input = (part.flatten(0, 1).index_select(0, rows)[None] for part in (context, layer_input))
        found: Tensor = self.output(context, layer_input)
        return found


def add_selection(network: torch.nn.Module) -> None:
    """Change a network of BERT's form so that `find_selection` finds where to choose.

    RAISES (AttributeError): If it is of another form.
    """
    attention = network.base_model.encoder.layer[-1].attention  # type: ignore[union-attr, index]
    attention.output = RowSelection(attention.output)


def find_selection(network: torch.nn.Module) -> Optional[RowSelection]:
    """Where to choose; None: nowhere."""
    return next((module for module in network.modules() if isinstance(module, RowSelection)), None)
