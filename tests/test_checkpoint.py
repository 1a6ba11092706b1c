import json
import os
import pickle
import shutil
import subprocess
import sys
import time
from pathlib import Path

import fake_hub
import numpy as np
import pytest
import spacy
import torch
from safetensors.torch import load_file, save_file
from toys import IOB_TAGS, make_config, write_random, write_tokenizer
from transformers import (
    AutoModelForTokenClassification,
    BertConfig,
    BertForTokenClassification,
    BertTokenizerFast,
    XLMRobertaModel,
    XLMRobertaXLConfig,
    XLMRobertaXLForTokenClassification,
)

from spacy_xlmr_ner.checkpoint import load_checkpoint, read_checkpoint
from spacy_xlmr_ner.checkpoint_files import CheckpointSource
from spacy_xlmr_ner.errors import CheckpointError

WEIGHTS = "model.safetensors"
SENTENCEPIECE = "sentencepiece.bpe.model"
TEXT = "Jack Sparrow loves  New York 🚀🚀!"


@pytest.fixture
def folder(random_checkpoint, tmp_path) -> Path:
    """A copy of a good checkpoint, to be damaged."""
    return shutil.copytree(random_checkpoint, tmp_path / "checkpoint")


def load(name, *, labels=None, revision="main", local_files_only=False):
    return load_checkpoint(CheckpointSource(name, labels, revision, local_files_only))


def edit_config(folder: Path, **changes) -> None:
    """Set entries of config.json; None takes one out."""
    path = folder / "config.json"
    config = {**json.loads(path.read_text()), **changes}
    path.write_text(json.dumps({key: value for key, value in config.items() if value is not None}))


def keep_tokenizer(folder: Path, kept: str) -> None:
    for path in folder.iterdir():
        if path.name not in (kept, "config.json", WEIGHTS):
            path.unlink()


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def drop_weights(folder: Path, prefix: str) -> None:
    weights = load_file(folder / WEIGHTS)
    save_file(
        {name: weights[name] for name in weights if not name.startswith(prefix)}, folder / WEIGHTS, {"format": "pt"}
    )


def to_old_format(folder: Path) -> None:
    torch.save(load_file(folder / WEIGHTS), folder / "pytorch_model.bin")
    (folder / WEIGHTS).unlink()


def to_shards(folder: Path) -> None:
    model = AutoModelForTokenClassification.from_pretrained(folder)
    (folder / WEIGHTS).unlink()
    model.save_pretrained(folder, max_shard_size="50KB")


def compute_logits(checkpoint) -> np.ndarray:
    pieces = checkpoint.tokenizer.tokenize([spacy.blank("xx")(TEXT)], "text").ids
    with torch.inference_mode():
        return checkpoint.network(torch.from_numpy(pieces)[None]).logits.numpy()


# Forms of a checkpoint


@pytest.mark.parametrize("kept", ["tokenizer.json", SENTENCEPIECE])
def test_read_checkpoint_reads_each_kind_of_tokenizer(folder, kept, random_checkpoint):
    keep_tokenizer(folder, kept)
    docs = [spacy.blank("xx")(TEXT)]
    pieces = read_checkpoint(folder).tokenizer.tokenize(docs, "words")
    both = read_checkpoint(random_checkpoint).tokenizer.tokenize(docs, "words")
    assert pieces.ids.tolist() == both.ids.tolist()
    # Jack Spar|row love|s " " New York ▁|🚀 ▁|🚀 ▁|!
    assert "".join(map(str, pieces.tokens.lengths)) == "122011222"


@pytest.mark.parametrize("convert", [to_old_format, to_shards])
def test_read_checkpoint_reads_each_form_of_weights(folder, convert, random_checkpoint):
    convert(folder)
    checkpoint = read_checkpoint(folder)
    checkpoint.check_trained()
    np.testing.assert_array_equal(compute_logits(checkpoint), compute_logits(read_checkpoint(random_checkpoint)))


