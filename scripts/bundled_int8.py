"""What int8 makes of a network, for build_bundled.py to train with: matrices and what they are multiplied with are cut.

Weights take 129 values a row, as onnx_graph.quantize has them, and what they are multiplied with 256 over a whole
batch. The gradient passes as if nothing were cut. Trained so, the network depends less on what is lost, and its weights
can be written as the values that int8 takes them for: there they lose nothing.
SOURCE: Jacob and others 2018, Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only
    Inference
"""

from typing import Any

import torch
from torch import Tensor

LARGEST_WEIGHT = 64  # seven bits, for onnx_graph.quantize takes so many
STEPS = 255  # from the least to the largest value of a batch, of which one is 0


def is_cut(name: str, weight: Tensor) -> bool:
    """Whether int8 cuts a weight: the matrices of the layers."""
    return ".layer." in name and weight.ndim == 2


def round_weight(weight: Tensor) -> Tensor:
    """A matrix as int8 takes it: whole multiples of a 64th of each row's largest value."""
    step = weight.abs().amax(1, keepdim=True).clamp(min=1e-8) / LARGEST_WEIGHT
    return (weight / step).round() * step


class CutWeight(torch.autograd.Function):
    """round_weight, with a gradient."""

    @staticmethod
    def forward(ctx: Any, weight: Tensor) -> Tensor:
        """Shape (n_out, n_in), as the weight's."""
        return round_weight(weight)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        """As it comes."""
        return gradient


class CutValues(torch.autograd.Function):
    """What is multiplied, rounded to whole multiples of one step for the whole batch."""

    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Tensor:
        """As many values as there are."""
        least, largest = torch.aminmax(values)
        step = max(max(float(largest), 0.0) - min(float(least), 0.0), 1e-8) / STEPS
        return values.mul(1 / step).round_().mul_(step)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        """As it comes."""
        return gradient
