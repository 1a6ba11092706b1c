"""python -m spacy_xlmr_ner trim: a pipeline with a smaller vocabulary."""

from functools import partial
from pathlib import Path
from typing import Any, List

from spacy.language import Language
from tqdm import tqdm
from wasabi import msg

from ..checkpoint import Checkpoint
from ..corpus.plain_text import read_texts
from ..loading import load_pipeline
from ..trimming import find_pieces, trim_checkpoint
from .console import check_new, exit_on_error, find_components, show_warnings
from .pipeline_options import LangOption, ModelArgument, OutArgument, TextOption


def trim(
    model: ModelArgument,
    out: OutArgument,
    text: TextOption,
    lang: LangOption = "xx",
) -> None:
    """Save a pipeline whose vocabulary has only the pieces of the text, and whose embeddings have only their rows.

    Three quarters of XLM-R base are embeddings. Text made of pieces that are kept has the same entities as before; give
    text of all languages and kinds that the pipeline is to read. The checkpoint in OUT opens with transformers.
    """
    with exit_on_error(), show_warnings():
        check_new(out)
        nlp = load_pipeline(model, lang=lang)
        for name in find_components(nlp):
            tagger: Any = nlp.get_pipe(name)
            tagger.model.attrs["change_checkpoint"](tagger.model, partial(_trim, name=name, nlp=nlp, text=text))
        nlp.to_disk(out)
    msg.good(f"Wrote {out}")


def _trim(checkpoint: Checkpoint, *, name: str, nlp: Language, text: List[Path]) -> Checkpoint:
    docs = (nlp.make_doc(line) for line in tqdm(read_texts(text), unit=" texts", desc="Reading", leave=False))
    n_before = checkpoint.n_rows
    trimmed = trim_checkpoint(checkpoint, find_pieces(checkpoint, docs))
    msg.info(f"{name}: {trimmed.n_rows:,} of {n_before:,} pieces are left")
    return trimmed
