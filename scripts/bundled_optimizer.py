"""Muon for the matrices of the network that build_bundled.py trains.

The momentum of each matrix is brought near the closest orthogonal one before it is added, so that all directions learn
alike. The heads of an attention layer are matrices of their own. Matrices of one shape are stacked, and the iteration
runs on the small side, in float32: PyTorch's own Muon takes one matrix at a time, in bfloat16, for which many CPUs
have no arithmetic.
SOURCE: Jordan et al. 2024, "Muon"; the scale that matches AdamW's: Liu et al. 2025, "Muon is scalable for LLM
training".
"""

from collections import defaultdict
from typing import DefaultDict, Iterable, List, Tuple

import torch
from torch import Tensor, nn

COEFFICIENTS = (3.4445, -4.7750, 2.0315)
ITERATIONS = 5


def orthogonalize(stack: Tensor) -> Tensor:
    """Bring matrices near the closest orthogonal ones.

    stack (Tensor): Shape (n_matrices, n_rows, n_columns).
    RETURNS (Tensor): The same shape; singular values between 0.7 and 1.2, but for those that were near zero.
    """
    is_tall = stack.shape[1] > stack.shape[2]
    x = stack.transpose(1, 2) if is_tall else stack
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
    a, b, c = COEFFICIENTS
    gram = x @ x.transpose(1, 2)
    identity = torch.eye(gram.shape[1], dtype=gram.dtype, device=gram.device)
    product = identity.expand_as(gram)
    for i in range(ITERATIONS):
        factor = torch.baddbmm(gram, gram, gram, beta=b, alpha=c) + a * identity
        product = factor @ product if i else factor
        if i < ITERATIONS - 1:
            gram = factor @ gram @ factor
    x = product @ x
    return x.transpose(1, 2) if is_tall else x


class Muon(torch.optim.Optimizer):
    """Steps along orthogonalized momentum, as large as AdamW's would be at the same rate of learning.

    parameters (Iterable): Matrices, or groups of them; in a group, `heads` parts the rows of each matrix, or its
        columns if `by_column`.
    """

    def __init__(self, parameters: Iterable, lr: float, momentum: float = 0.95, weight_decay: float = 0.01):
        defaults = {"lr": lr, "momentum": momentum, "weight_decay": weight_decay, "heads": 1, "by_column": False}
        super().__init__(parameters, defaults)

    @torch.no_grad()
    def step(self) -> None:
        """Update all matrices."""
        for group in self.param_groups:
            by_shape: DefaultDict[Tuple[int, ...], List[nn.Parameter]] = defaultdict(list)
            for parameter in group["params"]:
                by_shape[tuple(parameter.shape)].append(parameter)
            for parameters in by_shape.values():
                self._update(parameters, group)

    def _update(self, parameters: List[nn.Parameter], group: dict) -> None:
        """Update matrices of one shape."""
        wanted = []
        for parameter in parameters:
            momentum = self.state[parameter].setdefault("momentum", torch.zeros_like(parameter))
            momentum.lerp_(parameter.grad, 1 - group["momentum"])
            wanted.append(torch.lerp(parameter.grad, momentum, group["momentum"]))
        stack = torch.stack(wanted)
        if group["by_column"]:
            stack = stack.transpose(1, 2)
        n_matrices, n_rows, n_columns = stack.shape
        heads = stack.reshape(n_matrices * group["heads"], n_rows // group["heads"], n_columns)
        scale = 0.2 * max(heads.shape[1:]) ** 0.5
        changes = orthogonalize(heads).reshape(stack.shape)
        if group["by_column"]:
            changes = changes.transpose(1, 2)
        torch._foreach_mul_(parameters, 1 - group["lr"] * group["weight_decay"])
        torch._foreach_add_(parameters, list(changes.unbind()), alpha=-group["lr"] * scale)
