import pickle

import numpy as np
import pytest
import spacy
import torch
from thinc.api import get_current_ops, set_current_ops

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA GPU here")
TEXTS = ["Jack Sparrow loves New York!", "", "Anna lives in Berlin and Jack in York. " * 30, "Siemens AG"]


@pytest.fixture
def probs_on_cpu(make_nlp, random_checkpoint):
    nlp = make_nlp(random_checkpoint, model={"device": "cpu"})
    return nlp.get_pipe("xlmr_ner").token_probs([nlp.make_doc(text) for text in TEXTS])


@pytest.fixture
def keep_ops():
    ops = get_current_ops()
    yield
    set_current_ops(ops)
    torch.set_default_device("cpu")


# bfloat16 keeps 8 bits of a number, float16 11: that is what two layers of random weights leave of a probability.
@pytest.mark.parametrize("precision, tolerance", [("float32", 1e-4), ("bfloat16", 0.1), ("float16", 0.02)])
def test_device_setting_computes_on_the_gpu_as_on_the_cpu(
    make_nlp, random_checkpoint, probs_on_cpu, precision, tolerance
):
    nlp = make_nlp(random_checkpoint, model={"device": "cuda:0", "precision": precision})
    probs = nlp.get_pipe("xlmr_ner").token_probs([nlp.make_doc(text) for text in TEXTS])
    for on_gpu, on_cpu in zip(probs, probs_on_cpu):
        np.testing.assert_allclose(on_gpu, on_cpu, atol=tolerance)


def test_device_setting_puts_the_weights_on_the_gpu(make_nlp, random_checkpoint):
    nlp = make_nlp(random_checkpoint, model={"device": "cuda:0"})
    nlp("Jack")
    assert nlp.get_pipe("xlmr_ner").model.shims[0].runtime.network.device.type == "cuda"


def test_require_gpu_is_followed(make_nlp, random_checkpoint, probs_on_cpu, keep_ops):
    pytest.importorskip("cupy")
    spacy.require_gpu()
    nlp = make_nlp(random_checkpoint)
    probs = nlp.get_pipe("xlmr_ner").token_probs([nlp.make_doc(text) for text in TEXTS])
    assert nlp.get_pipe("xlmr_ner").model.shims[0].runtime.network.device.type == "cuda"
    for on_gpu, on_cpu in zip(probs, probs_on_cpu):
        np.testing.assert_allclose(on_gpu, on_cpu, atol=1e-4)


def test_pipe_on_the_gpu_sets_entities(make_nlp, chosen_checkpoint):
    nlp = make_nlp(chosen_checkpoint, model={"device": "cuda:0"})
    docs = list(nlp.pipe(TEXTS))
    assert [(ent.text, ent.label_) for ent in docs[0].ents] == [("Jack Sparrow", "PER"), ("New York", "LOC")]
    assert isinstance(docs[0].ents[0]._.score, float)


def test_weights_on_the_gpu_are_saved_and_opened_on_the_cpu(make_nlp, random_checkpoint, probs_on_cpu, tmp_path):
    nlp = make_nlp(random_checkpoint, model={"device": "cuda:0"})
    nlp("Jack")
    nlp.to_disk(tmp_path)
    loaded = spacy.load(tmp_path, config={"components.xlmr_ner.model.device": "cpu"})
    probs = loaded.get_pipe("xlmr_ner").token_probs([loaded.make_doc(text) for text in TEXTS])
    for saved, on_cpu in zip(probs, probs_on_cpu):
        np.testing.assert_allclose(saved, on_cpu, atol=1e-6)
    assert pickle.loads(pickle.dumps(nlp.get_pipe("xlmr_ner"))).labels == ("PER", "ORG", "LOC")


def test_a_gpu_that_is_not_there_is_an_error(make_nlp, random_checkpoint):
    nlp = make_nlp(random_checkpoint, model={"device": "cuda:99"})
    with pytest.raises(ValueError, match="XN108"):
        nlp("Jack")
