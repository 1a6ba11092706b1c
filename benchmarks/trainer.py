"""Training beside transformers' Trainer: same weights, same texts and labels, same batch size and optimizer, taking
turns.

    python benchmarks/trainer.py --write

Trainer is given pieces and labels made beforehand and pads each batch as a whole, once with texts drawn as they come
and once with texts of like length together (`group_by_length`). Ours is given examples and makes pieces, windows and
labels itself. Runs in the peers' environment, which has what Trainer needs.
"""

import argparse
import statistics
import tempfile
from pathlib import Path
from typing import Any, Dict, List

import spacy
import torch
import training
from peers import run_among_peers
from record import Benchmark, Table, make_table, show_spread
from transformers import (
    AutoTokenizer,
    DataCollatorForTokenClassification,
    Trainer,
    TrainingArguments,
    XLMRobertaForTokenClassification,
)

TRAINERS = {"Trainer": False, "Trainer, group_by_length": True}


def make_trainer(
    folder: Path, place: Path, batches: List[training.Batch], *, by_length: bool, batch_size: int
) -> training.TakeSteps:
    """One epoch of Trainer; gives the mean loss."""
    rates = {key: training.DROPOUT for key in ("hidden_dropout_prob", "attention_probs_dropout_prob")}
    network = XLMRobertaForTokenClassification.from_pretrained(folder, classifier_dropout=training.DROPOUT, **rates)
    rows = [row for batch in batches for row in training.encode(folder, batch)]
    settings = TrainingArguments(
        output_dir=str(place),
        per_device_train_batch_size=batch_size,
        num_train_epochs=1,
        learning_rate=training.RATE,
        weight_decay=training.DECAY,
        lr_scheduler_type="constant",
        max_grad_norm=0.0,
        optim="adamw_torch_fused",
        group_by_length=by_length,
        use_cpu=not torch.cuda.is_available(),
        save_strategy="no",
        logging_strategy="no",
        report_to="none",
        disable_tqdm=True,
        seed=0,
    )
    trainer = Trainer(
        model=network,
        args=settings,
        train_dataset=rows,
        data_collator=DataCollatorForTokenClassification(AutoTokenizer.from_pretrained(folder)),
    )
    return lambda: [trainer.train().training_loss]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--networks", nargs="+", choices=list(training.SHAPES), default=["base", "small"])
    parser.add_argument("--steps", type=int, default=4, help="batches an epoch")
    parser.add_argument("--batch-size", type=int, default=24)
    parser.add_argument("--rounds", type=int, default=5)


def compare(name: str, args: argparse.Namespace) -> Dict[str, Any]:
    """Both with one network."""
    texts = training.make_sentences(args.steps * args.batch_size, is_toy=name == "toy")
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / name
        folder.mkdir()
        training.write_checkpoint(name, folder, texts if name == "toy" else training.make_sentences(4000, is_toy=False))
        batches = training.make_batches(spacy.blank("xx"), texts, size=args.batch_size)
        contenders = {"ours": training.make_ours(folder, batches, dropout=training.DROPOUT)}
        for trainer, by_length in TRAINERS.items():
            contenders[trainer] = make_trainer(
                folder, Path(place) / "out", batches, by_length=by_length, batch_size=args.batch_size
            )
        seconds = training.run_rounds(contenders, args.rounds)
    words = sum(len(example.predicted) for batch in batches for example in batch)
    return {"network": name, "words": words, "seconds": seconds}


def measure(args: argparse.Namespace) -> List[Dict[str, Any]]:
    if args.toy:
        args.networks, args.steps, args.batch_size, args.rounds = ["toy"], 2, 4, 2
    return [compare(name, args) for name in args.networks]


def tabulate(found: List[Dict[str, Any]]) -> Table:
    rows = []
    for one in found:
        ours = statistics.median(one["seconds"]["ours"])
        for name, seconds in one["seconds"].items():
            rates = [one["words"] / second for second in seconds]
            times = f"{statistics.median(seconds) / ours:.2f}"
            rows.append([one["network"], name, f"{statistics.median(rates):,.0f}", show_spread(rates), times])
    said = "Asked for: at least the words a second of Trainer."
    return [said, "", *make_table(["network", "", "words/s", "from to", "takes x times ours"], rows)]


BENCHMARK = Benchmark("trainer", "Training, beside Trainer", add_arguments, measure, tabulate)

if __name__ == "__main__":
    run_among_peers("accelerate")
    BENCHMARK.main(__doc__)
