"""The figures of the card of the model in the package: strict F1 on every set, and words per second.

    python benchmarks/bundled.py --write

Tests are for the card, once; while a model is being chosen, look at `--split dev`. `--model` takes another checkpoint.
"""

import argparse
import statistics
import sys
import time
import warnings
from pathlib import Path
from typing import Any, Dict, List, Optional

from checkpoints import count_words, find_texts, make_nlp
from record import Benchmark, Table, make_table, show_spread
from spacy.language import Language
from texts import WAYS, require_shared

from spacy_xlmr_ner.analysis import Evaluation, evaluate, read_data

sys.path.append(str(Path(__file__).parents[1] / "tests"))
from everyday import EVERYDAY

# Corpora whose test sets are at hand; of the others there are dev sets alone.
TESTED = ("panx", "uner")
LABELS = ("PER", "ORG", "LOC")
N_TEXTS = 400
Speeds = Dict[str, Dict[str, Any]]


def open_model(model: Optional[Path], way: str) -> Language:
    runtime, precision = way.split("/")
    return make_nlp(model, runtime=runtime, precision=precision)


def evaluate_corpus(nlp: Language, corpus: str, split: str, limit: Optional[int]) -> Evaluation:
    """Evaluate on the sets of one corpus, each a language of its own."""
    files = sorted((require_shared() / "data" / corpus).glob(f"*.{split}.iob2.gz"))
    data = read_data([f"{file.name.split('.')[0]}={file}" for file in files], vocab=nlp.vocab)
    chosen = {language: docs[:limit] for language, docs in data.items()}
    return evaluate(nlp, chosen, name=corpus, with_losses=False)


def list_scores(evaluation: Evaluation) -> Dict[str, Dict[str, Any]]:
    """What is kept of each language."""
    found = {}
    for language, score in sorted(evaluation.scores.languages.items()):
        by_label = evaluation.scores.languages_labels[language]
        found[language] = {
            "f1": score.f1.value,
            "low": score.f1.low,
            "high": score.f1.high,
            "precision": score.precision.value,
            "recall": score.recall.value,
            "labels": {label: by_label[label].f1.value for label in LABELS if label in by_label},
        }
    return found


def check_everyday(nlp: Language) -> List[str]:
    """The sentences of tests/everyday.py that are not right."""
    docs = [sentence.make_doc(nlp.vocab) for sentence in EVERYDAY]
    found = [[(ent.text, ent.label_) for ent in doc.ents] for doc in nlp.pipe(docs)]
    wrong = [(sentence, ents) for sentence, ents in zip(EVERYDAY, found) if ents != sentence.ents]
    return [f"{sentence.lang} {sentence.text} {ents}" for sentence, ents in wrong]


def measure_speed(model: Optional[Path], ways: List[str], *, n_texts: int, rounds: int, is_toy: bool) -> Speeds:
    """Words per second of nlp.pipe, the ways to run the network taking turns."""
    texts = find_texts(n_texts, is_toy=is_toy)
    n_words = count_words(texts)
    pipelines = {way: open_model(model, way) for way in ways}
    rates: Dict[str, List[float]] = {way: [] for way in pipelines}
    ents: Dict[str, List[List[str]]] = {}
    for i in range(rounds + 1):
        for way, nlp in pipelines.items():
            start = time.perf_counter()
            docs = list(nlp.pipe(texts))
            if i:  # the first is to warm up
                rates[way].append(n_words / (time.perf_counter() - start))
            ents[way] = [[f"{ent.start_char} {ent.end_char} {ent.label_}" for ent in doc.ents] for doc in docs]
    same = {way: sum(a == b for a, b in zip(own, ents[ways[0]])) for way, own in ents.items()}
    return {way: {"words/s": own, "same": same[way], "texts": n_texts, "words": n_words} for way, own in rates.items()}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", type=Path, help="a checkpoint; none: the model in the package")
    parser.add_argument("--split", choices=("test", "dev"), default="test", help="of panx and uner; gold has dev alone")
    parser.add_argument("--limit", type=int, help="sentences of each set; none: all")
    parser.add_argument("--rounds", type=int, default=5, help="of the measurement of speed; 0: leave it out")
    parser.add_argument("--ways", nargs="+", default=list(WAYS), help="runtime/precision, to measure the speed of")
    parser.add_argument("--way", default=WAYS[0], help="runtime/precision, to measure F1 of")


