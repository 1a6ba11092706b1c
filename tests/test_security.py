"""What the package never does, read off its syntax trees: unpickle, run text or a shell, trust a checkpoint's code."""

import ast
from pathlib import Path
from typing import Dict, Iterator, List

import pytest

import spacy_xlmr_ner

ROOT = Path(spacy_xlmr_ner.__file__).parent
FILES = sorted(path.relative_to(ROOT).as_posix() for path in ROOT.rglob("*.py"))
# Libraries whose reading runs what the data says.
UNPICKLERS = {"pickle", "_pickle", "cPickle", "cloudpickle", "dill", "joblib", "jsonpickle", "marshal", "shelve"}
# Of these a name may be imported: it is no function that reads.
HARMLESS = {"pickle.UnpicklingError"}  # by which a refused pickle is told
BUILTINS = {"eval", "exec", "compile", "__import__"}
# Calls that are never made, by their last two names.
FORBIDDEN = {
    "os.system",
    "os.popen",
    "subprocess.getoutput",
    "subprocess.getstatusoutput",
    "yaml.load",
    "yaml.unsafe_load",
    "yaml.full_load",
    "srsly.pickle_loads",
    "srsly.cloudpickle",
    "pandas.read_pickle",
    "tarfile.extractall",
    "zipfile.extractall",
    "tempfile.mktemp",
}
# Calls that need an argument, and arguments that have one value only, whatever is called.
NEEDED = {"torch.load": ("weights_only", True)}
FIXED = {"trust_remote_code": False, "shell": False, "allow_pickle": False, "weights_only": True}


def find_breaches(source: str) -> List[str]:
    """What a module does that it must not, each with its line."""
    tree = ast.parse(source)
    names = find_names(tree)
    return [f"{node.lineno}: {said}" for node in ast.walk(tree) for said in judge(node, names)]


def find_names(tree: ast.AST) -> Dict[str, str]:
    """What imported names stand for: {"load": "torch.load", "np": "numpy"}."""
    names = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.asname or alias.name.split(".")[0]: alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    return names


def judge(node: ast.AST, names: Dict[str, str]) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (f"import of {alias.name}" for alias in node.names if alias.name.split(".")[0] in UNPICKLERS)
    elif isinstance(node, ast.ImportFrom) and not node.level:
        imported = [f"{node.module}.{alias.name}" for alias in node.names]
        is_foul = str(node.module).split(".")[0] in UNPICKLERS
        yield from (f"import of {name}" for name in imported if is_foul and name not in HARMLESS)
    elif isinstance(node, ast.Call):
        yield from judge_call(node, names)
    elif isinstance(node, (ast.Attribute, ast.Name)) and isinstance(node.ctx, ast.Load):
        # Also where it is handed on rather than called.
        name = resolve(node, names)
        if name in FORBIDDEN or (name in BUILTINS and isinstance(node, ast.Name)):
            yield f"use of {name}"


def judge_call(call: ast.Call, names: Dict[str, str]) -> Iterator[str]:
    given = {keyword.arg: keyword.value for keyword in call.keywords}
    for argument, value in FIXED.items():
        if argument in given and not is_constant(given[argument], value):
            yield f"{argument} is not {value}"
    name = resolve(call.func, names)
    if name in NEEDED and NEEDED[name][0] not in given:
        yield f"{name} without {NEEDED[name][0]}"


def is_constant(node: ast.AST, value: object) -> bool:
    return isinstance(node, ast.Constant) and node.value is value


def resolve(node: ast.AST, names: Dict[str, str]) -> str:
    """The name of what is used, spelt out by the module's imports: "torch.load", "eval"; "" where it has none."""
    parts: List[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return ""
    return ".".join([names.get(node.id, node.id), *reversed(parts)])


@pytest.mark.parametrize("file", FILES)
def test_module_runs_nothing_that_data_brings(file):
    assert find_breaches((ROOT / file).read_text(encoding="utf8")) == []


def test_every_module_of_the_package_is_read():
    assert {"checkpoint.py", "component.py", "server/app.py", "corpus/json_lines.py", "cli/app.py"} <= set(FILES)


BAD = [
    "import pickle",
    "import pickle as safe",
    "from pickle import loads",
    "from pickle import UnpicklingError, Unpickler",
    "import dill",
    "import joblib",
    "from joblib import load",
    "import marshal",
    "import shelve",
    "import cloudpickle",
    "eval('1')",
    "exec(code)",
    "run = eval",
    "compile(text, 'x', 'exec')",
    "__import__(name)",
    "import torch\ntorch.load(path)",
    "import torch\ntorch.load(path, weights_only=False)",
    "import torch\ntorch.load(path, weights_only=flag)",
    "from torch import load\nload(path)",
    "import torch as t\nt.load(path)",
    "AutoModel.from_pretrained(name, trust_remote_code=True)",
    "AutoModel.from_pretrained(name, trust_remote_code=settings.trusted)",
    "import subprocess\nsubprocess.run(line, shell=True)",
    "Popen(line, shell=flag)",
    "import os\nos.system('ls')",
    "from os import system\nsystem('ls')",
    "from os import popen as run\nrun('ls')",
    "import yaml\nyaml.load(text)",
    "from yaml import unsafe_load\nunsafe_load(text)",
    "import numpy as np\nnp.load(path, allow_pickle=True)",
    "import pandas as pd\nfind = pd.read_pickle",
]


@pytest.mark.parametrize("source", BAD)
def test_checker_finds(source):
    assert find_breaches(source) != []


GOOD = [
    "from pickle import UnpicklingError",
    "import re\nre.compile('x')",
    "network.eval()",
    "import torch\ntorch.load(path, weights_only=True)",
    "import numpy\nnumpy.load(path)\nnumpy.load(path, allow_pickle=False)",
    "AutoModel.from_pretrained(name, trust_remote_code=False)",
    "import subprocess\nsubprocess.run(['ls'])",
    "import yaml\nyaml.safe_load(text)",
    "self.load(path)",
    "from .loading import load\nload(path)",
    "import json\njson.load(file)",
]


@pytest.mark.parametrize("source", GOOD)
def test_checker_lets_pass(source):
    assert find_breaches(source) == []
