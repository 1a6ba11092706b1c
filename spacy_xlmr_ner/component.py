"""XlmrNer: a token classifier as a component of a spaCy pipeline."""

import warnings
from functools import partial
from pathlib import Path
from typing import Any, Callable, Dict, Iterable, Iterator, List, Mapping, Optional, Tuple, Union, get_args

import srsly
from spacy.attrs import IS_SPACE
from spacy.language import Language
from spacy.tokens import Doc, Span, SpanGroup
from spacy.util import from_dict, from_disk, minibatch, to_disk
from spacy.vocab import Vocab
from thinc.api import Config
from thinc.types import Floats2d

from . import saving
from .decoding import EntDecoder, compute_probs
from .ent_score import register_extension
from .errors import Warnings
from .existing_ents import set_ents
from .settings import check_choice, check_label_map, check_labels, check_portable, check_threshold
from .tags import TagScheme, warn_of_tags
from .trainable import TrainableTagger
from .types import BoolArray, Decoding, ExistingEnts, FloatArray, PieceTags, TaggerModel

DEFAULT_CONFIG = """
[xlmr_ner]
decoding = "viterbi"
existing_ents = "keep"
threshold = 0.0
label_smoothing = 0.0
spans_key = "xlmr_ner"

[xlmr_ner.label_map]

[xlmr_ner.scorer]
@scorers = "spacy.ner_scorer.v1"

[xlmr_ner.model]
@architectures = "spacy-xlmr-ner.XlmrTagger.v1"
"""


# Docs in a batch, from which on the next batch is tokenized while this one is predicted.
LEAST_AHEAD = 32


@Language.factory(
    "xlmr_ner",
    assigns=["doc.ents", "token.ent_iob", "token.ent_type"],
    default_config=Config().from_str(DEFAULT_CONFIG)["xlmr_ner"],
    default_score_weights={"ents_f": 1.0, "ents_p": 0.0, "ents_r": 0.0, "ents_per_type": None},
)
def make_xlmr_ner(
    nlp: Language,
    name: str,
    model: TaggerModel,
    decoding: str,
    existing_ents: str,
    threshold: Union[float, Dict[str, float]],
    label_map: Dict[str, Optional[str]],
    spans_key: Optional[str],
    scorer: Optional[Callable[..., Dict[str, Any]]],
    label_smoothing: float = 0.0,
) -> "XlmrNer":
    """Make the component from its block of the config. The arguments are those of XlmrNer."""
    return XlmrNer(
        nlp.vocab,
        model,
        name,
        decoding=decoding,
        existing_ents=existing_ents,
        threshold=threshold,
        label_map=label_map,
        spans_key=spans_key,
        scorer=scorer,
        label_smoothing=label_smoothing,
    )


