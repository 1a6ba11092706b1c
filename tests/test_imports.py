"""The ranks of the design: a file imports only from lower ranks, and foreign libraries only where they belong."""

import ast
import json
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Set

import pytest
import spacy

import spacy_xlmr_ner

ROOT = Path(spacy_xlmr_ner.__file__).parent
# The whole number is the design's rank; the decimals order files of one rank that build on one another.
RANKS = {
    0: "about errors process types",
    0.1: "_compat",
    1: "tags settings saving ent_score pieces/__init__ pieces/alignment pieces/windows pieces/batching",
    2: "decoding gold existing_ents checkpoint_files checkpoint_shim pieces/tokenizer",
    2.05: "pieces/ahead",
    2.1: "labelled loss pieces/runner pieces/sampling",
    2.11: "pieces/launched",
    2.15: "runtimes/converted",
    2.2: "trainable runtimes/architecture runtimes/attention runtimes/onednn runtimes/halving runtimes/seeding "
    "runtimes/weight_limit",
    2.25: "runtimes/cpu_encoder",
    2.26: "runtimes/fast",
    3: "checkpoint runtimes/__init__ runtimes/torch runtimes/torch_optimizer layers/__init__ layers/pooled_logits",
    3.0005: "layers/transformer_pieces",
    3.001: "layers/token_tagger",
    3.002: "runtimes/cuda",
    3.003: "runtimes/torch_engine",
    3.01: "runtimes/sample_text",
    3.02: "runtimes/agreement",
    3.05: "runtimes/torch_training runtimes/onnx_graph layers/xlmr_tagger",
    3.06: "runtimes/onnx",
    3.07: "runtimes/onnx_engine",
    3.1: "scratch splitting trimming",
    4: "architectures",
    5: "component",
    6: "tag_text drawing loading migration",
    6.00001: "page",
    6.00002: "server/__init__ server/answer",
    6.00003: "server/app",
    6.00004: "server/running",
    6.00005: "cli/console",
    6.0001: "corpus/lines corpus/languages corpus/spacing corpus/writing",
    6.0002: "corpus/formats",
    6.0003: "corpus/columns",
    6.0004: "corpus/file_tags",
    6.0005: "corpus/json_lines",
    6.0006: "corpus/doc_making",
    6.0007: "corpus/reading",
    6.0008: "corpus/plain_text corpus/__init__",
    6.001: "corpus_report/stats corpus_report/schedule",
    6.002: "corpus_report/coverage",
    6.003: "corpus_report/report",
    6.004: "corpus_report/notes corpus_report/__init__",
    6.01: "analysis/mentions",
    6.02: "analysis/scores analysis/error_kinds analysis/tag_losses",
    6.03: "analysis/prediction",
    6.04: "analysis/error_report analysis/data",
    6.05: "report/elements analysis/evaluation",
    6.06: "analysis/transfer_table",
    6.07: "analysis/__init__ report/score_tables",
    6.08: "report/evaluation_page report/transfer_page",
    6.09: "report/__init__ cli/evaluation_options cli/many_values cli/pipeline_options cli/ray_address",
    6.091: "bulk/rows bulk/plain bulk/model_version bulk/progress",
    6.092: "bulk/streams bulk/annotator",
    6.093: "bulk/text_readers bulk/writers",
    6.094: "bulk/table_readers",
    6.095: "bulk/inputs",
    6.096: "bulk/shards",
    6.0965: "bulk/shard_file bulk/records",
    6.0966: "bulk/summary",
    6.097: "bulk/journal bulk/workers",
    6.098: "bulk/ray_cluster bulk/ray_pieces",
    6.0985: "bulk/job bulk/ray_folder",
    6.0986: "bulk/ray_blocks",
    6.0987: "bulk/ray_dataset bulk/ray_job",
    6.099: "bulk/__init__",
    6.1: "cli/annotate cli/convert cli/init_checkpoint cli/evaluate cli/export cli/serve cli/split cli/transfer "
    "cli/tag cli/trim",
    6.11: "cli/debug",
    6.2: "cli/app",
    6.3: "cli/__init__ __init__",
    6.4: "__main__",
}
RANK = {f"{name}.py": rank for rank, names in RANKS.items() for name in names.split()}
FILES = sorted(path.relative_to(ROOT).as_posix() for path in ROOT.rglob("*.py"))
ONLY_IN = {
    "torch": "runtimes/architecture.py runtimes/attention.py runtimes/converted.py runtimes/cpu_encoder.py "
    "runtimes/cuda.py runtimes/fast.py runtimes/onednn.py runtimes/onnx.py runtimes/onnx_graph.py "
    "runtimes/seeding.py runtimes/weight_limit.py runtimes/torch.py runtimes/torch_optimizer.py "
    "runtimes/torch_training.py",
    "onnx": "",  # by require_extra alone, and so are the next
    "onnxruntime": "",
    "transformers": "checkpoint.py scratch.py",
    "huggingface_hub": "checkpoint_files.py",
    "starlette": "server/app.py",
    "uvicorn": "server/running.py",
    "ray": "bulk/ray_blocks.py",
}


