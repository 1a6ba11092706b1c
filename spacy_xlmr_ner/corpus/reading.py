"""Files of labelled text to docs and examples."""

import warnings
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Callable, Iterator, List, Optional, Sequence, Union

import spacy
from spacy.language import Language
from spacy.tokens import Doc, DocBin
from spacy.training import Example
from spacy.vocab import Vocab
from tqdm import tqdm

from ..errors import Errors, Warnings
from .columns import Sentence, read_sentences
from .doc_making import LANG_KEY, group_sentences, make_record_doc, make_sentences_doc
from .file_tags import read_ents
from .formats import FORMATS, detect_format
from .json_lines import read_records
from .languages import guess_language
from .lines import Rejection, read_lines
from .spacing import find_spaces

Paths = Union[str, Path, Sequence[Union[str, Path]]]
MAX_PATHS_SHOWN = 3


@dataclass
class FileSummary:
    """What a file was found to be, and how much of it was read.

    scheme (Optional[str]): "IO", "IOB1", "IOB2", "BIOES"; None: it has no tags.
    """

    path: Path
    format: str
    scheme: Optional[str] = None
    n_docs: int = 0
    n_tokens: int = 0
    n_ents: int = 0


class CorpusReader:
    """Reads corpora, and keeps account of what it left out.

    After reading: rejections (List[Rejection]), the lines left out, in order; files (List[FileSummary]).

    vocab (Optional[Vocab]): Of the docs; None: one of "xx".
    lang (Optional[str]): Language of all texts; None: what the file says (the prefixes of PAN-X, "lang" in JSON lines,
        user_data["lang"] in docs), or its name if that is like de.train.iob2.gz, or none.
    format (str): One of FORMATS; "auto": told from each file.
    n_sents (int): Sentences in a doc, at most; 0: all of a document. JSON lines and docs stay as they are.
    RAISES (ValueError): XN223 for other values.
    """

    def __init__(
        self, *, vocab: Optional[Vocab] = None, lang: Optional[str] = None, format: str = "auto", n_sents: int = 1
    ):
        if format not in FORMATS:
            expected = "one of: " + ", ".join(FORMATS)
            raise ValueError(Errors.XN223.format(option="format", found=format, expected=expected))
        if n_sents < 0:
            raise ValueError(Errors.XN223.format(option="n_sents", found=n_sents, expected="0 or more"))
        self.vocab = spacy.blank("xx").vocab if vocab is None else vocab
        self.lang = lang
        self.format = format
        self.n_sents = n_sents
        self.rejections: List[Rejection] = []
        self.files: List[FileSummary] = []

    def read(self, paths: Paths, *, show_progress: bool = False, leave_out: Optional[Path] = None) -> Iterator[Doc]:
        """Read files, in order, one in memory at a time.

        paths (Paths): Files, plain or gzipped; of folders, all files in them.
        show_progress (bool): Show a bar on standard error, if that is a terminal.
        leave_out (Optional[Path]): A file of a folder that is not read, such as that which is to be written.
        YIELDS (Doc): With doc.ents; user_data["lang"] where the language is known.
        RAISES (ValueError): XN210, XN211, XN221, XN222 for files that cannot be read; XN220 if no doc is in them.
        """
        files = find_files(paths, leave_out=leave_out)
        sizes = [path.stat().st_size for path in files]
        with tqdm(
            total=sum(sizes), unit="B", unit_scale=True, leave=False, disable=None if show_progress else True
        ) as bar:
            for path, size in zip(files, sizes):
                bar.set_description(path.name)
                yield from self.read_file(path, partial(_advance, bar, bar.n, size))
        self._check_all(files)

    def read_file(self, path: Path, advance: Callable[[float], object] = lambda share: None) -> Iterator[Doc]:
        """Read one file, which may be empty (XW212).

        advance (Callable[[float], object]): Called with the share of the file that has been made into docs.
        YIELDS (Doc): As read does.
        """
        n_before = len(self.rejections)
        summary = FileSummary(path, self.format)
        self.files.append(summary)
        makers = self._plan_docs(path, summary)
        self.rejections[n_before:] = sorted(self.rejections[n_before:], key=lambda rejection: rejection.line)
        for make in makers:
            doc = make()
            summary.n_docs += 1
            summary.n_tokens += len(doc)
            summary.n_ents += len(doc.ents)
            advance(summary.n_docs / len(makers))
            yield doc
        if not makers:
            warnings.warn(Warnings.XW212.format(path=path, n_rejected=len(self.rejections) - n_before), stacklevel=2)

    def _plan_docs(self, path: Path, summary: FileSummary) -> Sequence[Callable[[], Doc]]:
        """A function for each doc of a file, so that making them can be watched."""
        if self.format == "spacy" or (self.format == "auto" and path.suffix == ".spacy"):
            summary.format = "spacy"
            return [partial(self._note_lang, doc, path) for doc in read_docbin(path, self.vocab)]

        def reject(line: int, reason: str) -> None:
            self.rejections.append(Rejection(path, line, reason))

        lines = read_lines(path, reject)
        if not any(line.text.strip() for line in lines):
            return []
        summary.format = detect_format(path, lines) if self.format == "auto" else self.format
        default = guess_language(path)
        if summary.format == "jsonl":
            records = read_records(lines, reject)
            return [partial(make_record_doc, self.vocab, one, self.lang or one.lang or default) for one in records]
        sentences = read_sentences(lines, summary.format, reject)
        _check_texts(path, sentences)
        labelled, summary.scheme = read_ents(path, sentences, reject)
        groups = group_sentences(labelled, self.n_sents)
        return [
            partial(make_sentences_doc, self.vocab, group, self.lang or group[0][0].lang or default) for group in groups
        ]

    def _note_lang(self, doc: Doc, path: Path) -> Doc:
        lang = self.lang or doc.user_data.get(LANG_KEY) or guess_language(path)
        if lang:
            doc.user_data[LANG_KEY] = lang
        return doc

    def _check_all(self, files: Sequence[Path]) -> None:
        n_docs = sum(file.n_docs for file in self.files)
        shown = ", ".join(f"'{path}'" for path in files[:MAX_PATHS_SHOWN])
        shown += f" and {len(files) - MAX_PATHS_SHOWN} more" if len(files) > MAX_PATHS_SHOWN else ""
        if not n_docs:
            raise ValueError(Errors.XN220.format(paths=shown, n_rejected=len(self.rejections)))
        if not any(file.n_ents for file in self.files):
            warnings.warn(Warnings.XW213.format(paths=shown, n_docs=n_docs), stacklevel=2)


