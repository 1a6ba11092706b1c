"""The types that component and model share."""

from dataclasses import dataclass
from pathlib import Path
from typing import (
    Any,
    Callable,
    ContextManager,
    List,
    Literal,
    Mapping,
    NamedTuple,
    Optional,
    Protocol,
    Sequence,
    Tuple,
    Union,
    runtime_checkable,
)

import numpy as np
from numpy.typing import NDArray
from spacy.tokens import Doc
from thinc.api import Model
from thinc.types import Floats2d

SchemeName = Literal["io", "iob", "bioes"]
Decoding = Literal["viterbi", "argmax"]
ExistingEnts = Literal["keep", "overwrite", "best"]
Input = Literal["words", "text"]
Pooling = Literal["first", "mean", "max"]
Precision = Literal["float32", "bfloat16", "float16"]
RuntimeName = Literal["torch", "onnx"]
OnnxPrecision = Literal["float32", "int8"]

Freeze = Union[Literal["embeddings", "encoder"], int, None]

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float32]
BoolArray = NDArray[np.bool_]

TaggerModel = Model[List[Doc], List[Floats2d]]
"""The contract: for each doc logits of shape (n_tokens, n_tags), rows in token order, NaN where a token has no pieces.

Its `attrs` are functions, called as thinc calls a layer's own, with the model first:

check_trained(model) -> None: loads the weights; raises XN404 or XN405 if they cannot predict.
get_tags(model) -> Tuple[str, ...]: loads the weights; raises XN101 or XN105 if windows and checkpoint do not agree.
    Empty where there is no head and nothing that names its tags.
get_scheme_name(model) -> Optional[SchemeName]: what the config says, None if it is to be told from the tags.
add_tags(model, tags) -> None: gives the head rows for more tags.
write_checkpoint(model, folder) -> None, read_checkpoint(model, folder) -> None: a folder, in Hugging Face's format
    where there is an encoder. read_bytes(model, data) -> None: what the model's `to_bytes` has returned.
find_broken(model) -> str: why what was trained in this process cannot predict, for messages; empty if it can, or if
    nothing was.
prepare(model, docs) -> List[Doc]: the same docs, which may do part of the work while others are predicted.
tag_pieces(model, doc) -> PieceTags: the pieces of a doc as the model is fed them.
check_encoder(model, vocab) -> None: loads the weights beneath the head, or makes them; raises XN405 or XN443 if they
    are not all there. The vocabulary is the pipeline's.
reset_head(model, tags) -> None: an untrained head for these tags in place of the one there is.
restart(model) -> None: the config's checkpoint as it is, if it was trained since it was loaded.
change_checkpoint(model, change) -> None: takes what a function makes of the checkpoint in place of it.
init_scratch(model, texts, sizes) -> None: an untrained network and a vocabulary from texts, without a head, in place
    of what the config names; sizes as in [initialize.components.<name>.scratch].

and "dropout_rate", a float, which thinc's `set_dropout_rate` sets.
"""


class Ent(NamedTuple):
    """A found entity: tokens start to end (half-open), its label, its score in [0, 1]."""

    start: int
    end: int
    label: str
    score: float


class PieceTags(NamedTuple):
    """Pieces with their specials, and logits of shape (n_pieces, n_tags)."""

    pieces: List[str]
    logits: FloatArray


@dataclass(frozen=True)
class InputSettings:
    """How docs become windows and pieces become tokens.

    window (Optional[int]): Pieces, specials included; None: all that the checkpoint allows.
    overlap (int): Pieces that neighbouring windows share, at most.
    max_batch_pieces (Optional[int]): Pieces in a batch of windows, padding included; None: as suits what runs them.
    """

    input: Input
    pooling: Pooling
    window: Optional[int]
    overlap: int
    max_batch_pieces: Optional[int]


@dataclass(frozen=True)
class TrainingSettings:
    """How a network is trained; the settings of the same names in [components.<name>.model]."""

    freeze: Freeze
    layer_decay: float
    dropout: Optional[float]
    mixed_precision: Optional[Precision]
    gradient_checkpointing: bool
    sample_pieces: float
    sampling_alpha: float


class Runtime(Protocol):
    """Padded windows to logits. The one thing that PyTorch and other engines must offer."""

    def __call__(self, piece_ids: IntArray, mask: BoolArray) -> FloatArray:
        """Run the network over one batch.

        piece_ids (IntArray): Shape (n_windows, length), padded.
        mask (BoolArray): The same shape; False where padded.
        RETURNS (FloatArray): Logits of shape (n_windows, length, n_tags), float32.
        """


