"""Training the network in PyTorch, with thinc's optimizer."""

import re
from contextlib import contextmanager
from math import isfinite
from typing import Any, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple

import torch
from thinc.shims import PyTorchGradScaler
from torch import Tensor

from ..errors import Errors
from ..types import BoolArray, FloatArray, IntArray, TrainingSettings
from .torch import check_precision, find_device, leave_parent_threads, make_lock
from .torch_optimizer import Key, apply_optimizer

# Numbers in a table from which on its gradient is kept sparse.
LARGE_TABLE = 2**20
# The parts of an encoder that are numbered, as the architectures of transformers name them.
_NUMBERED = re.compile(r"(?:^|\.)(?:layers?|h|blocks?)\.(\d+)\.")


class TorchTrainer:
    """Runs a network forward and back and takes the optimizer's steps.

    thinc's PyTorchShim switches the network between training and evaluation under the feet of other threads, loses
    averages in `use_params` and passes no learning rate for each parameter; this does not: predictions wait for it.

    network (torch.nn.Module): Made float32, in place. Takes input_ids and attention_mask, gives `.logits`.
    settings (TrainingSettings): How.
    device (Optional[str]): As find_device takes it.
    RAISES (ValueError): XN120 if the network has fewer layers than are to be frozen.
    """

    def __init__(self, network: torch.nn.Module, *, settings: TrainingSettings, device: Optional[str]):
        self.device = find_device(device)
        if settings.mixed_precision is not None:
            check_precision(settings.mixed_precision, self.device, setting="mixed_precision")
        self.network = network.to(self.device, torch.float32)
        self.lock = make_lock(network)
        self.settings = settings
        # thinc's scaler knows GPUs alone
        self._scaler = PyTorchGradScaler(settings.mixed_precision == "float16" and self.device.type == "cuda")
        self._scaler.to_(self.device)
        self._dtype = None if settings.mixed_precision is None else getattr(torch, settings.mixed_precision)
        self._n_tokens = 0
        depths, n_layers = find_depths(network)
        n_frozen = _count_frozen(settings, n_layers)
        self._rates: Dict[str, float] = {}
        for name, weight in network.named_parameters():
            weight.requires_grad_(depths[name] >= n_frozen)
            self._rates[name] = settings.layer_decay ** (n_layers + 1 - depths[name])
        _set_sparse_gradients(network, self.device.type in ("cpu", "cuda"))
        if settings.gradient_checkpointing:
            # Renamed in transformers 5.
            enable = getattr(network, "activation_checkpointing_enable", network.gradient_checkpointing_enable)
            enable({"use_reentrant": False})
            network.config.use_cache = False  # the two do not go together, and transformers would say so each time

    def begin_update(self, dropout: float) -> "TorchPass":
        """Start a forward pass over the batches of windows of one update.

        dropout (float): The rate, in [0, 1], where the settings do not say otherwise.
        RETURNS (TorchPass): Takes the batches, and their gradients.
        """
        leave_parent_threads()
        rate = dropout if self.settings.dropout is None else self.settings.dropout
        _set_dropout(self.network, rate)
        return TorchPass(self)

    def run(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Logits with their graph: shape (n_windows, length, n_tags), float32."""
        with torch.autocast(self.device.type, dtype=self._dtype, enabled=self._dtype is not None):
            logits = self.network(input_ids=ids, attention_mask=mask).logits
        return logits.float()

    def backprop(self, outputs: Sequence[Tensor], gradients: Sequence[Tensor], n_tokens: int) -> None:
        """Take the mean of the weights' gradients and of these, each by the tokens that it is the mean over."""
        before, self._n_tokens = self._n_tokens, self._n_tokens + n_tokens
        waiting = [weight.grad for weight in self.network.parameters() if weight.grad is not None]
        for gradient in waiting:
            gradient.mul_(before / self._n_tokens)
        if any(output.requires_grad for output in outputs):
            share = n_tokens / self._n_tokens
            torch.autograd.backward(list(outputs), list(self._scaler.scale([slope * share for slope in gradients])))
            for weight in self.network.parameters():
                if weight.grad is not None and weight.grad.is_sparse and weight.grad._nnz() > len(weight):
                    weight.grad = weight.grad.coalesce()  # else each batch of an update would make it longer

    def finish_update(self, optimizer: Any, shim_id: int, *, where: str) -> bool:
        """Take a step with the mean gradient of all tokens since the last one.

        optimizer (Any): thinc's, or a callable that takes key, weights and gradient, as Language.rehearse gives.
        shim_id (int): With a weight's name the key under which the optimizer keeps what it knows of it.
        where (str): Names the batch, for the message.
        RETURNS (bool): Whether a step was taken: not if there is no gradient, or in float16 if it overflowed.
        RAISES (ValueError): XN207 if a gradient is not finite, XN209 if the learning rate is not. No weight has
            changed then.
        """
        learn_rate = getattr(optimizer, "learn_rate", 0.0)
        if not isfinite(learn_rate):
            raise ValueError(Errors.XN209.format(found=learn_rate, docs=where))
        weights = {name: weight for name, weight in self.network.named_parameters() if weight.grad is not None}
        for weight in weights.values():
            if weight.grad.is_sparse:
                weight.grad = weight.grad.coalesce().to_dense()  # coalesced, the sum is the same each time on a GPU
        gradients = [weight.grad for weight in weights.values()]
        self._n_tokens = 0
        overflown = bool(gradients) and self._scaler.unscale(gradients)
        try:
            if overflown or not gradients:
                return False
            norms = _check_finite(weights, where)
            for (name, weight), norm in zip(weights.items(), norms):
                apply_optimizer(optimizer, (shim_id, name), weight.data, weight.grad, norm, self._rates[name])
            return True
        finally:
            self._scaler.update()
            for weight in weights.values():
                weight.grad = None

    def find_broken(self, piece_ids: IntArray) -> str:
        """What keeps the network from predicting: weights, or else logits in float32, that are no finite numbers.

        piece_ids (IntArray): Shape (n_windows, length), without padding; what it is tried on.
        RETURNS (str): For messages; empty if nothing does.
        """
        leave_parent_threads()
        ids = torch.from_numpy(piece_ids).to(self.device)
        with self.lock, torch.no_grad():
            weights = dict(self.network.named_parameters())
            wrong = [name for name, weight in weights.items() if not _is_finite(weight)]
            if wrong:
                return f"{len(wrong)} of {len(weights)} weights hold no finite numbers, such as {wrong[0]}"
            logits = self.network(input_ids=ids, attention_mask=torch.ones_like(ids)).logits
            return "" if _is_finite(logits) else f"its logits for {ids.numel()} pieces are no finite numbers"


class TorchPass:
    """One update's way forward and back: called with each batch of windows, then given the gradients of all.

    trainer (TorchTrainer): Has the network.
    """

    def __init__(self, trainer: TorchTrainer):
        self._trainer = trainer
        self._outputs: List[Tensor] = []

    def __call__(self, piece_ids: IntArray, mask: BoolArray) -> FloatArray:
        """As types.Runtime."""
        trainer = self._trainer
        ids = torch.from_numpy(piece_ids).to(trainer.device)
        attention_mask = torch.from_numpy(mask).to(trainer.device, torch.int64)
        with trainer.lock:
            trainer.network.train()
            try:
                self._outputs.append(trainer.run(ids, attention_mask))
            finally:
                trainer.network.eval()
        return self._outputs[-1].detach().cpu().numpy()

    def backprop(self, gradients: Sequence[FloatArray], n_tokens: int) -> None:
        """Send gradients back.

        gradients (Sequence[FloatArray]): For each batch, in the order of the calls, the shape of its logits; of a mean
            over tokens.
        n_tokens (int): How many these are.
        """
        trainer = self._trainer
        tensors = [torch.from_numpy(d).to(trainer.device) for d in gradients]
        with trainer.lock:
            trainer.network.train()  # what checkpointing computes again must be what it was
            try:
                trainer.backprop(self._outputs, tensors, n_tokens)
            finally:
                trainer.network.eval()
                self._outputs = []


@contextmanager
def swap_params(network: torch.nn.Module, params: Mapping[Key, Any], shim_id: int) -> Iterator[None]:
    """Have other values in the weights for a while, such as their averages.

    network (torch.nn.Module): Has the weights.
    params (Mapping[Key, Any]): Arrays by key; weights that are not in it keep theirs.
    shim_id (int): As for TorchTrainer.finish_update.
    """
    former: Dict[str, Tensor] = {}
    weights = dict(network.named_parameters())
    for name, weight in weights.items():
        value = torch.as_tensor(params.get((shim_id, name), ()))
        if value.numel() == weight.numel():  # of a head that has grown since there are none
            former[name] = weight.data
            weight.data = value.to(weight.device, weight.dtype).view_as(weight)
    try:
        yield
    finally:
        for name, data in former.items():
            weights[name].data = data


def find_depths(network: torch.nn.Module) -> Tuple[Dict[str, int], int]:
    """How deep each weight lies: 0 the embeddings, i the i-th layer, and behind the last layer the head.

    network (torch.nn.Module): Of transformers. An encoder whose layers bear no numbers, or share their weights, counts
        as one layer.
    RETURNS (Tuple[Dict[str, int], int]): By the weight's name; and the number of layers.
    """
    prefix = getattr(network, "base_model_prefix", "") + "."
    numbers = {name: _NUMBERED.search(name) for name, _ in network.named_parameters()}
    n_layers = max((int(match.group(1)) + 1 for match in numbers.values() if match), default=1)
    tables = {name for name, module in network.named_modules() if isinstance(module, torch.nn.Embedding)}
    depths: Dict[str, int] = {}
    for name, match in numbers.items():
        if not name.startswith(prefix):
            depths[name] = n_layers + 1
        elif match:
            depths[name] = int(match.group(1)) + 1
        else:
            depths[name] = 0 if "embed" in name or name.rpartition(".")[0] in tables else n_layers
    return depths, n_layers


def _count_frozen(settings: TrainingSettings, n_layers: int) -> int:
    """Weights of a depth below this stay as they are."""
    freeze = settings.freeze
    if isinstance(freeze, int) and freeze > n_layers:
        raise ValueError(Errors.XN120.format(found=freeze, n_layers=n_layers))
    return {None: 0, "embeddings": 1, "encoder": n_layers + 1}[freeze] if not isinstance(freeze, int) else freeze + 1


def _set_sparse_gradients(network: torch.nn.Module, is_sparse: bool) -> None:
    """Have large tables pass on the rows alone that were looked up.

    Of XLM-R base's table the whole gradient is 768 MB; each batch of windows would make one and add it to the others.
    """
    for module in network.modules():
        if isinstance(module, torch.nn.Embedding) and module.weight.numel() >= LARGE_TABLE:
            module.sparse = is_sparse


def _set_dropout(network: torch.nn.Module, rate: float) -> None:
    for module in network.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = rate
        for name in ("dropout_prob", "dropout", "attention_dropout"):
            if isinstance(getattr(module, name, None), float):
                setattr(module, name, rate)  # attention that is computed in one call has no module for it


def _is_finite(values: Tensor) -> bool:
    """Whether all are finite numbers: their extremes are, which need no memory."""
    return not values.numel() or bool(torch.isfinite(torch.stack(values.aminmax())).all())


def _check_finite(weights: Mapping[str, Tensor], where: str) -> List[float]:
    """The norms of the gradients. RAISES (ValueError): XN207 if one is not finite."""
    norms = torch.stack(torch._foreach_norm([weight.grad for weight in weights.values()])).tolist()
    wrong = [name for name, norm in zip(weights, norms) if not norm < float("inf")]
    if wrong:
        message = Errors.XN207.format(weight=wrong[0], n_wrong=len(wrong), n_weights=len(weights), docs=where)
        raise ValueError(message)
    return norms
