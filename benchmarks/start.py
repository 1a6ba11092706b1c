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
from importlib.metadata import version
from pathlib import Path
from typing import Callable, Dict, List

from texts import make_texts
from throughput import make_nlp, write_base

RESULTS = Path(__file__).parent / "results" / "start.md"
TEXT = "Jack Sparrow loves New York!"
CHECKPOINT = Path("xlmr_ner") / "checkpoint"
WAYS = ("torch/float32", "onnx/float32", "torch/float32, trimmed")


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


def measure(name: str, pipeline: Path, rounds: int) -> Dict[str, float]:
    """Medians over some processes."""
    found: List[Dict[str, float]] = []
    for _ in range(rounds):
        command = [sys.executable, __file__, "--child", name, "--pipeline", str(pipeline)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        found.append(json.loads(done.stdout.splitlines()[-1]))
    return {key: statistics.median(one[key] for one in found) for key in ("seconds", "peak")}


def make_pipeline(way: str, checkpoint: Path, place: Path) -> Path:
    """Write the pipeline that is loaded."""
    runtime, precision = way.split(",")[0].split("/")
    pipeline = place / runtime
    if "trimmed" not in way:
        make_nlp(checkpoint, precision, runtime=runtime).to_disk(pipeline)
        return pipeline
    (place / "text.txt").write_text("\n".join(make_texts(400)), encoding="utf8")
    command = [sys.executable, "-m", "spacy_xlmr_ner", "trim", str(pipeline), str(place / "trimmed")]
    subprocess.run([*command, "--text", str(place / "text.txt")], check=True)
    return place / "trimmed"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--layers", type=int, default=12)
    parser.add_argument("--write", action="store_true", help=f"write {RESULTS.name} too")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--pipeline", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        run_child(args.child, args.pipeline)
        return
    versions = " ".join(f"{name} {version(name)}" for name in ("torch", "transformers", "spacy", "onnxruntime"))
    lines = ["# Start and memory", "", f"{time.strftime('%Y-%m-%d')}, {versions}.", ""]
    lines += ["    python benchmarks/start.py " + " ".join(sys.argv[1:]), ""]
    with tempfile.TemporaryDirectory() as place:
        checkpoint = Path(place) / "checkpoint"
        checkpoint.mkdir()
        write_base(checkpoint, n_layers=args.layers)
        rows = []
        for way in WAYS:
            pipeline = make_pipeline(way, checkpoint, Path(place))
            weights = (pipeline / CHECKPOINT / "model.safetensors").stat().st_size
            found = {name: measure(name, pipeline, args.rounds) for name in ("tokenizer", "weights", "load", "answer")}
            reading = found["weights"]["seconds"] + found["tokenizer"]["seconds"]
            rows += [(f"{way} ({weights / 1e6:.0f} MB)", name, one) for name, one in found.items()]
            ratio = found["load"]["seconds"] / reading
            above = (found["answer"]["peak"] - found["tokenizer"]["peak"]) / weights
            lines.append(
                f"{way}: spacy.load takes {ratio:.2f} times the time of reading weights and tokenizer; with a first "
                f"answer its peak is {above:.2f} times the weights above that of the tokenizer.\n"
            )
    lines += ["| runtime/precision (weights file) | task | seconds | peak MiB above the imports |", "|---|---|---|---|"]
    lines += [f"| {way} | {name} | {one['seconds']:.2f} | {one['peak'] / 2**20:.0f} |" for way, name, one in rows]
    print("\n".join(lines))
    if args.write:
        RESULTS.write_text("\n".join([*lines, ""]), encoding="utf8")


if __name__ == "__main__":
    main()
