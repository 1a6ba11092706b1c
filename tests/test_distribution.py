"""What is in the wheel and in the sdist, by git's list of files, and the Pythons they are for."""

import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from configparser import ConfigParser
from email import message_from_string
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NAME = "spacy_xlmr_ner"
PYTHONS = ["3.10", "3.11", "3.12", "3.13"]


def read(file):
    return (ROOT / file).read_text(encoding="utf-8")


def build(kind, source, out):
    command = [sys.executable, "-m", "build", "--no-isolation", f"--{kind}", "--outdir", str(out), str(source)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (archive,) = out.glob("*.whl" if kind == "wheel" else "*.tar.gz")
    return archive


def list_wheel(wheel):
    with zipfile.ZipFile(wheel) as archive:
        return sorted(archive.namelist())


@pytest.fixture(scope="module")
def tracked():
    """Every file that git keeps."""
    if not (ROOT / ".git").exists():
        pytest.skip(f"no git repository at {ROOT}: there is no list to compare with")
    done = subprocess.run(
        ["git", "-c", "safe.directory=*", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return sorted(filter(None, done.stdout.split("\0")))


@pytest.fixture(scope="module")
def source(tracked, tmp_path_factory):
    """A tree of these files alone: nothing that lies about where someone works gets in."""
    try:
        has_setuptools = int(version("setuptools").split(".")[0]) >= 77
    except PackageNotFoundError:
        has_setuptools = False
    if not has_setuptools:
        pytest.skip("no setuptools of 77 or later, with which the package is built")
    folder = tmp_path_factory.mktemp("source")
    for file in tracked:
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / file, folder / file)
    return folder


@pytest.fixture(scope="module")
def wheel(source, tmp_path_factory):
    return build("wheel", source, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def sdist(source, tmp_path_factory):
    return build("sdist", source, tmp_path_factory.mktemp("sdist"))


@pytest.fixture(scope="module")
def unpacked(sdist, tmp_path_factory):
    """The folder that the sdist unpacks to."""
    out = tmp_path_factory.mktemp("unpacked")
    with tarfile.open(sdist) as archive:
        archive.extractall(out)
    (folder,) = out.iterdir()
    return folder


@pytest.mark.slow
def test_wheel_has_the_package_and_nothing_else(wheel, tracked):
    info = (
        "METADATA RECORD WHEEL entry_points.txt top_level.txt licenses/LICENSE licenses/spacy_xlmr_ner/bundled/LICENSE"
    )
    expected = [file for file in tracked if file.startswith(f"{NAME}/")]
    assert {f"{NAME}/py.typed", f"{NAME}/bundled/model.safetensors", f"{NAME}/server/page.html"} < set(expected)
    expected += [f"{NAME}-{version('spacy-xlmr-ner')}.dist-info/{file}" for file in info.split()]
    assert list_wheel(wheel) == sorted(expected)


@pytest.mark.slow
def test_sdist_has_all_that_git_keeps(unpacked, tracked):
    """So the tests run from it, and with what setuptools adds it is built again."""
    files = {path.relative_to(unpacked).as_posix() for path in unpacked.rglob("*") if path.is_file()}
    made = {"PKG-INFO"} | {file for file in files if file.startswith(f"{NAME}.egg-info/")}
    assert files - made == set(tracked) - {".gitignore"}


@pytest.mark.slow
def test_sdist_makes_the_same_wheel(unpacked, wheel, tmp_path):
    assert list_wheel(build("wheel", unpacked, tmp_path)) == list_wheel(wheel)


@pytest.mark.slow
def test_wheel_says_what_it_is(wheel):
    with zipfile.ZipFile(wheel) as archive:
        (file,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        metadata = message_from_string(archive.read(file).decode("utf-8"))
    assert metadata["Name"] == "spacy-xlmr-ner"
    assert metadata["License-Expression"] == "MIT AND CC-BY-SA-4.0"
    assert metadata.get_all("License-File") == ["LICENSE", "spacy_xlmr_ner/bundled/LICENSE"]
    assert metadata["Requires-Python"] == f">={PYTHONS[0]}"
    assert metadata.get_payload().startswith("# spacy-xlmr-ner")


def test_all_places_name_the_same_pythons():
    parser = ConfigParser()
    parser.read(ROOT / "setup.cfg", encoding="utf-8")
    classifiers = parser["metadata"]["classifiers"]
    assert re.findall(r"Python :: (3\.\d+)$", classifiers, re.MULTILINE) == PYTHONS
    assert parser["options"]["python_requires"] == f">={PYTHONS[0]}"
    # With these the linter and the type checker refuse what the oldest of them has not.
    settings = read("pyproject.toml")
    assert re.search(r'^target-version = "(.*)"', settings, re.MULTILINE)[1] == f"py{PYTHONS[0].replace('.', '')}"
    assert re.search(r'^python_version = "(.*)"', settings, re.MULTILINE)[1] == PYTHONS[0]
    assert f"Python {PYTHONS[0]} to {PYTHONS[-1]};" in read("README.md")
