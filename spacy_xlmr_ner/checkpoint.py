"""A Hugging Face folder to memory and back."""

from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional, Sequence, Set, Tuple

from sentencepiece import SentencePieceProcessor
from transformers import (
    CONFIG_MAPPING,
    AutoConfig,
    AutoModelForTokenClassification,
    AutoTokenizer,
    PretrainedConfig,
    PreTrainedModel,
    __version__,
)
from transformers.utils import logging

from .checkpoint_files import (
    CONFIG_FILE,
    SAFE_WEIGHTS,
    SENTENCEPIECE_FILES,
    TOKENIZER_EXTRAS,
    TOKENIZER_FILES,
    CheckpointSource,
    check_files,
    check_parts,
    explain,
    find_folder,
    measure_weights,
    read_json,
)
from .errors import CheckpointError, Errors
from .pieces.tokenizer import PieceTokenizer
from .runtimes.weight_limit import limit_weights
from .tags import HEAD_RANGE, NEW_TAG_BIAS, are_unnamed

# What transformers has itself of attention.
SAFE_ATTENTION = ("eager", "sdpa")
# For architectures without position embeddings of their own length, whose tokenizer sets no limit either.
DEFAULT_WINDOW = 512


@dataclass
class Checkpoint:
    """A checkpoint in memory: network, tokenizer, tags.

    network (PreTrainedModel): In the dtype of its file, in evaluation mode. Training makes it float32, in place.
    hf_tokenizer (Any): transformers' own, kept to be saved.
    tokenizer (PieceTokenizer): What reads docs.
    tags (Tuple[str, ...]): In id order; none where the head is missing and config.json does not name them either.
    max_window (int): Pieces that a window may hold, specials included.
    missing (Tuple[str, ...]): Names of weights that the file lacked; they are random.
    origin (str): For messages.
    """

    network: PreTrainedModel
    hf_tokenizer: Any
    tokenizer: PieceTokenizer
    tags: Tuple[str, ...]
    max_window: int
    missing: Tuple[str, ...]
    origin: str

    def check_trained(self) -> None:
        """Refuse to predict with random weights.

        RAISES (CheckpointError): XN404 if the head is missing, XN405 if others are.
        """
        if not self.missing:
            return
        self.check_encoder()
        shown = ", ".join(self.missing[:3])
        raise CheckpointError(Errors.XN404.format(checkpoint=self.origin, missing=shown + " missing"))

    def check_encoder(self) -> None:
        """Refuse to train what has random weights beneath the head.

        RAISES (CheckpointError): XN405.
        """
        missing = self.missing
        if not all(name.startswith(self._head_prefix) for name in missing):
            shown = ", ".join(missing[:3])
            raise CheckpointError(Errors.XN405.format(checkpoint=self.origin, n_missing=len(missing), missing=shown))

    def add_tags(self, tags: Tuple[str, ...]) -> None:
        """Give the head a row for each of more tags; what it finds stays what it was."""
        weight, bias = self.get_head()
        new_weight = weight.new_zeros((weight.shape[0] + len(tags), weight.shape[1]))
        new_bias = weight.new_full((len(weight) + len(tags),), NEW_TAG_BIAS)
        new_weight[: len(weight)] = weight
        new_bias[: len(weight)] = 0.0 if bias is None else bias
        self._set_head(new_weight, new_bias, (*self.tags, *tags))

    def reset_head(self, tags: Tuple[str, ...]) -> None:
        """Put an untrained head for these tags in place of the one there is."""
        weight, _ = self.get_head()
        spread = getattr(self.network.config, "initializer_range", HEAD_RANGE)
        new_weight = weight.new_empty((len(tags), weight.shape[1])).normal_(std=spread)
        self._set_head(new_weight, weight.new_zeros(len(tags)), tags)
        self.missing = tuple(name for name in self.missing if not name.startswith(self._head_prefix))

    @property
    def n_rows(self) -> int:
        """How many pieces the embeddings know."""
        return len(self.network.get_input_embeddings().weight)

    @property
    def _head_prefix(self) -> str:
        return f"{_find_head(self.network)}."

    def find_between(self) -> List[str]:
        """Weights that are neither the encoder's nor the head's: layers between the two."""
        prefixes = (f"{self.network.base_model_prefix}.", self._head_prefix)
        return [name for name, _ in self.network.named_parameters() if not name.startswith(prefixes)]

    def get_head(self) -> Tuple[Any, Any]:
        """Weight and bias of the head. RAISES (CheckpointError): XN415 if there is none that could be changed."""
        name = _find_head(self.network)
        if name is None:
            kind, n_tags = type(self.network).__name__, self.network.num_labels
            raise CheckpointError(Errors.XN415.format(checkpoint=self.origin, network=kind, n_tags=n_tags))
        head = self.network.get_submodule(name)
        return head.weight.detach(), None if head.bias is None else head.bias.detach()

    def _set_head(self, weight: Any, bias: Any, tags: Tuple[str, ...]) -> None:
        head = self.network.get_submodule(_find_head(self.network))
        head.weight = type(head.weight)(weight)
        if head.bias is not None:
            head.bias = type(head.weight)(bias)
        head.out_features = self.network.num_labels = len(tags)
        self.tags = tags
        _set_tags(self.network.config, tags)

    def write(self, folder: Path) -> None:
        """Write what `from_pretrained` of transformers opens: config.json, model.safetensors, tokenizer files.

        Weights that the checkpoint lacked are left out again: read from the file, random ones would pass for trained.
        """
        state: Optional[Dict[str, Any]] = None
        if self.missing:
            state = {name: weight for name, weight in self.network.state_dict().items() if name not in self.missing}
        with quiet():
            self.network.save_pretrained(folder, state_dict=state, safe_serialization=True, max_shard_size="1000GB")
            self.hf_tokenizer.save_pretrained(folder)


