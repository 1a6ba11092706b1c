"""Gold docs for an evaluation, by language."""

import re
from collections import Counter
from pathlib import Path
from typing import Dict, List, NamedTuple, Optional, Sequence, Set

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
    (doc.user_data["lang"], as `convert` and some formats have it); else its file, with as many folders before it as
    tell it from the others. Files of one language go together.

    arguments (Sequence[str]): Paths, or `name=path`: .spacy files, any format that `convert` reads, or folders of them.
    vocab (Optional[Vocab]): Of the docs; None: a new one.
    format (str): One of corpus.FORMATS.
    progress (bool): Show a progress bar on standard error, if that is a terminal.
    RETURNS (Dict[str, List[Doc]]): Docs by language, in the order of the arguments.
    RAISES (ValueError): XN230 for an argument that cannot be understood; XN210 to XN223 for files, as `read_docs`.
    """
    groups: Dict[str, List[Doc]] = {}
    parsed = [parse_named(argument) for argument in arguments]
    tails = _find_tails({Path(path) for name, path in parsed if name is None})
    for name, path in parsed:
        lang = name if name is not None and is_language(name) else None
        for doc in read_docs(path, vocab=vocab, lang=lang, format=format, show_progress=progress):
            group = name or doc.user_data.get("lang") or tails[Path(path)]
            groups.setdefault(group, []).append(doc)
    return groups


def _find_tails(paths: Set[Path]) -> Dict[Path, str]:
    """The shortest end of each path that no other path ends in; all of it where there is none.

    a/de/test.conll, a/fr/test.conll and a/dev.conll give "de/test.conll", "fr/test.conll" and "dev.conll".
    """
    ends = Counter(path.parts[-n:] for path in paths for n in range(1, len(path.parts) + 1))
    tails = {}
    for path in paths:
        own = [path.parts[-n:] for n in range(1, len(path.parts) + 1)]
        tails[path] = Path(*next((end for end in own if ends[end] == 1), path.parts)).as_posix()
    return tails
