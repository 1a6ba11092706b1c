"""What `annotate` costs over plain nlp.pipe, reading and writing included, and whether a second process helps.

    python benchmarks/annotate.py --write

The model in the package. Texts of 1 to 12 sentences as JSON lines; each pass loads the model, annotates all and, but
for plain nlp.pipe, reads and writes files. The ways take turns. Processes start with importing everything, so the
seconds until the first shard is there are given too.
"""

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any, Dict, List

import spacy
from checkpoints import find_texts
from record import Benchmark, Table, make_table, show_spread

from spacy_xlmr_ner.bulk import annotate_files

WAYS = ("nlp.pipe", "annotate", "annotate --n-process 2")
SHARD = 1000  # rows: some for each process; the default, 5000, suits longer jobs


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--texts", type=int, default=4000)
    parser.add_argument("--rounds", type=int, default=3)


def time_pass(way: str, texts: List[str], folder: Path) -> Dict[str, float]:
    """Seconds of a pass, and until the first shard."""
    start = time.perf_counter()
    if way == "nlp.pipe":
        nlp = spacy.blank("xx")
        nlp.add_pipe("xlmr_ner")
        nlp("Jack Sparrow loves New York!")
        first = time.perf_counter() - start
        assert sum(1 for _ in nlp.pipe(texts)) == len(texts)
        return {"seconds": time.perf_counter() - start, "first": first}
    out = folder / str(start)
    summary = annotate_files([folder / "in.jsonl"], out, n_process=2 if "2" in way else 1, shard_size=SHARD)
    assert summary.n_texts == len(texts)
    seconds = time.perf_counter() - start
    lines = (out / "manifest.jsonl").read_text(encoding="utf8").splitlines()
    return {"seconds": seconds, "first": json.loads(lines[1])["seconds"]}


def measure(args: argparse.Namespace) -> Dict[str, Any]:
    texts = find_texts(20 if args.toy else args.texts, is_toy=args.toy)
    found: Dict[str, List[Dict[str, float]]] = {way: [] for way in WAYS}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rows = (json.dumps({"id": i, "text": text}, ensure_ascii=False) for i, text in enumerate(texts))
        (folder / "in.jsonl").write_text("\n".join(rows) + "\n", encoding="utf8")
        for _ in range(1 if args.toy else args.rounds):
            for way in WAYS:
                found[way].append(time_pass(way, texts, folder))
    return {"texts": len(texts), "words": sum(len(text.split()) for text in texts), "ways": found}


def tabulate(result: Dict[str, Any]) -> Table:
    plain = [one["seconds"] for one in result["ways"]["nlp.pipe"]]
    rows = []
    for way, passes in result["ways"].items():
        seconds = [one["seconds"] for one in passes]
        share = statistics.median(other / own for own, other in zip(seconds, plain))
        rate = result["texts"] / statistics.median(seconds)
        first = statistics.median(one["first"] for one in passes)
        rows.append([way, f"{rate:,.1f}", show_spread(seconds, digits=1), f"{first:.1f}", f"{share:.2f}"])
    header = [
        "way",
        "texts/s, median",
        "seconds, from to",
        "seconds to the first shard or text",
        "speed against nlp.pipe",
    ]
    return [f"{result['texts']:,} texts, {result['words']:,} words.", "", *make_table(header, rows)]


BENCHMARK = Benchmark("annotate", "`annotate` beside nlp.pipe", add_arguments, measure, tabulate)

if __name__ == "__main__":
    BENCHMARK.main(__doc__)
