"""The spaCy project in project/, run end to end at toy size as a user runs it."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import spacy
from spacy.util import load_config
from toys import make_overrides, make_toy_docs

ROOT = Path(__file__).parents[1]
pytestmark = pytest.mark.slow


def run(folder, *arguments):
    command = [sys.executable, "-m", "weasel", "run", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def write_iob(path, docs):
    lines = []
    for doc in docs:
        lines += [f"{token.text}\t{token.ent_iob_}{'-' if token.ent_type_ else ''}{token.ent_type_}" for token in doc]
        lines.append("")
    path.write_text("\n".join(lines) + "\n", encoding="utf8")


def check_wheel(wheel, site):
    """Installed, it loads by its name in a process that imports spaCy alone; it asks pip for this package."""
    install = ["install", "-q", "--no-deps", "--no-index", "--target", str(site), str(wheel)]
    subprocess.run([sys.executable, "-m", "pip", *install], check=True)
    code = "import spacy; print(*spacy.load('xx_xlmr_ner')('Jack lives in Berlin').ents, sep='|')"
    environment = {**os.environ, "PYTHONPATH": str(site), "HF_HUB_OFFLINE": "1"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=False)
    assert done.stdout.strip() == "Jack|Berlin", done.stderr
    (metadata,) = site.glob("xx_xlmr_ner-*.dist-info/METADATA")
    assert "\nRequires-Dist: spacy-xlmr-ner" in metadata.read_text(encoding="utf8")


@pytest.fixture
def project(tmp_path):
    """A copy of the project beside the configs, as in the repository."""
    shutil.copytree(ROOT / "project", tmp_path / "project")
    shutil.copytree(ROOT / "configs", tmp_path / "configs")
    return tmp_path / "project"


def test_project_runs_end_to_end(project, tmp_path):
    docs = make_toy_docs(120)
    for name in ("train", "dev", "test"):
        write_iob(project / "assets" / f"{name}.iob2", docs)
    overrides = make_overrides("finetune_base", tmp_path)
    settings = {key: value for key, value in overrides.items() if not key.startswith("paths.")}
    config = load_config(ROOT / "configs" / "finetune_base.cfg", overrides=settings, interpolate=False)
    config.to_disk(project / "toy.cfg", interpolate=False)
    done = run(project, "all", ".", "--vars.config", "toy.cfg")
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads((project / "metrics" / "test.json").read_text())["ents_f"] > 0.9
    assert "<title>" in (project / "pages" / "report.html").read_text(encoding="utf8")
    assert (project / "pages" / "entities.html").read_text(encoding="utf8").count("<figure") == 50
    (wheel,) = project.glob("packages/*/dist/xx_xlmr_ner-0.1.0-py3-none-any.whl")
    check_wheel(wheel, tmp_path / "site")
    found = spacy.load(project / "training" / "model-best")("Jack lives in Berlin").ents
    assert [(ent.text, ent.label_) for ent in found] == [("Jack", "PER"), ("Berlin", "LOC")]
    again = run(project, "all", ".", "--vars.config", "toy.cfg")
    assert "Skipping 'train'" in again.stdout


def test_project_without_data_says_what_is_missing(project):
    done = run(project, "all")
    assert done.returncode == 1
    assert "assets/train.iob2" in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
