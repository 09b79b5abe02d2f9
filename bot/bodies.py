"""Request bodies, read with a bound on size and time.

The server hands bodies on as they came: nothing is unpacked before its sender is proved, and a packed body is unpacked
no further than the largest body that is taken, so that a small one cannot become a huge one.
"""

from __future__ import annotations

import asyncio
import zlib
from typing import Any

from aiohttp import hdrs, web
from aiohttp.web_protocol import RequestPayloadError

# zlib's window bits: 16 more for gzip's frame. https://docs.python.org/3/library/zlib.html#zlib.decompress
_WINDOWS = {"gzip": zlib.MAX_WBITS | 16, "x-gzip": zlib.MAX_WBITS | 16, "deflate": zlib.MAX_WBITS}


class Refused(Exception):
    """A request that is answered without being worked on."""

    def __init__(
        self, status: int, code: str, message: str, headers: dict[str, str] | None = None, **more: Any
    ) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.headers, self.more = status, code, message, headers, more


class CannotUnpack(Exception):
    """The body is not what its Content-Encoding says, or the encoding is not known."""


async def read_body(request: web.Request, limit: int, seconds: float) -> bytes:
    """The body as its sender packed it, read to its end.

    Raises ``Refused``: 413 for more than ``limit`` bytes, 408 for one that takes longer than ``seconds``, 400 for one
    that breaks off.
    """
    if request.content_length is not None and request.content_length > limit:
        raise too_large(limit)
    try:
        if request.content.is_eof():  # all of it came with the headers, as small ones do
            body = await request.read()
        else:
            async with asyncio.timeout(seconds):
                body = await request.read()
    except TimeoutError as error:
        raise Refused(408, "timeout", "the body did not arrive in time", {hdrs.CONNECTION: "close"}) from error
    except web.HTTPRequestEntityTooLarge as error:
        raise too_large(limit) from error
    except RequestPayloadError as error:
        raise Refused(400, "bad_body", "the body broke off") from error
    if len(body) > limit:
        raise too_large(limit)
    return body


def too_large(limit: int) -> Refused:
    return Refused(413, "too_large", f"a body has at most {limit} bytes", limit=limit)


async def unpacked(body: bytes, encoding: str, limit: int) -> bytes:
    """``body`` without its Content-Encoding. Raises ``CannotUnpack``; ``Refused`` 413 for more than ``limit`` bytes."""
    name = encoding.strip().lower()
    if name in ("", "identity") or not body:
        return body
    if name not in _WINDOWS:
        raise CannotUnpack(f"the Content-Encoding {name[:40]!r} is not known; gzip and deflate are")
    return await asyncio.to_thread(_unpack, body, _WINDOWS[name], limit)


def _unpack(body: bytes, window: int, limit: int) -> bytes:
    parts: list[bytes] = []
    total = 0
    while body:
        decoder = zlib.decompressobj(window)
        try:
            parts.append(decoder.decompress(body, limit + 1 - total))
        except zlib.error as error:
            raise CannotUnpack(f"the body cannot be unpacked: {error}") from error
        total += len(parts[-1])
        if total > limit:
            raise too_large(limit)
        if not decoder.eof:
            raise CannotUnpack("the packed body breaks off")
        body = decoder.unused_data
    return b"".join(parts)
