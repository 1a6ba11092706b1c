"""Small checkpoints made on the spot: a vocabulary of chosen words and weights from which the answer is known."""

import io
from pathlib import Path
from typing import Dict, Optional, Sequence

import sentencepiece
import torch
from sentencepiece import sentencepiece_model_pb2
from transformers import AutoTokenizer, XLMRobertaConfig, XLMRobertaForTokenClassification

IOB_TAGS = ("O", "B-PER", "I-PER", "B-ORG", "I-ORG", "B-LOC", "I-LOC")
WORDS = ("Jack", "Spar", "Anna", "Berlin", "New", "York", "Siemens", "AG", "in", "love", "lives", "and", "the", "don")
SEED_TEXT = "The quick brown fox jumps over the lazy dog, 0123456789 times. Was it a car or a cat I saw?"
CHARACTERS = sorted({*map(chr, range(33, 127)), *"äöüßéàñ張三张住北京東京都🚀ไทยעברית日本語"})
HIDDEN = 64


def write_vocabulary(folder: Path, words: Sequence[str] = WORDS, suffixes: Sequence[str] = ("row", "s")) -> None:
    """Write sentencepiece.bpe.model: each word is a piece with its marker, each suffix and character one without."""
    trained = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter([SEED_TEXT] * 10),
        model_writer=trained,
        vocab_size=60,
        hard_vocab_limit=False,
        normalization_rule_name="nmt_nfkc",
        minloglevel=2,
    )
    model = sentencepiece_model_pb2.ModelProto.FromString(trained.getvalue())
    del model.pieces[3:]
    pieces = {f"▁{word}": -1.0 for word in words} | {suffix: -2.0 for suffix in suffixes} | {"▁": -3.0}
    pieces |= {character: -9.0 for character in CHARACTERS if character not in pieces}
    for piece, score in pieces.items():
        model.pieces.add(piece=piece, score=score)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "sentencepiece.bpe.model").write_bytes(model.SerializeToString())


def make_config(vocab_size: int, tags: Sequence[str], **settings) -> XLMRobertaConfig:
    """A configuration of 2 layers, 64 wide."""
    shape = {
        "vocab_size": vocab_size,
        "hidden_size": HIDDEN,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 64,
        "max_position_embeddings": 514,
        "type_vocab_size": 1,
        "bos_token_id": 0,
        "pad_token_id": 1,
        "eos_token_id": 2,
    }
    return XLMRobertaConfig(
        **{**shape, **settings}, id2label=dict(enumerate(tags)), label2id={tag: i for i, tag in enumerate(tags)}
    )


def write_tokenizer(folder: Path, **vocabulary):
    """Write the vocabulary and, beside it, all files of a fast tokenizer; returns the tokenizer."""
    write_vocabulary(folder, **vocabulary)
    make_config(1000, IOB_TAGS).save_pretrained(folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return tokenizer


def write_random(folder: Path, *, tags: Sequence[str] = IOB_TAGS, seed: int = 1, **settings) -> Path:
    """A checkpoint of random weights, large enough for its answers to vary with the context."""
    tokenizer = write_tokenizer(folder)
    torch.manual_seed(seed)
    model = XLMRobertaForTokenClassification(make_config(len(tokenizer), tags, initializer_range=0.1, **settings))
    with torch.no_grad():
        model.get_input_embeddings().weight.normal_()
        model.roberta.embeddings.position_embeddings.weight.normal_(std=0.3)
        model.classifier.weight.normal_(std=0.5)
    model.eval().save_pretrained(folder)
    return folder


def write_chosen(
    folder: Path,
    tag_by_piece: Dict[str, str],
    *,
    tags: Sequence[str] = IOB_TAGS,
    names: Optional[Sequence[str]] = None,
    sharpness: float = 2.0,
    **vocabulary,
) -> Path:
    """A checkpoint that gives a piece the tag that was chosen for it, O else, whatever stands around it.

    Attention and feed-forward layers add nothing; a piece's embedding is +1 in the column of its tag and -1 in a column
    of no meaning. Layer normalisation makes that +s and -s with s = sqrt(HIDDEN / 2), and the head reads the column.

    tag_by_piece (Dict[str, str]): Pieces, with their marker: {"▁Jack": "B-PER"}.
    tags (Sequence[str]): In id order; at most HIDDEN / 2.
    names (Optional[Sequence[str]]): What config.json calls the tags; None: as they are.
    sharpness (float): The logit of the chosen tag; the others are 0.
    """
    tokenizer = write_tokenizer(folder, **vocabulary)
    config = make_config(len(tokenizer), names or tags)
    model = XLMRobertaForTokenClassification(config)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            weight.fill_(1.0 if name.endswith("LayerNorm.weight") else 0.0)
        embeddings = model.get_input_embeddings().weight
        for piece, piece_id in tokenizer.get_vocab().items():
            column = list(tags).index(tag_by_piece.get(piece, "O" if "O" in tags else tags[0]))
            embeddings[piece_id, column] = 1.0
            embeddings[piece_id, column + HIDDEN // 2] = -1.0
        scale = (HIDDEN / 2) ** 0.5
        for column in range(len(tags)):
            model.classifier.weight[column, column] = sharpness / scale
    model.eval().save_pretrained(folder)
    return folder
