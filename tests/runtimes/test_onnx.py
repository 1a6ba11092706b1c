import copy
import json
import pickle
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import spacy
import torch
from everyday import EVERYDAY
from onnx import ModelProto
from onnxruntime.capi.onnxruntime_pybind11_state import RuntimeException
from toys import IOB_TAGS, make_config, make_toy_docs, write_pretrained, write_random
from transformers import (
    AutoModelForTokenClassification,
    BertConfig,
    BertForTokenClassification,
    CamembertConfig,
    CamembertForTokenClassification,
    DistilBertConfig,
    DistilBertForTokenClassification,
    ElectraConfig,
    ElectraForTokenClassification,
    RobertaConfig,
    RobertaForTokenClassification,
    XLMRobertaForTokenClassification,
    XLMRobertaXLConfig,
    XLMRobertaXLForTokenClassification,
)

from spacy_xlmr_ner.checkpoint import read_checkpoint
from spacy_xlmr_ner.runtimes import onnx_engine
from spacy_xlmr_ner.runtimes.agreement import Agreement, compare_logits
from spacy_xlmr_ner.runtimes.architecture import find_misfit
from spacy_xlmr_ner.runtimes.onnx import OnnxRuntime
from spacy_xlmr_ner.runtimes.onnx_engine import OnnxEngine
from spacy_xlmr_ner.runtimes.onnx_graph import EncoderGraph, quantize
from spacy_xlmr_ner.runtimes.torch import TorchRuntime

WINDOWS = [[0, 5, 6, 7, 2], [0, 8, 2], [0, 9, 10, 11, 12, 13, 14, 2]]
TEXT = "Jack Sparrow loves New York and Anna lives in Berlin"
SHAPE = {"num_hidden_layers": 2, "num_attention_heads": 2, "hidden_size": 32, "intermediate_size": 64}
ONNX = {"runtime": "onnx"}
GRAPH = "xlmr_ner/checkpoint/graph.float32.onnx"


def pad(windows, *, width):
    ids = np.array([[*row, *[1] * (width - len(row))] for row in windows], dtype=np.int64)
    mask = np.array([[True] * len(row) + [False] * (width - len(row)) for row in windows])
    return ids, mask


def make_network(cls, config, **settings):
    torch.manual_seed(1)
    network = cls(config(vocab_size=40, num_labels=7, **{**SHAPE, **settings})).eval()
    for name, weight in network.named_parameters():
        torch.nn.init.normal_(weight, mean=1.0 if name.endswith("LayerNorm.weight") else 0.0, std=0.2)
    return network


@pytest.fixture
def network(random_checkpoint):
    return AutoModelForTokenClassification.from_pretrained(random_checkpoint).eval()


def empty_weights(model):
    """Make all numbers with a fraction zero."""
    for weight in model.graph.initializer:
        if weight.data_type == weight.FLOAT:
            weight.raw_data = bytes(len(weight.raw_data))


def make_runtime(network):
    graph = EncoderGraph(network)
    weights = graph.find_weights()
    return OnnxRuntime(graph, graph.make_model(weights, with_weights=False).SerializeToString(), weights)


@pytest.mark.parametrize("width", [8, 30])
@pytest.mark.parametrize(
    "cls, config",
    [
        (XLMRobertaForTokenClassification, lambda **kw: make_config(40, IOB_TAGS)),
        (RobertaForTokenClassification, RobertaConfig),
        (CamembertForTokenClassification, CamembertConfig),
        (BertForTokenClassification, BertConfig),
        (ElectraForTokenClassification, lambda **kw: ElectraConfig(embedding_size=32, **kw)),
        (BertForTokenClassification, lambda **kw: BertConfig(layer_norm_eps=0.1, **kw)),
    ],
)
def test_onnx_runtime_equals_transformers(cls, config, width):
    network = make_network(cls, config)
    ids, mask = pad(WINDOWS, width=width)
    with torch.no_grad():
        expected = network(input_ids=torch.tensor(ids), attention_mask=torch.tensor(mask).long()).logits.numpy()
    assert np.ptp(expected[mask]) > 1.0
    np.testing.assert_allclose(make_runtime(network)(ids, mask)[mask], expected[mask], atol=1e-4)


