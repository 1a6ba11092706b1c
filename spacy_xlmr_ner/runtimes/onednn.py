"""Linear layers as oneDNN multiplies them.

PyTorch multiplies float32 with MKL, which took 1.15 to 1.45 times as long on a processor of AMD, and adds the bias
beforehand in a pass of its own. The operators are those that torch.compile calls for a network whose weights do not
change. PyTorch's documentation has them not, so a network of them is tried before it is taken.
SOURCE: torch/_inductor/fx_passes/mkldnn_fusion.py
"""

import torch
from torch import Tensor


class PackedLinear(torch.nn.Module):
    """One or more linear layers of the same input over a copy of the weights, laid out for oneDNN.

    It does not follow them when they change.

    layers (torch.nn.Linear): On the CPU, in one of fast.DTYPES. Their outputs stand one behind the other.
    """

    def __init__(self, *layers: torch.nn.Linear):
        super().__init__()
        first = layers[0]
        weight, self.bias = first.weight.detach(), first.bias
        if len(layers) > 1:
            weight = torch.cat([layer.weight.detach() for layer in layers])
            self.bias = torch.nn.Parameter(torch.cat([layer.bias.detach() for layer in layers]), requires_grad=False)
        self._packed = torch.ops.mkldnn._reorder_linear_weight(weight, None)

    def forward(self, values: Tensor) -> Tensor:
        """As torch.nn.Linear, without gradients."""
        found: Tensor = torch.ops.mkldnn._linear_pointwise(values, self._packed, self.bias, "none", [], "")
        return found
