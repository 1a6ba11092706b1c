"""A pipeline for the command line: saved, installed, or made around a checkpoint."""

from importlib import import_module
from pathlib import Path
from typing import Any, Dict, Mapping, Optional, get_args

import spacy
from spacy.language import Language
from spacy.util import get_model_meta, is_package, load_config

from .errors import Errors
from .layers.token_tagger import ARCHITECTURE
from .types import OnnxPrecision, Precision

FACTORY = "xlmr_ner"


def load_pipeline(model: Optional[str], *, lang: str, settings: Optional[Mapping[str, Any]] = None) -> Language:
    """Load a pipeline, or make one around a checkpoint.

    model (Optional[str]): A spaCy pipeline (folder or installed package) or a checkpoint (folder or hub id); None:
        the model in the package.
    lang (str): The language of a pipeline that is made.
    settings (Optional[Mapping[str, Any]]): Of [components.<name>.model], in place of those of the pipeline, for each of
        its components that has a network of its own. A precision that another runtime lacks becomes float32.
    RETURNS (Language): The pipeline.
    RAISES (ValueError): XN238 for a package that is something else; XN445 if there are settings and no network of its
        own; XN401 to XN412 or spaCy's own errors.
    """
    settings = settings or {}
    if model and (Path(model) / "config.cfg").is_file():
        return spacy.load(model, config=_make_overrides(Path(model), settings))
    if model and not Path(model).exists() and is_package(model):
        folder = Path(import_module(model).__file__ or "").parent
        if not (folder / "meta.json").is_file():
            raise ValueError(Errors.XN238.format(model=model))
        return spacy.load(model, config=_make_overrides(_find_data(folder), settings))
    nlp = spacy.blank(lang)
    nlp.add_pipe(FACTORY, config={"model": {"name": model, **settings}})
    return nlp


def check_finds(nlp: Language) -> None:
    """RAISES (ValueError): XN239 if all components of a pipeline say what they set, and none that it sets entities."""
    if not any(_may_find(nlp, name) for name in nlp.pipe_names):
        raise ValueError(Errors.XN239.format(found=", ".join(nlp.pipe_names) or "nothing"))


def _may_find(nlp: Language, name: str) -> bool:
    """Some say nothing of what they set, and a span_ruler only at times that it sets entities."""
    assigns = nlp.get_pipe_meta(name).assigns
    return not assigns or "doc.ents" in assigns or bool(getattr(nlp.get_pipe(name), "annotate_ents", False))


def _find_data(package: Path) -> Path:
    """The folder of a pipeline inside the package that `spacy package` made of it."""
    meta = get_model_meta(package)
    return package / f"{meta['lang']}_{meta['name']}-{meta['version']}"


def _make_overrides(folder: Path, settings: Mapping[str, Any]) -> Dict[str, Any]:
    """Settings by their place in the config of a pipeline, for each of its components that has them."""
    if not settings:
        return {}
    components = load_config(folder / "config.cfg")["components"]
    blocks = {name: block.get("model", {}) for name, block in components.items() if block.get("factory") == FACTORY}
    own = {name: block for name, block in blocks.items() if block.get("@architectures") != ARCHITECTURE}
    if blocks and not own:
        raise ValueError(
            Errors.XN445.format(what=f"{_name(settings)} set how a network runs", architecture=ARCHITECTURE)
        )
    return {
        f"components.{name}.model.{key}": value
        for name, block in own.items()
        for key, value in _add_precision(settings, block).items()
    }


def _name(settings: Mapping[str, Any]) -> str:
    return " and ".join(f"`{key}`" for key in settings)


def _add_precision(settings: Mapping[str, Any], block: Mapping[str, Any]) -> Dict[str, Any]:
    """Settings, and float32 where the precision that a component has is none of the runtime that it gets."""
    known = get_args(OnnxPrecision if settings.get("runtime") == "onnx" else Precision)
    is_lost = "runtime" in settings and "precision" not in settings and block.get("precision", known[0]) not in known
    return {**settings, "precision": "float32"} if is_lost else dict(settings)