@runtime_checkable
class MeasuredRuntime(Runtime, Protocol):
    """A runtime that knows what a batch costs it.

    overhead (int): Pieces that it could compute in the time that a batch takes beside its own.
    """

    overhead: int


@runtime_checkable
class SelectiveRuntime(Runtime, Protocol):
    """A runtime that has less to do where not all logits are asked for."""

    def read(self, piece_ids: IntArray, mask: BoolArray, is_read: BoolArray) -> FloatArray:
        """Run the network over one batch.

        piece_ids (IntArray), mask (BoolArray): As for a call.
        is_read (BoolArray): The same shape; whose logits are asked for.
        RETURNS (FloatArray): These logits, in order: shape (n_read, n_tags), float32.
        """


@runtime_checkable
class LaunchingRuntime(Runtime, Protocol):
    """A runtime of a device that computes beside this program, such as a GPU.

    max_batch_pieces (int): Pieces that its memory holds in a batch.
    small_batch (int): Pieces in a batch that do not keep it busy.
    """

    max_batch_pieces: int
    small_batch: int

    def launch(self, piece_ids: IntArray, mask: BoolArray, is_read: BoolArray) -> Callable[[], FloatArray]:
        """Start the network over one batch.

        piece_ids (IntArray), mask (BoolArray): As for a call.
        is_read (BoolArray): The same shape; whose logits are asked for.
        RETURNS (Callable[[], FloatArray]): Waits for these logits, shape (n_read, n_tags), float32, and gives them in
            order.
        """


class TrainingPass(Runtime, Protocol):
    """A runtime that remembers its calls and takes their gradients."""

    def backprop(self, gradients: Sequence[FloatArray], n_tokens: int) -> None:
        """Add to the gradients of the weights: for each call, in order, the shape of its logits; a mean over tokens."""


class Trainer(Protocol):
    """What trains a network; runtimes/torch_training.py has the one implementation."""

    def begin_update(self, dropout: float) -> TrainingPass:
        """Start a forward pass."""

    def finish_update(self, optimizer: Any, shim_id: int, *, where: str) -> bool:
        """Take a step of the optimizer; whether one was taken."""

    def find_broken(self, piece_ids: IntArray) -> str:
        """What keeps the network from predicting, tried on pieces of shape (n_windows, length); empty if nothing."""


class LoadedCheckpoint(Protocol):
    """What the layer needs of a checkpoint in memory; checkpoint.py has the one implementation."""

    tokenizer: Any
    tags: Tuple[str, ...]
    max_window: int
    network: Any
    missing: Tuple[str, ...]
    origin: str

    @property
    def n_rows(self) -> int:
        """How many pieces the embeddings know."""

    def check_trained(self) -> None:
        """Refuse to predict with random weights."""

    def check_encoder(self) -> None:
        """Refuse to train on top of random weights."""

    def add_tags(self, tags: Tuple[str, ...]) -> None:
        """Give the head a row for each of more tags."""

    def reset_head(self, tags: Tuple[str, ...]) -> None:
        """Put an untrained head in place of the one there is."""

    def write(self, folder: Path) -> None:
        """Write a folder that `from_pretrained` of transformers opens."""


class Engine(Protocol):
    """What makes runtimes: PyTorch or ONNX Runtime, in some precision."""

    def prepare(self) -> None:
        """Say what is wrong with the machine or the settings before weights are read."""

    def make_runtime(self, checkpoint: LoadedCheckpoint) -> Runtime:
        """Make a runtime of the weights as they are now."""

    def write(self, checkpoint: LoadedCheckpoint, folder: Path, *, make: bool) -> None:
        """Write what it has made of the weights beside them, if anything; `make` it first if there is nothing yet."""

    def read(self, checkpoint: LoadedCheckpoint, folder: Path) -> None:
        """Take what `write` has written, if it is of these weights."""


LoadCheckpoint = Callable[[], LoadedCheckpoint]
ReadCheckpoint = Callable[[Path], LoadedCheckpoint]
MakeTrainer = Callable[[Any], Trainer]
SwapParams = Callable[[Any, Mapping[Tuple[int, str], Any], int], ContextManager[None]]
