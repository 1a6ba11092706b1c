"""A cluster of Ray: how it is had, and how many workers it has room for."""

import logging
import os
import re
import signal
import socket
import threading
from contextlib import contextmanager
from typing import Any, Iterator, Mapping, NamedTuple, Optional, Sequence

from .._compat import require_extra
from ..errors import Errors

EXTRA = "ray"
PLACE = re.compile(r"(?:ray://)?\[?(?P<host>[^/\]]+)\]?:(?P<port>\d{1,5})")
REACH = 10.0  # seconds


class Workers(NamedTuple):
    """Actors of one kind.

    n (int): How many.
    num_cpus (Optional[float]), num_gpus (Optional[float]): What each takes; None: left to Ray.
    """

    n: int
    num_cpus: Optional[float]
    num_gpus: Optional[float]


def choose_workers(nodes: Sequence[Mapping[str, float]], n: Optional[int] = None) -> Workers:
    """Choose how many workers there are and what each takes: a GPU each where there are any, else processors.

    nodes (Sequence[Mapping[str, float]]): What each node has, by name: "CPU", "GPU".
    n (Optional[int]): How many are wanted; they share the processors. None: one for each GPU, or for each processor.
    RETURNS (Workers): Them.
    RAISES (ValueError): XN244 if there is no room for so many.
    """
    gpus = [int(node.get("GPU", 0)) for node in nodes]
    if sum(gpus):
        _check_room(n, sum(gpus), "GPUs")
        return Workers(n or sum(gpus), None, 1)
    cpus = [int(node.get("CPU", 0)) for node in nodes]
    _check_room(n or 1, sum(cpus), "processors")
    if n is None:
        return Workers(sum(cpus), 1, 0)
    share = max(share for share in range(1, max(cpus) + 1) if sum(n_cpus // share for n_cpus in cpus) >= n)
    return Workers(n, share, 0)


def _check_room(n: Optional[int], room: int, kind: str) -> None:
    if n is not None and n > room:
        raise ValueError(Errors.XN244.format(n=n, room=room, kind=kind))


def find_workers(n: Optional[int] = None) -> Workers:
    """choose_workers for the cluster that is connected."""
    ray = require_extra("ray", extra=EXTRA)
    return choose_workers([node["Resources"] for node in ray.nodes() if node["Alive"]], n)


def name_model(model: Optional[str]) -> Optional[str]:
    """A model as workers find it: theirs is another working directory."""
    return os.path.abspath(model) if model and os.path.exists(model) else model


def check_reachable(address: str) -> None:
    """Look whether somebody listens at an address, if it has a port: Ray itself tries for minutes before it gives up.

    address (str): As ray.init has it.
    RAISES (OSError): If nobody does.
    """
    if place := PLACE.fullmatch(address):
        socket.create_connection((place["host"], int(place["port"])), timeout=REACH).close()


@contextmanager
def use_cluster(address: Optional[str]) -> Iterator[Any]:
    """Connect to a cluster, and leave it at the end. One that is connected already is used and stays so.

    address (Optional[str]): As ray.init has it; None or empty: the cluster that this machine is of, or a new one on
        this machine alone.
    YIELDS (Any): The module `ray`.
    RAISES (ImportError): XN112 without the extra. ConnectionError: XN248 if there is no cluster there.
    """
    ray = require_extra("ray", extra=EXTRA)
    require_extra("ray.data", extra=EXTRA)
    if ray.is_initialized():
        yield ray
        return
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # else it sends figures to its makers
    for handler in logging.getLogger("ray.data").handlers:
        if isinstance(handler, logging.StreamHandler):  # what it writes to the terminal, and not to its files
            handler.setLevel(logging.WARNING)
    with _keep_handlers():
        try:
            check_reachable(address or "")
            ray.init(address=address or None, logging_level=logging.WARNING)
        except (OSError, ValueError, RuntimeError) as err:
            raise ConnectionError(Errors.XN248.format(address=address or "this machine", reason=err)) from err
    try:
        yield ray
    finally:
        ray.shutdown()


@contextmanager
def _keep_handlers() -> Iterator[None]:
    """Ray sets its own handler of SIGTERM, which leaves no word."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    former = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, former)
