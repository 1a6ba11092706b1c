"""Networks as a CPU runs them fastest."""

import copy
from itertools import chain
from typing import Any, Callable, Dict, Tuple

import torch
from torch import Tensor

from .cpu_encoder import CpuEncoder
from .onednn import PackedLinear

DTYPES = (torch.float32, torch.bfloat16)
# By how much a logit may be off, beside the largest: oneDNN adds up in another order.
TOLERANCES = {torch.float32: 1e-3, torch.bfloat16: 0.1}
SAMPLE_LENGTH = 8
FIRST_ID = 5  # of the sample: behind those of special pieces
# Of a PyTorch that has other operators, or a network of another form.
ERRORS = (AttributeError, IndexError, NotImplementedError, RuntimeError, TypeError, ValueError)


def make_fast(network: torch.nn.Module) -> torch.nn.Module:
    """A network that gives the same, faster; the one given where that cannot be had or does not give the same.

    It shares all weights but those of linear layers, which it has a copy of. One of BERT's shape becomes a CpuEncoder,
    of another its linear layers alone are changed.

    network (torch.nn.Module): On the CPU, in evaluation mode. It is left as it is.
    RETURNS (torch.nn.Module): Only for predictions, as long as the weights do not change.
    """
    dtypes = {weight.dtype for weight in network.parameters()}
    if len(dtypes) != 1 or not dtypes <= set(DTYPES) or not torch.backends.mkldnn.is_available():
        return network
    forms: Tuple[Callable[[torch.nn.Module], torch.nn.Module], ...] = (CpuEncoder, _pack)
    for change in forms:
        try:
            fast = change(network)
            if _gives_the_same(fast, network):
                return fast
        except ERRORS:
            pass
    return network


def _pack(network: torch.nn.Module) -> torch.nn.Module:
    """Modules of its own over the same weights, but packed ones of linear layers."""
    shared: Dict[int, Any] = {id(tensor): tensor for tensor in chain(network.parameters(), network.buffers())}
    packed = copy.deepcopy(network, shared)
    for module in list(packed.modules()):
        for name, child in module.named_children():
            if type(child) is torch.nn.Linear:  # a class of its own has its own arithmetic
                setattr(module, name, PackedLinear(child))
    return packed


@torch.inference_mode()
def _gives_the_same(fast: torch.nn.Module, network: torch.nn.Module) -> bool:
    """Whether two windows, one of them padded, get the same logits from both, all of them and some."""
    mask = torch.ones((2, SAMPLE_LENGTH), dtype=torch.int64)
    mask[1, SAMPLE_LENGTH // 2 :] = 0
    n_pieces = network.get_input_embeddings().num_embeddings  # type: ignore[operator]
    ids = torch.arange(FIRST_ID, FIRST_ID + mask.numel()).view_as(mask) % n_pieces
    expected, found = (_compute_logits(one, ids, mask)[mask > 0] for one in (network, fast))
    if isinstance(fast, CpuEncoder):
        some = fast(input_ids=ids, attention_mask=mask, rows=mask.flatten().nonzero()[::2, 0].numpy()).logits
        found, expected = torch.cat([found, some.float()]), torch.cat([expected, expected[::2]])
    limit = TOLERANCES[next(network.parameters()).dtype] * float(expected.abs().max())
    return float((found - expected).abs().max()) <= limit  # not so where a value is none


def _compute_logits(network: torch.nn.Module, ids: Tensor, mask: Tensor) -> Tensor:
    logits: Tensor = network(input_ids=ids, attention_mask=mask).logits
    return logits.float()
