"""Multilingual named entities for spaCy, by an XLM-RoBERTa token classifier."""

from .about import __version__
from .component import XlmrNer, make_xlmr_ner
from .tag_text import tag_text

__all__ = ["XlmrNer", "__version__", "make_xlmr_ner", "tag_text"]
