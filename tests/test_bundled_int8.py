"""What the script that trains the model in the package takes int8 for, against ONNX Runtime."""

import sys
from pathlib import Path

import numpy as np
import pytest
import torch

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

from spacy_xlmr_ner.runtimes.onnx_graph import quantize  # noqa: E402

sys.path.append(str(Path(__file__).parents[1] / "scripts"))
from bundled_int8 import CutValues, CutWeight, round_weight  # noqa: E402


@pytest.fixture
def weight():
    """Shape (n_out, n_in), rows of different sizes."""
    generator = torch.Generator().manual_seed(0)
    return torch.randn(8, 32, generator=generator) * torch.logspace(-2, 1, 8)[:, None]


def make_model(*nodes, **initializers):
    make = onnx.helper
    value = make.make_tensor_value_info
    graph = make.make_graph(
        [make.make_node(operator, inputs, outputs, name=outputs[0]) for operator, inputs, outputs in nodes],
        "graph",
        [value("values", onnx.TensorProto.FLOAT, ["n", "width"])],
        [value("found", onnx.TensorProto.FLOAT, None)],
        [onnx.numpy_helper.from_array(array, name) for name, array in initializers.items()],
    )
    return make.make_model(graph, opset_imports=[make.make_opsetid("", 17)], ir_version=8)


def read_quantized(model):
    """The matrix that a quantised product multiplies with, as numbers."""
    arrays = {one.name: onnx.numpy_helper.to_array(one) for one in onnx.load_from_string(model).graph.initializer}
    return arrays["weight_quantized"].astype(np.float32) * arrays["weight_scale"]


def test_weights_are_rounded_as_the_graphs(weight):
    model = make_model(("MatMul", ["values", "weight"], ["found"]), weight=weight.T.contiguous().numpy())
    expected = read_quantized(quantize(model)).T
    np.testing.assert_allclose(round_weight(weight).numpy(), expected, rtol=1e-5)


def test_rounded_weights_lose_nothing_more(weight):
    rounded = round_weight(weight).half().float()  # as they are written
    model = make_model(("MatMul", ["values", "weight"], ["found"]), weight=rounded.T.contiguous().numpy())
    np.testing.assert_allclose(read_quantized(quantize(model)).T, rounded.numpy(), rtol=2e-3)


def test_values_are_rounded_as_the_runtimes():
    values = torch.randn(16, 32, generator=torch.Generator().manual_seed(1)) + 0.5
    nodes = (
        ("DynamicQuantizeLinear", ["values"], ["cut", "scale", "zero"]),
        ("DequantizeLinear", ["cut", "scale", "zero"], ["found"]),
    )
    model = make_model(*nodes).SerializeToString()
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    step = float(values.max() - values.min()) / 255
    found = CutValues.apply(values).numpy()
    expected = session.run(None, {"values": values.numpy()})[0]
    # Values at the very ends may be cut by a step, where 0 is not on the grid of the ends.
    assert (np.abs(found - expected) < 1e-5).mean() > 0.99
    np.testing.assert_allclose(found, expected, atol=1.01 * step)


@pytest.mark.parametrize("cut", [CutWeight, CutValues])
def test_gradient_passes_as_if_nothing_were_cut(weight, cut):
    weight.requires_grad_()
    (cut.apply(weight) * 3).sum().backward()
    torch.testing.assert_close(weight.grad, torch.full_like(weight, 3))
