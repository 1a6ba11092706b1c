"""Attention written out in products, which a CPU computes faster in bfloat16 than PyTorch's own."""

from typing import Any, Optional, Tuple

import torch
from torch import Tensor

# It holds the square of a window in memory.
LONGEST_WINDOW = 1024
NAME = "spacy_xlmr_ner_written_out"  # transformers' for it
HIDDEN = -1e4  # the score of a padded piece: its share is 0
# Numbers of bfloat16 that an instruction of AVX-512 holds. PyTorch's softmax takes those of a row that are left over
# one by one, which took up to three times as long.
STEP = 32
LOCAL = ("is_decoder", "sliding_window", "local_attention")  # settings of networks whose pieces do not see all others


def can_write_out(network: torch.nn.Module) -> bool:
    """Whether a network computes attention by PyTorch's own, and transformers lets one choose another.

    Not where some pieces may not look at others, as in a window that slides: a short trial would not tell.
    """
    config = getattr(network, "config", None)
    is_chosen = getattr(config, "_attn_implementation", None) == "sdpa" and hasattr(network, "set_attn_implementation")
    is_local = any(getattr(config, name, None) for name in LOCAL) or any(
        getattr(module, "is_causal", False) for module in network.modules()
    )
    length = getattr(config, "max_position_embeddings", LONGEST_WINDOW + 1)
    return is_chosen and not is_local and length <= LONGEST_WINDOW


def write_out(network: torch.nn.Module) -> None:
    """Have a network of transformers compute attention by `attend`."""
    from transformers import AttentionInterface
    from transformers.masking_utils import AttentionMaskInterface, sdpa_mask

    AttentionInterface.register(NAME, attend)
    AttentionMaskInterface.register(NAME, sdpa_mask)
    network.set_attn_implementation(NAME)  # type: ignore[operator]


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
        attended to. Of another dtype than bool, as between transformers 4.56 and 5: what to add to the scores. None:
        nothing is hidden.
    RETURNS (Tuple): What is attended to, shape (n_windows, length, n_heads, head size), and no scores.
    """
    n_windows, n_heads, length, size = query.shape
    padded = length + -length % STEP
    scaled = torch.mul(query, scaling, out=query.new_empty(query.shape)).view(-1, length, size)
    scores = torch.bmm(scaled, _pad(key, padded).transpose(1, 2))
    by_head = scores.view(n_windows, n_heads, length, padded)
    if attention_mask is not None:
        mask = attention_mask[:, :, :1]
        if mask.dtype == torch.bool:
            _hide(by_head, ~mask)
        else:
            by_head[..., :length].add_(mask)
    if padded > length:
        by_head[..., length:] = HIDDEN
    torch.softmax(scores, -1, out=scores)
    context = torch.bmm(scores, _pad(value, padded)).view(n_windows, n_heads, length, size)
    return context.transpose(1, 2).contiguous(), None


def _pad(values: Tensor, length: int) -> Tensor:
    """Lay out what each head sees as one block, shape (n_windows * n_heads, length, head size), with zeros behind."""
    if length > values.shape[2]:
        values = torch.nn.functional.pad(values, (0, 0, 0, length - values.shape[2]))
    return values.reshape(-1, length, values.shape[3])


def _hide(scores: Tensor, is_hidden: Tensor) -> None:
    """Set the scores of hidden pieces, behind the shortest window's end: up to there all windows have pieces."""
    columns = is_hidden.flatten(0, 2).any(0).nonzero()
    if len(columns):
        first = int(columns[0])
        scores[..., first : is_hidden.shape[3]].masked_fill_(is_hidden[..., first:], HIDDEN)
