"""The text of files, labelled or not."""

import warnings
from itertools import chain, islice
from pathlib import Path
from typing import Iterator, List

from ..errors import Warnings
from .formats import N_SAMPLE, find_format
from .json_lines import read_text
from .lines import Line, Rejection, iterate_lines
from .reading import CorpusReader, Paths, find_files
from .writing import SUFFIX


def read_texts(paths: Paths) -> Iterator[str]:
    """Read texts: the lines of plain files, and what is labelled in corpora, without the labels.

    paths (Paths): Files, plain or gzipped; of folders, all files in them.
    YIELDS (str): Lines, sentences or docs.
    RAISES (ValueError): XN211, XN221, XN222 for files that cannot be read.
    """
    rejections: List[Rejection] = []
    for path in find_files(paths):
        yield from _read_file(path, rejections)
    if rejections:
        warnings.warn(Warnings.XW210.format(n=len(rejections), shown=rejections[0]), stacklevel=2)


def _read_file(path: Path, rejections: List[Rejection]) -> Iterator[str]:
    def reject(line: int, reason: str) -> None:
        rejections.append(Rejection(path, line, reason))

    lines = iterate_lines(path, reject)
    first: List[Line] = [] if path.suffix == SUFFIX else list(islice(lines, N_SAMPLE))
    format = "spacy" if path.suffix == SUFFIX else find_format(path, first)
    if format is None:
        yield from (line.text for line in chain(first, lines))
    elif format == "jsonl":
        for number, line in chain(first, lines):
            try:
                yield read_text(line)
            except ValueError as err:
                reject(number, str(err))
    else:
        reader = CorpusReader(format=format)
        yield from (doc.text for doc in reader.read_file(path))
        rejections += reader.rejections
