"""A network as a CPU runs it fastest: linear layers as oneDNN multiplies them, and nothing that nobody reads.

PyTorch multiplies float32 with MKL, which took 1.15 to 1.45 times as long on a processor of AMD, and adds the bias
beforehand in a pass of its own. The operators are those that torch.compile calls for a network whose weights do not
change. PyTorch's documentation has them not, so a network of them is tried before it is taken.
SOURCE: torch/_inductor/fx_passes/mkldnn_fusion.py
"""

import copy
from itertools import chain
from typing import Any, Dict

import torch
from torch import Tensor

from .attention import can_write_out, write_out
from .row_selection import add_selection, find_selection

DTYPES = (torch.float32, torch.bfloat16)
# By how much a logit may be off, beside the largest: oneDNN adds up in another order.
TOLERANCES = {torch.float32: 1e-3, torch.bfloat16: 0.1}
SAMPLE_LENGTH = 8
FIRST_ID = 5  # of the sample: behind those of special pieces
# Of a PyTorch that has other operators, or a network of another form.
ERRORS = (AttributeError, IndexError, NotImplementedError, RuntimeError, TypeError, ValueError)


class PackedLinear(torch.nn.Module):
    """A linear layer over a copy of the weights, laid out for oneDNN. It does not follow them when they change.

    layer (torch.nn.Linear): On the CPU, in one of DTYPES.
    """

    def __init__(self, layer: torch.nn.Linear):
        super().__init__()
        self.bias = layer.bias
        self._packed = torch.ops.mkldnn._reorder_linear_weight(layer.weight.detach(), None)

    def forward(self, values: Tensor) -> Tensor:
        """As torch.nn.Linear, without gradients."""
        found: Tensor = torch.ops.mkldnn._linear_pointwise(values, self._packed, self.bias, "none", [], "")
        return found


def make_fast(network: torch.nn.Module) -> torch.nn.Module:
    """A network that gives the same, faster; the one given where that cannot be had or does not give the same.

    It shares all weights but those of linear layers, which it has a copy of. In bfloat16 the attention is written out
    in products, where transformers lets one choose: PyTorch's own took up to twice as long. Of its last layer only
    some pieces may be asked for, where find_selection finds a place for it.

    network (torch.nn.Module): On the CPU, in evaluation mode. It is left as it is.
    RETURNS (torch.nn.Module): Only for predictions, as long as the weights do not change.
    """
    dtypes = {weight.dtype for weight in network.parameters()}
    if len(dtypes) != 1 or not dtypes <= set(DTYPES) or not torch.backends.mkldnn.is_available():
        return network
    for changes in ([add_selection, write_out], [add_selection], [write_out], []):
        if write_out in changes and not (dtypes == {torch.bfloat16} and can_write_out(network)):
            continue
        try:
            fast = _copy(network)
            for change in changes:
                change(fast)
            _pack(fast)
            if _gives_the_same(fast, network):
                return fast
        except ERRORS:
            pass
    return network


def _copy(network: torch.nn.Module) -> torch.nn.Module:
    """Modules of its own over the same weights."""
    shared: Dict[int, Any] = {id(tensor): tensor for tensor in chain(network.parameters(), network.buffers())}
    return copy.deepcopy(network, shared)


def _pack(network: torch.nn.Module) -> None:
    for module in list(network.modules()):
        for name, child in module.named_children():
            if type(child) is torch.nn.Linear:  # a class of its own has its own arithmetic
                setattr(module, name, PackedLinear(child))


@torch.inference_mode()
def _gives_the_same(fast: torch.nn.Module, network: torch.nn.Module) -> bool:
    """Whether two windows, one of them padded, get the same logits from both, all of them and some."""
    mask = torch.ones((2, SAMPLE_LENGTH), dtype=torch.int64)
    mask[1, SAMPLE_LENGTH // 2 :] = 0
    n_pieces = network.get_input_embeddings().num_embeddings  # type: ignore[operator]
    ids = torch.arange(FIRST_ID, FIRST_ID + mask.numel()).view_as(mask) % n_pieces
    found, expected = (one(input_ids=ids, attention_mask=mask).logits[mask > 0].float() for one in (fast, network))
    limit = TOLERANCES[_find_dtype(network)] * float(expected.abs().max())
    selection = find_selection(fast)
    if selection is not None:
        with selection.choose(mask.flatten().nonzero()[::2, 0]):
            some = fast(input_ids=ids, attention_mask=mask).logits
        found, expected = torch.cat([found, some[0].float()]), torch.cat([expected, expected[::2]])
    return float((found - expected).abs().max()) <= limit  # not so where a value is none


def _find_dtype(network: torch.nn.Module) -> torch.dtype:
    return next(network.parameters()).dtype
