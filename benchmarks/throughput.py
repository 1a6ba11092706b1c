"""Words per second of nlp.pipe beside transformers.pipeline: same checkpoint, same texts, one run, interleaved.

    python benchmarks/throughput.py --texts 48 --rounds 5

Where spacy-huggingface-pipelines is installed, as it can be beside transformers 4, its `hf_token_pipe` takes part.
The checkpoint has XLM-R base's shape, XLM-R's vocabulary and seeded random weights: speed does not depend on them.
"""

import argparse
import json
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Callable, Dict, List

import numpy as np
import spacy
import torch
from spacy.language import Language
from texts import make_texts, require_shared
from transformers import AutoTokenizer, XLMRobertaConfig, XLMRobertaForTokenClassification, pipeline

from spacy_xlmr_ner.pieces.batching import plan_batches

TAGS = ("O", "B-PER", "I-PER", "B-ORG", "I-ORG", "B-LOC", "I-LOC")
ONNX = {"ours, onnx float32": "float32", "ours, onnx int8": "int8"}
PIPELINES = ("pipeline, batch 1", "pipeline, batch 16")
PEERS = ("hf_token_pipe", "hf_token_pipe, batch 16") if find_spec("spacy_huggingface_pipelines") else ()
CONTENDERS = ("ours", *ONNX, *PIPELINES, *PEERS)


def write_base(folder: Path, *, n_layers: int) -> None:
    """Write a checkpoint of XLM-R base's shape."""
    shutil.copy(require_shared() / "xlmr-tokenizer" / "sentencepiece.bpe.model", folder)
    config = XLMRobertaConfig(
        vocab_size=250002,
        hidden_size=768,
        num_hidden_layers=n_layers,
        num_attention_heads=12,
        intermediate_size=3072,
        max_position_embeddings=514,
        type_vocab_size=1,
        layer_norm_eps=1e-5,
        id2label=dict(enumerate(TAGS)),
        label2id={tag: i for i, tag in enumerate(TAGS)},
    )
    config.save_pretrained(folder)
    AutoTokenizer.from_pretrained(folder, model_max_length=512).save_pretrained(folder)  # as on the hub
    torch.manual_seed(0)
    XLMRobertaForTokenClassification(config).save_pretrained(folder)


def make_nlp(folder: Path, precision: str, *, runtime: str = "torch") -> Language:
    nlp = spacy.blank("xx")
    nlp.add_pipe("xlmr_ner", config={"model": {"name": str(folder), "runtime": runtime, "precision": precision}})
    return nlp


def make_contender(name: str, folder: Path, precision: str) -> Callable[[List[str]], object]:
    """Something that takes texts and finds their entities."""
    if name.startswith("ours"):
        nlp = make_nlp(folder, precision) if name == "ours" else make_nlp(folder, ONNX[name], runtime="onnx")
        return lambda texts: [doc.ents for doc in nlp.pipe(texts)]
    if name in PEERS:
        nlp = spacy.blank("xx")
        settings = {"kwargs": {"batch_size": 16}} if "," in name else {}
        nlp.add_pipe("hf_token_pipe", config={"model": str(folder), **settings})
        return lambda texts: [doc.ents for doc in nlp.pipe(texts)]
    tokenizer = AutoTokenizer.from_pretrained(folder, model_max_length=512)
    model = XLMRobertaForTokenClassification.from_pretrained(folder).to(getattr(torch, precision)).eval()
    tagger = pipeline("token-classification", model=model, tokenizer=tokenizer, aggregation_strategy="first", stride=64)
    batch_size = int(name.rsplit(" ", 1)[1])
    return lambda texts: list(tagger(texts, batch_size=batch_size))


