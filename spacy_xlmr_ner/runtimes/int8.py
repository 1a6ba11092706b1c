"""The network in PyTorch, in int8 on a CPU."""

from typing import Tuple

import torch

from .cpu_encoder import CpuEncoder
from .onednn import QuantizedLinear, RoundedLinear
from .torch import TorchRuntime, keep_freed_memory

ATTENTION = "attention.self"


class Int8Runtime(TorchRuntime):
    """Runs a network of BERT's shape in int8, its attention in bfloat16 and what is added up between in float32.

    network (torch.nn.Module): As for TorchRuntime.
    left_out (Tuple[str, ...]): Parts of the names of layers that are not int8.
    RAISES (ValueError): If the network is of another shape.
    """

    def __init__(self, network: torch.nn.Module, *, left_out: Tuple[str, ...]):
        self._left_out = left_out
        super().__init__(network, precision="float32", device="cpu")

    def _make_fast(self, network: torch.nn.Module) -> torch.nn.Module:
        keep_freed_memory()
        return CpuEncoder(network, self._make_linear)

    def _make_linear(self, name: str, *layers: torch.nn.Linear) -> torch.nn.Module:
        """As cpu_encoder.LinearMaker."""
        inner = torch.bfloat16 if _has_bfloat16() else torch.float32
        dtype = inner if ATTENTION in name else torch.float32
        if any(part in name for part in self._left_out):
            return RoundedLinear(*layers, inner=inner, dtype=dtype)
        return QuantizedLinear(*layers, dtype=dtype)


def _has_bfloat16() -> bool:
    """Whether the processor multiplies bfloat16 by itself, so that it is faster than float32."""
    return bool(getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)())
