"""Evaluate a pipeline: scores, kinds of error, losses."""

import warnings
from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any, Collection, Dict, List, Mapping, Optional, Sequence, Set

import numpy as np
from spacy.language import Language
from spacy.tokens import Doc
from tqdm import tqdm

from ..errors import Errors, Warnings
from .error_report import ErrorReport, report_errors
from .mentions import LabelChoice, Mention
from .prediction import DocResult, GoldDoc, judge_docs, select_docs
from .scores import Judged, Scores, part_judged, score_ents
from .tag_losses import TagLosses, TagReport, find_ner

# The version of the schema of Evaluation.to_json.
FORMAT = 1
NO_PROBS = "The pipeline has no `xlmr_ner` component, and so no probabilities of tags: no confusion matrix, no losses."


@dataclass(frozen=True)
class HardSentence:
    """A sentence of high loss; where the data does not part its docs in sentences, a doc.

    language (str): The group of docs.
    doc (int): Which of the group's docs, from 0.
    start (int): At which character of the doc it begins.
    loss (float): The sum over its tokens that have a loss; n_tokens (int): how many these are.
    text (str): Its text.
    gold, found (List[Mention]): The entities that begin in it, by characters of its text.
    """

    language: str
    doc: int
    start: int
    loss: float
    n_tokens: int
    text: str
    gold: List[Mention]
    found: List[Mention]


@dataclass(frozen=True)
class Evaluation:
    """All that `evaluate` finds out.

    model (str): The model's name.
    n_docs (int): Docs that were evaluated.
    n_tokens (int): Their tokens, as the data has them.
    scores (Scores): Precision, recall and F1, with intervals.
    errors (ErrorReport): Kinds of error, with examples.
    tags (Optional[TagReport]): Confusion matrix and losses; None if left out or without an `xlmr_ner` component.
    hardest (List[HardSentence]): The sentences of highest summed loss, the highest first; empty where `tags` is None.
    notes (List[str]): What else a reader has to know: labels that gold or model lack, what was left out.
    """

    model: str
    n_docs: int
    n_tokens: int
    scores: Scores
    errors: ErrorReport
    tags: Optional[TagReport]
    hardest: List[HardSentence]
    notes: List[str]

    def to_json(self) -> Dict[str, Any]:
        """All of it as JSON has it: "format" (1), and the attributes of these classes under their names.

        An Estimate is {"value", "low", "high"}; a Mention is [start, end, label, score].
        """
        return {"format": FORMAT, **asdict(self)}


def evaluate(
    nlp: Language,
    data: Mapping[str, Sequence[Doc]],
    *,
    name: Optional[str] = None,
    labels: Optional[Collection[str]] = None,
    label_map: Optional[Mapping[str, Optional[str]]] = None,
    own_tokens: bool = False,
    with_losses: bool = True,
    n_examples: int = 10,
    n_rows: int = 50,
    batch_size: int = 256,
    n_resamples: int = 1000,
    seed: int = 0,
    progress: bool = False,
) -> Evaluation:
    """Compare the entities that a pipeline finds with gold ones.

    Any pipeline that sets doc.ents will do. Docs in which no token has an annotation (token.ent_iob == 0) are left
    out; where only some tokens have none, found entities that touch them are neither right nor wrong. Both as in
    spaCy's own scorer.

    nlp (Language): The pipeline.
    data (Mapping[str, Sequence[Doc]]): Gold docs by language, or by any other group, as `read_data` gives them. They
        are not changed, and need not have the pipeline's vocab.
    name (Optional[str]): What the report calls the model; None: its language and name in nlp.meta.
    labels (Optional[Collection[str]]): Count only these; None: all.
    label_map (Optional[Mapping[str, Optional[str]]]): Other names for labels, gold and found; None leaves one out.
    own_tokens (bool): Let the pipeline tokenize the text, rather than take the tokens of the data.
    with_losses (bool): Work out losses and the confusion matrix too, if there is an `xlmr_ner` component.
    n_examples (int): Examples of each kind of error, and sentences of highest loss, to keep.
    n_rows (int): Texts of tokens of highest loss to keep.
    batch_size (int): Docs at a time.
    n_resamples (int): Of the bootstrap.
    seed (int): Of the bootstrap and of the examples that are drawn.
    progress (bool): Show a progress bar on standard error, if that is a terminal.
    RETURNS (Evaluation): Scores, errors, losses.
    RAISES (ValueError): XN231 for labels that are nowhere, XN232 without a doc, XN233 without annotation, XN234 if
        nothing looks for entities.
    """
    choice = LabelChoice(label_map=label_map, labels=labels)
    name = name or f"{nlp.meta['lang']}_{nlp.meta['name']}"
    golds, n_unannotated = select_docs(data)
    _check_chosen(nlp, golds, LabelChoice(label_map=label_map), labels, name=name)
    component = find_ner(nlp) if with_losses else None
    losses = None if component is None else TagLosses(component, choice.rename)
    judged = judge_docs(nlp, golds, choice, losses=losses, own_tokens=own_tokens, batch_size=batch_size)
    bar = tqdm(judged, total=len(golds), desc=name, unit="doc", disable=None if progress else True)
    results: List[DocResult] = list(bar)
    notes = _compare_labels(nlp, results, choice, name=name)
    if n_unannotated:
        notes.append(Warnings.XW232.format(n=n_unannotated, n_docs=n_unannotated + len(results)))
    for note in notes:
        warnings.warn(note, stacklevel=2)
    return Evaluation(
        model=name,
        n_docs=len(results),
        n_tokens=sum(result.n_tokens for result in results),
        scores=score_ents(_group(results), n_resamples=n_resamples, seed=seed),
        errors=report_errors(results, n_examples=n_examples, seed=seed),
        tags=None if losses is None else losses.make_report(n_tokens=n_rows),
        hardest=_find_hardest(results, n_sentences=n_examples),
        notes=notes + ([NO_PROBS] if with_losses and losses is None else []),
    )


