"""negspacy behind the component."""

from importlib.util import find_spec

import pytest
import spacy

pytestmark = pytest.mark.skipif(find_spec("negspacy") is None, reason="negspacy is not installed (extra `ecosystem`)")
TEXT = "Jack does not love Anna but lives in Berlin. Siemens lives in New York"
NEGATED = [("Jack", False), ("Anna", True), ("Berlin", False), ("Siemens", False), ("New York", False)]


@pytest.fixture
def make_negating(make_nlp, chosen_checkpoint):
    import negspacy.negation  # noqa: F401 (registers the factory)

    def make(**settings):
        nlp = make_nlp(chosen_checkpoint)
        nlp.add_pipe("sentencizer", first=True)
        nlp.add_pipe("negex", config=settings)
        return nlp

    return make


def get_negated(spans):
    return [(span.text, span._.negex) for span in spans]


def test_negex_marks_our_entities(make_negating):
    doc = make_negating()(TEXT)
    assert get_negated(doc.ents) == NEGATED
    assert [ent._.score for ent in doc.ents] == doc.spans["xlmr_ner"].attrs["scores"]
    assert None not in doc.spans["xlmr_ner"].attrs["scores"]


def test_negex_marks_our_span_group(make_negating):
    doc = make_negating(span_keys=["xlmr_ner"])(TEXT)
    assert get_negated(doc.spans["xlmr_ner"]) == NEGATED


def test_negex_heeds_the_labels_it_is_given(make_negating):
    doc = make_negating(ent_types=["LOC"])("Jack does not love Anna or Berlin")
    assert get_negated(doc.ents) == [("Jack", False), ("Anna", False), ("Berlin", True)]


def test_pipeline_with_negex_is_saved_and_loaded(make_negating, tmp_path):
    make_negating().to_disk(tmp_path)
    loaded = spacy.load(tmp_path)
    assert [get_negated(doc.ents) for doc in loaded.pipe([TEXT, ""])] == [NEGATED, []]


def test_recipe_takes_terms_of_another_language(run_recipe):
    doc = run_recipe("Negation")["doc"]
    assert get_negated(doc.ents) == [("Angela Merkel", False), ("Paris", True), ("Berlin", False)]
