import pytest
import spacy
from spacy.tokens import Doc, Span

from spacy_xlmr_ner.drawing import find_direction, pick_colors
from spacy_xlmr_ner.page import make_page


def make_doc(words, ents, lang="xx"):
    doc = Doc(spacy.blank(lang).vocab, words=words)
    doc.ents = [Span(doc, start, end, label=label) for start, end, label in ents]
    return doc


def test_make_page_escapes_text_and_labels():
    page = make_page([make_doc(["<script>", "b"], [(0, 1, "<img src=x>")])])
    assert "<script>" not in page
    assert "<img" not in page
    assert "&lt;script&gt;" in page
    assert "&lt;img src=x&gt;" in page


def test_make_page_sets_the_direction_of_each_text():
    page = make_page([make_doc(["Anna"], []), make_doc(["محمد"], [])])
    assert page.count("direction: ltr") == 1
    assert page.count("direction: rtl") == 1


@pytest.mark.parametrize(
    "text, expected", [("123 Anna", "ltr"), ("123 محمد", "rtl"), ("שלום abc", "rtl"), ("12!", "ltr")]
)
def test_find_direction_goes_by_the_first_letter(text, expected):
    assert find_direction(text) == expected


def test_pick_colors_gives_each_label_its_own():
    labels = [f"LABEL-{i}" for i in range(60)]
    colors = pick_colors(labels)
    assert len(set(colors.values())) == 60


def test_pick_colors_keeps_those_of_displacy():
    from spacy.displacy.render import DEFAULT_LABEL_COLORS

    assert pick_colors(["ORG", "GENE"])["ORG"] == DEFAULT_LABEL_COLORS["ORG"]


def test_pick_colors_is_the_same_for_the_same_label():
    assert pick_colors(["GENE"]) == pick_colors(["GENE"])


def test_pick_colors_does_not_give_two_labels_one_of_displacys_colours():
    labels = [
        "PERSON",
        "NORP",
        "FAC",
        "ORG",
        "GPE",
        "LOC",
        "PRODUCT",
        "EVENT",
        "WORK_OF_ART",
        "LAW",
        "LANGUAGE",
        "DATE",
        "TIME",
        "PERCENT",
        "MONEY",
        "QUANTITY",
    ]
    assert len(set(pick_colors(labels).values())) == len(labels)
