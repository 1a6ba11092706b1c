"""The memory that `annotate` takes with inputs of any size.

    python benchmarks/annotate_memory.py --write

Each input is annotated by a process of its own; its greatest resident memory is what the system says of it. Ten
gigabytes of JSON lines come gzipped (each line is padded with blanks, for annotating ten gigabytes of text would take
days); a line of 200 MB is beyond nlp.max_length and is rejected; a million lines are empty. Of Parquet a group of rows
is held, and a file of docs as a whole: the size of either is said.
"""

import argparse
import gzip
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Dict, Iterator, List

from record import Benchmark, Table, make_table
from spacy.tokens import Doc, DocBin
from spacy.vocab import Vocab

MB = 10**6
PAD = MB // 10  # bytes of a line of the large file
TOY = 1000  # times smaller


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--gigabytes", type=float, default=10.0)


def make_large(n_bytes: int) -> Iterator[bytes]:
    for i in range(max(1, n_bytes // PAD)):
        row = json.dumps({"id": i, "text": "Angela Merkel besuchte Paris." if i % 10 == 0 else ""})
        yield row.encode().ljust(PAD - 1) + b"\n"


def make_long_line(n_bytes: int) -> Iterator[bytes]:
    yield b'{"text": "Paris"}\n{"text": "'
    for _ in range(n_bytes // MB + 1):
        yield b"x" * MB
    yield b'"}\n{"text": "Berlin"}\n'


def write_parquet(path: Path, shrink: int) -> None:
    """A gigabyte in ten groups of rows, not compressed."""
    import pyarrow.parquet  # here, for the page of all results is also made where it is not installed

    n_rows = max(1, 1000 // shrink)
    schema = pyarrow.schema({"text": pyarrow.string(), "pad": pyarrow.string()})
    with pyarrow.parquet.ParquetWriter(path, schema, compression="none", use_dictionary=False) as writer:
        for group in range(10):
            pads = [f"{group}-{i}".ljust(PAD) for i in range(n_rows)]
            writer.write_table(pyarrow.table({"text": ["Paris"] * n_rows, "pad": pads}, schema))


def write_docs(path: Path, shrink: int) -> None:
    """A hundred megabytes when it is unpacked."""
    docs = DocBin(store_user_data=True)
    for i in range(max(1, 1000 // shrink)):
        docs.add(Doc(Vocab(), words=["Paris"], user_data={"pad": str(i).ljust(PAD)}))
    docs.to_disk(path)


def make_inputs(folder: Path, gigabytes: float, shrink: int) -> Dict[str, Path]:
    """Write the inputs."""
    sources = {
        "a line": ("line.txt", [b"Angela Merkel besuchte Paris.\n"]),
        f"{gigabytes:g} GB of JSON lines": ("large.jsonl.gz", make_large(int(gigabytes * 10**9) // shrink)),
        "one line of 200 MB": ("long.jsonl", make_long_line(200 * MB)),
        "a million empty lines": ("empty.txt", [b"\n" * (10**6 // shrink)]),
    }
    paths = {}
    for name, (file, parts) in sources.items():
        paths[name] = folder / file
        with gzip.open(paths[name], "wb", 1) if file.endswith(".gz") else paths[name].open("wb") as target:
            target.writelines(parts)
    paths["1 GB of Parquet in groups of 100 MB"] = folder / "rows.parquet"
    write_parquet(folder / "rows.parquet", shrink)
    paths["docs of 100 MB"] = folder / "docs.spacy"
    write_docs(folder / "docs.spacy", shrink)
    return paths


def annotate(path: Path, out: Path) -> Dict[str, Any]:
    """Annotate a file in a process of its own."""
    process = subprocess.Popen(
        [sys.executable, "-m", "spacy_xlmr_ner", "annotate", str(path), "--out", str(out)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _, _, usage = os.wait4(process.pid, 0)
    process.returncode = 0
    summary = json.loads((out / "summary.json").read_text(encoding="utf8"))
    mib = usage.ru_maxrss / 2**10 / (2**10 if sys.platform == "darwin" else 1)
    return {key: summary[key] for key in ("n_texts", "n_rejected", "seconds")} | {"mib": round(mib)}


def measure(args: argparse.Namespace) -> List[Dict[str, Any]]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        # A process begins with its parent's greatest size as its own: the inputs are made by another than this one.
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            paths = pool.apply(make_inputs, (folder, args.gigabytes, TOY if args.toy else 1))
        todo = list(paths.items())[: 2 if args.toy else None]
        return [{"input": name, **annotate(path, folder / path.stem)} for name, path in todo]


def tabulate(found: List[Dict[str, Any]]) -> Table:
    header = ["input", "texts", "rejected", "seconds", "peak memory, MiB"]
    rows = [
        [one["input"], f"{one['n_texts']:,}", one["n_rejected"], f"{one['seconds']:,.0f}", one["mib"]] for one in found
    ]
    return make_table(header, rows)


BENCHMARK = Benchmark("annotate_memory", "Memory of `annotate`", add_arguments, measure, tabulate)

if __name__ == "__main__":
    BENCHMARK.main(__doc__)
