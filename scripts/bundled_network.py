"""The network that build_bundled.py trains: XLM-R's architecture, laid out so that two CPU cores train it fast.

Its weights have the names of transformers' XLMRobertaForTokenClassification, which opens what it saves. What differs is
the arithmetic of training alone: the last layer is computed where something is to be learned, which is half of the
pieces; dropout comes from a pool of random numbers (PyTorch's own took a fifth of a step on a CPU).
"""

from dataclasses import dataclass
from typing import Callable, Dict, Optional, Tuple

import torch
from bundled_int8 import CutValues, CutWeight, is_cut
from torch import Tensor, nn
from torch.nn import functional

PAD_ID = 1
POOL_SIZE = 2**22  # twice what the largest batch drops from at once; small enough for the processor's cache
REFRESH = 2**18  # numbers of the pool made anew before each step

Dropout = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Shape:
    """Sizes of the network, named as in transformers' config.json."""

    vocab_size: int
    hidden_size: int = 256
    num_hidden_layers: int = 4
    num_attention_heads: int = 4
    intermediate_size: int = 1024
    max_position_embeddings: int = 514


class DropoutPool:
    """Dropout by slices of a pool of zeros and 1 / (1 - rate), a part of which is made anew for each step."""

    def __init__(self, rate: float, generator: torch.Generator, dtype: torch.dtype):
        self.rate = rate
        self.generator = generator
        self.dtype = dtype
        self.pool = self._make(POOL_SIZE)
        self.next = 0

    def _make(self, size: int) -> Tensor:
        return (torch.rand(size, generator=self.generator) >= self.rate).to(self.dtype) / (1 - self.rate)

    def get_state(self) -> Tuple[Tensor, int]:
        """All that decides what is dropped next, beside the generator."""
        return self.pool, self.next

    def set_state(self, state: Tuple[Tensor, int]) -> None:
        """Go on from what get_state gave."""
        self.pool, self.next = state

    def refresh(self) -> None:
        """Make a part of the pool anew."""
        self.pool[self.next : self.next + REFRESH] = self._make(REFRESH)
        self.next = (self.next + REFRESH) % POOL_SIZE

    def __call__(self, values: Tensor) -> Tensor:
        """Drop some of the values."""
        start = int(torch.randint(POOL_SIZE - values.numel(), (), generator=self.generator))
        return values * self.pool[start : start + values.numel()].view(values.shape)


