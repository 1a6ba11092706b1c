"""The web application: one page, and one question that it asks."""

import json
from functools import partial
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Dict, Optional
from urllib.parse import urlsplit

import anyio
from spacy.language import Language
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send
from thinc.api import Model, PyTorchShim

from ..errors import Errors
from .answer import make_answer

FILES = {
    "/": ("page.html", "text/html"),
    "/page.js": ("page.js", "text/javascript"),
    "/page.css": ("page.css", "text/css"),
}
HEADERS = {
    # Nothing from elsewhere is loaded or run, and the page stands in no other; displacy has its style inline.
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
READ_SECONDS = 30
BYTES_PER_CHAR = 6  # of JSON, at most: \uXXXX; twice that for what is beyond 16 bits, which counts as two
WAITING = 8  # requests that may wait for each that is worked on


class Refused(Exception):
    """A request that is answered with an error."""

    def __init__(self, status: int, message: str):
        super().__init__(message)
        self.status = status


def make_app(nlp: Language, *, address: str, max_chars: int, max_requests: int) -> Starlette:
    """Make the application.

    nlp (Language): A pipeline with an `xlmr_ner` component.
    address (str): Where it will be served. On loopback only requests by this machine's own names are taken: a page of
        elsewhere whose name leads here by trickery gets nothing.
    max_chars (int): Longest text.
    max_requests (int): Texts that are tagged at a time; some more wait, the rest is turned away. One at a time where a
        network of thinc's is in the pipeline, which does not bear more.
    RETURNS (Starlette): The application.
    """
    n_at_once = 1 if has_thinc_network(nlp) else max_requests
    limiter: Dict[str, anyio.CapacityLimiter] = {}  # made inside the event loop that it belongs to
    pending = [0]

    async def tag(request: Request) -> Response:
        pending[0] += 1
        try:
            if pending[0] > max_requests * (1 + WAITING):
                raise Refused(503, Errors.XN272.format(n=pending[0] - 1))
            if request.headers.get("content-type", "").split(";")[0].strip() != "application/json":
                raise Refused(415, Errors.XN273)  # a form of another page can send text, and this alone
            with anyio.fail_after(READ_SECONDS):
                text = await read_text(request, max_chars)
            own = limiter.setdefault("limiter", anyio.CapacityLimiter(n_at_once))
            answer = await anyio.to_thread.run_sync(partial(make_answer, text, nlp), limiter=own)
        except Refused as err:
            return JSONResponse({"error": str(err)}, err.status, HEADERS)
        except TimeoutError:
            return JSONResponse({"error": Errors.XN273}, 408, HEADERS)
        except Exception as err:  # the page shows it
            return JSONResponse({"error": str(err) or type(err).__name__}, 500, HEADERS)
        finally:
            pending[0] -= 1
        return JSONResponse(answer, headers=HEADERS)

    routes = [Route(path, partial(send_file, name=name, kind=kind)) for path, (name, kind) in FILES.items()]
    middleware = [Middleware(OwnNamesOnly)] if is_loopback(address) else []
    return Starlette(routes=[*routes, Route("/tag", tag, methods=["POST"])], middleware=middleware)


class OwnNamesOnly:
    """Takes requests that name this machine as it names itself: localhost, or an address of loopback."""

    def __init__(self, app: ASGIApp):
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or turn it away."""
        if scope["type"] == "http" and not self._is_own(Headers(scope=scope).get("host", "")):
            await JSONResponse({"error": Errors.XN274}, 400, HEADERS)(scope, receive, send)
            return
        await self.app(scope, receive, send)

    def _is_own(self, host: str) -> bool:
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        return name == "localhost" or is_loopback(name)


def is_loopback(address: str) -> bool:
    """Whether an address is this machine's alone."""
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False


def has_thinc_network(nlp: Language) -> bool:
    """Whether a network runs in thinc's own wrapper, as spacy-transformers' does: it switches dropout off for a
    prediction and on again behind it, and so for one in another thread.
    """
    models = [pipe.model for _, pipe in nlp.pipeline if isinstance(getattr(pipe, "model", None), Model)]
    return any(isinstance(shim, PyTorchShim) for model in models for node in model.walk() for shim in node.shims)


async def send_file(request: Request, *, name: str, kind: str) -> Response:
    """A file of the page."""
    content = (Path(__file__).parent / name).read_bytes()
    return Response(content, media_type=kind, headers=HEADERS)


async def read_text(request: Request, max_chars: int) -> str:
    """The text of a request. RAISES (Refused): If there is none, or it is too long; no more than that is read."""
    limit = max_chars * BYTES_PER_CHAR * 2 + 100
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise Refused(413, Errors.XN271.format(n="more", limit=max_chars))
    text: Optional[Any] = None
    try:
        text = json.loads(body)["text"]
    except (ValueError, TypeError, KeyError, RecursionError):
        text = None
    if not isinstance(text, str):
        raise Refused(400, Errors.XN273)
    if len(text) > max_chars:
        raise Refused(413, Errors.XN271.format(n=f"{len(text):,}", limit=max_chars))
    # What is half of a character, as JSON can say it, is none in UTF-8.
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
