"""Checkpoint folders, saved pipelines and their bytes, damaged by chance and by malice."""

import json
import shutil
import struct
import warnings
from functools import lru_cache
from pathlib import Path
from typing import Any, Callable, Dict, List

import spacy
import srsly
import torch
from safetensors.torch import load_file, save_file
from spacy.tokens import Doc

from .choices import Choices, edit_bytes, edit_json
from .text_cases import assert_sound, get_nlp

WEIGHTS = "model.safetensors"
SETTINGS = ("config.json", "tokenizer.json", "tokenizer_config.json")
# Beside the checkpoint: what would be run, were the code of a checkpoint ever run, and names that others read.
PLANTED = {
    "modeling_evil.py": "raise SystemExit('the code was run')",
    "tokenization_evil.py": "raise SystemExit('the code was run')",
    "configuration_evil.py": "raise SystemExit('the code was run')",
}
SIZES = ("hidden_size", "vocab_size", "num_hidden_layers", "intermediate_size", "max_position_embeddings")
LARGE = (0, 1, 3, 31, 8192, 10**6, 10**9, 2**31, 2**63, -1)
NAMED = (
    {"auto_map": {"AutoConfig": "configuration_evil.Config", "AutoModel": "modeling_evil.Model"}},
    {"model_type": "evil", "auto_map": {"AutoConfig": "configuration_evil.Config"}},
    {"auto_map": {"AutoTokenizer": ["tokenization_evil.Tokenizer", None]}},
    {"tokenizer_class": "EvilTokenizer"},
    {"attn_implementation": "owner/kernel"},
    {"quantization_config": {"quant_method": "bitsandbytes"}},
    {"transformers_weights": "../outside.safetensors"},
    {"_name_or_path": "../outside"},
    {"fast_tokenizer_files": ["../tokenizer.4.0.0.json"]},
    {"vocab_file": "../outside", "tokenizer_file": "/etc/hostname"},
    {"dtype": "float64"},
    {"dtype": "load"},
    {"torch_dtype": "bfloat16"},
    {"id2label": {str(i): f"B-{i}" for i in range(7)}},
    {"model_type": "bert"},
    {"model_type": "gpt2"},
    {"architectures": ["Evil"]},
)
_FOLDERS: Dict[str, Path] = {}


def place_folders(folder: Path) -> None:
    """Say where the good folders are, and where those of the cases are made."""
    _FOLDERS.update(good=folder / "random", case=folder / "case", pipeline=folder / "pipeline")
    if not _FOLDERS["pipeline"].exists():
        get_nlp("words").to_disk(_FOLDERS["pipeline"])


def copy(name: str) -> Path:
    """A fresh copy of a good folder, to be damaged."""
    shutil.rmtree(_FOLDERS["case"], ignore_errors=True)
    return shutil.copytree(_FOLDERS[name], _FOLDERS["case"])


def damage_checkpoint(folder: Path, choices: Choices) -> None:
    """Change a checkpoint's folder in one way."""
    kind: Callable[[Path, Choices], None] = choices.pick(
        (edit_file, edit_settings, set_sizes, name_things, edit_header, change_weights, take_files, plant_index)
    )
    kind(folder, choices)


def edit_file(folder: Path, choices: Choices) -> None:
    path = choices.pick(sorted(path for path in folder.iterdir() if path.is_file()))
    path.write_bytes(edit_bytes(path.read_bytes(), choices, 1 + choices.number(3)))


def edit_settings(folder: Path, choices: Choices) -> None:
    path = folder / choices.pick(SETTINGS)
    if path.exists():
        path.write_text(json.dumps(edit_json(json.loads(path.read_text()), choices, 1 + choices.number(3))))


def merge_settings(path: Path, more: Dict[str, Any]) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **more}))


def set_sizes(folder: Path, choices: Choices) -> None:
    merge_settings(folder / "config.json", {choices.pick(SIZES): choices.pick(LARGE)})


def name_things(folder: Path, choices: Choices) -> None:
    for name, content in PLANTED.items():
        (folder / name).write_text(content)
    merge_settings(folder / choices.pick(SETTINGS[::2]), choices.pick(NAMED))


def edit_header(folder: Path, choices: Choices) -> None:
    """Other sizes, places and dtypes in the header of the weights."""
    data = (folder / WEIGHTS).read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.dumps(edit_json(json.loads(data[8 : 8 + length]), choices, 1 + choices.number(3))).encode()
    stated = len(header) if choices.number(4) else choices.pick((0, 1, 2**20, 2**40, 2**63))
    (folder / WEIGHTS).write_bytes(struct.pack("<Q", stated) + header + data[8 + length :])


