"""A page of entities, drawn by displacy, that opens from disk."""

import html
from typing import Sequence

from spacy.tokens import Doc

from .drawing import draw_ents, list_ents, pick_colors

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


def make_page(docs: Sequence[Doc]) -> str:
    """Draw the entities of docs as one page of HTML: each label its own colour, the score behind the label.

    docs (Sequence[Doc]): Annotated docs.
    RETURNS (str): A whole page. Text and labels are escaped; a script in them stays text.
    """
    colors = pick_colors({ent.label_ for doc in docs for ent in doc.ents})
    drawn = [draw_ents(doc.text, list_ents(doc), colors) for doc in docs]
    figures = [f'<figure style="margin: 0 0 3rem">{figure}</figure>' for figure in drawn]
    lang = html.escape(docs[0].lang_) if docs else "en"
    return PAGE.format(lang="mul" if lang == "xx" else lang, content="\n".join(figures))
