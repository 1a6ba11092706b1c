import threading

import numpy as np
import pytest
import spacy
from spacy.tokens import Doc
from toys import write_tokenizer

from spacy_xlmr_ner.pieces.ahead import PreparedDocs, find_pieces
from spacy_xlmr_ner.pieces.tokenizer import PieceTokenizer

VOCAB = spacy.blank("xx").vocab
INPUTS = ["words", "text"]


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory) -> PieceTokenizer:
    return PieceTokenizer(write_tokenizer(tmp_path_factory.mktemp("vocabulary")).backend_tokenizer, pad_id=1)


@pytest.fixture
def docs():
    return [Doc(VOCAB, words=words) for words in (["Jack", "Sparrow", "loves"], [], ["New", "York"])]


def as_lists(pieces):
    return [
        pieces.ids.tolist(),
        pieces.doc_lengths.tolist(),
        pieces.tokens.dataXd.tolist(),
        list(pieces.tokens.lengths),
    ]


@pytest.mark.parametrize("input", INPUTS)
def test_prepared_docs_have_the_pieces_of_others(tokenizer, docs, input):
    prepared = PreparedDocs(docs, tokenizer, input)
    assert as_lists(find_pieces(prepared, tokenizer, input)) == as_lists(tokenizer.tokenize(docs, input))


@pytest.mark.parametrize("input", INPUTS)
def test_pieces_are_made_once_in_a_thread_of_their_own(tokenizer, docs, cutting_threads, input):
    find_pieces(PreparedDocs(docs, tokenizer, input), tokenizer, input)
    assert cutting_threads == ["xlmr_ner pieces"]


def test_prepared_docs_are_the_docs(tokenizer, docs):
    prepared = PreparedDocs(docs, tokenizer, "words")
    assert isinstance(prepared, list)
    assert all(a is b for a, b in zip(prepared, docs, strict=True))


def test_docs_that_were_changed_meanwhile_are_read_anew(tokenizer, docs):
    prepared = PreparedDocs(docs, tokenizer, "words")
    with docs[2].retokenize() as retokenizer:
        retokenizer.merge(docs[2][:])
    pieces = find_pieces(prepared, tokenizer, "words")
    assert as_lists(pieces) == as_lists(tokenizer.tokenize(docs, "words"))
    assert list(pieces.tokens.lengths)[-1] == 2  # both pieces are of the one token


def test_other_input_than_was_prepared_is_made_anew(tokenizer, docs):
    prepared = PreparedDocs(docs, tokenizer, "words")
    assert as_lists(find_pieces(prepared, tokenizer, "text")) == as_lists(tokenizer.tokenize(docs, "text"))


def test_other_tokenizer_than_was_prepared_for_makes_its_own(tokenizer, docs, cutting_threads):
    prepared = PreparedDocs(docs, tokenizer, "words")
    find_pieces(prepared, PieceTokenizer(tokenizer.backend, pad_id=1), "words")
    assert cutting_threads == ["xlmr_ner pieces", threading.current_thread().name]


def test_what_fails_ahead_is_told_when_it_is_asked_for(tokenizer, docs, monkeypatch):
    def fail(self, read):
        raise ValueError("broken")

    monkeypatch.setattr(PieceTokenizer, "cut", fail)
    prepared = PreparedDocs(docs, tokenizer, "words")
    with pytest.raises(ValueError, match="broken"):
        find_pieces(prepared, tokenizer, "words")


def test_thread_has_nothing_of_docs_in_a_memory_zone_that_is_closed(tokenizer):
    nlp = spacy.blank("xx")
    with nlp.memory_zone():
        prepared = PreparedDocs([nlp("Jackjack Newyork")], tokenizer, "words")
        expected = as_lists(tokenizer.tokenize(list(prepared), "words"))
    assert sorted(prepared._read.words) == ["Jackjack", "Newyork"]
    assert np.array_equal(prepared._read.n_tokens, [2])
    prepared._thread.join()
    assert as_lists(prepared._pieces) == expected
