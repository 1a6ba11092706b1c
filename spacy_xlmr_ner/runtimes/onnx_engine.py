"""Graphs made of a checkpoint when they are needed, checked, and kept beside its weights."""

import hashlib
import json
import warnings
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Optional, Sequence, Tuple

import numpy as np
from spacy.tokens import Doc
from spacy.vocab import Vocab

from .._compat import require_extra
from ..errors import Errors, Warnings
from ..pieces.alignment import pool_logits
from ..pieces.runner import compute_piece_logits
from ..pieces.windows import find_token_ranges, own_tokens
from ..tags import OUTSIDE
from ..types import InputSettings, IntArray, LoadedCheckpoint, OnnxPrecision, Runtime
from .onnx import OnnxRuntime
from .onnx_graph import EXTRA, EncoderGraph, quantize
from .sample_text import SAMPLE
from .torch import TorchRuntime, leave_parent_threads

FORMAT_VERSION = 1
# int8 is to give so large a share of the words of entities in SAMPLE the tag that float32 gives them.
LEAST_AGREEMENT = 0.995
# Nodes that stay float32 where it does not, each tried in turn: by how their names end.
LEFT_OUT: Tuple[Tuple[str, ...], ...] = ((), ("output.dense",), ("output.dense", "attention.self"))


@dataclass(frozen=True)
class Graph:
    """A graph that was made.

    model (bytes): In ONNX's format; a float32 one without its weights.
    fingerprint (str): Of the weights that it was made of.
    agreement (float): The share of the words that it or float32 takes for entities, in SAMPLE, that get the same tag.
    """

    model: bytes
    fingerprint: str
    agreement: float


