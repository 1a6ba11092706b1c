"""What there is to know of the data before a training: counts, what looks wrong, and whether it can begin."""

from .report import CorpusReport, report_corpora

__all__ = ["CorpusReport", "report_corpora"]
