"""What makes the component learn: labels, loss, updates."""

import itertools
import warnings
from functools import partial
from typing import Any, Callable, Dict, Iterable, List, Mapping, Optional, Sequence, Set, Tuple

import numpy as np
from spacy.language import Language
from spacy.pipeline import TrainablePipe
from spacy.training import Example, validate_examples
from spacy.vocab import Vocab
from thinc.api import Model, set_dropout_rate
from thinc.types import Floats2d

from .decoding import EntDecoder
from .errors import Errors, Warnings
from .gold import GoldTags, collect_labels, describe_docs, encode_gold
from .loss import compute_divergence, compute_loss
from .settings import check_label_list, check_range
from .tags import list_tags
from .types import SchemeName, TaggerModel


class TrainableTagger(TrainablePipe):
    """A component that learns to tag tokens. What it does with the tags is left to its subclass.

    vocab (Vocab): The pipeline's.
    model (TaggerModel): Docs to logits for each token.
    name (str): The component's name in the pipeline.
    label_smoothing (float): The share of a tag's probability that the loss spreads evenly over all tags.
    label_map (Mapping[str, Optional[str]]): Other names for the checkpoint's labels; None drops one.
    cfg (Any): What is saved with the component.
    RAISES (ValueError): XN121 if label_smoothing is no number from 0, less than 1.
    """

    label_map: Mapping[str, Optional[str]]
    model: TaggerModel

    def __init__(
        self,
        vocab: Vocab,
        model: TaggerModel,
        name: str,
        *,
        label_smoothing: float,
        label_map: Mapping[str, Optional[str]],
        **cfg: Any,
    ):
        check_range(
            "label_smoothing",
            label_smoothing,
            "from 0, less than 1",
            lambda x: 0 <= x < 1,
            where=f"[components.{name}]",
        )
        super().__init__(vocab, model, name, **cfg)
        self.label_smoothing = label_smoothing
        self.label_map = dict(label_map)
        self._decoder: Optional[EntDecoder] = None
        # spaCy puts a copy of the model here when training is resumed, for `rehearse`.
        self._rehearsal_model: Optional[Model] = None
        self._warned: Set[str] = set()
        self._added: List[str] = []

    def _get_decoder(self) -> EntDecoder:
        """The decoder for the checkpoint's tags; loads the weights the first time."""
        raise NotImplementedError

    @property
    def labels(self) -> Tuple[str, ...]:
        """The labels that entities can have, after `label_map`. Loads the weights if need be.

        None where the checkpoint has no head yet and its config.json names no labels.
        """
        if not self._has_tags():
            return ()
        return tuple(dict.fromkeys(name for name in self._get_decoder().names if name is not None))

    @property
    def label_data(self) -> Tuple[str, ...]:
        """The labels, as `initialize` takes them."""
        return self.labels

    def _require_tags(self, where: str) -> None:
        """RAISES (ValueError): XN208, saying why, if the checkpoint has no head yet."""
        if not self._has_tags():
            raise ValueError(Errors.XN208.format(name=self.name, where=where))

    def _has_tags(self) -> bool:
        return self._decoder is not None or bool(self.model.attrs["get_tags"](self.model))

    def add_label(self, label: str) -> int:
        """Give the model a label more. It is not found until it is trained.

        label (str): The label.
        RETURNS (int): 1, or 0 if the label is there already.
        RAISES (ValueError): XN204 if it is no label.
        """
        if not isinstance(label, str) or not label:
            raise ValueError(Errors.XN204.format(found=label))
        if not self._has_tags():
            self._reset_head([label])
            self._added.append(label)
            return 1
        scheme = self._get_decoder().scheme
        if label in self.labels or label in scheme.labels:
            return 0
        self.model.attrs["add_tags"](self.model, scheme.make_tags(label))
        self._added.append(label)
        self._decoder = None
        return 1

    def initialize(
        self,
        get_examples: Callable[[], Iterable[Example]],
        *,
        nlp: Optional[Language] = None,
        labels: Optional[Sequence[str]] = None,
        scratch: Optional[Dict[str, Any]] = None,
    ) -> None:
        """Load the checkpoint that the config names, or make one from nothing, and see that its head fits the data.

        A head whose labels are those of the data is kept. Any other gets a new, untrained one, and a warning says so.
        Called again it begins anew, with the checkpoint as `name` has it; a pipeline that was loaded keeps its weights.

        get_examples (Callable[[], Iterable[Example]]): The training data.
        nlp (Optional[Language]): The pipeline.
        labels (Optional[Sequence[str]]): The labels, as `spacy init labels` writes them; None: those of the data.
        scratch (Optional[Dict[str, Any]]): Sizes of a network to be trained from nothing, as NetworkShape takes them;
            its vocabulary is trained on the texts of the data. None: what `name` in the model's settings says.
        RAISES (ValueError): XN110 for `labels` that are none, XN205 if there is no example, XN208 if there are neither
            labels nor a head, XN126 if `label_map` does not go with a new head.
        """
        if scratch is not None:
            texts = (example.reference.text for example in get_examples())
            self.model.attrs["init_scratch"](self.model, texts, scratch)
        else:
            self.model.attrs["restart"](self.model)
        self._decoder, self._warned = None, set()
        if labels is not None:
            check_label_list(labels, where=f"[initialize.components.{self.name}]")
        wanted = list(labels) if labels is not None else self._find_labels(get_examples())
        self.model.attrs["check_encoder"](self.model)
        if set(wanted) != set(self.labels) and wanted:
            if self.labels:
                message = Warnings.XW203.format(name=self.name, found=", ".join(self.labels), wanted=", ".join(wanted))
                warnings.warn(message, stacklevel=2)
            self._reset_head(wanted)
        self._require_tags("no training doc has an entity" if labels is None else "`labels` is empty")
        self._get_decoder()

    def _find_labels(self, examples: Iterable[Example]) -> List[str]:
        """The labels of the training data, in alphabetical order."""
        examples = iter(examples)
        first = list(itertools.islice(examples, 1))
        if not first:
            raise ValueError(Errors.XN205.format(name=self.name))
        is_annotated = first[0].reference.has_annotation(
            "ENT_IOB"
        )  # nlp.initialize() without data gives one that is not
        counts = collect_labels(itertools.chain(first, examples))
        if not counts and is_annotated and self.labels:
            warnings.warn(Warnings.XW206.format(name=self.name, known=", ".join(self.labels)), stacklevel=3)
        return [*counts, *(label for label in self._added if label not in counts)] if counts else []

    def _reset_head(self, labels: Sequence[str]) -> None:
        """Have an untrained head for some labels, which bear the names that `label_map` gives."""
        own_names = {new: own for own, new in self.label_map.items() if new in labels}
        if sorted(own_names.values()) != sorted(self.label_map) or set(self.label_map) & set(labels):
            found = ", ".join(labels)
            raise ValueError(Errors.XN126.format(name=self.name, found=dict(self.label_map), labels=found))
        scheme: SchemeName = self.model.attrs["get_scheme_name"](self.model) or "iob"
        tags = list_tags([own_names.get(label, label) for label in labels], scheme)
        self.model.attrs["reset_head"](self.model, tags)
        self._decoder = self._rehearsal_model = None

    def update(
        self,
        examples: Iterable[Example],
        *,
        drop: float = 0.0,
        sgd: Any = None,
        losses: Optional[Dict[str, float]] = None,
    ) -> Dict[str, float]:
        """Learn from a batch of examples.

        examples (Iterable[Example]): The batch. Their predicted docs are what is read; they are not changed.
        drop (float): The rate of dropout, where the model's own `dropout` does not say another.
        sgd (Any): An optimizer to take a step with; None: the gradients wait for `finish_update`.
        losses (Optional[Dict[str, float]]): The mean loss of a token is added under the component's name.
        RETURNS (Dict[str, float]): losses.
        RAISES (ValueError): XN206 if the loss is not finite; XN207 if a gradient is not. No weight has changed then.
        """
        examples = list(examples)
        validate_examples(examples, "XlmrNer.update")
        self._require_tags("`initialize` was not called")
        return self._learn(examples, partial(self.get_loss, examples), drop=drop, sgd=sgd, losses=losses)

    def get_loss(self, examples: Iterable[Example], scores: List[Floats2d]) -> Tuple[float, List[Floats2d]]:
        """The mean cross-entropy of the tokens that are annotated and have pieces, and its gradient.

        examples (Iterable[Example]): The batch.
        scores (List[Floats2d]): Logits for the tokens of their predicted docs, of `predict` or the model.
        RETURNS (Tuple[float, List[Floats2d]]): The loss, and for each doc d loss / d logits.
        """
        decoder = self._get_decoder()
        examples = list(examples)
        validate_examples(examples, "XlmrNer.get_loss")
        if not examples:
            return 0.0, []
        gold = encode_gold(examples, decoder.scheme, decoder.names)
        self._warn_of_gold(gold)
        logits = np.concatenate([self.model.ops.to_numpy(rows) for rows in scores])
        loss, d_logits = compute_loss(logits, np.concatenate(gold.tags), smoothing=self.label_smoothing)
        return loss, _split(d_logits, scores)

    def rehearse(
        self,
        examples: Iterable[Example],
        *,
        sgd: Any = None,
        losses: Optional[Dict[str, float]] = None,
        **config: Any,
    ) -> Dict[str, float]:
        """Learn to answer as before `nlp.resume_training`, so as not to forget; annotation is not looked at.

        examples (Iterable[Example]): The batch.
        sgd (Any): An optimizer to take a step with.
        losses (Optional[Dict[str, float]]): The mean divergence of a token is added under the component's name.
        RETURNS (Dict[str, float]): losses.
        """
        examples = list(examples)
        validate_examples(examples, "XlmrNer.rehearse")
        if self._rehearsal_model is None:
            return {} if losses is None else losses
        former = self._rehearsal_model.predict([example.predicted for example in examples])
        drop = config.get("drop", 0.0)
        return self._learn(examples, partial(_compare_former, former), drop=drop, sgd=sgd, losses=losses)

    def _learn(
        self,
        examples: List[Example],
        get_loss: Callable[[List[Floats2d]], Tuple[float, List[Floats2d]]],
        *,
        drop: float,
        sgd: Any,
        losses: Optional[Dict[str, float]],
    ) -> Dict[str, float]:
        """The way forward and back, with one loss or another."""
        losses = {} if losses is None else losses
        losses.setdefault(self.name, 0.0)
        check_range("dropout", drop, "from 0, less than 1", lambda x: 0 <= x < 1, where="[training]")
        if not any(len(example.predicted) for example in examples):
            return losses
        set_dropout_rate(self.model, drop)
        scores, backprop = self.model.begin_update([example.predicted for example in examples])
        loss, d_scores = get_loss(scores)
        self._check_loss(loss, examples)
        backprop(d_scores)
        if sgd not in (None, False):
            self.finish_update(sgd)
        losses[self.name] += loss
        return losses

    def _check_loss(self, loss: float, examples: List[Example]) -> None:
        """RAISES (ValueError): XN206."""
        if not np.isfinite(loss):
            docs = describe_docs([example.predicted for example in examples])
            raise ValueError(Errors.XN206.format(name=self.name, loss=loss, n_docs=len(examples), docs=docs))

    def _warn_of_gold(self, gold: GoldTags) -> None:
        """Say once what of the gold is not learned from."""
        if gold.misfits and "XW204" not in self._warned:
            self._warned.add("XW204")
            shown = ", ".join(repr(span.text[:40]) for span in gold.misfits[:3])
            message = Warnings.XW204.format(n=len(gold.misfits), examples=shown, name=self.name)
            warnings.warn(message, stacklevel=3)
        if gold.unknown and "XW205" not in self._warned:
            self._warned.add("XW205")
            message = Warnings.XW205.format(found=", ".join(gold.unknown), name=self.name, known=", ".join(self.labels))
            warnings.warn(message, stacklevel=3)


def _compare_former(former: List[Floats2d], scores: List[Floats2d]) -> Tuple[float, List[Floats2d]]:
    """How far the scores are from those of a former model, which lacks the labels that were added behind its own."""
    logits, known = np.concatenate(scores), np.concatenate(former)
    d_logits = np.zeros_like(logits)
    loss, d_logits[:, : known.shape[1]] = compute_divergence(logits[:, : known.shape[1]], known)
    return loss, _split(d_logits, scores)


def _split(rows: Any, scores: List[Floats2d]) -> List[Floats2d]:
    """Rows for all docs, parted as the scores of the docs are."""
    return list(np.split(rows, np.cumsum([len(own) for own in scores])[:-1]))
