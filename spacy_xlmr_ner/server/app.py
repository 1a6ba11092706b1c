"""The web application: one page, and one question that it asks."""

import json
from functools import partial
from pathlib import Path
from typing import Any, Dict, Optional

import anyio
from spacy.language import Language
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

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
LOOPBACK = ("127.0.0.1", "localhost")
BYTES_PER_CHAR = 6  # of JSON, at most: \uXXXX; twice that for what is beyond 16 bits, which counts as two
WAITING = 8  # requests that may wait for each that is worked on


class Refused(Exception):
    """A request that is answered with an error."""

    def __init__(self, status: int, message: str):
        super().__init__(message)
        self.status = status


def make_app(nlp: Language, *, host: str, max_chars: int, max_requests: int) -> Starlette:
    """Make the application.

    nlp (Language): A pipeline with an `xlmr_ner` component.
    host (str): Where it will be served. On loopback only requests by its own names are taken: a page of elsewhere whose
        name leads here by trickery gets nothing.
    max_chars (int): Longest text.
    max_requests (int): Texts that are tagged at a time; some more wait, the rest is turned away.
    RETURNS (Starlette): The application.
    """
    limiter: Dict[str, anyio.CapacityLimiter] = {}  # made inside the event loop that it belongs to
    pending = [0]

    async def tag(request: Request) -> Response:
        try:
            if pending[0] >= max_requests * (1 + WAITING):
                raise Refused(503, Errors.XN272.format(n=pending[0]))
            text = await read_text(request, max_chars)
            pending[0] += 1
            try:
                own = limiter.setdefault("limiter", anyio.CapacityLimiter(max_requests))
                answer = await anyio.to_thread.run_sync(partial(make_answer, text, nlp), limiter=own)
            finally:
                pending[0] -= 1
        except Refused as err:
            return JSONResponse({"error": str(err)}, err.status, HEADERS)
        except Exception as err:  # the page shows it; a traceback is the terminal's
            return JSONResponse({"error": str(err) or type(err).__name__}, 500, HEADERS)
        return JSONResponse(answer, headers=HEADERS)

    routes = [Route(path, partial(send_file, name=name, kind=kind)) for path, (name, kind) in FILES.items()]
    hosts = list(LOOPBACK) if host in LOOPBACK else ["*"]
    return Starlette(
        routes=[*routes, Route("/tag", tag, methods=["POST"])],
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=hosts, www_redirect=False)],
    )


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
    except (ValueError, TypeError, KeyError):
        text = None
    if not isinstance(text, str):
        raise Refused(400, Errors.XN273)
    if len(text) > max_chars:
        raise Refused(413, Errors.XN271.format(n=f"{len(text):,}", limit=max_chars))
    # What is half of a character, as JSON can say it, is none in UTF-8.
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
