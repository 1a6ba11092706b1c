"""Evaluation: how good a pipeline is, where it errs, and what it makes of other languages."""

from .data import read_data
from .evaluation import Evaluation, evaluate
from .transfer_table import TransferTable, transfer

__all__ = ["Evaluation", "TransferTable", "evaluate", "read_data", "transfer"]
