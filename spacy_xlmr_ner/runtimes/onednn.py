"""A network's linear layers as oneDNN multiplies them.

PyTorch multiplies float32 with MKL, which took 1.15 to 1.45 times as long on a processor of AMD, and adds the bias
beforehand in a pass of its own. The operators are those that torch.compile calls for a network whose weights do not
change. PyTorch's documentation has them not, so a network of them is tried before it is taken.
SOURCE: torch/_inductor/fx_passes/mkldnn_fusion.py
"""

import copy
from itertools import chain
from typing import Any, Dict, Optional, Tuple

import torch
from torch import Tensor

DTYPES = (torch.float32, torch.bfloat16)
# By how much a logit may be off, beside the largest: oneDNN adds up in another order.
TOLERANCES = {torch.float32: 1e-3, torch.bfloat16: 0.1}
SAMPLE_LENGTH = 8
# Attention written out holds the square of a window in memory.
LONGEST_WRITTEN_OUT = 1024
WRITTEN_OUT = "spacy_xlmr_ner_written_out"  # transformers' name for it
HIDDEN = -1e4  # the score of a padded piece: its share is 0


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


def attend(
    module: torch.nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Optional[Tensor],
    *,
    scaling: float,
    **_: Any,
) -> Tuple[Tensor, None]:
    """Attention in two products, as transformers calls it; without dropout and gradients.

    transformers' own ("eager") goes over the scores twice more, to scale them and to add a mask that hides nothing.

    query, key, value (Tensor): Shape (n_windows, n_heads, length, head size).
    attention_mask (Optional[Tensor]): Shape (n_windows, 1, length, length), the same for all that attend; False: is not
        attended to. None: nothing is hidden.
    RETURNS (Tuple): What is attended to, shape (n_windows, length, n_heads, head size), and no scores.
    """
    n_windows, n_heads, length, size = query.shape
    rows = (n_windows * n_heads, length, size)
    scores = torch.bmm((query * scaling).reshape(rows), key.reshape(rows).transpose(1, 2))
    if attention_mask is not None:
        scores.view(n_windows, n_heads, length, length).masked_fill_(~attention_mask[:, :, :1], HIDDEN)
    torch.softmax(scores, -1, out=scores)
    context = torch.bmm(scores, value.reshape(rows)).view(n_windows, n_heads, length, size)
    return context.transpose(1, 2).contiguous(), None


def make_fast(network: torch.nn.Module) -> torch.nn.Module:
    """A network that gives the same, faster; the one given where that cannot be had or does not give the same.

    It shares all weights but those of linear layers, which it has a copy of. In bfloat16 the attention is written out
    in products, where transformers lets one choose: PyTorch's own took up to twice as long.

    network (torch.nn.Module): On the CPU, in evaluation mode. It is left as it is.
    RETURNS (torch.nn.Module): Only for predictions, as long as the weights do not change.
    """
    dtypes = {weight.dtype for weight in network.parameters()}
    if len(dtypes) != 1 or not dtypes <= set(DTYPES) or not torch.backends.mkldnn.is_available():
        return network
    try:
        fast = _pack(network)
        is_same = _gives_the_same(fast, network)
    except (AttributeError, NotImplementedError, RuntimeError, TypeError, ValueError):  # this PyTorch has others
        return network
    return fast if is_same else network


def _pack(network: torch.nn.Module) -> torch.nn.Module:
    shared: Dict[int, Any] = {id(tensor): tensor for tensor in chain(network.parameters(), network.buffers())}
    fast = copy.deepcopy(network, shared)
    for module in list(fast.modules()):
        for name, child in module.named_children():
            if type(child) is torch.nn.Linear:  # a class of its own has its own arithmetic
                setattr(module, name, PackedLinear(child))
    if _find_dtype(fast) == torch.bfloat16 and _can_write_attention_out(fast):
        _register_attention()
        fast.set_attn_implementation(WRITTEN_OUT)  # type: ignore[operator]
    return fast


def _register_attention() -> None:
    from transformers import AttentionInterface
    from transformers.masking_utils import AttentionMaskInterface, sdpa_mask

    AttentionInterface.register(WRITTEN_OUT, attend)
    AttentionMaskInterface.register(WRITTEN_OUT, sdpa_mask)


def _can_write_attention_out(network: torch.nn.Module) -> bool:
    config = getattr(network, "config", None)
    is_chosen = getattr(config, "_attn_implementation", None) == "sdpa" and hasattr(network, "set_attn_implementation")
    return is_chosen and getattr(config, "max_position_embeddings", LONGEST_WRITTEN_OUT + 1) <= LONGEST_WRITTEN_OUT


@torch.inference_mode()
def _gives_the_same(fast: torch.nn.Module, network: torch.nn.Module) -> bool:
    """Whether two windows, one of them padded, get the same logits from both."""
    mask = torch.ones((2, SAMPLE_LENGTH), dtype=torch.int64)
    mask[1, SAMPLE_LENGTH // 2 :] = 0
    ids = torch.zeros_like(mask)
    found, expected = (one(input_ids=ids, attention_mask=mask).logits[mask > 0].float() for one in (fast, network))
    limit = TOLERANCES[_find_dtype(network)] * float(expected.abs().max())
    return float((found - expected).abs().max()) <= limit  # not so where a value is none


def _find_dtype(network: torch.nn.Module) -> torch.dtype:
    return next(network.parameters()).dtype
