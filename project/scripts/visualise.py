"""A page of the entities that a pipeline finds in a corpus.

python scripts/visualise.py training/model-best corpus/test.spacy pages/entities.html --limit 50
"""

from pathlib import Path
from typing import Annotated

import spacy
import typer
from spacy.tokens import DocBin

from spacy_xlmr_ner.page import make_page


def main(
    model: Annotated[Path, typer.Argument(help="A pipeline.")],
    corpus: Annotated[Path, typer.Argument(help="A .spacy file; its entities are not looked at.")],
    page: Annotated[Path, typer.Argument(help="The page to write.")],
    limit: Annotated[int, typer.Option(min=1, help="Docs on the page.")] = 50,
) -> None:
    """Draw what the pipeline finds in the beginning of a corpus."""
    nlp = spacy.load(model)
    texts = [doc.text for doc in DocBin().from_disk(corpus).get_docs(nlp.vocab)][:limit]
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(make_page(list(nlp.pipe(texts))), encoding="utf8")


if __name__ == "__main__":
    typer.run(main)
