"""`import spacy` alone finds what setup.cfg registers."""

import subprocess
import sys
from configparser import ConfigParser
from importlib.metadata import entry_points
from pathlib import Path
from typing import Dict

import pytest

PARSER = ConfigParser()
PARSER.read(Path(__file__).parents[1] / "setup.cfg", encoding="utf-8")
REGISTERED = [
    (group, *(part.strip() for part in line.split("=")))
    for group, lines in PARSER["options.entry_points"].items()
    for line in lines.strip().splitlines()
]
BUILD_LAYER = """
from thinc.api import Config
config = Config().from_str('''{config}''')
print(spacy.registry.resolve(config, validate=True)["model"].name)
"""
# What builds each registered name where spaCy alone was imported, and what that prints.
BUILDS = {
    "xlmr_ner": ('print(type(spacy.blank("xx").add_pipe("xlmr_ner")).__name__)', "XlmrNer"),
    "spacy-xlmr-ner.XlmrTagger.v1": (
        BUILD_LAYER.format(
            config="""
[model]
@architectures = "spacy-xlmr-ner.XlmrTagger.v1"
name = "no/such-checkpoint"
labels = null
scheme = null
revision = "main"
local_files_only = false
input = "words"
pooling = "first"
window = null
overlap = 64
max_batch_pieces = null
precision = "float32"
device = null
"""
        ),
        "xlmr_tagger",
    ),
    "spacy-xlmr-ner.TokenTagger.v1": (
        BUILD_LAYER.format(
            config="""
[model]
@architectures = "spacy-xlmr-ner.TokenTagger.v1"
nO = null

[model.tok2vec]
@architectures = "spacy.Tok2VecListener.v1"
width = 8
upstream = "*"
"""
        ),
        "token_tagger",
    ),
    "spacy_xlmr_ner": (
        'from spacy.displacy.render import EntityRenderer\nprint(EntityRenderer({}).colors["PER"])',
        "#aa9cfc",
    ),
}


@pytest.mark.parametrize("group, name, target", REGISTERED)
def test_entry_point_is_installed_as_written(group, name, target):
    assert [point.value for point in entry_points(group=group, name=name)] == [target]


@pytest.fixture(scope="module")
def built() -> Dict[str, str]:
    """What the names build in a fresh interpreter, by name."""
    code = "\n".join(["import spacy", *(f"print({name!r}, end=' ')\n{code}" for name, (code, _) in BUILDS.items())])
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return dict(line.split() for line in done.stdout.splitlines())


@pytest.mark.parametrize("name", [name for _, name, _ in REGISTERED])
def test_registered_name_builds_after_import_of_spacy(name, built):
    assert built[name] == BUILDS[name][1]
