import pytest
import spacy
from spacy.tokens import Doc, Span
from spacy.training import Example

from spacy_xlmr_ner.gold import MISSING, collect_labels, describe_docs, encode_gold
from spacy_xlmr_ner.tags import TagScheme

VOCAB = spacy.blank("xx").vocab
IOB = TagScheme(("O", "B-PER", "I-PER", "B-LOC", "I-LOC"))
BIOES = TagScheme(("O", "B-X", "I-X", "E-X", "S-X"))


def make_example(gold_words, ents, words=None, *, spaces=None):
    reference = Doc(VOCAB, words=gold_words, spaces=spaces)
    reference.set_ents([Span(reference, *ent) for ent in ents])
    predicted = Doc(VOCAB, words=words or gold_words, spaces=spaces if words is None else [False] * len(words))
    return Example(predicted, reference)


def get_tags(example, scheme=IOB, names=("PER", "LOC")):
    return encode_gold([example], scheme, names).tags[0].tolist()


def test_encode_gold_spells_entities_in_iob():
    example = make_example(["Jack", "Sparrow", "loves", "New", "York", "!"], [(0, 2, "PER"), (3, 5, "LOC")])
    assert get_tags(example) == [1, 2, 0, 3, 4, 0]


def test_encode_gold_spells_entities_in_bioes():
    example = make_example(["a", "b", "c", "d", "e", "f"], [(0, 3, "X"), (4, 5, "X")])
    assert get_tags(example, BIOES, ["X"]) == [1, 2, 3, 0, 4, 0]


def test_encode_gold_uses_the_names_of_the_label_map():
    assert get_tags(make_example(["Anna"], [(0, 1, "PERSON")]), names=("PERSON", None)) == [1]


def test_encode_gold_leaves_missing_annotation_out():
    reference = Doc(VOCAB, words=["in", "Rio", "today"])
    reference.set_ents([Span(reference, 1, 2, "LOC")], default="missing")
    assert get_tags(Example(reference.copy(), reference)) == [MISSING, 3, MISSING]


def test_encode_gold_of_a_doc_without_annotation_is_all_missing():
    doc = Doc(VOCAB, words=["in", "Rio"])
    assert get_tags(Example(doc.copy(), doc)) == [MISSING, MISSING]


def test_encode_gold_aligns_other_tokens():
    # "New-York" is one token of the gold and three of the predicted doc.
    example = make_example(["in", "New-York"], [(1, 2, "LOC")], ["in", "New", "-", "York"], spaces=[False, False])
    assert get_tags(example) == [0, 3, 4, 4]


def test_entity_that_ends_inside_a_token_is_a_misfit():
    example = make_example(["Jack", "'s", "car"], [(0, 1, "PER")], ["Jack's", "car"], spaces=[False] * 3)
    gold = encode_gold([example], IOB, ("PER", "LOC"))
    assert gold.tags[0].tolist() == [MISSING, 0]
    assert [span.text for span in gold.misfits] == ["Jack"]


@pytest.mark.parametrize("start, end", [(0, 2), (1, 3)])
def test_entity_that_begins_or_ends_on_whitespace_is_a_misfit(start, end):
    words = ["Anna", "\n", "Berlin"] if start == 0 else ["x", "\n", "Berlin"]
    example = make_example(words, [(start, end, "LOC")], spaces=[False] * 3)
    gold = encode_gold([example], IOB, ("PER", "LOC"))
    assert gold.tags[0].tolist() == [MISSING if start <= i < end else 0 for i in range(3)]
    assert len(gold.misfits) == 1


def test_whitespace_inside_an_entity_is_part_of_it():
    example = make_example(["New", "\n", "York"], [(0, 3, "LOC")], spaces=[False] * 3)
    assert get_tags(example) == [3, 4, 4]


def test_labels_without_tags_are_counted_and_left_out():
    gold = encode_gold([make_example(["a", "b", "c"], [(0, 1, "MISC"), (1, 3, "PER")])], IOB, ("PER", "LOC"))
    assert gold.tags[0].tolist() == [MISSING, 1, 2]
    assert gold.unknown == {"MISC": 1}


def test_encode_gold_takes_empty_docs():
    assert encode_gold([make_example([], [])], IOB, ("PER", "LOC")).tags[0].tolist() == []


def test_tag_that_the_label_map_drops_stands_for_no_entity_where_there_is_no_o():
    scheme = TagScheme(("PER", "none"))
    assert get_tags(make_example(["Anna", "runs"], [(0, 1, "PER")]), scheme, ("PER", None)) == [0, 1]


def test_collect_labels_counts_in_alphabetical_order():
    examples = [make_example(["a", "b"], [(0, 1, "PER"), (1, 2, "LOC")]), make_example(["a"], [(0, 1, "PER")])]
    assert list(collect_labels(examples).items()) == [("LOC", 1), ("PER", 2)]


def test_describe_docs_shows_a_few():
    docs = [Doc(VOCAB, words=[word]) for word in ("a", "b", "c", "d", "x" * 50)]
    assert describe_docs(docs, limit=2) == "'a ', 'b ' and 3 more"
    assert describe_docs(docs[4:]) == repr("x" * 40 + "...")
