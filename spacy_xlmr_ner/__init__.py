"""Multilingual named entities for spaCy, by an XLM-RoBERTa token classifier."""

from .about import __version__
from .component import XlmrNer, make_xlmr_ner
from .ent_score import register_extension
from .tag_text import tag_text

# So that scores of docs from elsewhere can be read without a component.
register_extension()

__all__ = ["XlmrNer", "__version__", "make_xlmr_ner", "tag_text"]
