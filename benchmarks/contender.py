"""One of those that throughput.py compares, in a process of its own, which may be of another environment.

    python benchmarks/contender.py NAME CHECKPOINT

Says {"ready": ...} when it has loaded; then, for each line it is given, a JSON list of texts, does one pass over them
and answers with a line of JSON: seconds, the peak of its resident memory so far, and the entities of each text.
"""

import json
import re
import sys
import time
from pathlib import Path
from typing import Callable, Dict, Iterable, List

import spacy
import torch

Ents = List[str]
Tagger = Callable[[List[str]], List[Ents]]
STRIDE = 64  # pieces; what transformers' pipeline needs to be told to take long texts


def make_ours(folder: str, runtime: str, precision: str) -> Tagger:
    """This component; of a folder that holds a saved pipeline that one, which has its graph beside the weights."""
    if (Path(folder) / "config.cfg").exists():
        nlp = spacy.load(folder)
    else:
        nlp = spacy.blank("xx")
        nlp.add_pipe("xlmr_ner", config={"model": {"name": folder, "runtime": runtime, "precision": precision}})
    return lambda texts: [list_ents(doc.ents) for doc in nlp.pipe(texts)]


def make_hf_token_pipe(folder: str, batch_size: int) -> Tagger:
    """spacy-huggingface-pipelines; batch size 1 is how it comes."""
    nlp = spacy.blank("xx")
    settings = {"kwargs": {"batch_size": batch_size}} if batch_size > 1 else {}
    nlp.add_pipe("hf_token_pipe", config={"model": folder, **settings})
    return lambda texts: [list_ents(doc.ents) for doc in nlp.pipe(texts)]


def make_pipeline(folder: str, batch_size: int, device: str = "cpu") -> Tagger:
    """The pipeline of transformers, without spaCy."""
    from transformers import AutoTokenizer, XLMRobertaForTokenClassification, pipeline

    tokenizer = AutoTokenizer.from_pretrained(folder, model_max_length=512)
    model = XLMRobertaForTokenClassification.from_pretrained(folder).eval()
    tagger = pipeline(
        "token-classification",
        model=model,
        tokenizer=tokenizer,
        aggregation_strategy="first",
        stride=STRIDE,
        device=device,
    )

    def run(texts: List[str]) -> List[Ents]:
        found = list(tagger(texts, batch_size=batch_size))
        return [[f"{ent['start']} {ent['end']} {ent['entity_group']}" for ent in ents] for ents in found]

    return run


def make_transformer_ner(folder: str, batch_size: int) -> Tagger:
    """spacy-transformers with spaCy's `ner`, as spaCy's pipelines named trf have it; `ner` has not learned anything."""
    nlp = spacy.blank("xx")
    model = {
        "@architectures": "spacy-transformers.TransformerModel.v3",
        "name": folder,
        "tokenizer_config": {"use_fast": True},
        "get_spans": {"@span_getters": "spacy-transformers.strided_spans.v1", "window": 128, "stride": 96},
    }
    nlp.add_pipe("transformer", config={"model": model, "max_batch_items": 4096})
    listener = {
        "@architectures": "spacy-transformers.TransformerListener.v1",
        "grad_factor": 1.0,
        "pooling": {"@layers": "reduce_mean.v1"},
    }
    parser = {
        "@architectures": "spacy.TransitionBasedParser.v2",
        "state_type": "ner",
        "extra_state_tokens": False,
        "hidden_width": 64,
        "maxout_pieces": 2,
        "use_upper": False,
        "nO": None,
        "tok2vec": listener,
    }
    ner = nlp.add_pipe("ner", config={"model": parser})
    for label in ("PER", "ORG", "LOC"):
        ner.add_label(label)
    nlp.initialize()
    return lambda texts: [list_ents(doc.ents) for doc in nlp.pipe(texts, batch_size=batch_size)]


MAKE: Dict[str, Callable[[str], Tagger]] = {
    "ours, torch float32": lambda folder: make_ours(folder, "torch", "float32"),
    "ours, torch bfloat16": lambda folder: make_ours(folder, "torch", "bfloat16"),
    "ours, onnx float32": lambda folder: make_ours(folder, "onnx", "float32"),
    "ours, onnx int8": lambda folder: make_ours(folder, "onnx", "int8"),
    "hf_token_pipe": lambda folder: make_hf_token_pipe(folder, 1),
    "hf_token_pipe, batch_size 16": lambda folder: make_hf_token_pipe(folder, 16),
    "transformers.pipeline, batch 1": lambda folder: make_pipeline(folder, 1),
    "transformers.pipeline, batch 16": lambda folder: make_pipeline(folder, 16),
    "spacy-transformers + ner": lambda folder: make_transformer_ner(folder, 64),
}


def list_ents(spans: Iterable) -> Ents:
    """Where each entity is and its label."""
    return [f"{span.start_char} {span.end_char} {span.label_}" for span in spans]


def read_peak() -> float:
    """GiB that were resident at most (Linux only)."""
    # Not getrusage: its peak is inherited from the process that started this one.
    status = Path("/proc/self/status")
    return int(re.search(r"VmHWM:\s+(\d+)", status.read_text())[1]) / 2**20 if status.exists() else float("nan")


def main(name: str, folder: str) -> None:
    """Answer until there is nothing more to read."""
    answers, sys.stdout = sys.stdout, sys.stderr  # libraries talk too

    def say(answer: Dict[str, object]) -> None:
        print(json.dumps(answer), file=answers, flush=True)

    tagger = MAKE[name](folder)
    say({"ready": name, "threads": torch.get_num_threads()})
    for line in sys.stdin:
        texts = json.loads(line)
        start = time.perf_counter()
        ents = tagger(texts)
        say({"seconds": time.perf_counter() - start, "peak": read_peak(), "ents": ents})


if __name__ == "__main__":
    main(*sys.argv[1:])
