"""The configs are complete, and each trains at toy size, in this process; test_commands.py runs them as a user does."""

import re
from pathlib import Path

import pytest
import spacy
from spacy.cli.debug_config import debug_config
from spacy.cli.debug_data import debug_data
from spacy.cli.init_config import fill_config
from spacy.cli.train import train
from spacy.tokens import DocBin
from spacy.training import Example
from spacy.util import load_config
from toys import N_TOY_DOCS, make_overrides, make_toy_docs

from spacy_xlmr_ner.corpus_report import report_corpora
from spacy_xlmr_ner.corpus_report.notes import judge_report

FOLDER = Path(__file__).parents[1] / "configs"
CONFIGS = sorted(path.stem for path in FOLDER.glob("*.cfg"))


@pytest.fixture(scope="module", params=CONFIGS)
def config(request):
    if request.param == "shared_transformer":
        pytest.importorskip("spacy_transformers", reason="spacy-transformers is not installed (extra `shared`)")
    return request.param


@pytest.fixture(scope="module")
def overrides(config, tmp_path_factory):
    return make_overrides(config, tmp_path_factory.mktemp(config))


@pytest.fixture(scope="module")
def trained(config, overrides, tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained")
    train(FOLDER / f"{config}.cfg", folder, overrides=overrides)
    return folder


def test_there_is_a_config_for_each_purpose():
    assert CONFIGS == ["finetune_base", "frozen_encoder", "scratch_small", "shared_transformer"]


def test_toy_corpus_is_what_the_tests_take_it_for():
    docs = make_toy_docs(N_TOY_DOCS)
    assert len({doc.text for doc in docs}) == N_TOY_DOCS
    assert {ent.label_ for doc in docs for ent in doc.ents} == {"PER", "LOC", "ORG"}


def test_config_is_complete(config):
    written = load_config(FOLDER / f"{config}.cfg")
    _, filled = fill_config(Path("-"), FOLDER / f"{config}.cfg", silent=True)
    assert filled == written


def test_config_comments_name_settings_that_there_are(config):
    text = (FOLDER / f"{config}.cfg").read_text(encoding="utf8")
    loaded = load_config(FOLDER / f"{config}.cfg")
    named = re.findall(r"--([\w.]+\.\w+)", text)
    assert named
    for name in named:
        block = loaded
        for part in name.split("."):
            assert part in block, name
            block = block[part]


def test_config_learns_its_sentences_by_heart(trained):
    nlp = spacy.load(trained / "model-best")
    docs = list(DocBin(docs=make_toy_docs(N_TOY_DOCS)).get_docs(nlp.vocab))
    scores = nlp.evaluate([Example(nlp.make_doc(doc.text), doc) for doc in docs])
    assert scores["ents_f"] > 0.9
    assert nlp.get_pipe("xlmr_ner").labels == ("LOC", "ORG", "PER")


def test_config_passes_spacy_debug_config(config, overrides, capsys):
    debug_config(FOLDER / f"{config}.cfg", overrides=overrides)
    assert "Config is valid" in capsys.readouterr().out


def test_config_passes_spacy_debug_data(config, overrides, capsys):
    debug_data(FOLDER / f"{config}.cfg", config_overrides=overrides, silent=False)
    assert "Pipeline can be initialized with data" in capsys.readouterr().out


def test_config_passes_our_debug(config, overrides):
    report = report_corpora(load_config(FOLDER / f"{config}.cfg", overrides=overrides, interpolate=False))
    notes = [note for section in judge_report(report).values() for note in section]
    assert [note.text for note in notes if note.level == "fail"] == []
    assert report.components["xlmr_ner"].is_scratch == (config == "scratch_small")
    assert report.components["xlmr_ner"].has_new_head
