"""Docs that a GPU is given while others are decoded, with the GPU's runtime on the CPU."""

import numpy as np
import pytest

from spacy_xlmr_ner.component import LEAST_AHEAD, XlmrNer
from spacy_xlmr_ner.pieces.launched import LaunchedDocs
from spacy_xlmr_ner.runtimes import torch_engine
from spacy_xlmr_ner.runtimes.cuda import CudaRuntime

WORDS = ["Jack", "Sparrow", "loves", "New", "York", "Anna", "lives", "in", "Berlin", "and", "the", "Siemens", "AG"]
TEXTS = [" ".join(WORDS[i % 7 : i % 7 + 1 + i % 6]) for i in range(3 * LEAST_AHEAD)] + ["", " ", "in Berlin " * 300]


@pytest.fixture
def launching(monkeypatch):
    """Has pipelines made from here on run as on a GPU."""
    monkeypatch.setattr(torch_engine, "TorchRuntime", CudaRuntime)


def list_ents(docs):
    return [[(ent.start, ent.end, ent.label_) for ent in doc.ents] for doc in docs]


def list_scores(docs):
    return [ent._.score for doc in docs for ent in doc.ents]


@pytest.mark.parametrize("pooling", ["first", "mean", "max"])
def test_pipe_finds_what_it_finds_on_the_cpu(make_nlp, random_checkpoint, monkeypatch, pooling):
    nlp = make_nlp(random_checkpoint, model={"pooling": pooling, "window": 20, "overlap": 5})
    expected = list(nlp.pipe(TEXTS, batch_size=LEAST_AHEAD))
    monkeypatch.setattr(torch_engine, "TorchRuntime", CudaRuntime)
    nlp.get_pipe("xlmr_ner").model.shims[0].reset()
    found = list(nlp.pipe(TEXTS, batch_size=LEAST_AHEAD))
    assert isinstance(nlp.get_pipe("xlmr_ner").model.shims[0].runtime, CudaRuntime)
    assert list_ents(found) == list_ents(expected)
    assert len(list_scores(found)) > 20
    assert list_scores(found) == pytest.approx(list_scores(expected), abs=1e-4)


def test_pipe_starts_the_next_batch_before_it_decodes_this_one(make_nlp, random_checkpoint, launching, monkeypatch):
    nlp = make_nlp(random_checkpoint)
    events = []
    launch, annotate = CudaRuntime.launch, XlmrNer.set_annotations
    monkeypatch.setattr(CudaRuntime, "launch", lambda self, *args: events.append("start") or launch(self, *args))
    monkeypatch.setattr(XlmrNer, "set_annotations", lambda self, *args: events.append("set") or annotate(self, *args))
    list(nlp.pipe(["Jack loves York"] * 4 * LEAST_AHEAD, batch_size=LEAST_AHEAD))
    # The first batch and the second are started, then always one before the last is set.
    assert events == ["start", "start", "set", "start", "set", "start", "set", "set"]


@pytest.fixture
def prepared(make_nlp, random_checkpoint, launching):
    nlp = make_nlp(random_checkpoint)
    nlp("Jack")
    model = nlp.get_pipe("xlmr_ner").model
    docs = model.attrs["prepare"](model, [nlp.make_doc("Jack loves New York"), nlp.make_doc("Anna")])
    assert isinstance(docs, LaunchedDocs)
    return model, docs


def test_launched_docs_are_run_once(prepared, monkeypatch):
    model, docs = prepared
    monkeypatch.setattr(CudaRuntime, "launch", lambda *args: pytest.fail("it was run again"))
    assert [rows.shape for rows in model.predict(docs)] == [(4, 7), (1, 7)]


def test_docs_that_were_changed_meanwhile_are_run_anew(prepared):
    model, docs = prepared
    with docs[0].retokenize() as retokenizer:
        retokenizer.merge(docs[0][2:])
    assert [rows.shape for rows in model.predict(docs)] == [(3, 7), (1, 7)]


def test_result_of_former_weights_is_not_taken(prepared):
    model, docs = prepared
    network = model.shims[0].checkpoint.network
    network.classifier.bias.data += 1.0
    model.shims[0].reset()
    expected = model.predict(list(docs))
    for found, rows in zip(model.predict(docs), expected):
        np.testing.assert_allclose(found, rows, atol=1e-5)


def test_docs_that_cannot_be_started_are_told_of_when_they_are_predicted(
    make_nlp, random_checkpoint, launching, monkeypatch
):
    nlp = make_nlp(random_checkpoint)
    launch = CudaRuntime.launch

    def fail(self, piece_ids, *args):
        if len(piece_ids) > 1 or piece_ids.shape[1] > 5:
            raise MemoryError("no room")
        return launch(self, piece_ids, *args)

    monkeypatch.setattr(CudaRuntime, "launch", fail)
    texts = ["Jack"] * (2 * LEAST_AHEAD) + ["in Berlin and in New York"]
    failed = []
    nlp.set_error_handler(lambda name, component, docs, error: failed.append([doc.text for doc in docs]))
    assert len(list(nlp.pipe(texts, batch_size=LEAST_AHEAD))) == 2 * LEAST_AHEAD
    assert failed == [["in Berlin and in New York"]]
