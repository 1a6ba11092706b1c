"""python -m spacy_xlmr_ner convert: labelled text to a .spacy file."""

from pathlib import Path
from typing import Annotated, List, Optional

import typer
from spacy.tokens import DocBin
from wasabi import msg, table

from ..corpus import FORMATS, CorpusReader
from ..corpus.writing import check_target, write_docbin
from ..errors import Errors
from .console import exit_on_error, show_warnings

HEADER = ("File", "Format", "Tags", "Docs", "Tokens", "Entities")


def convert(
    paths: Annotated[
        List[Path],
        typer.Argument(metavar="IN...", show_default=False, help="Files, plain or gzipped, or folders of them."),
    ],
    out: Annotated[Path, typer.Argument(metavar="OUT.spacy", show_default=False, help="The file to write.")],
    lang: Annotated[
        Optional[str],
        typer.Option(help="Language of all texts. None: what the file says, or a name like de.train.iob2.gz."),
    ] = None,
    format: Annotated[str, typer.Option(help=f"The format of the files: {', '.join(FORMATS)}.")] = "auto",
    n_sents: Annotated[
        int, typer.Option("--n-sents", "-n", min=0, help="Sentences in a doc; 0: all of a document.")
    ] = 1,
    strict: Annotated[
        bool, typer.Option("--strict", help="Write nothing, and exit with status 1, if any line is rejected.")
    ] = False,
) -> None:
    """Convert labelled text to a .spacy file, for `spacy train` and others.

    Reads PAN-X (WikiANN), CoNLL-2003, UNER's .iob2, GermEval, token<TAB>tag, and JSON lines with spans in characters;
    tags in IO, IOB1, IOB2, BIOES and BILOU. Lines that cannot be read are left out and named, with file and number.
    """
    with exit_on_error(), show_warnings():
        check_target(out)
        reader = CorpusReader(lang=lang, format=format, n_sents=n_sents)
        docs = DocBin(store_user_data=True)
        try:
            for doc in reader.read(paths, show_progress=True, leave_out=out):
                docs.add(doc)
        finally:
            for rejection in reader.rejections:
                typer.secho(str(rejection), err=True)
        if strict and reader.rejections:
            raise ValueError(Errors.XN224.format(n=len(reader.rejections), path=out))
        write_docbin(docs, out)
    typer.echo(format_summary(reader))
    msg.good(f"Wrote {len(docs)} docs to {out}")


def format_summary(reader: CorpusReader) -> str:
    """What each file was found to be, as a table."""
    rows = [
        (file.path.name, file.format, file.scheme or "", file.n_docs, file.n_tokens, file.n_ents)
        for file in reader.files
    ]
    return str(table(rows, header=HEADER, divider=True, aligns=("l", "l", "l", "r", "r", "r"), max_col=60).strip("\n"))
