"""How windows are best put into batches: what is padding, and what it costs, for several ways to cut them.

    python benchmarks/padding.py --write

Mixed texts of 1 to 12 sentences, 256 at a time; the network alone, in PyTorch as the package runs it. "overhead n" cuts
where pieces, and n more for each batch, are fewest; "own" is that with the n that the package takes for this network.
"fill x" lets a window join a batch whose longest it fills to that share. "as they come" is the order of the texts.
"packed" puts windows of any length one behind another in rows of 512, with a mask that keeps them apart and positions
that begin anew: hardly any padding, but attention computes what the mask then throws away. The package's form of the
network takes no such rows: transformers computes them, and "own, transformers" is what to compare them with.

A second table has what is padding as the package cuts batches, by how many texts it is given at once (nlp.pipe: its
batch_size, by itself 1,000), and with the rows of zeros that PyTorch's batches are filled up with on a CPU.
"""

import argparse
import statistics
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import Any, Callable, Dict, List

import numpy as np
import torch
from checkpoints import find_texts, write_checkpoint
from record import Benchmark, Table, make_table, show_spread, take_turns
from transformers import AutoTokenizer, XLMRobertaForTokenClassification

import spacy_xlmr_ner
from spacy_xlmr_ner.pieces.batching import plan_batches
from spacy_xlmr_ner.runtimes.cpu_encoder import count_more
from spacy_xlmr_ner.runtimes.torch import TorchRuntime

BUDGET = 4096
ROW = 512
DOCS_AT_ONCE = 256
TEXTS_AT_ONCE = (32, 128, 256, 1000)
ASKED_FOR = 0.05
OVERHEADS = (0, 16, 64, 256)
FILLS = (0.8, 0.95)
OWN, OWN_PLAIN, PACKED = "own", "own, transformers", "packed"
PLAIN = (OWN_PLAIN, PACKED)  # what the network computes as transformers made it

Windows = List[np.ndarray]
Batch = Dict[str, torch.Tensor]


def pad(windows: Windows, pad_id: int) -> Batch:
    """A row for each window."""
    width = max(map(len, windows))
    ids = np.full((len(windows), width), pad_id)
    for row, window in zip(ids, windows):
        row[: len(window)] = window
    lengths = np.array([len(window) for window in windows])
    mask = np.arange(width)[None] < lengths[:, None]
    return {"input_ids": torch.from_numpy(ids), "attention_mask": torch.from_numpy(mask.astype(np.int64))}


def cut_by_cost(windows: Windows, overhead: int) -> List[Windows]:
    """As the package does."""
    lengths = np.array([len(window) for window in windows])
    return [[windows[i] for i in part] for part in plan_batches(lengths, max_batch_pieces=BUDGET, overhead=overhead)]


def cut_by_fill(windows: Windows, fill: float) -> List[Windows]:
    """From the longest on, while the next fills a row to that share."""
    batches: List[Windows] = []
    for window in sorted(windows, key=len, reverse=True):
        last = batches[-1] if batches else []
        if last and len(window) >= fill * len(last[0]) and (len(last) + 1) * len(last[0]) <= BUDGET:
            last.append(window)
        else:
            batches.append([window])
    return batches


def cut_in_order(windows: Windows) -> List[Windows]:
    """Batches of 16, in the order of the texts."""
    return [windows[i : i + 16] for i in range(0, len(windows), 16)]


