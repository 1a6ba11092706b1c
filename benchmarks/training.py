"""What `nlp.update` costs above a bare PyTorch loop: same weights, same batches, same optimizer, one run, interleaved.

    python benchmarks/training.py --write

The bare loop gets its pieces and labels made beforehand, pads them batch by batch, and does what every such loop does:
forward, cross-entropy over first pieces, backward, AdamW, zero_grad. Ours is given examples and does the rest itself:
pieces, windows, labels, alignment. Both run the network over the same rows: ours puts texts of like length together
within a batch, and the bare loop is given its parts. "bare, padded" (--padded) pads each batch as a whole, as most do.

Weights are seeded and random, and so are the labels; speed does not depend on them. Before anything is measured, all
must have the same loss on each batch.
"""

import argparse
import random
import statistics
import sys
import tempfile
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Callable, Dict, List, Sequence

import numpy as np
import spacy
import torch
from checkpoints import TAGS, TOY, make_up_texts, write_base
from record import Benchmark, Table, make_table, show_spread, take_turns
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.training import Example
from texts import SHARED, make_texts
from thinc.api import Adam, Optimizer
from transformers import AutoTokenizer, XLMRobertaForTokenClassification

from spacy_xlmr_ner.pieces.batching import plan_batches
from spacy_xlmr_ner.scratch import NetworkShape, init_checkpoint

# As base where XLM-R's vocabulary is at hand; the small one is that of configs/scratch_small.cfg.
SHAPES = {
    "base": NetworkShape(vocab_size=8000, hidden_size=768, layers=12, heads=12, intermediate_size=3072),
    "small": NetworkShape(vocab_size=8000, hidden_size=256, layers=4, heads=4, intermediate_size=1024),
    "toy": TOY,
}
CONTENDERS = ("ours", "bare", "bare, padded")
RATE, DECAY, DROPOUT, EPS = 1e-5, 0.01, 0.1, 1e-8
MADE_UP_PIECES = 2000  # no more can be found in words made of these
IGNORED = -100
WINDOW = 512

Batch = List[Example]
Rows = List[Dict[str, List[int]]]
TakeSteps = Callable[[], List[float]]


def write_checkpoint(name: str, folder: Path, texts: Sequence[str]) -> None:
    """Write a checkpoint of random weights."""
    if name == "base" and SHARED.is_dir():
        write_base(folder, n_layers=SHAPES["base"].layers)
    else:
        n_pieces = SHAPES[name].vocab_size if SHARED.is_dir() else min(SHAPES[name].vocab_size, MADE_UP_PIECES)
        init_checkpoint(texts, folder, replace(SHAPES[name], vocab_size=n_pieces), seed=0, tags=TAGS)


def make_sentences(n_texts: int, *, is_toy: bool) -> List[str]:
    """Real texts where the corpora are at hand, made-up words else."""
    if SHARED.is_dir() and not is_toy:
        return make_texts(n_texts)
    return make_up_texts(n_texts, most=12 if is_toy else 60)


def make_batches(nlp: Language, texts: Sequence[str], *, size: int) -> List[Batch]:
    """Examples with an entity on every tenth token or so, and no text longer than a window."""
    draw = random.Random(0)
    examples = []
    for text in texts:
        doc = nlp.make_doc(text)[:150].as_doc()
        gold = Doc(nlp.vocab, [token.text for token in doc], [bool(token.whitespace_) for token in doc])
        starts = [i for i in range(0, len(doc) - 1, 4) if draw.random() < 0.4 and not doc[i : i + 2].text.isspace()]
        ents = [Span(gold, i, i + draw.randint(1, 2), label=draw.choice(("PER", "ORG", "LOC"))) for i in starts]
        gold.set_ents([ent for ent in ents if not any(token.is_space for token in ent)])
        examples.append(Example(doc, gold))
    return [examples[i : i + size] for i in range(0, len(examples), size)]


def make_ours(folder: Path, batches: List[Batch], *, dropout: float) -> TakeSteps:
    """A step of `nlp.update` for each batch; gives the losses."""
    nlp = spacy.blank("xx")
    nlp.add_pipe("xlmr_ner", config={"model": {"name": str(folder), "window": WINDOW}})
    optimizer: Optimizer = Adam(RATE, L2=DECAY, L2_is_weight_decay=True, grad_clip=0.0, eps=EPS, use_averages=False)
    nlp.initialize(lambda: [example for batch in batches for example in batch], sgd=optimizer)
    return lambda: [nlp.update(batch, sgd=optimizer, drop=dropout)["xlmr_ner"] for batch in batches]


