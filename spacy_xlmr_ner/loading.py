"""A pipeline for the command line: saved, installed, or made around a checkpoint."""

from importlib import import_module
from pathlib import Path
from typing import Any, Dict, Mapping, Optional

import spacy
from spacy.language import Language
from spacy.util import get_model_meta, is_package, load_config

from .errors import Errors

FACTORY = "xlmr_ner"


def load_pipeline(model: Optional[str], *, lang: str, settings: Optional[Mapping[str, Any]] = None) -> Language:
    """Load a pipeline, or make one around a checkpoint.

    model (Optional[str]): A spaCy pipeline (folder or installed package) or a checkpoint (folder or hub id); None:
        the model in the package.
    lang (str): The language of a pipeline that is made.
    settings (Optional[Mapping[str, Any]]): Of [components.<name>.model], in place of those of the pipeline.
    RETURNS (Language): The pipeline.
    RAISES (ValueError): XN238 for a package that is something else; XN401 to XN412 or spaCy's own errors.
    """
    settings = settings or {}
    if model and (Path(model) / "config.cfg").is_file():
        return spacy.load(model, config=_make_overrides(Path(model), settings))
    if model and not Path(model).exists() and is_package(model):
        package = import_module(model)
        if not hasattr(package, "load") or package.__file__ is None:
            raise ValueError(Errors.XN238.format(model=model))
        return spacy.load(model, config=_make_overrides(_find_data(Path(package.__file__).parent), settings))
    nlp = spacy.blank(lang)
    nlp.add_pipe(FACTORY, config={"model": {"name": model, **settings}})
    return nlp


def _find_data(package: Path) -> Path:
    """The folder of a pipeline inside the package that `spacy package` made of it."""
    meta = get_model_meta(package)
    return package / f"{meta['lang']}_{meta['name']}-{meta['version']}"


def _make_overrides(folder: Path, settings: Mapping[str, Any]) -> Dict[str, Any]:
    """Settings by their place in the config of a pipeline, for each of its components that has them."""
    if not settings:
        return {}
    components = load_config(folder / "config.cfg")["components"]
    names = [name for name, block in components.items() if block.get("factory") == FACTORY]
    return {f"components.{name}.model.{key}": value for name in names for key, value in settings.items()}