def test_read_checkpoint_prefers_safetensors_to_an_old_file(folder):
    (folder / "pytorch_model.bin").write_bytes(b"not read")
    read_checkpoint(folder).check_trained()


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
@pytest.mark.parametrize(
    "make",
    [
        lambda payload, path: torch.save({"weight": payload}, path),
        lambda payload, path: path.write_bytes(pickle.dumps(payload)),
    ],
)
def test_read_checkpoint_refuses_a_pickle_that_runs_code(folder, make, tmp_path):
    class Payload:
        def __reduce__(self):
            return Path.touch, (tmp_path / "was run",)

    (folder / WEIGHTS).unlink()
    make(Payload(), folder / "pytorch_model.bin")
    with pytest.raises(CheckpointError, match=r"XN406.*pytorch_model.bin.*more than tensors"):
        read_checkpoint(folder)
    assert not (tmp_path / "was run").exists()


def test_read_checkpoint_keeps_the_dtype_of_the_file(folder):
    AutoModelForTokenClassification.from_pretrained(folder).half().save_pretrained(folder)
    assert read_checkpoint(folder).network.dtype == torch.float16


def test_load_checkpoint_without_a_name_takes_the_bundled_model():
    assert set(load(None).tags) == {"O", "B-PER", "I-PER", "B-ORG", "I-ORG", "B-LOC", "I-LOC"}


# Architectures


def write_xl(folder: Path) -> Path:
    tokenizer = write_tokenizer(folder)
    config = XLMRobertaXLConfig(
        **make_config(len(tokenizer), IOB_TAGS).to_diff_dict() | {"model_type": "xlm-roberta-xl"}
    )
    XLMRobertaXLForTokenClassification(config).save_pretrained(folder)
    return folder


def write_large(folder: Path) -> Path:
    # XLM-R large in small: deeper, more heads, and a feed-forward layer of four times the width.
    return write_random(folder, num_hidden_layers=4, num_attention_heads=16, intermediate_size=256)


def write_bert(folder: Path) -> Path:
    folder.mkdir()
    vocabulary = [
        "[PAD]",
        "[UNK]",
        "[CLS]",
        "[SEP]",
        "[MASK]",
        "Jack",
        "Spar",
        "##row",
        "love",
        "##s",
        "New",
        "York",
        "!",
    ]
    (folder / "vocab.txt").write_text("\n".join(vocabulary))
    BertTokenizerFast(str(folder / "vocab.txt"), do_lower_case=False).save_pretrained(folder)
    labels = {"id2label": dict(enumerate(IOB_TAGS)), "label2id": {tag: i for i, tag in enumerate(IOB_TAGS)}}
    shape = {"num_hidden_layers": 2, "num_attention_heads": 2, "hidden_size": 32, "intermediate_size": 64}
    config = BertConfig(vocab_size=len(vocabulary), max_position_embeddings=40, **shape, **labels)
    BertForTokenClassification(config).save_pretrained(folder)
    return folder


@pytest.mark.parametrize("write, window", [(write_xl, 512), (write_large, 512), (write_bert, 40)])
@pytest.mark.parametrize("input", ["words", "text"])
def test_checkpoint_of_another_architecture_predicts(write, window, input, tmp_path, make_nlp):
    folder = write(tmp_path / "checkpoint")
    component = make_nlp(folder, model={"input": input, "overlap": 4}).get_pipe("xlmr_ner")
    doc = spacy.blank("xx")("Jack Sparrow loves New York! " * 100)  # longer than a window
    (probs,) = component.token_probs([doc])
    assert read_checkpoint(folder).max_window == window
    assert probs.shape == (len(doc), 7)
    assert np.isfinite(probs).all()


@pytest.mark.parametrize("rows, window", [(514, 512), (130, 128)])
def test_max_window_is_what_position_embeddings_hold_behind_the_padding_id(rows, window, tmp_path):
    checkpoint = read_checkpoint(write_random(tmp_path, max_position_embeddings=rows))
    assert checkpoint.max_window == window
    checkpoint.network(torch.full((1, window), 5))
    with pytest.raises((IndexError, RuntimeError), match=r"out of (range|bounds)"):
        checkpoint.network(torch.full((1, window + 1), 5))