class Tagger(nn.Module):
    """XLM-R with a head for tags, and one for masked pieces that is trained beside it and not kept.

    for_int8 (bool): Compute what int8 would, as far as it loses something.
    """

    def __init__(self, shape: Shape, n_tags: int, *, generator: torch.Generator, for_int8: bool = False):
        super().__init__()
        self.shape = shape
        self.for_int8 = for_int8
        width, inner = shape.hidden_size, shape.intermediate_size
        sizes: Dict[str, tuple] = {
            "roberta.embeddings.word_embeddings.weight": (shape.vocab_size, width),
            "roberta.embeddings.position_embeddings.weight": (shape.max_position_embeddings, width),
            "roberta.embeddings.token_type_embeddings.weight": (1, width),
            "roberta.embeddings.LayerNorm": (width,),
            "classifier": (n_tags, width),
            "lm_head.dense": (width, width),
            "lm_head.layer_norm": (width,),
            "lm_head.bias": (shape.vocab_size,),
        }
        for i in range(shape.num_hidden_layers):
            layer = f"roberta.encoder.layer.{i}"
            sizes |= {f"{layer}.attention.self.{name}": (width, width) for name in ("query", "key", "value")}
            sizes |= {
                f"{layer}.attention.output.dense": (width, width),
                f"{layer}.attention.output.LayerNorm": (width,),
                f"{layer}.intermediate.dense": (inner, width),
                f"{layer}.output.dense": (width, inner),
                f"{layer}.output.LayerNorm": (width,),
            }
        self.weights: Dict[str, nn.Parameter] = {}
        for name, size in sizes.items():
            if name.endswith(("weight", "bias")):
                value = torch.zeros(size) if name.endswith("bias") else torch.randn(size, generator=generator) * 0.02
                self._add(name, value)
            else:
                is_norm = len(size) == 1
                value = torch.ones(size) if is_norm else torch.randn(size, generator=generator) * 0.02
                self._add(f"{name}.weight", value)
                self._add(f"{name}.bias", torch.zeros(size[:1]))
        with torch.no_grad():
            for kind in ("word", "position"):
                self.weights[f"roberta.embeddings.{kind}_embeddings.weight"][PAD_ID] = 0

    def _add(self, name: str, value: Tensor) -> None:
        self.weights[name] = nn.Parameter(value)
        self.register_parameter(name.replace(".", "/"), self.weights[name])

    def _linear(self, values: Tensor, *names: str) -> Tensor:
        """One product for several layers that read the same values."""
        weights = [self.weights[f"{name}.weight"] for name in names]
        biases = [self.weights[f"{name}.bias"] for name in names]
        if self.for_int8 and is_cut(names[0], weights[0]):
            weights, values = [CutWeight.apply(weight) for weight in weights], CutValues.apply(values)
        weight, bias = (torch.cat(weights), torch.cat(biases)) if len(names) > 1 else (weights[0], biases[0])
        return functional.linear(values, weight.to(values.dtype), bias.to(values.dtype))

    def _norm(self, values: Tensor, name: str) -> Tensor:
        weight, bias = self.weights[f"{name}.weight"], self.weights[f"{name}.bias"]
        return functional.layer_norm(values, values.shape[-1:], weight.to(values.dtype), bias.to(values.dtype), 1e-5)

    def encode(
        self,
        ids: Tensor,
        dropout: Optional[Dropout],
        dtype: torch.dtype,
        *,
        rows: Optional[Tensor] = None,
        places: Optional[Tensor] = None,
        chosen: Optional[Tensor] = None,
    ) -> Tensor:
        """Hidden states of the last layer.

        ids (Tensor): Shape (n_windows, length), padded with PAD_ID.
        dropout (Optional[Dropout]): None: none.
        dtype (torch.dtype): Of the activations.
        rows (Optional[Tensor]): Rows of the embeddings to look in, in place of all.
        places (Optional[Tensor]): Shape of ids: where each piece is in rows.
        chosen (Optional[Tensor]): Shape (n_windows, n_chosen): columns of ids to compute the last layer for; None: all.
        RETURNS (Tensor): Shape (n_windows, length or n_chosen, width).
        """
        drop = (lambda values: values) if dropout is None else dropout
        mask = ids != PAD_ID
        positions = torch.cumsum(mask, 1) * mask + PAD_ID
        embeddings = "roberta.embeddings"
        if rows is None:
            rows, places = self.weights[f"{embeddings}.word_embeddings.weight"], ids
        x = functional.embedding(places, rows)
        x = x + functional.embedding(positions, self.weights[f"{embeddings}.position_embeddings.weight"])
        x = x + self.weights[f"{embeddings}.token_type_embeddings.weight"][0]
        x = drop(self._norm(x.to(dtype), f"{embeddings}.LayerNorm"))
        hidden_mask = None
        if not bool(mask.all()):
            hidden_mask = (~mask * -1e4).to(dtype)[:, None, None]
        last = self.shape.num_hidden_layers - 1
        for i in range(last + 1):
            x = self._run_layer(x, f"roberta.encoder.layer.{i}", hidden_mask, drop, chosen if i == last else None)
        return x

    def _run_layer(self, x: Tensor, name: str, hidden_mask: Optional[Tensor], drop, chosen: Optional[Tensor]) -> Tensor:
        n_windows, _, width = x.shape
        n_heads = self.shape.num_attention_heads
        size = (n_windows, -1, n_heads, width // n_heads)
        own = f"{name}.attention.self"
        if chosen is None:
            joined = self._linear(x, f"{own}.query", f"{own}.key", f"{own}.value").chunk(3, -1)
        else:
            key_value = self._linear(x, f"{own}.key", f"{own}.value").chunk(2, -1)
            x = x.gather(1, chosen[..., None].expand(-1, -1, width))
            joined = (self._linear(x, f"{own}.query"), *key_value)
        query, key, value = (part.view(size).transpose(1, 2) for part in joined)
        context = attend(query, key, value, hidden_mask)
        context = context.transpose(1, 2).reshape(x.shape)
        x = self._norm(
            x + drop(self._linear(context, f"{name}.attention.output.dense")), f"{name}.attention.output.LayerNorm"
        )
        inner = functional.gelu(self._linear(x, f"{name}.intermediate.dense"))
        return self._norm(x + drop(self._linear(inner, f"{name}.output.dense")), f"{name}.output.LayerNorm")

    def tag(self, hidden: Tensor) -> Tensor:
        """Logits of tags: shape (..., n_tags), float32."""
        return self._linear(hidden, "classifier").float()

    def guess_pieces(self, hidden: Tensor, candidates: Tensor, rows: Tensor) -> Tensor:
        """Logits of masked pieces, over some candidates of the vocabulary.

        hidden (Tensor): Shape (n_masked, width).
        candidates (Tensor): Shape (n_candidates,): ids.
        rows (Tensor): Shape (n_candidates, width): their embeddings.
        RETURNS (Tensor): Shape (n_masked, n_candidates), float32.
        """
        x = self._norm(functional.gelu(self._linear(hidden, "lm_head.dense")), "lm_head.layer_norm")
        return functional.linear(x, rows.to(x.dtype)).float() + self.weights["lm_head.bias"][candidates]


def attend(query: Tensor, key: Tensor, value: Tensor, mask: Optional[Tensor]) -> Tensor:
    """Attention; PyTorch's own takes 1.5 to 2.4 times as long in bfloat16 on a CPU as the products written out.

    query, key, value (Tensor): Shape (n_windows, n_heads, length, head size).
    mask (Optional[Tensor]): Added to the scores, shape (n_windows, 1, 1, length).
    """
    if query.device.type != "cpu" or query.dtype == torch.float32:
        return functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)
    scores = torch.matmul(query * query.shape[-1] ** -0.5, key.transpose(-1, -2))
    if mask is not None:
        scores = scores + mask
    return torch.matmul(scores.softmax(-1), value)
