"""Entities of hard texts, by this package and by spacy-huggingface-pipelines' `hf_token_pipe`, on the same
checkpoints.

    python benchmarks/cases.py --write

Each checkpoint is made on the spot and knows the tag of every piece, so the right answer is known and what is compared
is what becomes of the tags. Its tokenizer.json and its limit of 512 pieces are as XLM-R has them on the hub. Both
components run in one process, in the peers' environment, which is made where it is not there. Ours runs as it is by
default and with `input = "text"`, which is shown where it gives another answer. `hf_token_pipe` runs as it is by
default (averages over the pieces of a word, drops what does not end on token boundaries) and, where that gives another
answer, as kindly as it can be set up: first, expand for `aggregation_strategy = "first"`, `alignment_mode = "expand"`.
"""

import argparse
import json
import logging
import pickle
import sys
import warnings
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Callable, Dict, List, Sequence

import spacy
from peers import run_among_peers
from record import Benchmark, Table, find_versions, make_table
from spacy.language import Language
from spacy.tokens import Doc, DocBin
from transformers.utils import logging as hf_logging

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from known_cases import CASES
from toys import write_chosen

PACKAGES = ("spacy-xlmr-ner", "spacy-huggingface-pipelines")
KIND = {"aggregation_strategy": "first", "alignment_mode": "expand"}
NAMES = {"▁Anna": "B-PER", "▁Berlin": "B-LOC", "▁New": "B-LOC", "▁York": "I-LOC"}


# What XLM-R's tokenizer.json on the hub splits texts with. Converted by transformers 4, a SentencePiece file gets
# Metaspace alone, whose offsets take in the space before a word; a row of its own shows what comes of that.
HUB_SPLIT = {
    "type": "Sequence",
    "pretokenizers": [
        {"type": "WhitespaceSplit"},
        {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True},
    ],
}


def make_checkpoint(folder: Path, tag_by_piece: Dict[str, str], **settings) -> str:
    """A checkpoint of tests/toys.py with its tokenizer as on the hub."""
    write_chosen(folder, tag_by_piece, sharpness=8.0, **settings)
    edit_json(folder / "tokenizer.json", pre_tokenizer=HUB_SPLIT)
    edit_json(folder / "tokenizer_config.json", model_max_length=512)
    return str(folder)


def edit_json(path: Path, **changes) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text("utf8")), **changes}), "utf8")


def show(text: str, limit: int = 60) -> str:
    """Fit for a cell of a Markdown table."""
    text = text if len(text) <= limit else f"{text[: limit // 3]}... ({len(text)} characters)"
    return text.replace("\n", "\\n").replace("|", "\\|")


def show_ents(ents: Sequence) -> str:
    return ", ".join(f"`{show(ent.text)}` {ent.label_}" for ent in ents) or "none"


def find(nlp: Language, text: str) -> str:
    return show_ents(nlp(text).ents)


