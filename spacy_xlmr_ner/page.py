"""A page of entities, drawn by displacy, that opens from disk."""

import colorsys
import html
import unicodedata
from hashlib import sha256
from typing import Dict, Iterable, List, Mapping, Optional, Sequence, Tuple

from spacy import displacy
from spacy.displacy.render import EntityRenderer
from spacy.tokens import Doc

# displacy's own, with the score behind the label.
ENT_TEMPLATE = """
<mark class="entity" style="background: {bg}; padding: 0.45em 0.6em; margin: 0 0.25em; line-height: 1; \
border-radius: 0.35em;">{text}\
<span style="font-size: 0.8em; font-weight: bold; line-height: 1; vertical-align: middle; margin-inline-start: 0.5rem">\
{label} <span style="font-weight: normal; opacity: 0.75">{score}</span>{kb_link}</span></mark>"""
PAGE = """<!DOCTYPE html>
<html lang="{lang}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Named entities</title>
</head>
<body style="font: 16px/1.5 system-ui, 'Noto Sans', sans-serif; max-width: 60rem; margin: 0 auto; padding: 3rem 1.5rem">
{content}
</body>
</html>
"""
HUES = 360
# Start and end in characters, label, score.
EntPlace = Tuple[int, int, str, Optional[float]]


def make_page(docs: Sequence[Doc]) -> str:
    """Draw the entities of docs as one page of HTML: each label its own colour, the score behind the label.

    docs (Sequence[Doc]): Annotated docs.
    RETURNS (str): A whole page. Text and labels are escaped; a script in them stays text.
    """
    colors = pick_colors({ent.label_ for doc in docs for ent in doc.ents})
    drawn = [draw_ents(doc.text, _list_ents(doc), colors) for doc in docs]
    figures = [f'<figure style="margin: 0 0 3rem">{figure}</figure>' for figure in drawn]
    lang = html.escape(docs[0].lang_) if docs else "en"
    return PAGE.format(lang="mul" if lang == "xx" else lang, content="\n".join(figures))


def draw_ents(text: str, ents: Iterable[EntPlace], colors: Mapping[str, str]) -> str:
    """Draw the entities of a text with displacy, in the direction of its script. Text and labels are escaped.

    text (str): The text.
    ents (Iterable[EntPlace]): Start and end in characters of the text (half-open), label, score or None; in order.
    colors (Mapping[str, str]): Of the labels, as `pick_colors` gives them.
    RETURNS (str): A part of a page.
    """
    parsed = {
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
    options = {"template": ENT_TEMPLATE, "colors": {html.escape(label): color for label, color in colors.items()}}
    return str(displacy.render(parsed, style="ent", manual=True, jupyter=False, options=options))


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
        while any(min((hue - other) % HUES, (other - hue) % HUES) < step for other in taken):
            hue = (hue + step) % HUES
            step = max(1, step - 1)
        taken.append(hue)
        red, green, blue = (round(255 * part) for part in colorsys.hls_to_rgb(hue / HUES, 0.78, 0.75))
        colors[label] = f"#{red:02x}{green:02x}{blue:02x}"
    return colors


def _list_ents(doc: Doc) -> List[EntPlace]:
    return [(ent.start_char, ent.end_char, ent.label_, ent._.score) for ent in doc.ents]


def find_direction(text: str) -> str:
    """The direction of a text, "ltr" or "rtl", told by its first letter."""
    for char in text:
        kind = unicodedata.bidirectional(char)
        if kind in ("R", "AL"):
            return "rtl"
        if kind == "L":
            return "ltr"
    return "ltr"
