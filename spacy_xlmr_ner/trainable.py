"""What makes the component learn: loss and updates."""

import warnings
from functools import partial
from typing import Any, Callable, Dict, Iterable, List, Mapping, Optional, Tuple

import numpy as np
from spacy.training import Example, validate_examples
from spacy.vocab import Vocab
from thinc.api import set_dropout_rate
from thinc.types import Floats2d

from .errors import Errors, Warnings
from .gold import GoldTags, describe_docs, encode_gold
from .labelled import LabelledTagger
from .loss import compute_divergence, compute_loss
from .settings import check_range
from .types import TaggerModel


class TrainableTagger(LabelledTagger):
    """A component that learns to tag tokens. What it does with the tags is left to its subclass.

    vocab, model, name, label_map, cfg: As for LabelledTagger.
    label_smoothing (float): The share of a tag's probability that the loss spreads evenly over all tags.
    RAISES (ValueError): XN121 if label_smoothing is no number from 0, less than 1.
    """

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
        where = f"[components.{name}]"
        check_range("label_smoothing", label_smoothing, "from 0, less than 1", lambda x: 0 <= x < 1, where=where)
        super().__init__(vocab, model, name, label_map=label_map, **cfg)
        self.label_smoothing = label_smoothing

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
        self._warn_of_misfits([span.text for span in gold.misfits], where="a first batch")
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
