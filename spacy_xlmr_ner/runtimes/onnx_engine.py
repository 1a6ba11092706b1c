"""Graphs made of a checkpoint when they are needed, checked, and kept beside its weights."""

import hashlib
import json
import warnings
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Optional, Tuple

from .._compat import require_extra
from ..errors import Warnings
from ..types import LoadedCheckpoint, OnnxPrecision, Runtime
from .agreement import Agreement, compare_logits, score_sample
from .onnx import OnnxRuntime
from .onnx_graph import EXTRA, EncoderGraph, quantize
from .torch import check_device_name, leave_parent_threads
from .torch_engine import make_torch_runtime

# 1 gave the logits of all pieces, 2 had other operators, 3 knew nothing of the tables that int8 was judged with.
FORMAT_VERSION = 4
# int8 is to give so large a share of the words of entities in the sample the tag that float32 gives them (with forms of
# the model in the package 99.83, 99.84 and 99.86 % went with 99.4, 99.6 and 99.5 % of the entities of the dev sets,
# where 99.5 % are wanted: it is not exact) ...
LEAST_AGREEMENT = 0.9984
# ... and by fewer words than this it cannot be judged.
LEAST_WORDS = 50
# Nodes that stay float32, each set in turn until int8 is right: by parts of their names. The head is small and counts
# most; what the first layer loses goes through all others.
LEFT_OUT: Tuple[Tuple[str, ...], ...] = (
    ("classifier",),
    ("classifier", ".layer.0."),
    ("classifier", ".layer.0.", "attention.self"),
    ("classifier", ".layer.0.", ".layer.1."),
    ("classifier", "output.dense", "attention.self"),
)


@dataclass(frozen=True)
class Graph:
    """A graph that was made.

    model (bytes): In ONNX's format; a float32 one without its weights.
    fingerprint (str): Of what it was made of.
    agreement (Agreement): With float32.
    """

    model: bytes
    fingerprint: str
    agreement: Agreement


