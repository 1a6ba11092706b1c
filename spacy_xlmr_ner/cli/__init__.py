"""The command line: one file a command."""

from .app import app

__all__ = ["app"]
