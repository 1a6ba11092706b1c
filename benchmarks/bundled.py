"""The figures of the card of the model in the package: strict F1 on every set, and words per second.

    python benchmarks/bundled.py --write

Tests are for the card, once; while a model is being chosen, look at `--split dev`. `--model` takes another checkpoint.
"""

import argparse
import statistics
import sys
import time
import warnings
from importlib.metadata import version
from pathlib import Path
from typing import Dict, List, Optional

import spacy
import torch
from spacy.language import Language
from texts import make_texts, require_shared

from spacy_xlmr_ner.analysis import Evaluation, evaluate, read_data

sys.path.append(str(Path(__file__).parents[1] / "tests"))
from everyday import EVERYDAY

RESULTS = Path(__file__).parent / "results" / "bundled.md"
# Corpora whose test sets are at hand; of the others there are dev sets alone.
TESTED = ("panx", "uner")
LABELS = ("PER", "ORG", "LOC")
WAYS = ("torch/float32", "torch/bfloat16", "onnx/float32", "onnx/int8")


def make_nlp(model: Optional[str], way: str) -> Language:
    runtime, precision = way.split("/")
    nlp = spacy.blank("xx")
    nlp.add_pipe("xlmr_ner", config={"model": {"name": model, "runtime": runtime, "precision": precision}})
    return nlp


def evaluate_corpus(nlp: Language, corpus: str, split: str, limit: Optional[int]) -> Evaluation:
    """Evaluate on the sets of one corpus, each a language of its own."""
    files = sorted((require_shared() / "data" / corpus).glob(f"*.{split}.iob2.gz"))
    data = read_data([f"{file.name.split('.')[0]}={file}" for file in files], vocab=nlp.vocab)
    chosen = {language: docs[:limit] for language, docs in data.items()}
    return evaluate(nlp, chosen, name=corpus, with_losses=False)


def format_corpus(corpus: str, split: str, evaluation: Evaluation) -> List[str]:
    """A table: a row for each language."""
    rows = [
        f"## {corpus} {split}",
        "",
        "| language | F1 | 95 % | P | R | PER | ORG | LOC |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for language, score in sorted(evaluation.scores.languages.items()):
        by_label = evaluation.scores.languages_labels[language]
        labels = [f"{by_label[label].f1.value:.3f}" if label in by_label else "" for label in LABELS]
        f1 = score.f1
        figures = [f"{f1.value:.3f}", f"{f1.low:.3f} to {f1.high:.3f}"]
        figures += [f"{score.precision.value:.3f}", f"{score.recall.value:.3f}", *labels]
        rows.append("| " + " | ".join([language, *figures]) + " |")
    values = {language: score.f1.value for language, score in evaluation.scores.languages.items()}
    rows += ["", f"Mean {statistics.mean(values.values()):.3f}, least {min(values.values()):.3f}"]
    if corpus == "uner":
        rest = [value for language, value in values.items() if language != "sv"]
        rows[-1] += f"; without sv, whose set has few entities, {statistics.mean(rest):.3f}"
    return [*rows, ""]


def summarise(corpus: str, split: str, evaluation: Evaluation) -> str:
    """F1 of each language in one row, as the card has it."""
    values = {language: score.f1.value for language, score in sorted(evaluation.scores.languages.items())}
    f1 = " ".join(f"{language} {value:.3f}".replace(" 0.", " .") for language, value in values.items())
    means = [f"{statistics.mean(values.values()):.3f}".lstrip("0")]
    if corpus == "uner":
        means.append(
            f"{statistics.mean(value for key, value in values.items() if key != 'sv'):.3f} without sv".lstrip("0")
        )
    return f"| {corpus} {split} | {f1} | {'; '.join(means)} |"


def count_everyday(nlp: Language) -> List[str]:
    """The sentences of tests/everyday.py."""
    docs = [sentence.make_doc(nlp.vocab) for sentence in EVERYDAY]
    found = [[(ent.text, ent.label_) for ent in doc.ents] for doc in nlp.pipe(docs)]
    wrong = [(sentence, ents) for sentence, ents in zip(EVERYDAY, found) if ents != sentence.ents]
    lines = [f"- {sentence.lang} {sentence.text} {ents}" for sentence, ents in wrong]
    return [
        "## Everyday sentences",
        "",
        f"{len(EVERYDAY) - len(wrong)} of {len(EVERYDAY)} are right; not these:",
        "",
        *lines,
        "",
    ]


def measure_speed(model: Optional[str], ways: List[str], *, rounds: int) -> List[str]:
    """Words per second of nlp.pipe, the ways to run the network taking turns."""
    texts = make_texts(400)
    n_words = sum(len(text.split()) for text in texts)
    pipelines = {way: make_nlp(model, way) for way in ways}
    speeds: Dict[str, List[float]] = {way: [] for way in pipelines}
    ents: Dict[str, List[List[str]]] = {}
    for i in range(rounds + 1):
        for way, nlp in pipelines.items():
            start = time.perf_counter()
            docs = list(nlp.pipe(texts))
            if i:  # the first is to warm up
                speeds[way].append(n_words / (time.perf_counter() - start))
            ents[way] = [[f"{ent.start_char} {ent.end_char} {ent.label_}" for ent in doc.ents] for doc in docs]
    rows = [f"## Speed\n\n{len(texts)} texts, {n_words:,} words, {torch.get_num_threads()} threads, {rounds} rounds.\n"]
    rows += ["| runtime/precision | words/s, median | from to | texts with the entities of the first |"]
    rows += ["|---|---|---|---|"]
    for way, values in speeds.items():
        same = sum(a == b for a, b in zip(ents[way], ents[ways[0]]))
        spread = f"{min(values):,.0f} to {max(values):,.0f}"
        rows.append(f"| {way} | {statistics.median(values):,.0f} | {spread} | {same} of {len(texts)} |")
    return [*rows, ""]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", help="a checkpoint; none: the model in the package")
    parser.add_argument("--split", choices=("test", "dev"), default="test", help="of panx and uner; gold has dev alone")
    parser.add_argument("--limit", type=int, help="sentences of each set; none: all")
    parser.add_argument("--rounds", type=int, default=5, help="of the measurement of speed; 0: leave it out")
    parser.add_argument("--ways", nargs="+", default=list(WAYS), help="runtime/precision, to measure the speed of")
    parser.add_argument("--way", default=WAYS[0], help="runtime/precision, to measure F1 of")
    parser.add_argument("--write", action="store_true", help=f"write {RESULTS.name} too")
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    nlp = make_nlp(args.model, args.way)
    where = f"{time.strftime('%Y-%m-%d')}, PyTorch {version('torch')}, transformers {version('transformers')}"
    lines = [
        "# The model in the package",
        "",
        f"{where}, spaCy {version('spacy')}.",
        "",
        "    python benchmarks/bundled.py " + " ".join(sys.argv[1:]),
        "",
    ]
    tables, rows = [], ["| sets | F1 | mean |", "|---|---|---|"]
    for corpus in ("panx", "uner", "gold"):
        split = args.split if corpus in TESTED else "dev"
        evaluation = evaluate_corpus(nlp, corpus, split, args.limit)
        tables += format_corpus(corpus, split, evaluation)
        rows.append(summarise(corpus, split, evaluation))
    lines += [*rows, "", *tables]
    lines += count_everyday(nlp)
    if args.rounds:
        lines += measure_speed(args.model, args.ways, rounds=args.rounds)
    print("\n".join(lines))
    if args.write:
        RESULTS.write_text("\n".join(lines), encoding="utf8")


if __name__ == "__main__":
    main()
