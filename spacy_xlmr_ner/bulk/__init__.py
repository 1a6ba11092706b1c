"""Large corpora: texts by the million, on one machine."""

from .job import annotate_files
from .summary import Summary

__all__ = ["Summary", "annotate_files"]
