"""What a cluster of Ray costs over `annotate` on one machine, and what a second worker gives; reading, writing alone.

    python benchmarks/ray_scaling.py --write

The model in the package, texts of 1 to 12 sentences as JSON lines, one cluster on this machine for all. Ray's workers
share the processors as `--n-process` has it, so that 1 worker has all threads. Each way annotates a few texts and then
all: the difference is what a text costs, and the few tell what the start does, the loading of the model included. The
ways take turns. Needs the extra `ray`; about half an hour on two cores.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Dict, List

from checkpoints import find_texts
from record import Benchmark, Table, make_table, show_spread

from spacy_xlmr_ner.bulk import annotate_files, annotate_files_on_ray
from spacy_xlmr_ner.bulk.annotator import Annotated
from spacy_xlmr_ner.bulk.inputs import InputReader, find_inputs
from spacy_xlmr_ner.bulk.rows import Row
from spacy_xlmr_ner.bulk.text_readers import ReadSettings
from spacy_xlmr_ner.bulk.writers import make_writer

# Processes, and whether Ray's.
WAYS = {
    "annotate": (1, False),
    "annotate --n-process 2": (2, False),
    "--ray, 1 worker": (1, True),
    "--ray, 2 workers": (2, True),
}
FEW = 20
SHARD = 200
STORE = 500 * 2**20  # bytes


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--texts", type=int, default=4000)
    parser.add_argument("--rounds", type=int, default=3)


def time_pass(way: str, path: Path, n_texts: int) -> float:
    n_process, on_ray = WAYS[way]
    run = annotate_files_on_ray if on_ray else annotate_files
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as out:
        summary = run([path], Path(out) / "out", n_process=n_process, shard_size=SHARD)
        assert summary.n_texts == n_texts
    return time.perf_counter() - start


def time_files(path: Path) -> Dict[str, float]:
    """Texts per second that one process reads, and writes."""
    start = time.perf_counter()
    (source,) = find_inputs([str(path)])
    rows = [step.entry for step in InputReader(source, ReadSettings()).read() if isinstance(step.entry, Row)]
    between = time.perf_counter()
    ent = {"start": 0, "end": 4, "label": "PER", "text": "Anna", "score": 0.123456}
    with tempfile.TemporaryDirectory() as out:
        annotated = Annotated([[ent] * 3 for _ in rows], b"")
        make_writer("jsonl", Path(out)).write(Path(out) / "part", rows, annotated)
    return {"read": len(rows) / (between - start), "write": len(rows) / (time.perf_counter() - between)}


def measure(args: argparse.Namespace) -> Dict[str, Any]:
    if find_spec("ray") is None:
        sys.exit("skipped: Ray is not installed; pip install 'spacy-xlmr-ner[ray]'")
    import ray

    os.environ.update({"RAY_USAGE_STATS_ENABLED": "0", "RAY_worker_niceness": "0"})
    ray.init(num_cpus=2, object_store_memory=STORE, include_dashboard=False, log_to_driver=False)
    texts = find_texts(2 * FEW if args.toy else args.texts, is_toy=args.toy)
    found: Dict[str, List[Dict[str, float]]] = {way: [] for way in WAYS}
    with tempfile.TemporaryDirectory() as name:
        few, all = Path(name) / "few.jsonl", Path(name) / "all.jsonl"
        lines = [json.dumps({"id": i, "text": text}, ensure_ascii=False) + "\n" for i, text in enumerate(texts)]
        few.write_text("".join(lines[:FEW]), encoding="utf8")
        all.write_text("".join(lines), encoding="utf8")
        for _ in range(1 if args.toy else args.rounds):
            for way in WAYS:
                times = {"few": time_pass(way, few, FEW), "all": time_pass(way, all, len(texts))}
                found[way].append(times)
        files = time_files(all)
        n_bytes = all.stat().st_size
    ray.shutdown()
    n_words = sum(len(text.split()) for text in texts)
    return {"texts": len(texts), "words": n_words, "bytes": n_bytes, "files": files, "ways": found}


def tabulate(result: Dict[str, Any]) -> Table:
    rates = {way: [find_rate(result, one) for one in passes] for way, passes in result["ways"].items()}
    plain = statistics.median(rates["annotate"])
    rows = []
    for way, passes in result["ways"].items():
        rate = statistics.median(rates[way])
        few, all = (statistics.median(one[name] for one in passes) for name in ("few", "all"))
        spread = show_spread(rates[way], digits=1)
        rows.append([way, f"{rate:,.1f}", spread, f"{rate / plain:.2f}", f"{few:.1f}", f"{all:.1f}"])
    header = ["way", "texts/s, median", "from to", "against annotate", f"seconds for {FEW} texts", "for all"]
    files = result["files"]
    about = f"{result['texts']:,} texts, {result['words']:,} words, {result['bytes']:,} bytes. One process reads "
    about += f"{files['read']:,.0f} texts a second from JSON lines and writes {files['write']:,.0f}."
    return [about, "", *make_table(header, rows)]


def find_rate(result: Dict[str, Any], times: Dict[str, float]) -> float:
    """Texts per second when all is running."""
    return (result["texts"] - FEW) / max(times["all"] - times["few"], 1e-3)


BENCHMARK = Benchmark("ray_scaling", "`annotate` on Ray", add_arguments, measure, tabulate)

if __name__ == "__main__":
    BENCHMARK.main(__doc__)
