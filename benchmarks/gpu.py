"""Words per second on a GPU, beside hf_token_pipe, and how much of the card's own matrix product that is.

    python benchmarks/gpu.py --write

XLM-R base's shape and vocabulary, seeded random weights; all in one process, taking turns. Runs tests/test_gpu.py
first. Where spacy-huggingface-pipelines is not installed, or does not run beside the transformers that is, the pipeline
of transformers that it wraps stands in. Takes less than eight minutes on an H100 and needs no network; where there is
no ../shared, build/shared is read. Without a GPU it leaves.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any, Callable, Dict, List, Tuple

import numpy as np
import spacy
import torch
from checkpoints import count_words, find_texts, make_nlp, write_checkpoint
from contender import Ents, Tagger, list_ents, make_pipeline
from record import Benchmark, Table, make_table, show_spread
from spacy.language import Language

from spacy_xlmr_ner.runtimes.cuda import CudaRuntime

ROOT = Path(__file__).parents[1]
PRECISIONS = ("bfloat16", "float16", "float32")
PEER_BATCHES = (1, 16, 64, 256)
# Pieces in a batch below which padding is taken; the package's own is among them.
SMALL_BATCHES = (256, 2048, 8192, 16384, 32768)
# What is asked for: times hf_token_pipe as it comes, times its best batch size, share of the card's bfloat16 peak.
WANTED = {"as it comes": 20, "its best": 2, "peak": 0.4}
REPEATS = 8  # passes of ours over the texts in a turn: one would be over too soon
TEXTS_IN_A_LONG_ONE = 100


class Watched:
    """A runtime of a GPU that counts what it computes."""

    def __init__(self, runtime: CudaRuntime):
        self.runtime = runtime
        self.max_batch_pieces, self.small_batch = runtime.max_batch_pieces, runtime.small_batch
        self.batches: List[Tuple[np.ndarray, np.ndarray, np.ndarray]] = []

    def __call__(self, piece_ids: np.ndarray, mask: np.ndarray) -> np.ndarray:
        """Run the runtime."""
        return self.runtime(piece_ids, mask)

    def launch(self, piece_ids: np.ndarray, mask: np.ndarray, is_read: np.ndarray) -> Callable[[], np.ndarray]:
        """Start the runtime."""
        self.batches.append((piece_ids, mask, is_read))
        return self.runtime.launch(piece_ids, mask, is_read)

    def find_padding(self) -> float:
        """The share of what was computed that is padding."""
        return 1 - sum(mask.sum() for _, mask, _ in self.batches) / sum(mask.size for _, mask, _ in self.batches)

    def count_operations(self) -> float:
        """Of the network's matrix products over the pieces, padding left out."""
        config = self.runtime.network.config
        width, inner, n_layers = config.hidden_size, config.intermediate_size, config.num_hidden_layers
        lengths = np.concatenate([mask.sum(axis=1) for _, mask, _ in self.batches]).astype(float)
        per_piece = 2 * n_layers * (4 * width**2 + 2 * width * inner)
        return float(per_piece * lengths.sum() + 4 * n_layers * width * (lengths**2).sum())


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--texts", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=200.0, help="no round is begun after so many")


def run_tests() -> str:
    """The last line that the tests of the GPU print."""
    command = [sys.executable, "-m", "pytest", "-q", "-o", "addopts=--import-mode=importlib", "tests/test_gpu.py"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=180, check=False)
    print(done.stdout[-3000:], done.stderr[-2000:], file=sys.stderr)
    return (done.stdout.strip() or done.stderr.strip() or "nothing was said").splitlines()[-1]


def make_ours(folder: Path, precision: str, device: str) -> Tuple[Language, Watched]:
    """A pipeline over the checkpoint, and its runtime."""
    nlp = make_nlp(folder, precision=precision, device=device)
    nlp("warm")
    shim = nlp.get_pipe("xlmr_ner").model.shims[0]
    watched = Watched(CudaRuntime(shim.checkpoint.network, precision=precision, device=device))
    shim._runtime = watched
    return nlp, watched


def make_hf_token_pipe(folder: Path, batch_size: int, device: str) -> Tagger:
    """spacy-huggingface-pipelines; moved by hand, for it asks thinc, which needs CuPy for a GPU."""
    nlp = spacy.blank("xx")
    settings = {"kwargs": {"batch_size": batch_size}} if batch_size > 1 else {}
    pipeline = nlp.add_pipe("hf_token_pipe", config={"model": str(folder), **settings}).hf_pipeline
    pipeline.model.to(device)
    pipeline.device = torch.device(device)
    return lambda texts: [list_ents(doc.ents) for doc in nlp.pipe(texts)]


