"""What a report over corpora means: what is well, what to look at, and what a training would fail of."""

from dataclasses import dataclass, field
from typing import Callable, Dict, Iterable, List, Literal, Tuple

from spacy.cli.debug_data import BLANK_MODEL_MIN_THRESHOLD, BLANK_MODEL_THRESHOLD, NEW_LABEL_THRESHOLD

from ..errors import Errors
from .coverage import Coverage
from .report import ComponentReport, CorpusReport
from .stats import CorpusStats, Finding

Level = Literal["good", "info", "warn", "fail"]

MAX_UNKNOWN = 0.01  # of the pieces
MAX_MISFITS = 0.05  # of the entities
MAX_IDLE = 0.05  # of the steps
MAX_LAST_RATE = 0.2  # of the highest, where the rate comes down
_TAG_PREFIXES = tuple("BIELSUM")


@dataclass(frozen=True)
class Note:
    """One line of judgement.

    level (Level): "fail": a training could not work.
    """

    level: Level
    text: str
    examples: List[str] = field(default_factory=list)


def judge_report(report: CorpusReport) -> Dict[str, List[Note]]:
    """Judge a report.

    report (CorpusReport): The report.
    RETURNS (Dict[str, List[Note]]): By section, in the order in which they are to be read.
    """
    sections: Dict[str, Callable[[CorpusReport], Iterable[Note]]] = {
        "Docs": judge_docs,
        "Labels": judge_labels,
        "Entities": judge_ents,
        "Vocabulary and windows": judge_coverages,
        "Training": judge_training,
    }
    return {title: list(judge(report)) for title, judge in sections.items()}


def judge_docs(report: CorpusReport) -> Iterable[Note]:
    """Are there docs, are they annotated, and do they stand there once?"""
    if not report.train.n_tokens:
        yield Note("fail", Errors.XN251.format(n_docs=report.train.n_docs))
    elif report.train.missing_tokens == report.train.n_tokens:
        yield Note("fail", Errors.XN252.format(n_docs=report.train.n_docs))
    if not report.dev.n_tokens:
        yield Note("fail", Errors.XN253.format(n_docs=report.dev.n_docs))
    if report.is_cut:
        yield Note("info", f"max_epochs = -1: only the first {report.train.n_docs} training docs were looked at")
    if 0 < report.train.n_docs < BLANK_MODEL_MIN_THRESHOLD:
        yield Note("warn", f"Few training docs: {report.train.n_docs} (better at least {BLANK_MODEL_MIN_THRESHOLD})")
    yield _say(report.overlap, "text(s) of dev are in train too: the scores will flatter", "No text of dev is in train")
    for name, stats in _list_corpora(report):
        yield from judge_texts(name, stats)


def judge_texts(name: str, stats: CorpusStats) -> Iterable[Note]:
    """Docs of one corpus that are empty, unannotated, or there twice."""
    if stats.empty:
        yield Note("warn", f"{name}: {stats.empty} doc(s) without a token")
    if stats.duplicates.n:
        yield _say(stats.duplicates, f"doc(s) in {name} have the text of an earlier one", "")
    if stats.conflicts.n:
        yield _say(stats.conflicts, f"of them in {name} with other entities than the earlier one", "")
    n_partly = stats.missing_tokens
    if stats.unannotated.n:
        text = f"doc(s) in {name} have no entity annotation: they take no part. If they hold none, set doc.ents = []"
        yield _say(stats.unannotated, text, "")
    elif n_partly:
        yield Note("info", f"{n_partly} token(s) in {name} are not annotated: they take no part")


