import json
import multiprocessing
import pickle
import subprocess
import sys

import numpy as np
import pytest
import spacy
import torch
from thinc.api import get_current_ops, set_current_ops
from transformers import AutoModelForTokenClassification, XLMRobertaConfig, XLMRobertaForTokenClassification

from spacy_xlmr_ner.component import LEAST_AHEAD
from spacy_xlmr_ner.runtimes.cuda import CudaRuntime, add_to_scores, find_budget, for_each_query
from spacy_xlmr_ner.runtimes.torch import find_device

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


MANY = [f"{TEXTS[i % 4]} {'Jack Sparrow loves New York ' * (i % 5)}" for i in range(4 * LEAST_AHEAD)]


def get_ents(docs):
    return [[(ent.start, ent.end, ent.label_) for ent in doc.ents] for doc in docs]


@pytest.mark.parametrize("pooling", ["first", "mean", "max"])
def test_batches_that_are_started_ahead_find_what_the_cpu_finds(make_nlp, chosen_checkpoint, pooling):
    settings = {"pooling": pooling, "window": 40, "overlap": 8}
    on_cpu, on_gpu = (
        list(make_nlp(chosen_checkpoint, model={**settings, "device": device}).pipe(MANY, batch_size=LEAST_AHEAD))
        for device in ("cpu", "cuda:0")
    )
    assert get_ents(on_gpu) == get_ents(on_cpu)
    scores = [[ent._.score for doc in docs for ent in doc.ents] for docs in (on_cpu, on_gpu)]
    assert len(scores[0]) > len(MANY)
    assert scores[1] == pytest.approx(scores[0], abs=1e-4)


def make_batch(n_windows, length, *, n_padding=0):
    ids = np.full((n_windows, length), 5)
    ids[:, 0], ids[:, -1] = 0, 2
    ids[: n_windows // 2, length - n_padding :] = 1
    return ids, ids != 1


@pytest.fixture
def no_waiting():
    """Makes an error of whatever waits for the GPU."""
    torch.cuda.synchronize()
    torch.cuda.set_sync_debug_mode("error")
    yield
    torch.cuda.set_sync_debug_mode("default")


@pytest.mark.parametrize("n_padding", [0, 10])
def test_launch_waits_for_nothing(random_checkpoint, n_padding, request):
    network = AutoModelForTokenClassification.from_pretrained(random_checkpoint)
    runtime = CudaRuntime(network, precision="float16", device="cuda:0")
    assert runtime._make_mask in (add_to_scores, for_each_query)
    ids, mask = make_batch(16, 40, n_padding=n_padding)
    runtime.launch(ids, mask, mask)()  # what is made once waits
    request.getfixturevalue("no_waiting")
    waits = [runtime.launch(ids, mask, mask) for _ in range(3)]
    torch.cuda.set_sync_debug_mode("default")
    assert {wait().shape for wait in waits} == {(int(mask.sum()), 7)}


def test_numbers_come_and_go_by_pinned_memory(random_checkpoint, monkeypatch):
    network = AutoModelForTokenClassification.from_pretrained(random_checkpoint)
    runtime = CudaRuntime(network, precision="float32", device="cuda:0")
    pinned = []
    pin, empty = torch.Tensor.pin_memory, torch.empty
    monkeypatch.setattr(torch.Tensor, "pin_memory", lambda self, *args: pinned.append(self.dtype) or pin(self, *args))

    def watch(*size, **settings):
        pinned.extend([settings["dtype"]] if settings.get("pin_memory") else [])
        return empty(*size, **settings)

    monkeypatch.setattr(torch, "empty", watch)
    ids, mask = make_batch(4, 20)
    runtime.launch(ids, mask, mask)()
    assert pinned == [torch.int32, torch.float32]


@pytest.mark.parametrize("precision", ["float32", "bfloat16", "float16"])
def test_a_batch_takes_no_more_memory_than_is_reckoned_with(precision):
    shape = {"hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 2, "num_attention_heads": 12}
    config = XLMRobertaConfig(vocab_size=1000, max_position_embeddings=514, num_labels=7, **shape)
    runtime = CudaRuntime(XLMRobertaForTokenClassification(config), precision=precision, device="cuda:0")
    for n_padding in (0, 100):
        ids, mask = make_batch(64, 512, n_padding=n_padding)
        runtime.launch(ids[:1], mask[:1], mask[:1])()
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        runtime.launch(ids, mask, mask)()
        taken = torch.cuda.max_memory_allocated() - before
        itemsize = getattr(torch, precision).itemsize
        # What was taken, when it is all that a batch may take, would be reckoned to hold no more pieces than these.
        assert find_budget(2 * taken, hidden=768, inner=3072, window=514, itemsize=itemsize) <= ids.size


@pytest.fixture
def leave_little_memory():
    """Leaves PyTorch little more of the card than it has: leave_little_memory()."""

    def leave():
        torch.cuda.empty_cache()
        total = torch.cuda.mem_get_info()[1]
        torch.cuda.set_per_process_memory_fraction((torch.cuda.memory_reserved() + 24 * 2**20) / total)

    yield leave
    torch.cuda.set_per_process_memory_fraction(1.0)


@pytest.mark.filterwarnings("ignore:.*XW408")
def test_batches_that_do_not_fit_are_halved_and_nothing_is_lost(make_nlp, chosen_checkpoint, leave_little_memory):
    texts = ["Jack Sparrow loves New York and Anna lives in Berlin. " * 40] * 400
    nlp = make_nlp(chosen_checkpoint, model={"device": "cuda:0"})
    nlp(texts[0])  # what is made once is there now
    leave_little_memory()
    with pytest.warns(UserWarning, match="XW408"):
        docs = list(nlp.pipe(texts))
    expected = get_ents([make_nlp(chosen_checkpoint, model={"device": "cpu"})(texts[0])])
    assert get_ents(docs) == expected * len(texts)


# In a process of its own, for a GPU that has been used cannot be used in a forked one.
SCRIPT = """
import json, multiprocessing, sys
import spacy

if __name__ == "__main__":
    multiprocessing.set_start_method(sys.argv[2])
    nlp = spacy.blank("xx")
    nlp.add_pipe("xlmr_ner", config={"model": {"name": sys.argv[1], "device": "cuda"}})
    nlp("Jack")
    docs = nlp.pipe(["Jack Sparrow loves New York!"] * 40, n_process=2, batch_size=10)
    print(json.dumps([[ent.text for ent in doc.ents] for doc in docs]))
"""


def run_script(tmp_path, checkpoint, start_method):
    (tmp_path / "script.py").write_text(SCRIPT)
    command = [sys.executable, str(tmp_path / "script.py"), str(checkpoint), start_method]
    return subprocess.run(command, capture_output=True, text=True, timeout=170, check=False)


def test_spawned_processes_find_what_one_finds(chosen_checkpoint, tmp_path):
    done = run_script(tmp_path, chosen_checkpoint, "spawn")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == [["Jack Sparrow", "New York"]] * 40


def test_forked_processes_are_told_to_be_spawned(chosen_checkpoint, tmp_path):
    done = run_script(tmp_path, chosen_checkpoint, "fork")
    assert done.returncode != 0
    assert "XN130" in done.stderr


def test_each_worker_takes_the_next_gpu():
    n_gpus = torch.cuda.device_count()
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        found = {str(device) for device in pool.map(find_device, ["cuda"] * 8, chunksize=1)}
    assert found <= {f"cuda:{i}" for i in range(n_gpus)}
    assert n_gpus == 1 or len(found) == 2
