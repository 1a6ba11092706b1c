"""Without its extras the package imports and predicts, and what needs one says which."""

import json
import re
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path

import missing_extras
import pytest

PARSER = ConfigParser()
PARSER.read(Path(__file__).parents[1] / "setup.cfg", encoding="utf-8")
# Those for people, not for tests and development.
EXTRAS = {
    re.match(r"[\w-]+", line)[0].replace("-", "_"): extra
    for extra, lines in PARSER["options.extras_require"].items()
    for line in lines.strip().splitlines()
    if extra not in ("all", "dev", "ecosystem", "test")
}


@pytest.fixture(scope="module")
def said():
    """What a process found without any of the extras, and what it was told where one package was missing."""
    command = [sys.executable, missing_extras.__file__, *EXTRAS]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_every_package_of_an_extra_has_its_feature():
    assert sorted(EXTRAS) == sorted(missing_extras.FEATURES)


@pytest.mark.slow
def test_prediction_needs_no_extra(said):
    assert said["found"] == said["found again"] == [["Jack Sparrow", "PER"], ["New York", "LOC"]]


@pytest.mark.slow
@pytest.mark.parametrize("package", EXTRAS)
def test_feature_without_its_package_names_the_pip_line(said, package):
    line = f"XN112] This needs the package `{package}`, which is not installed. "
    assert f"{line}Run: pip install 'spacy-xlmr-ner[{EXTRAS[package]}]'" in " ".join(said[package].split())
