"""Open a port and serve until told to stop."""

import os
import signal
import socket
from contextlib import suppress
from typing import Callable

import uvicorn
from spacy.language import Language

from ..errors import Errors
from .app import make_app

MAX_CONNECTIONS = 200


def open_socket(host: str, port: int) -> socket.socket:
    """Take a port.

    host (str): A name or address of this machine.
    port (int): Its number; 0: any that is free.
    RETURNS (socket.socket): It listens; nothing is answered yet.
    RAISES (OSError): XN270 if it cannot be had.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        taken = socket.socket(family, kind, protocol)
    except OSError as err:
        raise OSError(Errors.XN270.format(host=host, port=port, reason=err)) from err
    try:
        if os.name == "posix":  # elsewhere it would share a port that is in use
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(address)
        taken.listen()  # whoever asks from now on waits for the answer
    except OSError as err:
        taken.close()
        raise OSError(Errors.XN270.format(host=host, port=port, reason=err.strerror or err)) from err
    return taken


def serve(
    nlp: Language, taken: socket.socket, *, host: str, max_chars: int, max_requests: int, say: Callable[[str], object]
) -> None:
    """Serve the page until SIGINT or SIGTERM; requests that are being answered are answered first.

    nlp (Language): A pipeline with an `xlmr_ner` component.
    taken (socket.socket): Of open_socket.
    host (str): As for open_socket, for the address that is told.
    max_chars (int), max_requests (int): As for make_app.
    say (Callable): Told the address.
    """
    address = taken.getsockname()[0]
    app = make_app(nlp, address=address, max_chars=max_chars, max_requests=max_requests)
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        lifespan="off",
        limit_concurrency=MAX_CONNECTIONS,
        timeout_graceful_shutdown=10,
    )
    name = f"[{host}]" if ":" in host else host
    say(f"http://{name}:{taken.getsockname()[1]}/")
    # uvicorn hands the signal on when it has ended, which for SIGTERM would be the end of the process.
    former = signal.signal(signal.SIGTERM, lambda number, frame: None)
    try:
        with suppress(KeyboardInterrupt):
            uvicorn.Server(config).run(sockets=[taken])
    finally:
        signal.signal(signal.SIGTERM, former)
