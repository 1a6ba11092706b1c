"""From spacy-huggingface-pipelines' `hf_token_pipe` to `xlmr_ner`: the settings of one as those of the other."""

import copy
import warnings
from typing import Any, Dict, List, Mapping, Optional, Tuple

from thinc.api import Config

from .errors import Errors, Warnings

THEIRS = "hf_token_pipe"
OURS = "xlmr_ner"
# As that package has them.
DEFAULTS: Dict[str, Any] = {
    "model": "",
    "revision": "main",
    "stride": 16,
    "aggregation_strategy": "average",
    "annotate": "ents",
    "annotate_spans_key": None,
    "alignment_mode": "strict",
    "scorer": None,
    "kwargs": {},
}
POOLINGS = {"simple": "first", "first": "first", "average": "mean", "max": "max"}


def migrate_config(config: Mapping[str, Any]) -> Config:
    """Make a config with `xlmr_ner` of one with `hf_token_pipe`.

    What has no counterpart is left out, and a warning says what and why (XW260). Settings that are not named keep this
    package's defaults; spaCy fills them in when the pipeline is loaded.

    config (Mapping[str, Any]): The config of a pipeline, or the block of one such component.
    RETURNS (Config): The same with each `hf_token_pipe` replaced; the one given is not changed.
    RAISES (ValueError): XN260 if there is none, XN261 for a setting that cannot be what it is, XN262 if it annotates
        something other than entities.
    """
    migrated = config.copy() if isinstance(config, Config) else Config(copy.deepcopy(dict(config)))
    if "components" not in migrated:
        if migrated.get("factory", THEIRS) != THEIRS or not migrated.get("model"):
            raise ValueError(Errors.XN260.format(found=", ".join(map(str, config)) or "nothing"))
        return Config(_migrate_block(migrated, name=THEIRS))
    components = migrated["components"]
    names = [name for name, block in components.items() if block.get("factory") == THEIRS]
    if not names:
        found = ", ".join(f"{name} ({block.get('factory', 'sourced')})" for name, block in components.items())
        raise ValueError(Errors.XN260.format(found=found or "nothing"))
    for name in names:
        components[name] = _migrate_block(components[name], name=name)
    return migrated


def _migrate_block(block: Mapping[str, Any], *, name: str) -> Dict[str, Any]:
    unknown = sorted(set(block) - set(DEFAULTS) - {"factory"})
    if unknown:
        raise ValueError(Errors.XN261.format(name=name, setting=unknown[0], found=block[unknown[0]]))
    settings = {**DEFAULTS, **block}
    strategy = settings["aggregation_strategy"]
    if strategy not in POOLINGS:
        raise ValueError(Errors.XN261.format(name=name, setting="aggregation_strategy", found=strategy))
    model: Dict[str, Any] = {
        "@architectures": "spacy-xlmr-ner.XlmrTagger.v1",
        "name": settings["model"],
        "revision": settings["revision"],
        "input": "text",
        "pooling": POOLINGS[strategy],
    }
    notes = _list_differences(settings)
    if settings["stride"] is not None:
        model["overlap"] = settings["stride"]
    device, rest = _read_kwargs(settings["kwargs"])
    if device is not None:
        model["device"] = device
    notes += rest
    result: Dict[str, Any] = {"factory": OURS, "existing_ents": "overwrite", "model": model}
    if settings["annotate"] == "spans":
        result |= {"existing_ents": "keep", "spans_key": settings["annotate_spans_key"]}
    elif settings["annotate"] != "ents":
        raise ValueError(Errors.XN262.format(name=name, found=settings["annotate"]))
    if settings["scorer"] is not None:
        result["scorer"] = settings["scorer"]
    if notes:
        warnings.warn(Warnings.XW260.format(name=name, notes=" ".join(notes)), stacklevel=4)
    return result


def _list_differences(settings: Mapping[str, Any]) -> List[str]:
    """What will not be as it was, a sentence each."""
    notes = []
    if settings["aggregation_strategy"] == "average":
        notes.append('`aggregation_strategy = "average"` became `pooling = "mean"`, of logits in place of scores.')
    if settings["aggregation_strategy"] == "max":
        notes.append('`aggregation_strategy = "max"` became `pooling = "max"`, of each tag\'s logits over the pieces.')
    if settings["aggregation_strategy"] == "simple":
        notes.append('`aggregation_strategy = "simple"` became `pooling = "first"`: a token has one tag.')
    if settings["stride"] is None:
        notes.append("`stride` was null, which cut long texts off; they are read in whole, in windows.")
    if settings["annotate"] == "spans":
        notes.append("doc.ents is set as well as the span group, where no other component's entities stand.")
    if settings["alignment_mode"] != "expand":
        notes.append(f'`alignment_mode = "{settings["alignment_mode"]}"` has no counterpart: no entity is dropped.')
    return notes


def _read_kwargs(kwargs: Mapping[str, Any]) -> Tuple[Optional[str], List[str]]:
    """The device, and what is said of the rest of the arguments that transformers' pipeline was given."""
    rest = sorted(set(kwargs) - {"device"})
    notes = [f"`kwargs` {', '.join(rest)}: left out; batches are made by `max_batch_pieces`."] if rest else []
    device = kwargs.get("device")
    if device is None or device == -1:
        return ("cpu" if device == -1 else None), notes
    return (f"cuda:{device}" if isinstance(device, int) else str(device)), notes