@pytest.mark.parametrize("precision, product", [("float32", "Gemm"), ("int8", "DynamicQuantizeMatMul")])
def test_session_runs_the_fast_operators(precision, product, network, monkeypatch, tmp_path):
    """ONNX Runtime rewrites the graph that it is given, and might put those in that are left out of it."""
    onnx, onnxruntime = pytest.importorskip("onnx"), pytest.importorskip("onnxruntime")
    path = tmp_path / "run.onnx"
    make_session = onnxruntime.InferenceSession

    def make(model, options, **settings):
        options.optimized_model_filepath = str(path)
        return make_session(model, options, **settings)

    monkeypatch.setattr(onnxruntime, "InferenceSession", make)
    if precision == "int8":
        graph = EncoderGraph(network)
        OnnxRuntime(graph, quantize(graph.make_model(graph.find_weights(), with_weights=True)), {})
    else:
        make_runtime(network)
    operators = {node.op_type for node in onnx.load(path, load_external_data=False).graph.node}
    assert {product, "Gelu", "LayerNormalization"} <= operators
    assert not operators & {"BiasGelu", "SkipLayerNormalization"}


def test_onnx_runtime_reads_the_logits_that_are_asked_for(network):
    ids, mask = pad(WINDOWS, width=8)
    runtime = make_runtime(network)
    expected = TorchRuntime(network, precision="float32", device="cpu")(ids, mask)
    for seed in range(3):
        is_read = mask & (np.random.default_rng(seed).random(mask.shape) < 0.5)
        np.testing.assert_allclose(runtime.read(ids, mask, is_read), expected[is_read], atol=1e-5)
    assert runtime.read(ids, mask, np.zeros_like(mask)).shape == (0, 7)


class SmallMemory:
    """A session that computes batches of so many pieces, and says of larger ones what ONNX Runtime says."""

    def __init__(self, session, *, n_pieces):
        self.session, self.n_pieces, self.sizes = session, n_pieces, []

    def run(self, outputs, inputs):
        n_windows, length, _ = inputs["embedded"].shape
        self.sizes.append(n_windows * length)
        if self.sizes[-1] > self.n_pieces:
            reason = "BFCArena::AllocateRawInternal Failed to allocate memory for requested buffer of size 123"
            raise RuntimeException(f"[ONNXRuntimeError] : 6 : RUNTIME_EXCEPTION : {reason}")
        return self.session.run(outputs, inputs)


@pytest.mark.filterwarnings("ignore:.*XW408")
def test_onnx_runtime_halves_batches_that_do_not_fit_the_memory(network):
    runtime = make_runtime(network)
    ids, mask = pad(WINDOWS * 4, width=8)
    is_read = mask & (np.arange(len(mask))[:, None] < 6)  # none of the second half
    expected = runtime.read(ids, mask, is_read)
    runtime._session = memory = SmallMemory(runtime._session, n_pieces=30)
    with pytest.warns(UserWarning, match=r"XW408.*at most 24 pieces"):
        found = runtime.read(ids, mask, is_read)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert memory.sizes == [96, 48, 24, 24, 24, 24]
    np.testing.assert_allclose(runtime(ids, mask)[is_read], expected, atol=1e-5)


def test_onnx_runtime_says_when_one_window_does_not_fit_the_memory(network):
    runtime = make_runtime(network)
    runtime._session = SmallMemory(runtime._session, n_pieces=5)
    with pytest.warns(UserWarning, match="XW408"), pytest.raises(MemoryError, match=r"XN129.*one window of 8 pieces"):
        runtime(*pad(WINDOWS, width=8))


