import copy
import gc
import os
import platform
import subprocess
import sys
import weakref
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from transformers import (
    AutoModelForTokenClassification,
    BertConfig,
    BertForTokenClassification,
    ElectraConfig,
    ElectraForTokenClassification,
)

from spacy_xlmr_ner.runtimes import torch as runtimes
from spacy_xlmr_ner.runtimes.cpu_encoder import CpuEncoder
from spacy_xlmr_ner.runtimes.torch import TorchRuntime, check_precision, find_device, pick_gpu
from spacy_xlmr_ner.runtimes.torch_engine import TorchEngine

WINDOWS = [[0, 5, 6, 7, 2], [0, 8, 2], [0, 9, 10, 11, 12, 13, 14, 2]]


@pytest.fixture
def network(random_checkpoint):
    return AutoModelForTokenClassification.from_pretrained(random_checkpoint)  # with dropout, if left in training mode


def pad(windows, *, width):
    ids = np.array([[*row, *[1] * (width - len(row))] for row in windows], dtype=np.int64)
    mask = np.array([[True] * len(row) + [False] * (width - len(row)) for row in windows])
    return ids, mask


@pytest.mark.skipif("PYTEST_XDIST_WORKER" not in os.environ, reason="a process alone has all processors")
def test_worker_of_the_suite_keeps_to_its_threads():
    # With two each, two of them take several times as long.
    assert torch.get_num_threads() == int(os.environ["OMP_NUM_THREADS"])


@pytest.mark.parametrize("width", [8, 30])
def test_torch_runtime_gives_each_window_what_it_gets_alone(network, width):
    ids, mask = pad(WINDOWS, width=width)
    logits = TorchRuntime(network.train(), precision="float32", device="cpu")(ids, mask)
    assert (logits.shape, logits.dtype) == ((3, width, 7), np.float32)
    with torch.no_grad():
        alone = [network.eval()(torch.tensor([row])).logits[0].numpy() for row in WINDOWS]
    np.testing.assert_allclose(logits[mask], np.concatenate(alone), atol=1e-5)


@pytest.mark.filterwarnings("ignore:.*XW408")
def test_torch_runtime_reads_what_it_is_asked_for_in_halves_too(network):
    ids, mask = pad(WINDOWS * 4, width=8)
    is_read = mask & (np.random.default_rng(0).random(mask.shape) < 0.5)
    expected = TorchRuntime(network, precision="float32", device="cpu")(ids, mask)[is_read]
    runtime = TorchRuntime(network, precision="float32", device="cpu")
    sizes = []

    def limit(module, args, kwargs):
        sizes.append(kwargs["input_ids"].numel())
        if sizes[-1] > 30:
            raise OUT_OF_MEMORY[0]

    runtime.network.register_forward_pre_hook(limit, with_kwargs=True)
    np.testing.assert_allclose(runtime.read(ids, mask, is_read), expected, atol=1e-5)
    assert sizes == [96, 48, 24, 24, 24, 24]


@pytest.mark.parametrize("is_fast", [True, False])
def test_torch_runtime_reads_the_logits_that_are_asked_for(network, is_fast, monkeypatch):
    if not is_fast:
        monkeypatch.setattr(runtimes, "make_fast", lambda network: network)
    ids, mask = pad(WINDOWS, width=8)
    runtime = TorchRuntime(network, precision="float32", device="cpu")
    assert isinstance(runtime.network, CpuEncoder) is is_fast
    expected = runtime(ids, mask)
    for seed in range(3):
        is_read = mask & (np.random.default_rng(seed).random(mask.shape) < 0.5)
        np.testing.assert_allclose(runtime.read(ids, mask, is_read), expected[is_read], atol=1e-5)
    assert runtime.read(ids, mask, np.zeros_like(mask)).shape == (0, 7)
    np.testing.assert_allclose(runtime(ids, mask), expected, atol=1e-5)


