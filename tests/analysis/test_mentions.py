import spacy
from spacy.tokens import Doc, Span

from spacy_xlmr_ner.analysis.mentions import LabelChoice, Mention, drop_unknown, find_missing, read_mentions


def make_doc(missing=()):
    """Anna from Berlin works at Siemens."""
    doc = Doc(spacy.blank("xx").vocab, words=["Anna", "from", "Berlin", "works", "at", "Siemens"])
    spans = [Span(doc, 0, 1, label="PER"), Span(doc, 2, 3, label="GPE"), Span(doc, 5, 6, label="ORG")]
    doc.set_ents(spans, missing=[doc[i : i + 1] for i in missing], default="outside")
    return doc


def test_read_mentions_gives_characters():
    assert read_mentions(make_doc(), LabelChoice())[1] == Mention(10, 16, "GPE", None)


def test_label_choice_renames_and_leaves_out():
    choice = LabelChoice(label_map={"GPE": "LOC", "ORG": None}, labels=["PER", "LOC"])
    assert [mention.label for mention in read_mentions(make_doc(), choice)] == ["PER", "LOC"]
    assert LabelChoice(labels=["PER"]).rename("GPE") is None


def test_relabel_leaves_the_doc_and_its_missing_tokens():
    doc = make_doc(missing=[3])
    other = LabelChoice(label_map={"GPE": "LOC", "ORG": None}).relabel(doc)
    assert [token.ent_iob for token in other] == [3, 2, 3, 0, 2, 2]
    assert [ent.label_ for ent in other.ents] == ["PER", "LOC"]
    assert [ent.label_ for ent in doc.ents] == ["PER", "GPE", "ORG"]


def test_relabel_without_a_change_is_the_same_doc():
    doc = make_doc()
    assert LabelChoice(labels=["PER", "GPE", "ORG"]).relabel(doc) is doc


def test_drop_unknown_leaves_out_what_touches_a_token_without_annotation():
    doc = make_doc(missing=[3])
    assert find_missing(doc).tolist() == [False, False, False, True, False, False]
    found = [Mention(0, 4, "PER"), Mention(10, 22, "LOC"), Mention(21, 25, "ORG"), Mention(23, 33, "ORG")]
    assert drop_unknown(found, doc) == [found[0], found[3]]
