"""What makes runtimes of PyTorch, for a CPU or a GPU."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Optional

from ..types import LoadedCheckpoint, Precision
from .cuda import CudaRuntime
from .torch import TorchRuntime, check_precision, find_device, leave_parent_threads


@dataclass(frozen=True)
class TorchEngine:
    """Makes runtimes of PyTorch. Nothing that it makes needs to be kept.

    precision (Precision), device (Optional[str]): As for TorchRuntime.
    """

    precision: Precision
    device: Optional[str]

    def prepare(self) -> None:
        """As types.Engine."""
        leave_parent_threads()
        check_precision(self.precision, find_device(self.device))

    def make_runtime(self, checkpoint: LoadedCheckpoint) -> TorchRuntime:
        """As types.Engine."""
        return make_torch_runtime(checkpoint.network, precision=self.precision, device=self.device)

    def write(self, checkpoint: LoadedCheckpoint, folder: Path, *, make: bool) -> None:
        """As types.Engine."""

    def read(self, checkpoint: LoadedCheckpoint, folder: Path) -> None:
        """As types.Engine."""


def make_torch_runtime(network: Any, *, precision: Precision, device: Optional[str]) -> TorchRuntime:
    """The runtime for a device. The arguments are those of TorchRuntime."""
    runtime = CudaRuntime if find_device(device).type == "cuda" else TorchRuntime
    return runtime(network, precision=precision, device=device)
