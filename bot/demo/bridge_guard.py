"""Who may use the page's server. It acts in people's names, so only its own page may ask it.

Another site cannot read what it answers, but could send it requests blindly, or reach it by a name of its own that
resolves to this machine. The browser says where a request comes from: https://www.w3.org/TR/fetch-metadata/
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web
from yarl import URL

POLICY = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
_NAMES = ("127.0.0.1", "localhost")
_OWN = (None, "same-origin", "none")
BODY_LIMIT = 256 * 1024
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@web.middleware
async def own_page_only(request: web.Request, handler: Handler) -> web.StreamResponse:
    """403 for what comes from elsewhere, 415 and 413 for bodies that the page does not send."""
    if request.url.host not in _NAMES or not _is_own(request):
        return web.json_response({"error": "this address is for its own page alone"}, status=403)
    if request.method == "POST":
        if request.content_type != "application/json":
            return web.json_response({"error": "JSON is expected"}, status=415)
        if (request.content_length or 0) > BODY_LIMIT:
            return web.json_response({"error": "that is too long"}, status=413)
    return await handler(request)


def _is_own(request: web.Request) -> bool:
    """A page may be linked to from anywhere; all else has to come from the page."""
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    if origin is not None and not _same(origin, request):
        return False
    is_visit = request.method == "GET" and request.headers.get("Sec-Fetch-Mode") == "navigate"
    return site in _OWN or is_visit


def _same(origin: str, request: web.Request) -> bool:
    try:
        return URL(origin).origin() == request.url.origin()
    except ValueError:
        return False


async def harden(_: web.Request, response: web.StreamResponse) -> None:
    """To be called before every answer is sent."""
    response.headers["Content-Security-Policy"] = POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers.setdefault("Cache-Control", "no-cache")
