"""A network in another precision or on another device, without a second copy of what can be shared."""

import copy
from itertools import chain
from typing import Any, Dict

import torch
from torch import Tensor


def convert_network(network: torch.nn.Module, device: torch.device, dtype: torch.dtype) -> torch.nn.Module:
    """A copy whose weights are of a dtype and on a device; the network keeps its own.

    On a CPU the table of the pieces, the largest part of most networks, is not copied: the rows that a text needs are
    converted when they are looked up, to the same numbers. At no time is there more in memory than network and copy.

    network (torch.nn.Module): Of transformers.
    """
    shared: Dict[int, Any] = {}
    own_table = network.get_input_embeddings()  # type: ignore[operator]
    is_shared = device.type == "cpu" and _can_be_shared(own_table, network)
    if is_shared:
        shared[id(own_table)] = ConvertedTable(own_table, dtype)
    for tensor in chain(network.parameters(), network.buffers()):
        if not (is_shared and tensor is own_table.weight):
            shared.setdefault(id(tensor), _convert(tensor, device, dtype))
    return copy.deepcopy(network, shared)


def _can_be_shared(table: torch.nn.Module, network: torch.nn.Module) -> bool:
    """Whether a table is a plain one, on the CPU, and of this module alone."""
    if type(table) is not torch.nn.Embedding or table.max_norm is not None or table.weight.device.type != "cpu":
        return False
    return sum(getattr(module, "weight", None) is table.weight for module in network.modules()) == 1


def _convert(tensor: Tensor, device: torch.device, dtype: torch.dtype) -> Tensor:
    """As torch.nn.Module.to does it: whole numbers stay whole numbers."""
    found = tensor.detach().to(device, dtype if tensor.is_floating_point() else None, copy=True)
    return torch.nn.Parameter(found, requires_grad=False) if isinstance(tensor, torch.nn.Parameter) else found


class ConvertedTable(torch.nn.Module):
    """Looks up rows of a table in another dtype than it has.

    The table is none of its parameters: transformers takes the dtype of a network from those.

    table (torch.nn.Embedding): Shared.
    dtype (torch.dtype): Of the rows.
    """

    def __init__(self, table: torch.nn.Embedding, dtype: torch.dtype):
        super().__init__()
        self.num_embeddings, self.embedding_dim = table.num_embeddings, table.embedding_dim
        self.padding_idx = table.padding_idx
        self._table = (table,)  # in a tuple it is no module of this one
        self._dtype = dtype

    def __deepcopy__(self, memo: Dict[int, Any]) -> "ConvertedTable":
        return self

    @property
    def weight(self) -> Tensor:
        """The table's own, in its own dtype."""
        return self._table[0].weight

    def forward(self, ids: Tensor) -> Tensor:
        """As torch.nn.Embedding, without gradients."""
        found: Tensor = self._table[0](ids).to(self._dtype)
        return found
