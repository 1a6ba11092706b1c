"""What a hard case may lead to, and what it may not: an answer or a coded error, in little time and memory, with
nothing written outside a folder and no code run.
"""

import os
import re
import sys
import tempfile
import time
import traceback
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Callable, Iterator, List, Optional, Tuple

from confection import ConfigValidationError

import spacy_xlmr_ner

SECONDS = 10.0  # of the processors' time: others may be at work on the machine
MAX_BYTES = 2 * 2**30
PACKAGE = str(Path(spacy_xlmr_ner.__file__).parent)
ANSWER = "answer"
_CODE = re.compile(r"\[(XN\d{3}|E\d{3,4})\]")
# Events of Python's audit, by what they do: https://docs.python.org/3/library/audit_events.html
_STARTS = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork", "os.forkpty", "os.startfile")
_ASKS = ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto", "urllib.Request")
# How many of their arguments are paths, and at which place the folder that those are relative to, if any, is open.
_WRITES = {
    "os.mkdir": (1, 2),
    "os.rename": (2, 2),
    "os.remove": (1, 1),
    "os.rmdir": (1, 1),
    "os.symlink": (2, 2),
    "os.link": (2, 2),
    "os.truncate": (1, None),
    "os.chmod": (1, 2),
}
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


class Breach(AssertionError):
    """What no case may lead to."""


class Watch:
    """Runs cases and watches them. One for a process: Python's audit hooks cannot be taken off.

    folder (Path): All that is written must be in it. Temporary files are put there, and it is where the process works.
    """

    def __init__(self, folder: Path):
        self.folder = folder.resolve()
        self.peak = 0  # bytes above what the process had, in the case that took most
        self.slowest = (0.0, b"")  # seconds of the processors' time, and the case
        self._bait = str(self.folder.parent / f"{self.folder.name}.bait")
        self._breaches: Optional[List[str]] = None
        Path(self._bait).write_text("not to be read")
        sys.addaudithook(self._hear)

    def run(self, check: Callable[[bytes], object], data: bytes, *, weighs: bool = True) -> str:
        """Run a case.

        check (Callable): What is done with it. It may raise what is coded, and AssertionError for a wrong answer.
        data (bytes): The case.
        weighs (bool): Measure memory, which takes longer than some cases.
        RETURNS (str): "answer", or the code of the error.
        RAISES (Breach): For anything else.
        """
        before = _read_resident(resets=True) if weighs else 0
        start = time.process_time()
        with self._watched() as breaches:
            outcome = _try(check, data)
        seconds = time.process_time() - start
        if seconds > self.slowest[0]:
            self.slowest = (seconds, data)
        if weighs:
            self.peak = max(self.peak, _read_peak() - before)
        if breaches:
            raise Breach("; ".join(breaches))
        if seconds > SECONDS:
            raise Breach(f"it took {seconds:.1f} s")
        if self.peak > MAX_BYTES:
            raise Breach(f"it took {self.peak / 2**30:.1f} GiB")
        return outcome

    @contextmanager
    def _watched(self) -> Iterator[List[str]]:
        self._breaches = breaches = []
        former = tempfile.tempdir
        tempfile.tempdir = str(self.folder)
        try:
            yield breaches
        finally:
            tempfile.tempdir = former
            self._breaches = None

    def _hear(self, event: str, args: Tuple[Any, ...]) -> None:
        if self._breaches is None:
            return
        if event in _STARTS or event in _ASKS or event == "pickle.find_class":
            self._breaches.append(f"{event} {args!r}"[:300])
        elif event == "open":
            path, _, flags = args
            if isinstance(path, (str, bytes, os.PathLike)):
                self._look_at(event, path, is_writing=bool((flags or 0) & _WRITING))
        elif event in _WRITES:
            n_paths, place = _WRITES[event]
            opened = -1 if place is None else args[place]
            base = os.getcwd() if opened < 0 else os.readlink(f"/proc/self/fd/{opened}")
            for path in args[:n_paths]:
                if isinstance(path, (str, bytes, os.PathLike)):
                    self._look_at(event, os.path.join(base, os.fsdecode(path)), is_writing=True)
        elif event == "exec" and self._is_inside(getattr(args[0], "co_filename", "")):
            self._breaches.append(f"code of the case was run: {args[0]!r}")
        elif event == "import" and isinstance(args[1], str) and self._is_inside(args[1]):
            self._breaches.append(f"a module of the case was imported: {args[0]!r}")

    def _look_at(self, event: str, path: Any, *, is_writing: bool) -> None:
        place = os.path.abspath(os.fsdecode(path))
        is_harmless = self._is_inside(place) or place == os.devnull
        if (is_writing and not is_harmless) or place == self._bait:
            self._breaches.append(f"{event} {place!r}")

    def _is_inside(self, path: str) -> bool:
        return path == str(self.folder) or path.startswith(f"{self.folder}{os.sep}")


def _try(check: Callable[[bytes], object], data: bytes) -> str:
    try:
        check(data)
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as err:  # a panic of Rust is no Exception
        outcome = name_error(err)
        if outcome is None:
            raise Breach(f"{type(err).__name__}: {str(err)[:300]}") from err
        return outcome
    return ANSWER


def name_error(err: BaseException) -> Optional[str]:
    """The code of an error; None if it has none and so is none that a user may see.

    What spaCy says of its own files, before this package has had a part in it, is spaCy's affair.
    """
    code = _CODE.match(str(err))
    if code:
        return code[1]
    if isinstance(err, ConfigValidationError):
        return "ConfigValidationError"
    frames = traceback.extract_tb(err.__traceback__)
    is_ours = isinstance(err, AssertionError) or any(frame.filename.startswith(PACKAGE) for frame in frames)
    is_spacys = any(f"{os.sep}spacy{os.sep}" in frame.filename for frame in frames)
    return f"spaCy's {type(err).__name__}" if is_spacys and not is_ours and isinstance(err, Exception) else None


def _read_resident(*, resets: bool) -> int:
    """Bytes that are resident; from now on the peak is counted anew. 0 where the system does not tell."""
    try:
        if resets:
            Path("/proc/self/clear_refs").write_text("5")
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


def _read_peak() -> int:
    try:
        return 1024 * int(re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[1])
    except (OSError, TypeError):
        return 0
