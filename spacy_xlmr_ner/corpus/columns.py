"""Formats of one token a line: PAN-X, CoNLL-2003, UNER and GermEval, plain token and tag.

spaCy's own converter for CoNLL-2003 (`spacy convert`) is not used: it takes a text whole and numbers no lines, so that
it could not say which one it rejects, and it reads neither prefixes nor numbered columns.
"""

import re
from dataclasses import dataclass, field
from typing import Callable, Dict, List, NamedTuple, Optional, Sequence

from ..errors import Errors
from .formats import LANGUAGE_PREFIX, shorten
from .lines import Line, Reject

DOC_START = "-DOCSTART-"
_COLUMN = re.compile(r"[ \t]+")
_TEXT = re.compile(r"#\s*text\s*=\s?(.*)")
_NEW_DOC = re.compile(r"#\s*newdoc\b.*")
_SETTING = re.compile(r"#\s*\w+( \w+)? = .*")
_TAG = re.compile(r"O|-|[BIMELSU]-\S+")
_HASHTAG = re.compile(r"#\S.*")
# Remarks without a space behind the sign: those of CoNLL-2012, and of CoNLL-U as some write it.
_TIGHT_REMARK = re.compile(r"#((begin|end) document\b.*|(newdoc|newpar)(\s+id\s*=.*)?|(text|sent_id)\s*=.*)")


@dataclass
class Sentence:
    """A sentence as a file has it.

    words, tags, numbers (List): One for each token; numbers are those of lines.
    text (Optional[str]): What `# text` says.
    lang (Optional[str]): What the prefixes of PAN-X say.
    opens_doc (bool): Whether the file says that another document begins here.
    """

    words: List[str] = field(default_factory=list)
    tags: List[str] = field(default_factory=list)
    numbers: List[int] = field(default_factory=list)
    text: Optional[str] = None
    lang: Optional[str] = None
    opens_doc: bool = False


class Row(NamedTuple):
    """A token."""

    word: str
    tag: str
    lang: Optional[str] = None


def read_panx(line: str) -> Optional[Row]:
    """en:token<TAB>tag."""
    columns = _split(line, "\t", 2, "the first and the last")
    match = LANGUAGE_PREFIX.match(columns[0])
    if match is None:
        raise ValueError(Errors.XN215.format(line=shorten(line), expected="a language and a colon, such as 'en:'"))
    return Row(columns[0][match.end() :], columns[-1], match.group()[:-1])


def read_tabbed(line: str) -> Optional[Row]:
    """Token<TAB>tag, or more columns. Tokens may hold spaces."""
    columns = _split(line, "\t", 2, "the first and the last")
    return Row(columns[0], columns[-1])


def read_spaced(line: str) -> Optional[Row]:
    """Columns with spaces or tabs between them, the token first and the tag last, as in CoNLL-2003."""
    columns = _split(line, None, 2, "the first and the last")
    return Row(columns[0], columns[-1])


def read_numbered(line: str) -> Optional[Row]:
    """Number, token, tag, and what else there may be, as in UNER and GermEval."""
    columns = _split(line, "\t", 3, "the second and the third")
    if not columns[0][:1].isdigit():
        raise ValueError(Errors.XN215.format(line=shorten(line), expected="a number"))
    if not columns[0].isdigit():
        return None  # 4-5 is a word whose parts follow, 4.1 one that was not written
    return Row(columns[1], columns[2])


ROW_READERS: Dict[str, Callable[[str], Optional[Row]]] = {
    "panx": read_panx,
    "tsv": read_tabbed,
    "conll": read_spaced,
    "iob2": read_numbered,
}


def read_sentences(lines: Sequence[Line], format: str, reject: Reject) -> List[Sentence]:
    """Read the sentences of a file; what its tags mean is not asked yet.

    A rejected line is left out of its sentence, which is else kept.

    lines (Sequence[Line]): All lines.
    format (str): One of ROW_READERS.
    reject (Reject): Told of lines that are no tokens (XN212 to XN215).
    RETURNS (List[Sentence]): Those that have tokens.
    """
    read_row = ROW_READERS[format]
    sentences = [Sentence()]
    for number, line in lines:
        if not line.strip(" \t"):
            if sentences[-1].words:
                sentences.append(Sentence())
        elif _is_remark(line, format):
            _read_remark(line, sentences)
        else:
            try:
                row = read_row(line)
                if row is not None:
                    _add_row(sentences[-1], number, row, line)
            except ValueError as err:
                reject(number, str(err))
    return sentences if sentences[-1].words else sentences[:-1]


def _add_row(sentence: Sentence, number: int, row: Row, line: str) -> None:
    if not row.word or row.word.isspace():
        raise ValueError(Errors.XN213.format(line=shorten(line)))
    if sentence.words and row.lang != sentence.lang:
        raise ValueError(
            Errors.XN215.format(line=shorten(line), expected=f"the sentence's language, '{sentence.lang}:'")
        )
    sentence.lang = row.lang
    sentence.words.append(row.word)
    sentence.tags.append(row.tag)
    sentence.numbers.append(number)


def _is_remark(line: str, format: str) -> bool:
    """Whether a line is about the text, not of it. In files without numbers # is a token too, and #word is one."""
    if line.startswith(DOC_START):
        return format != "panx"
    if not line.startswith("#") or format == "panx":
        return False
    if format == "iob2":
        return True
    if _HASHTAG.fullmatch(line):
        return "\t" not in line and bool(_TIGHT_REMARK.fullmatch(line))
    if format == "conll":
        return bool(_SETTING.fullmatch(line)) or not _TAG.fullmatch(_COLUMN.split(line.rstrip())[-1])
    return "\t" not in line


def _read_remark(line: str, sentences: List[Sentence]) -> None:
    opens_doc = line.startswith(DOC_START) or bool(_NEW_DOC.fullmatch(line))
    if opens_doc and sentences[-1].words:
        sentences.append(Sentence())
    sentences[-1].opens_doc |= opens_doc
    text = _TEXT.fullmatch(line)
    if text:
        sentences[-1].text = text.group(1)


def _split(line: str, separator: Optional[str], n_needed: int, places: str) -> List[str]:
    """The columns of a line, without spaces around them; spaces that are no ASCII belong to tokens.

    RAISES (ValueError): XN212 if there are too few.
    """
    columns = _COLUMN.split(line.strip(" \t")) if separator is None else line.rstrip(" \t").split(separator)
    if len(columns) < n_needed:
        found = Errors.XN212.format(n_columns=len(columns), line=shorten(line), n_needed=n_needed, places=places)
        raise ValueError(found)
    return [column.strip(" ") for column in columns]
