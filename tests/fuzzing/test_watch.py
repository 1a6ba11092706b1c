"""The watch over hard cases sees what it is for."""

import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from confection import ConfigValidationError
from fuzzing import watch as watch_module
from fuzzing.watch import Breach, Watch

from spacy_xlmr_ner.corpus.reading import read_docbin
from spacy_xlmr_ner.errors import CheckpointError, Errors


@pytest.fixture(scope="module")
def watch(tmp_path_factory):
    return Watch(tmp_path_factory.mktemp("watched") / "folder")


@pytest.fixture(autouse=True)
def folder(watch):
    watch.folder.mkdir(exist_ok=True)
    watch.peak = 0
    return watch.folder


class Payload:
    def __reduce__(self):
        return print, ("run",)


def import_from(folder):
    (folder / "evil_module.py").write_text("")
    sys.path.insert(0, str(folder))
    try:
        __import__("evil_module")
    finally:
        sys.path.remove(str(folder))
        sys.modules.pop("evil_module")


BREACHES = {
    "an error without a code": (lambda folder: {}["missing"], "KeyError"),
    "a wrong answer": (lambda folder: pytest.fail("wrong"), "wrong"),
    "a file beside the folder": (lambda folder: (folder.parent / "escaped").write_text("x"), "escaped"),
    "a file above the folder": (lambda folder: (folder / ".." / "escaped").write_text("x"), "escaped"),
    "a folder beside it": (lambda folder: os.makedirs(folder.parent / "other"), "os.mkdir"),
    "a file moved out": (
        lambda folder: [(folder / "a").write_text(""), (folder / "a").rename(folder.parent / "b")],
        "os.rename",
    ),
    "a file that is none of its own": (lambda folder: Path(f"{folder}.bait").read_text(), "bait"),
    "a pickle": (lambda folder: pickle.loads(pickle.dumps(Payload())), "pickle.find_class"),
    "a program": (lambda folder: subprocess.run([sys.executable, "-c", ""], check=True), "subprocess.Popen"),
    "code of the folder": (
        lambda folder: exec(compile("1", str(folder / "code.py"), "exec")),
        "code of the case was run",
    ),
    "a module of the folder": (import_from, "code of the case|a module of the case"),
}


@pytest.mark.parametrize("act, said", BREACHES.values(), ids=BREACHES)
def test_watch_sees(watch, act, said):
    with pytest.raises(Breach, match=said):
        watch.run(lambda data: act(watch.folder), b"")


def test_watch_sees_time(watch, monkeypatch):
    monkeypatch.setattr(watch_module, "SECONDS", 0.01)
    with pytest.raises(Breach, match=r"it took .* s"):
        watch.run(lambda data: sum(range(2_000_000)), b"")


@pytest.mark.skipif(sys.platform != "linux", reason="the peak of memory is told by Linux alone")
def test_watch_sees_memory(watch, monkeypatch):
    monkeypatch.setattr(watch_module, "MAX_BYTES", 20 * 2**20)
    watch.run(lambda data: np.ones(2**20), b"")
    with pytest.raises(Breach, match="GiB"):
        watch.run(lambda data: np.ones(2**23), b"")


def fail_coded(data):
    raise CheckpointError(Errors.XN401.format(path="x"))


def fail_validation(data):
    raise ConfigValidationError(config={}, errors=[])


@pytest.mark.parametrize(
    "check, outcome",
    [
        (lambda data: None, "answer"),
        (fail_coded, "XN401"),
        (fail_validation, "ConfigValidationError"),
        (lambda data: read_docbin(Path(os.devnull), None), "XN222"),
    ],
)
def test_watch_lets_pass(watch, check, outcome):
    assert watch.run(check, b"") == outcome


def test_files_inside_the_folder_may_be_written(watch):
    assert watch.run(lambda data: (watch.folder / "own").write_bytes(data), b"x") == "answer"
