"""Arguments of commands that make one pipeline of another, and of those that read text."""

from pathlib import Path
from typing import Annotated, List

import typer

ModelArgument = Annotated[
    str,
    typer.Argument(metavar="MODEL", help="A spaCy pipeline (folder or package), or a checkpoint (folder or hub id)."),
]
OutArgument = Annotated[Path, typer.Argument(metavar="OUT", help="A folder, new or empty.", show_default=False)]
LangOption = Annotated[str, typer.Option(help="spaCy's language, whose tokenizer is used. Not for pipelines.")]
TextOption = Annotated[
    List[Path],
    typer.Option(
        metavar="FILES...",
        help="Files, plain or gzipped: plain text, or corpora as `convert` reads them. Several may follow.",
    ),
]
