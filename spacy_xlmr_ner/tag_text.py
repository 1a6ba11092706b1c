"""The pieces of a text over the tags predicted for them: what to look at first to understand an XLM-R tagger."""

import itertools
from typing import TYPE_CHECKING, List, Tuple

from spacy.language import Language

from ._compat import require_extra
from .component import XlmrNer
from .errors import Errors
from .types import PieceTags

if TYPE_CHECKING:
    import pandas


def tag_text(text: str, nlp: Language) -> "pandas.DataFrame":
    """Lay the pieces of a text, specials included, over the tag predicted for each.

    "Jack loves" gives, from a checkpoint that knows Jack:

                0      1      2  3     4
        Tokens  <s>    ▁Jack  ▁love  s  </s>
        Tags    O      B-PER  O      O  O

    text (str): The text, tokenized by the pipeline's tokenizer; components before this one see it first.
    nlp (Language): A pipeline with an `xlmr_ner` component; the first one if there are several.
    RETURNS (pandas.DataFrame): Index ["Tokens", "Tags"], a column for each piece.
    RAISES (ImportError): XN112 if pandas is not installed.
    RAISES (ValueError): XN111 if there is no such component.
    """
    pandas = require_extra("pandas", extra="pandas")
    pairs = tag_pieces(text, nlp)
    return pandas.DataFrame(list(zip(*pairs)), index=["Tokens", "Tags"])


def tag_pieces(text: str, nlp: Language) -> List[Tuple[str, str]]:
    """Each piece of a text, specials included, with the tag predicted for it.

    text, nlp: As for tag_text.
    RETURNS (List[Tuple[str, str]]): Piece and tag.
    RAISES (ValueError): XN111 if there is no such component.
    """
    component = find_component(nlp)
    doc = nlp.make_doc(text)
    for _, pipe in itertools.takewhile(lambda item: item[1] is not component, nlp.pipeline):
        doc = pipe(doc)
    result: PieceTags = component.tag_pieces(doc)
    return [(piece, component.tags[i]) for piece, i in zip(result.pieces, result.logits.argmax(axis=1).tolist())]


def find_component(nlp: Language) -> XlmrNer:
    """The first `xlmr_ner` component of a pipeline. RAISES (ValueError): XN111 if there is none."""
    for _, pipe in nlp.pipeline:
        if isinstance(pipe, XlmrNer):
            return pipe
    raise ValueError(Errors.XN111.format(found=", ".join(nlp.pipe_names) or "none"))
