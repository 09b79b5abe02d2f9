"""A Slack that takes every message and edit at once and tells when: what the way to a card is measured against.

And what Slack sends: signed commands and clicks.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import itertools
import multiprocessing
import re
import threading
import time
import urllib.parse
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any

import aiohttp
import msgspec
import orjson
from aiohttp import web

from tests.bench.servers import SIGNING_SECRET, Running

_SHOWN = re.compile(r'"ticket":(\d+),"v":(\d+)')


class Arrived(msgspec.Struct, frozen=True):
    """A message or an edit as Slack got it. ``shows`` is the ticket of a card and the version that it shows."""

    method: str
    channel: str
    ts: str
    text: str
    at: float
    shows: tuple[int, int] | None = None


@contextmanager
def slack() -> Iterator[tuple[str, Connection]]:
    """A process that plays Slack; the connection gives what ``collected`` reads."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=run_slack, args=(theirs,), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{ours.recv()}/api/", ours
    finally:
        process.terminate()
        process.join()


@contextmanager
def collected(posts: Connection) -> Iterator[list[Arrived]]:
    """All that arrives, read as it comes: a full pipe would hold up the Slack that writes it."""
    arrived: list[Arrived] = []
    over = threading.Event()

    def collect() -> None:
        while not over.is_set():
            if posts.poll(0.05):
                arrived.append(msgspec.convert(posts.recv(), Arrived))

    thread = threading.Thread(target=collect, daemon=True)
    thread.start()
    try:
        yield arrived
    finally:
        over.set()
        thread.join()


def card_rules(channels: int) -> list[dict[str, object]]:
    """Tickets of the team ``t<n>`` get their card in the channel ``#c<n>``."""
    return [
        {
            "name": f"card_{n}",
            "on": ["ticket.created"],
            "when": f"ticket.team == 't{n}'",
            "to": [f"slack:#c{n}"],
            "show": "card",
        }
        for n in range(channels)
    ]


async def command(session: aiohttp.ClientSession, server: Running, text: str) -> bytes:
    form = {
        "command": "/ticket",
        "text": text,
        "team_id": "T1",
        "channel_id": "C1",
        "user_id": "U1",
        "trigger_id": f"1.{time.time_ns()}",
        "response_url": f"http://127.0.0.1:{server.port}/nowhere",
        "api_app_id": "A1",
    }
    return await _send(session, server, form)


async def click(session: aiohttp.ClientSession, server: Running, action: str, ticket: int, version: int) -> bytes:
    """Press a button of a ticket's card."""
    value = orjson.dumps({"ticket": ticket, "v": version}).decode()
    pressed = {"type": "button", "action_id": action, "block_id": "actions", "value": value, "action_ts": "1.1"}
    message = {"type": "message", "ts": f"{ticket}.000001", "text": "card", "bot_id": "B1"}
    payload = {
        "type": "block_actions",
        "api_app_id": "A1",
        "token": "unused",
        "trigger_id": f"1.{time.time_ns()}",
        "team": {"id": "T1", "domain": "bench"},
        "user": {"id": "U1", "name": "bench", "team_id": "T1"},
        "channel": {"id": "C1", "name": "c1"},
        "container": {"type": "message", "message_ts": message["ts"], "channel_id": "C1", "is_ephemeral": False},
        "message": message,
        "state": {"values": {}},
        "response_url": f"http://127.0.0.1:{server.port}/nowhere",
        "actions": [pressed],
    }
    return await _send(session, server, {"payload": orjson.dumps(payload).decode()})


async def _send(session: aiohttp.ClientSession, server: Running, form: Mapping[str, str]) -> bytes:
    """Raises RuntimeError when it is not answered with 200."""
    body, timestamp = urllib.parse.urlencode(form).encode(), str(int(time.time()))
    signed = hmac.new(SIGNING_SECRET.encode(), b"v0:" + timestamp.encode() + b":" + body, hashlib.sha256)
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "X-Slack-Request-Timestamp": timestamp,
        "X-Slack-Signature": f"v0={signed.hexdigest()}",
    }
    async with session.post(f"http://127.0.0.1:{server.port}/slack/events", data=body, headers=headers) as response:
        if response.status != 200:
            raise RuntimeError(f"{response.status} for what Slack sent")
        return await response.read()


def run_slack(told: Connection) -> None:
    """Serve until ended. Sends its port first, then an ``Arrived`` as a mapping for every message and edit."""
    asyncio.run(_serve(told))


def _arrived(method: str, given: Mapping[str, Any], ts: str) -> dict[str, Any]:
    blocks = given.get("blocks", "")
    shown = _SHOWN.search((blocks if isinstance(blocks, str) else orjson.dumps(blocks).decode()).replace('\\"', '"'))
    return {
        "method": method,
        "channel": str(given["channel"]),
        "ts": ts,
        "text": given.get("text", ""),
        "at": time.monotonic(),
        "shows": (int(shown[1]), int(shown[2])) if shown else None,
    }


async def _serve(told: Connection) -> None:
    numbers = itertools.count(1)

    async def method(request: web.Request) -> web.Response:
        given = await request.json() if request.content_type == "application/json" else dict(await request.post())
        name = request.match_info["method"]
        if name == "chat.postMessage":
            channel = str(given["channel"])
            ts = f"{int(time.time())}.{next(numbers):06d}"
            told.send(_arrived(name, given, ts))
            return web.json_response({"ok": True, "channel": f"C{channel}", "ts": ts})
        if name == "chat.update":
            told.send(_arrived(name, given, str(given["ts"])))
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