def test_onnx_runtime_counts_what_each_piece_is_multiplied_with(network):
    weights = network.named_parameters()
    n_weights = sum(weight.numel() for name, weight in weights if not name.endswith("_embeddings.weight"))
    assert make_runtime(network).overhead == 16 + int(4e8 / (2 * n_weights))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_onnx_runtime_computes_half_precision_weights_in_float32(dtype, network):
    halved = network.to(dtype)
    ids, mask = pad(WINDOWS, width=8)
    expected = TorchRuntime(halved, precision="float32", device="cpu")(ids, mask)[mask]
    np.testing.assert_allclose(make_runtime(halved)(ids, mask)[mask], expected, atol=1e-5)


def test_onnx_runtime_gives_the_same_in_every_thread(network):
    runtime = make_runtime(network)
    ids, mask = pad(WINDOWS, width=8)
    expected = runtime(ids, mask)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: runtime(ids, mask), range(64)))
    np.testing.assert_allclose(found, np.broadcast_to(expected, (64, *expected.shape)), atol=1e-5)


def _make_in_worker(checkpoint):
    runtime = OnnxEngine(precision="float32", device=None).make_runtime(checkpoint)
    return runtime._session.get_session_options().intra_op_num_threads, runtime(*pad(WINDOWS, width=8))


def test_onnx_runtime_made_in_a_forked_worker_has_one_thread(random_checkpoint, run_forked):
    checkpoint = read_checkpoint(random_checkpoint)
    expected = make_runtime(checkpoint.network)(*pad(WINDOWS, width=8))
    threads, logits = run_forked(_make_in_worker, checkpoint)
    assert threads == 1
    np.testing.assert_allclose(logits, expected, atol=1e-5)


def test_onnx_runtime_answers_in_a_forked_worker(network, run_forked):
    runtime = make_runtime(network)
    expected = runtime(*pad(WINDOWS, width=8))
    np.testing.assert_allclose(run_forked(runtime, *pad(WINDOWS, width=8)), expected, atol=1e-5)


@pytest.mark.parametrize(
    "cls, config, reason",
    [
        (XLMRobertaXLForTokenClassification, XLMRobertaXLConfig, "architecture is 'xlm-roberta-xl'"),
        (DistilBertForTokenClassification, lambda **kw: DistilBertConfig(vocab_size=40), "'distilbert'"),
        (BertForTokenClassification, lambda **kw: BertConfig(hidden_act="relu", **kw), "hidden_act is 'relu'"),
        (ElectraForTokenClassification, lambda **kw: ElectraConfig(embedding_size=16, **kw), "embeddings_project"),
        (BertForTokenClassification, lambda **kw: BertConfig(is_decoder=True, **kw), "is_decoder is True"),
    ],
)
def test_find_misfit_names_what_is_different(cls, config, reason):
    assert reason in find_misfit(cls(config(vocab_size=40, **SHAPE)))


# Engine


def get_ents(nlp, text=TEXT):
    return [(ent.text, ent.label_, pytest.approx(ent._.score, abs=1e-4)) for ent in nlp(text).ents]


def test_network_of_another_shape_runs_in_pytorch_with_a_warning(random_checkpoint, tmp_path, make_nlp):
    config = {"hidden_act": "relu"}
    folder = shutil.copytree(random_checkpoint, tmp_path / "relu")
    settings = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(settings | config))
    nlp = make_nlp(folder, model=ONNX)
    with pytest.warns(UserWarning, match=r"XW403.*hidden_act"):
        found = get_ents(nlp)
    assert found == get_ents(make_nlp(folder))
    with pytest.warns(UserWarning, match="XW403"):
        nlp.to_disk(tmp_path / "saved")


def test_network_that_runs_in_pytorch_stays_where_it_is_trained(random_checkpoint):
    checkpoint = read_checkpoint(random_checkpoint)
    checkpoint.network.config.hidden_act = "relu"
    checkpoint.network.to("meta")  # as a GPU that is always there
    with pytest.warns(UserWarning, match="XW403"):
        OnnxEngine(precision="float32", device="meta").make_runtime(checkpoint)
    assert {weight.device.type for weight in checkpoint.network.parameters()} == {"meta"}


