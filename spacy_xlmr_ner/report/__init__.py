"""Pages that show an evaluation; they open from disk."""

from .evaluation_page import make_evaluation_page
from .transfer_page import make_transfer_page

__all__ = ["make_evaluation_page", "make_transfer_page"]