def test_max_window_does_not_follow_the_tokenizers_own_limit(folder):
    settings = json.loads((folder / "tokenizer_config.json").read_text())
    (folder / "tokenizer_config.json").write_text(json.dumps({**settings, "model_max_length": int(1e30)}))
    assert read_checkpoint(folder).max_window == 512


# Tags


def test_tags_without_names_are_refused(folder):
    edit_config(folder, id2label={str(i): f"LABEL_{i}" for i in range(7)}, label2id={f"LABEL_{i}": i for i in range(7)})
    with pytest.raises(CheckpointError, match=r"XN201.*LABEL_0.*labels = "):
        read_checkpoint(folder)


def test_tags_without_names_take_those_of_the_setting(folder):
    edit_config(folder, id2label={str(i): f"LABEL_{i}" for i in range(7)}, label2id={f"LABEL_{i}": i for i in range(7)})
    checkpoint = load(str(folder), labels=IOB_TAGS)
    assert checkpoint.tags == IOB_TAGS
    assert checkpoint.network.config.id2label == dict(enumerate(IOB_TAGS))  # so that it is saved with its names


@pytest.mark.parametrize("labels", [("O", "B-PER"), (*IOB_TAGS, "B-X")])
def test_tags_of_the_setting_must_be_as_many_as_the_checkpoints(folder, labels):
    with pytest.raises(CheckpointError, match=rf"XN202.* {len(labels)} tags .* has 7"):
        load(str(folder), labels=labels)


def test_tags_numbered_with_a_gap_are_refused(folder):
    edit_config(folder, id2label={str(i + 1): tag for i, tag in enumerate(IOB_TAGS)})
    with pytest.raises(CheckpointError, match=r"XN406.*config.json.*id2label.*0 to 6"):
        read_checkpoint(folder)


# What is refused


def test_folder_with_code_of_its_own_is_refused(folder):
    edit_config(folder, model_type="mine", auto_map={"AutoConfig": "mine.Config"})
    (folder / "mine.py").write_text("raise SystemExit('the code was run')")
    with pytest.raises(CheckpointError, match="XN409"):
        read_checkpoint(folder)


def test_head_that_is_missing_is_refused_at_prediction_only(make_nlp, tmp_path):
    tokenizer = write_tokenizer(tmp_path)
    XLMRobertaModel(make_config(len(tokenizer), IOB_TAGS)).save_pretrained(tmp_path)
    nlp = make_nlp(tmp_path)
    assert nlp.get_pipe("xlmr_ner").labels == ("PER", "ORG", "LOC")
    with pytest.raises(CheckpointError, match=r"XN404.*classifier.weight"):
        nlp("Jack")


def test_encoder_weights_that_are_missing_are_refused_at_prediction(make_nlp, folder):
    drop_weights(folder, "roberta.encoder.layer.1.attention.self.query")
    with pytest.raises(CheckpointError, match=r"XN405.* 2 of .*layer.1.attention.self.query"):
        make_nlp(folder)("Jack")


def write_other_tokenizer(folder: Path) -> None:
    write_tokenizer(folder.parent / "other", words=[f"word{i}" for i in range(100)])
    for file in ("tokenizer.json", SENTENCEPIECE):
        shutil.copy(folder.parent / "other" / file, folder / file)


def break_sentencepiece(folder: Path, content: bytes) -> None:
    keep_tokenizer(folder, SENTENCEPIECE)
    (folder / SENTENCEPIECE).write_bytes(content)


