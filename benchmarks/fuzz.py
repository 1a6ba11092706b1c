"""Cases that a coverage-guided fuzzer makes, and what became of them: answers, coded errors, and nothing else.

    python benchmarks/fuzz.py --write

Needs atheris (in the extra `test`, on Linux). What is fuzzed stands in tests/fuzzing/targets.py, and what no case may
lead to in tests/fuzzing/watch.py: an error without a code, more than 10 seconds or 2 GiB, a file written outside the
folder, code or another program run, the network asked. Each target runs in a process of its own. Its cases, and those
that failed, are kept in --folder, from where a later run goes on. With --only, what was found of the other targets is
kept from the last report. Ended with SIGTERM it reports what there is. To look at a case again:

    python benchmarks/fuzz.py --again TARGET FILE
"""

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Dict, List, Optional

from record import Benchmark, Table, make_table

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

# How many cases of each target: by what one costs, and how much there is to find.
N_CASES = {
    "corpus": 350_000,
    "alignment": 450_000,
    "tags": 120_000,
    "pieces": 60_000,
    "drawing": 30_000,
    "corpus_damaged": 15_000,
    "rows": 100_000,
    "rows_damaged": 15_000,
    "corpus_text": 3_000,
    "text": 2_500,
    "checkpoint": 2_000,
    "pipeline": 800,
    "bytes": 1_000,
}
TOY = ("rows", "checkpoint")  # the tests run cases of all of them
STOPPED = -1  # the status of a target that was ended with the benchmark
MAX_CRASHES = 10  # of a target, behind which it is given up
WALL_SECONDS = 120  # of a case that waits rather than computes
SAVE_EVERY = 1.0  # seconds


class Tally:
    """What became of a target's cases, kept in a file: the fuzzer ends its process without a word."""

    def __init__(self, path: Path):
        self.path = path
        self.outcomes: Counter = Counter()
        self._saved = time.monotonic()

    def count(self, outcome: str, watch: Any, *, is_last: bool) -> None:
        """Count a case."""
        self.outcomes[outcome] += 1
        if is_last or time.monotonic() - self._saved > SAVE_EVERY:
            self.save(watch)

    def save(self, watch: Any) -> None:
        """Write all that is known."""
        self._saved = time.monotonic()
        peak = max(watch.peak, read_status("VmHWM") - watch.at_start)
        text = json.dumps({"outcomes": self.outcomes, "slowest": watch.slowest[0], "peak": peak})
        self.path.with_suffix(".new").write_text(text)
        self.path.with_suffix(".new").replace(self.path)


def read_status(name: str) -> int:
    """Bytes, of this process."""
    return 1024 * int(re.search(rf"{name}:\s+(\d+)", Path("/proc/self/status").read_text())[1])


