import pytest
import torch

from spacy_xlmr_ner.runtimes.onednn import PackedLinear

pytestmark = pytest.mark.skipif(not torch.backends.mkldnn.is_available(), reason="this PyTorch has no oneDNN")


@pytest.fixture
def layers():
    """Two linear layers of 64 numbers."""
    torch.manual_seed(0)
    return [torch.nn.Linear(64, 48), torch.nn.Linear(64, 16)]


def compute(layers, values):
    return torch.cat([layer(values) for layer in layers], dim=-1)


@torch.inference_mode()
@pytest.mark.parametrize("n_layers", [1, 2])
def test_packed_linear_is_linear(layers, n_layers):
    values = torch.randn(2, 5, 64)
    found = PackedLinear(*layers[:n_layers])(values)
    torch.testing.assert_close(found, compute(layers[:n_layers], values), atol=1e-4, rtol=1e-4)


@torch.inference_mode()
def test_packed_linear_needs_no_bias():
    linear = torch.nn.Linear(8, 4, bias=False)
    values = torch.randn(3, 8)
    torch.testing.assert_close(PackedLinear(linear)(values), linear(values), atol=1e-5, rtol=1e-4)
