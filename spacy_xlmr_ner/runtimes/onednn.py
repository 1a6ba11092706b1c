"""Linear layers as oneDNN multiplies them.

PyTorch multiplies float32 with MKL, which took 1.15 to 1.45 times as long on a processor of AMD, and adds the bias
beforehand in a pass of its own. The operators are those that torch.compile calls for a network whose weights do not
change. PyTorch's documentation has them not, so a network of them is tried before it is taken.
SOURCE: torch/_inductor/fx_passes/mkldnn_fusion.py, torch/_inductor/fx_passes/quantization.py
"""

import copy
from typing import NamedTuple, Optional, Sequence, Tuple

import torch
from torch import Tensor

# Weights are -64 to 64: with all eight bits the sums of two products overflow on processors without VNNI.
LARGEST_WEIGHT = 64
LARGEST_VALUE = 255


class PackedLinear(torch.nn.Module):
    """One or more linear layers of the same input over a copy of the weights, laid out for oneDNN.

    It does not follow them when they change.

    layers (torch.nn.Linear): On the CPU, in one of fast.DTYPES. Their outputs stand one behind the other.
    """

    def __init__(self, *layers: torch.nn.Linear):
        super().__init__()
        weight, self._bias = _join(layers)
        self._packed = torch.ops.mkldnn._reorder_linear_weight(weight, None)

    def forward(self, values: Tensor) -> Tensor:
        """As torch.nn.Linear, without gradients."""
        found: Tensor = torch.ops.mkldnn._linear_pointwise(values, self._packed, self._bias, "none", [], "")
        return found


class RoundedLinear(torch.nn.Module):
    """A PackedLinear that computes in another dtype than that of its values.

    layers (torch.nn.Linear): As for PackedLinear.
    inner (torch.dtype): What it computes in.
    dtype (torch.dtype): Of what it gives.
    """

    def __init__(self, *layers: torch.nn.Linear, inner: torch.dtype, dtype: torch.dtype):
        super().__init__()
        self._linear = PackedLinear(*(copy.deepcopy(layer).to(inner) for layer in layers))
        self._inner, self._dtype = inner, dtype

    def forward(self, values: Tensor) -> Tensor:
        """As torch.nn.Linear, without gradients."""
        found: Tensor = self._linear(values.to(self._inner)).to(self._dtype)
        return found


class QuantizedLinear(torch.nn.Module):
    """The same in int8: each row of the weights, and all values together, in whole numbers of a step of their own.

    layers (torch.nn.Linear): In float32.
    dtype (torch.dtype): Of what it gives, float32 or bfloat16.
    """

    def __init__(self, *layers: torch.nn.Linear, dtype: torch.dtype):
        super().__init__()
        weight, self._bias = _join(layers)
        self._steps = weight.abs().amax(1).clamp(min=torch.finfo(torch.float32).tiny) / LARGEST_WEIGHT
        rounded = (weight / self._steps[:, None]).round().to(torch.int8)
        self._packed = torch.ops.onednn.qlinear_prepack(rounded, None)
        self._zeros = torch.zeros(len(weight), dtype=torch.int32)
        self._dtype = dtype

    def forward(self, values: Tensor) -> Tensor:
        """As torch.nn.Linear, without gradients; values in float32 or bfloat16."""
        return self.multiply(quantize(values.float().flatten(0, -2))).unflatten(0, values.shape[:-1])

    def multiply(self, values: "Quantized") -> Tensor:
        """The same of values that are rounded already.

        values (Quantized): Shape (n_values, n_in).
        RETURNS (Tensor): Shape (n_values, n_out).
        """
        weights = (self._packed, self._steps, self._zeros, self._bias)
        found: Tensor = torch.ops.onednn.qlinear_pointwise(*values, *weights, 1.0, 0, self._dtype, "none", [], "")
        return found


class Quantized(NamedTuple):
    """Values as step * (whole - zero).

    whole (Tensor): uint8.
    step (Tensor): Shape (1,), float32.
    zero (Tensor): Shape (1,), int32.
    """

    whole: Tensor
    step: Tensor
    zero: Tensor


def quantize(values: Tensor) -> Quantized:
    """Round to 256 numbers that are as far from each other, from the least to the largest, 0 among them.

    values (Tensor): float32.
    """
    least, largest = torch.aminmax(values)
    least, largest = least.clamp(max=0.0), largest.clamp(min=0.0)
    step = ((largest - least) / LARGEST_VALUE).clamp(min=torch.finfo(torch.float32).tiny)
    zero = (-least / step).nan_to_num().round().to(torch.int32)
    return Quantized(_round(values, step, zero), step.view(1), zero.view(1))


def _round(values: Tensor, step: Tensor, zero: Tensor) -> Tensor:
    """What is nearest to values / step + zero, uint8."""
    if hasattr(torch, "quantize_per_tensor"):  # in one pass; PyTorch means to take it away
        found = torch.quantize_per_tensor(values, step, zero, torch.quint8)
        return torch.empty(0, dtype=torch.uint8).set_(found.untyped_storage(), 0, values.shape, values.stride())
    return torch.add(zero.float(), values / step).round_().clamp_(0, LARGEST_VALUE).to(torch.uint8)


def _join(layers: Sequence[torch.nn.Linear]) -> Tuple[Tensor, Optional[Tensor]]:
    """The weights and biases of layers, one behind the other; of a single one also where it has no bias."""
    if len(layers) == 1:
        return layers[0].weight.detach(), layers[0].bias
    weights, biases = ([getattr(layer, name).detach() for layer in layers] for name in ("weight", "bias"))
    return torch.cat(weights), torch.cat(biases)
