"""Each benchmark at tiny size, as its command line has it; the figures it gives mean nothing and are not looked at."""

import importlib
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[1] / "benchmarks"
HELPERS = {"checkpoints", "contender", "peers", "reckoning", "record", "report", "texts"}
NAMES = sorted({path.stem for path in FOLDER.glob("*.py")} - HELPERS)


@pytest.fixture
def report(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    return importlib.import_module("report")


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_benchmark_runs_at_tiny_size_and_prints_a_table(name):
    command = [sys.executable, str(FOLDER / f"{name}.py"), "--toy"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.stderr.startswith("skipped"):
        pytest.skip(done.stderr)
    assert done.returncode == 0, done.stderr
    assert re.search(r"^\d{4}-\d\d-\d\d, .*Python [\d.]+, spacy [\d.]+", done.stdout, re.MULTILINE)
    assert re.search(r"^\| --- \|.*\n\| \S", done.stdout, re.MULTILINE)


@pytest.mark.slow
def test_figures_of_tiny_size_are_not_kept():
    command = [sys.executable, str(FOLDER / "scaling.py"), "--toy", "--write"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "leave out --write" in done.stderr


def test_page_has_every_benchmark(report):
    assert sorted(report.NAMES) == NAMES


def test_page_is_what_the_results_say(report, tmp_path, monkeypatch):
    monkeypatch.setattr(report, "find_spec", lambda name: None)  # the plots stay as they are
    lines = [report.INTRODUCTION]
    for name in report.NAMES:
        lines += report.make_part(report.read_benchmark(name))
    assert (FOLDER / "README.md").read_text(encoding="utf8") == "\n".join(lines)


@pytest.mark.parametrize("path", sorted(FOLDER.glob("results/*.json")), ids=lambda path: path.stem)
def test_result_says_when_where_with_what_and_how(path):
    record = json.loads(path.read_text(encoding="utf8"))
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", record["date"])
    assert record["command"].startswith(f"python benchmarks/{path.stem}.py")
    assert {"processor", "instructions", "threads", "python"} <= set(record["machine"])
    assert {"spacy", "torch", "transformers"} <= set(record["versions"])
