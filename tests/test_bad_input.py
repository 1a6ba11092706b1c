import pytest
import spacy
from spacy.tokens import Doc

LONG = {
    "100,000 emoji": ["🚀"] * 100_000,
    "a word of 5,000 characters": ["contact" * 800],
    "one long Anna": ["Anna"] * 9_999,
}
SHORT = {
    "nothing": [],
    "whitespace": [" ", "\n", "\t", " \n ", "\u00a0", "\u3000", "\u2028"],
    "control characters": ["\x01", "\x07", "\x1b", "\x7f", "\x85", "Anna\x02"],
    "zero": ["\x00", "Anna\x00Berlin", "\x00Anna"],
    "invisible": ["\u200b", "\ufeff", "\u00ad", "\u200d", "\u2060", "Anna\u200b"],
    "right to left": ["שלום", "ירושלים", "\u202eAnna", "مرحبا", "\u200fBerlin"],
    "combining": ["A\u0301\u0302\u0303nna", "\u0301", "e\u0301" * 50, "न्यू", "ﷺ", "Z͑ͫ̓ͪ̂ͫ̽͏̴̙̤̞͉͚̯̞̠͍A̴̵̜̰͔ͫ͗͢L̠ͨͧͩ͘G̴̻͈͍͔̹̑͗̎̅͛́Ǫ̵̹̻̝̳͂̌̌͘!͖̬̰̙̗̿̋ͥͥ̂ͣ̐́́͜͞"],
    "emoji": ["👩‍👩‍👧‍👦", "🏳️‍🌈", "🚀🚀", "🇩🇪", "Anna🚀"],
    "astral": ["𝔄𝔫𝔫𝔞", "\U0010ffff", "𠮷"],
    "specials of the vocabulary": ["<s>", "</s>", "<pad>", "<unk>", "<mask>", "▁", "▁Anna"],
}


@pytest.fixture(scope="module", params=["words", "text"])
def nlp(request, random_checkpoint):
    """Random weights find entities everywhere: a severe test for what must hold of entities."""
    nlp = spacy.blank("xx")
    nlp.add_pipe("xlmr_ner", config={"model": {"name": str(random_checkpoint), "input": request.param}})
    return nlp


def assert_sound(doc):
    """Entities inside the doc, ordered, not overlapping, with solid ends and a score; IOB agrees with them."""
    expected = ["O"] * len(doc)
    last_end = 0
    for ent in doc.ents:
        assert last_end <= ent.start < ent.end <= len(doc)
        assert ent.label_ in {"PER", "ORG", "LOC"}
        assert not ent[0].is_space
        assert not ent[-1].is_space
        assert 0.0 <= ent._.score <= 1.0
        expected[ent.start : ent.end] = ["B", *"I" * (ent.end - ent.start - 1)]
        last_end = ent.end
    assert [token.ent_iob_ for token in doc] == expected
    assert [bool(token.ent_type_) for token in doc] == [iob != "O" for iob in expected]


@pytest.mark.parametrize("words", SHORT.values(), ids=SHORT)
def test_ready_doc_gets_an_answer(nlp, words):
    doc = nlp.get_pipe("xlmr_ner")(Doc(nlp.vocab, words=words))
    assert [token.text for token in doc] == words
    assert_sound(doc)


@pytest.mark.parametrize("words", SHORT.values(), ids=SHORT)
def test_text_gets_an_answer(nlp, words):
    text = "".join(words) + " Anna " + " ".join(words)
    doc = nlp(text)
    assert doc.text == text
    assert_sound(doc)


@pytest.mark.filterwarnings("ignore:.*XW301")
@pytest.mark.parametrize("words", LONG.values(), ids=LONG)
def test_long_run_gets_an_answer(nlp, words):
    doc = nlp.get_pipe("xlmr_ner")(Doc(nlp.vocab, words=words, spaces=[False] * len(words)))
    assert_sound(doc)


def test_long_word_is_warned_of_once_with_a_count(nlp):
    docs = [Doc(nlp.vocab, words=["contact" * 800, "Anna"]) for _ in range(3)]
    with pytest.warns(UserWarning, match=r"XW301.*3 token\(s\) in 3 of 3 docs") as caught:
        list(nlp.get_pipe("xlmr_ner").pipe(docs))
    assert len(caught) == 1


def test_ten_thousand_empty_docs_get_an_answer(nlp):
    docs = list(nlp.pipe([""] * 10_000))
    assert len(docs) == 10_000
    assert not any(doc.ents or len(doc) for doc in docs)


def test_empty_docs_among_others_are_left_in_place(nlp):
    texts = ["", "Anna in Berlin", "", " ", "Anna in Berlin", ""]
    docs = list(nlp.pipe(texts))
    assert [doc.text for doc in docs] == texts
    assert docs[1].ents
    assert [(ent.start, ent.end) for ent in docs[1].ents] == [(ent.start, ent.end) for ent in docs[4].ents]


def test_everything_at_once_is_as_one_by_one(nlp):
    ner = nlp.get_pipe("xlmr_ner")
    alone = [ner(Doc(nlp.vocab, words=words)) for words in SHORT.values()]
    together = list(ner.pipe([Doc(nlp.vocab, words=words) for words in SHORT.values()]))
    ents = [[[(ent.start, ent.end, ent.label_) for ent in doc.ents] for doc in docs] for docs in (alone, together)]
    assert ents[0] == ents[1]


def test_no_docs_at_all(nlp):
    ner = nlp.get_pipe("xlmr_ner")
    assert list(ner.pipe([])) == []
    assert ner.predict([]) == []
    assert ner.token_probs([]) == []
    ner.set_annotations([], [])
