import numpy as np
import pytest
import spacy
from spacy.tokens import Doc
from toys import IOB_TAGS, write_chosen

from spacy_xlmr_ner.layers.xlmr_tagger import NEVER, split_shared
from spacy_xlmr_ner.tags import TagScheme


@pytest.fixture
def make_model(make_nlp):
    def make(folder, **settings):
        return make_nlp(folder, model=settings).get_pipe("xlmr_ner").model

    return make


def make_docs(*texts):
    return list(spacy.blank("xx").pipe(texts))


@pytest.mark.parametrize("input", ["words", "text"])
def test_xlmr_tagger_gives_a_row_for_each_token(make_model, chosen_checkpoint, input):
    docs = make_docs("Jack loves\n\nBerlin", "", "  ", "New York", "")
    logits = make_model(chosen_checkpoint, input=input).predict(docs)
    assert [rows.shape for rows in logits] == [(len(doc), 7) for doc in docs]
    tags = [[IOB_TAGS[row.argmax()] if not np.isnan(row).any() else None for row in rows] for rows in logits]
    assert tags == [["B-PER", "O", None, "B-LOC"], [], [None], ["B-LOC", "I-LOC"], []]


@pytest.mark.parametrize("texts", [[], [""], ["", ""], [" "]])
def test_xlmr_tagger_takes_docs_without_pieces(make_model, chosen_checkpoint, texts):
    docs = make_docs(*texts)
    logits = make_model(chosen_checkpoint).predict(docs)
    assert [rows.shape for rows in logits] == [(len(doc), 7) for doc in docs]
    assert all(np.isnan(rows).all() for rows in logits)


def test_xlmr_tagger_gives_a_doc_the_same_whatever_stands_beside_it(make_model, random_checkpoint):
    texts = ["Jack loves New York", "Anna", "Berlin " * 40, "", "in Berlin and in New York"]
    model = make_model(random_checkpoint, window=20, overlap=5, max_batch_pieces=60)
    together = model.predict(make_docs(*texts))
    alone = [model.predict(make_docs(text))[0] for text in texts]
    np.testing.assert_allclose(np.concatenate(together), np.concatenate(alone), atol=1e-5)


def test_xlmr_tagger_refuses_logits_that_are_no_numbers(make_model, tmp_path):
    model = make_model(write_chosen(tmp_path, {"▁Jack": "B-PER"}, sharpness=float("nan")))
    with pytest.raises(ValueError, match=r"XN901.* 2 tokens"):
        model.predict(make_docs("Jack loves"))


def test_xlmr_tagger_does_not_train(make_model, chosen_checkpoint):
    logits, backprop = make_model(chosen_checkpoint).begin_update(make_docs("Jack"))
    with pytest.raises(NotImplementedError, match="XN902"):
        backprop(logits)


@pytest.mark.parametrize("input", ["words", "text"])
def test_token_that_is_longer_than_a_window_keeps_its_first_pieces(make_model, random_checkpoint, input):
    nlp = spacy.blank("xx")
    docs = [Doc(nlp.vocab, words=["in", "x" * 50, "Berlin"]), Doc(nlp.vocab, words=["Anna"])]
    model = make_model(random_checkpoint, input=input, window=12, overlap=3)
    with pytest.warns(UserWarning, match=r"XW301.* 1 token\(s\) in 1 of 2 docs .*first 10 pieces"):
        logits = model.predict(docs)
    # With those pieces it fills a window alone, and its neighbours have windows of their own.
    first_pieces = [Doc(nlp.vocab, words=[word]) for word in ("in", "x" * 9, "Berlin")]  # "▁" and 9 x
    expected = [rows[0] for rows in make_model(random_checkpoint, input=input).predict(first_pieces)]
    np.testing.assert_allclose(logits[0], expected, atol=1e-5)


# One piece over several tokens


@pytest.mark.parametrize(
    "tags, logits, expected",
    [
        # First token: B stays. Last: what B had is I's.
        (("O", "B-X", "I-X"), [0, 5, -9], [["O", "B-X"], ["O", "I-X"]]),
        (("O", "B-X", "I-X", "E-X", "S-X"), [0, -9, -9, -9, 5], [["O", "B-X"], ["O", "E-X"]]),
        (("O", "X"), [0, 5], [["O", "X"], ["O", "X"]]),
    ],
)
def test_split_shared_moves_the_tag_to_what_it_is_on_each_token(tags, logits, expected):
    rows = np.array([logits, logits], dtype=np.float32)
    split_shared(rows, np.array([1]), TagScheme(tags))
    top = [[tags[i] for i in np.sort(np.argsort(-row)[:2])] for row in rows]
    assert [sorted(names) for names in top] == [sorted(names) for names in expected]


def test_split_shared_keeps_the_probability_of_each_label():
    tags = ("O", "B-X", "I-X", "B-Y", "I-Y")
    logits = np.array([[0.5, 1.0, 2.0, -1.0, 0.25]], dtype=np.float32)
    rows = np.repeat(logits, 3, axis=0)
    split_shared(rows, np.array([1, 2]), TagScheme(tags))
    odds = np.exp(rows)
    by_label = np.stack([odds[:, 0], odds[:, 1:3].sum(axis=1), odds[:, 3:].sum(axis=1)], axis=1)
    before = np.exp(logits[0])
    expected = [before[0], before[1] + before[2], before[3] + before[4]]
    np.testing.assert_allclose(by_label, [expected] * 3, rtol=1e-5)
    assert (rows[1:, [1, 3]] == NEVER).all()  # behind the first token none opens


def test_split_shared_leaves_other_tokens_alone():
    rows = np.arange(12, dtype=np.float32).reshape(4, 3)
    split_shared(rows, np.array([2]), TagScheme(("O", "B-X", "I-X")))
    np.testing.assert_array_equal(rows[[0, 3]], [[0, 1, 2], [9, 10, 11]])
