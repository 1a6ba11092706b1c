"""What of the time of nlp.pipe is not the network: tokenizing, windows, padding, alignment, decoding, spans.

    python benchmarks/overhead.py --write

The network's own calls are timed from inside, in passes that tokenize ahead while it runs. "all else alone" is another
pass, in which the same logits come at once. All are medians of some passes; a profile of one more, by Python's own
profiler and therefore slower, says which functions the rest is in.
"""

import argparse
import cProfile
import pstats
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any, Dict, List, Tuple

from checkpoints import count_words, find_texts, make_nlp, write_checkpoint
from record import Benchmark, Table, make_table
from spacy.language import Language

MOST_ALLOWED = {"bundled": 0.35, "base": 0.05}
WAYS = ("torch/float32", "onnx/float32")
N_FUNCTIONS = 12


class Wrapper:
    """A runtime around another, which offers what that does: batches are cut and read as without it."""

    def __init__(self, runtime):
        self.runtime = runtime
        self.overhead = runtime.overhead

    def __call__(self, piece_ids, mask):
        """As types.Runtime."""
        return self.call(self.runtime, piece_ids, mask)

    def read(self, piece_ids, mask, is_read):
        """As types.SelectiveRuntime."""
        return self.call(self.runtime.read, piece_ids, mask, is_read)

    def call(self, run, piece_ids, mask, *others):
        """Run a batch."""
        raise NotImplementedError


class Stopwatch(Wrapper):
    """A runtime that counts its seconds and its pieces."""

    def __init__(self, runtime):
        super().__init__(runtime)
        self.reset()

    def reset(self) -> None:
        """Begin to count anew."""
        self.seconds, self.computed, self.used = 0.0, 0, 0

    def call(self, run, piece_ids, mask, *others):
        """Run it and look at the clock."""
        start = time.perf_counter()
        logits = run(piece_ids, mask, *others)
        self.seconds += time.perf_counter() - start
        self.computed += mask.size
        self.used += int(mask.sum())
        return logits


class Replay(Wrapper):
    """A runtime that gives the logits of an earlier pass over the same texts, in their order."""

    def __init__(self, runtime):
        super().__init__(runtime)
        self.logits: List[Any] = []
        self.calls = 0

    def call(self, run, piece_ids, mask, *others):
        """Run it in the first pass, and not in later ones."""
        if self.calls == len(self.logits):
            self.logits.append(run(piece_ids, mask, *others))
        self.calls += 1
        return self.logits[self.calls - 1]


class Pause(Wrapper):
    """A runtime that the profiler does not see."""

    def __init__(self, runtime, profiler: cProfile.Profile):
        super().__init__(runtime)
        self.profiler = profiler

    def call(self, run, piece_ids, mask, *others):
        """Run it with the profiler off."""
        self.profiler.disable()
        logits = run(piece_ids, mask, *others)
        self.profiler.enable()
        return logits


def watch(nlp: Language) -> Stopwatch:
    """Put a stopwatch around the network of a pipeline."""
    shim = nlp.get_pipe("xlmr_ner").model.shims[0]
    shim._runtime = Stopwatch(shim.runtime)
    return shim._runtime


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--models", nargs="+", choices=list(MOST_ALLOWED), default=list(MOST_ALLOWED))
    parser.add_argument("--texts", type=int, default=400, help="for the small model; an eighth of them for base")
    parser.add_argument("--rounds", type=int, default=5)


def run_rounds(nlp: Language, texts: List[str], rounds: int) -> Dict[str, float]:
    """Medians of words a second, of the share that is not the network, and of the padding."""
    alone = time_all_else(nlp, texts, rounds)
    stopwatch = watch(nlp)
    n_words = count_words(texts)
    list(nlp.pipe(texts[:8]))
    rates, shares, paddings = [], [], []
    for _ in range(rounds):
        stopwatch.reset()
        start = time.perf_counter()
        list(nlp.pipe(texts))
        seconds = time.perf_counter() - start
        rates.append(n_words / seconds)
        shares.append(1 - stopwatch.seconds / seconds)
        paddings.append(1 - stopwatch.used / stopwatch.computed)
    return {
        "words/s": statistics.median(rates),
        "outside": statistics.median(shares),
        "padding": statistics.median(paddings),
        "alone": n_words / alone,
    }


def time_all_else(nlp: Language, texts: List[str], rounds: int) -> float:
    """Seconds of a pass without the network."""
    shim = nlp.get_pipe("xlmr_ner").model.shims[0]
    own = shim.runtime
    shim._runtime = replay = Replay(own)
    list(nlp.pipe(texts))
    seconds = []
    for _ in range(rounds):
        replay.calls = 0
        start = time.perf_counter()
        list(nlp.pipe(texts))
        seconds.append(time.perf_counter() - start)
    shim._runtime = own
    return statistics.median(seconds)


def profile_outside(nlp: Language, texts: List[str]) -> List[Tuple[str, float]]:
    """The functions with most time of their own, and its share of all the time that is not the network's."""
    shim = nlp.get_pipe("xlmr_ner").model.shims[0]
    profiler = cProfile.Profile()
    shim._runtime = Pause(shim.runtime, profiler)
    profiler.enable()
    list(nlp.pipe(texts))
    profiler.disable()
    stats = pstats.Stats(profiler).stats
    own = {f"{Path(path).name}:{name}": times[2] for (path, _, name), times in stats.items()}
    ranked = sorted(own.items(), key=lambda item: -item[1])[:N_FUNCTIONS]
    return [(name.removeprefix("~:"), seconds / sum(own.values())) for name, seconds in ranked]


def measure(args: argparse.Namespace) -> List[Dict[str, Any]]:
    if args.toy:
        args.models, args.texts, args.rounds = ["bundled"], 8, 1
    found = []
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "base"
        if "base" in args.models:
            write_checkpoint(folder, is_toy=False)
        for model in args.models:
            texts = find_texts(args.texts if model == "bundled" else max(1, args.texts // 8), is_toy=args.toy)
            for way in WAYS:
                runtime, precision = way.split("/")
                nlp = make_nlp(folder if model == "base" else None, runtime=runtime, precision=precision)
                figures = run_rounds(nlp, texts, args.rounds)
                functions = profile_outside(nlp, texts) if (model, way) == ("bundled", WAYS[-1]) else []
                found.append({"model": model, "way": way, **figures, "functions": functions})
    return found


def tabulate(found: List[Dict[str, Any]]) -> Table:
    rows = [
        [
            one["model"],
            one["way"],
            f"{one['words/s']:,.0f}",
            f"{one['outside']:.1%}",
            f"{MOST_ALLOWED[one['model']]:.0%}",
            f"{one['padding']:.1%}",
            f"{one['alone']:,.0f}",
        ]
        for one in found
    ]
    header = ["model", "runtime/precision", "words/s", "time outside the network", "asked for: under", "padding"]
    lines = make_table([*header, "words/s of all else alone"], rows)
    for one in found:
        if one["functions"]:
            lines += ["", f"Where that time goes, {one['model']}, {one['way']}:", ""]
            lines += make_table(
                ["function", "share of it"], [[name, f"{share:.0%}"] for name, share in one["functions"]]
            )
    return lines


BENCHMARK = Benchmark("overhead", "What is not the network", add_arguments, measure, tabulate)

if __name__ == "__main__":
    BENCHMARK.main(__doc__)
