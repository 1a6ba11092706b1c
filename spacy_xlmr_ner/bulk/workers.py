"""Who annotates the shards: this process, or several others that load the pipeline once each."""

import multiprocessing
import os
import queue
import signal
import threading
import traceback
from collections import deque
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Any, Callable, Deque, Dict, Iterator, List, Optional, Tuple

from spacy.language import Language

from ..errors import CheckpointError, Errors
from ..loading import load_pipeline
from .annotator import Annotated, Annotator
from .model_version import find_version
from .rows import Row
from .shards import Shard

# What PyTorch and others read, as they are imported, to know how many threads they may have.
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS")
AHEAD = 1  # shards a worker may have waiting, so that reading and writing do not hold it up

Done = Iterator[Tuple[Shard, Annotated]]


@dataclass(frozen=True)
class AnnotatorSettings:
    """What a worker needs to make its annotator; as load_pipeline and Annotator have them.

    version_of_model (str): As find_version has it, when the job is begun.
    """

    version_of_model: str
    model: Optional[str] = None
    lang: str = "xx"
    batch_size: Optional[int] = None
    with_docs: bool = False


def make_annotator(settings: AnnotatorSettings, config: Optional[Dict[str, Any]] = None) -> Annotator:
    """Load the pipeline and make an annotator of it.

    settings (AnnotatorSettings): What it is.
    config (Optional[Dict[str, Any]]): Of the component's model, as load_pipeline has it.
    RETURNS (Annotator): It.
    """
    pipelines = load_pipelines(settings, config)
    return Annotator(pipelines, batch_size=settings.batch_size, with_docs=settings.with_docs)


def load_pipelines(settings: AnnotatorSettings, config: Optional[Dict[str, Any]]) -> Iterator[Language]:
    """Load the pipeline, as often as it is asked for. RAISES (ValueError): XN287 if it has become another."""
    while True:
        yield load_pipeline(settings.model, lang=settings.lang, settings=config)
        if find_version(settings.model) != settings.version_of_model:
            raise ValueError(Errors.XN287.format(model=settings.model or "the model in the package"))


def annotate_here(shards: Iterator[Shard], settings: AnnotatorSettings, advance: Callable[[int], object]) -> Done:
    """Annotate shards one after the other in this process."""
    annotator = make_annotator(settings)
    for shard in shards:
        yield shard, annotator.annotate(shard.rows, advance)


def annotate_in_processes(
    shards: Iterator[Shard], settings: AnnotatorSettings, advance: Callable[[int], object], *, n_process: int
) -> Done:
    """Annotate shards in other processes, whole shards each.

    Shards are read no further ahead than the workers need, so that memory is bounded.

    shards (Iterator[Shard]): The shards.
    settings (AnnotatorSettings): For the workers.
    advance (Callable): Called with the number of rows that were done.
    n_process (int): How many workers.
    YIELDS (Tuple[Shard, Annotated]): The shards, in order, and what became of their rows.
    RAISES (ValueError): What a worker could not be made for. RuntimeError: XN297 if one ended before its time.
    """
    waiting: Deque[Shard] = deque()
    ready: Dict[int, Annotated] = {}
    with start_workers(settings, n_process) as workers:
        for worker in workers:
            worker.receive()  # it has its pipeline now
        while True:
            while len(waiting) < n_process * (2 + AHEAD):
                worker = min(workers, key=lambda one: one.n_given)
                shard = next(shards, None) if worker.n_given <= AHEAD else None
                if shard is None:
                    break
                worker.give(shard)
                waiting.append(shard)
            if not waiting:
                return
            while waiting[0].number not in ready:
                for worker in wait_for(workers):
                    index, annotated = worker.receive()
                    ready[index] = annotated
                    advance(len(annotated.outcomes))
            shard = waiting.popleft()
            yield shard, ready.pop(shard.number)


class Worker:
    """A process that annotates shards."""

    def __init__(self, settings: AnnotatorSettings):
        context = multiprocessing.get_context("spawn")  # after a fork the parent's threads are missed
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=run_worker, args=(theirs, settings), daemon=True)
        self.process.start()
        theirs.close()
        self.n_given = 0

    def give(self, shard: Shard) -> None:
        """Have it annotate a shard."""
        self._talk(lambda: self.connection.send((shard.number, shard.rows)))
        self.n_given += 1

    def receive(self) -> Any:
        """What it answers next. RAISES (Exception): What it could not do; RuntimeError: XN297 if it has ended."""
        answer = self._talk(self.connection.recv)
        if isinstance(answer, BaseException):
            raise answer
        self.n_given -= isinstance(answer, tuple)
        return answer

    def _talk(self, action: Callable[[], Any]) -> Any:
        try:
            return action()
        except (EOFError, OSError) as err:
            self.process.join(timeout=5)
            raise RuntimeError(Errors.XN297.format(status=self.process.exitcode)) from err

    def stop(self) -> None:
        """End it."""
        self.connection.close()
        self.process.terminate()
        self.process.join()


def wait_for(workers: List[Worker]) -> List[Worker]:
    """The workers that have answered, or have ended."""
    ready = wait([worker.connection for worker in workers])
    return [worker for worker in workers if worker.connection in ready]


@contextmanager
def start_workers(settings: AnnotatorSettings, n_process: int) -> Iterator[List[Worker]]:
    """Start processes that share the cores, and end them."""
    n_threads = str(max(1, (os.cpu_count() or 1) // n_process))
    former = {name: os.environ.get(name) for name in THREADS}
    workers: List[Worker] = []
    try:
        os.environ.update({name: value or n_threads for name, value in former.items()})
        try:
            for _ in range(n_process):
                workers.append(Worker(settings))
        finally:
            for name, value in former.items():
                if value is None:
                    del os.environ[name]
        yield workers
    finally:
        for worker in workers:
            worker.stop()


def run_worker(connection: Connection, settings: AnnotatorSettings) -> None:
    """Annotate what comes, until there is no more; the life of a worker."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is its parent's affair
    given: queue.Queue[Tuple[int, List[Row]]] = queue.Queue()
    threading.Thread(target=_receive, args=(connection, given), daemon=True).start()
    try:
        annotator = make_annotator(settings)
        connection.send(None)
        while True:
            index, rows = given.get()
            connection.send((index, annotator.annotate(rows)))
    except BrokenPipeError:
        return
    except Exception as err:
        connection.send(_make_portable(err))


def _receive(connection: Connection, given: queue.Queue[Tuple[int, List[Row]]]) -> None:
    """Take what is sent at once, so that the sender never waits; end when it is gone, also if it was killed."""
    while True:
        try:
            given.put(connection.recv())
        except (EOFError, OSError):
            os._exit(1)


def _make_portable(err: Exception) -> Exception:
    """An exception that another process can read, whatever its class."""
    for kind in (CheckpointError, ImportError, OSError, ValueError):
        if isinstance(err, kind):
            return kind(str(err))
    return RuntimeError("".join(traceback.format_exception(type(err), err, err.__traceback__)))
