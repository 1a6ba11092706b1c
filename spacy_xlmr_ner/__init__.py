"""Multilingual named entities for spaCy, by an XLM-RoBERTa token classifier."""

from . import process as process  # notes who imports the package first, before any worker is forked
from .about import __version__
from .component import XlmrNer, make_xlmr_ner
from .drawing import displacy_ents, displacy_options
from .ent_score import register_extension
from .migration import migrate_config
from .tag_text import tag_text

# So that scores of docs from elsewhere can be read without a component.
register_extension()

__all__ = ["XlmrNer", "__version__", "displacy_ents", "displacy_options", "make_xlmr_ner", "migrate_config", "tag_text"]
