"""The network as a graph for ONNX Runtime, in those of the runtime's own operators that are fast.

Of its fused ones attention is. SkipLayerNormalization took four times as long as two additions and a
LayerNormalization, and BiasGelu twice as long as Gelu behind a product that adds the bias.

The graph is written node by node from the names of the weights. torch.onnx.export of transformers' model was tried
first: it follows the code of each version of both, and with transformers 5.23 and torch 2.13 the logits of padded
batches came out wrong by up to 2.8.
"""

import hashlib
import re
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Collection, Dict, List, Optional, Tuple

import numpy as np
import torch
from torch import Tensor

from .._compat import require_extra
from ..types import FloatArray, IntArray
from .architecture import PROJECTIONS, TABLES, find_misfit

EXTRA = "onnx"
OPSET, IR_VERSION, FUSED = 17, 8, "com.microsoft"
EMBEDDED, LENGTHS, ROWS, LOGITS = "embedded", "lengths", "rows", "logits"
SHAPE = "shape"  # of a batch
FLAT = "flat"  # the shape of all windows one behind the other
_TABLE = re.compile(r"_embeddings\.|position_ids|token_type_ids")
N_ROWS = 1024  # of a table, at least, that tell it from another

Node = Tuple[str, List[str], List[str], Dict[str, Any]]


