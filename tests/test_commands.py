"""spaCy's commands and ours around a training, each in a process of its own, as a user runs them.

With `-m slow`; test_configs.py runs most of the same within its own process.
"""

import json
import os
import re
import signal
import struct
import subprocess
import sys
from pathlib import Path

import pytest
import spacy
from toys import TOY_STEPS, make_overrides

pytestmark = pytest.mark.slow
FOLDER = Path(__file__).parents[1] / "configs"
CONFIGS = sorted(path.stem for path in FOLDER.glob("*.cfg"))
TEXT = "Jack Sparrow lives in York and the Siemens AG in Berlin"
ENTS = [("Jack Sparrow", "PER"), ("York", "LOC"), ("Siemens AG", "ORG"), ("Berlin", "LOC")]
# No index: packages are built with what is installed here, with a network or without.
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "PIP_NO_INDEX": "1", "PYTHONUTF8": "1"}


def run(*args, status=0, **environment):
    """Run `python ARGS`; returns the finished process, its output as text."""
    command = [sys.executable, *map(str, args)]
    result = subprocess.run(command, capture_output=True, encoding="utf8", env={**ENVIRONMENT, **environment})
    assert result.returncode == status, result.stdout + result.stderr
    return result


def run_spacy(*args, **environment):
    return run("-m", "spacy", *args, **environment)


def run_ours(*args, **settings):
    return run("-m", "spacy_xlmr_ner", *args, **settings)


def spell(overrides):
    """Overrides as the command line has them."""
    return [part for name, value in overrides.items() for part in (f"--{name}", str(value))]


class Training:
    """A toy training: the config, the overrides as the command line has them, the corpus, and where its models go."""

    def __init__(self, config, folder):
        self.config = FOLDER / f"{config}.cfg"
        self.overrides = spell(make_overrides(config, folder))
        self.corpus = folder / "corpus.spacy"
        self.output = folder / "output"
        self.best = self.output / "model-best"

    def run(self, *more):
        return run_spacy("train", self.config, "--output", self.output, *self.overrides, *more)


@pytest.fixture(scope="module")
def training(tmp_path_factory):
    """A trained one."""
    training = Training("finetune_base", tmp_path_factory.mktemp("training"))
    training.process = training.run()
    return training


def find_ents(model):
    return [(ent.text, ent.label_) for ent in spacy.load(model)(TEXT).ents]


def test_train_shows_spacys_table(training):
    rows = re.findall(r"^ +(\d+) +(\d+) +[\d.]+ +([\d.]+) .*$", training.process.stdout, re.MULTILINE)
    assert [int(step) for _, step, _ in rows] == [0, TOY_STEPS // 2, TOY_STEPS]
    assert float(rows[-1][2]) > 90


def test_trained_model_finds_entities(training):
    assert find_ents(training.best) == ENTS
    assert find_ents(training.output / "model-last") == ENTS


def test_spacy_evaluate_scores_a_trained_model(training):
    scores = training.output / "scores.json"
    run_spacy("evaluate", training.best, training.corpus, "--output", scores)
    measured = json.loads(scores.read_text(encoding="utf8"))
    assert measured["ents_f"] > 0.9
    assert sorted(measured["ents_per_type"]) == ["LOC", "ORG", "PER"]


def test_interrupted_training_leaves_both_models_loadable(tmp_path):
    """As by Ctrl-C, once the first models are saved and the next epochs run."""
    training = Training("frozen_encoder", tmp_path)
    command = [sys.executable, "-m", "spacy", "train", str(training.config), "--output", str(training.output)]
    command += [*training.overrides, "--training.max_steps", "0"]
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "preexec_fn": heed_interrupts}
    with subprocess.Popen(command, encoding="utf8", env=ENVIRONMENT, **options) as process:
        rows = 0
        for line in process.stdout:
            # The row of a step is printed when its models have been written.
            rows += bool(re.match(r" +\d+ +\d+ ", line))
            if rows == 3:
                process.send_signal(signal.SIGINT)
                break
        process.communicate(timeout=60)
    assert process.returncode != 0
    assert find_ents(training.best) == find_ents(training.output / "model-last") == ENTS


