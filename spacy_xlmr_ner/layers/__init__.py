"""thinc layers."""
