"""A pipeline for the command line: saved, installed, or made around a checkpoint."""

from importlib import import_module
from pathlib import Path
from typing import Optional

import spacy
from spacy.language import Language
from spacy.util import is_package

from .errors import Errors


def load_pipeline(model: Optional[str], *, lang: str) -> Language:
    """Load a pipeline, or make one around a checkpoint.

    model (Optional[str]): A spaCy pipeline (folder or installed package) or a checkpoint (folder or hub id); None:
        the model in the package.
    lang (str): The language of a pipeline that is made.
    RETURNS (Language): The pipeline.
    RAISES (ValueError): XN238 for a package that is something else; XN401 to XN412 or spaCy's own errors.
    """
    if model and (Path(model) / "config.cfg").is_file():
        return spacy.load(model)
    if model and not Path(model).exists() and is_package(model):
        if not hasattr(import_module(model), "load"):
            raise ValueError(Errors.XN238.format(model=model))
        return spacy.load(model)
    nlp = spacy.blank(lang)
    nlp.add_pipe("xlmr_ner", config={"model": {"name": model}})
    return nlp
