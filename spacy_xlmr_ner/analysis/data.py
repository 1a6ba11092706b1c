"""Gold docs for an evaluation, by language."""

import re
from pathlib import Path
from typing import Dict, List, NamedTuple, Optional, Sequence

from spacy.tokens import Doc
from spacy.vocab import Vocab

from ..corpus import read_docs
from ..errors import Errors

_LANGUAGE = re.compile(r"[a-z]{2,3}([-_][A-Za-z0-9]{2,8})*")


class Named(NamedTuple):
    """An argument `name=path`, or `path` alone."""

    name: Optional[str]
    path: str


def parse_named(argument: str) -> Named:
    """Tell `name=path` from a path; a path that exists is one, whatever signs it has.

    RAISES (ValueError): XN230 if there is a sign without a name before or a path behind it.
    """
    name, sign, path = argument.partition("=")
    if not sign or Path(argument).exists():
        return Named(None, argument)
    if not name.strip() or not path:
        raise ValueError(Errors.XN230.format(found=argument))
    return Named(name.strip(), path)


def is_language(name: str) -> bool:
    """Whether a name has the form of a language's: de, zh-Hant, pt_BR."""
    return _LANGUAGE.fullmatch(name) is not None


def read_data(
    arguments: Sequence[str], *, vocab: Optional[Vocab] = None, format: str = "auto", progress: bool = False
) -> Dict[str, List[Doc]]:
    """Read gold docs and group them by language.

    The group of a doc is the name before the path, if one is given; else the language that the doc itself names
    (doc.user_data["lang"], as `convert` and some formats have it); else its file. Files of one language go together.

    arguments (Sequence[str]): Paths, or `name=path`: .spacy files, any format that `convert` reads, or folders of them.
    vocab (Optional[Vocab]): Of the docs; None: a new one.
    format (str): One of corpus.FORMATS.
    progress (bool): Show a progress bar on standard error, if that is a terminal.
    RETURNS (Dict[str, List[Doc]]): Docs by language, in the order of the arguments.
    RAISES (ValueError): XN230 for an argument that cannot be understood; XN210 to XN223 for files, as `read_docs`.
    """
    groups: Dict[str, List[Doc]] = {}
    for argument in arguments:
        name, path = parse_named(argument)
        lang = name if name is not None and is_language(name) else None
        for doc in read_docs(path, vocab=vocab, lang=lang, format=format, show_progress=progress):
            group = name or doc.user_data.get("lang") or Path(path).name
            groups.setdefault(group, []).append(doc)
    return groups
