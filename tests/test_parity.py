"""The same network and tokenizer through transformers alone, and through the component."""

import numpy as np
import pytest
import spacy
import torch
from spacy.tokens import Doc
from toys import IOB_TAGS, write_chosen
from transformers import AutoModelForTokenClassification, AutoTokenizer, pipeline

TEXTS = [
    "Jack Sparrow loves New York!",
    "  Anna lives in\tBerlin.\n",
    "張三住在北京 and 🚀🚀 🚀",
    "in Berlin, don't (the Siemens AG)",
    "unseen wörds bécome characters",
    "",
    " \n",
]
BIOES_TAGS = ("O", "B-PER", "I-PER", "E-PER", "S-PER", "B-LOC", "I-LOC", "E-LOC", "S-LOC")


@pytest.fixture(scope="module")
def theirs(random_checkpoint):
    """transformers' own tokenizer and model."""
    tokenizer = AutoTokenizer.from_pretrained(random_checkpoint)
    return tokenizer, AutoModelForTokenClassification.from_pretrained(random_checkpoint).eval()


@pytest.fixture
def make_component(make_nlp, random_checkpoint):
    def make(**model):
        return make_nlp(random_checkpoint, model=model).get_pipe("xlmr_ner")

    return make


def run_network(network, ids) -> np.ndarray:
    with torch.inference_mode():
        return network(input_ids=torch.tensor([ids])).logits[0].numpy()


def softmax(logits: np.ndarray) -> np.ndarray:
    return torch.softmax(torch.from_numpy(logits), dim=-1).numpy()


def pool(logits: np.ndarray, pooling: str) -> np.ndarray:
    return {"first": logits[0], "mean": logits.mean(axis=0), "max": logits.max(axis=0)}[pooling]


@pytest.mark.parametrize("text", TEXTS)
def test_piece_logits_of_text_equal_transformers(text, make_component, theirs):
    tokenizer, network = theirs
    ids = tokenizer(text).input_ids
    result = make_component(input="text").tag_pieces(spacy.blank("xx")(text))
    assert result.pieces == tokenizer.convert_ids_to_tokens(ids)
    np.testing.assert_allclose(result.logits, run_network(network, ids), atol=1e-5)


@pytest.mark.parametrize("text", TEXTS)
def test_piece_logits_of_words_equal_transformers(text, make_component, theirs):
    tokenizer, network = theirs
    doc = spacy.blank("xx")(text)
    ids = tokenizer([token.text for token in doc], is_split_into_words=True).input_ids
    result = make_component(input="words").tag_pieces(doc)
    assert result.pieces == tokenizer.convert_ids_to_tokens(ids)
    np.testing.assert_allclose(result.logits, run_network(network, ids), atol=1e-5)


@pytest.mark.parametrize("pooling", ["first", "mean", "max"])
@pytest.mark.parametrize("text", TEXTS)
def test_token_probs_are_those_of_the_words_pieces(text, pooling, make_component, theirs):
    tokenizer, network = theirs
    doc = spacy.blank("xx")(text)
    encoding = tokenizer([token.text for token in doc], is_split_into_words=True)
    logits = run_network(network, encoding.input_ids)
    pieces = [[i for i, word in enumerate(encoding.word_ids()) if word == token.i] for token in doc]
    expected = [softmax(pool(logits[rows], pooling)) if rows else np.full(7, np.nan) for rows in pieces]
    (probs,) = make_component(input="words", pooling=pooling).token_probs([doc])
    np.testing.assert_allclose(probs, np.reshape(expected, (len(doc), 7)), atol=1e-5)


# Long docs


def read_long_doc(theirs):
    """60 tokens of one to three pieces each, their ids by the slow way of asking for one word at a time."""
    tokenizer, network = theirs
    words = ["Jack", "Sparrow", "loves", "New", "York", "and", "Anna", "xy", "in", "Berlin"] * 6
    doc = Doc(spacy.blank("xx").vocab, words=words)
    ids = [tokenizer([word], is_split_into_words=True, add_special_tokens=False).input_ids for word in words]
    return doc, ids, network


