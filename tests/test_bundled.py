"""What is promised of the model in the package, whichever it is: its size, its format, its languages."""

import json
from pathlib import Path

import pytest
import torch
from everyday import EVERYDAY
from safetensors.torch import load_file
from transformers import AutoModelForTokenClassification, AutoTokenizer

import spacy_xlmr_ner

FOLDER = Path(spacy_xlmr_ner.__file__).parent / "bundled"
MEGABYTES = 25
LANGUAGES = "ar, da, de, en, es, fi, fr, hi, hr, hu, ja, kk, lv, nl, pl, pt, ro, ru, sk, sr, sv, th, tr, zh"


@pytest.fixture(scope="module")
def card():
    return (FOLDER / "README.md").read_text(encoding="utf8")


def test_folder_is_small():
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) <= MEGABYTES * 1e6


def test_weights_are_float16_or_better():
    weights = load_file(FOLDER / "model.safetensors")
    assert {weight.dtype for weight in weights.values()} <= {torch.float16, torch.float32}


def test_config_is_of_xlm_roberta_with_three_labels():
    config = json.loads((FOLDER / "config.json").read_text(encoding="utf8"))
    assert config["model_type"] == "xlm-roberta"
    assert sorted(config["label2id"]) == ["B-LOC", "B-ORG", "B-PER", "I-LOC", "I-ORG", "I-PER", "O"]


def test_transformers_opens_it():
    """As by hand: pieces, logits, argmax; the label stands on a word's first piece."""
    tokenizer = AutoTokenizer.from_pretrained(FOLDER)
    network = AutoModelForTokenClassification.from_pretrained(FOLDER).float().eval()
    encoded = tokenizer(["Jack", "Sparrow", "loves", "New", "York!"], is_split_into_words=True, return_tensors="pt")
    with torch.inference_mode():
        tags = network(**encoded).logits[0].argmax(-1).tolist()
    words = encoded.word_ids()
    firsts = [words.index(word) for word in range(5)]
    assert [network.config.id2label[tags[first]] for first in firsts] == ["B-PER", "I-PER", "O", "B-LOC", "I-LOC"]


def test_everyday_sentences_are_in_every_language(card):
    assert {sentence.lang.split("-")[0] for sentence in EVERYDAY} == set(LANGUAGES.split(", "))
    assert f"language: [{LANGUAGES}]" in card
