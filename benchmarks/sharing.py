"""What `xlmr_ner` costs in a pipeline that has the transformer already, by TokenTagger.v1.

    python benchmarks/sharing.py --write

XLM-R base's shape, taken apart by `split`; the same texts through the pipeline with the component and without it,
taking turns. Runs in the peers' environment, which has spacy-transformers.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any, Dict, List

from checkpoints import count_words, find_texts, write_checkpoint
from peers import run_among_peers
from record import Benchmark, Table, make_table, show_spread

MOST_ALLOWED = 0.05
WAYS = ("transformer", "transformer + xlmr_ner")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--texts", type=int, default=48)
    parser.add_argument("--rounds", type=int, default=5)


def measure(args: argparse.Namespace) -> Dict[str, Any]:
    from spacy_xlmr_ner.splitting import split_checkpoint

    texts = find_texts(8 if args.toy else args.texts, is_toy=args.toy)
    seconds: Dict[str, List[float]] = {way: [] for way in WAYS}
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "checkpoint"
        write_checkpoint(folder, is_toy=args.toy)
        nlp = split_checkpoint(str(folder))
    list(nlp.pipe(texts[:4]))
    for i in range(2 if args.toy else args.rounds):
        for way in WAYS if i % 2 else reversed(WAYS):
            with nlp.select_pipes(disable=[] if "xlmr_ner" in way else ["xlmr_ner"]):
                start = time.perf_counter()
                list(nlp.pipe(texts))
                seconds[way].append(time.perf_counter() - start)
    return {"texts": len(texts), "words": count_words(texts), "seconds": seconds}


def tabulate(result: Dict[str, Any]) -> Table:
    medians = {way: statistics.median(times) for way, times in result["seconds"].items()}
    cost = medians[WAYS[1]] / medians[WAYS[0]] - 1
    rows = [
        [way, f"{result['words'] / medians[way]:,.0f}", show_spread([result["words"] / one for one in times])]
        for way, times in result["seconds"].items()
    ]
    said = f"{result['texts']} texts, {result['words']:,} words. The component costs {cost:.1%} (asked for: under "
    return [f"{said}{MOST_ALLOWED:.0%}).", "", *make_table(["pipeline", "words/s", "from to"], rows)]


BENCHMARK = Benchmark("sharing", "What the component costs over a shared transformer", add_arguments, measure, tabulate)

if __name__ == "__main__":
    run_among_peers("spacy_transformers")
    BENCHMARK.main(__doc__)
