"""Whether a faster way to run the network keeps its entities: on labelled text in 24 languages, beside its speed.

    python benchmarks/precision.py --write

The first way is the one that the others are held against: the share of its entities that they find too, and strict F1
against gold. Asked for of int8: 99.5 % of the entities, and F1 within 0.3 points. The speed is that of the same pass.
"""

import argparse
import sys
import time
import warnings
from importlib.metadata import version
from pathlib import Path
from typing import Dict, List, Optional, Set, Tuple

import torch
from bundled import WAYS, make_nlp
from spacy.tokens import Doc
from texts import require_shared

from spacy_xlmr_ner.analysis import read_data

RESULTS = Path(__file__).parent / "results" / "precision.md"
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


def tag(model: Optional[str], way: str, gold: List[Doc]) -> Tuple[Ents, float]:
    """What is found in the same tokens without their entities, and how many words a second."""
    nlp = make_nlp(model, way)
    list(nlp.pipe(["Jack Sparrow loves New York!"]))
    docs = [Doc(nlp.vocab, [t.text for t in doc], [bool(t.whitespace_) for t in doc]) for doc in gold]
    start = time.perf_counter()
    found = find_ents(list(nlp.pipe(docs, batch_size=256)))
    return found, sum(map(len, docs)) / (time.perf_counter() - start)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", help="a checkpoint; none: the model in the package")
    parser.add_argument("--ways", nargs="+", default=[way for way in WAYS if way != "torch/bfloat16"])
    parser.add_argument("--limit", type=int, default=100, help="sentences of each dev set")
    parser.add_argument("--write", action="store_true", help=f"write {RESULTS.name} too")
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    gold = read_docs(make_nlp(args.model, args.ways[0]).vocab, args.limit)
    results: Dict[str, Tuple[Ents, float]] = {way: tag(args.model, way, gold) for way in args.ways}
    expected, first = find_ents(gold), results[args.ways[0]][0]
    libraries = ("torch", "onnxruntime", "transformers", "spacy")
    lines = ["# Precisions", "", f"{time.strftime('%Y-%m-%d')}, {torch.get_num_threads()} threads, "]
    lines[-1] += ", ".join(f"{name} {version(name)}" for name in libraries) + "."
    lines += ["", "    python benchmarks/precision.py " + " ".join(sys.argv[1:]), ""]
    lines += [f"{len(gold)} sentences, {sum(map(len, first))} entities found by {args.ways[0]}.", ""]
    lines += ["| runtime/precision | words/s | of its entities | F1 | difference in points | as asked for |"]
    lines += ["|---|---|---|---|---|---|"]
    for way, (found, rate) in results.items():
        share = count_shared(found, first) / max(1, sum(map(len, first)))
        f1, lost = score(found, expected), score(found, expected) - score(first, expected)
        is_right = "yes" if share >= LEAST_SHARE and abs(lost) <= MOST_LOST else "no"
        lines.append(f"| {way} | {rate:,.0f} | {share:.2%} | {f1:.4f} | {100 * lost:+.2f} | {is_right} |")
    print("\n".join(lines))
    if args.write:
        RESULTS.write_text("\n".join([*lines, ""]), encoding="utf8")


if __name__ == "__main__":
    main()
