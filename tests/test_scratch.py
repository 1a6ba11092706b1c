"""Vocabularies against SentencePiece's own reading of them, checkpoints against what transformers opens."""

import json
import warnings

import pytest
import sentencepiece
import torch
from transformers import AutoModel, AutoModelForTokenClassification, AutoTokenizer

from spacy_xlmr_ner.checkpoint import read_checkpoint
from spacy_xlmr_ner.scratch import NetworkShape, cut_lines, init_checkpoint

SYLLABLES = ["ba", "lo", "ki", "ren", "stu", "ma", "ti", "po", "nel", "gra"]
TEXTS = [f"{a}{b} {b}{c}{a} {c}{c}" for a in SYLLABLES for b in SYLLABLES for c in SYLLABLES]
SHAPE = NetworkShape(vocab_size=120, hidden_size=16, layers=1, heads=2, intermediate_size=24, window=30)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("scratch") / "checkpoint"
    init_checkpoint(iter(TEXTS), folder, SHAPE, seed=3)
    return folder


def test_checkpoint_opens_with_transformers(folder):
    tokenizer, network = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder)
    assert tokenizer.is_fast
    assert len(tokenizer) == network.get_input_embeddings().num_embeddings == 120
    assert tokenizer.convert_tokens_to_ids(["<s>", "<pad>", "</s>", "<unk>", "<mask>"]) == [0, 1, 2, 3, 119]
    assert tokenizer.model_max_length == 30
    config = network.config
    assert (config.model_type, config.max_position_embeddings, config.pad_token_id) == ("xlm-roberta", 32, 1)
    assert (config.num_hidden_layers, config.num_attention_heads, config.intermediate_size) == (1, 2, 24)


def test_checkpoint_reads_as_many_pieces_as_its_window(folder):
    network = AutoModelForTokenClassification.from_pretrained(folder).eval()
    with torch.no_grad():
        assert network(torch.full((1, 30), 5)).logits.shape[:2] == (1, 30)
    assert read_checkpoint(folder).max_window == 30


@pytest.mark.parametrize("text", ["balo kiren stumati", "ＢＡＬＯ  ﬁ\u200b ki\u0301 北京", " loki ", "a", "🚀"])
def test_tokenizer_gives_the_ids_of_sentencepiece(folder, text):
    vocabulary = sentencepiece.SentencePieceProcessor(model_file=str(folder / "sentencepiece.bpe.model"))
    # <unk> <s> </s> are SentencePiece's 0 to 2 and XLM-R's 3, 0, 2; <pad> moves the others by one
    expected = [0, *(i + 1 if i else 3 for i in vocabulary.encode(text)), 2]
    assert AutoTokenizer.from_pretrained(folder)(text)["input_ids"] == expected


def test_checkpoint_predicts_nothing(folder):
    with pytest.raises(OSError, match="XN404"):
        read_checkpoint(folder).check_trained()


def test_checkpoint_has_a_head_for_tags(tmp_path):
    init_checkpoint(TEXTS, tmp_path / "new", SHAPE, seed=3, tags=["O", "B-X", "I-X"])
    checkpoint = read_checkpoint(tmp_path / "new")
    checkpoint.check_trained()
    assert checkpoint.tags == ("O", "B-X", "I-X")


def test_checkpoint_is_the_seeds(folder, tmp_path):
    before = torch.random.get_rng_state()
    for name, seed in (("same", 3), ("other", 4)):
        init_checkpoint(TEXTS, tmp_path / name, SHAPE, seed=seed)
    weights = {path.parent.name: path.read_bytes() for path in tmp_path.glob("*/model.safetensors")}
    assert weights["same"] == (folder / "model.safetensors").read_bytes() != weights["other"]
    assert (tmp_path / "same/tokenizer.json").read_bytes() == (folder / "tokenizer.json").read_bytes()
    assert torch.equal(torch.random.get_rng_state(), before)


def test_checkpoint_names_no_machine(folder):
    settings = json.loads((folder / "tokenizer_config.json").read_text())
    assert not {"name_or_path", "is_local", "local_files_only"} & settings.keys()


def test_init_is_silent(tmp_path, capfd):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        init_checkpoint(TEXTS, tmp_path / "new", SHAPE, seed=0)
    assert capfd.readouterr() == ("", "")


def test_init_that_fails_leaves_the_former_checkpoint(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ValueError):
        init_checkpoint([], tmp_path, SHAPE, seed=0)
    assert [path.name for path in tmp_path.iterdir()] == ["config.json"]


def make_shape(vocab_size):
    return NetworkShape(vocab_size=vocab_size, hidden_size=4, layers=1, heads=1, intermediate_size=4)


def test_init_tells_the_largest_vocabulary_possible(tmp_path):
    with pytest.raises(ValueError, match=r"XN420.* 5000 pieces") as caught:
        init_checkpoint(TEXTS, tmp_path / "new", make_shape(5000), seed=0)
    most = int(str(caught.value).split(": ")[1].split()[0])
    init_checkpoint(TEXTS, tmp_path / "new", make_shape(most), seed=0)
    assert len(AutoTokenizer.from_pretrained(tmp_path / "new")) == most
    with pytest.raises(ValueError, match="XN420"):
        init_checkpoint(TEXTS, tmp_path / "new", make_shape(most + 1), seed=0)


def test_init_tells_the_smallest_vocabulary_possible(tmp_path):
    # 15 letters, the mark of a space, and five special pieces
    with pytest.raises(ValueError, match=r"XN423.* 10 pieces .* least 21\."):
        init_checkpoint(TEXTS, tmp_path / "new", make_shape(10), seed=0)


@pytest.mark.parametrize("texts", [[], [""], [" ", "\n\n", "\0"], ["\u200b"]])
def test_init_refuses_no_text(tmp_path, texts):
    with pytest.raises(ValueError, match="XN422"):
        init_checkpoint(texts, tmp_path / "new", SHAPE, seed=0)


@pytest.mark.parametrize(
    "sizes, named",
    [
        ({"vocab_size": 6}, "vocab_size"),
        ({"hidden_size": 15}, "hidden_size.* multiple of `heads`"),
        ({"layers": 0}, "layers"),
        ({"heads": -2}, "heads"),
        ({"intermediate_size": 2.5}, "intermediate_size"),
        ({"window": 2}, "window"),
        ({"layers": True}, "layers"),
    ],
)
def test_shape_refuses(sizes, named):
    with pytest.raises(ValueError, match=f"XN421.*{named}"):
        NetworkShape(**{**vars(SHAPE), **sizes})


@pytest.mark.parametrize("text", ["x" * 9000, "語" * 9000, "ab cd " * 1500, "one\ntwo\r\nthree\0four"])
def test_cut_lines_keeps_all_in_short_lines(text):
    lines = list(cut_lines([text]))
    assert max(len(line.encode("utf8")) for line in lines) < 4192
    assert "".join("".join(lines).split()) == "".join(text.replace("\0", " ").split())
    assert not any(line.endswith(("a", "c")) for line in lines)
