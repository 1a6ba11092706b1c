"""The runtime for GPUs, run on the CPU: all of it but pinned memory, events and what is asked of the card."""

import numpy as np
import pytest
import torch
from transformers import (
    AutoModelForTokenClassification,
    BertConfig,
    BertForTokenClassification,
    DebertaV2Config,
    DebertaV2ForTokenClassification,
    DistilBertConfig,
    DistilBertForTokenClassification,
)

from spacy_xlmr_ner.pieces.batching import plan_batches
from spacy_xlmr_ner.runtimes import cuda
from spacy_xlmr_ner.runtimes.cuda import CudaRuntime, find_budget, find_mask_form, for_each_piece
from spacy_xlmr_ner.runtimes.torch import TorchRuntime

WINDOWS = [[0, 5, 6, 7, 2], [0, 8, 2], [0, 9, 10, 11, 12, 13, 14, 2]]
CPU = torch.device("cpu")


@pytest.fixture
def network(random_checkpoint):
    return AutoModelForTokenClassification.from_pretrained(random_checkpoint).eval()


def pad(windows):
    width = max(map(len, windows))
    ids = np.array([[*row, *[1] * (width - len(row))] for row in windows], dtype=np.int64)
    mask = np.array([[True] * len(row) + [False] * (width - len(row)) for row in windows])
    return ids, mask


@pytest.mark.parametrize("windows", [WINDOWS, [WINDOWS[0]] * 3, [[0, 8, 2]]])
def test_cuda_runtime_gives_what_the_plain_one_gives(network, windows):
    ids, mask = pad(windows)
    expected = TorchRuntime(network, precision="float32", device="cpu")(ids, mask)
    found = CudaRuntime(network, precision="float32", device="cpu")(ids, mask)
    assert (found.shape, found.dtype) == (expected.shape, np.float32)
    np.testing.assert_allclose(found[mask], expected[mask], atol=1e-5)


def test_cuda_runtime_has_batches_cut_where_padding_is_least(network):
    # By the cost of a batch on a CPU three windows of one to three pieces would be one batch, with three padded.
    own = CudaRuntime(network, precision="float32", device="cpu").overhead
    for overhead, n_batches in ((64, 1), (own, 3)):
        assert len(plan_batches(np.arange(1, 4), max_batch_pieces=99, small_batch=1, overhead=overhead)) == n_batches


def test_launch_gives_the_rows_that_are_read_in_order(network):
    ids, mask = pad(WINDOWS)
    is_read = np.zeros_like(mask)
    is_read[[0, 0, 2, 2, 1], [1, 3, 1, 6, 1]] = True
    expected = TorchRuntime(network, precision="float32", device="cpu")(ids, mask)
    found = CudaRuntime(network, precision="float32", device="cpu").launch(ids, mask, is_read)()
    np.testing.assert_allclose(found, expected[[0, 0, 1, 2, 2], [1, 3, 1, 1, 6]], atol=1e-5)


def test_launch_sends_a_batch_in_one_copy(network, monkeypatch):
    runtime = CudaRuntime(network, precision="float32", device="cpu")
    sent = []
    send = CudaRuntime._send
    monkeypatch.setattr(CudaRuntime, "_send", lambda self, numbers: sent.append(send(self, numbers)) or sent[-1])
    ids, mask = pad(WINDOWS)
    is_read = mask & (ids == 2)
    runtime.launch(ids, mask, is_read)
    (numbers,) = sent
    assert numbers.dtype == torch.int32
    assert numbers.tolist() == [*ids.reshape(-1).tolist(), 5, 3, 8, 4, 10, 23]  # ids, lengths, rows


class SmallMemory(torch.nn.Module):
    """A network on a card whose memory holds so many pieces."""

    def __init__(self, network, *, n_pieces):
        super().__init__()
        self.network, self.n_pieces, self.config = network, n_pieces, network.config
        self.sizes = []

    def forward(self, input_ids, **kwargs):
        self.sizes.append(input_ids.numel())
        if input_ids.numel() > self.n_pieces:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return self.network(input_ids=input_ids, **kwargs)


def test_launch_loses_nothing_where_the_memory_is_too_small(network):
    ids, mask = pad(WINDOWS * 5)
    expected = TorchRuntime(network, precision="float32", device="cpu")(ids, mask)
    runtime = CudaRuntime(SmallMemory(network, n_pieces=30), precision="float32", device="cpu")
    runtime.network.sizes.clear()
    with pytest.warns(UserWarning, match="XW408"):
        wait = runtime.launch(ids, mask, mask)
    # 120 fails: at most 60, so 7 windows and 8; 56 fails: at most 28, so 3 and twice 2 windows, and four times 2.
    assert runtime.network.sizes == [120, 56, 24, 16, 16, 16, 16, 16, 16]
    np.testing.assert_allclose(wait(), expected[mask], atol=1e-5)


