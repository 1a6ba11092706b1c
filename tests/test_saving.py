import copy
import errno
import json
import os
import pickle
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import spacy
import srsly
import torch
from spacy.lang.xx import MultiLanguage
from toys import write_random
from transformers import AutoModelForTokenClassification, AutoTokenizer

from spacy_xlmr_ner import checkpoint_shim, saving

TEXTS = ["Jack Sparrow loves New York!", "Anna lives in Berlin and the New York", "", "Siemens AG in love"]
GONE = {"components.xlmr_ner.model.name": "acme/never-there"}


def predict(nlp):
    """What a pipeline says: entities and scores."""
    return [[(ent.text, ent.label_, round(ent._.score, 4)) for ent in nlp(text).ents] for text in TEXTS]


@pytest.fixture(scope="module")
def saved(tmp_path_factory, random_checkpoint):
    """A saved pipeline whose config names a folder that is gone, and what it says."""
    folder = tmp_path_factory.mktemp("saved")
    origin = shutil.copytree(random_checkpoint, folder / "origin")
    nlp = spacy.blank("xx")
    nlp.add_pipe("xlmr_ner", config={"model": {"name": str(origin)}})
    nlp.to_disk(folder / "pipeline")
    expected = predict(nlp)
    assert sum(map(len, expected)) > 5
    shutil.rmtree(origin)
    return folder / "pipeline", expected


@pytest.fixture
def damaged(saved, tmp_path):
    """A copy of the saved pipeline, to be damaged."""
    return shutil.copytree(saved[0], tmp_path / "damaged")


@pytest.fixture
def no_network(monkeypatch):
    """Sockets cannot be made; those that were tried."""
    tried = []

    def refuse(*args, **kwargs):
        tried.append(args)
        raise OSError("no network in this test")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)
    return tried


# Whole, whatever became of the origin


@pytest.mark.parametrize("overrides", [{}, GONE], ids=["a folder that is gone", "a hub id"])
def test_load_asks_neither_origin_nor_network(saved, no_network, overrides):
    folder, expected = saved
    nlp = spacy.load(folder, config=overrides)
    assert predict(nlp) == expected
    assert no_network == []


def test_from_disk_into_a_built_pipeline_asks_no_origin(saved, make_nlp, no_network):
    nlp = make_nlp("acme/never-there").from_disk(saved[0])
    assert predict(nlp) == saved[1]
    assert no_network == []


def test_from_bytes_into_a_built_pipeline_asks_no_origin(saved, no_network):
    data = spacy.load(saved[0]).to_bytes()
    config = spacy.load(saved[0], config=GONE).config
    nlp = MultiLanguage.from_config(config).from_bytes(data)
    assert predict(nlp) == saved[1]
    assert no_network == []


def test_load_in_a_new_process_asks_no_network(saved):
    # Also with what only a fresh process does: environment variables are read, caches looked for.
    script = (
        "import socket, sys\n"
        "def refuse(*args, **kwargs): sys.exit('a socket was made')\n"
        "socket.socket.connect = socket.getaddrinfo = refuse\n"
        "import spacy\n"
        f"nlp = spacy.load(sys.argv[1], config={GONE!r})\n"
        "print([ent.text for ent in nlp(sys.argv[2]).ents])\n"
    )
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("HF_", "TRANSFORMERS_"))}
    run = subprocess.run(
        [sys.executable, "-c", script, saved[0], TEXTS[1]], env=environment, capture_output=True, text=True, timeout=120
    )
    assert run.stdout.strip() == str([text for text, _, _ in saved[1][1]]), run.stderr


def test_bundled_model_is_saved_too(tmp_path, make_nlp, no_network):
    nlp = make_nlp(None)
    expected = predict(nlp)
    nlp.to_disk(tmp_path)
    assert predict(spacy.load(tmp_path, config=GONE)) == expected
    assert no_network == []


WAYS = {
    "to_bytes": lambda nlp: MultiLanguage.from_config(nlp.config).from_bytes(nlp.to_bytes()),
    "pickle": lambda nlp: pickle.loads(pickle.dumps(nlp)),
    "pickled component": lambda nlp: with_component(nlp, pickle.loads(pickle.dumps(nlp.get_pipe("xlmr_ner")))),
    "deepcopy": copy.deepcopy,
    "source": lambda nlp: with_source(nlp),
    "component bytes": lambda nlp: with_component(nlp, from_component_bytes(nlp)),
}


def with_component(nlp, component):
    other = spacy.blank("xx")
    other.add_pipe("xlmr_ner", config={"model": {"name": "acme/never-there"}})
    other._components = [("xlmr_ner", component)]
    return other


def with_source(nlp):
    other = spacy.blank("xx")
    other.add_pipe("xlmr_ner", source=nlp)
    return other