NAN_CODE = """
import itertools
from spacy_xlmr_ner import trainable

compute_loss, calls = trainable.compute_loss, itertools.count(1)


def compute_nan_at_last(*args, **kwargs):
    loss, gradient = compute_loss(*args, **kwargs)
    return (float("nan") if next(calls) > {n_good} else loss), gradient


trainable.compute_loss = compute_nan_at_last
"""


def test_training_whose_loss_becomes_nan_leaves_both_models_as_they_were(tmp_path):
    training = Training("frozen_encoder", tmp_path)
    code = tmp_path / "nan.py"
    code.write_text(NAN_CODE.format(n_good=TOY_STEPS), encoding="utf8")
    command = ("-m", "spacy", "train", training.config, "--output", training.output, "--code", code)
    said = run(*command, *training.overrides, "--training.max_steps", 2 * TOY_STEPS, status=1).stderr
    assert said.splitlines()[-1].startswith("ValueError: [XN206] The loss of component 'xlmr_ner' is nan, in a batch")
    assert find_ents(training.best) == find_ents(training.output / "model-last") == ENTS


def heed_interrupts():
    """What a shell starts in the background ignores them, and so would this test's child."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_train_shows_spacys_progress_bar_in_a_terminal(tmp_path):
    termios = pytest.importorskip("termios", reason="this system has no pseudo-terminals")
    fcntl = pytest.importorskip("fcntl")
    training = Training("frozen_encoder", tmp_path)
    command = [sys.executable, "-m", "spacy", "train", str(training.config), *training.overrides]
    terminal, end = os.openpty()
    fcntl.ioctl(end, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=end, env=ENVIRONMENT) as process:
        os.close(end)
        shown = b"".join(iter(lambda: read_terminal(terminal), b""))
    os.close(terminal)
    assert process.returncode == 0
    assert re.search(rb"Epoch \d+: +\d+%\|", shown)


def read_terminal(terminal):
    """Some bytes; none when the program has ended, which Linux has as an error."""
    try:
        return os.read(terminal, 4096)
    except OSError:
        return b""


@pytest.mark.parametrize("config", CONFIGS)
def test_every_command_takes_the_config(config, tmp_path):
    if config == "shared_transformer":
        pytest.importorskip("spacy_transformers", reason="spacy-transformers is not installed (extra `shared`)")
    training = Training(config, tmp_path)
    assert "Config is valid" in run_spacy("debug", "config", training.config, *training.overrides).stdout
    assert "Corpus is loadable" in run_spacy("debug", "data", training.config, *training.overrides).stdout
    report = run("-m", "spacy_xlmr_ner", "debug", training.config, *training.overrides).stdout
    assert "labels: LOC, ORG, PER" in " ".join(report.split())
    training.run()
    assert find_ents(training.best) == ENTS
    assert "NER F" in run_spacy("evaluate", training.best, training.corpus).stdout


def test_init_labels_writes_what_a_training_takes(tmp_path):
    training = Training("finetune_base", tmp_path)
    run_spacy("init", "labels", training.config, tmp_path / "labels", *training.overrides)
    file = tmp_path / "labels" / "xlmr_ner.json"
    assert json.loads(file.read_text(encoding="utf8")) == ["LOC", "ORG", "PER"]
    file.write_text('["LOC", "ORG", "PER", "MISC"]', encoding="utf8")
    config = training.config.read_text(encoding="utf8")
    block = f'[initialize.components.xlmr_ner.labels]\n@readers = "spacy.read_labels.v1"\npath = "{file.as_posix()}"\n'
    before, after = config.split("[initialize.components.xlmr_ner]\nlabels = null\n")
    training.config = tmp_path / "labels.cfg"
    training.config.write_text(f"{before}[initialize.components.xlmr_ner]\n{after}\n{block}", encoding="utf8")
    training.run()
    assert spacy.load(training.best).get_pipe("xlmr_ner").labels == ("LOC", "ORG", "PER", "MISC")


def test_assemble_makes_a_pipeline_without_training(training, tmp_path):
    name = training.best / "xlmr_ner" / "checkpoint"
    run_spacy("assemble", training.config, tmp_path / "pipeline", "--components.xlmr_ner.model.name", name)
    assert find_ents(tmp_path / "pipeline") == ENTS


def test_package_installs_and_loads_by_its_name(training, tmp_path):
    run_spacy("package", training.best, tmp_path, "--name", "toy_ner", "--version", "1.2.3", "--build", "sdist")
    archive = tmp_path / "xx_toy_ner-1.2.3" / "dist" / "xx_toy_ner-1.2.3.tar.gz"
    target = tmp_path / "site"
    run("-m", "pip", "install", "--no-deps", "--no-build-isolation", "--target", target, archive)
    code = f"import spacy; print([(ent.text, ent.label_) for ent in spacy.load('xx_toy_ner')({TEXT!r}).ents])"
    assert run("-c", code, PYTHONPATH=str(target)).stdout.strip() == str(ENTS)


def test_benchmark_speed_measures_a_trained_model(training):
    said = run_spacy("benchmark", "speed", training.best, training.corpus, "--batch-size", "16").stdout
    assert re.search(r"Mean: +[\d.]+ words/s", said)


def test_training_goes_on_from_a_trained_model(training, tmp_path):
    """By `source`, as spaCy resumes."""
    config = spacy.util.load_config(training.config, interpolate=False)
    config["components"]["xlmr_ner"] = {"source": str(training.best)}
    config["initialize"]["components"] = {}
    config["training"]["optimizer"]["learn_rate"] = 0.0001
    config.to_disk(tmp_path / "resume.cfg")
    more = ["--training.max_steps", "2", "--training.eval_frequency", "2", "--training.max_epochs", "0"]
    paths = ["--paths.train", training.corpus, "--paths.dev", training.corpus]
    said = run_spacy("train", tmp_path / "resume.cfg", "--output", tmp_path / "output", *paths, *more).stdout
    first = re.search(r"^ +0 +0 +[\d.]+ +([\d.]+) ", said, re.MULTILINE)
    assert float(first[1]) > 90
    assert find_ents(tmp_path / "output" / "model-best") == ENTS


def test_init_checkpoint_convert_and_transfer_run_as_processes(training, tmp_path):
    """From text to a checkpoint, from labelled text to a corpus, and a table of a model over two of them."""
    (tmp_path / "plain.txt").write_text(f"{TEXT}\n" * 40, encoding="utf8")
    sizes = ("--vocab-size", "30", "--hidden-size", "16", "--layers", "1", "--heads", "2")
    run_ours("init-checkpoint", tmp_path / "checkpoint", "--text", tmp_path / "plain.txt", *sizes)
    assert (tmp_path / "checkpoint" / "model.safetensors").exists()
    good = "en:Jack\tB-PER\nen:lives\tO\n\n"
    (tmp_path / "de.txt").write_text(good, encoding="utf8")
    (tmp_path / "fr.txt").write_text(good + "fr:what\n", encoding="utf8")
    for name, options, status in (("de", ["--strict"], 0), ("fr", ["--strict"], 1), ("fr", [], 0)):
        run_ours("convert", tmp_path / f"{name}.txt", tmp_path / f"{name}.spacy", *options, status=status)
    data = [f"{name}={tmp_path / name}.spacy" for name in ("de", "fr")]
    table = run_ours("transfer", f"toy={training.best}", "--data", *data).stdout.splitlines()
    assert [table[0].split(), table[-1].split()[0]] == [["F1", "de", "fr", "Mean"], "toy"]
