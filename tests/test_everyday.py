"""The release test of the model in the package: sentences as people write them every day."""

import re
from pathlib import Path

import pytest
import spacy
from everyday import EVERYDAY

MARKS = set(".!?।。")
SCRIPTS = Path(__file__).parents[1] / "scripts"


@pytest.fixture(scope="module")
def nlp():
    nlp = spacy.blank("xx")
    nlp.add_pipe("xlmr_ner")
    return nlp


@pytest.fixture
def frames(monkeypatch):
    """The sentences with places for names that the model is trained on, by language."""
    monkeypatch.syspath_prepend(str(SCRIPTS))
    from bundled_frames import read_frames
    from bundled_names import read_names

    everyday = read_names()
    return {language: own + everyday[language].frames for language, own in read_frames().items()}


def make_pattern(frame):
    """What a frame looks like with its places; one for a place may have a preposition."""
    names = {"{PER}", "{ORG}", "{LOC}"}
    words = ("PLACE" if word[0] == "{" and word not in names else re.escape(word) for word in frame)
    return re.compile(" ".join(words).replace("PLACE", r"(\w+ )?\{LOC\}"))


def strip_marks(words):
    return [word for word in words if word not in MARKS]


def test_no_sentence_is_one_that_training_makes(frames):
    for sentence in EVERYDAY:
        text = " ".join(strip_marks(sentence.words))
        for name, label in sentence.ents:
            text = text.replace(name, f"{{{label}}}", 1)
        for frame in frames[sentence.lang]:
            assert not make_pattern(strip_marks(frame)).fullmatch(text), (sentence.text, frame)


@pytest.mark.parametrize("sentence", EVERYDAY, ids=[f"{sentence.lang}-{sentence.text}" for sentence in EVERYDAY])
def test_everyday_sentence_comes_out_right(nlp, sentence):
    doc = nlp(sentence.make_doc(nlp.vocab))
    assert [(ent.text, ent.label_) for ent in doc.ents] == sentence.ents
