"""Entities drawn by displacy: colours, scores behind labels, the direction of the script, everything escaped."""

import colorsys
import html
import unicodedata
from hashlib import sha256
from typing import Any, Dict, Iterable, List, Mapping, Optional, Tuple

from spacy import displacy
from spacy.displacy.render import EntityRenderer
from spacy.language import Language
from spacy.tokens import Doc

from .component import XlmrNer

# Usual labels that spaCy has no colour for. Registered with displacy, and so of every pipeline's pages.
DISPLACY_COLORS = {"PER": "#aa9cfc", "MISC": "#f0d0c9"}
# displacy's own, with the score behind the label.
ENT_TEMPLATE = """
<mark class="entity" style="background: {bg}; padding: 0.45em 0.6em; margin: 0 0.25em; line-height: 1; \
border-radius: 0.35em;">{text}\
<span style="font-size: 0.8em; font-weight: bold; line-height: 1; vertical-align: middle; margin-inline-start: 0.5rem">\
{label} <span style="font-weight: normal; opacity: 0.75">{score}</span>{kb_link}</span></mark>"""
HUES = 360
# Start and end in characters, label, score.
EntPlace = Tuple[int, int, str, Optional[float]]


def displacy_options(nlp: Language, *, scores: bool = False) -> Dict[str, Any]:
    """Options for displacy.render, of style "ent" and "span", for what the `xlmr_ner` components of a pipeline find.

    nlp (Language): The pipeline. Loads weights if need be: colours are those of their labels, each its own.
    scores (bool): For docs as `displacy_ents` gives them: the score behind the label.
    RETURNS (Dict[str, Any]): "colors" by label; "spans_key" of the first such component that sets spans; with scores
        also "template".
    """
    found = [pipe for _, pipe in nlp.pipeline if isinstance(pipe, XlmrNer)]
    colors = pick_colors({label for pipe in found for label in pipe.labels})
    # Also as displacy_ents spells labels.
    options: Dict[str, Any] = {"colors": colors | {html.escape(label): color for label, color in colors.items()}}
    keys = [pipe.spans_key for pipe in found if pipe.spans_key is not None]
    if keys:
        options["spans_key"] = keys[0]
    if scores:
        options["template"] = ENT_TEMPLATE
    return options


def displacy_ents(doc: Doc) -> Dict[str, Any]:
    """The entities of a doc for displacy.render(..., style="ent", manual=True): with scores, in the text's direction.

    doc (Doc): An annotated doc.
    RETURNS (Dict[str, Any]): Text and entities. Labels are escaped, which displacy does not do; it escapes the text.
    """
    return _describe(doc.text, list_ents(doc))


def list_ents(doc: Doc) -> List[EntPlace]:
    """The entities of a doc, as draw_ents takes them."""
    return [(ent.start_char, ent.end_char, ent.label_, ent._.score) for ent in doc.ents]


def draw_ents(text: str, ents: Iterable[EntPlace], colors: Mapping[str, str]) -> str:
    """Draw the entities of a text with displacy, in the direction of its script. Text and labels are escaped.

    text (str): The text.
    ents (Iterable[EntPlace]): Start and end in characters of the text (half-open), label, score or None; in order.
    colors (Mapping[str, str]): Of the labels, as `pick_colors` gives them.
    RETURNS (str): A part of a page.
    """
    options = {"template": ENT_TEMPLATE, "colors": {html.escape(label): color for label, color in colors.items()}}
    return str(displacy.render(_describe(text, ents), style="ent", manual=True, jupyter=False, options=options))


def _describe(text: str, ents: Iterable[EntPlace]) -> Dict[str, Any]:
    """As displacy takes what is no Doc."""
    return {
        "text": text,
        "ents": [
            {
                "start": start,
                "end": end,
                "label": html.escape(label),  # displacy escapes text but no label
                "params": {"score": "" if score is None else f"{score:.2f}"},
            }
            for start, end, label, score in ents
        ],
        "title": None,
        "settings": {"direction": find_direction(text)},
    }


def pick_colors(labels: Iterable[str]) -> Dict[str, str]:
    """Choose a colour for each label: displacy's or a registered one, else one made from the name.

    labels (Iterable[str]): Labels.
    RETURNS (Dict[str, str]): Colours as CSS has them, all different where they are made here.
    """
    known = EntityRenderer({}).colors
    colors: Dict[str, str] = {}
    for label in sorted(labels):
        color = known.get(label.upper())
        if color is not None and color not in colors.values():  # some of displacy's serve several labels
            colors[label] = color
    taken: List[int] = []
    for label in sorted(set(labels) - set(colors)):
        hue = int(sha256(label.encode("utf8")).hexdigest(), 16) % HUES
        # Names that hash to neighbouring hues move on until they can be told apart.
        step = max(1, min(25, HUES // (len(taken) + 2)))
        for _ in range(HUES):  # of more labels than there are hues some look alike
            if all(min((hue - other) % HUES, (other - hue) % HUES) >= step for other in taken):
                break
            hue = (hue + step) % HUES
            step = max(1, step - 1)
        taken.append(hue)
        red, green, blue = (round(255 * part) for part in colorsys.hls_to_rgb(hue / HUES, 0.78, 0.75))
        colors[label] = f"#{red:02x}{green:02x}{blue:02x}"
    return colors


def find_direction(text: str) -> str:
    """The direction of a text, "ltr" or "rtl", told by its first letter."""
    for char in text:
        kind = unicodedata.bidirectional(char)
        if kind in ("R", "AL"):
            return "rtl"
        if kind == "L":
            return "ltr"
    return "ltr"
