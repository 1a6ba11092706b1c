"""The network in int8 with no more than PyTorch: what makes it, and judges how right it is."""

import copy
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Tuple

from ..errors import Warnings
from ..types import LoadedCheckpoint, OnednnPrecision, Runtime
from .agreement import compare_logits, score_sample, warn_of
from .fast import ERRORS
from .int8 import ATTENTION, Int8Runtime
from .torch import TorchRuntime, leave_parent_threads

RUNTIME = "oneDNN's int8"
# Layers that are not int8, each set in turn until it is right: by parts of their names. What the first layer loses goes
# through all others.
LEFT_OUT: Tuple[Tuple[str, ...], ...] = (
    (),
    (ATTENTION,),
    (ATTENTION, "attention.output"),
    (ATTENTION, "attention.output", "layer.0."),
    (ATTENTION, "attention.output", "layer.0.", "layer.1."),
)


@dataclass(frozen=True)
class OnednnEngine:
    """Makes runtimes in int8, on the CPU. Nothing that it makes needs to be kept: it is made in seconds.

    precision (OnednnPrecision): "int8": matrices and what they are multiplied with in eight bits.
    """

    precision: OnednnPrecision

    def prepare(self) -> None:
        """As types.Engine."""
        leave_parent_threads()

    def make_runtime(self, checkpoint: LoadedCheckpoint) -> Runtime:
        """As types.Engine. Warns with XW403 of a network that runs in float32, XW405 or XW406 of a doubtful int8."""
        leave_parent_threads()
        network: Any = checkpoint.network
        if any(weight.device.type != "cpu" for weight in network.parameters()):
            network = copy.deepcopy(network).cpu()  # the GPU's may be in training
        plain = TorchRuntime(network, precision="float32", device="cpu")
        try:
            return _make_int8(network, plain, checkpoint)
        except ERRORS as err:
            message = Warnings.XW403.format(checkpoint=checkpoint.origin, runtime=RUNTIME, reason=err)
            warnings.warn(message, stacklevel=2)
            return plain

    def write(self, checkpoint: LoadedCheckpoint, folder: Path, *, make: bool) -> None:
        """As types.Engine."""

    def read(self, checkpoint: LoadedCheckpoint, folder: Path) -> None:
        """As types.Engine."""


def _make_int8(network: Any, plain: TorchRuntime, checkpoint: LoadedCheckpoint) -> TorchRuntime:
    """With as many layers in int8 as gives the tags of float32, or most of them."""
    expected = score_sample(plain, checkpoint)
    tried = []
    with warnings.catch_warnings():
        # PyTorch says once that it means to take an operator away.
        warnings.filterwarnings("ignore", message=".*quantize_per_tensor")
        for left_out in LEFT_OUT:
            runtime = Int8Runtime(network, left_out=left_out)
            tried.append((runtime, compare_logits(score_sample(runtime, checkpoint), expected, checkpoint.tags)))
            if tried[-1][1].is_enough:
                break
    best, agreement = max(tried, key=lambda one: one[1].share)
    warn_of(agreement, checkpoint)
    return best
