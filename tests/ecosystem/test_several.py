"""Several components that find entities in one pipeline; two of ours: also tests/test_manners.py."""

import pytest
import spacy
from spacy.tokens import Span
from spacy.training import Example


def get_ents(doc):
    return [(ent.text, ent.label_, ent._.score is None) for ent in doc.ents]


@pytest.fixture
def trained_ner():
    """A pipeline whose `ner` has learned by heart that a fox is an animal, and Berlin a town."""
    nlp = spacy.blank("xx")
    nlp.add_pipe("ner")
    doc = nlp.make_doc("the fox lives in Berlin")
    doc.ents = [Span(doc, 1, 2, label="ANIMAL"), Span(doc, 4, 5, label="TOWN")]
    examples = [Example(nlp.make_doc(doc.text), doc)]
    optimizer = nlp.initialize(lambda: examples)
    for _ in range(30):
        nlp.update(examples, sgd=optimizer)
    return nlp


@pytest.mark.parametrize(
    "where, label, is_scoreless",
    [({"before": "ner"}, "LOC", False), ({"after": "ner"}, "TOWN", True)],
    ids=["ours first", "theirs first"],
)
def test_entities_stand_beside_those_of_spacys_ner(trained_ner, chosen_checkpoint, where, label, is_scoreless):
    trained_ner.add_pipe("xlmr_ner", config={"model": {"name": str(chosen_checkpoint)}}, **where)
    doc = trained_ner("the fox lives in Berlin")
    assert get_ents(doc) == [("fox", "ANIMAL", True), ("Berlin", label, is_scoreless)]


def test_recipe_gives_each_component_its_group(run_recipe):
    doc = run_recipe("Several in one pipeline")["doc"]
    assert get_ents(doc) == [("Angela Merkel", "PER", False), ("Paris", "PLACE", False)]
    groups = {key: [(span.text, span.label_) for span in doc.spans[key]] for key in ("people", "all")}
    assert groups == {"people": [("Angela Merkel", "PER")], "all": [("Paris", "PLACE")]}