@pytest.mark.parametrize(
    "damage, code, file",
    [
        (lambda folder: (folder / "config.json").unlink(), "XN402", "config.json is missing"),
        (lambda folder: (folder / WEIGHTS).unlink(), "XN402", "model.safetensors .*is missing"),
        (lambda folder: keep_tokenizer(folder, WEIGHTS), "XN402", "tokenizer.json .*is missing"),
        (lambda folder: cut(folder / "config.json"), "XN406", "config.json"),
        (lambda folder: (folder / "config.json").write_text("[]"), "XN406", "config.json"),
        (lambda folder: edit_config(folder, model_type=None), "XN406", "config.json"),
        (lambda folder: edit_config(folder, model_type="mine"), "XN406", "config.json"),
        (lambda folder: cut(folder / WEIGHTS), "XN406", WEIGHTS),
        (lambda folder: (folder / WEIGHTS).write_text("version https://git-lfs.github.com/spec/v1"), "XN406", WEIGHTS),
        (lambda folder: edit_config(folder, vocab_size=20), "XN406", "model.safetensors.*word_embeddings"),
        (lambda folder: edit_config(folder, hidden_size=32), "XN406", "model.safetensors.*other shapes"),
        (lambda folder: [to_old_format(folder), cut(folder / "pytorch_model.bin")], "XN406", "pytorch_model.bin"),
        (
            lambda folder: [to_shards(folder), (folder / "model-00001-of-00007.safetensors").unlink()],
            "XN406",
            "00001-of",
        ),
        (lambda folder: cut(folder / "tokenizer.json"), "XN406", "tokenizer.json"),
        (lambda folder: (folder / "tokenizer.json").write_text(""), "XN406", "tokenizer.json"),
        (lambda folder: break_sentencepiece(folder, b""), "XN406", SENTENCEPIECE),
        (lambda folder: break_sentencepiece(folder, b"<html>Not found</html>"), "XN406", SENTENCEPIECE),
        (write_other_tokenizer, "XN408", "tokenizer"),
    ],
)
def test_damaged_folder_gives_an_error_that_names_the_file(folder, damage, code, file):
    damage(folder)
    with pytest.raises(CheckpointError, match=rf"{code}.*{file}") as caught:
        read_checkpoint(folder, origin="the checkpoint")
    assert len(str(caught.value)) < 600
    assert any(way_out in str(caught.value) for way_out in ("save_pretrained", "Fetch or save", "Put the right ones"))


# Names that are no folder


@pytest.mark.parametrize("name", ["/no/such/folder", "./folder", "a/b/c", "with space", "", __file__])
def test_load_checkpoint_refuses_what_is_neither_folder_nor_hub_id(name):
    with pytest.raises(CheckpointError, match="XN401"):
        load(name)


@pytest.fixture(scope="module")
def hub_folders(random_checkpoint, tmp_path_factory):
    """What the hub has: as `main` a checkpoint and files that are not to be fetched, as `v1` one in the old format."""
    main, v1 = tmp_path_factory.mktemp("hub") / "main", tmp_path_factory.mktemp("hub") / "v1"
    shutil.copytree(random_checkpoint, main)
    for file in ("pytorch_model.bin", "tf_model.h5", "modeling.py"):
        (main / file).write_text("not to be fetched")
    to_old_format(write_random(v1, tags=("O", "B-SHIP", "I-SHIP")))
    return main, v1


