"""Words per second of nlp.pipe beside what else there is: same checkpoint, same texts, one run, taking turns.

    python benchmarks/throughput.py --write

XLM-R base's shape and vocabulary, seeded random weights, texts of 1 to 12 sentences. Each contender is a process of
its own that has loaded before the first round; the others wait meanwhile. The peers run in an environment of their
own, which is made where it is not there (spacy-huggingface-pipelines and spacy-transformers need transformers 4).

Beside it the machine's own matrix product of each type, measured behind each pass of ours: what the network's products
alone would allow.
"""

import argparse
import statistics
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Callable, Dict, List, Tuple

import numpy as np
import torch
from checkpoints import count_words, find_texts, make_nlp, write_checkpoint
from contender import MAKE
from peers import Contender, Pass, find_peer_versions, find_peers_python, open_contenders
from record import Benchmark, Table, make_table, show_spread
from transformers import AutoConfig, AutoTokenizer

from spacy_xlmr_ner.runtimes.onednn import PackedLinear

OURS = tuple(name for name in MAKE if name.startswith("ours"))
PEER = "hf_token_pipe"
PEERS = (PEER, "hf_token_pipe, batch_size 16", "spacy-transformers + ner")
TOY = ("ours, torch float32", "ours, onnx int8", "transformers.pipeline, batch 16")
# At toy size these run too, where they are installed beside the package.
TOY_PEERS = {"hf_token_pipe": "spacy_huggingface_pipelines", "spacy-transformers + ner": "spacy_transformers"}
# What is asked for, against hf_token_pipe as it comes.
WANTED = {
    "ours, torch float32": 1.3,
    "ours, onnx float32": 2.7,
    "ours, torch bfloat16": 4.5,
    "ours, onnx int8": 6.5,
}
PRODUCT = (2048, 768, 3072)  # rows, inner, columns: the largest product of a layer, for a batch of 2,048 pieces


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--texts", type=int, default=96)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", nargs="*", choices=list(MAKE), help="some of the contenders")
    parser.add_argument("--no-peers", action="store_true", help="leave out those that need an environment of their own")


def is_able(name: str) -> bool:
    """bfloat16 without instructions for it takes longer than float32, and nobody would choose it."""
    return "bfloat16" not in name or torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()


def run_rounds(
    contenders: List[Contender], texts: List[str], rounds: int, *, is_toy: bool
) -> Tuple[Dict[str, List[Pass]], Dict[str, List[float]]]:
    """All passes, each round begins with another; and behind each of ours what the machine's product gives then."""
    passes: Dict[str, List[Pass]] = {one.name: [] for one in contenders}
    products = make_products(is_toy=is_toy)
    rates: Dict[str, List[float]] = {name: [] for name in products if name in passes}
    for one in contenders:
        one.run(texts[:8])
    for i in range(rounds):
        for one in contenders[i % len(contenders) :] + contenders[: i % len(contenders)]:
            passes[one.name].append(one.run(texts))
            print(f"round {i + 1} {one.name}: {passes[one.name][-1].seconds:.2f} s", file=sys.stderr)
            if one.name in rates:
                rates[one.name].append(time_product(products[one.name], is_toy=is_toy))
    return passes, rates


def make_torch_product(left: torch.Tensor, right: torch.Tensor) -> Callable[[], object]:
    layer = torch.nn.Linear(right.shape[1], right.shape[0], dtype=right.dtype)
    layer.weight.data = right
    packed = PackedLinear(layer)

    def multiply() -> object:
        with torch.inference_mode():
            return packed(left)

    return multiply


def make_products(*, is_toy: bool) -> Dict[str, Callable[[], object]]:
    """One matrix product of each type that ours computes in."""
    rows, inner, columns = (32, 16, 64) if is_toy else PRODUCT
    left, right = torch.rand(rows, inner), torch.rand(columns, inner)
    products: Dict[str, Callable[[], object]] = {
        "ours, torch float32": make_torch_product(left, right),
        "ours, torch bfloat16": make_torch_product(left.bfloat16(), right.bfloat16()),
        "ours, onnx float32": make_onnx_product(left.numpy(), right.numpy().T, is_int8=False),
        "ours, onnx int8": make_onnx_product(left.numpy(), right.numpy().T, is_int8=True),
    }
    return {name: product for name, product in products.items() if is_able(name)}