def from_component_bytes(nlp):
    other = spacy.blank("xx")
    component = other.add_pipe("xlmr_ner", config={"model": {"name": "acme/never-there"}})
    return component.from_bytes(nlp.get_pipe("xlmr_ner").to_bytes())


@pytest.mark.parametrize("way", WAYS)
def test_copy_says_the_same(saved, way, no_network):
    copied = WAYS[way](spacy.load(saved[0]))
    assert predict(copied) == saved[1]
    assert no_network == []


def test_saved_again_it_says_the_same(saved, tmp_path):
    spacy.load(saved[0]).to_disk(tmp_path / "second")
    assert predict(spacy.load(tmp_path / "second")) == saved[1]


def test_saving_over_the_folder_it_came_from(saved, tmp_path):
    folder = shutil.copytree(saved[0], tmp_path / "pipeline")
    nlp = spacy.load(folder)
    nlp.to_disk(folder)
    assert predict(nlp) == predict(spacy.load(folder)) == saved[1]
    assert sorted(os.listdir(folder / "xlmr_ner")) == ["cfg", "checkpoint"]


@pytest.mark.parametrize("exclude", ["model", "cfg"])
def test_exclude_leaves_a_part_out(saved, tmp_path, exclude):
    spacy.load(saved[0]).get_pipe("xlmr_ner").to_disk(tmp_path / "component", exclude=[exclude, "vocab"])
    left = {"model": ["cfg"], "cfg": ["checkpoint"]}[exclude]
    assert os.listdir(tmp_path / "component") == left


def test_from_disk_without_model_loads_no_weights(saved, make_nlp, monkeypatch):
    nlp = make_nlp("acme/never-there")
    monkeypatch.setattr(AutoModelForTokenClassification, "from_pretrained", None)
    nlp.get_pipe("xlmr_ner").from_disk(saved[0] / "xlmr_ner", exclude=["model", "vocab"])


# The checkpoint folder


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_checkpoint_folder_opens_with_transformers(make_nlp, random_checkpoint, tmp_path, precision):
    nlp = make_nlp(random_checkpoint, model={"precision": precision})
    nlp(TEXTS[0])
    nlp.to_disk(tmp_path)
    folder = tmp_path / "xlmr_ner" / "checkpoint"
    logits, dtypes = [], []
    for source in (random_checkpoint, folder):
        network = AutoModelForTokenClassification.from_pretrained(source).eval()
        encoded = AutoTokenizer.from_pretrained(source)(TEXTS[1], return_tensors="pt")
        with torch.no_grad():
            logits.append(network(**encoded).logits)
        dtypes.append(network.dtype)
    assert torch.equal(*logits)
    assert dtypes == [torch.float32] * 2
    assert network.config.id2label[1] == "B-PER"


def test_checkpoint_folder_holds_the_names_given_as_labels(make_nlp, tmp_path):
    folder = write_random(tmp_path / "origin", tags=["LABEL_0", "LABEL_1"])
    make_nlp(folder, model={"labels": ["O", "PER"]}).to_disk(tmp_path / "pipeline")
    config = srsly.read_json(tmp_path / "pipeline" / "xlmr_ner" / "checkpoint" / "config.json")
    assert config["id2label"] == {"0": "O", "1": "PER"}
    assert spacy.load(tmp_path / "pipeline").get_pipe("xlmr_ner").labels == ("PER",)


def test_saved_pipeline_holds_no_pickle(saved):
    starts = {path.name: path.read_bytes()[:2] for path in saved[0].rglob("*") if path.is_file()}
    assert "model.safetensors" in starts
    assert not [name for name, start in starts.items() if start in (b"PK", b"\x80\x02", b"\x80\x04", b"\x80\x05")]


# A crash half-way


def write_file(text):
    return lambda folder: (folder / "file").write_text(text)


def break_at(monkeypatch, owner, name, n_call):
    """Let the n-th call of a function raise, as if the machine stopped there: nothing after it is cleaned up."""
    real = getattr(owner, name)
    calls = iter(range(1000))

    def fail(*args, **kwargs):
        if next(calls) >= n_call:
            raise SystemExit("stopped")
        return real(*args, **kwargs)

    monkeypatch.setattr(owner, name, fail)