def judge_labels(report: CorpusReport) -> Iterable[Note]:
    """Does each label stand in both corpora, often enough, and is it spelt as a label?"""
    train, dev = report.train, report.dev
    unlearned = [label for label in dev.labels if label not in train.labels]
    unmeasured = [label for label in train.labels if label not in dev.labels]
    if unlearned:
        yield Note("warn", f"In dev but not in train, so never found: {', '.join(unlearned)}")
    if unmeasured:
        yield Note("warn", f"In train but not in dev, so never measured: {', '.join(unmeasured)}")
    few = [f"{label} ({n})" for label, n in train.labels.items() if n <= NEW_LABEL_THRESHOLD]
    if few:
        yield Note("warn", f"Few entities to learn from (better more than {NEW_LABEL_THRESHOLD}): {', '.join(few)}")
    elif train.labels:
        yield Note("good", "Enough entities of each label")
    always = [label for label, n in train.docs_by_label.items() if n == train.n_docs]
    if always:
        yield Note("warn", f"Every training doc has an entity of: {', '.join(always)}. Add texts without")
    odd = find_odd_labels([*train.labels, *unlearned])
    if odd:
        yield Note("warn", f"Labels that look like slips of a conversion: {', '.join(odd)}")


def find_odd_labels(labels: List[str]) -> List[str]:
    """Labels that are tags ("B-PER", "O"), or others' twins but for case and spaces ("per", "PER")."""
    plain: Dict[str, List[str]] = {}
    for label in labels:
        plain.setdefault(label.strip().lower(), []).append(label)
    twins = {label for group in plain.values() if len(group) > 1 for label in group}
    return [
        label for label in labels if label in twins or label == "O" or label != label.strip() or _is_tag(label, labels)
    ]


def _is_tag(label: str, labels: List[str]) -> bool:
    """Whether a label is a prefix before another that is there too, bare or with another prefix."""
    prefix, _, rest = label.partition("-")
    others = {rest, *(f"{other}-{rest}" for other in _TAG_PREFIXES if other != prefix)}
    return prefix in _TAG_PREFIXES and bool(rest) and bool(others & set(labels))


def judge_ents(report: CorpusReport) -> Iterable[Note]:
    """Do entities fit tokens, and have clean borders?"""
    if not report.train.n_ents:
        yield Note("warn", "No entity in train")
    if not report.dev.n_ents:
        yield Note("warn", "No entity in dev: every score will be 0 or empty")
    for name, stats in _list_corpora(report):
        begins = f"entities in {name} begin or end"
        inside = "inside a token or on whitespace: they take no part in training, and cannot be found"
        yield _say(stats.misfits, f"{begins} {inside}", f"All entities in {name} begin and end with a token")
        if stats.misfits.n > MAX_MISFITS * stats.n_ents:
            yield Note("warn", f"Other tokens would fit {name} better: see `lang` in [nlp], and [nlp.tokenizer]")
        if stats.edges.n:
            yield _say(stats.edges, f"{begins} with punctuation or a space; is it part of them?", "")
        if stats.crossing.n:
            yield _say(stats.crossing, f"entities in {name} go on beyond the end of a sentence", "")
    if report.dev.n_ents:
        share = f"{report.new_mentions:.0%} of the different entities of dev are not in train"
        yield Note("info", f"{share}; the others can be learned by heart")


def judge_coverages(report: CorpusReport) -> Iterable[Note]:
    """Does the vocabulary know the characters, and do docs fit the windows?"""
    for name, component in report.components.items():
        for (corpus, stats), coverage in zip(_list_corpora(report), (component.train, component.dev)):
            if coverage is not None and coverage.n_tokens:
                yield from judge_coverage(f"{name}, {corpus}", coverage, n_docs=stats.n_docs)


def judge_coverage(name: str, coverage: Coverage, *, n_docs: int) -> Iterable[Note]:
    """How one vocabulary reads one corpus."""
    unknown = coverage.n_unknown / coverage.n_pieces if coverage.n_pieces else 0.0
    text = f"{name}: {coverage.pieces_per_token:.2f} pieces a token, {unknown:.2%} of them unknown"
    characters = [f"{character!r} {n}x" for character, n in list(coverage.unknown.items())[:10]]
    yield Note("warn" if unknown > MAX_UNKNOWN else "info", text, characters)
    if coverage.bad_docs.n:
        share = f"{coverage.bad_docs.n / n_docs:.1%} of the docs"
        yield _say(coverage.bad_docs, f"doc(s), {name} ({share}): the vocabulary hardly knows the words", "")
    if coverage.bare_tokens.n:
        yield _say(coverage.bare_tokens, f"token(s), {name}: no pieces at all, so no tag", "")
    if coverage.long_tokens.n:
        yield _say(coverage.long_tokens, f"token(s), {name}: longer than a window; only the beginning is read", "")
    if coverage.long_docs.n:
        text = f"doc(s), {name}: longer than a window ({coverage.capacity} pieces), read in several that overlap"
        yield _say(coverage.long_docs, text, "", level="info")