class EncoderGraph:
    """The graph of one network, without its weights.

    It takes the sum of the embeddings, shape (n_windows, length, width), float32; the number of pieces of each window,
    shape (n_windows,), int32; and which pieces are read, shape (n_rows,), int64, counted over all windows. It gives
    their logits, shape (n_rows, n_tags): what stands behind the last layer's attention is computed for them alone.
    The table of the pieces is the largest part of most networks and is used row by row: it stays where it is.

    network (torch.nn.Module): Of transformers.
    RAISES (ValueError): If it is of another shape; with the reason.
    """

    def __init__(self, network: torch.nn.Module):
        config = network.config
        reason = find_misfit(network)
        if reason is not None:
            raise ValueError(reason)
        self.n_layers = config.num_hidden_layers
        self.n_heads = config.num_attention_heads
        self.epsilon = config.layer_norm_eps
        self._padding_idx: Optional[int] = network.base_model.embeddings.position_embeddings.padding_idx
        self._prefix = network.base_model_prefix
        self._state: Dict[str, Tensor] = network.state_dict()
        self._inner = {name: weight for name, weight in self._state.items() if not _TABLE.search(name)}

    def make_embedder(self) -> "Embedder":
        """What looks the pieces up in the network's own table."""
        pieces, positions, types = (
            self._state[f"{self._prefix}.embeddings.{name}_embeddings.weight"].detach().cpu() for name in TABLES
        )
        return Embedder(pieces, positions.float() + types[0].float(), padding_idx=self._padding_idx)

    def count_multiplied(self) -> int:
        """The weights that each piece is multiplied with."""
        return sum(weight.numel() for weight in self._inner.values())

    def find_weights(self) -> Dict[str, FloatArray]:
        """All other weights by the names that the graph calls them, float32.

        Those of the attention are laid out as the operator takes them; the others share memory with the network where
        that is on the CPU and in float32.
        """
        found = {}
        for name, weight in self._inner.items():
            if "attention.self" not in name:
                found[name] = _to_float(weight)
        for i in range(self.n_layers):
            own = f"{self._name_layer(i)}.attention.self"
            weights = [self._state[f"{own}.{part}.weight"].float().T for part in PROJECTIONS]
            found[f"{own}.weight"] = _to_float(torch.cat(weights, dim=1))
            found[f"{own}.bias"] = _to_float(torch.cat([self._state[f"{own}.{part}.bias"] for part in PROJECTIONS]))
        return found

    def compute_fingerprint(self, *, with_weights: bool) -> str:
        """What tells this graph from those of other networks.

        with_weights (bool): Also of networks of the same shape: by all weights of the graph, and by rows here and there
            of the tables, which are large and mapped from their file. They are not in the graph, but how right int8 is
            hangs on them.
        """
        digest = hashlib.sha256(f"{self.n_layers} {self.n_heads} {self.epsilon}".encode())
        for name, weight in sorted(self._inner.items()):
            digest.update(f"{name} {tuple(weight.shape)}".encode())
            if with_weights:
                digest.update(_to_bytes(weight))
        if with_weights:
            for name in TABLES:
                table = self._state[f"{self._prefix}.embeddings.{name}_embeddings.weight"]
                digest.update(f"{name} {tuple(table.shape)}".encode())
                digest.update(_to_bytes(table[:: max(1, len(table) // N_ROWS)]))
        return digest.hexdigest()

    def make_model(self, weights: Dict[str, FloatArray], *, with_weights: bool) -> Any:
        """Make the graph.

        weights (Dict[str, FloatArray]): Of find_weights.
        with_weights (bool): Put them in, in the layout that quantize_dynamic knows; else a session is to be given them.
        RETURNS (onnx.ModelProto): The graph.
        """
        onnx = require_extra("onnx", extra=EXTRA)
        make = onnx.helper
        describe, floats = make.make_tensor_value_info, onnx.TensorProto.FLOAT
        n_tags, width = weights["classifier.weight"].shape
        graph = make.make_graph(
            [make.make_node(*arguments, **settings) for *arguments, settings in self._list_nodes(with_weights)],
            "encoder",
            [
                describe(EMBEDDED, floats, ["n_windows", "length", width]),
                describe(LENGTHS, onnx.TensorProto.INT32, ["n_windows"]),
                describe(ROWS, onnx.TensorProto.INT64, ["n_rows"]),
            ],
            [describe(LOGITS, floats, ["n_rows", n_tags])],
            [
                *(_make_initializer(onnx, name, weight, inside=with_weights) for name, weight in weights.items()),
                onnx.numpy_helper.from_array(np.array([-1, width], dtype=np.int64), FLAT),
            ],
        )
        opsets = [make.make_opsetid("", OPSET), make.make_opsetid(FUSED, 1)]
        return make.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION)

    def _list_nodes(self, with_weights: bool) -> List[Node]:
        """The operators in their order."""
        nodes: List[Node] = [("Shape", [EMBEDDED], [SHAPE], {})]

        def add(operator: str, inputs: List[str], name: str, **settings: Any) -> str:
            nodes.append((operator, inputs, [name], settings))
            return name

        def normalise(name: str, inputs: str) -> str:
            weights = [f"{name}.LayerNorm.weight", f"{name}.LayerNorm.bias"]
            return add("LayerNormalization", [inputs, *weights], name, axis=-1, epsilon=self.epsilon)

        def multiply(name: str, inputs: str, out: str) -> str:
            weight, bias = f"{name}.weight", f"{name}.bias"
            if not with_weights:
                return add("Gemm", [inputs, weight, bias], out, transB=1)
            nodes.append(("MatMul", [inputs, weight], [f"{name}.product"], {"name": name}))
            return add("Add", [f"{name}.product", bias], out)

        def finish(name: str, inputs: str, skipped: str) -> str:
            own = multiply(f"{name}.dense", inputs, f"{name}.dense.out")
            return normalise(name, add("Add", [own, skipped], f"{name}.sum"))

        hidden = normalise(f"{self._prefix}.embeddings", EMBEDDED)
        for i in range(self.n_layers):
            layer = self._name_layer(i)
            own, wide = f"{layer}.attention.self", f"{layer}.intermediate"
            inputs = [hidden, f"{own}.weight", f"{own}.bias", LENGTHS]
            nodes.append(("Attention", inputs, [own], {"name": own, "domain": FUSED, "num_heads": self.n_heads}))
            own, hidden = (add("Reshape", [name, FLAT], f"{name}.flat") for name in (own, hidden))
            if i == self.n_layers - 1:
                own, hidden = (add("Gather", [name, ROWS], f"{name}.rows", axis=0) for name in (own, hidden))
            middle = finish(f"{layer}.attention.output", own, hidden)
            inner = multiply(f"{wide}.dense", middle, f"{wide}.dense.out")
            hidden = finish(f"{layer}.output", add("Gelu", [inner], wide, domain=FUSED), middle)
            if i < self.n_layers - 1:
                hidden = add("Reshape", [hidden, SHAPE], f"{hidden}.windows")
        multiply("classifier", hidden, LOGITS)
        return nodes

    def _name_layer(self, i: int) -> str:
        return f"{self._prefix}.encoder.layer.{i}"


def _make_initializer(onnx: Any, name: str, weight: FloatArray, *, inside: bool) -> Any:
    if inside:
        is_dense = weight.ndim == 2 and not name.endswith("attention.self.weight")
        return onnx.numpy_helper.from_array(weight.T.copy() if is_dense else weight, name)
    tensor = onnx.TensorProto(
        name=name, data_type=onnx.TensorProto.FLOAT, dims=weight.shape, data_location=onnx.TensorProto.EXTERNAL
    )
    for key, value in (("location", "weights"), ("offset", 0), ("length", weight.nbytes)):
        tensor.external_data.add(key=key, value=str(value))
    return tensor


def quantize(model: Any, *, left_out: Collection[str] = ()) -> bytes:
    """Make the matrices of a graph int8, the activations as they come (ONNX Runtime's dynamic quantisation).

    Weights take seven of the eight bits: with eight the sums of two products overflow on processors without VNNI.

    model (onnx.ModelProto): Of EncoderGraph.make_model, with its weights.
    left_out (Collection[str]): Names of nodes that stay float32.
    RETURNS (bytes): The quantised graph.
    SOURCE: ONNX Runtime's page on quantization, "When and why do I need to try U8U8?"
    """
    tools = require_extra("onnxruntime.quantization", extra=EXTRA)
    model.metadata_props.add(key="onnx.quant.pre_process", value="onnxruntime.quant")  # nothing is left to prepare
    with TemporaryDirectory() as folder:
        out = Path(folder) / "quantized.onnx"
        tools.quantize_dynamic(
            model,
            str(out),
            op_types_to_quantize=["Attention", "MatMul"],
            nodes_to_exclude=sorted(left_out),
            per_channel=True,
            reduce_range=True,
            weight_type=tools.QuantType.QInt8,
            extra_options={"DefaultTensorType": 1},
        )
        return out.read_bytes()


class Embedder:
    """Sums the embeddings of pieces and their positions.

    In NumPy: PyTorch's threads would go on waiting for work for a while, in the way of ONNX Runtime's. That took an
    eighth of the time of a small network.

    pieces (Tensor): Shape (n_pieces, width). Shared, in its own dtype.
    positions (Tensor): Shape (n_positions, width), float32. Those of the types are in it.
    padding_idx (Optional[int]): Where positions are counted from, padding left out, as RoBERTa's are; None: from 0.
    """

    def __init__(self, pieces: Tensor, positions: Tensor, *, padding_idx: Optional[int]):
        self._is_bfloat16 = pieces.dtype == torch.bfloat16  # which NumPy does not know
        self._pieces = (pieces.view(torch.uint16) if self._is_bfloat16 else pieces).numpy()
        self._positions: FloatArray = positions.numpy()
        self._padding_idx = padding_idx

    def __call__(self, ids: IntArray) -> FloatArray:
        """Embed a batch.

        ids (IntArray): Shape (n_windows, length), padded.
        RETURNS (FloatArray): Shape (n_windows, length, width), float32.
        SOURCE: transformers, create_position_ids_from_input_ids.
        """
        rows = self._pieces[ids]
        if self._is_bfloat16:  # the upper half of a float32
            rows = (rows.astype(np.uint32) << 16).view(np.float32)
        embedded: FloatArray = rows.astype(np.float32, copy=False)
        if self._padding_idx is None:
            embedded += self._positions[: ids.shape[1]]
        else:
            is_piece = ids != self._padding_idx
            embedded += self._positions[is_piece.cumsum(axis=1) * is_piece + self._padding_idx]
        return embedded


def _to_bytes(weight: Tensor) -> memoryview:
    """The bytes of a weight, for a digest."""
    return weight.detach().cpu().contiguous().view(torch.uint8).numpy().data


def _to_float(weight: Tensor) -> FloatArray:
    return weight.detach().to("cpu", torch.float32).contiguous().numpy()
