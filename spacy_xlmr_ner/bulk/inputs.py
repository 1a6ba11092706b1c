"""The files that a job reads: which they are, and how their rows are had."""

import glob
import os
import warnings
from pathlib import Path
from typing import Callable, Dict, Iterator, List, NamedTuple, Optional, Sequence

from ..errors import Errors, Warnings
from .rows import START, Place, Rejected, Step
from .streams import BYTE_ORDER_MARK, STDIN, DamagedInputError, Stream
from .table_readers import read_docs, read_parquet
from .text_readers import ReadSettings, read_csv, read_json_lines, read_texts, read_whole

PACKED = (".gz", ".gzip", ".zst", ".zstd")
FORMAT_OF = {
    ".txt": "txt",
    ".text": "txt",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".csv": "csv",
    ".tsv": "csv",
    ".parquet": "parquet",
    ".spacy": "spacy",
}
IN_FORMATS = ("auto", *dict.fromkeys(FORMAT_OF.values()))
TEXT_READERS: Dict[str, Callable[[Stream, ReadSettings, Place], Iterator[Step]]] = {
    "txt": read_texts,
    "whole": read_whole,
    "jsonl": read_json_lines,
    "csv": read_csv,
}


TABLE_READERS: Dict[str, Callable[[str, ReadSettings, Place], Iterator[Step]]] = {
    "parquet": read_parquet,
    "spacy": read_docs,
}


class Input(NamedTuple):
    """A file, or standard input.

    path (str): As it was named, or "-".
    format (str): "txt", "whole", "jsonl", "csv", "parquet" or "spacy"; "auto" for standard input whose first character
        tells: "{" begins JSON lines.
    size (int): In bytes, on the disk; 0 for standard input.
    mtime (int): When it was last changed, in nanoseconds.
    """

    path: str
    format: str
    size: int
    mtime: int


def find_inputs(
    paths: Sequence[str], *, format: str = "auto", whole_file: bool = False, out: Optional[Path] = None
) -> List[Input]:
    """The inputs that paths name, each once.

    paths (Sequence[str]): Files, folders (all files in them of a known kind, in order of their names), patterns as the
        shell has them, or "-".
    format (str): One of IN_FORMATS; "auto": told from each file's name.
    whole_file (bool): Whether a file of text is one text.
    out (Optional[Path]): A folder whose files are left out where it is in another one that is looked into.
    RETURNS (List[Input]): Them.
    RAISES (ValueError): XN221 if nothing has such a name, XN290 for a file of no known kind.
    """
    found: Dict[str, Input] = {}
    for path in paths:
        for one in _expand(path, format, out):
            key = one if one == STDIN else os.path.realpath(one)
            if key not in found:
                found[key] = _describe(one, format, whole_file)
    return list(found.values())


def _expand(path: str, format: str, out: Optional[Path]) -> List[str]:
    """The files that a path stands for, of which there are some. RAISES (ValueError): XN221."""
    if path == STDIN or (os.path.exists(path) and not os.path.isdir(path)):  # a pipe is as good as a file
        return [path]
    found = []
    for match in [path] if os.path.isdir(path) else sorted(glob.glob(path, recursive=True)):
        if os.path.isdir(match):
            found += _list_known(match, format, out)
        elif os.path.isfile(match):
            found.append(match)
    if not found:
        raise ValueError(Errors.XN221.format(path=path))
    return found


def _list_known(folder: str, format: str, out: Optional[Path]) -> List[str]:
    """The files of a known kind in a folder, without those in another one."""
    files = _list_files(folder)
    if out is not None and not Path(folder).resolve().is_relative_to(out.resolve()):
        files = [one for one in files if not Path(one).resolve().is_relative_to(out.resolve())]
    left = [one for one in files if format == "auto" and not find_format(one)]
    if left:
        warnings.warn(Warnings.XW280.format(n=len(left), path=folder, example=left[0]), stacklevel=2)
    return [one for one in files if format != "auto" or find_format(one)]


