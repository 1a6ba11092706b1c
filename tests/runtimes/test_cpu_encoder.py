import copy

import numpy as np
import pytest
import torch
from transformers import (
    BertConfig,
    BertForTokenClassification,
    ElectraConfig,
    ElectraForTokenClassification,
    RobertaConfig,
    RobertaForTokenClassification,
    XLMRobertaConfig,
    XLMRobertaForTokenClassification,
)

from spacy_xlmr_ner.runtimes import cpu_encoder
from spacy_xlmr_ner.runtimes.cpu_encoder import CpuEncoder, _arrange
from spacy_xlmr_ner.runtimes.onednn import PackedLinear

pytestmark = pytest.mark.skipif(not torch.backends.mkldnn.is_available(), reason="this PyTorch has no oneDNN")

SHAPE = {
    "vocab_size": 40,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 48,
    "max_position_embeddings": 40,
    "initializer_range": 0.5,  # that logits differ
}
FORMS = {
    "xlm-roberta": (XLMRobertaForTokenClassification, XLMRobertaConfig),
    "roberta": (RobertaForTokenClassification, RobertaConfig),
    "bert": (BertForTokenClassification, BertConfig),
    "electra": (ElectraForTokenClassification, lambda **kw: ElectraConfig(embedding_size=32, **kw)),
}


@pytest.fixture
def make_network():
    def make(form, *, pad_id=1, **settings):
        torch.manual_seed(0)
        cls, config = FORMS[form]
        return cls(config(**{**SHAPE, "pad_token_id": pad_id, "num_labels": 7, **settings})).eval()

    return make


def make_batch(*, pad_id=1):
    """Windows of 33, 32 and 3 pieces, one of which is the padding's by itself."""
    mask = torch.arange(33) < torch.tensor([[33], [32], [3]])
    ids = torch.randint(5, 40, mask.shape, generator=torch.Generator().manual_seed(0)).masked_fill(~mask, pad_id)
    ids[0, 4] = pad_id
    return ids, mask.long()


@torch.inference_mode()
@pytest.mark.parametrize("form, pad_id", [("xlm-roberta", 1), ("roberta", 1), ("bert", 0), ("electra", 0)])
def test_encoder_gives_the_logits_of_transformers(make_network, form, pad_id):
    network = make_network(form, pad_id=pad_id)
    ids, mask = make_batch(pad_id=pad_id)
    expected = network(input_ids=ids, attention_mask=mask).logits
    found = CpuEncoder(network)(input_ids=ids, attention_mask=mask).logits
    assert found.shape == (3, 33, 7)
    torch.testing.assert_close(found[mask > 0], expected[mask > 0], atol=1e-4, rtol=0)


@torch.inference_mode()
@pytest.mark.parametrize(
    "rows",
    [[0], [98], [0, 5, 40], list(range(33)), list(range(69)), [66, 67, 68]],
    ids=["first", "last of padding", "few", "one window", "all", "last window"],
)
def test_encoder_gives_the_logits_of_some_rows(make_network, rows):
    network = make_network("xlm-roberta")
    ids, mask = make_batch()
    expected = network(input_ids=ids, attention_mask=mask).logits.flatten(0, 1)[rows]
    found = CpuEncoder(network)(input_ids=ids, attention_mask=mask, rows=np.array(rows)).logits
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=0)


@torch.inference_mode()
@pytest.mark.parametrize(
    "n_windows, length, rows, n_rows, n_read",
    [(1, 7, [3], 16, {16}), (3, 33, [0, 40], 112, {16, 96}), (20, 33, range(660), 704, {704})],
    ids=["by 16", "of each window 32 may ask", "by 64"],
)
def test_products_have_numbers_of_rows_that_come_again(
    make_network, monkeypatch, n_windows, length, rows, n_rows, n_read
):
    found = []
    multiply = PackedLinear.forward
    monkeypatch.setattr(
        PackedLinear, "forward", lambda self, values: found.append(len(values)) or multiply(self, values)
    )
    ids = torch.randint(5, 40, (n_windows, length), generator=torch.Generator().manual_seed(0))
    CpuEncoder(make_network("xlm-roberta"))(input_ids=ids, attention_mask=torch.ones_like(ids), rows=np.array(rows))
    first, keys, last = found[:5], found[5], found[6:]  # keys and values of the last layer are of all pieces
    assert {*first, keys} == {n_rows}
    assert set(last) == n_read


@torch.inference_mode()
def test_rows_of_a_large_network_are_filled_up_less(make_network, monkeypatch):
    """513 rows of a small one are made 576, the next multiple of 64; here the next of 16 is 528."""
    monkeypatch.setattr(cpu_encoder, "MANY_WEIGHTS", 1)
    found = []
    multiply = PackedLinear.forward
    monkeypatch.setattr(
        PackedLinear, "forward", lambda self, values: found.append(len(values)) or multiply(self, values)
    )
    ids = torch.full((27, 19), 5)
    logits = CpuEncoder(make_network("xlm-roberta"))(input_ids=ids, attention_mask=torch.ones_like(ids)).logits
    assert set(found) == {528}
    assert logits.shape[:2] == (27, 19)


@torch.inference_mode()
def test_encoder_in_bfloat16_is_near(make_network):
    network = make_network("xlm-roberta", initializer_range=0.1)
    ids, mask = make_batch()
    expected = network(input_ids=ids, attention_mask=mask).logits[mask > 0]
    found = CpuEncoder(copy.deepcopy(network).bfloat16())(input_ids=ids, attention_mask=mask).logits[mask > 0]
    assert found.dtype == torch.bfloat16
    torch.testing.assert_close(found.float(), expected, atol=0.05 * float(expected.abs().max()), rtol=0)


@pytest.mark.parametrize(
    "settings, reason", [({"hidden_act": "relu"}, "hidden_act"), ({"is_decoder": True}, "decoder")]
)
def test_encoder_refuses_another_shape(make_network, settings, reason):
    with pytest.raises(ValueError, match=reason):
        CpuEncoder(make_network("bert", **settings))


def test_encoder_refuses_layers_with_arithmetic_of_their_own(make_network):
    class DoublingLinear(torch.nn.Linear):
        pass

    network = make_network("bert")
    network.classifier = DoublingLinear(32, 7)
    with pytest.raises(ValueError, match="DoublingLinear has arithmetic of its own"):
        CpuEncoder(network)


@pytest.mark.parametrize(
    "rows, n_windows, length, queries, places",
    [
        ([0, 2, 3], 2, 3, [[0, 2, 0], [3, 3, 3]], [0, 1, 3]),
        ([1], 2, 2, [[1, 0], [2, 2]], [0]),
        ([2, 70, 71], 3, 40, [[2] + [0] * 31, [70, 71] + [40] * 30, [80] * 32], [0, 32, 33]),
    ],
    ids=["all columns", "one", "a step of columns"],
)
def test_rows_are_arranged_by_window(rows, n_windows, length, queries, places):
    found, found_places = _arrange(np.array(rows), n_windows, length)
    assert (found.tolist(), found_places.tolist()) == (queries, places)