def test_launch_says_when_one_window_does_not_fit_the_memory(network):
    runtime = CudaRuntime(SmallMemory(network, n_pieces=20), precision="float32", device="cpu")
    ids, mask = pad([[0, *[5] * 20, 2]])
    with pytest.raises(MemoryError, match=r"XN129.*one window of 22 pieces"):
        runtime.launch(ids, mask, mask)


def _launch_in_worker(runtime):
    try:
        runtime.launch(*pad(WINDOWS), pad(WINDOWS)[1])
    except RuntimeError as err:
        return str(err)


def test_forked_worker_is_told_to_be_spawned(network, run_forked):
    message = run_forked(_launch_in_worker, CudaRuntime(network, precision="float32", device="cpu"))
    assert "XN130" in message
    assert "set_start_method('spawn')" in message


@pytest.mark.parametrize(
    "free, shape, expected",
    [
        # 2 bytes x (8 x 10 + 2 x 20 + 8) = 256 a piece; half of 1 MiB holds 2,048
        (2**20, {"hidden": 10, "inner": 20, "window": 8, "itemsize": 2}, 2048),
        # 4 bytes x (8 x 10 + 2 x 20 + 8) = 512
        (2**20, {"hidden": 10, "inner": 20, "window": 8, "itemsize": 4}, 1024),
        # XLM-R large in float32: 4 x (8,192 + 8,192 + 514) = 67,592 a piece; half of 4 GiB holds 31,771
        (4 * 2**30, {"hidden": 1024, "inner": 4096, "window": 514, "itemsize": 4}, 31771),
        (80 * 2**30, {"hidden": 768, "inner": 3072, "window": 514, "itemsize": 2}, cuda.MOST_PIECES),
        (0, {"hidden": 768, "inner": 3072, "window": 514, "itemsize": 2}, 514),
    ],
)
def test_budget_follows_memory_and_shape(free, shape, expected):
    assert find_budget(free, **shape) == expected


SMALL = {"vocab_size": 40, "num_labels": 3, "num_attention_heads": 2, "hidden_size": 32, "num_hidden_layers": 1}


@pytest.mark.parametrize(
    "cls, config",
    [
        (BertForTokenClassification, BertConfig(intermediate_size=64, **SMALL)),
        (DebertaV2ForTokenClassification, DebertaV2Config(intermediate_size=64, **SMALL)),
        (
            DistilBertForTokenClassification,
            DistilBertConfig(vocab_size=40, num_labels=3, n_heads=2, dim=32, hidden_dim=64, n_layers=1),
        ),
    ],
)
def test_other_architectures_are_masked_as_they_take_it(cls, config):
    torch.manual_seed(0)
    network = cls(config).eval()
    ids, mask = pad(WINDOWS)
    expected = TorchRuntime(network, precision="float32", device="cpu")(ids, mask)
    found = CudaRuntime(network, precision="float32", device="cpu")(ids, mask)
    np.testing.assert_allclose(found[mask], expected[mask], atol=1e-4)


def test_mask_of_xlm_roberta_is_never_looked_at(network, monkeypatch):
    # What transformers does with the usual mask: on a GPU `all` would wait for what is computed before.
    runtime = CudaRuntime(network, precision="float32", device="cpu")
    looked = []
    monkeypatch.setattr(torch, "all", lambda *args, **kwargs: looked.append("torch.all") or torch.tensor(False))
    monkeypatch.setattr(torch.Tensor, "all", lambda *args, **kwargs: looked.append("all") or torch.tensor(False))
    monkeypatch.setattr(torch.Tensor, "item", lambda *args: looked.append("item"))
    runtime.launch(*pad(WINDOWS), pad(WINDOWS)[1])
    assert looked == []


class Picky(torch.nn.Module):
    """A network that refuses every mask but the usual one, or takes it and does something else."""

    def __init__(self, network, *, is_silent):
        super().__init__()
        self.network, self.config, self.is_silent = network, network.config, is_silent

    def forward(self, input_ids, attention_mask):
        if attention_mask.dim() != 2:
            if not self.is_silent:
                raise ValueError("Wrong shape for attention_mask")
            attention_mask = torch.ones_like(input_ids)
        return self.network(input_ids=input_ids, attention_mask=attention_mask)


@pytest.mark.parametrize("is_silent", [True, False])
def test_network_that_takes_no_other_mask_gets_the_usual_one(network, is_silent):
    with torch.inference_mode():
        assert find_mask_form(Picky(network, is_silent=is_silent), CPU, torch.float32) is for_each_piece
