import json
import pickle
from typing import Any, List, Sequence

import numpy as np
import pytest
import spacy
from spacy.tokens import Doc
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from toys import make_config, write_tokenizer
from transformers import AutoTokenizer

from spacy_xlmr_ner.pieces.tokenizer import WORDS_AT_ONCE, Pieces, PieceTokenizer

VOCAB = spacy.blank("xx").vocab
METASPACE = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True}
# A bare SentencePiece file read by transformers 4.53 counts the space before a word to its first piece; read by 5, or
# as the hub's own tokenizer.json, it does not.
STYLES = ["with space", "without"]


@pytest.fixture(scope="module")
def backend(tmp_path_factory) -> Tokenizer:
    return write_tokenizer(tmp_path_factory.mktemp("vocabulary")).backend_tokenizer


def restyle(backend: Tokenizer, style: str) -> Tokenizer:
    spec: Any = json.loads(backend.to_str())
    steps = spec["normalizer"].get("normalizers", [spec["normalizer"]])
    (charsmap,) = [step for step in steps if step["type"] == "Precompiled"]
    strip = {"type": "Strip", "strip_left": False, "strip_right": True}
    replace = {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": "▁"}
    if style == "with space":
        spec["normalizer"] = {"type": "Sequence", "normalizers": [charsmap, strip, replace]}
        spec["pre_tokenizer"] = METASPACE
    else:
        spec["normalizer"] = charsmap
        spec["pre_tokenizer"] = {"type": "Sequence", "pretokenizers": [{"type": "WhitespaceSplit"}, METASPACE]}
    return Tokenizer.from_str(json.dumps(spec))


@pytest.fixture(scope="module", params=STYLES)
def tokenizer(backend, request) -> PieceTokenizer:
    return PieceTokenizer(restyle(backend, request.param), pad_id=1)


def make_doc(words: Sequence[str], spaces: str = "") -> Doc:
    """A doc of words; `spaces` has a "1" for each word with a space behind it. By default all but the last have one."""
    default = "1" * (len(words) - 1) + "0"
    return Doc(VOCAB, words=words, spaces=[space == "1" for space in (spaces or default)[: len(words)]])


def list_pieces(tokenizer: PieceTokenizer, pieces: Pieces) -> List[List[str]]:
    """The pieces of each token, spelt."""
    spelt = tokenizer.get_pieces(pieces.ids)
    ends = np.cumsum(pieces.tokens.lengths)
    links = pieces.tokens.dataXd
    return [[spelt[i] for i in links[end - n : end]] for n, end in zip(pieces.tokens.lengths, ends)]


def test_offsets_of_the_styles_differ(backend):
    # Else the tests below would prove nothing.
    offsets = [restyle(backend, style).encode("Jack York", add_special_tokens=False).offsets[1] for style in STYLES]
    assert offsets == [(4, 9), (5, 9)]


def test_specials_are_those_around_a_text(tokenizer):
    assert (tokenizer.prefix.tolist(), tokenizer.suffix.tolist(), tokenizer.n_special) == ([0], [2], 2)


@pytest.mark.parametrize(
    "template, prefix, suffix",
    [("[CLS] $A [SEP]", [1], [2]), ("[CLS] [CLS] $A", [1, 1], []), ("$A [SEP] [SEP]", [], [2, 2]), ("$A", [], [])],
)
def test_specials_follow_the_template(template, prefix, suffix):
    backend = Tokenizer(models.WordPiece({"[UNK]": 0, "[CLS]": 1, "[SEP]": 2, "jack": 3, "##s": 4}, unk_token="[UNK]"))
    backend.normalizer = normalizers.BertNormalizer()
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    backend.post_processor = processors.TemplateProcessing(single=template, special_tokens=[("[CLS]", 1), ("[SEP]", 2)])
    tokenizer = PieceTokenizer(backend, pad_id=0)
    assert (tokenizer.prefix.tolist(), tokenizer.suffix.tolist()) == (prefix, suffix)
    assert tokenizer.tokenize([make_doc(["Jacks", "Jack"])], "words").ids.tolist() == [3, 4, 3]


@pytest.mark.parametrize("input", ["words", "text"])
def test_tokenize_cuts_and_pads_nothing(backend, input):
    saved = Tokenizer.from_str(backend.to_str())
    saved.enable_truncation(4)
    saved.enable_padding(length=16)
    docs = [make_doc(["Jack"] * 9), make_doc(["York"])]
    pieces = PieceTokenizer(saved, pad_id=1).tokenize(docs, input)
    assert pieces.doc_lengths.tolist() == [9, 1]
    assert saved.truncation is not None, "the tokenizer that was given stays as it was"


@pytest.mark.parametrize("input", ["words", "text"])
def test_tokenize_gives_pieces_of_docs_in_order(tokenizer, input):
    docs = [make_doc([]), make_doc(["Jack", "Sparrow", "loves"]), make_doc([]), make_doc(["New", "York"])]
    pieces = tokenizer.tokenize(docs, input)
    assert pieces.doc_lengths.tolist() == [0, 5, 0, 2]
    assert list_pieces(tokenizer, pieces) == [["▁Jack"], ["▁Spar", "row"], ["▁love", "s"], ["▁New"], ["▁York"]]


def test_words_that_come_again_have_the_pieces_of_each_doc_alone(tokenizer):
    # More words than one thread takes at a time, each in several docs, empty docs and words without pieces between.
    words = [f"{name}{i}" for name in ("Jack", "York", "張") for i in range(WORDS_AT_ONCE)] + [" ", "🚀🚀"]
    texts = [words[::2], [], words[1::3], words[::-1], [" "], []]
    pieces = tokenizer.tokenize([make_doc(text) for text in texts], "words")
    alone = [tokenizer._word_backend.encode(text, is_pretokenized=True, add_special_tokens=False) for text in texts]
    assert pieces.ids.tolist() == [i for encoding in alone for i in encoding.ids]
    assert pieces.doc_lengths.tolist() == [len(encoding.ids) for encoding in alone]
    expected = [encoding.word_ids.count(i) for encoding, text in zip(alone, texts) for i in range(len(text))]
    assert pieces.tokens.lengths.tolist() == expected
    assert pieces.tokens.dataXd.tolist() == list(range(len(pieces.ids)))


def test_docs_may_have_vocabularies_of_their_own(tokenizer):
    docs = [Doc(spacy.blank("xx").vocab, words=words) for words in (["Jack", "loves"], ["York", "Jack"])]
    pieces = tokenizer.tokenize(docs, "words")
    assert "York" not in docs[0].vocab.strings
    assert [pieces[0] for pieces in list_pieces(tokenizer, pieces)] == ["▁Jack", "▁love", "▁York", "▁Jack"]


@pytest.mark.parametrize("input", ["words", "text"])
@pytest.mark.parametrize("docs", [[], [make_doc([])], [make_doc([])] * 3, [make_doc([" ", "\n"], "00")]])
def test_tokenize_takes_docs_of_nothing(tokenizer, docs, input):
    pieces = tokenizer.tokenize(docs, input)
    assert pieces.ids.tolist() == []
    assert pieces.doc_lengths.tolist() == [0] * len(docs)
    assert pieces.tokens.lengths.tolist() == [0] * sum(map(len, docs))


@pytest.mark.parametrize("input", ["words", "text"])
@pytest.mark.parametrize(
    "space", [" ", "   ", "\n", "\t\n", "\u00a0", "\u3000", "\u200b", "\u200e", "\u200f", "\u2581", "\ufeff", "\ufffd"]
)
def test_tokenize_gives_blank_tokens_no_piece(tokenizer, space, input):
    # Some of these are no whitespace to Python, yet spaces to SentencePiece's normaliser.
    pieces = tokenizer.tokenize([make_doc([space, "Anna", space, "Berlin", space], "00000")], input)
    assert list_pieces(tokenizer, pieces) == [[], ["▁Anna"], [], ["▁Berlin"], []]


@pytest.mark.parametrize("input", ["words", "text"])
@pytest.mark.parametrize("before", [[], ["in"], ["in", "  "], ["\n"]], ids=repr)
@pytest.mark.parametrize("word, expected", [("🚀🚀", ["▁", "🚀", "🚀"]), ("张三", ["▁", "张", "三"])])
def test_tokenize_counts_a_lone_marker_to_its_word(tokenizer, word, expected, before, input):
    pieces = tokenizer.tokenize([make_doc([*before, word])], input)
    assert list_pieces(tokenizer, pieces)[-1] == expected


def test_words_bear_a_marker_each(tokenizer):
    pieces = tokenizer.tokenize([make_doc(["in", "Berlin", "York"], "100")], "words")
    assert list_pieces(tokenizer, pieces) == [["▁in"], ["▁Berlin"], ["▁York"]]


def test_words_keep_a_token_of_two_words_whole(tokenizer):
    # As merge_entities makes it.
    pieces = tokenizer.tokenize([make_doc(["in", "New York", "AG"])], "words")
    assert list_pieces(tokenizer, pieces) == [["▁in"], ["▁New", "▁York"], ["▁AG"]]


@pytest.mark.parametrize(
    "words, spaces, expected",
    [
        (["do", "n't"], "00", [["▁don"], ["▁don", "'", "t"]]),  # a piece across two tokens counts for both
        (["Spa", "rro", "w"], "000", [["▁Spar"], ["▁Spar", "row"], ["row"]]),
        (["New York", "!"], "00", [["▁New", "▁York"], ["!"]]),
        (["in", "  ", "Berlin", "."], "1000", [["▁in"], [], ["▁Berlin"], ["."]]),
        (["\u200fBerlin", "\u200f", "York"], "000", [["▁Berlin"], [], ["▁York"]]),
        (["㍿"], "0", [["▁", "<unk>"]]),  # one character that the normaliser makes four of
        (["🚀", "🚀", "Jack"], "010", [["▁", "🚀"], ["🚀"], ["▁Jack"]]),
    ],
)
def test_text_gives_each_token_the_pieces_it_shares_characters_with(tokenizer, words, spaces, expected):
    pieces = tokenizer.tokenize([make_doc(words, spaces)], "text")
    assert list_pieces(tokenizer, pieces) == expected


def test_tokenizer_survives_pickle(tokenizer):
    docs = [make_doc(["Jack", "Sparrow"])]
    other = pickle.loads(pickle.dumps(tokenizer))
    assert other.tokenize(docs, "words").ids.tolist() == tokenizer.tokenize(docs, "words").ids.tolist()
    assert (other.pad_id, other.prefix.tolist(), other.suffix.tolist()) == (1, [0], [2])


@pytest.fixture(scope="module")
def real_tokenizer(shared, tmp_path_factory) -> PieceTokenizer:
    """XLM-R's own vocabulary."""
    file = shared / "xlmr-tokenizer" / "sentencepiece.bpe.model"
    if not file.is_file():
        pytest.skip("no xlmr-tokenizer/sentencepiece.bpe.model in the folder of shared files")
    folder = tmp_path_factory.mktemp("xlmr")
    (folder / file.name).write_bytes(file.read_bytes())
    make_config(250002, ["O", "X"]).save_pretrained(folder)
    return PieceTokenizer(AutoTokenizer.from_pretrained(folder).backend_tokenizer, pad_id=1)


@pytest.mark.parametrize("input", ["words", "text"])
def test_real_vocabulary_gives_the_known_ids(real_tokenizer, input):
    doc = make_doc(["Jack", "Sparrow", "loves", "New", "York", "!"], "111100")
    pieces = real_tokenizer.tokenize([doc], input)
    # As words, "!" begins one and has a marker of its own; as text it goes on behind "York".
    expected = [[21763], [37456, 15555], [5161, 7], [2356], [5753], [38] if input == "text" else [711]]
    assert pieces.ids.tolist() == [i for token in expected for i in token]
    assert pieces.tokens.lengths.tolist() == [len(token) for token in expected]


@pytest.mark.parametrize("input", ["words", "text"])
def test_real_vocabulary_keeps_the_marker_of_words_it_splits(real_tokenizer, input):
    pieces = real_tokenizer.tokenize([make_doc(["🚀🚀", " ", "張三"], "001")], input)
    assert list_pieces(real_tokenizer, pieces) == [["▁", "🚀", "🚀"], [], ["▁", "張", "三"]]


@pytest.mark.parametrize("input", ["words", "text"])
@pytest.mark.parametrize("joiner", ["\u200c", "\u200d"])
def test_real_vocabulary_gives_joiners_no_piece(real_tokenizer, joiner, input):
    # To the normaliser of XLM-R they are spaces; to that of a newer SentencePiece the second is not.
    pieces = real_tokenizer.tokenize([make_doc(["Jack", joiner, "York"], "000")], input)
    assert list_pieces(real_tokenizer, pieces) == [["▁Jack"], [], ["▁York"]]


def test_tokenize_words_of_a_byte_level_tokenizer_carry_the_space_mark():
    """As transformers' RobertaTokenizerFast(add_prefix_space=True), without which it refuses split words."""
    backend = Tokenizer(models.BPE(vocab={"Ġ": 0, "a": 1, "b": 2, "Ġa": 3, "Ġb": 4}, merges=[("Ġ", "a"), ("Ġ", "b")]))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer = PieceTokenizer(backend, pad_id=0)
    doc = Doc(spacy.blank("xx").vocab, words=["a", "b"])
    assert tokenizer.tokenize([doc], "words").ids.tolist() == [3, 4]
    assert tokenizer.tokenize([doc], "text").ids.tolist() == [1, 4, 0]
