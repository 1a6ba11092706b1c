"""The score of an entity, kept with the doc so that nothing loses it: Span._.score.

It lies in doc.user_data under the key that spaCy itself gives a span's own attribute, by character offsets. So
retokenizing, Doc.to_bytes, pickle, copy, Doc.from_docs and Span.as_doc(copy_user_data=True) all carry it. With it
stand the label and the component, for an entity of another's that has the same place is not ours. DocBin leaves
user_data out unless asked for it, but takes span groups along; the score is found there too.
"""

import warnings
from typing import Any, Dict, Iterator, List, Mapping, Optional, Tuple

from spacy.tokens import Doc, Span, SpanGroup

from .errors import Warnings

EXTENSION = "score"
Key = Tuple[str, str, int, int]

# What another package's attribute of this name gives a span for which nothing is stored.
_foreign_default: Any = None


def register_extension() -> None:
    """Set Span._.score up. Another package's plain attribute of this name keeps its values; a computed one is kept."""
    global _foreign_default
    if Span.has_extension(EXTENSION):
        default, method, getter, _ = Span.get_extension(EXTENSION)
        if getter is get_score:
            return
        if method is not None or getter is not None:
            warnings.warn(Warnings.XW501.format(kind="getter" if method is None else "method"), stacklevel=2)
            return
        _foreign_default = default
    Span.set_extension(EXTENSION, getter=get_score, force=True)


def get_score(span: Span) -> Any:
    """The score of an entity that an `xlmr_ner` component found, in [0, 1]; None for any other span. Never raises."""
    entry = span.doc.user_data.get(_key(span.start_char, span.end_char))
    if entry is not None and not _is_ours(entry):
        return entry  # another package stores its own scores under this name
    entry = _find_entry(span)
    return _foreign_default if entry is None else entry["score"]


def get_component(span: Span) -> Optional[str]:
    """The name of the `xlmr_ner` component that found an entity, or None."""
    entry = _find_entry(span)
    return None if entry is None else entry["component"]


def set_score(span: Span, score: float, *, component: str) -> None:
    """Keep the score of an entity."""
    key = _key(span.start_char, span.end_char)
    span.doc.user_data[key] = {"label": span.label_, "score": score, "component": component}


def forget_scores(doc: Doc, *, keep: Tuple[Span, ...]) -> None:
    """Drop the scores of entities that stand no more.

    doc (Doc): The doc.
    keep (Tuple[Span, ...]): The entities that stand.
    """
    kept = {(_key(ent.start_char, ent.end_char), ent.label_) for ent in keep}
    for key, entry in list(_own_entries(doc)):
        if (key, entry["label"]) not in kept:
            del doc.user_data[key]


def _own_entries(doc: Doc) -> Iterator[Tuple[Key, Dict[str, Any]]]:
    for key, entry in doc.user_data.items():
        if isinstance(key, tuple) and key[:2] == ("._.", EXTENSION) and _is_ours(entry):
            yield key, entry


def _key(start_char: int, end_char: int) -> Key:
    return ("._.", EXTENSION, start_char, end_char)


def _is_ours(entry: Any) -> bool:
    return isinstance(entry, Mapping) and {"label", "score", "component"} <= entry.keys()


def _find_entry(span: Span) -> Optional[Dict[str, Any]]:
    """What is kept of an entity of ours, in doc.user_data or else in a span group."""
    entry = span.doc.user_data.get(_key(span.start_char, span.end_char))
    if _is_ours(entry) and entry["label"] == span.label_:
        return dict(entry)
    return next((found for group in span.doc.spans.values() for found in _find_in_group(span, group)), None)


def _find_in_group(span: Span, group: SpanGroup) -> Iterator[Dict[str, Any]]:
    scores, component = group.attrs.get("scores"), group.attrs.get("component")
    if not isinstance(scores, list) or not isinstance(component, str):
        return
    for i, score in enumerate(scores[: len(group)]):
        try:
            other = group[i]
        except IndexError:  # the group is older than a retokenizing that left the doc shorter
            continue
        if (other.start_char, other.end_char, other.label) == (span.start_char, span.end_char, span.label):
            yield {"label": span.label_, "score": score, "component": component}


def describe_ents(doc: Doc) -> List[Dict[str, Any]]:
    """The entities of a doc as JSON has them: start and end in characters (half-open), label, text, score or None."""
    return [
        {"start": ent.start_char, "end": ent.end_char, "label": ent.label_, "text": ent.text, "score": ent._.score}
        for ent in doc.ents
    ]
