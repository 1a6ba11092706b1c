"""What a model's probabilities say of gold tags: a confusion matrix, and losses by tag, token and doc."""

from collections import Counter
from dataclasses import dataclass
from typing import Callable, Dict, List, NamedTuple, Optional, Sequence, Tuple
from typing import Counter as Counts

import numpy as np
from numpy.typing import NDArray
from spacy.attrs import IDX
from spacy.language import Language
from spacy.training import Example
from thinc.types import Floats2d

from ..component import XlmrNer
from ..decoding import compute_probs
from ..gold import encode_gold
from ..tags import TagScheme
from ..types import FloatArray, IntArray

# A probability that float32 rounds to 0 has a loss of about 87 rather than none that can be summed.
LEAST_PROB = float(np.finfo(np.float32).tiny)


class DocLoss(NamedTuple):
    """The losses of those tokens of a doc that have one, and the characters at which these begin; shape (n_tokens,)."""

    losses: NDArray[np.float64]
    starts: IntArray


@dataclass(frozen=True)
class LossRow:
    """The loss of all tokens of one gold tag, or of one text: how many, the mean of their losses, the sum."""

    name: str
    n_tokens: int
    mean: float
    total: float


@dataclass(frozen=True)
class TagReport:
    """What the model's own probabilities say.

    The loss of a token is -log p(gold tag), in nats. Tokens without gold annotation, with a label that the model
    lacks, or without pieces have none.

    tags (List[str]): The model's tags, in id order, spelt as the model spells them.
    confusion (List[List[int]]): Tokens by gold tag (row) and most probable tag (column).
    by_tag (List[LossRow]): Gold tags, the largest sum first.
    by_token (List[LossRow]): Texts of tokens, the largest sum first, as many as were asked for.
    n_tokens (int): Tokens that have a loss.
    n_left_out (int): Tokens that have none.
    n_misfits (int): Gold entities that begin or end inside a token of the pipeline: they cannot be found.
    """

    tags: List[str]
    confusion: List[List[int]]
    by_tag: List[LossRow]
    by_token: List[LossRow]
    n_tokens: int
    n_left_out: int
    n_misfits: int


def find_ner(nlp: Language) -> Optional[XlmrNer]:
    """The first `xlmr_ner` component of a pipeline, under whatever name; None if there is none."""
    return next((component for _, component in nlp.pipeline if isinstance(component, XlmrNer)), None)


class TagLosses:
    """Gathers losses and the confusion matrix, batch by batch.

    component (XlmrNer): Whose probabilities they are.
    rename (Callable[[str], Optional[str]]): What the gold calls a label of the component; None: not at all.
    """

    def __init__(self, component: XlmrNer, rename: Callable[[str], Optional[str]]):
        self.component = component
        self.scheme = TagScheme(component.tags, component.model.attrs["get_scheme_name"](component.model))
        mapped = [component.label_map.get(label, label) for label in self.scheme.labels]
        self.names = [None if label is None else rename(label) for label in mapped]
        n_tags = self.scheme.n_tags
        self.confusion = np.zeros((n_tags, n_tags), dtype=np.int64)
        self.tag_losses = np.zeros(n_tags, dtype=np.float64)
        self.token_counts: Counts[str] = Counter()
        self.token_losses: Dict[str, float] = {}
        self.n_left_out = 0
        self.n_misfits = 0

    def add(self, examples: Sequence[Example], logits: Sequence[Floats2d]) -> List[DocLoss]:
        """Take in a batch.

        examples (Sequence[Example]): Predicted docs, whatever stands in their ents, and gold ones.
        logits (Sequence[Floats2d]): What the component predicts for them: shape (n_tokens, n_tags) each.
        RETURNS (List[DocLoss]): The losses of each.
        """
        gold = encode_gold(examples, self.scheme, self.names)
        self.n_misfits += len(gold.misfits)
        probs = [compute_probs(self.component.model.ops.to_numpy(rows)) for rows in logits]
        return [self._add_doc(*parts) for parts in zip(examples, gold.tags, probs)]

    def make_report(self, *, n_tokens: int) -> TagReport:
        """Sum up. n_tokens (int): How many texts of tokens to list."""
        rows = [
            LossRow(text, count, self.token_losses[text] / count, self.token_losses[text])
            for text, count in self.token_counts.items()
        ]
        counts = self.confusion.sum(axis=1).tolist()
        tag_rows = [
            LossRow(tag, count, total / count, total)
            for tag, count, total in zip(self.scheme.tags, counts, self.tag_losses.tolist())
            if count
        ]
        return TagReport(
            tags=list(self.scheme.tags),
            confusion=self.confusion.tolist(),
            by_tag=sorted(tag_rows, key=_rank),
            by_token=sorted(rows, key=_rank)[:n_tokens],
            n_tokens=sum(counts),
            n_left_out=self.n_left_out,
            n_misfits=self.n_misfits,
        )

    def _add_doc(self, example: Example, tags: IntArray, probs: FloatArray) -> DocLoss:
        tokens, losses = compute_losses(tags, probs)
        self.n_left_out += len(tags) - len(tokens)
        np.add.at(self.confusion, (tags[tokens], probs[tokens].argmax(axis=1)), 1)
        np.add.at(self.tag_losses, tags[tokens], losses)
        for i, loss in zip(tokens.tolist(), losses.tolist()):
            text = example.predicted[i].text
            self.token_counts[text] += 1
            self.token_losses[text] = self.token_losses.get(text, 0.0) + loss
        starts = example.predicted.to_array([IDX]).reshape(-1).astype(np.int64)
        return DocLoss(losses, starts[tokens])


def compute_losses(tags: IntArray, probs: FloatArray) -> Tuple[IntArray, NDArray[np.float64]]:
    """-log p(gold tag) of the tokens of a doc that have one.

    tags (IntArray): Shape (n_tokens,). Tag ids, negative where none is known.
    probs (FloatArray): Shape (n_tokens, n_tags). NaN in rows of tokens without pieces.
    RETURNS (Tuple[IntArray, NDArray]): The tokens that have a loss, and their losses, in nats.
    """
    tokens = np.flatnonzero((tags >= 0) & ~np.isnan(probs).any(axis=1))
    gold_probs = probs[tokens, tags[tokens]].astype(np.float64)
    return tokens, -np.log(np.maximum(gold_probs, LEAST_PROB))


def _rank(row: LossRow) -> Tuple[float, str]:
    return (-row.total, row.name)
