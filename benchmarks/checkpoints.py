"""Checkpoints to measure with: the shape and vocabulary of XLM-R base, smaller ones, weights seeded and random.

Speed does not depend on the weights, but what int8 may be used for does: it is offered where it gives the tags of
float32. So the answers of base's shape are clear-cut, as a trained network's are: each piece's embedding leans towards
a tag of its own, and the head looks for that lean.
"""

import json
import random
import shutil
from pathlib import Path
from typing import List, Optional, Sequence

import spacy
import torch
from spacy.language import Language
from texts import make_texts, require_shared
from transformers import AutoTokenizer, XLMRobertaConfig, XLMRobertaForTokenClassification

from spacy_xlmr_ner.scratch import NetworkShape, init_checkpoint

TAGS = ("O", "B-PER", "I-PER", "B-ORG", "I-ORG", "B-LOC", "I-LOC")
TOY = NetworkShape(vocab_size=100, hidden_size=32, layers=1, heads=2, intermediate_size=64)
SYLLABLES = [consonant + vowel for consonant in "bdfgklmnprstvz" for vowel in "aeiou"]


def write_base(folder: Path, *, n_layers: int = 12) -> None:
    """Write a checkpoint of XLM-R base's shape and vocabulary."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(require_shared() / "xlmr-tokenizer" / "sentencepiece.bpe.model", folder)
    config = XLMRobertaConfig(
        vocab_size=250002,
        hidden_size=768,
        num_hidden_layers=n_layers,
        num_attention_heads=12,
        intermediate_size=3072,
        max_position_embeddings=514,
        type_vocab_size=1,
        layer_norm_eps=1e-5,
        id2label=dict(enumerate(TAGS)),
        label2id={tag: i for i, tag in enumerate(TAGS)},
    )
    config.save_pretrained(folder)
    AutoTokenizer.from_pretrained(folder, model_max_length=512).save_pretrained(folder)  # as on the hub
    make_readable(folder)
    torch.manual_seed(0)
    network = XLMRobertaForTokenClassification(config)
    with torch.no_grad():
        lean_towards_tags(network)
    network.save_pretrained(folder)


def lean_towards_tags(network: XLMRobertaForTokenClassification) -> None:
    """Have pieces lean towards tags: one in eight towards those of entities, for few words of real text are in any."""
    table = network.get_input_embeddings().weight
    directions, _ = torch.linalg.qr(torch.randn(table.shape[1], len(TAGS)))
    tags = torch.randint(1, len(TAGS), (len(table),))
    tags[torch.rand(len(table)) > 1 / 8] = 0
    table += table.std() * table.shape[1] ** 0.5 * directions.T[tags]  # as long as what is random in a row
    network.classifier.weight.copy_(directions.T)


def write_toy(folder: Path) -> None:
    """Write a tiny checkpoint, its vocabulary trained on made-up words."""
    folder.mkdir(parents=True, exist_ok=True)
    init_checkpoint(make_up_texts(200), folder, TOY, seed=0, tags=TAGS)
    make_readable(folder)


def make_readable(folder: Path) -> None:
    """Leave out what transformers 5 writes as a list, over which the peers' transformers 4 stumbles."""
    file = folder / "tokenizer_config.json"
    settings = json.loads(file.read_text(encoding="utf8"))
    if isinstance(settings.get("extra_special_tokens"), list):
        del settings["extra_special_tokens"]
        file.write_text(json.dumps(settings), encoding="utf8")


def write_checkpoint(folder: Path, *, is_toy: bool, n_layers: int = 12) -> None:
    """Write the tiny one or that of base's shape."""
    if is_toy:
        write_toy(folder)
    else:
        write_base(folder, n_layers=n_layers)


def make_up_texts(n_texts: int, *, least: int = 5, most: int = 12, seed: int = 0) -> List[str]:
    """Texts of made-up words."""
    draw = random.Random(seed)
    words = ["".join(draw.choices(SYLLABLES, k=draw.randint(1, 4))) for _ in range(3000)]
    return [" ".join(draw.choices(words, k=draw.randint(least, most))) for _ in range(n_texts)]


def find_texts(n_texts: int, *, is_toy: bool) -> List[str]:
    """Real texts of 1 to 12 sentences, or made-up ones."""
    return make_up_texts(n_texts) if is_toy else make_texts(n_texts)


def make_nlp(
    folder: Optional[Path], *, runtime: str = "torch", precision: str = "float32", **settings: object
) -> Language:
    """A blank pipeline with the component over a checkpoint; None: the model in the package."""
    nlp = spacy.blank("xx")
    name = None if folder is None else str(folder)
    nlp.add_pipe("xlmr_ner", config={"model": {"name": name, "runtime": runtime, "precision": precision, **settings}})
    return nlp


def count_words(texts: Sequence[str]) -> int:
    """Tokens, as spaCy's language-neutral tokenizer parts them."""
    return sum(len(doc) for doc in spacy.blank("xx").pipe(texts))
