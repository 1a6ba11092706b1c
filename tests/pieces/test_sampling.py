import json
import random
from collections import Counter

import numpy as np
import pytest
import spacy
from spacy.tokens import Doc
from tokenizers import Tokenizer
from tokenizers.models import BPE, Unigram
from tokenizers.pre_tokenizers import Metaspace

from spacy_xlmr_ner.pieces.sampling import PieceSampler, sample_pieces
from spacy_xlmr_ner.pieces.tokenizer import PieceTokenizer

VOCAB = spacy.blank("xx").vocab
SCORES = {"▁a": -1.0, "b": -1.5, "▁ab": -2.0, "▁": -4.0, "a": -3.0, "ab": -5.0}


@pytest.fixture
def backend():
    tokenizer = Tokenizer(Unigram([("<unk>", 0.0), *SCORES.items()], unk_id=0))
    tokenizer.pre_tokenizer = Metaspace()
    return tokenizer


@pytest.mark.parametrize("alpha", [0.0, 0.5, 1.0])
def test_sampler_draws_as_the_unigram_model_says(backend, alpha):
    # By hand: "▁ab" can be cut in four ways, each as likely as the product of its pieces to the power of alpha.
    ways = {("▁ab",): -2.0, ("▁a", "b"): -2.5, ("▁", "ab"): -9.0, ("▁", "a", "b"): -8.5}
    weights = {way: np.exp(alpha * score) for way, score in ways.items()}
    random.seed(0)
    sampler = PieceSampler(backend, alpha=alpha)
    drawn = Counter(tuple(backend.id_to_token(i) for i in sampler.draw("ab")) for _ in range(4000))
    for way, weight in weights.items():
        assert drawn[way] / 4000 == pytest.approx(weight / sum(weights.values()), abs=0.03)


def test_sampler_can_be_repeated(backend):
    sampler = PieceSampler(backend, alpha=0.1)
    random.seed(3)
    first = [sampler.draw("abab") for _ in range(20)]
    random.seed(3)
    assert [sampler.draw("abab") for _ in range(20)] == first


def test_sampler_gives_unknown_characters_the_unknown_piece(backend):
    assert 0 in PieceSampler(backend, alpha=1.0).draw("a漢")


def test_sampler_leaves_words_with_special_pieces_alone(random_checkpoint):
    sampler = PieceSampler(Tokenizer.from_file(str(random_checkpoint / "tokenizer.json")), alpha=0.0)
    assert sampler.draw("<mask>") == sampler.draw("a</s>") == []


def test_sampler_refuses_other_models():
    with pytest.raises(ValueError, match=r"XN122.*BPE"):
        PieceSampler(Tokenizer(BPE()), alpha=0.2)


@pytest.mark.parametrize("word", ["Jack", "Sparrow", "don't", "東京", "x" * 100, "\u200b", "ﬁ"])
def test_sampler_reads_words_as_the_tokenizer_does(random_checkpoint, word):
    """With a large alpha the likeliest way is the only one."""
    backend = Tokenizer.from_file(str(random_checkpoint / "tokenizer.json"))
    expected = backend.encode([word], is_pretokenized=True, add_special_tokens=False).ids
    drawn = PieceSampler(backend, alpha=50.0).draw(word)
    score = dict(enumerate(score for _, score in json.loads(backend.to_str())["model"]["vocab"]))
    assert sum(score[i] for i in drawn) == pytest.approx(sum(score[i] for i in expected))


def test_sample_pieces_keeps_the_tokens(random_checkpoint):
    tokenizer = PieceTokenizer(Tokenizer.from_file(str(random_checkpoint / "tokenizer.json")), pad_id=1)
    docs = [Doc(VOCAB, words=["Jack", "\u200b", "Sparrow"]), Doc(VOCAB), Doc(VOCAB, words=["loves"])]
    pieces = tokenizer.tokenize(docs, "words")
    random.seed(1)
    sampled = sample_pieces(pieces, docs, PieceSampler(tokenizer.backend, alpha=0.0), share=1.0)
    assert sampled.tokens.lengths.sum() == sampled.doc_lengths.sum() == len(sampled.ids)
    assert sampled.tokens.dataXd.tolist() == list(range(len(sampled.ids)))
    assert (sampled.tokens.lengths > 0).tolist() == (pieces.tokens.lengths > 0).tolist()
    assert sampled.doc_lengths[0] == sampled.tokens.lengths[:3].sum() > pieces.doc_lengths[0]
    text = "".join(tokenizer.get_pieces(sampled.ids)).replace("▁", "")
    assert text == "JackSparrowloves"


def test_sample_pieces_with_share_zero_changes_nothing(random_checkpoint):
    tokenizer = PieceTokenizer(Tokenizer.from_file(str(random_checkpoint / "tokenizer.json")), pad_id=1)
    docs = [Doc(VOCAB, words=["Jack", "Sparrow"])]
    pieces = tokenizer.tokenize(docs, "words")
    sampled = sample_pieces(pieces, docs, PieceSampler(tokenizer.backend, alpha=0.0), share=0.0)
    assert sampled.ids.tolist() == pieces.ids.tolist()