def attempt(run: Callable[[], str]) -> str:
    """What a call says, or its error, and its warnings."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        try:
            said = run()
        except Exception as err:
            said = f"{type(err).__name__}: {show(str(err), 240)}"
    # What both hear from libraries beneath says nothing of the answer.
    own = [
        str(w.message).split("\n")[0] for w in caught if any(s in str(w.message) for s in ("[XW", "Skipping", "Unable"))
    ]
    return said + "".join(f"; warns: {show(message, 240)}" for message in dict.fromkeys(own))


def make_ours(folder: str, lang: str = "xx", **settings) -> Language:
    nlp = spacy.blank(lang)
    nlp.add_pipe("xlmr_ner", config={"model": {"name": folder}, **settings})
    return nlp


def make_theirs(folder: str, lang: str = "xx", **settings) -> Language:
    nlp = spacy.blank(lang)
    nlp.add_pipe("hf_token_pipe", config={"model": folder, **settings})
    return nlp


def run_cases(folder: Path) -> List[Dict[str, str]]:
    rows = []
    for i, case in enumerate(CASES):
        vocabulary = {"words": case.words, "suffixes": case.suffixes}
        checkpoint = make_checkpoint(folder / str(i), case.tag_by_piece, tags=case.tags, **vocabulary)
        pipes = {
            "ours": make_ours(checkpoint, case.lang),
            "ours, text": make_ours(checkpoint, case.lang, model={"name": checkpoint, "input": "text"}),
            "theirs": make_theirs(checkpoint, case.lang),
            "theirs, kind": make_theirs(checkpoint, case.lang, **KIND),
        }
        said = {name: attempt(partial(find, nlp, case.text)) for name, nlp in pipes.items()}
        right = ", ".join(f"`{show(text)}` {label}" for text, label, _ in case.right)
        rows.append(make_row(f"{case.name}: `{show(case.text)}`", right, said))
    return rows


def make_row(case: str, right: str, said: Dict[str, str]) -> Dict[str, str]:
    """One answer a cell; a second where the other setting gives another."""
    ours, theirs = said["ours"], said["theirs"]
    if said.get("ours, text", ours) != ours:
        ours += f' (`input = "text"`: {said["ours, text"]})'
    if said.get("theirs, kind", theirs) != theirs:
        theirs += f" (first, expand: {said['theirs, kind']})"
    return {"case": case, "right": right, "ours": ours, "theirs": theirs}


def run_rules(folder: Path) -> List[Dict[str, str]]:
    """An entity ruler before the component; "Berlin lives" is a ship to it."""
    checkpoint = make_checkpoint(folder / "rules", NAMES)
    text = "Anna Berlin lives in New York"

    def run(nlp: Language) -> str:
        nlp.add_pipe("entity_ruler", first=True).add_patterns([{"label": "SHIP", "pattern": "Berlin lives"}])
        return show_ents(nlp(text).ents)

    said = {
        "ours": attempt(lambda: run(make_ours(checkpoint))),
        "theirs": attempt(lambda: run(make_theirs(checkpoint))),
        "theirs, kind": attempt(lambda: run(make_theirs(checkpoint, **KIND))),
    }
    right = "`Anna` PER, `Berlin lives` SHIP, `New York` LOC"
    return [make_row(f"an entity ruler before the component: `{text}`, `Berlin lives` is a SHIP", right, said)]


def run_scores(folder: Path) -> List[Dict[str, str]]:
    """The scores of two entities, read back; hf_token_pipe keeps scores only with `annotate = "spans"`."""
    checkpoint = make_checkpoint(folder / "scores", NAMES)
    carriers: Dict[str, Callable[[Doc], Sequence[float]]] = {
        "DocBin": lambda doc: next(iter(DocBin(docs=[doc]).get_docs(doc.vocab))).spans["ner"].attrs["scores"],
        "Doc.to_bytes": lambda doc: Doc(doc.vocab).from_bytes(doc.to_bytes()).spans["ner"].attrs["scores"],
        "pickle": lambda doc: pickle.loads(pickle.dumps(doc)).spans["ner"].attrs["scores"],
        "JSON": lambda doc: json.loads(json.dumps(doc.spans["ner"].attrs["scores"])),
    }

    def run(nlp: Language, carry: Callable[[Doc], Sequence[float]]) -> str:
        doc = nlp("Anna in New York")
        before = [float(score) for score in doc.spans["ner"].attrs["scores"]]
        return "kept" if [float(score) for score in carry(doc)] == before and before else "lost"

    rows = []
    for name, carry in carriers.items():
        said = {
            "ours": attempt(partial(run, make_ours(checkpoint, spans_key="ner"), carry)),
            "theirs": attempt(partial(run, make_theirs(checkpoint, annotate="spans", annotate_spans_key="ner"), carry)),
        }
        rows.append(make_row(f"scores of `Anna in New York` through {name}", "kept", said))
    return rows


def run_bare(folder: Path) -> List[Dict[str, str]]:
    """A checkpoint whose tokenizer is a SentencePiece file alone."""
    checkpoint = write_chosen(folder / "bare", NAMES, sharpness=8.0)
    for file in ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"):
        (checkpoint / file).unlink(missing_ok=True)
    text = "Anna in New York"
    pipes = {
        "ours": make_ours(str(checkpoint)),
        "theirs": make_theirs(str(checkpoint)),
        "theirs, kind": make_theirs(str(checkpoint), **KIND),
    }
    said = {name: attempt(partial(find, nlp, text)) for name, nlp in pipes.items()}
    return [
        make_row(f"tokenizer given as `sentencepiece.bpe.model` alone: `{text}`", "`Anna` PER, `New York` LOC", said)
    ]


def run_saving(folder: Path) -> List[Dict[str, str]]:
    """A pipeline saved to a folder, its checkpoint then taken away, and opened."""

    def run(make: Callable[[str], Language], name: str) -> str:
        make(make_checkpoint(folder / name, NAMES)).to_disk(folder / f"{name} saved")
        (folder / name).rename(folder / f"{name} elsewhere")
        return show_ents(spacy.load(folder / f"{name} saved")("Anna in New York").ents)

    said = {"ours": attempt(lambda: run(make_ours, "ours")), "theirs": attempt(lambda: run(make_theirs, "theirs"))}
    return [
        make_row("saved, its checkpoint moved away, loaded: `Anna in New York`", "`Anna` PER, `New York` LOC", said)
    ]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """None of its own."""


def measure(args: argparse.Namespace) -> Dict[str, object]:
    hf_logging.set_verbosity_error()
    logging.disable(logging.WARNING)
    with TemporaryDirectory() as folder:
        runs = (run_cases, run_bare, run_rules, run_scores, run_saving)
        rows = [row for run in runs for row in run(Path(folder))]
        rows = [{key: text.replace(folder, "<folder>") for key, text in row.items()} for row in rows]
    return {"versions": find_versions(PACKAGES), "rows": rows}


def tabulate(result: Dict[str, object]) -> Table:
    compared = ", ".join(f"{name} {number}" for name, number in result["versions"].items())
    rows = [[row[key] for key in ("case", "right", "ours", "theirs")] for row in result["rows"]]
    return [f"{compared}.", "", *make_table(["case", "right", "ours", "`hf_token_pipe`"], rows)]


BENCHMARK = Benchmark("cases", "Hard texts, beside hf_token_pipe", add_arguments, measure, tabulate)

if __name__ == "__main__":
    run_among_peers("spacy_huggingface_pipelines")
    BENCHMARK.main(__doc__)
