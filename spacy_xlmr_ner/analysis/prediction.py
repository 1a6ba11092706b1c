"""Gold docs through a pipeline: what it finds beside what is gold."""

from typing import Iterator, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example
from spacy.util import minibatch

from ..errors import Errors
from .mentions import LabelChoice, drop_unknown, find_missing, read_mentions
from .scores import Judged
from .tag_losses import DocLoss, TagLosses


class GoldDoc(NamedTuple):
    """A doc of the data: its language, which of the language's docs it is (from 0), and itself."""

    language: str
    number: int
    doc: Doc


class DocResult(NamedTuple):
    """A doc, judged: what is gold and what was found, and its losses if there are probabilities.

    sentences (List[Tuple[int, int]]): Where they begin and end in the text, half-open; where the data does not part
        them, the whole text.
    """

    language: str
    number: int
    text: str
    n_tokens: int
    sentences: List[Tuple[int, int]]
    judged: Judged
    loss: Optional[DocLoss]


def select_docs(data: Mapping[str, Sequence[Doc]]) -> Tuple[List[GoldDoc], int]:
    """Leave out docs without annotation.

    data (Mapping[str, Sequence[Doc]]): Gold docs by language.
    RETURNS (Tuple[List[GoldDoc], int]): The docs in which at least one token is annotated, and how many were left out.
    RAISES (ValueError): XN232 if there is no doc at all, XN233 if all were left out.
    """
    every = [GoldDoc(language, i, doc) for language, docs in data.items() for i, doc in enumerate(docs)]
    if not every:
        raise ValueError(Errors.XN232.format(found=", ".join(data) or "no data"))
    annotated = [gold for gold in every if not find_missing(gold.doc).all()]
    if not annotated:
        raise ValueError(Errors.XN233.format(n_docs=len(every), found=", ".join(data)))
    return annotated, len(every) - len(annotated)


def judge_docs(
    nlp: Language,
    golds: Sequence[GoldDoc],
    choice: LabelChoice,
    *,
    losses: Optional[TagLosses],
    own_tokens: bool,
    batch_size: int,
) -> Iterator[DocResult]:
    """Predict docs, in batches, and set what was found beside what is gold.

    nlp (Language): The pipeline.
    golds (Sequence[GoldDoc]): The docs; they are not changed.
    choice (LabelChoice): Which labels take part.
    losses (Optional[TagLosses]): Takes the docs in too.
    own_tokens (bool): The pipeline tokenizes the text itself.
    batch_size (int): Docs at a time.
    YIELDS (DocResult): For each doc, in order.
    """
    for batch in minibatch(golds, size=batch_size):
        inputs = [nlp.make_doc(doc.text) if own_tokens else copy_tokens(doc, nlp) for _, _, doc in batch]
        doc_losses: Sequence[Optional[DocLoss]] = [None] * len(batch)
        if losses is None:
            predicted = _run_pipes(nlp, inputs, nlp.pipe_names)
        else:
            references = [choice.relabel(gold.doc) for gold in batch]
            predicted, doc_losses = _predict_with_losses(nlp, inputs, references, losses)
        for gold, doc, loss in zip(batch, predicted, doc_losses):
            found = drop_unknown(read_mentions(doc, choice), gold.doc)
            judged = Judged(gold=read_mentions(gold.doc, choice), found=found)
            sentences = find_sentences(gold.doc)
            yield DocResult(gold.language, gold.number, gold.doc.text, len(gold.doc), sentences, judged, loss)


def _predict_with_losses(
    nlp: Language, docs: List[Doc], references: Sequence[Doc], losses: TagLosses
) -> Tuple[List[Doc], List[DocLoss]]:
    """Run the pipeline, with a stop where the component's logits are known, so that it predicts once."""
    component = losses.component
    names = nlp.pipe_names
    place = next(i for i, (_, other) in enumerate(nlp.pipeline) if other is component)
    docs = _run_pipes(nlp, docs, names[:place])
    logits = component.predict(docs)
    # Before the later components, which may merge tokens.
    doc_losses = losses.add([Example(*pair) for pair in zip(docs, references)], logits)
    component.set_annotations(docs, logits)
    return _run_pipes(nlp, docs, names[place + 1 :]), doc_losses


def _run_pipes(nlp: Language, docs: List[Doc], names: Sequence[str]) -> List[Doc]:
    """Run some components of a pipeline over a batch of docs."""
    # By number: a doc that an error handler drops stays as it went in.
    done = dict(enumerate(docs))
    disable = [name for name in nlp.pipe_names if name not in names]
    for doc, i in nlp.pipe(zip(docs, range(len(docs))), as_tuples=True, batch_size=len(docs), disable=disable):
        done[i] = doc
    return list(done.values())


def find_sentences(doc: Doc) -> List[Tuple[int, int]]:
    """The characters at which the sentences of a doc begin and end."""
    if not doc.has_annotation("SENT_START"):
        return [(0, len(doc.text))]
    return [(sentence.start_char, sentence.end_char) for sentence in doc.sents]


def copy_tokens(doc: Doc, nlp: Language) -> Doc:
    """A doc of the same tokens without annotation, in a pipeline's vocab."""
    return Doc(nlp.vocab, words=[token.text for token in doc], spaces=[bool(token.whitespace_) for token in doc])
