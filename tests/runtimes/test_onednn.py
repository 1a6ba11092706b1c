import copy

import pytest
import torch
from transformers import AlbertConfig, AlbertForTokenClassification, AutoModelForTokenClassification

from spacy_xlmr_ner.runtimes import attention, onednn
from spacy_xlmr_ner.runtimes.onednn import PackedLinear, make_fast
from spacy_xlmr_ner.runtimes.row_selection import RowSelection, find_selection

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
    assert not [name for name, module in fast.named_modules() if isinstance(module, torch.nn.Linear)]
    torch.testing.assert_close(run(fast), expected, atol=tolerance, rtol=0)


def test_fast_network_leaves_the_network_as_it_is(network):
    before = copy.deepcopy(network.state_dict())
    make_fast(network)
    assert not [module for module in network.modules() if isinstance(module, PackedLinear)]
    torch.testing.assert_close(network.state_dict(), before, atol=0, rtol=0)


def test_fast_network_shares_what_is_not_in_linear_layers(network):
    fast = {id(weight) for weight in make_fast(network).parameters()}
    shared = {name for name, weight in network.named_parameters() if id(weight) in fast}
    linear = {name for name, module in network.named_modules() if isinstance(module, torch.nn.Linear)}
    assert shared == {name for name, _ in network.named_parameters()} - {f"{name}.weight" for name in linear}


def test_fast_network_attends_by_products_in_bfloat16(network):
    if not hasattr(network, "set_attn_implementation"):
        pytest.skip("this transformers lets nobody choose")
    assert make_fast(network).config._attn_implementation == "sdpa"
    half = copy.deepcopy(network).bfloat16()
    assert make_fast(half).config._attn_implementation == attention.NAME
    assert half.config._attn_implementation == "sdpa"
    # The square of so long a window would fill the memory; in one that slides some pieces do not see others.
    for name, value in (("max_position_embeddings", 8192), ("sliding_window", 4)):
        other = copy.deepcopy(half)
        setattr(other.config, name, value)
        assert make_fast(other).config._attn_implementation == "sdpa"
        assert find_selection(make_fast(other)) is not None


def test_fast_network_is_had_without_the_attention_that_fails(network, monkeypatch):
    def refuse(network):
        raise ValueError("no such attention")

    monkeypatch.setattr(onednn, "write_out", refuse)
    fast = make_fast(copy.deepcopy(network).bfloat16())
    assert isinstance(fast.classifier, PackedLinear)
    assert find_selection(fast) is not None


def test_network_stays_where_rows_are_mixed_up(network, monkeypatch):
    monkeypatch.setattr(RowSelection, "forward", lambda self, *values: self.output(*(part.flip(1) for part in values)))
    fast = make_fast(network)
    assert isinstance(fast.classifier, PackedLinear)
    assert find_selection(fast) is None


@torch.inference_mode()
@pytest.mark.parametrize(
    "form, hidden",
    [
        ("none", slice(0)),
        ("bool", slice(3, 5)),
        ("bool", slice(0, 2)),  # padded in front
        ("bool", slice(0)),  # none is padded
        ("added", slice(3, 5)),
    ],
)
def test_attention_written_out_is_pytorchs(form, hidden):
    parts = torch.randn(3, 2, 4, 5, 8, generator=torch.Generator().manual_seed(0))  # n_windows 2, n_heads 4, length 5
    mask = torch.ones(2, 1, 5, 5, dtype=torch.bool)
    mask[1, :, :, hidden] = False
    forms = {"none": None, "bool": mask, "added": torch.zeros(mask.shape).masked_fill(~mask, torch.finfo().min)}
    mask = forms[form]
    found, _ = attention.attend(None, *parts, mask, scaling=8**-0.5)
    expected = torch.nn.functional.scaled_dot_product_attention(*parts, attn_mask=mask)
    torch.testing.assert_close(found, expected.transpose(1, 2), atol=1e-5, rtol=0)


@torch.inference_mode()
@pytest.mark.parametrize("dtype, tolerance", [(torch.float32, 1e-5), (torch.bfloat16, 0.15)])
def test_fast_network_gives_the_rows_that_are_chosen(network, dtype, tolerance):
    expected = run(network)  # eight pieces: five of the first window, three of the second
    fast = make_fast(copy.deepcopy(network).to(dtype))
    ids = torch.tensor([[0, 5, 6, 7, 2], [0, 8, 2, 1, 1]])
    with find_selection(fast).choose(torch.tensor([1, 4, 6])):
        found = fast(input_ids=ids, attention_mask=(ids != 1).long()).logits
    torch.testing.assert_close(found[0].float(), expected[[1, 4, 6]], atol=tolerance, rtol=0)
    torch.testing.assert_close(run(fast), expected, atol=tolerance, rtol=0)


def test_network_of_another_form_is_fast_without_choosing_rows():
    sizes = {"vocab_size": 10, "embedding_size": 4, "hidden_size": 4, "num_attention_heads": 1, "intermediate_size": 4}
    network = AlbertForTokenClassification(AlbertConfig(**sizes)).eval()
    fast = make_fast(network)
    assert [module for module in fast.modules() if isinstance(module, PackedLinear)]
    assert find_selection(fast) is None


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
    def refuse(layer):
        raise error("no such operator")

    monkeypatch.setattr(onednn, "PackedLinear", refuse)
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
