"""A checkpoint from nothing: a vocabulary trained on text, and an untrained network of XLM-R's architecture."""

import io
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Iterable, Iterator, Optional, Sequence

import sentencepiece
import srsly
from transformers import AutoTokenizer, XLMRobertaConfig, XLMRobertaForTokenClassification, XLMRobertaModel

from .checkpoint import quiet
from .errors import Errors
from .runtimes.seeding import seeded
from .saving import swap_in

# XLM-R's, by their ids; <mask> is the last of all.
SPECIAL_IDS = {"bos_token_id": 0, "pad_token_id": 1, "eos_token_id": 2}
SPECIAL_PIECES = {
    "bos_token": "<s>",
    "eos_token": "</s>",
    "sep_token": "</s>",
    "cls_token": "<s>",
    "unk_token": "<unk>",
    "pad_token": "<pad>",
    "mask_token": "<mask>",
}
N_ADDED = 2  # <pad> and <mask>, which stand in no SentencePiece vocabulary; <unk>, <s> and </s> do
MIN_PIECES = 5 + N_ADDED  # the mark of a space, and one character
CHARACTER_COVERAGE = 0.9995
# Bytes of a line; SentencePiece leaves out longer ones without a word.
MAX_LINE_BYTES = 4192
# SentencePiece's own default, and part of what it makes: with another number it finds other pieces.
N_THREADS = 16
VOCABULARY_FILE = "sentencepiece.bpe.model"
_TOO_LARGE = re.compile(r"Please set it to a value <= (\d+)")
_TOO_SMALL = re.compile(r"smaller than required_chars\. \d+ vs (\d+)")
_NO_TEXT = re.compile(r"sentences_\.empty|all_chars_count")


@dataclass(frozen=True)
class NetworkShape:
    """Sizes of a network.

    vocab_size (int): Pieces, the special ones included: as many as rows of embeddings.
    hidden_size (int): Width of a layer. A multiple of heads.
    layers (int): How many.
    heads (int): Of attention, a layer.
    intermediate_size (int): Width of the feed-forward part, four times hidden_size with XLM-R.
    window (int): Pieces that a window may hold, specials included. XLM-R's 512 take 514 positions.
    RAISES (ValueError): XN421 if one of them cannot be.
    """

    vocab_size: int
    hidden_size: int
    layers: int
    heads: int
    intermediate_size: int
    window: int = 512

    def __post_init__(self) -> None:
        least = {"vocab_size": MIN_PIECES, "window": 3}
        for size, found in vars(self).items():
            if not isinstance(found, int) or isinstance(found, bool) or found < least.get(size, 1):
                expected = f"a whole number of at least {least.get(size, 1)}"
                raise ValueError(Errors.XN421.format(size=size, found=found, expected=expected))
        if self.hidden_size % self.heads:
            expected = f"a multiple of `heads` ({self.heads})"
            raise ValueError(Errors.XN421.format(size="hidden_size", found=self.hidden_size, expected=expected))


def init_checkpoint(
    texts: Iterable[str], folder: Path, shape: NetworkShape, *, seed: int, tags: Optional[Sequence[str]] = None
) -> None:
    """Train a vocabulary and write an untrained checkpoint, which transformers opens.

    texts (Iterable[str]): What the vocabulary is trained on; gone through once.
    folder (Path): Made, or replaced as a whole once the new one is written.
    shape (NetworkShape): Sizes; the vocabulary has exactly vocab_size pieces.
    seed (int): Same texts, sizes and seed give the same checkpoint.
    tags (Optional[Sequence[str]]): Names of tags, in id order, for a head with random weights; None: no head, so that
        nothing is predicted before it is trained.
    RAISES (ValueError): XN420, XN422, XN423 if the texts do not give such a vocabulary.
    """
    vocabulary = train_vocabulary(texts, shape.vocab_size - N_ADDED)
    network = make_network(shape, seed=seed, tags=tags)

    def write(new: Path) -> None:
        with quiet():
            network.save_pretrained(new, safe_serialization=True)
        write_tokenizer(vocabulary, new, window=shape.window)

    folder.parent.mkdir(parents=True, exist_ok=True)
    swap_in(folder, write)


