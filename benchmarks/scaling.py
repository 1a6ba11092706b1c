"""Whether the cost is linear in the length of a text and in the number of docs, over four orders of magnitude.

    python benchmarks/scaling.py --write

The model in the package, by the faster runtime. One doc of 10 to 100,000 words, and 1 to 10,000 docs of a sentence;
the median of some passes of each, fewer of the long ones.
"""

import argparse
import itertools
import statistics
import time
from typing import Any, Dict, List

from checkpoints import find_texts, make_nlp
from record import Benchmark, Table, make_table
from spacy.language import Language

SIZES = {"words of one doc": (10, 100, 1_000, 10_000, 100_000), "docs of one sentence": (1, 10, 100, 1_000, 10_000)}
SENTENCE = 12  # words


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rounds", type=int, default=5)


def make_docs(kind: str, size: int, words: List[str]) -> List[str]:
    """Texts of a size; words are taken in turn."""
    source = itertools.cycle(words)
    if kind.startswith("words"):
        return [" ".join(itertools.islice(source, size))]
    return [" ".join(itertools.islice(source, SENTENCE)) for _ in range(size)]


def time_pass(nlp: Language, texts: List[str]) -> float:
    start = time.perf_counter()
    for doc in nlp.pipe(texts):
        assert len(doc)
    return time.perf_counter() - start


def measure(args: argparse.Namespace) -> List[Dict[str, Any]]:
    words = " ".join(find_texts(400, is_toy=args.toy)).split()
    nlp = make_nlp(None, runtime="onnx")
    nlp.max_length = 10**8
    time_pass(nlp, make_docs("docs", 20, words))
    found = []
    for kind, sizes in SIZES.items():
        for size in sizes[:2] if args.toy else sizes:
            texts = make_docs(kind, size, words)
            n_words = sum(len(text.split()) for text in texts)
            rounds = 1 if args.toy else max(2, min(20 * args.rounds, args.rounds * 5_000 // n_words))
            seconds = statistics.median(time_pass(nlp, texts) for _ in range(rounds))
            found.append({"kind": kind, "size": size, "words": n_words, "seconds": seconds, "rounds": rounds})
    return found


def tabulate(found: List[Dict[str, Any]]) -> Table:
    rows = [
        [one["kind"], f"{one['size']:,}", f"{one['seconds']:.4f}", f"{1000 * one['seconds'] / one['words']:.3f}"]
        for one in found
    ]
    return make_table(["what grows", "size", "seconds", "ms a word"], rows)


def plot(found: List[Dict[str, Any]], figure: Any) -> None:
    axes = figure.subplots(1, len(SIZES))
    for place, kind in zip(axes, SIZES):
        own = [one for one in found if one["kind"] == kind]
        sizes, seconds = [one["size"] for one in own], [one["seconds"] for one in own]
        place.loglog(sizes, seconds, marker="o", color="#1f6f8b", label="measured")
        middle = len(own) // 2
        linear = [seconds[middle] * size / sizes[middle] for size in sizes]
        place.loglog(sizes, linear, color="black", linewidth=0.8, linestyle="--", label="linear")
        place.set_xlabel(kind)
    axes[0].set_ylabel("seconds")
    axes[0].legend(frameon=False)


BENCHMARK = Benchmark("scaling", "Cost by size", add_arguments, measure, tabulate, plot)

if __name__ == "__main__":
    BENCHMARK.main(__doc__)