def make_peers(folder: Path, device: str) -> Tuple[Dict[str, Tagger], str]:
    """The peer with each of its batch sizes, and why it is another than hf_token_pipe, if it is."""
    try:
        peers = {f"hf_token_pipe, batch {n}": make_hf_token_pipe(folder, n, device) for n in PEER_BATCHES}
        next(iter(peers.values()))(["Jack Sparrow loves New York."] * 2)
        return peers, ""
    except Exception as err:  # not installed, or made for another transformers
        reason = f"hf_token_pipe does not run here ({str(err).strip().splitlines()[0][:120]})"
    return {f"transformers.pipeline, batch {n}": make_pipeline(str(folder), n, device) for n in PEER_BATCHES}, reason


def run_rounds(
    taggers: Dict[str, Callable[[], List[Ents]]], rounds: int, seconds: float
) -> Tuple[Dict[str, List[float]], Dict[str, List[Ents]]]:
    """Seconds of each turn, and the entities; each round begins with another."""
    times: Dict[str, List[float]] = {name: [] for name in taggers}
    found: Dict[str, List[Ents]] = {}
    names, begun = list(taggers), time.perf_counter()
    for i in range(rounds):
        if i and time.perf_counter() - begun > seconds:
            break
        for name in names[i % len(names) :] + names[: i % len(names)]:
            start = time.perf_counter()
            found[name] = taggers[name]()
            times[name].append(time.perf_counter() - start)
            print(f"round {i + 1} {name}: {times[name][-1]:.2f} s", file=sys.stderr)
    return times, found


def time_it(action: Callable[[], object], device: str, rounds: int) -> float:
    """The median of some runs behind one to warm up, each waited for."""
    seconds = []
    for _ in range(rounds + 1):
        start = time.perf_counter()
        action()
        if device != "cpu":
            torch.cuda.synchronize()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds[1:])


def measure_peak(device: str, *, is_toy: bool) -> float:
    """Operations a second of a large bfloat16 product."""
    size = 64 if is_toy else 8192
    left, right = (torch.randn(size, size, device=device).bfloat16() for _ in range(2))
    return 2 * size**3 / time_it(lambda: left @ right, device, 20)