STEPS = {
    "removing what a former crash left": (shutil, "rmtree", 0, "old"),
    "making the new folder": (Path, "mkdir", 0, "old"),
    "writing the new folder": (Path, "write_text", 0, "old"),
    "flushing": (os, "fsync", 0, "old"),
    "putting the former one aside": (Path, "rename", 0, "old"),
    "putting the new one in its place": (Path, "rename", 1, "old"),
    "removing the former one": (shutil, "rmtree", 2, "new"),
}


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.filterwarnings("ignore:.*XW401")
def test_swap_in_stopped_leaves_a_whole_folder(tmp_path, monkeypatch, step):
    folder = tmp_path / "checkpoint"
    saving.swap_in(folder, write_file("old"))
    owner, name, n_call, expected = STEPS[step]
    with monkeypatch.context() as patch, pytest.raises(SystemExit):
        break_at(patch, owner, name, n_call)
        saving.swap_in(folder, write_file("new"))
    assert (saving.find_whole(folder, component="ner") / "file").read_text() == expected
    saving.swap_in(folder, write_file("newer"))
    assert (saving.find_whole(folder, component="ner") / "file").read_text() == "newer"
    assert os.listdir(tmp_path) == ["checkpoint"]


@pytest.mark.parametrize("n_call", [0, 1])
def test_pipeline_loads_after_a_stop_between_the_renames(
    saved, damaged, make_nlp, chosen_checkpoint, monkeypatch, n_call
):
    nlp = make_nlp(chosen_checkpoint)
    with monkeypatch.context() as patch, pytest.raises(SystemExit):
        break_at(patch, Path, "rename", n_call)
        nlp.to_disk(damaged)
    if n_call:
        with pytest.warns(UserWarning, match=r"XW401.*checkpoint\.old"):
            loaded = spacy.load(damaged, config=GONE)
    else:
        loaded = spacy.load(damaged, config=GONE)
    assert predict(loaded) == saved[1]


def test_write_cfg_stopped_leaves_the_former_one(tmp_path, monkeypatch):
    file = tmp_path / "cfg"
    saving.write_cfg(file, {"format": 1})

    def write_half(path, data):
        path.write_text(json.dumps(data)[:5])
        raise SystemExit("stopped")

    with monkeypatch.context() as patch, pytest.raises(SystemExit):
        patch.setattr(srsly, "write_json", write_half)
        saving.write_cfg(file, {"format": 1})
    saving.read_cfg(file)
    assert json.loads(file.read_text()) == {"format": 1}


def test_write_that_fails_leaves_no_rubbish(tmp_path):
    def write(folder):
        write_file("half")(folder)
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        saving.swap_in(tmp_path / "checkpoint", write)
    assert os.listdir(tmp_path) == []


def fail_as_full(*args, **kwargs):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_full_disk_is_told_and_the_former_pipeline_left_whole(saved, damaged, monkeypatch):
    """Not even the cfg fits: it is made, but stays empty."""

    def write_nothing(path, data):
        path.touch()
        fail_as_full()

    files = sorted(path for path in damaged.rglob("*"))
    nlp = spacy.load(damaged)
    with monkeypatch.context() as patch:
        patch.setattr(srsly, "write_json", write_nothing)
        with pytest.raises(OSError, match=r"XN414.*cfg' \(.*No space left.*The one that was there is kept"):
            nlp.get_pipe("xlmr_ner").to_disk(damaged / "xlmr_ner")
    assert sorted(path for path in damaged.rglob("*")) == files
    assert predict(spacy.load(damaged)) == saved[1]