class XlmrNer(TrainableTagger):
    """Named entities by a token classifier, set as doc.ents with a score each.

    vocab (Vocab): The pipeline's.
    model (TaggerModel): Docs to logits for each token.
    name (str): The component's name in the pipeline.
    decoding (str): "viterbi" (the best legal sequence of tags) or "argmax" (the best tag of each token).
    existing_ents (str): An earlier entity in the way: "keep" it, "overwrite" it, or "best": the higher score wins.
    threshold (Union[float, Dict[str, float]]): The least score, in [0, 1]; one for all labels or one per label.
    label_map (Mapping[str, Optional[str]]): Other names for the checkpoint's labels; None drops one.
    spans_key (Optional[str]): doc.spans[spans_key] holds the entities, attrs["scores"] their scores; None: no group.
    scorer (Optional[Callable]): For nlp.evaluate.
    label_smoothing (float): In training, the share of a tag's probability that the loss spreads evenly over all tags.
    RAISES (ValueError): XN102 to XN121, for a setting that is wrong in itself.
    """

    def __init__(
        self,
        vocab: Vocab,
        model: TaggerModel,
        name: str = "xlmr_ner",
        *,
        decoding: str = "viterbi",
        existing_ents: str = "keep",
        threshold: Union[float, Mapping[str, float]] = 0.0,
        label_map: Optional[Mapping[str, Optional[str]]] = None,
        spans_key: Optional[str] = "xlmr_ner",
        scorer: Optional[Callable[..., Dict[str, Any]]] = None,
        label_smoothing: float = 0.0,
    ):
        where = f"[components.{name}]"
        self.decoding: Decoding = check_choice("decoding", decoding, get_args(Decoding), where=where)
        self.existing_ents: ExistingEnts = check_choice(
            "existing_ents", existing_ents, get_args(ExistingEnts), where=where
        )
        check_threshold(threshold, name=name)
        check_label_map(label_map or {}, name=name)
        check_portable("label_map", label_map or {}, name=name)
        if isinstance(threshold, Mapping):
            check_portable("threshold", threshold, name=name)
        super().__init__(
            vocab,
            model,
            name,
            label_smoothing=label_smoothing,
            label_map=label_map or {},
            format=saving.FORMAT_VERSION,
        )
        self.threshold = threshold
        self.spans_key = spans_key
        self.scorer = scorer
        register_extension()

    @property
    def hide_labels(self) -> bool:
        """Keep the labels out of nlp.meta where spaCy has no use for them and they would cost loading the weights."""
        return self._decoder is None and saving.is_meta_upkeep()

    def pipe(self, stream: Iterable[Doc], *, batch_size: int = 128) -> Iterator[Doc]:
        """Annotate a stream of docs, in batches.

        As spaCy's own, but for one thing: a batch that fails is tried again doc by doc, so that only the doc at fault
        goes to the error handler and leaves the stream.

        stream (Iterable[Doc]): The docs.
        batch_size (int): How many to take at a time.
        YIELDS (Doc): The docs, annotated, in order.
        """
        handle_error = self.get_error_handler()
        for docs in self._take_batches(stream, batch_size):
            try:
                self.set_annotations(docs, self.predict(docs))
            except Exception as err:
                if len(docs) == 1:
                    handle_error(self.name, self, docs, err)
                else:
                    yield from self.pipe(docs, batch_size=1)
            else:
                yield from docs

    def _take_batches(self, stream: Iterable[Doc], batch_size: int) -> Iterator[List[Doc]]:
        """Batches of docs; while one is worked on, the next is tokenized.

        That reads a batch ahead of the stream. Small batches are not: whoever asks for them wants each answer before
        the next doc is there.
        """
        batches = minibatch(stream, size=batch_size)
        docs = next(batches, None)
        if docs is not None:
            self._require_trained()  # what cannot be loaded or is not trained is no fault of a doc
        while docs is not None:
            if batch_size < LEAST_AHEAD:
                yield docs
                docs = next(batches, None)
                continue
            try:
                following = next(batches, None)
            except Exception:
                yield docs  # they came before what went wrong
                raise
            prepared = following and self.model.attrs["prepare"](self.model, following)
            yield docs
            docs = prepared

    def predict(self, docs: Iterable[Doc]) -> List[Floats2d]:
        """Compute logits for the tokens of each doc, without changing the docs.

        docs (Iterable[Doc]): The docs.
        RETURNS (List[Floats2d]): For each doc shape (n_tokens, n_tags); NaN where a token has no pieces.
        RAISES (CheckpointError): XN404 or XN405 if the checkpoint's weights are not all trained.
        """
        self._require_trained()
        return self.model.predict(docs if isinstance(docs, list) else list(docs))

    def set_annotations(self, docs: Iterable[Doc], scores: List[Floats2d]) -> None:
        """Set doc.ents, token.ent_iob, token.ent_type, the scores and the span group.

        docs (Iterable[Doc]): The docs.
        scores (List[Floats2d]): What `predict` returned for them.
        """
        docs = list(docs)
        logits = [self.model.ops.to_numpy(rows) for rows in scores]
        found = self._get_decoder().decode(logits, [_find_solid(doc) for doc in docs])
        replaced: List[str] = []
        for doc, ents in zip(docs, found):
            kept = [ent for ent in ents if ent.score >= self._get_threshold(ent.label)]
            spans = set_ents(doc, kept, policy=self.existing_ents, component=self.name)
            if self.spans_key is not None:
                replaced += self._set_group(doc, self.spans_key, spans)
        if replaced:
            message = Warnings.XW302.format(key=self.spans_key, other=replaced[0], name=self.name, n_docs=len(replaced))
            warnings.warn(message, stacklevel=2)

    def token_probs(self, docs: Iterable[Doc]) -> List[FloatArray]:
        """Compute the probability of each tag for each token.

        docs (Iterable[Doc]): The docs; they are not changed.
        RETURNS (List[FloatArray]): For each doc shape (n_tokens, n_tags), tags in the order of `tags`; each row sums
            to 1, or is NaN where a token has no pieces.
        """
        return [compute_probs(self.model.ops.to_numpy(rows)) for rows in self.predict(docs)]

    def tag_pieces(self, doc: Doc) -> PieceTags:
        """Compute the logits of the pieces of a doc, specials included, as the model is fed them.

        doc (Doc): The doc; it is not changed.
        RETURNS (PieceTags): The pieces and their logits.
        """
        self._require_trained()
        return self.model.attrs["tag_pieces"](self.model, doc)

    @property
    def tags(self) -> Tuple[str, ...]:
        """The tags of the checkpoint, in id order: the columns of `token_probs`. Loads the weights if need be."""
        return self._get_decoder().scheme.tags

    def to_disk(self, path: Union[str, Path], *, exclude: Iterable[str] = ()) -> None:
        """Save to a folder; `checkpoint` in it opens with transformers' AutoModelForTokenClassification.

        What training has made unfit to predict does not replace what stands there: a training that diverges is saved
        by spaCy all the same when it stops.

        path (Union[str, Path]): The folder; made if need be.
        exclude (Iterable[str]): What to leave out: "cfg", "vocab", "model".
        """
        writers: Dict[str, Callable[[Path], None]] = {
            "cfg": lambda p: saving.write_cfg(p, self.cfg),
            "vocab": lambda p: self.vocab.to_disk(p, exclude=exclude),
            "checkpoint": lambda p: saving.swap_in(p, partial(self.model.attrs["write_checkpoint"], self.model)),
        }
        left_out = _translate(exclude)
        if "checkpoint" not in left_out and self._keeps_former(Path(path) / "checkpoint"):
            left_out += ["cfg", "checkpoint"]
        to_disk(path, writers, left_out)

    def _keeps_former(self, folder: Path) -> bool:
        """Whether a saved checkpoint must not be replaced; warns with XW215 of weights that cannot predict."""
        reason = self.model.attrs["find_broken"](self.model)
        if not reason:
            return False
        is_there = saving.holds_former(folder)
        done = "What stood there is kept" if is_there else "Nothing stood there, so they were written; do not use them"
        warnings.warn(Warnings.XW215.format(name=self.name, reason=reason, path=folder, done=done), stacklevel=3)
        return is_there

    def from_disk(self, path: Union[str, Path], *, exclude: Iterable[str] = ()) -> "XlmrNer":
        """Load what `to_disk` saved. Neither the hub nor the folder that the config names is asked.

        path (Union[str, Path]): The folder.
        exclude (Iterable[str]): What to leave out: "cfg", "vocab", "model".
        RETURNS (XlmrNer): This component.
        RAISES (CheckpointError): XN402 to XN412, for a folder that is damaged or of a later version.
        """

        def read_checkpoint(folder: Path) -> None:
            self.model.attrs["read_checkpoint"](self.model, saving.find_whole(folder, component=self.name))

        readers: Dict[str, Callable[[Path], None]] = {
            "cfg": saving.read_cfg,
            "vocab": lambda p: self.vocab.from_disk(p, exclude=exclude),
            "checkpoint": read_checkpoint,
        }
        from_disk(path, readers, _translate(exclude))
        return self._check_loaded(exclude)

    def from_bytes(self, bytes_data: bytes, *, exclude: Iterable[str] = ()) -> "XlmrNer":
        """Load what `to_bytes` returned.

        bytes_data (bytes): That.
        exclude (Iterable[str]): What to leave out: "cfg", "vocab", "model".
        RETURNS (XlmrNer): This component.
        RAISES (CheckpointError): XN412 if a later version wrote them, XN413 if they are something else or not whole.
        """
        readers: Dict[str, Callable[[bytes], Any]] = {
            "cfg": lambda b: saving.check_format(srsly.json_loads(b), f"The bytes of '{self.name}'"),
            "vocab": lambda b: self.vocab.from_bytes(b, exclude=exclude),
            "model": lambda b: self.model.attrs["read_bytes"](self.model, b),
        }
        with saving.explain_bytes(self.name):
            from_dict(saving.unpack_bytes(bytes_data, exclude), readers, exclude)
        return self._check_loaded(exclude)

    def _check_loaded(self, exclude: Iterable[str]) -> "XlmrNer":
        self._decoder = None
        if "model" not in exclude and self._has_tags():
            self._get_decoder()
        return self

    def _require_trained(self) -> None:
        if self._has_tags():
            self._get_decoder()
        self.model.attrs["check_trained"](self.model)

    def _get_decoder(self) -> EntDecoder:
        """The decoder for the checkpoint's tags; loads the weights the first time."""
        if self._decoder is None:
            get_tags, get_name = self.model.attrs["get_tags"], self.model.attrs["get_scheme_name"]
            scheme = TagScheme(get_tags(self.model), get_name(self.model))
            warn_of_tags(scheme)
            check_labels("label_map", self.label_map, known=scheme.labels, name=self.name)
            names = [self.label_map.get(label, label) for label in scheme.labels]
            if isinstance(self.threshold, Mapping):
                check_labels("threshold", self.threshold, known=names, name=self.name)
            self._decoder = EntDecoder(scheme, method=self.decoding, names=names)
        return self._decoder

    def _get_threshold(self, label: str) -> float:
        if isinstance(self.threshold, Mapping):
            return self.threshold.get(label, 0.0)
        return self.threshold

    def _set_group(self, doc: Doc, key: str, spans: List[Tuple[Span, float]]) -> List[str]:
        """Set doc.spans[key]; returns the name of another component whose group stood there, if one did."""
        other = doc.spans[key].attrs.get("component", self.name) if key in doc.spans else self.name
        attrs = {"scores": [score for _, score in spans], "component": self.name}
        doc.spans[key] = SpanGroup(doc, name=key, spans=[span for span, _ in spans], attrs=attrs)
        return [other] if other != self.name else []


def _find_solid(doc: Doc) -> BoolArray:
    """Which tokens are more than whitespace, shape (n_tokens,): only they may bound an entity."""
    return doc.to_array([IS_SPACE]).reshape(-1) == 0


def _translate(exclude: Iterable[str]) -> List[str]:
    """What spaCy calls "model" is the folder `checkpoint` here."""
    return [*exclude, *(["checkpoint"] if "model" in exclude else [])]