def load_checkpoint(source: CheckpointSource) -> Checkpoint:
    """Load a checkpoint from where the config says: the package, a folder or the hub.

    source (CheckpointSource): Where.
    RETURNS (Checkpoint): In memory, its tags named.
    RAISES (CheckpointError): XN401 to XN409, with what was found and what to do.
    """
    folder, origin = find_folder(source)
    return read_checkpoint(folder, labels=source.labels, origin=origin)


def read_checkpoint(
    folder: Path, *, labels: Optional[Sequence[str]] = None, origin: Optional[str] = None
) -> Checkpoint:
    """Read a folder in Hugging Face's format. Nothing outside it is read, and none of its code is run.

    folder (Path): Holds config.json, weights and tokenizer files.
    labels (Optional[Sequence[str]]): Tag names in id order, instead of those in config.json.
    origin (Optional[str]): What messages call it; None: the folder.
    RETURNS (Checkpoint): In memory.
    RAISES (CheckpointError): XN402 to XN409, naming the file.
    """
    origin = str(folder) if origin is None else origin
    weights = check_files(folder, origin)
    check_parts(folder, weights, origin)
    config = _read_config(folder, origin)
    tags = _read_tags(config, labels, origin)
    _set_tags(config, tags)
    hf_tokenizer = _read_tokenizer(folder, config, origin)
    network, missing = _read_network(folder, config, weights, origin)
    if are_unnamed(tags):
        if not any(name.startswith(f"{_find_head(network)}.") for name in missing):
            raise CheckpointError(Errors.XN201.format(checkpoint=origin, found=", ".join(tags[:4])))
        tags = ()
    if getattr(getattr(network.base_model, "embeddings", None), "padding_idx", 0) is None:
        reason = "its `pad_token_id` is null, but this network counts the places of pieces from there"
        raise CheckpointError(Errors.XN406.format(file=CONFIG_FILE, checkpoint=origin, reason=reason))
    n_rows = len(network.get_input_embeddings().weight)
    if len(hf_tokenizer) > n_rows:
        raise CheckpointError(Errors.XN408.format(checkpoint=origin, n_pieces=len(hf_tokenizer), n_rows=n_rows))
    pad_id = hf_tokenizer.pad_token_id
    return Checkpoint(
        network=network,
        hf_tokenizer=hf_tokenizer,
        tokenizer=PieceTokenizer(hf_tokenizer.backend_tokenizer, pad_id=0 if pad_id is None else pad_id),
        tags=tags,
        max_window=_find_max_window(network, hf_tokenizer),
        missing=tuple(sorted(missing)),
        origin=origin,
    )


def _read_config(folder: Path, origin: str) -> PretrainedConfig:
    settings = read_json(folder, CONFIG_FILE, origin)
    with quiet(), explain(CONFIG_FILE, origin):
        if "auto_map" in settings and settings.get("model_type") not in CONFIG_MAPPING:
            raise CheckpointError(Errors.XN409.format(checkpoint=origin))
        if not settings.get("model_type"):
            raise ValueError("it names no `model_type`")
        if isinstance(settings.get("pad_token_id"), bool):
            raise ValueError(f"its `pad_token_id` is {settings['pad_token_id']}, not a whole number")
        config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        # transformers 5 would take the name of a hub's repository there, and run the attention that it has.
        own = config._attn_implementation
        config._attn_implementation = own if own in SAFE_ATTENTION else None
        return config


