"""How long a saved pipeline takes to load, and how much memory, beside reading its weights and its tokenizer alone.

    python benchmarks/start.py --write

XLM-R base's shape and vocabulary. Each measurement is a process of its own, imports done before the clock starts; the
peak is what it reached above that (Linux only). The files were just written, and so are in the page cache.
Trimmed is the same with the vocabulary of 400 texts alone, by `python -m spacy_xlmr_ner trim`.
"""

import argparse
import json
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Callable, Dict, List

from checkpoints import find_texts, make_nlp, write_checkpoint
from record import Benchmark, Table, make_table

TEXT = "Jack Sparrow loves New York!"
CHECKPOINT = Path("xlmr_ner") / "checkpoint"
WAYS = ("torch/float32", "torch/bfloat16", "onnx/float32", "torch/float32, trimmed")
TASKS = ("tokenizer", "weights", "load", "answer")
SLOWEST, LARGEST = 1.5, 1.2  # what is asked for


def read_peak() -> int:
    """Bytes that were resident at most, of this process."""
    return 1024 * int(re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[1])


def make_task(name: str, pipeline: Path) -> Callable[[], object]:
    """What is measured; with all imports done."""
    import spacy
    from safetensors.torch import load_file
    from transformers import AutoTokenizer, XLMRobertaForTokenClassification  # noqa: F401

    import spacy_xlmr_ner.architectures  # noqa: F401

    if name == "tokenizer":
        return lambda: AutoTokenizer.from_pretrained(pipeline / CHECKPOINT)
    if name == "weights":
        return lambda: [weight.clone() for weight in load_file(pipeline / CHECKPOINT / "model.safetensors").values()]
    if name == "load":
        return lambda: spacy.load(pipeline)
    return lambda: spacy.load(pipeline)(TEXT)


def run_child(name: str, pipeline: Path) -> None:
    """Measure one task and print it."""
    task = make_task(name, pipeline)
    before = read_peak()
    start = time.perf_counter()
    kept = task()
    print(json.dumps({"seconds": time.perf_counter() - start, "peak": read_peak() - before, "kept": bool(kept)}))


def run_task(name: str, pipeline: Path, rounds: int) -> Dict[str, float]:
    """Medians over some processes."""
    found: List[Dict[str, float]] = []
    for _ in range(rounds):
        command = [sys.executable, __file__, "--child", name, str(pipeline)]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        found.append(json.loads(done.stdout.splitlines()[-1]))
    return {key: statistics.median(one[key] for one in found) for key in ("seconds", "peak")}


def make_pipeline(way: str, checkpoint: Path, place: Path, texts: List[str]) -> Path:
    """Write the pipeline that is loaded."""
    runtime, precision = way.split(",")[0].split("/")
    pipeline = place / f"{runtime}-{precision}"
    if "trimmed" not in way:
        make_nlp(checkpoint, runtime=runtime, precision=precision).to_disk(pipeline)
        return pipeline
    (place / "text.txt").write_text("\n".join(texts), encoding="utf8")
    command = [sys.executable, "-m", "spacy_xlmr_ner", "trim", str(pipeline), str(place / "trimmed")]
    subprocess.run([*command, "--text", str(place / "text.txt")], check=True, stdout=sys.stderr)
    return place / "trimmed"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--layers", type=int, default=12)


def measure(args: argparse.Namespace) -> List[Dict[str, Any]]:
    ways = WAYS[:1] if args.toy else WAYS
    rounds = 1 if args.toy else args.rounds
    texts = find_texts(400, is_toy=args.toy)
    found = []
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        write_checkpoint(place / "checkpoint", is_toy=args.toy, n_layers=args.layers)
        for way in ways:
            pipeline = make_pipeline(way, place / "checkpoint", place, texts)
            weights = (pipeline / CHECKPOINT / "model.safetensors").stat().st_size
            tasks = {name: run_task(name, pipeline, rounds) for name in TASKS}
            found.append({"way": way, "weights": weights, "tasks": tasks})
    return found


def tabulate(found: List[Dict[str, Any]]) -> Table:
    rows, lines = [], []
    for one in found:
        tasks = one["tasks"]
        name = f"{one['way']} ({one['weights'] / 1e6:,.0f} MB of weights)"
        rows += [[name, task, f"{own['seconds']:.2f}", f"{own['peak'] / 2**20:,.0f}"] for task, own in tasks.items()]
        ratio = tasks["load"]["seconds"] / (tasks["weights"]["seconds"] + tasks["tokenizer"]["seconds"])
        above = (tasks["answer"]["peak"] - tasks["tokenizer"]["peak"]) / one["weights"]
        lines.append(
            f"- {one['way']}: `spacy.load` takes {ratio:.2f} times the time of reading weights and tokenizer "
            f"(asked for: {SLOWEST}); with a first answer its peak is {above:.2f} times the weights above that of "
            f"the tokenizer (asked for: {LARGEST})."
        )
    return [*make_table(["pipeline", "task", "seconds", "peak MiB above the imports"], rows), "", *lines]


BENCHMARK = Benchmark("start", "Start and memory", add_arguments, measure, tabulate)

if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        run_child(sys.argv[2], Path(sys.argv[3]))
    else:
        BENCHMARK.main(__doc__)
