"""Labelled text in the formats of the field, as docs."""

from .formats import FORMATS
from .lines import Rejection
from .reading import CorpusReader, FileSummary, read_docs, read_examples

__all__ = ["FORMATS", "CorpusReader", "FileSummary", "Rejection", "read_docs", "read_examples"]