def measure_padding(folder: Path, texts: List[str], batch_size: int) -> float:
    """The share of the pieces computed that is padding, batch by batch as nlp.pipe takes the docs."""
    nlp = make_nlp(folder, "float32")
    settings = nlp.get_pipe("xlmr_ner").model.attrs["settings"]
    tokenizer = AutoTokenizer.from_pretrained(folder)
    used = computed = 0
    for start in range(0, len(texts), batch_size):
        docs = [nlp.make_doc(text) for text in texts[start : start + batch_size]]
        words = [[token.text for token in doc] for doc in docs]
        ids = tokenizer(words, is_split_into_words=True)["input_ids"]
        lengths = np.minimum([len(row) for row in ids], 512)  # no text here is much longer than a window
        for batch in plan_batches(lengths, max_batch_pieces=settings.max_batch_pieces):
            used += int(lengths[batch].sum())
            computed += int(lengths[batch].max()) * len(batch)
    return 1 - used / computed


def measure_memory(name: str, folder: Path, args: argparse.Namespace) -> float:
    """Peak resident memory in GiB of a process of its own that does one pass (Linux only)."""
    command = [sys.executable, __file__, "--child", name, "--folder", str(folder), "--texts", str(args.texts)]
    command += ["--precision", args.precision]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()[-1])


def run_child(args: argparse.Namespace) -> None:
    make_contender(args.child, args.folder, args.precision)(make_texts(args.texts))
    # Not getrusage: its peak is inherited from the process that started this one.
    status = Path("/proc/self/status").read_text()
    print(int(re.search(r"VmHWM:\s+(\d+)", status)[1]) / 2**20)


def run_rounds(contenders: Dict[str, Callable], texts: List[str], rounds: int) -> Dict[str, List[float]]:
    """Seconds of each pass; the contenders take turns, and each round begins with another."""
    seconds: Dict[str, List[float]] = {name: [] for name in contenders}
    for run in contenders.values():
        run(texts[:8])
    names = list(contenders)
    for i in range(rounds):
        for name in names[i % len(names) :] + names[: i % len(names)]:
            start = time.perf_counter()
            contenders[name](texts)
            seconds[name].append(time.perf_counter() - start)
            print(f"round {i + 1} {name}: {seconds[name][-1]:.2f} s", file=sys.stderr)
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--texts", type=int, default=48)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--layers", type=int, default=12)
    parser.add_argument("--precision", default="float32", help="of PyTorch")
    parser.add_argument("--only", nargs="*", default=list(CONTENDERS))
    parser.add_argument("--no-memory", action="store_true")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        run_child(args)
        return
    texts = make_texts(args.texts)
    n_words = sum(len(doc) for doc in spacy.blank("xx").pipe(texts))
    with tempfile.TemporaryDirectory() as name:
        folder = args.folder or Path(name)
        if not (folder / "model.safetensors").is_file():
            write_base(folder, n_layers=args.layers)
        contenders = {name: make_contender(name, folder, args.precision) for name in args.only}
        seconds = run_rounds(contenders, texts, args.rounds)
        padding = measure_padding(folder, texts, 256)
        memory = {} if args.no_memory else {name: measure_memory(name, folder, args) for name in args.only}
    words = {name: n_words / statistics.median(times) for name, times in seconds.items()}
    versions = " ".join(f"{name} {version(name)}" for name in ("torch", "transformers", "spacy"))
    print(f"{len(texts)} texts, {n_words} words, {args.precision}, {torch.get_num_threads()} threads, {versions}")
    print(f"padding of ours: {padding:.1%} of the pieces computed")
    print("\n| | words/s (median) | rounds | ours is x times | peak GiB |\n|---|---|---|---|---|")
    for name in args.only:
        spread = f"{n_words / max(seconds[name]):.0f} to {n_words / min(seconds[name]):.0f}"
        ratio = f"{words['ours'] / words[name]:.2f}" if "ours" in words else ""
        print(f"| {name} | {words[name]:.0f} | {spread} | {ratio} | {memory.get(name, float('nan')):.2f} |")
    if args.json:
        args.json.write_text(json.dumps({"seconds": seconds, "words": n_words, "padding": padding, "peak": memory}))


if __name__ == "__main__":
    main()