def _read_tags(config: PretrainedConfig, labels: Optional[Sequence[str]], origin: str) -> Tuple[str, ...]:
    own = tuple(str(config.id2label[i]) for i in sorted(config.id2label))
    if labels is None:
        if set(config.id2label) != set(range(len(own))):
            reason = f"`id2label` numbers its tags {sorted(config.id2label)}, not 0 to {len(own) - 1}"
            raise CheckpointError(Errors.XN406.format(file=CONFIG_FILE, checkpoint=origin, reason=reason))
        return own
    if len(labels) != len(own):
        raise CheckpointError(Errors.XN202.format(checkpoint=origin, found=len(labels), expected=len(own)))
    return tuple(labels)


def _set_tags(config: PretrainedConfig, tags: Tuple[str, ...]) -> None:
    config.id2label = dict(enumerate(tags))
    config.label2id = {tag: i for i, tag in enumerate(tags)}


def _read_tokenizer(folder: Path, config: PretrainedConfig, origin: str) -> Any:
    file = next(file for file in TOKENIZER_FILES if (folder / file).is_file())
    settings = read_json(folder, TOKENIZER_EXTRAS[0], origin)
    # transformers 5 writes a list there, on which 4 stumbles; the pieces themselves stand in tokenizer.json.
    is_foreign = isinstance(settings.get("extra_special_tokens"), list) and int(__version__.split(".")[0]) < 5
    extra: Dict[str, Any] = {"extra_special_tokens": {}} if is_foreign else {}
    with quiet(), explain(file, origin):
        if file in SENTENCEPIECE_FILES:
            # transformers makes an empty vocabulary of an empty file, and takes a broken one for another kind's.
            SentencePieceProcessor(model_file=str(folder / file))
        tokenizer = AutoTokenizer.from_pretrained(
            folder, config=config, use_fast=True, local_files_only=True, trust_remote_code=False, **extra
        )
    if not getattr(tokenizer, "is_fast", False):
        raise CheckpointError(Errors.XN407.format(checkpoint=origin, tokenizer=type(tokenizer).__name__))
    return tokenizer


def _read_network(
    folder: Path, config: PretrainedConfig, weights: str, origin: str
) -> Tuple[PreTrainedModel, Set[str]]:
    """The network in the dtype of its file, and which of its weights the file lacked."""
    with quiet(), explain(weights, origin), limit_weights(measure_weights(folder, weights)):
        network, info = AutoModelForTokenClassification.from_pretrained(
            folder,
            config=config,
            local_files_only=True,
            trust_remote_code=False,
            use_safetensors=weights in SAFE_WEIGHTS,
            torch_dtype="auto",
            output_loading_info=True,
            ignore_mismatched_sizes=True,
        )
    if info["mismatched_keys"]:
        # transformers 5 gives them with their shapes, 4 by name alone.
        names = sorted(key if isinstance(key, str) else key[0] for key in info["mismatched_keys"])
        reason = f"{len(names)} of its weights have other shapes than {CONFIG_FILE} asks for, such as {names[0]}"
        raise CheckpointError(Errors.XN406.format(file=weights, checkpoint=origin, reason=reason))
    return network.eval(), set(info["missing_keys"]) & set(network.state_dict())


def _find_head(network: PreTrainedModel) -> Optional[str]:
    """The name of the linear layer that makes tags: `classifier`, `score` or what the architecture calls it."""
    prefix = f"{network.base_model_prefix}."
    found = [
        name
        for name, layer in network.named_modules()
        if getattr(layer, "out_features", None) == network.num_labels and not name.startswith(prefix)
    ]
    return found[-1] if found else None


def _find_max_window(network: PreTrainedModel, hf_tokenizer: Any) -> int:
    """Pieces that fit the position embeddings. XLM-R's begin behind the padding's id: 514 rows hold 512 pieces."""
    rows = getattr(network.config, "max_position_embeddings", None)
    if not rows or rows < 0:
        return int(min(hf_tokenizer.model_max_length, DEFAULT_WINDOW))
    layers = [layer for name, layer in network.named_modules() if name.split(".")[-1] == "position_embeddings"]
    padding = getattr(layers[0], "padding_idx", None) if layers else None
    return int(rows) if padding is None else int(rows) - int(padding) - 1


@contextmanager
def quiet() -> Iterator[None]:
    """Hold back transformers' bars and warnings: what matters of them is raised as an error of ours."""
    verbosity = logging.get_verbosity()
    has_bar = logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if has_bar:
            logging.enable_progress_bar()
