import numpy as np
import pytest
from spacy.tokens import Doc, Span
from spacy.vocab import Vocab

from spacy_xlmr_ner.ent_score import register_extension, set_score
from spacy_xlmr_ner.existing_ents import find_blocked, select_ents, set_ents
from spacy_xlmr_ner.types import Ent

WORDS = ["a", "b", "c", "d", "e", "f"]


@pytest.fixture(scope="module")
def vocab():
    return Vocab()


@pytest.fixture
def doc(vocab):
    register_extension()
    return Doc(vocab, words=WORDS)


def apply(doc, found, policy="keep", component="ner"):
    """Write entities as the component does; return what stands: (start, end, label)."""
    set_ents(doc, [Ent(*ent) for ent in found], policy=policy, component=component)
    return [(ent.start, ent.end, ent.label_) for ent in doc.ents]


FOUND = [(0, 2, "X", 0.9), (3, 4, "Y", 0.6)]


@pytest.mark.parametrize(
    "policy, earlier, expected",
    [
        ("keep", [(5, 6, "E", None)], [(0, 2, "X"), (3, 4, "Y"), (5, 6, "E")]),
        ("keep", [(1, 3, "E", None)], [(1, 3, "E"), (3, 4, "Y")]),
        ("keep", [(0, 6, "E", 0.0)], [(0, 6, "E")]),
        ("overwrite", [(1, 3, "E", None)], [(0, 2, "X"), (3, 4, "Y")]),
        ("overwrite", [(0, 6, "E", 1.0)], [(0, 2, "X"), (3, 4, "Y")]),
        ("overwrite", [(4, 6, "E", None)], [(0, 2, "X"), (3, 4, "Y"), (4, 6, "E")]),
        ("best", [(1, 4, "E", 0.7)], [(0, 2, "X"), (3, 4, "Y")]),
        ("best", [(3, 5, "E", 0.7)], [(0, 2, "X"), (3, 5, "E")]),
        ("best", [(3, 5, "E", 0.5)], [(0, 2, "X"), (3, 4, "Y")]),
        ("best", [(3, 5, "E", 0.6)], [(0, 2, "X"), (3, 5, "E")]),  # of equals the earlier
        ("best", [(0, 1, "E", None)], [(0, 1, "E"), (3, 4, "Y")]),  # without a score: 1.0
        ("best", [(1, 4, "E", 0.95)], [(1, 4, "E")]),
    ],
)
def test_set_ents_follows_the_policy(doc, policy, earlier, expected):
    for start, end, label, score in earlier:
        doc.ents = [*doc.ents, Span(doc, start, end, label=label)]
        if score is not None:
            set_score(doc.ents[-1], score, component="other")
    assert apply(doc, FOUND, policy) == expected


def test_set_ents_best_counts_an_entity_without_score_as_one(doc):
    doc.ents = [Span(doc, 0, 2, label="E")]
    assert apply(doc, [(0, 2, "X", 1.0)], "best") == [(0, 2, "E")]


def test_set_ents_returns_the_found_ones_that_stand(doc):
    doc.ents = [Span(doc, 1, 3, label="E")]
    spans = set_ents(doc, [Ent(*ent) for ent in FOUND], policy="keep", component="ner")
    assert [(span.text, score) for span, score in spans] == [("d", 0.6)]


@pytest.mark.parametrize("policy", ["keep", "overwrite", "best"])
def test_set_ents_keeps_blocked_tokens_blocked(doc, policy):
    doc.set_ents([], blocked=[doc[1:2]])
    assert apply(doc, FOUND, policy) == [(3, 4, "Y")]
    assert find_blocked(doc).tolist() == [False, True, False, False, False, False]


def test_set_ents_keeps_blocked_tokens_beside_earlier_ents(doc):
    doc.set_ents([Span(doc, 4, 6, label="E")], blocked=[doc[3:4]])
    assert apply(doc, FOUND, "overwrite") == [(0, 2, "X"), (4, 6, "E")]
    assert find_blocked(doc).nonzero()[0].tolist() == [3]


def test_set_ents_turns_missing_tokens_to_outside(doc):
    doc.set_ents([Span(doc, 4, 5, label="E")], default="missing")
    assert [token.ent_iob_ for token in doc] == ["", "", "", "", "B", ""]
    apply(doc, FOUND)
    assert [token.ent_iob_ for token in doc] == ["B", "I", "O", "B", "B", "O"]


def test_set_ents_predicts_over_tokens_marked_outside(doc):
    doc.set_ents([], default="outside")
    assert apply(doc, FOUND) == [(0, 2, "X"), (3, 4, "Y")]


def test_set_ents_without_found_marks_outside(doc):
    assert apply(doc, []) == []
    assert [token.ent_iob_ for token in doc] == ["O"] * 6


@pytest.mark.parametrize("policy", ["keep", "overwrite", "best"])
def test_set_ents_replaces_what_the_component_set_before(doc, policy):
    apply(doc, [(0, 4, "X", 0.99)], policy)
    assert apply(doc, FOUND, policy) == [(0, 2, "X"), (3, 4, "Y")]
    assert [ent._.score for ent in doc.ents] == [0.9, 0.6]


def test_set_ents_counts_another_components_as_earlier(doc):
    apply(doc, [(0, 4, "X", 0.5)], component="first")
    assert apply(doc, FOUND, component="second") == [(0, 4, "X")]
    assert apply(doc, FOUND, "best", component="second") == [(0, 2, "X"), (3, 4, "Y")]


def test_set_ents_forgets_scores_of_what_stands_no_more(doc):
    apply(doc, [(0, 4, "X", 0.99)], component="first")
    apply(doc, FOUND, "overwrite", component="second")
    assert Span(doc, 0, 4, label="X")._.score is None


def test_set_ents_keeps_ids_of_earlier_ents(doc):
    doc.ents = [Span(doc, 4, 6, label="E", kb_id="Q1", span_id="id1")]
    apply(doc, FOUND)
    assert [(ent.kb_id_, ent.ent_id_) for ent in doc.ents] == [("", ""), ("", ""), ("Q1", "id1")]


def test_set_ents_does_not_inherit_ids_of_overwritten_ents(doc):
    doc.ents = [Span(doc, 0, 3, label="E", kb_id="Q1", span_id="id1")]
    apply(doc, FOUND, "overwrite")
    assert [(ent.kb_id_, ent.ent_id_, ent.id_) for ent in doc.ents] == [("", "", "")] * 2
    assert [token.ent_kb_id_ for token in doc] == [""] * 6


def test_select_ents_without_conflict_keeps_all(doc):
    found, earlier = [Ent(0, 1, "X", 0.1)], [Span(doc, 1, 2, label="E")]
    for policy in ("keep", "overwrite", "best"):
        assert select_ents(found, earlier, np.zeros(6, dtype=bool), policy) == (found, earlier)


def test_set_ents_on_an_empty_doc(vocab):
    assert apply(Doc(vocab), []) == []