def _list_files(folder: str) -> List[str]:
    """The files in a folder and, also through links, below it; none that are hidden."""
    found = []
    seen = set()
    for place, folders, names in os.walk(folder, followlinks=True):
        if os.path.realpath(place) in seen:  # a link to a folder above
            folders.clear()
            continue
        seen.add(os.path.realpath(place))
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [os.path.join(place, name) for name in names if not name.startswith(".")]
    return sorted(str(Path(one)) for one in found if os.path.isfile(one))


def find_format(path: str) -> str:
    """The format that a name tells, or nothing."""
    name = Path(path)
    if name.suffix.lower() in PACKED:
        name = name.with_suffix("")
    return FORMAT_OF.get(name.suffix.lower(), "")


def _describe(path: str, format: str, whole_file: bool) -> Input:
    if format == "auto":
        format = find_format(path) if path != STDIN else format
    if not format:
        raise ValueError(Errors.XN290.format(path=path, known=" ".join(FORMAT_OF)))
    if whole_file and format in ("txt", "auto"):
        format = "whole"
    if path == STDIN:
        if format in TABLE_READERS:
            raise ValueError(Errors.XN291.format(format=format))
        return Input(path, format, 0, 0)
    stat = os.stat(path)
    with open(path, "rb"):  # what may not be read is said before anything is done
        return Input(path, format, stat.st_size, stat.st_mtime_ns)


def check_unchanged(source: Input) -> None:
    """RAISES (ValueError): XN242 if a file is not what it was when it was looked at first."""
    if not os.path.isfile(source.path):  # nor are pipes what they were
        return
    stat = os.stat(source.path)
    if (stat.st_size, stat.st_mtime_ns) != (source.size, source.mtime):
        raise ValueError(Errors.XN242.format(path=source.path, n=stat.st_size, expected=source.size))


class InputReader:
    """Reads the rows of an input. What cannot be read to its end is rejected from there on.

    source (Input): The input.
    settings (ReadSettings): How.
    """

    def __init__(self, source: Input, settings: ReadSettings):
        self.source, self.settings = source, settings
        self._stream: Optional[Stream] = None

    @property
    def digest(self) -> str:
        """Of what was read of standard input, so that going on with another one is noticed."""
        return "" if self._stream is None else self._stream.digest

    @property
    def n_bytes(self) -> int:
        """How much of the file on the disk was read, for a bar."""
        is_open = self._stream is not None and self.source.path != STDIN and not self._stream.raw.closed
        return self._stream.raw.tell() if self._stream is not None and is_open else 0

    def read(self, start: Place = START, digest: str = "") -> Iterator[Step]:
        """The rows from a place on.

        start (Place): A place that reading this input has come to before.
        digest (str): What the digest was there.
        YIELDS (Step): Rows, rejected ones, and where they end.
        RAISES (ValueError): XN242 or XN281 if it is not what it was. OSError: if there is no reading it.
        """
        if start.is_end:
            return
        check_unchanged(self.source)
        last = start
        try:
            for step in self._read(start, digest):
                last = step.place
                yield step
            check_unchanged(self.source)
        except DamagedInputError as err:
            entry = Rejected(self.source.path, last.lines + 1, str(err))
            yield Step(entry, last._replace(entries=last.entries + 1, is_end=True))

    def _read(self, start: Place, digest: str) -> Iterator[Step]:
        path, format = self.source.path, self.source.format
        if format in TABLE_READERS:
            yield from TABLE_READERS[format](path, self.settings, start)
            return
        with Stream(path, digest=digest) as self._stream:
            if format == "auto":
                begin = self._stream.peek().removeprefix(BYTE_ORDER_MARK).lstrip()
                format = "jsonl" if begin.startswith(b"{") else "txt"
            yield from TEXT_READERS[format](self._stream, self.settings, start)
