import os
import threading
from pathlib import Path

import pytest

if "PYTEST_XDIST_WORKER" in os.environ:
    # Two processes side by side: with more threads they would be in each other's way. Before spaCy imports PyTorch.
    os.environ.setdefault("OMP_NUM_THREADS", "1")

import spacy
from toys import write_chosen, write_random

from spacy_xlmr_ner.pieces.tokenizer import PieceTokenizer

SHARED = Path(__file__).parents[2] / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of corpora and of XLM-R's vocabulary, which stands beside the project and not in it."""
    if not SHARED.is_dir():
        pytest.skip(f"no folder {SHARED}: the corpora and XLM-R's vocabulary are not part of the project")
    return SHARED


@pytest.fixture(scope="session")
def random_checkpoint(tmp_path_factory) -> Path:
    """IOB tags, random weights."""
    return write_random(tmp_path_factory.mktemp("random"))


@pytest.fixture(scope="session")
def chosen_checkpoint(tmp_path_factory) -> Path:
    """Jack and Anna are B-PER, Spar(row) I-PER, Berlin and New B-LOC, York I-LOC, Siemens B-ORG, AG I-ORG."""
    tags = {
        "▁Jack": "B-PER",
        "▁Spar": "I-PER",
        "▁Anna": "B-PER",
        "▁Berlin": "B-LOC",
        "▁New": "B-LOC",
        "▁York": "I-LOC",
        "▁Siemens": "B-ORG",
        "▁AG": "I-ORG",
    }
    return write_chosen(tmp_path_factory.mktemp("chosen"), tags, sharpness=8.0)


@pytest.fixture
def cutting_threads(monkeypatch):
    """The names of the threads that have cut texts into pieces."""
    names = []
    cut = PieceTokenizer.cut

    def record(self, read):
        names.append(threading.current_thread().name)
        return cut(self, read)

    monkeypatch.setattr(PieceTokenizer, "cut", record)
    return names


@pytest.fixture
def make_nlp():
    """Make a pipeline over a checkpoint: make_nlp(folder, threshold=0.5, model={"input": "text"})."""

    def make(folder, *, lang="xx", name="xlmr_ner", model=None, **settings):
        nlp = spacy.blank(lang)
        checkpoint = {} if folder is None else {"name": str(folder)}
        nlp.add_pipe("xlmr_ner", name=name, config={**settings, "model": {**checkpoint, **(model or {})}})
        return nlp

    return make
