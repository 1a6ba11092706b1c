"""Whether memory grows over a million short docs inside nlp.memory_zone().

    python benchmarks/growth.py --write

Every doc has a word that was not seen before, so that spaCy's vocabulary grows where there is no zone. The network is
tiny: what is looked at is everything around it. A zone holds ten thousand docs; resident memory is read between zones
(Linux only).
"""

import argparse
import os
import tempfile
from contextlib import nullcontext
from pathlib import Path
from typing import Any, Dict, Iterator, List

from checkpoints import make_nlp, write_toy
from record import Benchmark, Table, make_table

IN_A_ZONE = 10_000
N_READINGS = 50


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--docs", type=int, default=1_000_000)


def make_texts(start: int, n_texts: int) -> Iterator[str]:
    """Texts of three words, the last of which is new."""
    for i in range(start, start + n_texts):
        yield f"Tami bu {'abcdefghij'[i % 10]}{i}"


def read_resident() -> float:
    """MiB of this process."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def run(folder: Path, n_docs: int, *, has_zone: bool) -> List[List[float]]:
    """Docs done and MiB, again and again."""
    nlp = make_nlp(folder)
    zone = min(IN_A_ZONE, n_docs // 5)
    every = max(1, n_docs // zone // N_READINGS)
    readings = []
    for i, start in enumerate(range(0, n_docs, zone)):
        with nlp.memory_zone() if has_zone else nullcontext():
            for doc in nlp.pipe(make_texts(start, zone)):
                assert len(doc) == 3
        if i % every == 0:
            readings.append([start + zone, read_resident()])
    return readings


def measure(args: argparse.Namespace) -> Dict[str, List[List[float]]]:
    n_docs = 200 if args.toy else args.docs
    with tempfile.TemporaryDirectory() as place:
        write_toy(Path(place))
        zoned = run(Path(place), n_docs, has_zone=True)
        return {"in zones": zoned, "without": run(Path(place), n_docs, has_zone=False)}


def tabulate(result: Dict[str, List[List[float]]]) -> Table:
    rows = []
    for name, readings in result.items():
        quarter, last = readings[len(readings) // 4], readings[-1]
        rows.append(
            [name, f"{readings[0][1]:,.0f}", f"{quarter[1]:,.0f}", f"{last[1]:,.0f}", f"{last[1] - quarter[1]:+,.0f}"]
        )
    docs = [f"{reading[0]:,.0f}" for reading in (readings[0], readings[len(readings) // 4], readings[-1])]
    header = ["", *(f"MiB after {n} docs" for n in docs), "growth over the last three quarters"]
    return make_table(header, rows)


def plot(result: Dict[str, List[List[float]]], figure: Any) -> None:
    axes = figure.subplots()
    for name, readings in result.items():
        axes.plot([docs for docs, _ in readings], [mib for _, mib in readings], label=name)
    axes.set_xlabel("docs")
    axes.set_ylabel("resident MiB")
    axes.set_ylim(bottom=0)
    axes.legend(frameon=False)


BENCHMARK = Benchmark("growth", "Memory over a million docs", add_arguments, measure, tabulate, plot)

if __name__ == "__main__":
    BENCHMARK.main(__doc__)
