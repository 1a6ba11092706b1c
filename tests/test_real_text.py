"""XLM-R's own vocabulary, on sentences of the languages in the corpora that stand beside the project."""

import gzip
import shutil
import unicodedata
from collections import Counter
from pathlib import Path
from typing import List

import pytest
from spacy.tokens import Doc
from spacy.vocab import Vocab
from toys import IOB_TAGS, make_config
from transformers import XLMRobertaForTokenClassification

from spacy_xlmr_ner.checkpoint import read_checkpoint

DATA = Path(__file__).parents[2] / "shared" / "data"
FILES = [*sorted(str(path.relative_to(DATA)) for path in DATA.glob("*/*.dev.iob2.gz")), "raw/panx176.txt.gz"]
UNSPACED = ("zh", "zh-Hant", "ja", "th")
N_SENTENCES = 30


@pytest.fixture(scope="module")
def checkpoint(shared, tmp_path_factory):
    """XLM-R's vocabulary, as its SentencePiece file alone, over a tiny network."""
    folder = tmp_path_factory.mktemp("xlmr")
    config = make_config(250002, IOB_TAGS, hidden_size=8, intermediate_size=8)
    XLMRobertaForTokenClassification(config).save_pretrained(folder)
    shutil.copy(shared / "xlmr-tokenizer" / "sentencepiece.bpe.model", folder)
    return read_checkpoint(folder)


def read_docs(path: Path) -> List[Doc]:
    """The first sentences of a file; of panx176 all, with the language before each token taken off."""
    is_mixed = path.name.startswith("panx176")
    with gzip.open(path, "rt", encoding="utf-8") as file:
        sentences = [block.split("\n") for block in file.read().split("\n\n") if block.strip()]
    vocab = Vocab()
    docs = []
    for lines in sentences if is_mixed else sentences[:N_SENTENCES]:
        words = [line.split("\t")[0] for line in lines if line]
        language = words[0].split(":")[0] if is_mixed else path.name.split(".")[0]
        words = [word.removeprefix(f"{language}:") for word in words] if is_mixed else words
        docs.append(Doc(vocab, words=words, spaces=[language not in UNSPACED] * len(words)))
    return docs


def group(pieces, docs):
    """For each token of all docs: the token and the rows of its pieces."""
    ends = pieces.tokens.lengths.cumsum().tolist()
    starts = [0, *ends[:-1]]
    tokens = [token for doc in docs for token in doc]
    return [(token, pieces.tokens.dataXd[start:end].tolist()) for token, start, end in zip(tokens, starts, ends)]


def spell(checkpoint, pieces, rows) -> str:
    return "".join(checkpoint.tokenizer.get_pieces(pieces.ids[rows])).replace("▁", "")


def normalise(text: str) -> str:
    """As nmt_nfkc has it: NFKC, less spaces and characters without width."""
    return "".join(unicodedata.normalize("NFKC", text).translate(dict.fromkeys([0x200B, 0x200C, 0x200D])).split())


# What is known of XLM-R


def test_tokenizer_gives_the_ids_of_xlmr(checkpoint):
    tokenizer = checkpoint.tokenizer
    doc = Doc(Vocab(), words=["Jack", "Sparrow", "loves", "New", "York", "!"], spaces=[1, 1, 1, 1, 0, 0])
    ids = [*tokenizer.prefix, *tokenizer.tokenize([doc], "text").ids, *tokenizer.suffix]
    assert ids == [0, 21763, 37456, 15555, 5161, 7, 2356, 5753, 38, 2]
    assert (tokenizer.pad_id, checkpoint.max_window) == (1, 512)


@pytest.mark.parametrize(
    "text, tokens, expected",
    [
        ("Jack Sparrow loves", ["Jack", "Sparrow", "loves"], [["▁Jack"], ["▁Spar", "row"], ["▁love", "s"]]),
        # After a run of spaces the tokenizer's own offsets leak one into "▁Jack": (2, 7), not (3, 7).
        ("in  Jack", ["in", " ", "Jack"], [["▁in"], [], ["▁Jack"]]),
        ("\tJack\n\nin ", ["\t", "Jack", "\n\n", "in"], [[], ["▁Jack"], [], ["▁in"]]),
        ("in 🚀🚀 in", ["in", "🚀🚀", "in"], [["▁in"], ["▁", "🚀", "🚀"], ["▁in"]]),
        ("in 張三", ["in", "張三"], [["▁in"], ["▁", "張", "三"]]),
        ("don't", ["do", "n't"], [["▁don"], ["▁don", "'", "t"]]),
    ],
)
def test_tokenizer_reads_the_offsets_of_text(checkpoint, text, tokens, expected):
    spaces = []
    rest = text
    for token in tokens:
        rest = rest.removeprefix(token)
        spaces.append(rest.startswith(" "))
        rest = rest.removeprefix(" ")
    doc = Doc(Vocab(), words=tokens, spaces=spaces)
    assert doc.text == text
    pieces = checkpoint.tokenizer.tokenize([doc], "text")
    assert [checkpoint.tokenizer.get_pieces(pieces.ids[rows]) for _, rows in group(pieces, [doc])] == expected


@pytest.mark.parametrize(
    "word, expected",
    [("🚀🚀", ["▁", "🚀", "🚀"]), ("張三", ["▁", "張", "三"]), (" ", []), ("\n", []), ("Sparrow", ["▁Spar", "row"])],
)
def test_tokenizer_reads_a_word(checkpoint, word, expected):
    pieces = checkpoint.tokenizer.tokenize([Doc(Vocab(), words=[word])], "words")
    assert checkpoint.tokenizer.get_pieces(pieces.ids) == expected


# Every language


@pytest.mark.parametrize("file", FILES)
def test_words_align_as_transformers_has_them(checkpoint, shared, file):
    docs = read_docs(shared / "data" / file)
    pieces = checkpoint.tokenizer.tokenize(docs, "words")
    batch = [[token.text for token in doc] for doc in docs]
    theirs = checkpoint.hf_tokenizer(batch, is_split_into_words=True, add_special_tokens=False)
    expected = [
        words.count(i) for words, doc in zip(map(theirs.word_ids, range(len(docs))), docs) for i in range(len(doc))
    ]
    assert pieces.tokens.lengths.tolist() == expected
    assert pieces.ids.tolist() == [i for ids in theirs.input_ids for i in ids]


@pytest.mark.parametrize("input", ["words", "text"])
@pytest.mark.parametrize("file", FILES)
def test_pieces_of_a_token_spell_it(checkpoint, shared, file, input):
    docs = read_docs(shared / "data" / file)
    pieces = checkpoint.tokenizer.tokenize(docs, input)
    groups = group(pieces, docs)
    assert [token.text for token, rows in groups if not rows and not token.is_space] == []
    uses = Counter(row for _, rows in groups for row in rows)
    assert len(uses) == len(pieces.ids)  # no piece is lost: these texts have no runs of whitespace
    for token, rows in groups:
        spelt, text = spell(checkpoint, pieces, rows), normalise(token.text)
        is_shared = any(uses[row] > 1 for row in rows)  # with a neighbour, whose characters are then spelt too
        assert "<unk>" in spelt or (text in spelt if is_shared else text == spelt)
