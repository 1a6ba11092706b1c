"""spaCy's own entity ruler behind the component, and on both sides of it; before it: tests/test_manners.py."""

import pytest
import spacy

TEXT = "Jack Sparrow loves New York and Berlin"


def get_ents(doc):
    return [(ent.text, ent.label_, ent._.score is None) for ent in doc.ents]


@pytest.mark.parametrize("factory", ["entity_ruler", "span_ruler"])
@pytest.mark.parametrize(
    "overwrite, expected",
    [
        (False, [("Jack Sparrow", "PER", False), ("New York", "LOC", False), ("Berlin", "LOC", False)]),
        (True, [("Jack Sparrow", "PER", False), ("York and", "SHOP", True), ("Berlin", "CITY", True)]),
    ],
)
def test_ruler_behind_overwrites_only_if_told_to(make_nlp, chosen_checkpoint, factory, overwrite, expected):
    nlp = make_nlp(chosen_checkpoint)
    config = {"overwrite_ents": overwrite}
    if factory == "span_ruler":
        config = {
            "annotate_ents": True,
            "overwrite": False,  # of what stands in doc.ents
            "ents_filter": {"@misc": f"spacy.prioritize_{'new' if overwrite else 'existing'}_ents_filter.v1"},
        }
    patterns = [{"label": "SHOP", "pattern": "York and"}, {"label": "CITY", "pattern": "Berlin", "id": "berlin"}]
    nlp.add_pipe(factory, config=config).add_patterns(patterns)
    doc = nlp(TEXT)
    assert get_ents(doc) == expected
    assert [span.text for span in doc.spans["xlmr_ner"]] == ["Jack Sparrow", "New York", "Berlin"]
    assert all(score > 0.9 for score in doc.spans["xlmr_ner"].attrs["scores"])


def test_rulers_on_both_sides_are_saved_and_loaded(make_nlp, chosen_checkpoint, tmp_path):
    nlp = make_nlp(chosen_checkpoint)
    nlp.add_pipe("entity_ruler", name="before", first=True).add_patterns([{"label": "SHOP", "pattern": "York and"}])
    nlp.add_pipe("entity_ruler", name="after").add_patterns([{"label": "VERB", "pattern": "loves"}])
    nlp.to_disk(tmp_path)
    expected = [
        ("Jack Sparrow", "PER", False),
        ("loves", "VERB", True),
        ("York and", "SHOP", True),
        ("Berlin", "LOC", False),
    ]
    assert get_ents(nlp(TEXT)) == get_ents(spacy.load(tmp_path)(TEXT)) == expected


def test_recipe_gives_rules_the_first_and_the_last_word(run_recipe):
    doc = run_recipe("Rules before and after")["doc"]
    assert get_ents(doc) == [
        ("Angela Merkel", "PER", False),
        ("Paris", "DOG", True),
        ("Berlin", "LOC", False),
        ("AZ-1234", "CASE", True),
    ]
    assert doc.ents[1].ent_id_ == "our dog"
