"""Whether a faster way to run the network keeps its entities: on labelled text in 24 languages, beside its speed.

    python benchmarks/precision.py --write

The first way is the one that the others are held against: the share of its entities that they find too, and strict F1
against gold. Asked for of int8: 99.5 % of the entities, and F1 within 0.3 points. The speed is that of the same pass.
"""

import argparse
import time
import warnings
from pathlib import Path
from typing import Any, Dict, List, Optional, Set, Tuple

from checkpoints import make_nlp, make_up_texts
from record import Benchmark, Table, make_table
from spacy.tokens import Doc
from texts import WAYS, require_shared

from spacy_xlmr_ner.analysis import read_data

LEAST_SHARE, MOST_LOST = 0.995, 0.003

Ents = List[Set[Tuple[int, int, str]]]


def read_docs(vocab, limit: int) -> List[Doc]:
    """The beginning of each dev set."""
    docs: List[Doc] = []
    for corpus in ("panx", "uner", "gold"):
        files = sorted((require_shared() / "data" / corpus).glob("*.dev.iob2.gz"))
        data = read_data([f"{file.name.split('.')[0]}={file}" for file in files], vocab=vocab)
        docs += [doc for sentences in data.values() for doc in sentences[:limit]]
    return docs


def find_ents(docs: List[Doc]) -> Ents:
    return [{(ent.start, ent.end, ent.label_) for ent in doc.ents} for doc in docs]


def count_shared(first: Ents, second: Ents) -> int:
    return sum(len(a & b) for a, b in zip(first, second))


def score(found: Ents, gold: Ents) -> float:
    """Strict F1 over all sets together."""
    return 2 * count_shared(found, gold) / max(1, sum(map(len, found)) + sum(map(len, gold)))


def tag(model: Optional[Path], way: str, gold: List[Doc]) -> Tuple[Ents, float]:
    """What is found in the same tokens without their entities, and how many words a second."""
    runtime, precision = way.split("/")
    nlp = make_nlp(model, runtime=runtime, precision=precision)
    list(nlp.pipe(["Jack Sparrow loves New York!"]))
    docs = [Doc(nlp.vocab, [t.text for t in doc], [bool(t.whitespace_) for t in doc]) for doc in gold]
    start = time.perf_counter()
    found = find_ents(list(nlp.pipe(docs, batch_size=256)))
    return found, sum(map(len, docs)) / (time.perf_counter() - start)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", type=Path, help="a checkpoint; none: the model in the package")
    parser.add_argument("--ways", nargs="+", default=list(WAYS))
    parser.add_argument("--limit", type=int, default=100, help="sentences of each dev set")


def measure(args: argparse.Namespace) -> Dict[str, Any]:
    warnings.simplefilter("ignore")
    nlp = make_nlp(args.model)
    gold = list(nlp.tokenizer.pipe(make_up_texts(20))) if args.toy else read_docs(nlp.vocab, args.limit)
    results = {way: tag(args.model, way, gold) for way in args.ways}
    expected, first = find_ents(gold), results[args.ways[0]][0]
    return {
        "sentences": len(gold),
        "entities": sum(map(len, first)),
        "ways": {
            way: {"words/s": rate, "shared": count_shared(found, first), "f1": score(found, expected)}
            for way, (found, rate) in results.items()
        },
    }


def tabulate(result: Dict[str, Any]) -> Table:
    first = next(iter(result["ways"].values()))
    rows = []
    for way, one in result["ways"].items():
        share, lost = one["shared"] / max(1, result["entities"]), one["f1"] - first["f1"]
        is_right = "yes" if share >= LEAST_SHARE and abs(lost) <= MOST_LOST else "no"
        rows.append([way, f"{one['words/s']:,.0f}", f"{share:.2%}", f"{one['f1']:.4f}", f"{100 * lost:+.2f}", is_right])
    header = ["runtime/precision", "words/s", "of its entities", "F1", "difference in points", "as asked for"]
    said = f"{result['sentences']:,} sentences; {result['entities']:,} entities found by {next(iter(result['ways']))}."
    return [said, "", *make_table(header, rows)]


BENCHMARK = Benchmark("precision", "What faster arithmetic costs", add_arguments, measure, tabulate)

if __name__ == "__main__":
    BENCHMARK.main(__doc__)
