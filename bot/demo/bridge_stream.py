"""What happens, told to every open page as server-sent events, each in its own language.

A page that cannot keep up is cut off: its browser connects again by itself and loads the state anew, so that nothing is
kept for it. https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import orjson
from aiohttp import web

_BACKLOG = 1000
_STREAMS = 50
_HEARTBEAT_SECONDS = 15.0
_RECONNECT = b"retry: 1500\n\n"
Say = Callable[[str], Any]


@dataclass(eq=False, slots=True)
class _Page:
    """``queue`` holds events as they are sent; None ends the stream."""

    language: str
    queue: asyncio.Queue[bytes | None] = field(default_factory=lambda: asyncio.Queue(_BACKLOG))


class Hub:
    """``cursor`` is the id of the last event."""

    def __init__(self) -> None:
        self.cursor = 0
        self._pages: set[_Page] = set()
        self._closed = False

    @property
    def watched(self) -> bool:
        return bool(self._pages)

    def publish(self, event: str, say: Say) -> None:
        """``say`` gives the event's data in a language."""
        self.cursor += 1
        written: dict[str, bytes] = {}
        for page in list(self._pages):
            if page.language not in written:
                head = f"id: {self.cursor}\nevent: {event}\ndata: ".encode()
                written[page.language] = head + orjson.dumps(say(page.language)) + b"\n\n"
            self._send(page, written[page.language])

    def close(self) -> None:
        """End every stream; new ones are refused."""
        self._closed = True
        for page in list(self._pages):
            self._cut_off(page)

    async def serve(self, request: web.Request, language: str) -> web.StreamResponse:
        if self._closed or len(self._pages) >= _STREAMS:
            return web.Response(status=503, headers={"Retry-After": "5"})
        page = _Page(language)
        headers = {"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        response = web.StreamResponse(headers=headers)
        self._pages.add(page)
        try:
            await response.prepare(request)
            await response.write(_RECONNECT)
            while (events := await _next(page.queue)) is not None:
                await response.write(events)
        except ConnectionResetError:
            return response
        finally:
            self._pages.discard(page)
        return response

    def _send(self, page: _Page, event: bytes) -> None:
        if page.queue.full():
            self._cut_off(page)
        else:
            page.queue.put_nowait(event)

    def _cut_off(self, page: _Page) -> None:
        self._pages.discard(page)
        while not page.queue.empty():
            page.queue.get_nowait()
        page.queue.put_nowait(None)


async def _next(queue: asyncio.Queue[bytes | None]) -> bytes | None:
    """Everything that waits, or a comment that shows that the stream lives; None at its end."""
    try:
        async with asyncio.timeout(_HEARTBEAT_SECONDS):
            events = await queue.get()
    except TimeoutError:
        return b": still here\n\n"
    while events is not None and not queue.empty():
        more = queue.get_nowait()
        if more is None:
            return None
        events += more
    return events
