"""Whether memory stays flat over an hour of mixed work.

    python benchmarks/soak.py --write

Rounds of short docs, long docs and hard texts, in streams, from several threads, rows as `annotate` has them, with the
pipeline saved and loaded, and its bytes too, every so often. Resident memory is read every few seconds (Linux only),
when the allocator has given back what is free: else holes between what is in use make steps of some MiB. A line is
laid through the second half of the readings: what it rises by is compared with how far they lie around it.
spaCy's vocabulary keeps the words that it has seen, so that they are of a fixed number here, but for the rows, each of
which has new ones: those are forgotten by memory zones, whose table grows until the pipeline is loaded anew.
"""

import argparse
import ctypes
import itertools
import os
import random
import tempfile
import threading
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Tuple

import numpy as np
import spacy
from checkpoints import make_nlp, make_up_texts, write_toy
from record import Benchmark, Table, make_table
from spacy.language import Language
from spacy.tokens import Doc

from spacy_xlmr_ner.bulk.annotator import Annotator
from spacy_xlmr_ner.bulk.rows import Row

N_THREADS = 4
HARD = (
    "",
    " \n\t",
    "\x00\x1b",
    "👩‍👩‍👧‍👦 🏳️‍🌈",
    "שלום \u202eAnna\u202c",
    "A\u0301\u0302nna",
    "<s> ▁Anna </s>",
    "a" * 300,
    "🚀" * 100,
)
NOISE = 3.0  # deviations of the readings that the rise may have
LEAST_NOISE = 5.0  # MiB


class Sampler:
    """Reads resident memory from a thread of its own.

    every (float): Seconds between two readings.
    """

    def __init__(self, every: float):
        self.readings: List[Tuple[float, float]] = []
        self._every = every
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "Sampler":
        self._start = time.monotonic()
        self._thread.start()
        return self

    def __exit__(self, *args: object) -> None:
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        trim = getattr(ctypes.CDLL(None), "malloc_trim", lambda pad: 0)  # glibc's
        while not self._ended.wait(self._every):
            trim(0)
            self.readings.append((round(time.monotonic() - self._start, 1), round(read_resident(), 1)))


def read_resident() -> float:
    """MiB of this process."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def make_work(folder: Path) -> Dict[str, Callable[[Language, int], int]]:
    """What is done in turn; each takes the pipeline and the round's number, and returns how many docs it was."""
    texts = make_up_texts(2000)
    long = [" ".join(texts[start : start + 200]) for start in range(0, 1000, 200)]

    def run_short(nlp: Language, i: int) -> int:
        return sum(len(doc.ents) >= 0 for doc in nlp.pipe(random.Random(i).sample(texts, 200)))

    def run_long(nlp: Language, i: int) -> int:
        return sum(len(doc.ents) >= 0 for doc in nlp.pipe([long[i % len(long)]]))

    def run_hard(nlp: Language, i: int) -> int:
        ready = Doc(nlp.vocab, words=["🚀"] * 3000)
        return sum(len(doc.ents) >= 0 for doc in nlp.pipe([*HARD, ready]))

    def run_threads(nlp: Language, i: int) -> int:
        with ThreadPoolExecutor(N_THREADS) as pool:
            return sum(pool.map(lambda text: len(nlp(text).ents) >= 0, texts[:100]))

    annotator = Annotator(make_nlp(folder) for _ in itertools.count())

    def run_rows(nlp: Language, i: int) -> int:
        new = (f"{text} word{i}x{n}" for n, text in enumerate(texts[:300]))
        rows = [Row(n, text, {}, "", n) for n, text in enumerate(new)]
        return len(annotator.annotate(rows).outcomes)

    def run_saving(nlp: Language, i: int) -> int:
        if i % 5:
            return 0
        nlp.to_disk(folder / "saved")
        loaded = spacy.load(folder / "saved")
        other = spacy.blank("xx")
        other.add_pipe("xlmr_ner", config={"model": {"name": str(folder)}}).from_bytes(
            nlp.get_pipe("xlmr_ner").to_bytes()
        )
        return sum(len(own(texts[i % 100]).ents) >= 0 for own in (loaded, other))

    work = (run_short, run_long, run_hard, run_threads, run_rows, run_saving)
    return {run.__name__.removeprefix("run_"): run for run in work}


def run_rounds(nlp: Language, folder: Path, seconds: float) -> Iterator[Tuple[str, int]]:
    """Work until the time is up; yields what was done and how many docs it was."""
    work = make_work(folder)
    end = time.monotonic() + seconds
    for i in itertools.count():
        for name, run in work.items():
            yield name, run(nlp, i)
            if time.monotonic() > end:
                return


def judge(readings: List[Tuple[float, float]]) -> Dict[str, float]:
    """The rise of the second half, by a line through it, and how far readings lie around the line, in MiB."""
    second = np.array(readings[len(readings) // 2 :])
    slope, level = np.polyfit(second[:, 0], second[:, 1], 1)
    around = second[:, 1] - (slope * second[:, 0] + level)
    rise = float(slope * (second[-1, 0] - second[0, 0]))
    return {"rise": rise, "noise": max(LEAST_NOISE, NOISE * float(around.std())), "level": float(second[:, 1].mean())}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--every", type=float, default=5.0, help="seconds between two readings")


def measure(args: argparse.Namespace) -> Dict[str, Any]:
    seconds, every = (4.0, 0.1) if args.toy else (60 * args.minutes, args.every)
    docs: Dict[str, int] = {}
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as place:
        write_toy(Path(place))
        nlp = make_nlp(Path(place))
        nlp("loads what is loaded once")
        with Sampler(every) as sampler:
            for name, n_docs in run_rounds(nlp, Path(place), seconds):
                docs[name] = docs.get(name, 0) + n_docs
    return {"docs": docs, "readings": sampler.readings, **judge(sampler.readings)}


def tabulate(result: Dict[str, Any]) -> Table:
    minutes = result["readings"][-1][0] / 60
    mib = [reading[1] for reading in result["readings"]]
    is_flat = result["rise"] <= result["noise"]
    header = ["minutes", "docs", "first MiB", "middle MiB", "last MiB", "rise of the second half", "noise", "flat"]
    cells = [f"{value:,.0f}" for value in (mib[0], mib[len(mib) // 2], mib[-1])]
    row = [f"{minutes:,.1f}", f"{sum(result['docs'].values()):,}", *cells, f"{result['rise']:+.1f} MiB"]
    work = ", ".join(f"{name} {n:,}" for name, n in result["docs"].items())
    return [
        *make_table(header, [[*row, f"{result['noise']:.1f} MiB", "yes" if is_flat else "no"]]),
        "",
        f"Docs: {work}.",
    ]


def plot(result: Dict[str, Any], figure: Any) -> None:
    axes = figure.subplots()
    axes.plot([seconds / 60 for seconds, _ in result["readings"]], [mib for _, mib in result["readings"]])
    axes.set_xlabel("minutes")
    axes.set_ylabel("resident MiB")
    axes.set_ylim(bottom=0)


BENCHMARK = Benchmark("soak", "Memory over an hour of mixed work", add_arguments, measure, tabulate, plot)

if __name__ == "__main__":
    BENCHMARK.main(__doc__)