def list_imports(file: str) -> Set[str]:
    """What a file imports: files of the package by their path, other modules by their dotted name."""
    found: Set[str] = set()
    for node in ast.walk(ast.parse((ROOT / file).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            folder = (ROOT / file).parents[node.level - 1].joinpath(*(node.module or "").split("."))
            found |= {find_file(folder, alias.name) for alias in node.names}
    return found


def find_file(folder: Path, name: str) -> str:
    """The file that `from folder import name` reads."""
    candidates = (
        folder / f"{name}.py",
        folder / name / "__init__.py",
        folder.with_suffix(".py"),
        folder / "__init__.py",
    )
    return next(path for path in candidates if path.is_file()).relative_to(ROOT).as_posix()


# What a process has that only imports the package and reads a doc which another has made.
SCRIPT = """
import json, pickle, sys
import spacy_xlmr_ner
names = sorted({name.split(".")[0] for name in sys.modules})
print(json.dumps({"names": names, "scores": [ent._.score for ent in pickle.load(sys.stdin.buffer).ents]}))
"""


@pytest.fixture(scope="module")
def imported(chosen_checkpoint):
    nlp = spacy.blank("xx")
    nlp.add_pipe("xlmr_ner", config={"model": {"name": str(chosen_checkpoint)}})
    doc = pickle.dumps(nlp("Jack in Berlin"))
    done = subprocess.run([sys.executable, "-c", SCRIPT], input=doc, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(done.stdout)


def test_import_brings_no_library_that_is_slow_to_import(imported):
    slow = {"transformers", "onnxruntime", "onnx", "sentencepiece", "pandas", "starlette", "uvicorn", "ray"}
    assert slow & set(imported["names"]) == set()


def test_import_is_enough_to_read_scores(imported):
    assert len(imported["scores"]) == 2
    assert min(imported["scores"]) > 0.9


def test_ranks_know_every_file():
    assert sorted(RANK) == FILES


@pytest.mark.parametrize("file", FILES)
def test_file_imports_from_lower_ranks(file):
    imported = {name: RANK[name] for name in list_imports(file) if name.endswith(".py")}
    limit = 3 if file == "component.py" else RANK[file]  # the component knows docs and tags, not models
    assert {name for name, rank in imported.items() if rank >= limit} == set()


@pytest.mark.parametrize("file", FILES)
def test_file_imports_no_foreign_library(file):
    libraries = {name.split(".")[0] for name in list_imports(file) if not name.endswith(".py")}
    assert {name for name in libraries & ONLY_IN.keys() if file not in ONLY_IN[name].split()} == set()
    assert "spacy_xlmr_ner" not in libraries, "imports within the package are relative"


@pytest.mark.parametrize("file", ["pieces/alignment.py", "pieces/windows.py", "pieces/batching.py"])
def test_pieces_import_numpy_alone(file):
    foreign = {name for name in list_imports(file) if not name.endswith(".py")}
    assert {name for name in foreign if not name.startswith(("numpy", "thinc.types", "typing"))} == set()
