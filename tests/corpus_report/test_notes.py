from dataclasses import replace

import pytest

from spacy_xlmr_ner.corpus_report.coverage import Coverage
from spacy_xlmr_ner.corpus_report.notes import find_odd_labels, judge_report
from spacy_xlmr_ner.corpus_report.report import ComponentReport, CorpusReport
from spacy_xlmr_ner.corpus_report.schedule import Schedule
from spacy_xlmr_ner.corpus_report.stats import CorpusStats, Finding

STATS = CorpusStats(n_docs=3000, n_tokens=30000, n_ents=200, labels={"PER": 200}, docs_by_label={"PER": 150})
COMPONENT = ComponentReport(
    labels=["PER"],
    former_labels=["PER"],
    is_scratch=False,
    unknown={},
    train=Coverage(n_tokens=100, n_pieces=150, capacity=510),
    dev=Coverage(n_tokens=100, n_pieces=150, capacity=510),
)
SCHEDULE = Schedule(
    steps_per_epoch=100,
    n_steps=300,
    first_rate=0.0,
    highest_rate=1e-4,
    highest_step=30,
    last_rate=1e-6,
    is_falling=True,
    idle_steps=0,
)
SOME = Finding(2, ["one", "two"])


def judge(train=None, dev=None, component=None, schedule=None, **report):
    """The notes on a report in which all is well but for what is given."""
    sound = CorpusReport(
        train=replace(STATS, **(train or {})),
        dev=replace(STATS, **(dev or {})),
        overlap=Finding(),
        new_mentions=0.5,
        is_cut=False,
        schedule=replace(SCHEDULE, **(schedule or {})),
        components={"xlmr_ner": replace(COMPONENT, **(component or {}))},
    )
    return [note for notes in judge_report(replace(sound, **report)).values() for note in notes]


def test_notes_find_nothing_wrong_where_nothing_is():
    assert {note.level for note in judge()} == {"good", "info"}


@pytest.mark.parametrize(
    "wrong, said",
    [
        ({"train": {"n_docs": 0, "n_tokens": 0, "n_ents": 0, "labels": {}}}, "XN251"),
        ({"train": {"missing_tokens": 30000}}, "XN252"),
        ({"dev": {"n_docs": 2, "n_tokens": 0}}, "XN253"),
        ({"problem": "no such checkpoint"}, "cannot begin: no such checkpoint"),
    ],
)
def test_notes_fail_what_a_training_could_not_work_with(wrong, said):
    failed = [note.text for note in judge(**wrong) if note.level == "fail"]
    assert len(failed) == 1
    assert said in failed[0]


@pytest.mark.parametrize(
    "wrong, said",
    [
        ({"train": {"n_docs": 99}}, "Few training docs: 99"),
        ({"train": {"empty": 1}}, "train: 1 doc(s) without a token"),
        ({"dev": {"unannotated": SOME}}, "2 doc(s) in dev have no entity annotation"),
        ({"train": {"duplicates": SOME}}, "2 doc(s) in train have the text of an earlier one"),
        ({"train": {"conflicts": SOME}}, "2 of them in train with other entities"),
        ({"overlap": SOME}, "2 text(s) of dev are in train too"),
        ({"train": {"misfits": SOME}}, "2 entities in train begin or end inside a token"),
        ({"dev": {"misfits": Finding(11)}}, "Other tokens would fit dev better"),
        ({"dev": {"edges": SOME}}, "2 entities in dev begin or end with punctuation"),
        ({"dev": {"crossing": SOME}}, "2 entities in dev go on beyond the end of a sentence"),
        ({"train": {"n_ents": 0}}, "No entity in train"),
        ({"dev": {"n_ents": 0}}, "No entity in dev"),
        ({"dev": {"labels": {"PER": 150, "LOC": 9}}}, "In dev but not in train, so never found: LOC"),
        ({"dev": {"labels": {}}}, "In train but not in dev, so never measured: PER"),
        ({"train": {"labels": {"PER": 50}}}, "Few entities to learn from (better more than 50): PER (50)"),
        ({"train": {"docs_by_label": {"PER": 3000}}}, "Every training doc has an entity of: PER"),
        ({"train": {"labels": {"PER": 99, "per": 99}}}, "slips of a conversion: PER, per"),
        ({"component": {"unknown": {"LOC": 7}}}, "xlmr_ner has no tags for LOC (7)"),
        ({"component": {"labels": ["PER", "ORG"]}}, "xlmr_ner has labels that train lacks, and may unlearn them: ORG"),
        ({"component": {"is_scratch": True}, "train": {"n_docs": 1999}}, "1999 docs are few for that"),
        ({"component": {"train": Coverage(100, 100, 2)}}, "1.00 pieces a token, 2.00% of them unknown"),
        (
            {"component": {"train": Coverage(100, 100, bad_docs=SOME)}},
            "2 doc(s), xlmr_ner, train (0.1% of the docs): the vocabulary hardly knows the words",
        ),
        ({"component": {"train": Coverage(100, 100, bare_tokens=SOME)}}, "no pieces at all, so no tag"),
        ({"component": {"train": Coverage(100, 100, long_tokens=SOME)}}, "longer than a window; only the beginning"),
        ({"warned": ["[XW203] something"]}, "[XW203] something"),
        ({"schedule": {"idle_steps": 16, "last_rate": 0.0}}, "is 0 in the last 16 steps"),
        ({"schedule": {"highest_step": 299, "is_falling": False}}, "still rising when the training ends"),
        ({"schedule": {"last_rate": 5e-5}}, "has come down to 5e-05 only"),
    ],
)
def test_notes_warn(wrong, said):
    notes = [note for note in judge(**wrong) if said in note.text]
    assert [note.level for note in notes] == ["warn"]


@pytest.mark.parametrize(
    "found, said",
    [
        ({"train": {"missing_tokens": 5}}, "5 token(s) in train are not annotated"),
        ({"is_cut": True}, "only the first 3000 training docs"),
        ({"component": {"dev": Coverage(100, 100, long_docs=SOME, capacity=510)}}, "longer than a window (510 pieces)"),
        ({"component": {"is_scratch": True}}, "begins from nothing"),
        ({"component": {"former_labels": []}}, "begins with a new head; labels: PER"),
        ({"component": {"former_labels": ["LOC"]}}, "begins with a new head in place of the checkpoint's (LOC)"),
        ({"schedule": {"n_steps": None}}, "100 steps an epoch, until `patience` ends it"),
        ({"new_mentions": 0.25}, "25% of the different entities of dev are not in train"),
    ],
)
def test_notes_inform(found, said):
    notes = [note for note in judge(**found) if said in note.text]
    assert [note.level for note in notes] == ["info"]


def test_notes_carry_examples():
    assert [note.examples for note in judge(overlap=SOME) if "are in train too" in note.text] == [["one", "two"]]
    unknown = Coverage(100, 100, 2, unknown={"Ж": 2})
    assert [note.examples for note in judge(component={"dev": unknown}) if "2.00%" in note.text] == [["'Ж' 2x"]]


@pytest.mark.parametrize(
    "labels, odd",
    [
        (["PER", "LOC", "geo-loc", "E-mail", "B-Sign"], []),
        (["B-PER", "I-PER", "LOC"], ["B-PER", "I-PER"]),
        (["B-PER", "PER"], ["B-PER"]),
        (["O", "PER"], ["O"]),
        (["PER ", "LOC"], ["PER "]),
        (["Per", "PER", "LOC"], ["Per", "PER"]),
    ],
)
def test_find_odd_labels(labels, odd):
    assert find_odd_labels(labels) == odd
