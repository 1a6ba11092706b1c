"""The network in engines that the component does not offer, beside those that it does: would one of them pay?

    pip install openvino nncf torchao
    python benchmarks/engines.py --write

XLM-R base's shape, batches of real text as the package cuts them, the network alone. What is not installed is left
out, and so is bfloat16 where the processor has no instructions for it. torch.compile and OpenVINO compile before the
first round. OpenVINO's int8 is NNCF's, calibrated on the batches themselves; torchao's quantises activations as they
come, as ONNX Runtime's does.
"""

import argparse
import copy
import statistics
import sys
import tempfile
import time
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Callable, Dict, List, Tuple

import numpy as np
import torch
from checkpoints import find_texts, make_nlp, write_checkpoint
from padding import ROW, Batch, cut_by_cost, pad
from record import Benchmark, Table, find_versions, make_table, show_spread, take_turns
from throughput import is_able
from transformers import AutoTokenizer, XLMRobertaForTokenClassification

from spacy_xlmr_ner.pieces.batching import LEAST_OVERHEAD

OFFERED = ("torch float32", "torch bfloat16", "onnx float32", "onnx int8")
ADDED = ("openvino", "nncf", "torchao")


Engine = Callable[[Batch], np.ndarray]  # gives logits, shape (n_windows, length, n_tags)


def make_batches(folder: Path, texts: List[str]) -> List[Batch]:
    """Windows of like length together, as in nlp.pipe."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    windows = [np.array(ids[:ROW]) for ids in tokenizer(texts)["input_ids"]]
    return [pad(part, tokenizer.pad_token_id) for part in cut_by_cost(windows, LEAST_OVERHEAD)]


class Logits(torch.nn.Module):
    """A network that gives its logits alone."""

    def __init__(self, network: torch.nn.Module):
        super().__init__()
        self.network = network

    def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Run the network."""
        return self.network(input_ids=ids, attention_mask=mask).logits


def run_in_torch(network: torch.nn.Module) -> Engine:
    """An engine of PyTorch."""

    @torch.inference_mode()
    def run(batch: Batch) -> np.ndarray:
        return network(*batch.values()).float().numpy()

    return run


def run_own(folder: Path, *, precision: str) -> Engine:
    """The component's own ONNX Runtime."""
    shim = make_nlp(folder, runtime="onnx", precision=precision).get_pipe("xlmr_ner").model.shims[0]
    return lambda batch: shim.runtime(batch["input_ids"].numpy(), batch["attention_mask"].bool().numpy())


def as_numpy(batch: Batch) -> Tuple[np.ndarray, ...]:
    """The two inputs as OpenVINO takes them."""
    return tuple(part.numpy() for part in batch.values())


def run_in_openvino(network: torch.nn.Module, batches: List[Batch], *, precision: str) -> Engine:
    """An engine of OpenVINO, in float32, bfloat16 or int8."""
    import openvino

    converted = openvino.convert_model(network, example_input=tuple(batches[0].values()))
    if precision == "int8":
        import nncf

        calibration = nncf.Dataset(batches, as_numpy)
        converted = nncf.quantize(converted, calibration, model_type=nncf.ModelType.TRANSFORMER)
    settings = {
        "INFERENCE_PRECISION_HINT": "bf16" if precision == "bfloat16" else "f32",
        "INFERENCE_NUM_THREADS": torch.get_num_threads(),
        "PERFORMANCE_HINT": "LATENCY",
    }
    compiled = openvino.compile_model(converted, "CPU", settings)
    return lambda batch: compiled(as_numpy(batch))[0]


def run_in_torchao(network: torch.nn.Module) -> Engine:
    """An engine of PyTorch compiled, with torchao's int8."""
    from torchao.quantization import Int8DynamicActivationInt8WeightConfig, quantize_

    quantised = copy.deepcopy(network)
    quantize_(quantised, Int8DynamicActivationInt8WeightConfig())
    return run_in_torch(torch.compile(quantised, dynamic=True))


def list_makers(folder: Path, batches: List[Batch]) -> Dict[str, Callable[[], Engine]]:
    """How each engine is made; those that are not installed are left out."""
    network = Logits(XLMRobertaForTokenClassification.from_pretrained(folder, dtype=torch.float32)).eval()
    makers: Dict[str, Callable[[], Engine]] = {
        "torch float32": lambda: run_in_torch(network),
        "onnx float32": lambda: run_own(folder, precision="float32"),
        "onnx int8": lambda: run_own(folder, precision="int8"),
        "torch.compile float32": lambda: run_in_torch(torch.compile(network, dynamic=True)),
    }
    if is_able("torch bfloat16"):
        short = copy.deepcopy(network).bfloat16()
        makers["torch bfloat16"] = lambda: run_in_torch(short)
        makers["torch.compile bfloat16"] = lambda: run_in_torch(torch.compile(short, dynamic=True))
    if find_spec("openvino"):
        precisions = {"float32": True, "bfloat16": is_able("torch bfloat16"), "int8": find_spec("nncf")}
        for precision in filter(precisions.get, precisions):
            makers[f"OpenVINO {precision}"] = partial(run_in_openvino, network, batches, precision=precision)
    if find_spec("torchao"):
        makers["torchao int8, compiled"] = lambda: run_in_torchao(network)
    return makers


def run_all(engine: Engine, batches: List[Batch]) -> None:
    """An engine over all batches."""
    for batch in batches:
        engine(batch)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--texts", type=int, default=24)
    parser.add_argument("--rounds", type=int, default=5)


def measure(args: argparse.Namespace) -> Dict[str, Any]:
    if args.toy:
        args.texts, args.rounds = 8, 1
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        write_checkpoint(folder, is_toy=args.toy)
        batches = make_batches(folder, find_texts(args.texts, is_toy=args.toy))
        engines: Dict[str, Engine] = {}
        start_seconds, tags = {}, {}
        for name, make in list(list_makers(folder, batches).items())[: 2 if args.toy else None]:
            start = time.perf_counter()
            engines[name] = make()
            tags[name] = [engines[name](batch).argmax(-1)[batch["attention_mask"].bool().numpy()] for batch in batches]
            start_seconds[name] = time.perf_counter() - start
            print(f"{name}: ready after {start_seconds[name]:.0f} s", file=sys.stderr)
        seconds = take_turns({name: partial(run_all, engine, batches) for name, engine in engines.items()}, args.rounds)
    expected = np.concatenate(next(iter(tags.values())))
    return {
        "pieces": sum(int(batch["attention_mask"].sum()) for batch in batches),
        "seconds": seconds,
        "start": start_seconds,
        "same": {name: float((np.concatenate(own) == expected).mean()) for name, own in tags.items()},
        "added": find_versions(ADDED),
    }


def tabulate(result: Dict[str, Any]) -> Table:
    rows = []
    for name, seconds in result["seconds"].items():
        rates = [result["pieces"] / one for one in seconds]
        rows.append(
            [
                f"**{name}**" if name in OFFERED else name,
                f"{statistics.median(rates):,.0f}",
                show_spread(rates),
                f"{result['same'][name]:.1%}",
                f"{result['start'][name]:.0f}",
            ]
        )
    header = ["engine", "pieces/s", "from to", "tags of the first", "seconds to be ready"]
    added = ", ".join(f"{name} {number}" for name, number in result["added"].items())
    line = f"{result['pieces']:,} pieces. Bold: what the component offers." + (f" With {added}." if added else "")
    return [line, "", *make_table(header, rows)]


BENCHMARK = Benchmark("engines", "Other engines", add_arguments, measure, tabulate)

if __name__ == "__main__":
    BENCHMARK.main(__doc__)