def _group(results: Sequence[DocResult]) -> Dict[str, List[Judged]]:
    """What intervals are drawn from: sentences, where the data parts its docs in them."""
    groups: Dict[str, List[Judged]] = {}
    for result in results:
        starts = [start for start, _ in result.sentences]
        groups.setdefault(result.language, []).extend(part_judged(result.judged, starts))
    return groups


def _compare_labels(nlp: Language, results: Sequence[DocResult], choice: LabelChoice, *, name: str) -> List[str]:
    """Notes on labels that the gold has and the model lacks, and the other way round."""
    gold = Counter(mention.label for result in results for mention in result.judged.gold)
    found = Counter(mention.label for result in results for mention in result.judged.found)
    finders = _find_finders(nlp)
    if not finders and not found:
        raise ValueError(Errors.XN234.format(model=name, found=", ".join(nlp.pipe_names) or "no component"))
    known = _list_labels(nlp, finders, choice) | found.keys()
    lacking = {label: n for label, n in gold.items() if label not in known}
    strange = {label: n for label, n in found.items() if label not in gold}
    return [
        text.format(model=name, found=", ".join(sorted(counts)), n=sum(counts.values()))
        for text, counts in ((Warnings.XW230, lacking), (Warnings.XW231, strange))
        if counts
    ]


def _check_chosen(
    nlp: Language, golds: Sequence[GoldDoc], choice: LabelChoice, labels: Optional[Collection[str]], *, name: str
) -> None:
    """Refuse to count labels that are nowhere: they were misspelt."""
    gold = {choice.rename(ent.label_) for gold in golds for ent in gold.doc.ents}
    known = {label for label in gold | _list_labels(nlp, _find_finders(nlp), choice) if label is not None}
    unknown = set(labels or ()) - known
    if unknown or (labels is not None and not labels):
        found = ", ".join(sorted(unknown)) or "no label"
        raise ValueError(Errors.XN231.format(found=found, model=name, known=", ".join(sorted(known))))


def _find_finders(nlp: Language) -> List[str]:
    """The names of the components that say that they set entities."""
    return [pipe for pipe, _ in nlp.pipeline if "doc.ents" in nlp.get_pipe_meta(pipe).assigns]


def _list_labels(nlp: Language, names: Sequence[str], choice: LabelChoice) -> Set[Optional[str]]:
    """What the labels of components are called."""
    return {choice.rename(label) for name in names for label in getattr(nlp.get_pipe(name), "labels", ())}


def _find_hardest(results: Sequence[DocResult], *, n_sentences: int) -> List[HardSentence]:
    ranked = []
    for result in results:
        if result.loss is None:
            continue
        for start, end in result.sentences:
            losses = result.loss.losses[slice(*np.searchsorted(result.loss.starts, (start, end)))]
            if len(losses):
                ranked.append((float(losses.sum()), len(losses), result, start, end))
    ranked.sort(key=lambda one: -one[0])
    return [
        HardSentence(
            language=result.language,
            doc=result.number,
            start=start,
            loss=loss,
            n_tokens=n_tokens,
            text=result.text[start:end],
            gold=_cut_mentions(result.judged.gold, start, end),
            found=_cut_mentions(result.judged.found, start, end),
        )
        for loss, n_tokens, result, start, end in ranked[:n_sentences]
    ]


def _cut_mentions(mentions: Sequence[Mention], start: int, end: int) -> List[Mention]:
    """The entities that begin in a part of a text, by its characters; one that goes on behind it ends with it."""
    return [
        mention._replace(start=mention.start - start, end=min(mention.end, end) - start)
        for mention in mentions
        if start <= mention.start < end
    ]