class OnnxEngine:
    """Makes runtimes of ONNX Runtime.

    precision (OnnxPrecision): "float32", or "int8": matrices and what they are multiplied with in eight bits.
    device (Optional[str]): "cpu" or None.
    """

    def __init__(self, *, precision: OnnxPrecision, device: Optional[str]):
        self._precision = precision
        self._device = device
        self._graph: Optional[Graph] = None

    def __reduce__(self) -> Any:
        return _restore_engine, (self._precision, self._device)  # the graph is pickled with the checkpoint's files

    def prepare(self) -> None:
        """As types.Engine. RAISES (ValueError): XN128 for another device; (ImportError): XN112 without the extra."""
        leave_parent_threads()
        if self._device not in (None, "cpu"):
            raise ValueError(Errors.XN128.format(device=self._device))
        require_extra("onnxruntime", extra=EXTRA)

    def make_runtime(self, checkpoint: LoadedCheckpoint) -> Runtime:
        """As types.Engine. Warns with XW403 of a network that runs in PyTorch, with XW405 of an int8 that is off."""
        encoder = _find_encoder(checkpoint)
        if encoder is None:
            return TorchRuntime(checkpoint.network, precision="float32", device="cpu")
        graph = self._get_graph(encoder, checkpoint)
        return OnnxRuntime(encoder, graph.model, {} if self._precision == "int8" else encoder.find_weights())

    def _get_graph(self, encoder: EncoderGraph, checkpoint: LoadedCheckpoint) -> Graph:
        """The graph of the weights as they are now; made if there is none."""
        fingerprint = encoder.compute_fingerprint()
        if self._graph is None or self._graph.fingerprint != fingerprint:
            self._graph = self._make_graph(encoder, checkpoint, fingerprint)
        if self._graph.agreement < LEAST_AGREEMENT:
            share = f"{1 - self._graph.agreement:.1%}"
            warnings.warn(Warnings.XW405.format(checkpoint=checkpoint.origin, share=share), stacklevel=2)
        return self._graph

    def _make_graph(self, encoder: EncoderGraph, checkpoint: LoadedCheckpoint, fingerprint: str) -> Graph:
        weights = encoder.find_weights()
        bare = encoder.make_model(weights, with_weights=False).SerializeToString()
        if self._precision == "float32":
            return Graph(bare, fingerprint, agreement=1.0)
        expected = tag_sample(OnnxRuntime(encoder, bare, weights), checkpoint)
        best: Optional[Graph] = None
        for endings in LEFT_OUT:
            whole = encoder.make_model(weights, with_weights=True)
            left_out = [node.name for node in whole.graph.node if node.name.endswith(endings)]
            model = quantize(whole, left_out=left_out)
            found = tag_sample(OnnxRuntime(encoder, model, {}), checkpoint)
            graph = Graph(model, fingerprint, compare_tags(found, expected, checkpoint.tags))
            if best is None or graph.agreement > best.agreement:
                best = graph
            if best.agreement >= LEAST_AGREEMENT:
                break
        assert best is not None
        return best

    def write(self, checkpoint: LoadedCheckpoint, folder: Path) -> None:
        """As types.Engine: the graph, and a note of what it belongs to."""
        encoder = _find_encoder(checkpoint)
        if encoder is not None:
            graph = self._get_graph(encoder, checkpoint)
            note = {**asdict(graph), "format": FORMAT_VERSION, "model": _hash(graph.model)}
            self._find_note(folder).write_text(json.dumps(note, indent=2), encoding="utf8")
            self._find_file(folder).write_bytes(graph.model)

    def read(self, checkpoint: LoadedCheckpoint, folder: Path) -> None:
        """As types.Engine. Warns with XW404 of a graph that is damaged or of other weights, and leaves it."""
        self._graph = None
        file = self._find_file(folder)
        if not file.is_file():
            return
        try:
            note = json.loads(self._find_note(folder).read_text(encoding="utf8"))
            graph = Graph(file.read_bytes(), str(note["fingerprint"]), float(note["agreement"]))
            if note["format"] != FORMAT_VERSION:
                raise ValueError(f"its format is {note['format']}, not {FORMAT_VERSION}")
            if note["model"] != _hash(graph.model):
                raise ValueError("it is not what was written")
            if graph.fingerprint != EncoderGraph(checkpoint.network).compute_fingerprint():
                raise ValueError("it was made of other weights")
        except (OSError, ValueError, KeyError, TypeError) as err:
            warnings.warn(Warnings.XW404.format(file=file.name, path=folder, reason=err), stacklevel=2)
        else:
            self._graph = graph

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


def tag_sample(runtime: Runtime, checkpoint: LoadedCheckpoint) -> IntArray:
    """The tag of each word of SAMPLE, as it is and in lower case, shape (n_words,)."""
    vocab = Vocab()
    sentences = [*SAMPLE, *map(str.lower, SAMPLE)]
    result = compute_piece_logits(
        [Doc(vocab, sentence.split()) for sentence in sentences],
        checkpoint.tokenizer,
        runtime,
        settings=InputSettings(input="words", pooling="first", window=None, overlap=0, max_batch_pieces=2048),
        max_window=checkpoint.max_window,
        n_tags=len(checkpoint.tags),
    )
    tokens = result.pieces.tokens
    rows, links = result.find_rows(tokens, own_tokens(*find_token_ranges(tokens), result.windows))
    return pool_logits(result.logits[rows], links, "first").argmax(axis=1)


def compare_tags(found: IntArray, expected: IntArray, tags: Sequence[str]) -> float:
    """The share of words with the same tag, of those that either takes for part of an entity; 1.0 if there are none."""
    in_ent = np.array([tag != OUTSIDE for tag in tags])
    either = in_ent[found] | in_ent[expected]
    return float((found == expected)[either].mean()) if either.any() else 1.0


def _hash(model: bytes) -> str:
    return hashlib.sha256(model).hexdigest()


def _restore_engine(precision: OnnxPrecision, device: Optional[str]) -> OnnxEngine:
    return OnnxEngine(precision=precision, device=device)