def slow_logits(ids, network, *, window: int, overlap: int):
    """Each token's logits, each window run alone.

    Windows are as long as fits, cut between tokens, and the next begins as far back as the overlap allows; of the
    windows that hold a token that one counts in which it is farthest from a cut.
    """
    starts = np.cumsum([0, *map(len, ids)])
    total, capacity = int(starts[-1]), window - 2
    windows = []
    start = 0
    while not windows or windows[-1][1] < total:
        end = max(int(s) for s in starts if s <= start + capacity)
        windows.append((start, end))
        following = min((int(s) for s in starts if s > end), default=total)
        least = max(end - overlap, following - capacity, start + 1)
        start = min(int(s) for s in starts if s >= least)
    flat = [piece for word in ids for piece in word]
    runs = [run_network(network, [0, *flat[start:end], 2])[1:-1] for start, end in windows]
    rows = []
    for first, stop in zip(starts[:-1].tolist(), starts[1:].tolist()):
        context = []
        for start, end in windows:
            before = first - start if start > 0 else total
            after = end - stop if end < total else total
            context.append(min(before, after) if start <= first and stop <= end else -1)
        best = int(np.argmax(context))
        rows.append(runs[best][first - windows[best][0] : stop - windows[best][0]])
    return rows, windows


@pytest.mark.parametrize("pooling", ["first", "mean", "max"])
@pytest.mark.parametrize("window, overlap", [(12, 0), (12, 5), (20, 9), (31, 28)])
def test_long_doc_equals_its_windows_run_one_by_one(window, overlap, pooling, make_component, theirs):
    doc, ids, network = read_long_doc(theirs)
    rows, windows = slow_logits(ids, network, window=window, overlap=overlap)
    assert len(windows) > 3
    expected = [softmax(pool(logits, pooling)) for logits in rows]
    (probs,) = make_component(window=window, overlap=overlap, pooling=pooling).token_probs([doc])
    np.testing.assert_allclose(probs, expected, atol=1e-5)


def test_long_doc_shows_each_piece_once(make_component, theirs):
    doc, ids, _ = read_long_doc(theirs)
    result = make_component(window=20, overlap=9).tag_pieces(doc)
    assert result.pieces == theirs[0].convert_ids_to_tokens([0, *(piece for word in ids for piece in word), 2])


def test_long_doc_in_one_window_is_not_what_it_is_in_several(make_component, theirs):
    # So that the tests above compare what differs.
    doc, _, _ = read_long_doc(theirs)
    (whole,), (cut,) = make_component().token_probs([doc]), make_component(window=12, overlap=5).token_probs([doc])
    assert np.abs(whole - cut).max() > 0.05


# Precision


def test_bfloat16_is_within_its_tolerance(make_component):
    docs = list(spacy.blank("xx").pipe(TEXTS))
    exact = np.concatenate(make_component().token_probs(docs))
    rough = np.concatenate(make_component(precision="bfloat16").token_probs(docs))
    difference = np.abs(exact - rough)
    # Seven bits of mantissa through two layers of a network of large random weights.
    assert 0 < np.nanmax(difference) < 0.1


# Entities


@pytest.fixture(scope="module")
def their_pipeline(random_checkpoint):
    return pipeline("token-classification", str(random_checkpoint), aggregation_strategy="first", device="cpu")


@pytest.mark.filterwarnings("ignore:Tokenizer does not support real words")
@pytest.mark.parametrize("seed", range(20))
def test_entities_equal_those_of_transformers_pipeline(seed, make_nlp, random_checkpoint, their_pipeline):
    # Its rule, that a word begins behind U+0020, is sound here: single spaces, and no word whose first piece is a lone
    # "▁", which stands on the space and so would be a word of its own to it.
    known = ["Jack", "Sparrow", "Anna", "Berlin", "New", "York", "News", "in", "love", "loves", "lives"]
    words = np.random.default_rng(seed).choice(known, 15)
    text = " ".join(words)
    # transformers 4.53 counts the space before a word to its first piece.
    expected = [
        (ent["start"] + (text[ent["start"]] == " "), ent["end"], ent["entity_group"]) for ent in their_pipeline(text)
    ]
    nlp = make_nlp(random_checkpoint, decoding="argmax", model={"input": "text"})
    doc = nlp(Doc(nlp.vocab, words=words.tolist()))
    assert len(expected) > 1
    assert [(ent.start_char, ent.end_char, ent.label_) for ent in doc.ents] == expected


@pytest.mark.parametrize("decoding", ["viterbi", "argmax"])
@pytest.mark.parametrize(
    "tags, tag", [(IOB_TAGS, "B-PER"), (IOB_TAGS, "I-PER"), (BIOES_TAGS, "S-PER"), (("O", "PER", "LOC"), "PER")]
)
def test_piece_across_two_tokens_is_one_entity_over_both(tags, tag, decoding, make_nlp, tmp_path):
    nlp = make_nlp(
        write_chosen(tmp_path, {"▁don": tag}, tags=tags), decoding=decoding, lang="en", model={"input": "text"}
    )
    doc = nlp("and don't")
    assert [token.text for token in doc] == ["and", "do", "n't"]
    assert [(ent.text, ent.label_) for ent in doc.ents] == [("don't", "PER")]
