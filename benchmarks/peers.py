"""The peers' environment, made where it is not there, and processes of it that take turns with ours."""

import json
import os
import subprocess
import sys
import venv
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Dict, Iterator, List, NamedTuple, Sequence

ROOT = Path(__file__).parents[1]
ENVIRONMENT = ROOT / "build" / "peers"  # build/ is not under version control
PEERS = ("spacy-huggingface-pipelines==0.0.4", "spacy-transformers", "accelerate>=0.26", "matplotlib")
CONTENDER = Path(__file__).with_name("contender.py")
STAMP = "installed.txt"


class Pass(NamedTuple):
    """One pass over texts."""

    seconds: float
    peak: float
    ents: List[List[str]]


class Contender:
    """A process of contender.py."""

    def __init__(self, name: str, python: Path, folder: Path):
        self.name = name
        command = [str(python), str(CONTENDER), name, str(folder)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
        self._read()

    def _read(self) -> Dict:
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.name} ended with status {self._process.wait()}; what it said stands above.")
        return json.loads(line)

    def run(self, texts: Sequence[str]) -> Pass:
        """Have it take a turn."""
        self._process.stdin.write(json.dumps(list(texts)) + "\n")
        return Pass(**self._read())

    def close(self) -> None:
        """End it."""
        self._process.stdin.close()
        self._process.wait()


def find_peers_python() -> Path:
    """The interpreter of the peers' environment, which is made first where it is not there (minutes)."""
    python = ENVIRONMENT / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    stamp = ENVIRONMENT / STAMP
    if not stamp.exists():
        print(f"installing {', '.join(PEERS)} in {ENVIRONMENT}", file=sys.stderr)
        venv.create(ENVIRONMENT, with_pip=True, clear=True)
        constraints = ROOT / "constraints-shared.txt"
        # PyTorch first and alone, in the version that the constraints name: the peers' own ranges admit other builds.
        # The package itself is there too, from the source tree, for what compares both in one process.
        for packages in (["torch"], [*PEERS, "-e", f"{ROOT}[onnx]"]):
            subprocess.run([python, "-m", "pip", "install", "-q", "-c", constraints, *packages], check=True)
        listed = subprocess.run([python, "-m", "pip", "freeze"], check=True, capture_output=True, text=True)
        stamp.write_text(listed.stdout)
    return python


def run_among_peers(package: str) -> None:
    """Go on in the peers' environment where a package is not installed in this one; at toy size leave, saying why.

    package (str): The name to import, of what the benchmark needs.
    """
    if find_spec(package) is None:
        if "--toy" in sys.argv:
            sys.exit(f"skipped: {package} is not installed here")
        python = str(find_peers_python())
        os.execv(python, [python, *sys.argv])


def find_peer_versions() -> List[str]:
    """What is installed there, of that which counts."""
    wanted = ("spacy-huggingface-pipelines", "spacy-transformers", "spacy", "torch", "transformers")
    listed = (ENVIRONMENT / STAMP).read_text().splitlines()
    return [line for line in listed if line.split("==")[0].lower() in wanted]


@contextmanager
def open_contenders(pythons: Dict[str, Path], folders: Dict[str, Path]) -> Iterator[List[Contender]]:
    """Processes that have loaded what their folder holds and wait for their turn."""
    contenders: List[Contender] = []
    try:
        for name, python in pythons.items():
            contenders.append(Contender(name, python, folders[name]))
        yield contenders
    finally:
        for contender in contenders:
            contender.close()
