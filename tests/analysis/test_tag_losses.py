import math

import numpy as np
import pytest
import spacy
from spacy.tokens import Doc
from spacy.training import Example

from spacy_xlmr_ner.analysis.tag_losses import LEAST_PROB, TagLosses, compute_losses, find_ner

# Of the checkpoint with chosen answers: the logit of the chosen tag is 8, those of six others 0.
SURE = math.log(math.exp(8) + 6) - 8
WRONG = math.log(math.exp(8) + 6)


def add_docs(nlp, *docs, rename=lambda label: label):
    """Losses of docs given as (words, tags)."""
    component = find_ner(nlp)
    losses = TagLosses(component, rename)
    examples = [Example(Doc(nlp.vocab, words=words), Doc(nlp.vocab, words=words, ents=tags)) for words, tags in docs]
    return losses, losses.add(examples, component.predict([example.predicted for example in examples]))


def test_compute_losses_leaves_out_tokens_without_tag_or_pieces():
    probs = np.array([[0.5, 0.5], [0.25, 0.75], [np.nan, np.nan], [1.0, 0.0]], dtype=np.float32)
    tokens, losses = compute_losses(np.array([1, -1, 0, 1]), probs)
    assert tokens.tolist() == [0, 3]
    assert losses == pytest.approx([math.log(2), -math.log(LEAST_PROB)])


def test_losses_by_hand(make_nlp, chosen_checkpoint):
    nlp = make_nlp(chosen_checkpoint)
    losses, by_doc = add_docs(
        nlp, (["Jack", "in", "Berlin"], ["B-PER", "O", "B-ORG"]), (["Jack", "Jack"], ["B-PER", "B-LOC"])
    )
    report = losses.make_report(n_tokens=10)
    assert [len(doc.losses) for doc in by_doc] == [3, 2]
    assert [doc.losses.sum() for doc in by_doc] == pytest.approx([2 * SURE + WRONG, SURE + WRONG], rel=1e-4)
    assert [(row.name, row.n_tokens) for row in report.by_tag] == [("B-LOC", 1), ("B-ORG", 1), ("B-PER", 2), ("O", 1)]
    assert [row.total for row in report.by_tag] == pytest.approx([WRONG, WRONG, 2 * SURE, SURE], rel=1e-4)
    assert [row.name for row in report.by_token] == ["Jack", "Berlin", "in"]
    assert report.by_token[0].mean == pytest.approx((2 * SURE + WRONG) / 3, rel=1e-4)


def test_confusion_has_gold_rows_and_predicted_columns(make_nlp, chosen_checkpoint):
    nlp = make_nlp(chosen_checkpoint)
    losses, _ = add_docs(nlp, (["Jack", "in", "Berlin"], ["B-PER", "O", "B-ORG"]))
    report = losses.make_report(n_tokens=0)
    cells = {
        (gold, found): n for gold, row in zip(report.tags, report.confusion) for found, n in zip(report.tags, row) if n
    }
    assert cells == {("B-PER", "B-PER"): 1, ("O", "O"): 1, ("B-ORG", "B-LOC"): 1}
    assert report.by_token == []


def test_report_counts_what_was_left_out(make_nlp, chosen_checkpoint):
    # a label that the model lacks, a token without annotation, and one of whitespace that has no pieces
    losses, _ = add_docs(make_nlp(chosen_checkpoint), (["Jack", "in", " ", "the"], ["B-MISC", "", "O", "O"]))
    report = losses.make_report(n_tokens=10)
    assert (report.n_tokens, report.n_left_out) == (1, 3)


def test_names_are_those_after_both_maps(make_nlp, chosen_checkpoint):
    nlp = make_nlp(chosen_checkpoint, label_map={"PER": "PERSON"})
    _, (doc,) = add_docs(nlp, (["Jack"], ["B-HUMAN"]), rename={"PERSON": "HUMAN"}.get)
    assert doc.losses.sum() == pytest.approx(SURE, rel=1e-4)


def test_find_ner_finds_the_component_under_any_name(make_nlp, chosen_checkpoint):
    assert find_ner(make_nlp(chosen_checkpoint, name="ner")).name == "ner"
    assert find_ner(spacy.blank("xx")) is None