def find_fast() -> Optional[str]:
    """A folder in memory, where there is one: most of what a case costs is else the opening of a file."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


def prepare(name: str, place: Path) -> Any:
    """A target and the watch over it, in a folder that all it writes must be in."""
    import logging

    import torch
    from fuzzing.targets import make_targets
    from fuzzing.watch import Watch

    torch.set_num_threads(1)
    logging.disable(logging.CRITICAL)
    os.chdir(place)
    target = make_targets(place)[name]
    watch = Watch(place)
    watch.run(target.check, target.seeds[0])  # what is loaded once
    watch.at_start = read_status("VmRSS")
    watch.peak = 0
    return target, watch


def run_child(name: str, folder: Path, place: Path, n_cases: int, seed: int) -> None:
    """Fuzz one target; does not come back.

    folder (Path): Holds its cases, and what becomes known of them.
    place (Path): An empty folder for what it writes.
    """
    import atheris

    with atheris.instrument_imports(include=["spacy_xlmr_ner"]):
        target, watch = prepare(name, place)
    corpus = folder / "corpus" / name
    corpus.mkdir(parents=True, exist_ok=True)
    for i, case in enumerate(target.seeds):
        (corpus / f"seed-{i:04}").write_bytes(case)
    tally = Tally(folder / f"{name}.json")

    def test(data: bytes) -> None:
        try:
            outcome = watch.run(target.check, data, weighs=target.weighs)
        except BaseException:
            tally.count("failed", watch, is_last=True)
            raise
        tally.count(outcome, watch, is_last=sum(tally.outcomes.values()) + 1 >= n_cases)

    options = {
        "runs": n_cases,
        "seed": seed,
        "max_len": target.longest,
        "timeout": WALL_SECONDS,
        "rss_limit_mb": (watch.at_start >> 20) + 2048,
        "artifact_prefix": f"{folder}/crashes/{name}-",
        "verbosity": 0,
    }
    atheris.Setup([sys.argv[0], str(corpus), *(f"-{key}={value}" for key, value in options.items())], test)
    atheris.Fuzz()


def run_command(command: List[str]) -> subprocess.CompletedProcess:
    """Run a program to its end, or to ours: then it is ended too, and what it has done counts."""
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True, "errors": "replace"}
    with subprocess.Popen(command, **options) as process:
        try:
            said, _ = process.communicate()
        except KeyboardInterrupt:
            process.kill()
            said, _ = process.communicate()
            return subprocess.CompletedProcess(command, STOPPED, said)
    return subprocess.CompletedProcess(command, process.returncode, said)


def run_target(name: str, folder: Path, n_cases: int) -> Dict[str, Any]:
    """Fuzz one target in processes of its own; behind a crash the next goes on."""
    outcomes: Counter = Counter()
    found: Dict[str, Any] = {"slowest": 0.0, "peak": 0, "crashes": []}
    start = time.monotonic()
    for seed in range(1, MAX_CRASHES + 1):
        n_left = n_cases - sum(outcomes.values())
        tally = folder / f"{name}.json"
        tally.unlink(missing_ok=True)
        before = set((folder / "crashes").iterdir())
        with tempfile.TemporaryDirectory(dir=find_fast(), ignore_cleanup_errors=True) as place:
            (Path(place) / "work").mkdir()
            command = [sys.executable, __file__, "--child", name, str(folder), f"{place}/work", str(n_left), str(seed)]
            done = run_command(command)
        (folder / f"{name}.log").write_text(done.stdout)
        if not tally.exists():
            if done.returncode == STOPPED:
                break
            raise SystemExit(f"{name} did not begin:\n{done.stdout[-3000:]}")
        own = json.loads(tally.read_text())
        outcomes.update(own["outcomes"])
        found |= {key: max(found[key], own[key]) for key in ("slowest", "peak")}
        new = sorted(path.name for path in set((folder / "crashes").iterdir()) - before)
        if done.returncode in (0, STOPPED):
            break
        breach = re.findall(r"Breach: (.*)|(ERROR: libFuzzer.*)", done.stdout)
        found["crashes"].append({"files": new, "said": [first or second for first, second in breach][-1:]})
        print(f"{name}: {found['crashes'][-1]}", file=sys.stderr, flush=True)
    found |= {
        "date": time.strftime("%Y-%m-%d"),
        "seconds": time.monotonic() - start,
        "is_whole": done.returncode != STOPPED,
    }
    return {"target": name, "cases": sum(outcomes.values()), "outcomes": dict(outcomes), **found}


def run_again(name: str, case: Path) -> None:
    """Run one case, to see what it does."""
    data = case.read_bytes()
    with tempfile.TemporaryDirectory(dir=find_fast()) as place:
        (Path(place) / "work").mkdir()
        target, watch = prepare(name, Path(place) / "work")
        print(repr(data)[:1000])
        print(watch.run(target.check, data), f"{watch.slowest[0]:.2f} s, {watch.peak / 2**20:.0f} MiB")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--scale", type=float, default=1.0, help="how many of the usual cases")
    parser.add_argument("--only", nargs="+", choices=sorted(N_CASES), help="these targets alone")
    parser.add_argument("--folder", type=Path, help="where cases and crashes are kept; none: a temporary one")


def measure(args: argparse.Namespace) -> List[Dict[str, Any]]:
    if find_spec("atheris") is None:
        sys.exit("skipped: atheris is not installed (pip install atheris)")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    scale = 0.0005 if args.toy else args.scale
    with tempfile.TemporaryDirectory() as temporary:
        folder = (args.folder or Path(temporary)).resolve()
        (folder / "crashes").mkdir(parents=True, exist_ok=True)
        found = []
        for name in args.only or (TOY if args.toy else N_CASES):
            found.append(run_target(name, folder, max(20, round(N_CASES[name] * scale))))
            print(json.dumps(found[-1])[:1000], file=sys.stderr, flush=True)
            if not found[-1]["is_whole"]:
                break
        former = {one["target"]: one for one in (BENCHMARK.read() or {"result": []})["result"] if args.only}
        return list((former | {one["target"]: one for one in found}).values())


def tabulate(found: List[Dict[str, Any]]) -> Table:
    rows = []
    for one in found:
        coded = {code: n for code, n in one["outcomes"].items() if code not in ("answer", "failed")}
        most = ", ".join(f"{code} {n:,}" for code, n in Counter(coded).most_common(4)) or "none"
        row = [one["target"], f"{one['cases']:,}", f"{one['outcomes'].get('answer', 0):,}", most, len(one["crashes"])]
        rows.append(
            [*row, f"{one['slowest']:.2f}", f"{one['peak'] / 2**20:,.0f}", f"{one['seconds']:,.0f}", one["date"]]
        )
    header = ["target", "cases", "answers", "errors, the most frequent", "crashes"]
    n_cases, n_crashes = (sum(values) for values in zip(*((one["cases"], len(one["crashes"])) for one in found)))
    return [
        *make_table([*header, "slowest case (s)", "peak (MiB above the start)", "seconds", "date"], rows),
        "",
        f"{n_cases:,} cases in all, {n_crashes} of which led to what none may lead to.",
    ]


BENCHMARK = Benchmark("fuzz", "Hard days: what became of a million hostile cases", add_arguments, measure, tabulate)

if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        run_child(sys.argv[2], Path(sys.argv[3]), Path(sys.argv[4]), int(sys.argv[5]), int(sys.argv[6]))
    elif sys.argv[1:2] == ["--again"]:
        run_again(sys.argv[2], Path(sys.argv[3]).resolve())
    else:
        BENCHMARK.main(__doc__)
