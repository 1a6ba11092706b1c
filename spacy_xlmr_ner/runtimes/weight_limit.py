"""How large a network may become while it is built."""

import threading
from contextlib import contextmanager
from typing import Any, Iterator

from torch.nn.modules.module import (
    register_module_buffer_registration_hook,
    register_module_parameter_registration_hook,
)

# What the header of a weights file takes for a tensor, at least: its name, dtype, shape and place.
HEADER_BYTES = 50
# Weights that a file may lack: a head, or what a library has of its own.
SLACK = 2**20


@contextmanager
def limit_weights(n_bytes: int) -> Iterator[None]:
    """Stop the building of a network that the file of its weights cannot fill.

    Sizes in a settings file are but numbers: without this they would take memory and hours first, and then it would be
    seen that the file holds other shapes. A value takes a byte at least.

    n_bytes (int): Of the weights' files.
    RAISES (ValueError): If this thread builds a network of more.
    """
    limit = n_bytes + SLACK
    thread = threading.get_ident()
    size = 0

    def count(module: Any, name: str, tensor: Any) -> None:
        nonlocal size
        is_new = module._parameters.get(name) is None and module._buffers.get(name) is None
        if tensor is None or not is_new or threading.get_ident() != thread:
            return
        size += tensor.numel() + HEADER_BYTES
        if size > limit:
            raise ValueError(f"its {n_bytes} bytes cannot hold the weights of a network of the sizes in config.json")

    hooks = [register_module_parameter_registration_hook(count), register_module_buffer_registration_hook(count)]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