@pytest.mark.parametrize("n_read", [512, 513, 576, 600])
def test_torch_runtime_reads_many_rows_in_steps(network, n_read):
    ids, mask = pad(WINDOWS * 100, width=8)
    runtime = TorchRuntime(network, precision="float32", device="cpu")
    is_read = np.zeros_like(mask)
    is_read[tuple(np.argwhere(mask)[:n_read].T)] = True
    n_rows = []
    runtime.network._head.register_forward_hook(lambda module, args, output: n_rows.append(args[0].shape[0]))
    found = runtime.read(ids, mask, is_read)
    assert n_rows == [{512: 512, 513: 576, 576: 576, 600: 640}[n_read]]
    np.testing.assert_allclose(found, runtime(ids, mask)[is_read], atol=1e-5)


def test_torch_runtime_reads_what_each_thread_asks_for(network):
    ids, mask = pad(WINDOWS, width=8)
    runtime = TorchRuntime(network, precision="float32", device="cpu")
    expected = runtime(ids, mask)
    reads = [mask & (np.random.default_rng(seed).random(mask.shape) < 0.5) for seed in range(40)]
    with ThreadPoolExecutor(4) as pool:
        for is_read, found in zip(reads, pool.map(lambda is_read: runtime.read(ids, mask, is_read), reads)):
            np.testing.assert_allclose(found, expected[is_read], atol=1e-5)


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_torch_runtime_leaves_the_network_its_precision(network, precision):
    runtime = TorchRuntime(network, precision=precision, device="cpu")
    assert {weight.dtype for weight in runtime.network.parameters()} == {getattr(torch, precision)}
    assert {weight.dtype for weight in network.parameters()} == {torch.float32}
    assert runtime(*pad(WINDOWS, width=8)).dtype == np.float32


def test_torch_runtime_takes_no_second_copy_of_embeddings_that_fit(network):
    runtime = TorchRuntime(network, precision="float32", device="cpu")
    assert any(weight is network.get_input_embeddings().weight for weight in runtime.network.parameters())


@pytest.mark.parametrize("is_fast", [True, False])
@pytest.mark.parametrize("own, precision", [("float32", "bfloat16"), ("float16", "float32"), ("bfloat16", "float32")])
def test_torch_runtime_looks_up_in_the_network_s_own_table(own, precision, is_fast, network, monkeypatch):
    """With what a network gives that was converted whole."""
    if not is_fast:
        monkeypatch.setattr(runtimes, "make_fast", lambda network: network)
    network.to(getattr(torch, own))
    runtime = TorchRuntime(network, precision=precision, device="cpu")
    assert isinstance(runtime.network, CpuEncoder) == is_fast
    assert all(len(weight) != network.config.vocab_size for weight in runtime.network.parameters())
    whole = TorchRuntime(copy.deepcopy(network).to(getattr(torch, precision)), precision=precision, device="cpu")
    ids, mask = pad(WINDOWS, width=8)
    assert runtime(ids, mask)[mask].tolist() == whole(ids, mask)[mask].tolist()


@pytest.mark.parametrize(
    "cls, config", [(ElectraForTokenClassification, ElectraConfig), (BertForTokenClassification, BertConfig)]
)
@pytest.mark.parametrize("is_fast", [True, False])
def test_networks_that_make_masks_of_their_own_dtype_run_in_another(cls, config, is_fast, monkeypatch):
    if not is_fast:
        monkeypatch.setattr(runtimes, "make_fast", lambda network: network)
    torch.manual_seed(0)
    sizes = {"num_hidden_layers": 1, "num_attention_heads": 2, "hidden_size": 32, "intermediate_size": 64}
    network = cls(config(vocab_size=40, num_labels=7, attn_implementation="eager", **sizes)).eval()
    ids, mask = pad(WINDOWS, width=8)
    expected = TorchRuntime(network, precision="float32", device="cpu")(ids, mask)
    found = TorchRuntime(network, precision="bfloat16", device="cpu")(ids, mask)
    np.testing.assert_allclose(found[mask], expected[mask], atol=0.05)


def test_table_that_two_modules_have_is_converted(network):
    network.register_module("other", torch.nn.Embedding(1, 1))
    network.other.weight = network.get_input_embeddings().weight
    runtime = TorchRuntime(network, precision="bfloat16", device="cpu")
    assert {weight.dtype for weight in runtime.network.parameters()} == {torch.bfloat16}