def make_onnx_product(left: np.ndarray, right: np.ndarray, *, is_int8: bool) -> Callable[[], object]:
    """ONNX Runtime's product, of bytes with int32 sums or of float32."""
    import onnxruntime
    from onnx import TensorProto, helper, numpy_helper

    kind = TensorProto.UINT8 if is_int8 else TensorProto.FLOAT
    if is_int8:
        left, right = (left * 255).astype(np.uint8), (right * 127).astype(np.int8)
    total = TensorProto.INT32 if is_int8 else TensorProto.FLOAT
    node = helper.make_node("MatMulInteger" if is_int8 else "MatMul", ["left", "right"], ["out"])
    graph = helper.make_graph(
        [node],
        "product",
        [helper.make_tensor_value_info("left", kind, left.shape)],
        [helper.make_tensor_value_info("out", total, (left.shape[0], right.shape[1]))],
        [numpy_helper.from_array(np.ascontiguousarray(right), "right")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return lambda: session.run(None, {"left": left})


def time_product(product: Callable[[], object], *, is_toy: bool) -> float:
    """Operations a second, the median of some runs."""
    rows, inner, columns = (32, 16, 64) if is_toy else PRODUCT
    product()
    seconds = []
    for _ in range(8):
        start = time.perf_counter()
        product()
        seconds.append(time.perf_counter() - start)
    return 2 * rows * inner * columns / statistics.median(seconds)


def save_pipelines(names: List[str], checkpoint: Path) -> Dict[str, Path]:
    """Where each contender reads: ONNX Runtime's a pipeline saved with its graph, the others the checkpoint."""
    folders = dict.fromkeys(names, checkpoint)
    for name in names:
        if "onnx" in name:
            folders[name] = checkpoint.with_name(name.split()[-1])
            make_nlp(checkpoint, runtime="onnx", precision=name.split()[-1]).to_disk(folders[name])
    return folders


def count_work(folder: Path, texts: List[str]) -> Dict[str, float]:
    """Pieces of the texts, and the operations of the network's matrix products over them, padding left out."""
    config = AutoConfig.from_pretrained(folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    lengths = [len(ids) for ids in tokenizer(texts)["input_ids"]]
    width, inner = config.hidden_size, config.intermediate_size
    per_piece = 2 * config.num_hidden_layers * (4 * width**2 + 2 * width * inner)
    attention = sum(4 * config.num_hidden_layers * width * length**2 for length in lengths)
    return {"pieces": sum(lengths), "operations": per_piece * sum(lengths) + attention}


def measure(args: argparse.Namespace) -> Dict[str, Any]:
    names = [name for name in args.only or MAKE if is_able(name)]
    if args.toy:
        args.texts, args.rounds = 8, 2
        here = [name for name, package in TOY_PEERS.items() if find_spec(package)]
        names = [name for name in names if name in (*TOY, *here)]
    if args.no_peers:
        names = [name for name in names if name not in PEERS]
    peers_python = find_peers_python() if set(names) & set(PEERS) and not args.toy else None
    pythons = {name: peers_python if peers_python and name in PEERS else Path(sys.executable) for name in names}
    texts = find_texts(args.texts, is_toy=args.toy)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "checkpoint"
        write_checkpoint(folder, is_toy=args.toy)
        with open_contenders(pythons, save_pipelines(names, folder)) as contenders:
            passes, rates = run_rounds(contenders, texts, args.rounds, is_toy=args.toy)
        work = count_work(folder, texts)
    first = passes[names[0]][-1].ents
    return {
        "texts": len(texts),
        "words": count_words(texts),
        **work,
        "products": {name: statistics.median(own) for name, own in rates.items()},
        "peers": find_peer_versions() if peers_python else [],
        "seconds": {name: [one.seconds for one in own] for name, own in passes.items()},
        "peak": {name: own[-1].peak for name, own in passes.items()},
        "same": {
            name: sum(a == b for a, b in zip(first, own[-1].ents)) for name, own in passes.items() if name in OURS
        },
    }


def tabulate(result: Dict[str, Any]) -> Table:
    words = result["words"]
    medians = {name: statistics.median(seconds) for name, seconds in result["seconds"].items()}
    rows = []
    for name, seconds in result["seconds"].items():
        rates = [words / one for one in seconds]
        times = f"{medians[PEER] / medians[name]:.2f}" if PEER in medians else ""
        share = ""
        if name in result["products"]:
            share = f"{result['operations'] / medians[name] / result['products'][name]:.0%}"
        same = f"{result['same'][name]} of {result['texts']}" if name in result["same"] else ""
        wanted = f"{WANTED[name]:.1f}" if name in WANTED else ""
        peak = f"{result['peak'][name]:.2f}"
        rows.append([name, f"{words / medians[name]:,.0f}", show_spread(rates), times, wanted, share, same, peak])
    header = ["", "words/s", "from to", f"x times {PEER}", "asked for", "of the machine's product", "same entities"]
    products = ", ".join(f"{name[6:]} {rate / 1e9:,.0f}" for name, rate in result["products"].items())
    lines = [
        f"{result['texts']} texts, {words:,} words, {result['pieces']:,} pieces. GFLOP/s of one product: {products}."
    ]
    if result["peers"]:
        lines[0] += f" The peers' environment: {', '.join(result['peers'])}."
    return [*lines, "", *make_table([*header, "peak GiB"], rows)]


def plot(result: Dict[str, Any], figure: Any) -> None:
    axes = figure.subplots()
    rates = {name: result["words"] / statistics.median(times) for name, times in result["seconds"].items()}
    names = sorted(rates, key=rates.get)
    colours = ["#1f6f8b" if name in OURS else "#b8b8b8" for name in names]
    bars = axes.barh(names, [rates[name] for name in names], color=colours)
    axes.bar_label(bars, [f" {rates[name]:,.0f}" for name in names])
    axes.set_xlabel("words per second, XLM-R base's shape")


BENCHMARK = Benchmark("throughput", "How fast beside the peers", add_arguments, measure, tabulate, plot)

if __name__ == "__main__":
    BENCHMARK.main(__doc__)
