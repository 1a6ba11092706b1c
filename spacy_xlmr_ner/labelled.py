"""The labels of the component: where they come from, and a head that fits them."""

import itertools
import warnings
from dataclasses import dataclass, field
from typing import Any, Callable, Dict, Iterable, Iterator, List, Mapping, Optional, Sequence, Set, Tuple

from spacy.language import Language
from spacy.pipeline import TrainablePipe
from spacy.training import Example
from spacy.vocab import Vocab
from thinc.api import Model

from .decoding import EntDecoder
from .errors import Errors, Warnings
from .gold import align_ents, collect_labels, has_gold
from .settings import check_label_list
from .tags import list_tags
from .types import SchemeName, TaggerModel

# What nlp.initialize() makes a doc of where it is given no data.
NO_DATA = ("x", "y", "z")


class LabelledTagger(TrainablePipe):
    """A component whose model has tags, and labels made of them.

    vocab (Vocab): The pipeline's.
    model (TaggerModel): Docs to logits for each token.
    name (str): The component's name in the pipeline.
    label_map (Mapping[str, Optional[str]]): Other names for the checkpoint's labels; None drops one.
    cfg (Any): What is saved with the component.
    """

    label_map: Mapping[str, Optional[str]]
    model: TaggerModel

    def __init__(
        self, vocab: Vocab, model: TaggerModel, name: str, *, label_map: Mapping[str, Optional[str]], **cfg: Any
    ):
        super().__init__(vocab, model, name, **cfg)
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
        self.model.attrs["check_encoder"](self.model, self.vocab)
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
        seen = _Seen()
        counts = collect_labels(_watch(itertools.chain(first, examples), seen))
        self._warn_of_misfits(seen.misfits, where=f"the {seen.n_docs} docs that training is prepared with")
        has_data = seen.n_docs > 1 or seen.n_annotated or tuple(token.text for token in first[0].reference) != NO_DATA
        if not counts and has_data and self.labels:
            message = Warnings.XW206 if seen.n_annotated else Warnings.XW217
            message = message.format(name=self.name, known=", ".join(self.labels), n_docs=seen.n_docs)
            warnings.warn(message, stacklevel=3)
        return [*counts, *(label for label in self._added if label not in counts)] if counts else []

    def _warn_of_misfits(self, texts: Sequence[str], *, where: str) -> None:
        """Say once that there are gold entities that do not fit the tokens."""
        if texts and "XW204" not in self._warned:
            self._warned.add("XW204")
            shown = ", ".join(repr(text[:40]) for text in texts[:3])
            message = Warnings.XW204.format(where=where, n=len(texts), examples=shown, name=self.name)
            warnings.warn(message, stacklevel=4)

    def score(self, examples: Iterable[Example], **kwargs: Any) -> Dict[str, Any]:
        """Score a batch of examples with the scorer of the config. Labels of the gold that are none of the component's
        are warned of once, and so is gold that nothing can be measured by.

        examples (Iterable[Example]): The batch, with predictions.
        RETURNS (Dict[str, Any]): As the scorer names them.
        """
        examples = list(examples)
        if self.scorer is not None and "XW207" not in self._warned:
            self._warn_of_lacking(examples)
        if self.scorer is not None and "XW216" not in self._warned:
            self._warn_of_nothing(examples)
        scores: Dict[str, Any] = super().score(examples, **kwargs)
        return scores

    def _warn_of_lacking(self, examples: Iterable[Example]) -> None:
        known_labels = self.labels
        lacking = {label: n for label, n in collect_labels(examples).items() if label not in known_labels}
        if lacking:
            self._warned.add("XW207")
            found, known = ", ".join(lacking), ", ".join(known_labels)
            message = Warnings.XW207.format(found=found, n=sum(lacking.values()), name=self.name, known=known)
            warnings.warn(message, stacklevel=3)

    def _warn_of_nothing(self, examples: Sequence[Example]) -> None:
        """Say once that there is nothing to measure by; not of a round behind one that had entities."""
        self._warned.add("XW216")
        if any(example.reference.ents for example in examples):
            return
        found = f"none of the {len(examples)} docs to measure by has an entity"
        if not examples:
            found = "there is no doc to measure by"
        elif not any(has_gold(example) for example in examples):
            found = f"none of the {len(examples)} docs to measure by is annotated with entities"
        warnings.warn(Warnings.XW216.format(name=self.name, found=found), stacklevel=3)

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


@dataclass
class _Seen:
    """What was seen of examples that passed: how many, how many of them annotated, and gold that does not fit."""

    n_docs: int = 0
    n_annotated: int = 0
    misfits: List[str] = field(default_factory=list)


def _watch(examples: Iterable[Example], seen: _Seen) -> Iterator[Example]:
    """The examples, noted as they pass."""
    for example in examples:
        seen.n_docs += 1
        seen.n_annotated += has_gold(example)
        seen.misfits.extend(span.text for span in align_ents(example)[1])
        yield example
