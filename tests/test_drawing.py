import pytest
import spacy
from spacy import displacy
from spacy.displacy.render import DEFAULT_LABEL_COLORS, EntityRenderer
from spacy.tokens import Doc, Span

from spacy_xlmr_ner import displacy_ents, displacy_options
from spacy_xlmr_ner.drawing import DISPLACY_COLORS, pick_colors


@pytest.fixture
def nlp(make_nlp, chosen_checkpoint):
    return make_nlp(chosen_checkpoint)


def test_registered_colours_are_of_labels_that_spacy_has_none_for():
    assert not set(DISPLACY_COLORS) & set(DEFAULT_LABEL_COLORS)


def test_displacy_knows_the_registered_colours():
    colors = EntityRenderer({}).colors
    assert {label: colors[label] for label in DISPLACY_COLORS} == DISPLACY_COLORS


def test_options_have_a_colour_for_each_label(nlp):
    colors = displacy_options(nlp)["colors"]
    assert set(colors) == {"PER", "ORG", "LOC"}
    assert len(set(colors.values())) == 3


def test_options_colour_what_displacy_draws_of_a_doc(nlp):
    options = displacy_options(nlp)
    drawn = displacy.render(nlp("Anna in Berlin"), style="ent", options=options, jupyter=False)
    assert f"background: {options['colors']['PER']}" in drawn
    assert f"background: {options['colors']['LOC']}" in drawn


def test_options_find_the_spans(nlp):
    drawn = displacy.render(nlp("Anna in Berlin"), style="span", options=displacy_options(nlp), jupyter=False)
    assert drawn.count(f"background: {displacy_options(nlp)['colors']['LOC']}") > 0


def test_options_of_a_component_without_a_group_name_none(make_nlp, chosen_checkpoint):
    assert "spans_key" not in displacy_options(make_nlp(chosen_checkpoint, spans_key=None))


def test_scores_stand_behind_labels(nlp):
    doc = nlp("Anna in Berlin")
    options = displacy_options(nlp, scores=True)
    drawn = displacy.render(displacy_ents(doc), style="ent", manual=True, options=options, jupyter=False)
    for ent in doc.ents:
        assert f"{ent.label_} <span" in drawn
        assert f">{ent._.score:.2f}</span>" in drawn


def test_labels_that_are_markup_stay_text():
    doc = Doc(spacy.blank("xx").vocab, words=["a", "<b>"])
    doc.ents = [Span(doc, 0, 1, label="<script>")]
    drawn = displacy.render(displacy_ents(doc), style="ent", manual=True, jupyter=False)
    assert "<script>" not in drawn
    assert "&lt;script&gt;" in drawn
    assert "&lt;b&gt;" in drawn


def test_direction_is_that_of_the_text():
    doc = Doc(spacy.blank("ar").vocab, words=["محمد"])
    assert displacy_ents(doc)["settings"]["direction"] == "rtl"


def test_labels_that_are_escaped_keep_their_colour(make_nlp, chosen_checkpoint):
    nlp = make_nlp(chosen_checkpoint, label_map={"PER": "R&D"})
    options = displacy_options(nlp)
    drawn = displacy.render(displacy_ents(nlp("Anna")), style="ent", manual=True, options=options, jupyter=False)
    assert f"background: {options['colors']['R&D']}" in drawn


def test_more_labels_than_hues_have_colours():
    labels = [f"LABEL-{i}" for i in range(400)]
    assert set(pick_colors(labels)) == set(labels)


def test_pipeline_without_the_component_has_no_colours():
    assert displacy_options(spacy.blank("xx")) == {"colors": {}}