@pytest.fixture(scope="module")
def hub_answers(hub_folders, tmp_path_factory):
    """What loads from a fake hub gave, each by a name; one process for all."""
    command = [sys.executable, fake_hub.__file__, *map(str, hub_folders)]
    done = subprocess.run(
        command, env=_make_env(tmp_path_factory.mktemp("home")), capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def _make_env(home: Path, **more):
    """This process's environment, without proxies, and with an empty cache of the hub."""
    kept = {key: value for key, value in os.environ.items() if "proxy" not in key.lower() and not key.startswith("HF_")}
    return {**kept, "HF_HOME": str(home), "OMP_NUM_THREADS": "1", **more}


@pytest.mark.parametrize(
    "load, tags",
    [("branch", list(IOB_TAGS)), ("tag", ["O", "B-SHIP", "I-SHIP"]), ("commit", ["O", "B-SHIP", "I-SHIP"])],
)
def test_hub_id_is_fetched_at_its_revision(hub_answers, load, tags):
    assert hub_answers[load] == tags


def test_hub_id_fetches_only_what_is_read(hub_answers):
    fetched = hub_answers["fetched"]
    assert "main/model.safetensors" in fetched
    assert {"main/pytorch_model.bin", "main/tf_model.h5", "main/modeling.py"}.isdisjoint(fetched)
    assert "v1/pytorch_model.bin" in fetched  # where there is nothing safer


def test_bulk_job_tells_a_hub_id_by_its_commit(hub_answers):
    assert hub_answers["version"] == "owner/name " + "a" * 40


@pytest.mark.parametrize("load", ["no network, here already", "silent hub, here already", "local files only"])
def test_hub_id_is_read_from_its_cache(hub_answers, load):
    assert hub_answers[load] == list(IOB_TAGS)


@pytest.mark.parametrize(
    "load, name, revision",
    [
        ("local files only, not here", "owner/name", "main"),
        ("no such revision", "owner/name", "v9"),
        ("no such id", "owner/missing", "main"),
        ("no network, not here", "owner/missing", "main"),
        ("silent hub, not here", "owner/missing", "main"),
    ],
)
def test_hub_id_that_is_not_to_be_had_is_named(hub_answers, load, name, revision):
    assert hub_answers[load].startswith(f"CheckpointError: [XN403] The checkpoint '{name}' (revision '{revision}')")
    assert "local folder" in hub_answers[load]


@pytest.mark.slow
def test_hub_id_in_the_cache_is_read_offline(random_checkpoint, tmp_path):
    repository = tmp_path / "hub" / "models--owner--name"
    shutil.copytree(random_checkpoint, repository / "snapshots" / ("c" * 40))
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("c" * 40)
    code = """
import spacy
for local_files_only in True, False:
    nlp = spacy.blank("xx")
    nlp.add_pipe("xlmr_ner", config={"model": {"name": "owner/name", "local_files_only": local_files_only}})
    nlp("Jack Sparrow")
    print(*nlp.get_pipe("xlmr_ner").tags)
"""
    env = _make_env(tmp_path, HF_HUB_OFFLINE="1")
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, timeout=60)
    assert done.stdout.split() == [*IOB_TAGS, *IOB_TAGS], done.stderr


def test_read_checkpoint_takes_a_tokenizer_that_transformers_5_wrote(random_checkpoint, tmp_path):
    """It writes a list where 4.53 expects a mapping."""
    folder = shutil.copytree(random_checkpoint, tmp_path / "copy")
    file = folder / "tokenizer_config.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "extra_special_tokens": []}))
    expected = read_checkpoint(random_checkpoint).hf_tokenizer("Jack Sparrow")["input_ids"]
    assert read_checkpoint(folder).hf_tokenizer("Jack Sparrow")["input_ids"] == expected


@pytest.mark.parametrize("pad", [None, True])
def test_read_checkpoint_refuses_a_padding_that_is_no_id(random_checkpoint, tmp_path, pad):
    folder = shutil.copytree(random_checkpoint, tmp_path / "copy")
    settings = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**settings, "pad_token_id": pad}))
    with pytest.raises(CheckpointError, match=r"XN406\] config.json of.*pad_token_id"):
        read_checkpoint(folder)


@pytest.mark.parametrize("content", ["", '{"half": ', "[]", "\x00garbage"])
@pytest.mark.parametrize("file", ["tokenizer_config.json", "config.json"])
def test_read_checkpoint_names_the_damaged_settings_file(random_checkpoint, tmp_path, file, content):
    folder = shutil.copytree(random_checkpoint, tmp_path / "copy")
    (folder / file).write_text(content)
    with pytest.raises(CheckpointError, match=rf"XN406\] {file} of"):
        read_checkpoint(folder)


def test_read_checkpoint_misses_the_model_type(random_checkpoint, tmp_path):
    folder = shutil.copytree(random_checkpoint, tmp_path / "copy")
    (folder / "config.json").write_text("{}")
    with pytest.raises(CheckpointError, match="model_type"):
        read_checkpoint(folder)


def test_read_checkpoint_refuses_a_slow_tokenizer(random_checkpoint, monkeypatch):
    class SlowTokenizer:
        is_fast = False

    monkeypatch.setattr("spacy_xlmr_ner.checkpoint.AutoTokenizer.from_pretrained", lambda *_, **__: SlowTokenizer())
    with pytest.raises(CheckpointError, match=r"XN407.*SlowTokenizer"):
        read_checkpoint(random_checkpoint)


