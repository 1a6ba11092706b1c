import pytest
import spacy

from spacy_xlmr_ner import tag_text


def test_tag_text_lays_pieces_over_tags(make_nlp, chosen_checkpoint):
    table = tag_text("Jack Sparrow loves New York!", make_nlp(chosen_checkpoint, model={"input": "text"}))
    assert list(table.index) == ["Tokens", "Tags"]
    pieces = ["<s>", "▁Jack", "▁Spar", "row", "▁love", "s", "▁New", "▁York", "!", "</s>"]
    assert table.loc["Tokens"].tolist() == pieces
    assert table.loc["Tags"].tolist() == ["O", "B-PER", "I-PER", "O", "O", "O", "B-LOC", "I-LOC", "O", "O"]


def test_tag_text_shows_each_piece_of_a_long_text_once(make_nlp, chosen_checkpoint):
    nlp = make_nlp(chosen_checkpoint, model={"window": 10, "overlap": 3})
    table = tag_text("Jack in Berlin " * 20, nlp)
    assert table.loc["Tokens"].tolist() == ["<s>", *["▁Jack", "▁in", "▁Berlin"] * 20, "</s>"]
    assert table.loc["Tags"].tolist() == ["O", *["B-PER", "O", "B-LOC"] * 20, "O"]


def test_tag_text_without_the_component_says_so():
    nlp = spacy.blank("en")
    nlp.add_pipe("sentencizer")
    with pytest.raises(ValueError, match=r"XN111.*found: sentencizer"):
        tag_text("Jack", nlp)