def test_torch_runtime_is_freed_when_nobody_has_it(network):
    """Not at some later collection: each evaluation while training makes one."""
    runtime = TorchRuntime(network, precision="bfloat16", device="cpu")
    last = weakref.ref(runtime)
    gc.disable()
    try:
        del runtime
        assert last() is None
    finally:
        gc.enable()


FETCHED = """
import resource, torch
from spacy_xlmr_ner.runtimes.torch import keep_freed_memory
{call}
for size in (16, 20, 24):  # MiB: larger than what was freed before is taken from the system, unless it is led to more
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    part = torch.ones(size * 2**18)
    del part
print((resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before) * resource.getpagesize())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries are not led")
@pytest.mark.parametrize("call, is_kept", [("", False), ("keep_freed_memory()", True)], ids=["not led", "led"])
def test_freed_memory_is_kept(call, is_kept):
    """In most programs: where the system puts the memory, which is chance, can lead the library back."""
    program = [sys.executable, "-W", "ignore", "-c", FETCHED.format(call=call)]
    outputs = (subprocess.run(program, check=True, capture_output=True, text=True).stdout for _ in range(5))
    assert any(int(n_bytes) < 5 * 2**20 for n_bytes in outputs) is is_kept  # at most what 24 MiB have over 20


def test_torch_runtime_counts_what_each_piece_is_multiplied_with(network):
    weights = network.named_parameters()
    n_weights = sum(weight.numel() for name, weight in weights if not name.endswith("_embeddings.weight"))
    overhead = TorchRuntime(network, precision="float32", device="cpu").overhead
    assert overhead == 16 + int(6e8 / (2 * n_weights))


def test_torch_runtime_gives_the_same_in_every_thread(network):
    runtime = TorchRuntime(network, precision="float32", device="cpu")
    ids, mask = pad(WINDOWS, width=8)
    expected = runtime(ids, mask)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: runtime(ids, mask), range(64)))
    np.testing.assert_allclose(found, np.broadcast_to(expected, (64, *expected.shape)), atol=1e-5)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
@pytest.mark.parametrize("precision, tolerance", [("float32", 1e-3), ("float16", 0.1), ("bfloat16", 0.5)])
def test_torch_runtime_gives_on_a_gpu_what_it_gives_on_the_cpu(network, precision, tolerance):
    ids, mask = pad(WINDOWS, width=8)
    expected = TorchRuntime(network, precision="float32", device="cpu")(ids, mask)[mask]
    found = TorchRuntime(network, precision=precision, device="cuda:0")(ids, mask)[mask]
    np.testing.assert_allclose(found, expected, atol=tolerance)


def _run_in_worker(runtime):
    logits = runtime(*pad(WINDOWS, width=8))
    return torch.get_num_threads(), logits


def test_torch_runtime_drops_to_one_thread_in_a_forked_worker(network, run_forked):
    runtime = TorchRuntime(network, precision="float32", device="cpu")
    expected = runtime(*pad(WINDOWS, width=8))
    worker_threads, logits = run_forked(_run_in_worker, runtime)
    assert worker_threads == 1
    np.testing.assert_allclose(logits, expected, atol=1e-5)
    assert torch.get_num_threads() == 2


class SmallMemory(torch.nn.Module):
    """A network on a machine whose memory holds so many pieces."""

    def __init__(self, network, *, n_pieces, error):
        super().__init__()
        self.network, self.n_pieces, self.error = network, n_pieces, error
        self.sizes = []

    @property
    def base_model(self):
        return self.network.base_model

    def get_input_embeddings(self):
        return self.network.get_input_embeddings()

    def forward(self, input_ids, **kwargs):
        self.sizes.append(input_ids.numel())
        if input_ids.numel() > self.n_pieces:
            raise self.error
        return self.network(input_ids=input_ids, **kwargs)


OUT_OF_MEMORY = [
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
    RuntimeError("[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory"),
    RuntimeError("MPS backend out of memory (MPS allocated: 8.00 GB)"),
]


@pytest.mark.filterwarnings("ignore:.*XW408")
@pytest.mark.parametrize("error", OUT_OF_MEMORY)
def test_torch_runtime_halves_batches_that_do_not_fit_the_memory(error, network):
    ids, mask = pad(WINDOWS * 4, width=8)
    expected = TorchRuntime(network, precision="float32", device="cpu")(ids, mask)
    small = SmallMemory(network, n_pieces=30, error=error)
    runtime = TorchRuntime(small, precision="float32", device="cpu")
    sizes = runtime.network.sizes
    sizes.clear()
    with pytest.warns(UserWarning, match=r"XW408.*at most 24 pieces"):
        found = runtime(ids, mask)
    np.testing.assert_allclose(found[mask], expected[mask], atol=1e-5)
    assert sizes == [96, 48, 24, 24, 24, 24]
    sizes.clear()
    runtime(ids, mask)
    assert sizes == [24, 24, 24, 24]  # what it has learned of the memory lasts


@pytest.mark.filterwarnings("ignore:.*XW408")
@pytest.mark.parametrize("error", OUT_OF_MEMORY)
def test_torch_runtime_says_when_one_window_does_not_fit_the_memory(error, network):
    runtime = TorchRuntime(SmallMemory(network, n_pieces=5, error=error), precision="float32", device="cpu")
    with pytest.raises(MemoryError, match=r"XN129.*one window of 8 pieces"):
        runtime(*pad(WINDOWS, width=8))


def test_torch_runtime_does_not_hide_other_errors(network):
    runtime = TorchRuntime(
        SmallMemory(network, n_pieces=5, error=RuntimeError("shapes do not match")), precision="float32", device="cpu"
    )
    with pytest.raises(RuntimeError, match="shapes do not match"):
        runtime(*pad(WINDOWS, width=8))


@pytest.mark.parametrize("device", ["cuda:99", "mps:99", "xyz", ""])
def test_find_device_refuses_what_is_not_there(device):
    with pytest.raises(ValueError, match=r"XN108.*\[components"):
        find_device(device)


def test_find_device_says_what_to_do_in_a_forked_worker(monkeypatch):
    def refuse(*args, **kwargs):
        raise RuntimeError("Cannot re-initialize CUDA in forked subprocess. To use CUDA with multiprocessing, ...")

    monkeypatch.setattr(torch, "empty", refuse)
    with pytest.raises(ValueError, match=r"XN130.*'cuda'.*spawn"):
        find_device("cuda")


@pytest.mark.parametrize(
    "workers, n_gpus, expected",
    [((), 4, 0), ((1,), 4, 0), ((2,), 4, 1), ((4,), 4, 3), ((5,), 4, 0), ((3,), 1, 0), ((1, 2), 2, 1)],
)
def test_each_worker_has_the_next_gpu(workers, n_gpus, expected):
    assert pick_gpu(workers, n_gpus) == expected


def test_find_device_follows_spacy_by_default(monkeypatch):
    monkeypatch.setattr(runtimes, "get_torch_default_device", lambda: torch.device("meta"))
    assert find_device(None) == torch.device("meta")


def test_check_precision_refuses_float16_where_the_cpu_emulates_it(monkeypatch):
    monkeypatch.setattr(torch.ops.mkldnn, "_is_mkldnn_fp16_supported", lambda: False)
    with pytest.raises(ValueError, match=r"XN109.*float16.*cpu"):
        check_precision("float16", torch.device("cpu"))


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_check_precision_takes_what_every_cpu_has(precision):
    check_precision(precision, torch.device("cpu"))


def test_check_precision_refuses_what_the_device_cannot_compute(monkeypatch):
    def fail(*args):
        raise RuntimeError('"addmm" not implemented')

    monkeypatch.setattr(torch.nn.functional, "linear", fail)
    with pytest.raises(ValueError, match=r"XN109.*addmm"):
        check_precision("bfloat16", torch.device("cpu"))


def test_torch_engine_checks_the_device_first():
    with pytest.raises(ValueError, match="XN108"):
        TorchEngine(precision="float16", device="cuda:99").prepare()
