"""thinc's optimizer, computed by PyTorch."""

from typing import Any, Callable, Dict, Tuple

import torch
from thinc.api import Optimizer
from thinc.compat import has_cupy
from thinc.util import torch2xp
from torch import Tensor
from torch.optim.adam import adam

Key = Tuple[int, str]
# Of averages, as thinc has it.
MAX_DECAY = 0.9999


def apply_optimizer(optimizer: Any, key: Key, weight: Tensor, gradient: Tensor, norm: float, rate: float) -> None:
    """Change a weight as thinc's optimizer would, in place.

    Adam is computed by PyTorch, on all cores and on any device; on a small model thinc's own takes a quarter of a step.
    What it remembers stands in the optimizer, under the same names. Other optimizers are called as they are.

    optimizer (Any): thinc's, or a callable like it.
    key (Key): The shim's id and the weight's name.
    weight, gradient (Tensor): Of one shape. The gradient is used up.
    norm (float): Of the gradient.
    rate (float): Scales the learning rate.
    SOURCE: thinc/optimizers.py; Kingma and Ba (2015), Loshchilov and Hutter (2019) for L2_is_weight_decay.
    """
    if not isinstance(optimizer, Optimizer):  # it may keep what it is given: the gradient, too, must last
        _call_optimizer(optimizer, key, weight, gradient.clone(), {})
        return
    _forget_grown(optimizer, key, weight)
    if type(optimizer) is not Optimizer or optimizer.use_radam or not (optimizer.b1 > 0 and optimizer.b2 > 0):
        _call_optimizer(optimizer, key, weight, gradient, {"lr_scale": rate})
    else:
        _take_adam_step(optimizer, key, weight, gradient, norm, rate)


def _call_optimizer(
    optimizer: Callable[..., Any], key: Key, weight: Tensor, gradient: Tensor, settings: Dict[str, float]
) -> None:
    values = _share(weight)
    changed, _ = optimizer(key, values, _share(gradient), **settings)
    weight.copy_(torch.as_tensor(changed))


def _share(tensor: Tensor) -> Any:
    """A tensor as an array of thinc's that shares its memory; without cupy, of a GPU's tensor a copy."""
    return torch2xp(tensor) if has_cupy or tensor.device.type == "cpu" else tensor.cpu().numpy()


def _forget_grown(optimizer: Any, key: Key, weight: Tensor) -> None:
    """Begin anew with a weight whose size has changed: a head that got another label."""
    for memory in (optimizer.mom1, optimizer.mom2, optimizer.averages or {}):
        if key in memory and torch.as_tensor(memory[key]).numel() != weight.numel():
            del memory[key]
            optimizer.nr_update[key] = 0


def _recall(memory: Dict[Key, Any], key: Key, weight: Tensor) -> Tensor:
    """What the optimizer remembers of a weight, where the weight is; zeros at first."""
    if key not in memory:
        memory[key] = _share(torch.zeros_like(weight, device="cpu" if not has_cupy else weight.device).view(-1))
    found = torch.as_tensor(memory[key])
    if found.device != weight.device:
        found = memory[key] = found.to(weight.device)
    return found.view_as(weight)


def _take_adam_step(optimizer: Any, key: Key, weight: Tensor, gradient: Tensor, norm: float, rate: float) -> None:
    optimizer.nr_update[key] += 1
    step = optimizer.nr_update[key]
    if optimizer.L2 and not optimizer.L2_is_weight_decay:
        gradient.add_(weight, alpha=optimizer.L2)
        norm = float(gradient.norm())
    if optimizer.grad_clip and norm >= optimizer.grad_clip:
        gradient.mul_(optimizer.grad_clip / norm)
    adam(
        [weight],
        [gradient],
        [_recall(optimizer.mom1, key, weight)],
        [_recall(optimizer.mom2, key, weight)],
        [],
        [torch.tensor(float(step - 1), device=weight.device)],  # it counts on by itself
        fused=weight.device.type in ("cpu", "cuda"),
        amsgrad=False,
        beta1=optimizer.b1,
        beta2=optimizer.b2,
        lr=optimizer.learn_rate * rate,
        weight_decay=0.0,
        # thinc adds eps before the second moment's bias is corrected, PyTorch after.
        eps=optimizer.eps / (1 - optimizer.b2**step) ** 0.5,
        maximize=False,
    )
    if optimizer.L2 and optimizer.L2_is_weight_decay:
        weight.mul_(1 - rate * optimizer.learn_rate * optimizer.L2)
    if optimizer.averages is not None:
        average = _recall(optimizer.averages, key, weight)
        average.lerp_(weight, 1 - min((1 + step) / (10 + step), MAX_DECAY))