def test_folder_that_cannot_be_made_on_a_full_disk_is_told(tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(Path, "mkdir", fail_as_full)
        with pytest.raises(OSError, match=r"XN414.*checkpoint' \(.*No space left.*Nothing is left of it"):
            saving.swap_in(tmp_path / "checkpoint", write_file("new"))
    assert os.listdir(tmp_path) == []


@pytest.mark.skipif(sys.platform == "win32", reason="no limit to the size of files there")
def test_disk_that_fills_leaves_the_former_pipeline(saved, damaged):
    """A limit to the size of files stands in for a full disk: writing fails midway, in safetensors' own code."""
    import resource

    nlp = spacy.load(damaged)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    try:
        with pytest.raises(OSError, match=r"XN414.*checkpoint' \(.*The one that was there is kept"):
            nlp.to_disk(damaged)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert predict(spacy.load(damaged)) == saved[1]


# Damage


def cut(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


DAMAGE = {
    "no weights": (lambda f: (f / "checkpoint/model.safetensors").unlink(), "XN402", "model.safetensors"),
    "no config": (lambda f: (f / "checkpoint/config.json").unlink(), "XN402", "config.json"),
    "no checkpoint": (lambda f: shutil.rmtree(f / "checkpoint"), "XN411", "xlmr_ner"),
    "no folder": (shutil.rmtree, "XN411", "xlmr_ner"),
    "cut weights": (lambda f: cut(f / "checkpoint/model.safetensors"), "XN406", "model.safetensors"),
    "empty weights": (lambda f: (f / "checkpoint/model.safetensors").write_bytes(b""), "XN406", "model.safetensors"),
    "cut config": (lambda f: cut(f / "checkpoint/config.json"), "XN406", "config.json"),
    "cut tokenizer": (lambda f: cut(f / "checkpoint/tokenizer.json"), "XN406", "tokenizer.json"),
    "cut cfg": (lambda f: cut(f / "cfg"), "XN406", "cfg"),
    "later format": (lambda f: (f / "cfg").write_text('{"format": 2}'), "XN412", "format 2"),
    "no cfg at all": (lambda f: (f / "cfg").write_text("5"), "XN412", "format 5"),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_damaged_folder_is_named_with_the_file(damaged, damage):
    do, code, shown = DAMAGE[damage]
    do(damaged / "xlmr_ner")
    with pytest.raises(OSError, match=code) as caught:
        spacy.load(damaged)
    assert shown in str(caught.value)
    assert str(damaged) in str(caught.value)
    assert len(str(caught.value)) < 800


def test_foreign_shapes_are_named_with_the_file(damaged, tmp_path):
    other = write_random(tmp_path / "other", intermediate_size=32)
    shutil.copy(other / "model.safetensors", damaged / "xlmr_ner" / "checkpoint")
    with pytest.raises(OSError, match=r"XN406.*model\.safetensors"):
        spacy.load(damaged)


BYTES = {
    "nothing": b"",
    "garbage": b"\x00garbage",
    "a list": srsly.msgpack_dumps([1, 2]),
    "another model": srsly.msgpack_dumps({"cfg": b"{}", "model": srsly.msgpack_dumps({"nodes": []})}),
    "no model": srsly.msgpack_dumps({"cfg": "{}"}),
    "a cfg that is no json": srsly.msgpack_dumps({"cfg": "{", "model": b""}),
}


@pytest.mark.parametrize("data", BYTES.values(), ids=BYTES)
def test_from_bytes_refuses_garbage(make_nlp, random_checkpoint, data):
    with pytest.raises(ValueError, match=r"XN413.*'xlmr_ner'"):
        make_nlp(random_checkpoint).get_pipe("xlmr_ner").from_bytes(data)


def test_from_bytes_refuses_cut_bytes(saved):
    component = spacy.load(saved[0]).get_pipe("xlmr_ner")
    data = component.to_bytes(exclude=["vocab"])
    with pytest.raises(ValueError, match="XN413"):
        component.from_bytes(data[:-1000])


def test_from_bytes_refuses_a_later_format(saved):
    component = spacy.load(saved[0]).get_pipe("xlmr_ner")
    message = srsly.msgpack_loads(component.to_bytes(exclude=["vocab"]))
    data = srsly.msgpack_dumps({**message, "cfg": srsly.json_dumps({"format": 2})})
    with pytest.raises(ValueError, match=r"XN412.*format 2"):
        component.from_bytes(data)


def test_from_bytes_says_of_a_missing_device_that_it_is_missing(saved, make_nlp):
    data = spacy.load(saved[0]).get_pipe("xlmr_ner").to_bytes()
    component = make_nlp(None, model={"device": "cuda:99"}).get_pipe("xlmr_ner")
    with pytest.raises(ValueError, match=r"^\[XN108\]"):
        component.from_bytes(data)


def test_from_bytes_writes_only_into_its_own_folder(saved, tmp_path, make_nlp):
    component = spacy.load(saved[0]).get_pipe("xlmr_ner")
    message = srsly.msgpack_loads(component.to_bytes(exclude=["vocab"]))
    model = srsly.msgpack_loads(message["model"])
    files = srsly.msgpack_loads(model["shims"][0][0])
    model["shims"][0][0] = srsly.msgpack_dumps({**files, str(tmp_path / "outside"): b"x", "../../outside": b"x"})
    component.from_bytes(srsly.msgpack_dumps({**message, "model": srsly.msgpack_dumps(model)}))
    assert not (tmp_path / "outside").exists()


@pytest.mark.parametrize(
    "save", [lambda nlp: nlp.to_bytes(), lambda nlp: pickle.dumps(nlp.get_pipe("xlmr_ner"))], ids=["to_bytes", "pickle"]
)
def test_bytes_beyond_the_limit_are_refused_with_the_way_out(saved, monkeypatch, save):
    nlp = spacy.load(saved[0])
    monkeypatch.setattr(checkpoint_shim, "MAX_BYTES", 1000)
    with pytest.raises(ValueError, match=r"XN410.*1000.*to_disk"):
        save(nlp)


def test_bytes_at_the_limit_fit_msgpack():
    # A value of msgpack holds up to 2**32 - 1 bytes; vocabulary and wrapping come on top.
    assert 2**31 < checkpoint_shim.MAX_BYTES < 2**32
