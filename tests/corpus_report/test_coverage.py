import pytest
import spacy
from spacy.tokens import Doc
from tokenizers import Tokenizer, models, pre_tokenizers

from spacy_xlmr_ner.checkpoint import read_checkpoint
from spacy_xlmr_ner.corpus_report.coverage import CoverageCounter, find_unknown
from spacy_xlmr_ner.pieces.tokenizer import PieceTokenizer


@pytest.fixture(scope="module")
def tokenizer(random_checkpoint):
    return read_checkpoint(random_checkpoint).tokenizer


@pytest.fixture
def cover(tokenizer):
    def count(*docs, input="words", capacity=510):
        counter = CoverageCounter(tokenizer, input=input, capacity=capacity)
        counter.add(
            [Doc(spacy.blank("xx").vocab, words.split(" ") if isinstance(words, str) else words) for words in docs]
        )
        return counter.finish()

    return count


def test_coverage_counts_tokens_and_pieces(cover):
    coverage = cover("Jack Sparrow loves", ["the", "\n", "don"])  # ▁Jack, ▁Spar row, ▁love s, ▁the, ▁don
    assert (coverage.n_tokens, coverage.n_pieces, coverage.n_unknown) == (5, 7, 0)
    assert coverage.pieces_per_token == 7 / 5


def test_coverage_lists_unknown_characters_most_frequent_first(cover):
    coverage = cover("Ж Jack ЖЯ ЖЖ", "Berlin Я")
    assert coverage.unknown == {"Ж": 4, "Я": 2}
    assert coverage.n_unknown == 4  # a run of them is one piece


def test_coverage_counts_unknown_words_of_a_wordpiece_vocabulary():
    backend = Tokenizer(models.WordPiece({"[UNK]": 0, "a": 1, "##b": 2, "b": 3}, unk_token="[UNK]"))
    backend.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer = PieceTokenizer(backend, pad_id=0)
    counter = CoverageCounter(tokenizer, input="words", capacity=10)
    counter.add([Doc(spacy.blank("xx").vocab, ["ab", "ac", "ba", "bb"])])
    # "ba": b is known, ##a is not, though "a" is; so the word stands for itself
    assert counter.finish().unknown == {"c": 1, "ba": 1}


def test_find_unknown_is_none_where_bytes_leave_nothing_out():
    assert find_unknown(PieceTokenizer(Tokenizer(models.BPE({"a": 0}, [])), pad_id=0)) is None


def test_coverage_names_tokens_without_pieces(cover):
    coverage = cover(["Jack", "\u200b", " "])
    assert (coverage.bare_tokens.n, coverage.bare_tokens.examples) == (1, ["'\\u200b' (U+200B)"])


def test_coverage_finds_docs_and_tokens_longer_than_a_window(cover):
    coverage = cover("Jack " * 3 + "Jack", "x" * 10, "Jack Anna", capacity=3)
    assert coverage.long_docs.n == 2
    assert coverage.long_docs.examples[0] == "Jack Jack Jack Jack  (4 pieces)"
    assert (coverage.long_tokens.n, coverage.long_tokens.examples) == (1, ["x" * 10])


@pytest.mark.parametrize(
    "words, is_bad",
    [
        ("Jack lives in the York", False),
        ("Jack lives in the Ж", False),  # one of five is not more than a fifth
        ("Jack lives the Ж", True),
        ("Jack in quixotic", True),  # one of three falls to bits
        ("Jack in qui", False),  # too short to say
        ("", False),
    ],
)
def test_coverage_finds_docs_that_the_vocabulary_hardly_knows(cover, words, is_bad):
    assert cover(words.split()).bad_docs.n == int(is_bad)


def test_coverage_reads_raw_text_as_the_model_does(cover):
    coverage = cover("Jack Sparrow loves", input="text")
    assert (coverage.n_tokens, coverage.n_pieces) == (3, 5)


def test_coverage_of_nothing_is_zero(cover):
    coverage = cover([])
    assert (coverage.n_tokens, coverage.pieces_per_token) == (0, 0.0)
