"""A stand-in for the server of the demo page: the page's own files, a scripted state, and a record of what it posts.

It runs in a thread of its own, because the browser's driver blocks the test's thread.
"""

from __future__ import annotations

import asyncio
import json
import threading
from pathlib import Path
from typing import Any

from aiohttp import web

STATIC = Path(__file__).parents[2] / "bot" / "demo" / "static"
POLICY = "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


class DemoBackend:
    """``answers`` maps a path below /demo/ to what its next posts get; ``posted`` holds (path, body) in order."""

    def __init__(self) -> None:
        self.state: dict[str, Any] = {}
        self.answers: dict[str, Any] = {}
        self.posted: list[tuple[str, dict[str, Any]]] = []
        self.url = ""
        self._event_id = 0
        self._streams: set[asyncio.Queue[bytes | None]] = set()
        self._loop: asyncio.AbstractEventLoop
        self._ended: asyncio.Event
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)

    def start(self) -> None:
        self._thread.start()
        assert self._ready.wait(10), "the server did not start"

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._ended.set)
        self._thread.join(10)

    def push(self, event: str, data: dict[str, Any]) -> None:
        """Sends an event to every open page."""
        self._event_id += 1
        line = f"id: {self._event_id}\nevent: {event}\ndata: {json.dumps(data)}\n\n".encode()
        for stream in list(self._streams):
            self._loop.call_soon_threadsafe(stream.put_nowait, line)

    def drop_streams(self) -> None:
        """Ends every stream, as a restart of the server would."""
        for stream in list(self._streams):
            self._loop.call_soon_threadsafe(stream.put_nowait, None)

    def forget(self) -> None:
        self.posted.clear()
        self.answers.clear()

    async def _serve(self) -> None:
        self._loop, self._ended = asyncio.get_running_loop(), asyncio.Event()
        runner = web.AppRunner(self._application(), shutdown_timeout=1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}/demo"
        self._ready.set()
        await self._ended.wait()
        for stream in list(self._streams):
            stream.put_nowait(None)
        await runner.cleanup()

    def _application(self) -> web.Application:
        application = web.Application()
        application.on_response_prepare.append(_strict)
        application.router.add_get("/demo", self._page)
        application.router.add_get("/demo/state", self._state)
        application.router.add_get("/demo/stream", self._stream)
        application.router.add_post("/demo/{path:.+}", self._post)
        application.router.add_static("/demo/static", STATIC)
        return application

    async def _page(self, request: web.Request) -> web.FileResponse:
        return web.FileResponse(STATIC / "demo.html")

    async def _state(self, request: web.Request) -> web.Response:
        return web.json_response({**self.state, "cursor": self._event_id})

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
        await response.prepare(request)
        await response.write(b"retry: 100\n\n")
        queue: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._streams.add(queue)
        try:
            while (line := await queue.get()) is not None:
                await response.write(line)
        except ConnectionResetError:
            return response
        finally:
            self._streams.discard(queue)
        return response

    async def _post(self, request: web.Request) -> web.Response:
        path = request.match_info["path"]
        self.posted.append((path, await request.json()))
        return web.json_response(self.answers.get(path, {"ok": True}))


async def _strict(request: web.Request, response: web.StreamResponse) -> None:
    response.headers["Content-Security-Policy"] = POLICY
