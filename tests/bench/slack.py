"""A Slack that takes every message at once and tells when: what the time to a card is measured against."""

from __future__ import annotations

import asyncio
import itertools
import time
from multiprocessing.connection import Connection

from aiohttp import web


def run_slack(told: Connection) -> None:
    """Serve until ended. Sends its port first, then (channel, text, monotonic moment) of every message."""
    asyncio.run(_serve(told))


async def _serve(told: Connection) -> None:
    numbers = itertools.count(1)

    async def method(request: web.Request) -> web.Response:
        given = await request.json() if request.content_type == "application/json" else dict(await request.post())
        name = request.match_info["method"]
        if name == "chat.postMessage":
            channel = str(given["channel"])
            told.send((channel, given["text"], time.monotonic()))
            ts = f"{int(time.time())}.{next(numbers):06d}"
            return web.json_response({"ok": True, "channel": f"C{channel}", "ts": ts})
        known = {"auth.test": {"user_id": "UBOT", "bot_id": "B1", "team_id": "T1", "team": "bench", "user": "deskbell"}}
        person = {"id": "U1", "name": "bench", "locale": "en-US", "tz": "UTC", "profile": {"real_name": "Bench"}}
        known["users.info"] = {"user": person}  # type: ignore[dict-item]
        return web.json_response({"ok": True, "ts": given.get("ts", "1.1"), **known.get(name, {})})

    app = web.Application()
    app.router.add_post("/api/{method}", method)
    app.router.add_get("/api/{method}", method)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    told.send(runner.addresses[0][1])
    await asyncio.Event().wait()
