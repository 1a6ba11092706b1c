"""What of the time of nlp.pipe is not the network: tokenizing, windows, padding, alignment, decoding, spans.

    python benchmarks/overhead.py --write

The network's own calls are timed from inside. Share and padding are those of one pass; the median of several is shown.
"""

import argparse
import statistics
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import Dict, List, Tuple

import spacy
import torch
from spacy.language import Language
from texts import make_texts
from throughput import write_base

RESULTS = Path(__file__).parent / "results" / "overhead.md"
MOST_ALLOWED = {"bundled": 0.35, "base": 0.05}
WAYS = ("torch/float32", "onnx/float32")


class Stopwatch:
    """A runtime that counts its seconds and its pieces."""

    def __init__(self, runtime):
        self.runtime = runtime
        self.reset()

    def reset(self) -> None:
        """Begin to count anew."""
        self.seconds, self.computed, self.used = 0.0, 0, 0

    def __call__(self, piece_ids, mask):
        """Run the runtime."""
        start = time.perf_counter()
        logits = self.runtime(piece_ids, mask)
        self.seconds += time.perf_counter() - start
        self.computed += mask.size
        self.used += int(mask.sum())
        return logits


def make_nlp(model: str, way: str, folder: Path) -> Tuple[Language, Stopwatch]:
    runtime, precision = way.split("/")
    name = None if model == "bundled" else str(folder)
    nlp = spacy.blank("xx")
    tagger = nlp.add_pipe("xlmr_ner", config={"model": {"name": name, "runtime": runtime, "precision": precision}})
    shim = tagger.model.shims[0]
    shim._runtime = Stopwatch(shim.runtime)
    return nlp, shim._runtime


def measure(nlp: Language, watch: Stopwatch, texts: List[str], rounds: int) -> Dict[str, float]:
    """Medians of words a second, of the share that is not the network, and of the padding."""
    n_words = sum(len(text.split()) for text in texts)
    list(nlp.pipe(texts[:8]))
    rates, shares, paddings = [], [], []
    for _ in range(rounds):
        watch.reset()
        start = time.perf_counter()
        list(nlp.pipe(texts))
        seconds = time.perf_counter() - start
        rates.append(n_words / seconds)
        shares.append(1 - watch.seconds / seconds)
        paddings.append(1 - watch.used / watch.computed)
    return {
        "rate": statistics.median(rates),
        "share": statistics.median(shares),
        "padding": statistics.median(paddings),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", choices=list(MOST_ALLOWED), default=list(MOST_ALLOWED))
    parser.add_argument("--texts", type=int, default=400, help="for the small model; an eighth of them for base")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--write", action="store_true", help=f"write {RESULTS.name} too")
    args = parser.parse_args()
    where = f"{time.strftime('%Y-%m-%d')}, {torch.get_num_threads()} threads, PyTorch {version('torch')}"
    lines = [
        "# What is not the network",
        "",
        f"{where}, ONNX Runtime {version('onnxruntime')}, transformers {version('transformers')}.",
        "",
        "    python benchmarks/overhead.py " + " ".join(sys.argv[1:]),
        "",
        "| model | runtime/precision | words/s | time outside the network | allowed | padding of the pieces computed |",
        "|---|---|---|---|---|---|",
    ]
    with tempfile.TemporaryDirectory() as name:
        if "base" in args.models:
            write_base(Path(name), n_layers=12)
        for model in args.models:
            texts = make_texts(args.texts if model == "bundled" else max(1, args.texts // 8))
            for way in WAYS:
                found = measure(*make_nlp(model, way, Path(name)), texts, args.rounds)
                share, padding = f"{found['share']:.1%}", f"{found['padding']:.1%}"
                lines.append(
                    f"| {model} | {way} | {found['rate']:,.0f} | {share} | {MOST_ALLOWED[model]:.0%} | {padding} |"
                )
    print("\n".join(lines))
    if args.write:
        RESULTS.write_text("\n".join([*lines, ""]), encoding="utf8")


if __name__ == "__main__":
    main()
