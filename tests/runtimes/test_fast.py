import copy

import pytest
import torch
from transformers import AlbertConfig, AlbertForTokenClassification, AutoModelForTokenClassification

from spacy_xlmr_ner.runtimes import cpu_encoder
from spacy_xlmr_ner.runtimes import fast as making
from spacy_xlmr_ner.runtimes.cpu_encoder import CpuEncoder
from spacy_xlmr_ner.runtimes.fast import make_fast
from spacy_xlmr_ner.runtimes.onednn import PackedLinear

pytestmark = pytest.mark.skipif(not torch.backends.mkldnn.is_available(), reason="this PyTorch has no oneDNN")


@pytest.fixture
def network(random_checkpoint):
    return AutoModelForTokenClassification.from_pretrained(random_checkpoint).eval()


@torch.inference_mode()
def run(network):
    ids = torch.tensor([[0, 5, 6, 7, 2], [0, 8, 2, 1, 1]])
    return network(input_ids=ids, attention_mask=(ids != 1).long()).logits[ids != 1].float()


@pytest.mark.parametrize("dtype, tolerance", [(torch.float32, 1e-5), (torch.bfloat16, 0.15)])
def test_fast_network_gives_what_the_network_gives(network, dtype, tolerance):
    expected = run(network)
    fast = make_fast(copy.deepcopy(network).to(dtype))
    assert isinstance(fast, CpuEncoder)
    torch.testing.assert_close(run(fast), expected, atol=tolerance, rtol=0)


def test_fast_network_leaves_the_network_as_it_is(network):
    before = copy.deepcopy(network.state_dict())
    make_fast(network)
    assert not [module for module in network.modules() if isinstance(module, PackedLinear)]
    torch.testing.assert_close(network.state_dict(), before, atol=0, rtol=0)


def test_fast_network_shares_what_is_not_in_linear_layers(network):
    fast = {id(weight) for weight in make_fast(network).parameters()}
    weights = dict(network.named_parameters())
    shared = {name for name, weight in weights.items() if id(weight) in fast}
    assert {name for name in weights if "embedding" in name or "LayerNorm" in name} <= shared
    assert not {name for name in shared if name.endswith(("dense.weight", "query.weight", "classifier.weight"))}


def test_network_is_no_encoder_where_rows_are_mixed_up(network, monkeypatch):
    arrange = cpu_encoder._arrange

    def mix(*args):
        queries, places = arrange(*args)
        return queries, places[::-1].copy()

    monkeypatch.setattr(cpu_encoder, "_arrange", mix)
    fast = make_fast(network)
    assert isinstance(fast.classifier, PackedLinear)
    torch.testing.assert_close(run(fast), run(network), atol=1e-5, rtol=0)


def test_network_of_another_shape_has_fast_linear_layers():
    sizes = {"vocab_size": 20, "embedding_size": 4, "hidden_size": 4, "num_attention_heads": 1, "intermediate_size": 4}
    network = AlbertForTokenClassification(AlbertConfig(**sizes)).eval()
    fast = make_fast(network)
    assert not [name for name, module in fast.named_modules() if isinstance(module, torch.nn.Linear)]
    torch.testing.assert_close(run(fast), run(network), atol=1e-5, rtol=0)


class DoublingLinear(torch.nn.Linear):
    def forward(self, values):
        return 2 * super().forward(values)


def test_fast_network_keeps_linear_layers_with_arithmetic_of_their_own(network):
    network.classifier = DoublingLinear(network.config.hidden_size, 7)
    fast = make_fast(network)
    assert fast is not network
    assert isinstance(fast.classifier, DoublingLinear)
    torch.testing.assert_close(run(fast), run(network), atol=1e-5, rtol=0)


@pytest.mark.parametrize("error", [NotImplementedError, AttributeError, RuntimeError, TypeError, ValueError])
def test_network_stays_where_pytorch_lacks_the_operators(error, network, monkeypatch):
    def refuse(*layers):
        raise error("no such operator")

    monkeypatch.setattr(making, "PackedLinear", refuse)
    monkeypatch.setattr(cpu_encoder, "PackedLinear", refuse)
    assert make_fast(network) is network


def test_network_stays_where_the_operators_give_something_else(network, monkeypatch):
    monkeypatch.setattr(PackedLinear, "forward", lambda self, values: torch.ones(*values.shape[:-1], len(self.bias)))
    assert make_fast(network) is network


def test_network_stays_where_its_logits_are_no_numbers(network):
    with torch.no_grad():
        network.classifier.bias[0] = torch.nan
    assert make_fast(network) is network


def test_network_stays_in_a_precision_that_onednn_is_not_asked_for(network):
    half = copy.deepcopy(network).half()
    assert make_fast(half) is half
