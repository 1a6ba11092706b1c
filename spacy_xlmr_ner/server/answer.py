"""What the page is told of a text: its entities, drawn and as data, and its pieces over their tags."""

from typing import Any, Dict

from spacy.language import Language

from ..drawing import draw_ents, list_ents, pick_colors
from ..ent_score import describe_ents
from ..tag_text import find_component, tag_pieces


def make_answer(text: str, nlp: Language) -> Dict[str, Any]:
    """Tag a text.

    text (str): Any text.
    nlp (Language): A pipeline with an `xlmr_ner` component.
    RETURNS (Dict[str, Any]): What JSON can hold: "text"; "ents", each with start, end (in characters, half-open),
        label, text and score; "html": the text with its entities drawn by displacy, escaped; "pieces": a list of
        [piece, tag].
    """
    doc = nlp(text)
    colors = pick_colors({*find_component(nlp).labels, *(ent.label_ for ent in doc.ents)})
    return {
        "text": text,
        "ents": describe_ents(doc),
        "html": draw_ents(text, list_ents(doc), colors),
        "pieces": tag_pieces(text, nlp),
    }