def measure(args: argparse.Namespace) -> Dict[str, Any]:
    warnings.simplefilter("ignore")
    nlp = open_model(args.model, args.way)
    corpora = []
    for corpus in () if args.toy else ("panx", "uner", "gold"):
        split = args.split if corpus in TESTED else "dev"
        scores = list_scores(evaluate_corpus(nlp, corpus, split, args.limit))
        corpora.append({"corpus": corpus, "split": split, "languages": scores})
    rounds, n_texts = (1, 8) if args.toy else (args.rounds, N_TEXTS)
    speed = measure_speed(args.model, args.ways, n_texts=n_texts, rounds=rounds, is_toy=args.toy) if rounds else {}
    return {
        "limit": args.limit,
        "corpora": corpora,
        "everyday": {"sentences": len(EVERYDAY), "wrong": check_everyday(nlp)},
        "speed": speed,
    }


def summarise(corpus: Dict[str, Any]) -> List[str]:
    """F1 of each language in one row, as the card has it."""
    values = {language: score["f1"] for language, score in corpus["languages"].items()}
    f1 = " ".join(f"{language} {value:.3f}".replace(" 0.", " .") for language, value in values.items())
    means = [f"{statistics.mean(values.values()):.3f}"]
    if "sv" in values:
        means.append(f"{statistics.mean(value for key, value in values.items() if key != 'sv'):.3f} without sv")
    name = f"{corpus['corpus']} {corpus['split']}"
    return [name, f1, "; ".join(mean.lstrip("0") for mean in means), f"{min(values.values()):.3f}".lstrip("0")]


def tabulate_languages(corpus: Dict[str, Any]) -> Table:
    """A row for each language."""
    rows = []
    for language, score in corpus["languages"].items():
        labels = [f"{score['labels'][label]:.3f}" if label in score["labels"] else "" for label in LABELS]
        figures = [f"{score['f1']:.3f}", f"{score['low']:.3f} to {score['high']:.3f}"]
        rows.append([language, *figures, f"{score['precision']:.3f}", f"{score['recall']:.3f}", *labels])
    table = make_table(["language", "F1", "95 %", "P", "R", *LABELS], rows)
    return [f"### {corpus['corpus']} {corpus['split']}", "", *table, ""]


def tabulate(result: Dict[str, Any]) -> Table:
    lines: Table = []
    if result["corpora"]:
        which = f"the first {result['limit']} sentences of each set" if result["limit"] else "whole sets"
        table = make_table(["sets", "F1", "mean", "least"], [summarise(corpus) for corpus in result["corpora"]])
        lines += [f"Strict F1, {which}.", "", *table, ""]
    everyday = result["everyday"]
    n_right = everyday["sentences"] - len(everyday["wrong"])
    lines += [f"Everyday sentences: {n_right} of {everyday['sentences']} are right.", ""]
    lines += [*(f"- {wrong}" for wrong in everyday["wrong"]), ""] if everyday["wrong"] else []
    rows = []
    for way, one in result["speed"].items():
        rates = one["words/s"]
        rows.append([way, f"{statistics.median(rates):,.0f}", show_spread(rates), f"{one['same']} of {one['texts']}"])
    if rows:
        header = ["runtime/precision", "words/s", "from to", "texts with the entities of the first"]
        first = next(iter(result["speed"].values()))
        lines += [f"Speed on {first['texts']} texts, {first['words']:,} words:", "", *make_table(header, rows), ""]
    for corpus in result["corpora"]:
        lines += tabulate_languages(corpus)
    return lines


BENCHMARK = Benchmark("bundled", "The model in the package", add_arguments, measure, tabulate)

if __name__ == "__main__":
    BENCHMARK.main(__doc__)
