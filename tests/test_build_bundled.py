"""The script that trains the model in the package, at toy size as its user runs it."""

import gzip
import importlib
import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForTokenClassification, AutoTokenizer

SCRIPT = Path(__file__).parents[1] / "scripts" / "build_bundled.py"
SENTENCES = (
    "Anna/B-PER Schmidt/I-PER lives/O in/O Berlin/B-LOC ./O",
    "Siemens/B-ORG AG/I-ORG is/O in/O New/B-LOC York/I-LOC ./O",
    "the/O dog/O sleeps/O ./O",
    "Jack/B-PER loves/O Siemens/B-ORG !/O",
)
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A corpus of each kind, in the manifest's layout."""
    folder = tmp_path_factory.mktemp("data")
    blocks = ["\n".join("\t".join(pair.rsplit("/", 1)) for pair in text.split()) for text in SENTENCES]
    for name, language in (("panx", "de"), ("uner", "en"), ("gold", "fi")):
        (folder / name).mkdir()
        for split in ("train", "dev"):
            with gzip.open(folder / name / f"{language}.{split}.iob2.gz", "wt", encoding="utf8") as file:
                file.write("\n\n".join(blocks * 30))
    return folder


@pytest.fixture
def build(data):
    """Run the script, as far as so many steps."""

    def run(work, steps, *options):
        sizes = ["--pieces", "36", "--batch-pieces", "128", "--grow-at", "100", "--eval-every", "100"]
        command = [sys.executable, str(SCRIPT), "--data", str(data), "--work", str(work), "--steps", str(steps)]
        done = subprocess.run([*command, *sizes, *options], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in (work / "log.jsonl").read_text().splitlines()]

    return run


def test_script_learns_grows_and_goes_on(build, tmp_path):
    build(tmp_path, 100)
    log = build(tmp_path, 200, "--workers", "1")
    scores = [entry["dev"]["mean uner"] for entry in log if "dev" in entry]
    assert len(scores) == 2  # after each 100 steps; had it begun anew, the second run would have two of its own
    assert scores[-1] > 0.5
    assert AutoTokenizer.from_pretrained(tmp_path / "checkpoint").tokenize("Anna")
    network = AutoModelForTokenClassification.from_pretrained(tmp_path / "checkpoint")
    assert network.config.num_hidden_layers == 4
    assert set(network.config.id2label.values()) == {"O", "B-PER", "I-PER", "B-ORG", "I-ORG", "B-LOC", "I-LOC"}


def test_script_makes_the_same_weights_from_the_same_seed(build, tmp_path):
    for name in ("one", "same", "other"):
        build(tmp_path / name, 60, "--seed", "2" if name == "other" else "1")
    weights = [(tmp_path / name / "checkpoint" / "model.safetensors").read_bytes() for name in ("one", "same", "other")]
    assert weights[0] == weights[1] != weights[2]


def test_script_writes_weights_that_int8_takes_as_they_are(build, tmp_path):
    build(tmp_path, 60, "--for-int8")
    weights = load_file(tmp_path / "checkpoint" / "model.safetensors")
    matrices = [weight.float() for name, weight in weights.items() if ".layer." in name and weight.ndim == 2]
    assert matrices
    for weight in matrices:
        levels = 64 * weight / weight.abs().amax(1, keepdim=True)
        torch.testing.assert_close(levels, levels.round(), atol=0.07, rtol=0)  # two values, each off by 2 ** -11


@pytest.fixture
def check_teachers(monkeypatch):
    monkeypatch.syspath_prepend(str(SCRIPT.parent))
    return importlib.import_module("bundled_teachers").check_teachers


def test_distributions_of_other_teachers_are_not_taken(check_teachers, tmp_path):
    teachers = [tmp_path / name for name in ("one", "two")]
    for teacher in teachers:
        teacher.mkdir()
        (teacher / "model.safetensors").write_text(teacher.name)
    kept = tmp_path / "kept"
    kept.mkdir()
    check_teachers(teachers, kept)
    check_teachers(teachers, kept)
    with pytest.raises(ValueError, match="other teachers"):
        check_teachers(teachers[:1], kept)