class OnnxEngine:
    """Makes runtimes of ONNX Runtime, on the CPU.

    precision (OnnxPrecision): "float32", or "int8": matrices and what they are multiplied with in eight bits.
    device (Optional[str]): Where a network runs in PyTorch that cannot run here.
    """

    def __init__(self, *, precision: OnnxPrecision, device: Optional[str]):
        self._precision = precision
        self._device = device
        self._graph: Optional[Graph] = None
        self._source: Optional[Path] = None  # of a graph that was read and has not been run yet

    def __reduce__(self) -> Any:
        return _restore_engine, (self._precision, self._device)  # the graph is pickled with the checkpoint's files

    def prepare(self) -> None:
        """As types.Engine. RAISES (ImportError): XN112 without the extra. ValueError: XN108 for what is no device.

        It need not be there: where it is not, as where a pipeline is served, ONNX Runtime has no need of it.
        """
        leave_parent_threads()
        require_extra("onnxruntime", extra=EXTRA)
        check_device_name(self._device)

    def make_runtime(self, checkpoint: LoadedCheckpoint) -> Runtime:
        """As types.Engine. Warns with XW403 of a network that runs in PyTorch, XW405 or XW406 of a doubtful int8."""
        leave_parent_threads()
        encoder = _find_encoder(checkpoint)
        if encoder is not None:
            try:
                return self._make_onnx_runtime(encoder, checkpoint)
            except (ImportError, MemoryError):
                raise
            except Exception as err:  # those of ONNX Runtime have no class in common
                if self._source is not None:
                    self._drop(self._source, err)
                    return self.make_runtime(checkpoint)
                warnings.warn(Warnings.XW403.format(checkpoint=checkpoint.origin, reason=err), stacklevel=2)
        return make_torch_runtime(checkpoint.network, precision="float32", device=self._device)

    def _make_onnx_runtime(self, encoder: EncoderGraph, checkpoint: LoadedCheckpoint) -> OnnxRuntime:
        graph = self._get_graph(encoder, checkpoint, self._compute_fingerprint(encoder))
        weights = {} if self._precision == "int8" else encoder.find_weights()
        runtime = OnnxRuntime(encoder, graph.model, weights)
        self._source = None
        return runtime

    def _get_graph(self, encoder: EncoderGraph, checkpoint: LoadedCheckpoint, fingerprint: str) -> Graph:
        """The graph of the weights as they are now; made if there is none."""
        if self._graph is None or self._graph.fingerprint != fingerprint:
            self._graph = self._make_graph(encoder, checkpoint, fingerprint)
            self._source = None
        if self._precision == "int8":
            _warn_of(self._graph.agreement, checkpoint)
        return self._graph

    def _compute_fingerprint(self, encoder: EncoderGraph) -> str:
        return encoder.compute_fingerprint(with_weights=self._precision == "int8")

    def _make_graph(self, encoder: EncoderGraph, checkpoint: LoadedCheckpoint, fingerprint: str) -> Graph:
        weights = encoder.find_weights()
        bare = encoder.make_model(weights, with_weights=False).SerializeToString()
        if self._precision == "float32":
            return Graph(bare, fingerprint, Agreement(1.0, 0))
        expected = score_sample(OnnxRuntime(encoder, bare, weights), checkpoint)
        graphs = []
        for parts in LEFT_OUT:
            whole = encoder.make_model(weights, with_weights=True)
            left_out = [node.name for node in whole.graph.node if any(part in node.name for part in parts)]
            model = quantize(whole, left_out=left_out)
            found = score_sample(OnnxRuntime(encoder, model, {}), checkpoint)
            graphs.append(Graph(model, fingerprint, compare_logits(found, expected, checkpoint.tags)))
            if graphs[-1].agreement.share >= LEAST_AGREEMENT:
                break
        return max(graphs, key=lambda graph: graph.agreement.share)

    def write(self, checkpoint: LoadedCheckpoint, folder: Path, *, make: bool) -> None:
        """As types.Engine: the graph, and a note of what it belongs to. None is written of an untrained head.

        Warns with XW407 if it cannot be made: the weights are worth more than it.
        """
        leave_parent_threads()
        encoder = None if checkpoint.missing else _find_encoder(checkpoint)
        if encoder is None:
            return
        fingerprint = self._compute_fingerprint(encoder)
        if not make and (self._graph is None or self._graph.fingerprint != fingerprint):
            return
        try:
            graph = self._get_graph(encoder, checkpoint, fingerprint)
        except Exception as err:
            warnings.warn(Warnings.XW407.format(checkpoint=checkpoint.origin, reason=err), stacklevel=2)
            return
        note = {**asdict(graph), "format": FORMAT_VERSION, "model": _hash(graph.model)}
        self._find_note(folder).write_text(json.dumps(note, indent=2), encoding="utf8")
        self._find_file(folder).write_bytes(graph.model)

    def read(self, checkpoint: LoadedCheckpoint, folder: Path) -> None:
        """As types.Engine. Warns with XW404 of a graph that is damaged or of other weights, and leaves it."""
        leave_parent_threads()
        self._graph = self._source = None
        file = self._find_file(folder)
        if not file.is_file():
            return
        try:
            note = json.loads(self._find_note(folder).read_text(encoding="utf8"))
            graph = Graph(file.read_bytes(), str(note["fingerprint"]), Agreement(**note["agreement"]))
            if note["format"] != FORMAT_VERSION:
                raise ValueError(f"its format is {note['format']}, not {FORMAT_VERSION}")
            if not 0 <= graph.agreement.share <= 1:
                raise ValueError(f"its share of right tags is {graph.agreement.share}")
            if note["model"] != _hash(graph.model):
                raise ValueError("it is not what was written")
            if graph.fingerprint != self._compute_fingerprint(EncoderGraph(checkpoint.network)):
                raise ValueError("it was made of other weights")
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as err:
            self._drop(file, err)
        else:
            self._graph, self._source = graph, file

    def _drop(self, file: Path, reason: Exception) -> None:
        warnings.warn(Warnings.XW404.format(file=file.name, path=file.parent, reason=reason), stacklevel=3)
        self._graph = self._source = None

    def _find_file(self, folder: Path) -> Path:
        return folder / f"graph.{self._precision}.onnx"

    def _find_note(self, folder: Path) -> Path:
        return folder / f"graph.{self._precision}.json"


def _find_encoder(checkpoint: LoadedCheckpoint) -> Optional[EncoderGraph]:
    """The network as a graph; None, with a warning, if it is of another shape."""
    try:
        return EncoderGraph(checkpoint.network)
    except ValueError as err:
        warnings.warn(Warnings.XW403.format(checkpoint=checkpoint.origin, reason=err), stacklevel=2)
        return None


def _warn_of(agreement: Agreement, checkpoint: LoadedCheckpoint) -> None:
    """Say of an int8 that it is off, or that nobody knows."""
    if agreement.share < LEAST_AGREEMENT:
        share = f"{1 - agreement.share:.1%}"
        message = Warnings.XW405.format(checkpoint=checkpoint.origin, share=share, n_words=agreement.n_words)
        warnings.warn(message, stacklevel=2)
    elif agreement.n_words < LEAST_WORDS:
        message = Warnings.XW406.format(checkpoint=checkpoint.origin, n_words=agreement.n_words)
        warnings.warn(message, stacklevel=2)


def _hash(model: bytes) -> str:
    return hashlib.sha256(model).hexdigest()


def _restore_engine(precision: OnnxPrecision, device: Optional[str]) -> OnnxEngine:
    return OnnxEngine(precision=precision, device=device)