def read_docs(
    paths: Paths,
    *,
    vocab: Optional[Vocab] = None,
    lang: Optional[str] = None,
    format: str = "auto",
    n_sents: int = 1,
    show_progress: bool = False,
) -> Iterator[Doc]:
    """Read corpora of any of the formats, .spacy included; CorpusReader has the arguments. Warns of lines left out.

    YIELDS (Doc): With doc.ents; user_data["lang"] where the language is known.
    RAISES (ValueError): XN210 to XN223.
    """
    reader = CorpusReader(vocab=vocab, lang=lang, format=format, n_sents=n_sents)
    yield from reader.read(paths, show_progress=show_progress)
    if reader.rejections:
        warnings.warn(Warnings.XW210.format(n=len(reader.rejections), shown=reader.rejections[0]), stacklevel=2)


def read_examples(
    paths: Paths, nlp: Language, *, lang: Optional[str] = None, format: str = "auto", show_progress: bool = False
) -> List[Example]:
    """Read corpora as examples. What is to be predicted has the corpus's own tokens, as what gold tags are for.

    paths (Paths): Files of any of the formats, or folders of them.
    nlp (Language): Whose vocab the docs have.
    lang, format, show_progress: As CorpusReader has them.
    RETURNS (List[Example]): user_data["lang"] of both docs is the language, where it is known.
    RAISES (ValueError): XN210 to XN223.
    """
    references = read_docs(paths, vocab=nlp.vocab, lang=lang, format=format, show_progress=show_progress)
    return [Example(copy_tokens(doc), doc) for doc in references]


def copy_tokens(doc: Doc) -> Doc:
    """A doc with the same tokens, spaces and language, and nothing else."""
    user_data = {LANG_KEY: doc.user_data[LANG_KEY]} if LANG_KEY in doc.user_data else {}
    spaces = [bool(token.whitespace_) for token in doc]
    return Doc(doc.vocab, words=[token.text for token in doc], spaces=spaces, user_data=user_data)


def find_files(paths: Paths, *, leave_out: Optional[Path] = None) -> List[Path]:
    """The files that paths name; of folders, all in them that are not hidden, nor in hidden folders, in order.

    leave_out (Optional[Path]): A file that is not read because it stands in a folder.
    RAISES (ValueError): XN221 if there is none under a path.
    """
    files: List[Path] = []
    for path in map(Path, [paths] if isinstance(paths, (str, Path)) else paths):
        found = _list_files(path, leave_out) if path.is_dir() else [path] * path.is_file()
        if not found:
            raise ValueError(Errors.XN221.format(path=path))
        files += found
    return files


def _list_files(folder: Path, leave_out: Optional[Path]) -> List[Path]:
    files = [file for file in sorted(folder.rglob("[!.]*")) if file.is_file()]
    if leave_out is not None and leave_out.exists():
        files = [file for file in files if not file.samefile(leave_out)]
    return [file for file in files if not any(part.startswith(".") for part in file.relative_to(folder).parts)]


def read_docbin(path: Path, vocab: Vocab) -> List[Doc]:
    """The docs of a .spacy file that have tokens.

    RAISES (ValueError): XN222 if it is damaged, or none: what is beneath raises anything then.
    """
    try:
        return [doc for doc in DocBin().from_disk(path).get_docs(vocab) if len(doc)]
    except Exception as err:
        reason = str(err).split("\n")[0].rstrip(".") or type(err).__name__
        raise ValueError(Errors.XN222.format(path=path, reason=reason)) from err


def _advance(bar: tqdm, before: int, size: int, share: float) -> None:
    bar.update(before + int(size * share) - bar.n)


def _check_texts(path: Path, sentences: Sequence[Sentence]) -> None:
    unfit = [one for one in sentences if one.text is not None and find_spaces(one.words, one.text) is None]
    if unfit:
        warnings.warn(Warnings.XW214.format(path=path, n=len(unfit), line=unfit[0].numbers[0]), stacklevel=2)