def measure_long(nlp: Language, watched: Watched, texts: List[str], device: str) -> Dict[str, float]:
    """Operations a second on long texts: of nlp.pipe, of the component alone, and of the network alone."""
    watched.batches = []
    docs = list(nlp.pipe(texts))
    batches, operations = watched.batches, watched.count_operations()
    component = nlp.get_pipe("xlmr_ner")

    def run_network() -> None:
        for wait in [watched.runtime.launch(*batch) for batch in batches]:
            wait()

    def run_component() -> None:
        list(component.pipe(ready, batch_size=len(ready) // 4 + 1))

    ready = [spacy.tokens.Doc(doc.vocab, [t.text for t in doc], [bool(t.whitespace_) for t in doc]) for doc in docs]
    return {
        "words": sum(map(len, docs)),
        "pieces": int(sum(mask.sum() for _, mask, _ in batches)),
        "padding": watched.find_padding(),
        "nlp.pipe": operations / time_it(lambda: list(nlp.pipe(texts)), device, 3),
        "the component alone": operations / time_it(run_component, device, 3),
        "the network alone": operations / time_it(run_network, device, 3),
    }


def sweep_batches(nlp: Language, watched: Watched, texts: List[str], n_words: int, device: str) -> List[Dict[str, Any]]:
    """Speed and padding on mixed texts by the size of a batch for which padding is taken."""
    own, found = watched.small_batch, []
    for small in SMALL_BATCHES:
        watched.small_batch, watched.batches = min(small, watched.max_batch_pieces), []
        list(nlp.pipe(texts))
        batches, padding = list(watched.batches), watched.find_padding()

        def run_network(batches=batches) -> None:
            for wait in [watched.runtime.launch(*batch) for batch in batches]:
                wait()

        found.append(
            {
                "small": small,
                "own": small == own,
                "padding": padding,
                "batches": len(batches),
                "words/s": n_words / time_it(lambda: list(nlp.pipe(texts)), device, 3),
                "network": n_words / time_it(run_network, device, 3),
            }
        )
    watched.small_batch = own
    return found


def measure(args: argparse.Namespace) -> Dict[str, Any]:
    if not args.toy and not torch.cuda.is_available():
        sys.exit("skipped: no CUDA GPU here")
    warnings.simplefilter("ignore")
    device = "cpu" if args.toy else "cuda:0"
    repeats = 1 if args.toy else REPEATS
    if args.toy:
        args.texts, args.rounds = 8, 1
    tests = "not run at toy size" if args.toy else run_tests()
    texts = find_texts(args.texts, is_toy=args.toy)
    long = [" ".join(texts[i : i + TEXTS_IN_A_LONG_ONE]) for i in range(0, len(texts), TEXTS_IN_A_LONG_ONE)] * repeats
    n_words = count_words(texts)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "checkpoint"
        write_checkpoint(folder, is_toy=args.toy)
        precisions = [one for one in PRECISIONS if device != "cpu" or one != "float16"]
        ours = {f"ours, {precision}": make_ours(folder, precision, device) for precision in precisions}
        peers, reason = make_peers(folder, device)
        taggers = {name: lambda run=peer: run(texts) for name, peer in peers.items()}
        for name, (nlp, _) in ours.items():
            taggers[name] = lambda nlp=nlp: [list_ents(doc.ents) for doc in nlp.pipe(texts * repeats)]
        run_rounds({name: tagger for name, tagger in taggers.items() if name in ours}, 1, 0.0)  # to warm up
        times, found = run_rounds(taggers, args.rounds, args.seconds)
        peers.clear()
        taggers.clear()
        nlp, watched = ours["ours, bfloat16"]
        exact = found["ours, float32"][: len(texts)]
        return {
            "tests": tests,
            "reason": reason,
            "texts": len(texts),
            "words": n_words,
            "max_batch_pieces": watched.max_batch_pieces,
            "rates": {
                name: [n_words * (repeats if name in ours else 1) / one for one in own] for name, own in times.items()
            },
            "same": {name: sum(a == b for a, b in zip(exact, found[name])) for name in ours},
            "peak": measure_peak(device, is_toy=args.toy),
            "long": measure_long(nlp, watched, long, device),
            "batches": sweep_batches(nlp, watched, texts, n_words, device),
        }


def tabulate(result: Dict[str, Any]) -> Table:
    medians = {name: statistics.median(rates) for name, rates in result["rates"].items()}
    peers = {name: rate for name, rate in medians.items() if not name.startswith("ours")}
    first, best = next(iter(peers)), max(peers, key=peers.get)
    rows = []
    for name, rates in result["rates"].items():
        times = [f"{medians[name] / peers[other]:.2f}" for other in (first, best)]
        same = f"{result['same'][name]} of {result['texts']}" if name in result["same"] else ""
        rows.append([name, f"{medians[name]:,.0f}", show_spread(rates), *times, same])
    said = f"{result['texts']:,} texts, {result['words']:,} words. tests/test_gpu.py: {result['tests']}."
    lines = [said + (f" {result['reason']}; in its place its own pipeline." if result["reason"] else ""), ""]
    lines += make_table(["", "words/s", "from to", f"x times {first}", f"x times {best}", "entities of float32"], rows)
    lines += ["", f"Asked for: {WANTED['as it comes']} times the first, {WANTED['its best']} times its best.", ""]
    long = result["long"]
    lines.append(
        f"Long texts in bfloat16, {long['words']:,} words, {long['padding']:.1%} padding; the card's own product of "
        f"bfloat16 came to {result['peak'] / 1e12:,.3g} TFLOP/s. Asked for: {WANTED['peak']:.0%} of it."
    )
    parts = ("the network alone", "the component alone", "nlp.pipe")
    shares = [[part, f"{long[part] / 1e12:,.3g}", f"{long[part] / result['peak']:.0%}"] for part in parts]
    lines += ["", *make_table(["", "TFLOP/s", "of the card's product"], shares), ""]
    lines += [f"Mixed texts in bfloat16, batches of at most {result['max_batch_pieces']:,} pieces. Bold: our own.", ""]
    rows = []
    for one in result["batches"]:
        small = f"**{one['small']:,}**" if one["own"] else f"{one['small']:,}"
        rates = [f"{one[key]:,.0f}" for key in ("words/s", "network")]
        rows.append([small, f"{one['padding']:.1%}", one["batches"], *rates])
    header = ["padding is taken below (pieces)", "padding", "batches", "words/s", "the network alone, words/s"]
    return [*lines, *make_table(header, rows)]


BENCHMARK = Benchmark("gpu", "On a GPU", add_arguments, measure, tabulate)

if __name__ == "__main__":
    BENCHMARK.main(__doc__)