def encode(folder: Path, batch: Batch) -> Rows:
    """Pieces of each text, with the label of each word on its first piece."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    rows = []
    for example in batch:
        gold = example.reference
        encoding = tokenizer([token.text for token in gold], is_split_into_words=True)
        words = encoding.word_ids()
        is_first = [word is not None and word != former for word, former in zip(words, [None, *words])]
        tags = ["O" if token.ent_iob_ == "O" else f"{token.ent_iob_}-{token.ent_type_}" for token in gold]
        labels = [TAGS.index(tags[word]) if first else IGNORED for word, first in zip(words, is_first)]
        rows.append({"input_ids": encoding["input_ids"], "labels": labels})
    return rows


def collate(rows: Rows, pad_id: int) -> Dict[str, torch.Tensor]:
    """A batch as the network takes it."""
    width = max(len(row["input_ids"]) for row in rows)
    inputs = {"input_ids": (pad_id, []), "attention_mask": (0, []), "labels": (IGNORED, [])}
    for row in rows:
        for key, (filler, padded) in inputs.items():
            own = row.get(key, [1] * len(row["input_ids"]))
            padded.append(own + [filler] * (width - len(own)))
    return {key: torch.tensor(padded) for key, (_, padded) in inputs.items()}


def make_bare(folder: Path, batches: List[Batch], *, dropout: float, padded: bool = False) -> TakeSteps:
    """A step of a plain loop for each batch; gives the losses."""
    rates = {"hidden_dropout_prob": dropout, "attention_probs_dropout_prob": dropout, "classifier_dropout": dropout}
    network = XLMRobertaForTokenClassification.from_pretrained(folder, **rates).train()
    optimizer = torch.optim.AdamW(network.parameters(), lr=RATE, weight_decay=DECAY, eps=EPS, fused=True)
    encoded = [split_rows(encode(folder, batch), padded=padded) for batch in batches]
    pad_id = network.config.pad_token_id

    def take_step(parts: List[Rows]) -> float:
        n_labels = sum(label != IGNORED for rows in parts for row in rows for label in row["labels"])
        total = 0.0
        for rows in parts:
            inputs = collate(rows, pad_id)
            labels = inputs.pop("labels").flatten()
            logits = network(**inputs).logits.flatten(0, 1)
            loss = torch.nn.functional.cross_entropy(logits, labels, ignore_index=IGNORED, reduction="sum") / n_labels
            loss.backward()
            total += loss.item()
        optimizer.step()
        optimizer.zero_grad()
        return total

    return lambda: [take_step(parts) for parts in encoded]


def split_rows(rows: Rows, *, padded: bool) -> List[Rows]:
    """The parts of a batch that go through the network together."""
    if padded:
        return [rows]
    lengths = np.array([len(row["input_ids"]) for row in rows])
    return [[rows[i] for i in part] for part in plan_batches(lengths, max_batch_pieces=4096)]


MAKE = {"ours": make_ours, "bare": make_bare, "bare, padded": partial(make_bare, padded=True)}


def check_same(folder: Path, batches: List[Batch], names: Sequence[str]) -> float:
    """Refuse to compare what does not compute the same; gives the largest difference of the losses, without dropout."""
    losses = [MAKE[name](folder, batches, dropout=0.0)() for name in names]
    difference = max(max(same) - min(same) for same in zip(*losses))
    if difference > 1e-3:
        sys.exit(f"the losses are not the same: {losses}")
    return difference


def run_rounds(contenders: Dict[str, TakeSteps], rounds: int) -> Dict[str, List[float]]:
    """Seconds of each pass over the batches; the contenders take turns, and each round begins with another."""
    for take_steps in contenders.values():
        take_steps()
    return take_turns(contenders, rounds)


def compare(name: str, args: argparse.Namespace) -> Dict[str, Any]:
    """Compare both on one network."""
    texts = make_sentences(args.steps * args.batch_size, is_toy=name == "toy")
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / name
        folder.mkdir()
        write_checkpoint(name, folder, texts if name == "toy" else make_sentences(4000, is_toy=False))
        batches = make_batches(spacy.blank("xx"), texts, size=args.batch_size)
        difference = check_same(folder, batches, args.contenders)
        contenders = {contender: MAKE[contender](folder, batches, dropout=DROPOUT) for contender in args.contenders}
        seconds = run_rounds(contenders, args.rounds)
    words = sum(len(example.predicted) for batch in batches for example in batch)
    return {"network": name, "words": words, "difference": difference, "seconds": seconds}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--networks", nargs="+", choices=list(SHAPES), default=["base", "small"])
    parser.add_argument("--steps", type=int, default=4, help="batches a pass")
    parser.add_argument("--batch-size", type=int, default=24)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--padded", action="store_true", help="beside the two a loop that pads each batch as a whole")


def measure(args: argparse.Namespace) -> Dict[str, Any]:
    if args.toy:
        args.networks, args.steps, args.batch_size, args.rounds = ["toy"], 2, 4, 2
    args.contenders = CONTENDERS if args.padded or args.toy else CONTENDERS[:2]
    networks = [compare(name, args) for name in args.networks]
    return {"steps": args.steps, "batch_size": args.batch_size, "networks": networks}


def tabulate(result: Dict[str, Any]) -> Table:
    rows = []
    for one in result["networks"]:
        seconds = one["seconds"]
        rates = [f"{one['words'] / statistics.median(times):,.0f}" for times in seconds.values()]
        ratio = statistics.median(seconds["ours"]) / statistics.median(seconds["bare"])
        spread = show_spread([ours / bare for ours, bare in zip(seconds["ours"], seconds["bare"])], digits=2)
        rows.append([one["network"], *rates, f"{ratio:.2f}", spread])
    columns = [f"words/s {name}" for name in result["networks"][0]["seconds"]]
    lines = [f"Passes of {result['steps']} steps of {result['batch_size']} texts, float32. Asked for: at most 1.15."]
    return [*lines, "", *make_table(["network", *columns, "ours takes x times bare", "from to"], rows)]


BENCHMARK = Benchmark("training", "Training, beside a bare loop", add_arguments, measure, tabulate)

if __name__ == "__main__":
    BENCHMARK.main(__doc__)
