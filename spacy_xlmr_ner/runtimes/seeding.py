"""Random weights that a seed decides."""

from contextlib import contextmanager
from typing import Iterator

import torch


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Draw PyTorch's random numbers on the CPU from a seed, and leave the row of numbers outside as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield
