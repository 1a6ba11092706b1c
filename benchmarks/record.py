"""What all benchmarks share: the command line, a dated result with machine and versions, the page made of all results.

A benchmark is a file with a `BENCHMARK`. Run with --write it saves `results/<name>.json` and makes README.md anew.
"""

import argparse
import json
import os
import platform
import re
import sys
import time
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Sequence

RESULTS = Path(__file__).parent / "results"
LIBRARIES = ("spacy", "torch", "transformers", "tokenizers", "onnxruntime", "numpy")
FLAGS = ("avx2", "avx512f", "avx512_bf16", "avx512_vnni", "avx_vnni", "amx_bf16", "amx_int8")

Table = List[str]


@dataclass(frozen=True)
class Benchmark:
    """One question, and how its answer is found and shown.

    name (str): Of the file, without its ending.
    question (str): Heads its part of the page.
    add_arguments (Callable): Adds the options, `--toy` aside, which all have.
    measure (Callable): From the options to a result that JSON can hold.
    tabulate (Callable): From the result to lines of Markdown.
    plot (Optional[Callable]): Draws the result on a figure of Matplotlib.
    """

    name: str
    question: str
    add_arguments: Callable[[argparse.ArgumentParser], None]
    measure: Callable[[argparse.Namespace], Any]
    tabulate: Callable[[Any], Table]
    plot: Optional[Callable[[Any, Any], None]] = None

    @property
    def path(self) -> Path:
        """Where the result is kept."""
        return RESULTS / f"{self.name}.json"

    def main(self, about: str, argv: Optional[Sequence[str]] = None) -> None:
        """Measure as the command line says, print the table and, with --write, keep the result."""
        parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
        self.add_arguments(parser)
        parser.add_argument("--toy", action="store_true", help="see whether it works; figures mean nothing")
        parser.add_argument("--write", action="store_true", help=f"keep the result in {self.path.name}")
        args = parser.parse_args(argv)
        if args.toy and args.write:
            parser.error("--toy measures nothing that is worth keeping; leave out --write")
        record = {
            "date": time.strftime("%Y-%m-%d"),
            "command": " ".join(["python", f"benchmarks/{self.name}.py", *(sys.argv[1:] if argv is None else argv)]),
            "machine": describe_machine(),
            "versions": find_versions(),
        }
        record["result"] = self.measure(args)
        print("\n".join([describe(record), "", *self.tabulate(record["result"])]))
        if args.write:
            self.path.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", encoding="utf8")
            from report import write_page

            write_page()

    def read(self) -> Optional[Dict[str, Any]]:
        """The kept record, if there is one."""
        return json.loads(self.path.read_text(encoding="utf8")) if self.path.exists() else None


def take_turns(contenders: Dict[str, Callable[[], object]], rounds: int) -> Dict[str, List[float]]:
    """Seconds of each call of each contender; each round begins with another."""
    seconds: Dict[str, List[float]] = {name: [] for name in contenders}
    names = list(contenders)
    for i in range(rounds):
        for name in names[i % len(names) :] + names[: i % len(names)]:
            start = time.perf_counter()
            contenders[name]()
            seconds[name].append(time.perf_counter() - start)
            print(f"round {i + 1} {name}: {seconds[name][-1]:.2f} s", file=sys.stderr)
    return seconds


def describe_machine() -> Dict[str, Any]:
    """Processor, what it multiplies fast, threads, memory, and a GPU where there is one."""
    import torch

    info = Path("/proc/cpuinfo")
    text = info.read_text() if info.exists() else ""
    model = re.search(r"model name\s*:\s*(.+)", text)
    flags = set(re.findall(r"\w+", next(iter(re.findall(r"flags\s*:(.+)", text)), "")))
    machine = {
        "processor": model[1] if model else platform.processor() or platform.machine(),
        "instructions": [flag for flag in FLAGS if flag in flags],
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
    }
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        machine["gib"] = round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30, 1)
    if torch.cuda.is_available():
        machine["gpu"] = torch.cuda.get_device_name()
    return machine


def find_versions(libraries: Sequence[str] = LIBRARIES) -> Dict[str, str]:
    """Of those libraries that are installed."""
    found = {}
    for library in libraries:
        try:
            found[library] = version(library)
        except PackageNotFoundError:
            continue
    return found


def describe(record: Dict[str, Any]) -> str:
    """When, where and with what, in a line."""
    machine = record["machine"]
    versions = ", ".join(f"{name} {number}" for name, number in record["versions"].items())
    where = f"{machine['processor']} ({' '.join(machine['instructions'])}), {machine['threads']} threads"
    gpu = f", {machine['gpu']}" if "gpu" in machine else ""
    return f"{record['date']}, {where}{gpu}; Python {machine['python']}, {versions}."


def make_table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> Table:
    """A table of Markdown."""
    lines = [header, ["---"] * len(header), *rows]
    return ["| " + " | ".join(str(cell) for cell in line) + " |" for line in lines]


def show_spread(values: Sequence[float], *, digits: int = 0) -> str:
    """The least and the greatest."""
    return f"{min(values):,.{digits}f} to {max(values):,.{digits}f}"