def train_vocabulary(texts: Iterable[str], n_pieces: int) -> bytes:
    """Train a SentencePiece unigram vocabulary with XLM-R's normaliser, without a word on the terminal.

    texts (Iterable[str]): Any number; lines are taken one by one, and long ones cut between words.
    n_pieces (int): Exactly so many, <unk>, <s> and </s> included.
    RETURNS (bytes): A SentencePiece model.
    RAISES (ValueError): XN420 if the texts are too few for so many pieces; XN422 if there is no text; XN423 if they
        have too many characters for so few; XN424 for whatever else stops SentencePiece.
    """
    model = io.BytesIO()
    try:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=cut_lines(texts),
            model_writer=model,
            model_type="unigram",
            vocab_size=n_pieces,
            normalization_rule_name="nmt_nfkc",
            character_coverage=CHARACTER_COVERAGE,
            max_sentence_length=MAX_LINE_BYTES,
            num_threads=N_THREADS,
            minloglevel=2,
        )
    except RuntimeError as err:
        raise ValueError(explain_training(str(err), n_pieces)) from err
    return model.getvalue()


def cut_lines(texts: Iterable[str]) -> Iterator[str]:
    """Cut texts into lines that SentencePiece takes: it drops what is too long, and stumbles on the character NUL.

    texts (Iterable[str]): Any.
    YIELDS (str): Lines of at most MAX_LINE_BYTES bytes, cut at spaces where there are any.
    """
    most = MAX_LINE_BYTES // 4  # characters: none takes more than four bytes
    for text in texts:
        for line in text.replace("\0", " ").splitlines():
            while len(line) > most:
                cut = line.rfind(" ", 1, most)
                cut = most if cut < 0 else cut
                yield line[:cut]
                line = line[cut:]
            if line.strip():
                yield line


def explain_training(reason: str, n_pieces: int) -> str:
    """What to say of SentencePiece's error.

    reason (str): Its own words, place in the C++ source included.
    n_pieces (int): What was asked of it.
    RETURNS (str): XN420, XN422 or XN423. Sizes are vocab_size as NetworkShape has it.
    """
    too_large, too_small = _TOO_LARGE.search(reason), _TOO_SMALL.search(reason)
    if too_large:
        return Errors.XN420.format(size=n_pieces + N_ADDED, most=int(too_large.group(1)) + N_ADDED)
    if too_small:
        return Errors.XN423.format(size=n_pieces + N_ADDED, least=int(too_small.group(1)) + N_ADDED)
    if _NO_TEXT.search(reason):
        return Errors.XN422
    return Errors.XN424.format(size=n_pieces + N_ADDED, reason=reason.strip())


def make_network(shape: NetworkShape, *, seed: int, tags: Optional[Sequence[str]]) -> Any:
    """A network of XLM-R's architecture with random weights.

    shape (NetworkShape): Sizes.
    seed (int): Of the weights.
    tags (Optional[Sequence[str]]): Of the head; None: there is none.
    RETURNS (Any): transformers' model.
    """
    labels = {} if tags is None else {"id2label": dict(enumerate(tags)), "label2id": {t: i for i, t in enumerate(tags)}}
    config = XLMRobertaConfig(
        vocab_size=shape.vocab_size,
        hidden_size=shape.hidden_size,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        intermediate_size=shape.intermediate_size,
        max_position_embeddings=shape.window + SPECIAL_IDS["pad_token_id"] + 1,  # places begin behind the padding's id
        type_vocab_size=1,
        layer_norm_eps=1e-5,
        **SPECIAL_IDS,
        **labels,
    )
    with seeded(seed):
        if tags is not None:
            return XLMRobertaForTokenClassification(config)
        return XLMRobertaModel(config, add_pooling_layer=False)


def write_tokenizer(vocabulary: bytes, folder: Path, *, window: int) -> None:
    """Write all files of a fast tokenizer, beside config.json.

    The settings are written by hand: those of transformers 5 are not read by 4, and hold what is of this machine alone.

    vocabulary (bytes): A SentencePiece model.
    folder (Path): Where config.json is.
    window (int): Pieces that a text may have.
    """
    (folder / VOCABULARY_FILE).write_bytes(vocabulary)
    tokenizer = AutoTokenizer.from_pretrained(folder, use_fast=True, local_files_only=True)
    tokenizer.backend_tokenizer.save(str(folder / "tokenizer.json"))
    settings = {"tokenizer_class": "XLMRobertaTokenizer", "model_max_length": window, **SPECIAL_PIECES}
    srsly.write_json(folder / "tokenizer_config.json", settings)
