"""Small checkpoints made on the spot: a vocabulary of chosen words and weights from which the answer is known."""

import io
import itertools
import random
from pathlib import Path
from typing import Dict, List, Optional, Sequence, Tuple

import sentencepiece
import torch
from sentencepiece import sentencepiece_model_pb2
from spacy.tokens import Doc, DocBin, Span
from spacy.training import Example
from spacy.vocab import Vocab
from transformers import AutoTokenizer, XLMRobertaConfig, XLMRobertaForMaskedLM, XLMRobertaForTokenClassification

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


def write_pretrained(folder: Path, *, seed: int = 1) -> Path:
    """A checkpoint as the hub's xlm-roberta-base: a language model's, without a tagging head and without tag names."""
    tokenizer = write_tokenizer(folder)
    torch.manual_seed(seed)
    config = make_config(len(tokenizer), ("LABEL_0", "LABEL_1"), initializer_range=0.1)
    model = XLMRobertaForMaskedLM(config)
    with torch.no_grad():
        model.get_input_embeddings().weight.normal_()
    model.save_pretrained(folder)
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


# No word has two labels, so that a network that has seen each knows them all.
TOY_NAMES = {
    "PER": ("Jack", "Anna", "Jack Sparrow"),
    "LOC": ("Berlin", "York"),
    "ORG": ("Siemens", "Siemens AG"),
}
TOY_SENTENCES = (
    "PER lives in LOC",
    "PER and PER love ORG in LOC",
    "the ORG in LOC and the ORG in LOC",
    "PER loves LOC and the dog loves PER",
    "PER in LOC and PER in LOC",
    "LOC and LOC love PER",
    "the quick brown fox jumps over the lazy dog",
)


def make_toy_docs(n_docs: int, *, seed: int = 0, with_syntax: bool = False) -> List[Doc]:
    """Annotated sentences of known words, in an order of chance; all of them different, and so 125 at most.

    with_syntax (bool): Tags and dependencies too: names are NAME, and each word hangs on the one before.
    """
    vocab = Vocab()
    docs = []
    for sentence in TOY_SENTENCES:
        slots = [(word, [name.split() for name in TOY_NAMES.get(word, (word,))]) for word in sentence.split()]
        for names in itertools.product(*(choices for _, choices in slots)):
            tags = [
                f"{'I' if i else 'B'}-{word}" if word in TOY_NAMES else "O"
                for (word, _), name in zip(slots, names)
                for i in range(len(name))
            ]
            words = [word for name in names for word in name]
            syntax = {}
            if with_syntax:
                syntax = {
                    "tags": ["WORD" if tag == "O" else "NAME" for tag in tags],
                    "heads": [max(0, i - 1) for i in range(len(words))],
                    "deps": ["dep" if i else "ROOT" for i in range(len(words))],
                }
            docs.append(Doc(vocab, words, ents=tags, **syntax))
    random.Random(seed).shuffle(docs)
    assert n_docs <= len(docs)
    return docs[:n_docs]


def make_example(vocab: Vocab, words: Sequence[str], ents: Sequence[Tuple[int, int, str]]) -> Example:
    """An example of words; ents: start, end (tokens, half-open), label. All tokens are annotated."""
    reference = Doc(vocab, words=words)
    reference.set_ents([Span(reference, *ent) for ent in ents])
    return Example(Doc(vocab, words=words), reference)


def write_toy_corpus(path: Path, docs: Sequence[Doc]) -> Path:
    """Write docs as `spacy train` reads them."""
    DocBin(docs=docs).to_disk(path)
    return path


# What makes a training config one of a second or two; for scratch_small.cfg a network of its own size too.
N_TOY_DOCS = 120  # `spacy debug data` exits with an error under 100
TOY_STEPS = 30
TOY_RATES = {"finetune_base": 0.003, "frozen_encoder": 0.02, "scratch_small": 0.01, "shared_transformer": 0.003}
TOY_SHAPE = {"vocab_size": 50, "hidden_size": 64, "layers": 2, "heads": 2, "intermediate_size": 64, "window": 128}


def make_overrides(config: str, folder: Path) -> Dict[str, object]:
    """Overrides for a config of configs/, by its name: toy corpora in a folder, and a toy checkpoint or a toy shape.

    Dev is train, so what is scored is what was learned by heart.
    """
    is_shared = config == "shared_transformer"
    corpus = str(write_toy_corpus(folder / "corpus.spacy", make_toy_docs(N_TOY_DOCS, with_syntax=is_shared)))
    settings: Dict[str, object] = {"paths.train": corpus, "paths.dev": corpus}
    n_steps = TOY_STEPS * (4 if is_shared else 1)  # three components pull at one network
    limits = {"max_epochs": 0, "max_steps": n_steps, "eval_frequency": n_steps // 2, "patience": 0}
    settings |= {f"training.{name}": limit for name, limit in limits.items()}
    rate = "training.optimizer.learn_rate"
    if config == "frozen_encoder":
        settings[rate] = TOY_RATES[config]
    else:
        schedule = {"initial_rate": TOY_RATES[config], "total_steps": n_steps, "warmup_steps": 3}
        settings |= {f"{rate}.{name}": value for name, value in schedule.items()}
    if config == "scratch_small":
        shape = {f"initialize.components.xlmr_ner.scratch.{size}": number for size, number in TOY_SHAPE.items()}
        return {**settings, **shape, "training.batcher.size": 150}
    checkpoint = str(write_pretrained(folder / "checkpoint"))
    if is_shared:
        few = {"components.parser.min_action_freq": 1, "training.accumulate_gradient": 1}
        return {**settings, **few, "components.transformer.model.name": checkpoint}
    return {**settings, "components.xlmr_ner.model.name": checkpoint}