def change_weights(folder: Path, choices: Choices) -> None:
    weights = load_file(folder / WEIGHTS)
    name = choices.pick(sorted(weights))
    changed: List[Any] = [
        weights[name] * float("nan"),
        weights[name] * float("inf"),
        weights[name].to(torch.float16),
        weights[name].to(torch.int32),
        weights[name].flatten(),
        weights[name][..., :1].contiguous(),
        torch.zeros(0),
        torch.zeros(()),
    ]
    save_file({**weights, name: choices.pick(changed)}, folder / WEIGHTS, {"format": choices.pick(("pt", "tf", ""))})


def take_files(folder: Path, choices: Choices) -> None:
    for path in sorted(folder.iterdir()):
        if path.is_file() and not choices.number(3):
            path.unlink()
            if not choices.number(4):
                path.mkdir()


def plant_index(folder: Path, choices: Choices) -> None:
    """Weights in parts, some of which are elsewhere."""
    names = sorted(load_file(folder / WEIGHTS))
    (folder / WEIGHTS).rename(folder / "part.safetensors")
    shutil.copy(folder / "part.safetensors", folder.parent / "outside.safetensors")
    part = choices.pick(("part.safetensors", "../outside.safetensors", "", ".", "/etc/hostname", "missing", "a\0b"))
    index = {"metadata": {}, "weight_map": {name: part for name in names}}
    (folder / f"{WEIGHTS}.index.json").write_text(json.dumps(edit_json(index, choices, choices.number(2))))


def check_checkpoint(data: bytes) -> None:
    """A damaged folder: refused, or it answers as any checkpoint does."""
    choices = Choices(data)
    folder = copy("good")
    if not choices.number(4):
        (folder / "tokenizer.json").unlink()
    damage_checkpoint(folder, choices)
    nlp = spacy.blank("xx")
    nlp.add_pipe("xlmr_ner", config={"model": {"name": str(folder)}})
    assert_answers(nlp)


def assert_answers(nlp: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        doc = nlp(Doc(nlp.vocab, words=["Anna", " ", "Berlin", "🚀"]))
    labels = set(nlp.get_pipe("xlmr_ner").labels)
    assert {ent.label_ for ent in doc.ents} <= labels
    if labels <= {"PER", "ORG", "LOC"}:
        assert_sound(doc)


def check_pipeline(data: bytes) -> None:
    """A damaged folder of a saved pipeline."""
    choices = Choices(data)
    folder = copy("pipeline")
    kind = choices.number(4)
    if kind == 0:
        damage_checkpoint(folder / "xlmr_ner" / "checkpoint", choices)
    else:
        place = folder if kind == 1 else folder / "xlmr_ner"
        path = choices.pick(sorted(path for path in place.rglob("*") if path.is_file()))
        path.write_bytes(edit_bytes(path.read_bytes(), choices, 1 + choices.number(3)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        nlp = spacy.load(folder)
    if "xlmr_ner" in nlp.pipe_names:
        assert_answers(nlp)


@lru_cache
def make_bytes() -> bytes:
    return get_nlp("words").get_pipe("xlmr_ner").to_bytes()


def check_bytes(data: bytes) -> None:
    """Damaged bytes of a component: cut, flipped, or with files of other names in them."""
    choices = Choices(data)
    if choices.number(2):
        content = edit_bytes(make_bytes(), choices, 1 + choices.number(3))
    else:
        content = rename_files(make_bytes(), choices)
    nlp = spacy.blank("xx")
    pipe = nlp.add_pipe("xlmr_ner", config={"model": {"name": str(_FOLDERS["good"])}})
    pipe.from_bytes(content)
    assert_answers(nlp)


def rename_files(content: bytes, choices: Choices) -> bytes:
    """The files of a checkpoint inside the bytes, one by another name or with another content."""
    message = srsly.msgpack_loads(content)
    model = srsly.msgpack_loads(message["model"])
    files = srsly.msgpack_loads(model["shims"][0][0])
    name = choices.pick(sorted(files))
    other = choices.pick(("../escape", "/etc/hostname", "..", ".", "", "a/b", "a\0b", b"raw", 1, None, name))
    files[other] = choices.pick((files.pop(name), 1, None, "text", b""))
    model["shims"][0][0] = srsly.msgpack_dumps(files)
    return srsly.msgpack_dumps({**message, "model": srsly.msgpack_dumps(model)})