# What a folder must not lead to


@pytest.mark.parametrize(
    "sizes",
    [
        {"hidden_size": 8192, "intermediate_size": 32768},
        {"vocab_size": 2_000_000},
        {"num_hidden_layers": 20_000},
        {"max_position_embeddings": 10**12},
    ],
    ids=lambda sizes: next(iter(sizes)),
)
def test_sizes_that_the_weights_cannot_fill_are_refused_before_they_take_memory(folder, sizes):
    edit_config(folder, **sizes)
    start = time.process_time()
    with pytest.raises(CheckpointError, match=r"XN406.*model.safetensors.*(cannot hold the weights|can't allocate)"):
        read_checkpoint(folder)
    assert time.process_time() - start < 10


def point_index(folder: Path, part: str) -> None:
    """Have an index of weights name a file."""
    names = list(load_file(folder / WEIGHTS))
    (folder / WEIGHTS).rename(folder.parent / "outside.safetensors")
    index = {"metadata": {}, "weight_map": {name: part for name in names}}
    (folder / f"{WEIGHTS}.index.json").write_text(json.dumps(index))


@pytest.mark.parametrize("form", ["../outside.safetensors", "{}/outside.safetensors"])
def test_weights_outside_the_folder_are_not_read(folder, form):
    point_index(folder, form.format(folder.parent))
    with pytest.raises(CheckpointError, match=r"XN406.*index.json.*outside.safetensors', which is not in its folder"):
        read_checkpoint(folder)


@pytest.mark.parametrize(
    "content", ["{}", '{"weight_map": []}', '{"weight_map": {"a": 1}}', '{"weight_map": {"a": null}}']
)
def test_index_of_weights_that_is_none_is_named(folder, content):
    (folder / WEIGHTS).unlink()
    (folder / f"{WEIGHTS}.index.json").write_text(content)
    with pytest.raises(CheckpointError, match=r"XN406\] model.safetensors.index.json of"):
        read_checkpoint(folder)


def test_tokenizer_outside_the_folder_is_not_read(folder):
    (folder / "tokenizer.json").rename(folder.parent / "tokenizer.4.0.0.json")
    file = folder / "tokenizer_config.json"
    settings = {**json.loads(file.read_text()), "fast_tokenizer_files": ["../tokenizer.4.0.0.json"]}
    file.write_text(json.dumps(settings))
    with pytest.raises(CheckpointError, match=r"XN406\] tokenizer_config.json.*not in its folder"):
        read_checkpoint(folder)


@pytest.mark.parametrize("name", ["owner/kernel", "kernels-community/flash-attn", "flash_attention_2"])
def test_attention_is_not_what_the_folder_names(folder, name, random_checkpoint):
    """transformers 5 would fetch a repository of that name, and run what it holds."""
    edit_config(folder, attn_implementation=name)
    np.testing.assert_array_equal(
        compute_logits(read_checkpoint(folder)), compute_logits(read_checkpoint(random_checkpoint))
    )


@pytest.mark.parametrize("file", ["config.json", WEIGHTS, "tokenizer.json"])
def test_folder_by_the_name_of_a_file_is_none(folder, file):
    if file == "tokenizer.json":
        keep_tokenizer(folder, file)
    (folder / file).unlink()
    (folder / file).mkdir()
    with pytest.raises(CheckpointError, match=rf"XN402.*{file} .*missing"):
        read_checkpoint(folder)


def test_panic_over_a_tokenizer_is_told_as_an_error(folder):
    """What Rust raises is no Exception."""
    file = folder / "tokenizer.json"
    settings = json.loads(file.read_text())
    normalizers = settings["normalizer"].get("normalizers", [settings["normalizer"]])
    own = next(one for one in normalizers if one["type"] == "Precompiled")
    own["precompiled_charsmap"] = own["precompiled_charsmap"][:-5] + "====="
    file.write_text(json.dumps(settings))
    with pytest.raises(CheckpointError, match=r"XN406\] tokenizer.json"):
        read_checkpoint(folder)
