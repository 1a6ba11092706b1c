"""What earlier taggers say of the training text: the soft targets that build_bundled.py mixes with the labels.

Taggers of other seeds and vocabularies err differently; the mean of their distributions is right more often than each
of them, and a network that learns from it comes nearer to the mean than to one of them. Each sentence is tagged once,
as it stands in its corpus, and the means are kept in the work folder.
"""

import hashlib
import json
import os
from pathlib import Path
from typing import Dict, List, Sequence

import numpy as np
import spacy
import torch
from bundled_data import TAGS, Corpus
from spacy.tokens import Doc
from tqdm import tqdm

from spacy_xlmr_ner.component import XlmrNer

DOCS_AT_ONCE = 2000
NOTE = "teachers.json"


def open_teacher(folder: Path) -> XlmrNer:
    """The component over a folder of build_bundled.py's layout, at the precision that this machine computes fastest."""
    is_fast = torch.cpu._is_avx512_bf16_supported()
    model = {"name": str(folder), "precision": "bfloat16" if is_fast else "float32"}
    teacher = spacy.blank("xx").add_pipe("xlmr_ner", config={"model": model})
    if teacher.tags != TAGS:
        raise ValueError(f"{folder} has the tags {teacher.tags}; a teacher's tags must be {TAGS}.")
    return teacher


def tag_corpus(corpus: Corpus, teacher: XlmrNer) -> np.ndarray:
    """Distributions over TAGS for all words of a corpus: (n_words, 7), float32; zeros for words without a piece."""
    vocab = teacher.vocab
    found = []
    for start in range(0, len(corpus.sentences), DOCS_AT_ONCE):
        docs = [Doc(vocab, words=sentence.words) for sentence in corpus.sentences[start : start + DOCS_AT_ONCE]]
        found += teacher.token_probs(docs)
    return np.nan_to_num(np.concatenate(found))


def tag_corpora(corpora: Sequence[Corpus], teachers: Sequence[Path], folder: Path) -> Dict[str, List[np.ndarray]]:
    """The mean of the teachers' distributions, for each corpus' key and sentence (n_words, 7), float16.

    folder (Path): Where they are kept; what stands there is taken.
    RAISES (ValueError): If what stands there is of other teachers or other text.
    """
    folder.mkdir(parents=True, exist_ok=True)
    check_teachers(teachers, folder)
    todo = [corpus for corpus in corpora if not find_path(folder, corpus).exists()]
    opened = [open_teacher(path) for path in teachers] if todo else []
    for corpus in tqdm(todo, desc="Teachers tag", unit="corpus"):
        mean = sum(tag_corpus(corpus, teacher) for teacher in opened) / len(opened)
        new = find_path(folder, corpus).with_suffix(".new")
        with new.open("wb") as file:
            np.save(file, mean.astype(np.float16))
        os.replace(new, find_path(folder, corpus))  # what stands there is whole
    found = {}
    for corpus in corpora:
        mean = np.load(find_path(folder, corpus))
        ends = np.cumsum([len(sentence.words) for sentence in corpus.sentences])
        if len(mean) != ends[-1]:
            raise ValueError(f"{find_path(folder, corpus)} is of other text than {corpus.key} has; delete the folder.")
        found[corpus.key] = np.split(mean, ends[:-1])
    return found


def check_teachers(teachers: Sequence[Path], folder: Path) -> None:
    """Note whose distributions a folder has. RAISES (ValueError): If it has those of others."""
    own = [hashlib.sha256((path / "model.safetensors").read_bytes()).hexdigest() for path in teachers]
    note = folder / NOTE
    if not note.exists() and not any(folder.glob("*.npy")):
        note.write_text(json.dumps(own), encoding="utf8")
    if not note.exists() or json.loads(note.read_text(encoding="utf8")) != own:
        raise ValueError(f"{folder} has what other teachers say; delete the folder, or give another --work.")


def find_path(folder: Path, corpus: Corpus) -> Path:
    """Where the distributions of a corpus are kept."""
    return folder / f"{corpus.name}-{corpus.language}.npy"
