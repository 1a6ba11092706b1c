"""A page to try a model on, served to this machine."""
