import copy
import pickle
from pathlib import Path

import numpy as np
import pytest
import spacy
import torch
from everyday import EVERYDAY
from toys import write_pretrained

import spacy_xlmr_ner
from spacy_xlmr_ner.checkpoint import read_checkpoint
from spacy_xlmr_ner.runtimes import int8
from spacy_xlmr_ner.runtimes.onednn import QuantizedLinear, RoundedLinear
from spacy_xlmr_ner.runtimes.onednn_engine import OnednnEngine
from spacy_xlmr_ner.runtimes.torch import TorchRuntime

pytestmark = pytest.mark.skipif(not torch.backends.mkldnn.is_available(), reason="this PyTorch has no oneDNN")

ONEDNN = {"runtime": "onednn", "precision": "int8"}
TEXT = "Jack Sparrow loves New York and Anna lives in Berlin"


def get_ents(nlp, text=TEXT):
    return [(ent.text, ent.label_) for ent in nlp(text).ents]


def count_layers(runtime):
    """How many products are in int8, and how many are not."""
    kinds = [type(module) for module in runtime.network.modules()]
    return sum(issubclass(kind, QuantizedLinear) for kind in kinds), kinds.count(RoundedLinear)


@pytest.fixture
def empty_int8(monkeypatch):
    """Products in int8 that give nothing."""

    class EmptyLinear(QuantizedLinear):
        def forward(self, values):
            return torch.zeros_like(super().forward(values))

    monkeypatch.setattr(int8, "QuantizedLinear", EmptyLinear)


@pytest.mark.filterwarnings("ignore:.*XW40[56]")
def test_int8_gives_the_entities_of_float32(random_checkpoint, make_nlp):
    assert get_ents(make_nlp(random_checkpoint, model=ONEDNN)) == get_ents(make_nlp(random_checkpoint)) != []


def test_bundled_model_is_right_without_a_warning(make_nlp, recwarn):
    nlp = make_nlp(None, model=ONEDNN)
    assert get_ents(nlp) == get_ents(make_nlp(None))
    assert not [str(warning.message) for warning in recwarn]


def test_matrices_of_the_bundled_model_are_mostly_int8():
    checkpoint = read_checkpoint(Path(spacy_xlmr_ner.__file__).parent / "bundled")
    n_layers = checkpoint.network.config.num_hidden_layers
    n_int8, n_others = count_layers(OnednnEngine("int8").make_runtime(checkpoint))
    assert n_int8 + n_others == 5 * n_layers
    assert n_int8 >= 2 * n_layers  # all that is wide


@pytest.mark.filterwarnings("ignore:.*XW406")
def test_layers_are_left_out_until_int8_is_right(random_checkpoint, empty_int8):
    checkpoint = read_checkpoint(random_checkpoint)
    runtime = OnednnEngine("int8").make_runtime(checkpoint)
    assert count_layers(runtime) == (0, 10)  # of two layers, each with five products
    ids = np.arange(5, 25)[None]
    expected = TorchRuntime(checkpoint.network, precision="float32", device="cpu")(ids, ids > 0)
    np.testing.assert_allclose(runtime(ids, ids > 0), expected, atol=0.05 * np.abs(expected).max())


def test_int8_that_is_off_is_warned_of(random_checkpoint, make_nlp, empty_int8, monkeypatch):
    monkeypatch.setattr("spacy_xlmr_ner.runtimes.onednn_engine.LEFT_OUT", ((), ("attention.self",)))
    with pytest.warns(UserWarning, match=r"XW405.*\d\d\.\d% of the words"):
        make_nlp(random_checkpoint, model=ONEDNN)(TEXT)


def test_int8_that_cannot_be_judged_is_warned_of(chosen_checkpoint, make_nlp):
    nlp = make_nlp(chosen_checkpoint, model=ONEDNN)  # it knows few words of the sample
    with pytest.warns(UserWarning, match=r"XW406.*\d words are in entities"):
        nlp(TEXT)


