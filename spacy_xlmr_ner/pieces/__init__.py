"""From a doc's text to windows of pieces, and back from pieces to tokens."""
