import numpy as np
import pytest
import torch

from spacy_xlmr_ner.runtimes.onednn import PackedLinear, QuantizedLinear, RoundedLinear, quantize

pytestmark = pytest.mark.skipif(not torch.backends.mkldnn.is_available(), reason="this PyTorch has no oneDNN")


def make_linear(weight, bias):
    linear = torch.nn.Linear(len(weight[0]), len(weight))
    with torch.no_grad():
        linear.weight.copy_(torch.tensor(weight))
        linear.bias.copy_(torch.tensor(bias))
    return linear


@pytest.fixture
def layers():
    """Two linear layers of 64 numbers, each row of another size."""
    torch.manual_seed(0)
    made = [torch.nn.Linear(64, 48), torch.nn.Linear(64, 16)]
    with torch.no_grad():
        for layer in made:
            layer.weight.mul_(torch.logspace(-2, 1, len(layer.weight))[:, None])
    return made


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


@torch.inference_mode()
def test_rounded_linear_computes_in_one_dtype_and_gives_another(layers):
    values = torch.randn(3, 64)
    found = RoundedLinear(*layers, inner=torch.bfloat16, dtype=torch.float32)(values)
    rounded = [layer.to(torch.bfloat16) for layer in layers]
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, compute(rounded, values.bfloat16()).float(), atol=1e-2, rtol=1e-2)


@pytest.mark.parametrize(
    "values, whole, step, zero",
    [
        ([0.0, 0.25, 1.0], [0, 64, 255], 1 / 255, 0),
        ([-1.0, 0.0, 1.55], [0, 100, 255], 0.01, 100),
        ([-5.1, -2.0, -0.02], [0, 155, 254], 0.02, 255),  # 0 is one of the numbers, also where none is as large
        ([0.0, 0.0, 0.0], [0, 0, 0], torch.finfo(torch.float32).tiny, 0),
    ],
    ids=["from none", "both signs", "below", "nothing"],
)
@pytest.mark.parametrize("has_operator", [True, False])
@pytest.mark.filterwarnings("ignore:.*quantize_per_tensor")
def test_values_are_rounded_to_256_numbers(values, whole, step, zero, has_operator, monkeypatch):
    if not has_operator:
        monkeypatch.delattr(torch, "quantize_per_tensor")
    found = quantize(torch.tensor([values]))
    assert found.whole.tolist() == [whole]
    assert found.whole.dtype == torch.uint8
    assert (float(found.step), int(found.zero)) == (pytest.approx(step), zero)


def multiply_by_hand(layers, values):
    """In numpy, as whole numbers times their steps."""
    weight, bias = (np.concatenate([getattr(layer, name).numpy() for layer in layers]) for name in ("weight", "bias"))
    steps = np.abs(weight).max(axis=1) / 64
    step = (max(values.max(), 0) - min(values.min(), 0)) / 255
    zero = np.round(-min(values.min(), 0) / step)
    whole = np.clip(np.round(values / step) + zero, 0, 255) - zero
    return whole @ np.round(weight / steps[:, None]).T * step * steps + bias


@torch.inference_mode()
@pytest.mark.filterwarnings("ignore:.*quantize_per_tensor")
@pytest.mark.parametrize("dtype, tolerance", [(torch.float32, 1e-3), (torch.bfloat16, 2e-2)])
def test_quantized_linear_multiplies_whole_numbers(layers, dtype, tolerance):
    values = torch.randn(2, 5, 64)
    found = QuantizedLinear(*layers, dtype=dtype)(values)
    expected = multiply_by_hand(layers, values.numpy())
    assert (found.shape, found.dtype) == ((2, 5, 64), dtype)
    np.testing.assert_allclose(found.float().numpy(), expected, rtol=tolerance, atol=tolerance)


@torch.inference_mode()
@pytest.mark.filterwarnings("ignore:.*quantize_per_tensor")
def test_quantized_linear_is_exact_where_all_is_whole():
    """Steps of 1/64 and 1: 255 * 0.5 - 64 / 64 * 100 + 3."""
    linear = make_linear([[0.5, -1.0], [0.0, 0.0]], [3.0, 7.0])
    found = QuantizedLinear(linear, dtype=torch.float32)(torch.tensor([[255.0, 100.0], [0.0, 1.0]]))
    assert found.tolist() == [[30.5, 7.0], [2.0, 7.0]]


@torch.inference_mode()
@pytest.mark.filterwarnings("ignore:.*quantize_per_tensor")
def test_sums_do_not_overflow():
    """A processor without VNNI adds two products in 16 bits: 2 * 255 * 64 is less than 2**15."""
    linear = make_linear([[1.0] * 64], [0.0])
    found = QuantizedLinear(linear, dtype=torch.float32)(torch.full((4, 64), 255.0))
    assert found.flatten().tolist() == [64 * 255.0] * 4


@torch.inference_mode()
@pytest.mark.filterwarnings("ignore:.*quantize_per_tensor")
def test_what_is_no_number_stays_none(layers):
    values = torch.randn(2, 64)
    values[0, 0] = float("nan")
    assert QuantizedLinear(*layers, dtype=torch.float32)(values).isnan().any()