def judge_training(report: CorpusReport) -> Iterable[Note]:
    """Can it begin, from which weights, and for how long?"""
    if report.problem is not None:
        yield Note("fail", f"The training cannot begin: {report.problem}")
    for text in report.warned:
        yield Note("warn", text)
    for name, component in report.components.items():
        yield judge_head(name, component)
        if component.is_scratch and report.train.n_docs < BLANK_MODEL_THRESHOLD:
            few = f"{report.train.n_docs} docs are few for that (better at least {BLANK_MODEL_THRESHOLD})"
            yield Note("warn", f"{name} begins from nothing: {few}")
        if component.unknown:
            shown = ", ".join(f"{label} ({n})" for label, n in component.unknown.items())
            yield Note("warn", f"{name} has no tags for {shown}: these entities take no part")
        unfed = [label for label in component.labels if label not in report.train.labels]
        if unfed:
            yield Note("warn", f"{name} has labels that train lacks, and may unlearn them: {', '.join(unfed)}")
    if report.schedule is not None and report.train.n_tokens:
        yield from judge_schedule(report)


def judge_head(name: str, component: ComponentReport) -> Note:
    """Which head a component begins with."""
    labels = ", ".join(component.labels)
    if component.is_scratch:
        return Note("info", f"{name} begins from nothing, vocabulary included; labels: {labels}")
    if not component.has_new_head:
        return Note("good", f"{name} keeps the trained head of its checkpoint; labels: {labels}")
    former = f" in place of the checkpoint's ({', '.join(component.former_labels)})" if component.former_labels else ""
    return Note("info", f"{name} begins with a new head{former}; labels: {labels}")


def judge_schedule(report: CorpusReport) -> Iterable[Note]:
    """Does the learning rate suit the number of steps?"""
    schedule = report.schedule
    assert schedule is not None
    total = "until `patience` ends it" if schedule.n_steps is None else f"{schedule.n_steps} in all"
    yield Note("info", f"{schedule.steps_per_epoch} steps an epoch, {total}")
    if schedule.n_steps is None:
        return
    rates = f"{schedule.first_rate:.2g}, highest {schedule.highest_rate:.2g} at step {schedule.highest_step}"
    yield Note("info", f"Learning rate: {rates}, {schedule.last_rate:.2g} at the end")
    if schedule.idle_steps > MAX_IDLE * schedule.n_steps:
        wrong = f"The learning rate is 0 in the last {schedule.idle_steps} steps: nothing is learned in them"
    elif 0 < schedule.highest_step == schedule.n_steps - 1:
        wrong = "The learning rate is still rising when the training ends"
    elif schedule.is_falling and schedule.last_rate > MAX_LAST_RATE * schedule.highest_rate:
        wrong = f"The training ends when the learning rate has come down to {schedule.last_rate:.2g} only"
    else:
        return
    yield Note("warn", f"{wrong}. The steps to give a schedule that ends with the training are {schedule.n_steps}")


def _list_corpora(report: CorpusReport) -> List[Tuple[str, CorpusStats]]:
    return [("train", report.train), ("dev", report.dev)]


def _say(finding: Finding, bad: str, good: str, *, level: Level = "warn") -> Note:
    """A note of a finding: what is said where there is something, and where there is nothing."""
    return Note(level, f"{finding.n} {bad}", finding.examples) if finding.n else Note("good", good)