def pack(windows: Windows, pad_id: int) -> List[Batch]:
    """Rows of several windows, first fit by falling length, as many rows a batch as the budget allows."""
    rows: List[Windows] = []
    room: List[int] = []
    for window in sorted(windows, key=len, reverse=True):
        at = next((i for i, free in enumerate(room) if free >= len(window)), None)
        if at is None:
            rows.append([])
            room.append(ROW)
            at = len(rows) - 1
        rows[at].append(window)
        room[at] -= len(window)
    batches = []
    for start in range(0, len(rows), BUDGET // ROW):
        chosen = rows[start : start + BUDGET // ROW]
        width = max(sum(map(len, row)) for row in chosen)
        ids = np.full((len(chosen), width), pad_id)
        owners = np.full((len(chosen), width), -1)
        positions = np.full((len(chosen), width), pad_id)
        for i, row in enumerate(chosen):
            joined = np.concatenate(row)
            ids[i, : len(joined)] = joined
            owners[i, : len(joined)] = np.repeat(np.arange(len(row)), [len(window) for window in row])
            positions[i, : len(joined)] = np.concatenate([np.arange(len(window)) for window in row]) + pad_id + 1
        is_seen = torch.from_numpy(owners[:, :, None] == owners[:, None, :])[:, None]
        mask = torch.zeros(is_seen.shape).masked_fill_(~is_seen, torch.finfo(torch.float32).min)
        batches.append(
            {
                "input_ids": torch.from_numpy(ids),
                "attention_mask": mask,
                "position_ids": torch.from_numpy(positions),
                "used": torch.from_numpy(owners >= 0),
            }
        )
    return batches


def make_ways(windows: Windows, pad_id: int, own: int) -> Dict[str, List[Batch]]:
    """All batches of each way to cut them; own: the overhead that the package takes."""
    groups = [windows[i : i + DOCS_AT_ONCE] for i in range(0, len(windows), DOCS_AT_ONCE)]
    cuts: Dict[str, Callable[[Windows], List[Windows]]] = {"as they come, 16": cut_in_order}
    cuts |= {f"fill {fill}": partial(cut_by_fill, fill=fill) for fill in FILLS}
    cuts |= {f"overhead {overhead}": partial(cut_by_cost, overhead=overhead) for overhead in OVERHEADS}
    cuts[OWN] = partial(cut_by_cost, overhead=own)
    ways = {name: [pad(part, pad_id) for group in groups for part in cut(group)] for name, cut in cuts.items()}
    ways[OWN_PLAIN] = ways[OWN]
    ways[PACKED] = [batch for group in groups for batch in pack(group, pad_id)]
    return ways


def find_padding(batches: List[Batch]) -> float:
    """The share of the pieces computed that is padding."""
    computed = sum(batch["input_ids"].numel() for batch in batches)
    return 1 - sum(int(batch.get("used", batch["attention_mask"]).sum()) for batch in batches) / computed


def count_padding(windows: Windows, n_at_once: int, overhead: int, step: int) -> List[float]:
    """The share of the pieces computed that is padding; and with what the rows are filled up with."""
    groups = [windows[i : i + n_at_once] for i in range(0, len(windows), n_at_once)]
    sizes = [len(part) * max(map(len, part)) for group in groups for part in cut_by_cost(group, overhead)]
    used = sum(map(len, windows))
    return [1 - used / sum(sizes), 1 - used / sum(size + count_more(size, step) for size in sizes)]


@torch.inference_mode()
def run(network: torch.nn.Module, batches: List[Batch]) -> List[torch.Tensor]:
    """The network over all batches."""
    return [network(**{key: one for key, one in batch.items() if key != "used"}).logits for batch in batches]


def check_packed(network: torch.nn.Module, ways: Dict[str, List[Batch]]) -> float:
    """The largest difference between the sums of all logits that packing makes; refuses what is not the same."""
    sums = []
    for name in PLAIN:
        batches = ways[name]
        used = [batch.get("used", batch["attention_mask"]).bool() for batch in batches]
        sums.append(sum(logits[rows].double().sum(0) for logits, rows in zip(run(network, batches), used)))
    difference = float((sums[0] - sums[1]).abs().max() / sums[0].abs().max().clamp(min=1))
    if difference > 1e-3:
        sys.exit(f"packed rows give other logits than padded ones: {sums}")
    return difference


def compare(folder: Path, texts: List[str], rounds: int) -> Dict[str, Any]:
    """All ways with one network, taking turns."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    loaded = XLMRobertaForTokenClassification.from_pretrained(folder, dtype=torch.float32)
    runtime = TorchRuntime(loaded, precision="float32", device="cpu")
    windows = [np.array(ids[:ROW]) for ids in tokenizer(texts)["input_ids"]]
    ways = make_ways(windows, tokenizer.pad_token_id, runtime.overhead)
    difference = check_packed(loaded, ways)
    runs = {name: partial(run, loaded if name in PLAIN else runtime.network, batches) for name, batches in ways.items()}
    seconds = take_turns(runs, rounds)
    return {
        "texts": len(texts),
        "pieces": sum(map(len, windows)),
        "difference": difference,
        "overhead": runtime.overhead,
        "padding": {name: find_padding(batches) for name, batches in ways.items()},
        "at_once": {n: count_padding(windows, n, runtime.overhead, runtime.network.rows_step) for n in TEXTS_AT_ONCE},
        "batches": {name: len(batches) for name, batches in ways.items()},
        "seconds": seconds,
    }


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--texts", type=int, default=1024, help="for the small model; a sixteenth of them for base")
    parser.add_argument("--rounds", type=int, default=5)


def measure(args: argparse.Namespace) -> Dict[str, Any]:
    bundled = Path(spacy_xlmr_ner.__file__).parent / "bundled"
    if args.toy:
        return {"bundled": compare(bundled, find_texts(24, is_toy=True), 1)}
    with tempfile.TemporaryDirectory() as place:
        write_checkpoint(Path(place), is_toy=False)
        return {
            "bundled": compare(bundled, find_texts(args.texts, is_toy=False), args.rounds),
            "base": compare(Path(place), find_texts(args.texts // 16, is_toy=False), args.rounds),
        }


def tabulate(result: Dict[str, Any]) -> Table:
    rows = []
    for model, one in result.items():
        for name, seconds in one["seconds"].items():
            rates = [one["pieces"] / second for second in seconds]
            rows.append(
                [
                    model,
                    f"**{name}: overhead {one['overhead']}**" if name == OWN else name,
                    f"{one['padding'][name]:.1%}",
                    one["batches"][name],
                    f"{statistics.median(rates):,.0f}",
                    show_spread(rates),
                ]
            )
    header = ["model", "cut", "padding", "batches", "pieces/s, padding not counted", "from to"]
    by_number = [
        [model, f"{int(n):,}", f"{padding:.1%}", f"{filled:.1%}"]
        for model, one in result.items()
        for n, (padding, filled) in one["at_once"].items()
    ]
    return [
        f"Asked for: under {ASKED_FOR:.0%} padding. Bold: what the package does.",
        "",
        *make_table(header, rows),
        "",
        *make_table(["model", "texts at once", "padding", "with what fills up rows"], by_number),
    ]


def plot(result: Dict[str, Any], figure: Any) -> None:
    left, right = figure.subplots(1, 2, sharey=True)
    for i, (model, one) in enumerate(result.items()):
        names = list(one["padding"])
        heights = [at + 0.4 * i for at in range(len(names))]
        left.barh(heights, [100 * share for share in one["padding"].values()], height=0.38, label=model)
        best = max(one["pieces"] / statistics.median(seconds) for seconds in one["seconds"].values())
        speeds = [one["pieces"] / statistics.median(seconds) / best for seconds in one["seconds"].values()]
        right.barh(heights, speeds, height=0.38)
        left.set_yticks([at + 0.2 * (len(result) - 1) for at in range(len(names))], names)
    left.axvline(100 * ASKED_FOR, color="black", linewidth=0.8, linestyle="--")
    left.set_xlabel("padding, % of the pieces computed")
    left.legend(frameon=False)
    right.set_xlabel("speed beside the fastest")


BENCHMARK = Benchmark("padding", "How much is padding", add_arguments, measure, tabulate, plot)

if __name__ == "__main__":
    BENCHMARK.main(__doc__)
