"""python -m spacy_xlmr_ner tag: the entities of a text."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any, Dict, List, Optional

import typer
from spacy.tokens import Doc
from wasabi import msg, table

from ..ent_score import describe_ents
from ..loading import check_finds, load_pipeline
from ..page import make_page
from ..tag_text import tag_text
from .console import exit_on_error
from .pipeline_options import LangOption

HEADER = ("Text", "Label", "Score", "Start", "End")


def tag(
    texts: Annotated[
        Optional[List[str]],
        typer.Argument(metavar="[TEXT]...", help="Texts. None: all of standard input, as one text."),
    ] = None,
    model: Annotated[
        Optional[str],
        typer.Option(
            help="A spaCy pipeline (folder or package), or a checkpoint (folder or hub id). None: the model inside."
        ),
    ] = None,
    lang: LangOption = "xx",
    pieces: Annotated[
        bool, typer.Option("--pieces", help="Show each piece of the text over its tag, in place of the entities.")
    ] = False,
    html: Annotated[
        Optional[Path], typer.Option(dir_okay=False, help="Write a displacy page that opens from disk.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON: a list, an object for each text.")] = False,
) -> None:
    """Show the named entities of texts: text, label, score, and where they start and end in characters."""
    with exit_on_error():
        nlp = load_pipeline(model, lang=lang)
        check_finds(nlp)
        batch = texts or [sys.stdin.read().removesuffix("\n")]
        docs = list(nlp.pipe(batch))
        tables = [tag_text(text, nlp) for text in batch] if pieces else []
        if html is not None:
            html.write_text(make_page(docs), encoding="utf8")
    if as_json:
        described: List[Dict[str, Any]] = [{"text": doc.text, "ents": describe_ents(doc)} for doc in docs]
        for text, pieces_and_tags in zip(described, tables):
            text["pieces"] = pieces_and_tags.T.rename(columns={"Tokens": "piece", "Tags": "tag"}).to_dict("records")
        typer.echo(json.dumps(described, ensure_ascii=False, indent=2))
        return
    for i, doc in enumerate(docs):
        if len(docs) > 1:
            msg.divider(str(i + 1))
        typer.echo(tables[i].to_string() if pieces else format_ents(doc))
    if html is not None:
        msg.good(f"Wrote {html}")


def format_ents(doc: Doc) -> str:
    """The entities of a doc as a table."""
    if not doc.ents:
        return "No entities found."
    rows = [
        (" ".join(ent.text.split()), ent.label_, format_score(ent._.score), ent.start_char, ent.end_char)
        for ent in doc.ents
    ]
    return str(table(rows, header=HEADER, divider=True, aligns=("l", "l", "r", "r", "r"), max_col=60).strip("\n"))


def format_score(score: Optional[float]) -> str:
    """Two figures, or nothing for an entity that has no score."""
    return "" if score is None else f"{score:.2f}"