def test_network_of_another_shape_runs_in_float32_with_a_warning(random_checkpoint):
    checkpoint = read_checkpoint(random_checkpoint)
    checkpoint.network.config.hidden_act = "relu"
    with pytest.warns(UserWarning, match=r"XW403.*oneDNN's int8.*hidden_act.*runs in PyTorch, in float32"):
        runtime = OnednnEngine("int8").make_runtime(checkpoint)
    assert type(runtime) is TorchRuntime


def test_pytorch_without_the_operators_runs_in_float32_with_a_warning(random_checkpoint, make_nlp, monkeypatch):
    def lack(self, *layers, dtype):
        raise AttributeError("no operator of this name")

    monkeypatch.setattr(QuantizedLinear, "__init__", lack)
    nlp = make_nlp(random_checkpoint, model=ONEDNN)
    with pytest.warns(UserWarning, match=r"XW403.*no operator of this name"):
        found = get_ents(nlp)
    assert found == get_ents(make_nlp(random_checkpoint))


@pytest.mark.filterwarnings("ignore:.*XW40[56]")
def test_weights_of_the_checkpoint_are_left_as_they_are(random_checkpoint):
    checkpoint = read_checkpoint(random_checkpoint)
    before = {name: weight.clone() for name, weight in checkpoint.network.state_dict().items()}
    OnednnEngine("int8").make_runtime(checkpoint)
    for name, weight in checkpoint.network.state_dict().items():
        torch.testing.assert_close(weight, before[name], rtol=0, atol=0)


@pytest.mark.filterwarnings("ignore:.*XW40[56]")
def test_saved_pipeline_is_read_on_any_runtime(random_checkpoint, make_nlp, tmp_path):
    nlp = make_nlp(random_checkpoint, model=ONEDNN)
    expected = get_ents(nlp)
    nlp.to_disk(tmp_path)
    assert get_ents(spacy.load(tmp_path)) == expected
    on_torch = {"components.xlmr_ner.model.runtime": "torch", "components.xlmr_ner.model.precision": "float32"}
    assert get_ents(spacy.load(tmp_path, config=on_torch)) == get_ents(make_nlp(random_checkpoint))


@pytest.mark.filterwarnings("ignore:.*XW40[56]")
@pytest.mark.parametrize("way", [copy.deepcopy, lambda nlp: pickle.loads(pickle.dumps(nlp))], ids=["copy", "pickle"])
def test_copy_says_the_same(way, random_checkpoint, make_nlp):
    nlp = make_nlp(random_checkpoint, model=ONEDNN)
    expected = get_ents(nlp)
    assert get_ents(way(nlp)) == expected


@pytest.mark.filterwarnings("ignore:.*XW40[56]")
def test_two_processes_say_the_same(random_checkpoint, make_nlp):
    nlp = make_nlp(random_checkpoint, model=ONEDNN)
    texts = [TEXT, "Anna lives in Berlin", "Jack"] * 3
    expected = [get_ents(nlp, text) for text in texts]
    found = nlp.pipe(texts, n_process=2, batch_size=2)
    assert [[(ent.text, ent.label_) for ent in doc.ents] for doc in found] == expected


def test_probabilities_change_little_with_the_texts_beside(make_nlp):
    """All values of a batch are rounded to numbers of one step. The tolerance of docs/speed.md, for the small model."""
    ner = make_nlp(None, model=ONEDNN).get_pipe("xlmr_ner")
    docs = [sentence.make_doc(ner.vocab) for sentence in EVERYDAY]
    alone = [ner.token_probs([doc])[0] for doc in docs]
    together = ner.token_probs(docs)
    assert max(np.abs(a - b).max() for a, b in zip(alone, together)) < 0.05


def test_untrained_head_is_refused(tmp_path, make_nlp):
    nlp = make_nlp(write_pretrained(tmp_path / "pretrained"), model=ONEDNN)
    with pytest.raises(ValueError, match=r"XN40[45]"):
        nlp(TEXT)