def test_error_of_the_runtime_is_told_and_pytorch_runs(random_checkpoint, make_nlp, monkeypatch):
    monkeypatch.setattr(EncoderGraph, "make_model", lambda *args, **kwargs: ModelProto(b"no graph"))
    nlp = make_nlp(random_checkpoint, model=ONNX)
    with pytest.warns(UserWarning, match=r"XW403.*runs in PyTorch"):
        found = get_ents(nlp)
    assert found == get_ents(make_nlp(random_checkpoint))


def test_weights_are_saved_also_where_no_graph_can_be_made(random_checkpoint, make_nlp, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    nlp = make_nlp(random_checkpoint, model=ONNX)
    with pytest.warns(UserWarning, match=r"XW407.*`onnx`"):
        nlp.to_disk(tmp_path)
    assert (tmp_path / "xlmr_ner" / "checkpoint" / "model.safetensors").is_file()
    assert not list(tmp_path.rglob("graph.*"))


@pytest.mark.parametrize("precision", ["float32", "int8"])
def test_untrained_head_gets_no_graph(precision, tmp_path, make_nlp):
    nlp = make_nlp(write_pretrained(tmp_path / "pretrained"), model={**ONNX, "precision": precision})
    nlp.to_disk(tmp_path / "saved")
    assert not list((tmp_path / "saved").rglob("graph.*"))


def test_int8_stores_no_embeddings_and_a_quarter_of_the_rest(tmp_path, monkeypatch):
    monkeypatch.setattr(onnx_engine, "LEAST_AGREEMENT", 0.0)  # random weights are no measure of it
    folder = write_random(tmp_path / "wide", hidden_size=128, intermediate_size=512)
    engine = OnnxEngine(precision="int8", device=None)
    checkpoint = read_checkpoint(folder)
    engine.write(checkpoint, tmp_path, make=True)
    graph = EncoderGraph(checkpoint.network)
    n_weights = sum(weight.size for weight in graph.find_weights().values())
    assert (tmp_path / "graph.int8.onnx").stat().st_size < 1.3 * n_weights


def test_int8_that_is_off_is_warned_of(random_checkpoint, make_nlp, monkeypatch):
    def empty(model, *, left_out):
        empty_weights(model)
        return model.SerializeToString()

    monkeypatch.setattr(onnx_engine, "quantize", empty)
    nlp = make_nlp(random_checkpoint, model={**ONNX, "precision": "int8"})
    with pytest.warns(UserWarning, match=r"XW405.*\d\d\.\d% of the words"):
        nlp(TEXT)


@pytest.mark.parametrize(
    "leads, losses, share",
    [
        ([1, 2, 4, 8], [0, 0, 0, 0], 1.0),
        # Of the changes, 3 and -3 and six times none, one is over the leads of 1 and of 2, and none over 4 and 8.
        ([1, 2, 4, 8], [0, 0, 0, 3], 1 - (1 / 8 + 1 / 8) / 4),
        # Two changed where 0.5 are likely: that may be chance. 2, -2, 3, -3 and four times none.
        ([1, 1, 4, 8], [2, 3, 0, 0], 1 - (2 / 8 + 2 / 8) / 4),
        # Six of 36 changed where six times 6 / 72 are likely; so many are not chance.
        ([1] * 6 + [9] * 30, [2] * 6 + [0] * 30, 1 - 6 / 36),
    ],
)
def test_agreement_is_what_changes_and_leads_make_likely(leads, losses, share):
    leads, losses = np.array(leads, dtype=float), np.array(losses, dtype=float)
    zeros = np.zeros_like(leads)  # of O
    expected, found = np.stack([zeros, leads], axis=1), np.stack([zeros, leads - losses], axis=1)
    agreement = compare_logits(found, expected, ("O", "U-PER"))
    assert agreement.share == pytest.approx(share)
    assert agreement.n_words == len(leads)


def test_agreement_counts_words_that_either_takes_for_an_entity():
    logits = np.array([[9.0, 0.0], [9.0, 0.0], [0.0, 9.0]])
    assert compare_logits(logits, logits, ("O", "U-PER")).n_words == 1
    assert compare_logits(logits[::-1], logits, ("O", "U-PER")).n_words == 2
    assert compare_logits(logits[:2], logits[:2], ("O", "U-PER")) == Agreement(1.0, 0)


@pytest.mark.filterwarnings("ignore:.*XW405")
def test_int8_probabilities_change_little_with_the_texts_beside(make_nlp):
    """What is multiplied is scaled by the largest number of its batch. The README's tolerance, for the small model."""
    ner = make_nlp(None, model={**ONNX, "precision": "int8"}).get_pipe("xlmr_ner")
    docs = [sentence.make_doc(ner.vocab) for sentence in EVERYDAY]
    alone = [ner.token_probs([doc])[0] for doc in docs]
    together = ner.token_probs(docs)
    assert max(np.abs(a - b).max() for a, b in zip(alone, together)) < 0.05


def test_int8_that_cannot_be_judged_is_warned_of(chosen_checkpoint, make_nlp):
    nlp = make_nlp(chosen_checkpoint, model={**ONNX, "precision": "int8"})  # it knows few words of the sample
    with pytest.warns(UserWarning, match=r"XW406.*\d words are in entities"):
        nlp(TEXT)


def test_int8_leaves_out_layers_until_it_is_right(random_checkpoint, make_nlp, monkeypatch):
    tried = []

    def make(model, *, left_out):
        tried.append(len(left_out))
        if len(left_out) < 4:
            empty_weights(model)
        return model.SerializeToString()

    monkeypatch.setattr(onnx_engine, "quantize", make)
    nlp = make_nlp(random_checkpoint, model={**ONNX, "precision": "int8"})
    assert get_ents(nlp) == get_ents(make_nlp(random_checkpoint))
    assert tried == [1, 5]  # the head; then also four matrices of the first layer


@pytest.mark.parametrize("way", [copy.deepcopy, lambda nlp: pickle.loads(pickle.dumps(nlp))], ids=["copy", "pickle"])
def test_copy_says_the_same(way, random_checkpoint, make_nlp):
    nlp = make_nlp(random_checkpoint, model=ONNX)
    expected = get_ents(nlp)
    assert get_ents(way(nlp)) == expected == get_ents(make_nlp(random_checkpoint))


def test_other_weights_for_a_while_are_what_is_run(random_checkpoint, make_nlp):
    nlp = make_nlp(random_checkpoint, model=ONNX)
    before = get_ents(nlp)
    tagger = nlp.get_pipe("xlmr_ner")
    network, shim = tagger.model.shims[0].checkpoint.network, tagger.model.shims[0].id
    params = {(shim, name): -weight.detach().numpy() for name, weight in network.named_parameters()}
    with tagger.model.use_params(params):
        during = get_ents(nlp)
    assert during != before
    assert get_ents(nlp) == before


def test_new_label_after_a_prediction_is_in_the_graph(random_checkpoint, make_nlp):
    nlp = make_nlp(random_checkpoint, model=ONNX)
    nlp(TEXT)
    tagger = nlp.get_pipe("xlmr_ner")
    tagger.add_label("GPE")
    (probs,) = tagger.token_probs([nlp.make_doc(TEXT)])
    assert probs.shape[1] == 9


def test_from_disk_onto_a_pipeline_in_use_takes_the_new_weights(
    random_checkpoint, chosen_checkpoint, make_nlp, tmp_path
):
    make_nlp(chosen_checkpoint, model=ONNX).to_disk(tmp_path)
    nlp = make_nlp(random_checkpoint, model=ONNX)
    nlp(TEXT)
    assert get_ents(nlp.from_disk(tmp_path)) == get_ents(make_nlp(chosen_checkpoint))


def test_training_has_the_graph_made_anew(random_checkpoint, make_nlp):
    nlp = make_nlp(random_checkpoint, model=ONNX)
    docs = make_toy_docs(16)
    examples = [spacy.training.Example(nlp.make_doc(doc.text), doc) for doc in docs]
    optimizer = nlp.initialize(lambda: examples)
    optimizer.learn_rate = 0.01
    before = get_ents(nlp)
    for _ in range(5):
        nlp.update(examples, sgd=optimizer)
    after = get_ents(nlp)
    assert after != before
    plain = make_nlp(random_checkpoint)
    plain.get_pipe("xlmr_ner").from_bytes(nlp.get_pipe("xlmr_ner").to_bytes())
    assert after == get_ents(plain)


# Saved and loaded


@pytest.fixture(scope="module")
def saved(tmp_path_factory, random_checkpoint):
    """A pipeline saved with its graph, and its entities by PyTorch."""
    folder = tmp_path_factory.mktemp("saved") / "pipeline"
    files = sorted(random_checkpoint.iterdir())
    nlp = spacy.blank("xx")
    nlp.add_pipe("xlmr_ner", config={"model": {"name": str(random_checkpoint), "runtime": "onnx"}})
    nlp.to_disk(folder)
    assert sorted(random_checkpoint.iterdir()) == files  # nothing was put into the checkpoint's own folder
    expected = get_ents(spacy.load(folder, config={"components.xlmr_ner.model.runtime": "torch"}))
    assert len(expected) > 2
    return folder, expected


@pytest.fixture
def changed(saved, tmp_path):
    """A copy of the saved pipeline, to be changed."""
    return shutil.copytree(saved[0], tmp_path / "changed")


@pytest.fixture
def no_making(monkeypatch):
    """No graph can be made: one that is used was read."""
    monkeypatch.setitem(sys.modules, "onnx", None)


def test_saved_graph_is_used(saved, no_making):
    assert get_ents(spacy.load(saved[0])) == saved[1]


def test_saved_graph_goes_through_bytes(saved, no_making, make_nlp):
    nlp = spacy.load(saved[0])
    copy = spacy.blank("xx")
    copy.add_pipe("xlmr_ner", config={"model": ONNX})
    copy.from_bytes(nlp.to_bytes())
    assert get_ents(copy) == saved[1]


def test_saved_pipeline_runs_in_pytorch_without_the_extra(saved, monkeypatch):
    for package in ("onnx", "onnxruntime"):
        monkeypatch.setitem(sys.modules, package, None)
    assert get_ents(spacy.load(saved[0], config={"components.xlmr_ner.model.runtime": "torch"})) == saved[1]


def test_pipeline_saved_without_a_graph_gets_one(random_checkpoint, make_nlp, tmp_path):
    nlp = make_nlp(random_checkpoint)
    nlp.to_disk(tmp_path)
    assert get_ents(spacy.load(tmp_path, config={"components.xlmr_ner.model.runtime": "onnx"})) == get_ents(nlp)


def cut_short(folder):
    (folder / GRAPH).write_bytes((folder / GRAPH).read_bytes()[:-50])


def flip_a_bit(folder):
    data = bytearray((folder / GRAPH).read_bytes())
    data[len(data) // 2] ^= 1
    (folder / GRAPH).write_bytes(data)


def empty_note(folder):
    (folder / GRAPH).with_suffix(".json").write_text("{}")


def break_note(folder):
    (folder / GRAPH).with_suffix(".json").write_text("[")


def nest_note(folder):
    (folder / GRAPH).with_suffix(".json").write_text("[" * 100_000)


def remove_note(folder):
    (folder / GRAPH).with_suffix(".json").unlink()


def of_later_format(folder):
    note = (folder / GRAPH).with_suffix(".json")
    note.write_text(json.dumps(json.loads(note.read_text()) | {"format": onnx_engine.FORMAT_VERSION + 1}))


def share_that_is_no_number(folder):
    note = (folder / GRAPH).with_suffix(".json")
    content = json.loads(note.read_text())
    note.write_text(json.dumps(content | {"agreement": {**content["agreement"], "share": float("nan")}}))


DAMAGES = (
    cut_short,
    flip_a_bit,
    empty_note,
    break_note,
    nest_note,
    remove_note,
    of_later_format,
    share_that_is_no_number,
)


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_graph_is_made_anew_with_a_warning(damage, changed, saved):
    damage(changed)
    with pytest.warns(UserWarning, match=r"XW404.*graph\.float32\.onnx"):
        nlp = spacy.load(changed)
    assert get_ents(nlp) == saved[1]


def test_int8_graph_of_other_weights_is_made_anew_with_a_warning(chosen_checkpoint, make_nlp, tmp_path):
    make_nlp(chosen_checkpoint, model={**ONNX, "precision": "int8"}).to_disk(tmp_path)
    checkpoint = tmp_path / "xlmr_ner" / "checkpoint"
    network = AutoModelForTokenClassification.from_pretrained(checkpoint)
    with torch.no_grad():
        network.classifier.bias[IOB_TAGS.index("B-PER")] -= 50.0
    network.save_pretrained(checkpoint)
    with pytest.warns(UserWarning, match=r"XW404.*other weights"):
        nlp = spacy.load(tmp_path)
    assert [(ent.text, ent.label_) for ent in nlp("Anna in Berlin").ents] == [("Berlin", "LOC")]


def test_int8_is_judged_anew_with_other_embeddings(chosen_checkpoint, make_nlp, tmp_path):
    """They are not in the graph, but what int8 loses hangs on them."""
    make_nlp(chosen_checkpoint, model={**ONNX, "precision": "int8"}).to_disk(tmp_path)
    checkpoint = tmp_path / "xlmr_ner" / "checkpoint"
    network = AutoModelForTokenClassification.from_pretrained(checkpoint)
    with torch.no_grad():
        network.get_input_embeddings().weight[10:] *= 1.5
    network.save_pretrained(checkpoint)
    with pytest.warns(UserWarning, match=r"XW404.*other weights"):
        spacy.load(tmp_path)


def test_device_that_is_none_is_refused_also_by_onnx(random_checkpoint, make_nlp):
    with pytest.raises(ValueError, match=r"XN108.*'nonsense'"):
        make_nlp(random_checkpoint, model={**ONNX, "device": "nonsense"})(TEXT)


def test_device_for_training_need_not_be_where_onnx_serves(random_checkpoint, make_nlp):
    nlp = make_nlp(random_checkpoint, model={**ONNX, "device": "cuda:99"})
    assert get_ents(nlp) == get_ents(make_nlp(random_checkpoint))


@pytest.mark.filterwarnings("error:.*XW301", "ignore:.*XW40[56]")
def test_sample_that_int8_is_judged_by_is_not_told_of(tmp_path, make_nlp):
    """Its words are longer than so small a window."""
    folder = write_random(tmp_path / "narrow", max_position_embeddings=6)
    make_nlp(folder, model={**ONNX, "precision": "int8", "overlap": 0})("Anna")


def test_float32_graph_serves_other_weights_of_the_same_shape(changed, saved, no_making):
    checkpoint = changed / "xlmr_ner" / "checkpoint"
    network = AutoModelForTokenClassification.from_pretrained(checkpoint)
    with torch.no_grad():
        network.classifier.bias[0] += 5.0
    network.save_pretrained(checkpoint)
    found = get_ents(spacy.load(changed))
    assert found != saved[1]
    assert found == get_ents(spacy.load(changed, config={"components.xlmr_ner.model.runtime": "torch"}))
