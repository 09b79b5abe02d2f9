"""What is measured. Each scenario returns figures by name; the promises they are held against stand beside them."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import multiprocessing
import re
import statistics
import tempfile
import threading
import time
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import aiohttp
import msgspec

from tests.bench import load, servers
from tests.bench.slack import run_slack

_KINDS = (("new", 1), ("known", 1), ("known", 50))


class Figure(msgspec.Struct, frozen=True):
    """``promise`` is text; ``kept`` whether the figure keeps it, None where it is only shown."""

    name: str
    value: float
    unit: str
    promise: str = ""
    kept: bool | None = None


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="deskbell-bench-") as name:
        yield Path(name)


def throughput(seconds: float, runs: int, stored: int) -> list[Figure]:
    """The intake beside the floor, on an empty database and on one with many open alerts; medians of the runs."""
    measured: dict[str, list[load.Result]] = {}
    for _ in range(runs):
        for mode, batch in _KINDS:
            with _folder() as folder, servers.floor(folder) as server:
                measured.setdefault(f"floor {mode} {batch}", []).append(load.wrk(server, mode, batch, seconds))
            with _folder() as folder, servers.deskbell(folder) as server:
                measured.setdefault(f"desk {mode} {batch}", []).append(load.wrk(server, mode, batch, seconds))
    with _folder() as folder, servers.deskbell(folder) as server:
        asyncio.run(load.fill(server, stored))
        asyncio.run(_settled(server))
        for mode, batch in _KINDS:
            for _ in range(runs):
                measured.setdefault(f"full {mode} {batch}", []).append(load.wrk(server, mode, batch, seconds))
                asyncio.run(_settled(server))
    return _compared(measured, stored)


def _compared(measured: dict[str, list[load.Result]], stored: int) -> list[Figure]:
    def median(key: str, name: str) -> float:
        return statistics.median(result[name] for result in measured[key])

    figures: list[Figure] = []
    for (mode, batch), share in zip(_KINDS, (0.30, 0.40, 0.40), strict=True):
        kind = f"{mode} alerts, {batch} per request"
        floor, desk = median(f"floor {mode} {batch}", "per_second"), median(f"desk {mode} {batch}", "per_second")
        full, p99 = median(f"full {mode} {batch}", "per_second"), median(f"full {mode} {batch}", "p99_ms")
        figures += [
            Figure(f"{kind}: the floor", floor, "alerts/s"),
            Figure(f"{kind}: Deskbell", desk, "alerts/s"),
            Figure(f"{kind}: share of the floor", desk / floor, "", f"at least {share:.2f}", desk / floor >= share),
            Figure(f"{kind}: 99th percentile", median(f"desk {mode} {batch}", "p99_ms"), "ms"),
            Figure(f"{kind}: with {stored:,} open alerts", full, "alerts/s"),
            Figure(f"{kind}: slower by then", desk / full, "times", "at most 1.2", desk / full <= 1.2),
            Figure(f"{kind}: 99th percentile then", p99, "ms", "under 100", p99 < 100),
        ]
    return figures


async def _settled(server: servers.Running) -> None:
    """Wait until the outbox has told what was stored, so that one run does not pay for another."""
    headers = {"Authorization": f"Bearer {servers.TOKEN}"}
    base = f"http://127.0.0.1:{server.port}/api/v1"
    async with aiohttp.ClientSession(headers=headers) as session:
        async with session.get(f"{base}/tickets?limit=1") as response:
            items = (await response.json())["items"]
        for _ in range(600):
            async with session.get(f"{base}/tickets/{items[0]['id']}/deliveries") as response:
                if not items or (await response.json())["items"]:
                    return
            await asyncio.sleep(0.1)


def size(stored: int) -> list[Figure]:
    """Memory after many alerts, and how long a start takes with as many tickets."""
    with _folder() as folder:
        with servers.deskbell(folder) as server:
            asyncio.run(load.fill(server, stored))
            asyncio.run(_settled(server))
            memory = server.memory / 2**20
        with servers.deskbell(folder) as server:
            start = server.ready_after
    return [
        Figure(f"memory after {stored:,} alerts", memory, "MB", "under 300", memory < 300),
        Figure(f"start to ready with {stored:,} tickets", start, "s", "under 2", start < 2),
    ]


@contextmanager
def _slack() -> Iterator[tuple[str, Connection]]:
    """A Slack that answers at once, in a process of its own; the connection gives (channel, text, moment) of posts."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=run_slack, args=(theirs,), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{ours.recv()}/api/", ours
    finally:
        process.terminate()
        process.join()


def slash_command(seconds: float) -> list[Figure]:
    """How soon ``/ticket show`` is answered while 500 new alerts a second come in."""
    with _folder() as folder, _slack() as (url, _), servers.deskbell(folder, slack_url=url) as server:
        asyncio.run(load.fill(server, 100, 50))
        took = asyncio.run(_commands(server, seconds))
    p99 = load.percentile(took, 0.99) * 1000
    return [
        Figure("/ticket show 42 beside 500 alerts/s: median", load.percentile(took, 0.5) * 1000, "ms"),
        Figure("/ticket show 42 beside 500 alerts/s: 99th percentile", p99, "ms", "under 100", p99 < 100),
    ]


async def _commands(server: servers.Running, seconds: float) -> list[float]:
    took: list[float] = []
    background = asyncio.create_task(asyncio.to_thread(asyncio.run, load.steady(server, 500, seconds)))
    async with aiohttp.ClientSession() as session:
        while not background.done():
            started = time.monotonic()
            await _command(session, server, "show 42")
            took.append(time.monotonic() - started)
            await asyncio.sleep(0.05)
    await background
    return took


async def _command(session: aiohttp.ClientSession, server: servers.Running, text: str) -> None:
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
    body, timestamp = urllib.parse.urlencode(form).encode(), str(int(time.time()))
    signed = hmac.new(servers.SIGNING_SECRET.encode(), b"v0:" + timestamp.encode() + b":" + body, hashlib.sha256)
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "X-Slack-Request-Timestamp": timestamp,
        "X-Slack-Signature": f"v0={signed.hexdigest()}",
    }
    async with session.post(f"http://127.0.0.1:{server.port}/slack/events", data=body, headers=headers) as response:
        if response.status != 200 or b"42" not in await response.read():
            raise RuntimeError(f"{response.status} for a slash command")


def card(seconds: float, per_second: float = 20.0, channels: int = 50) -> list[Figure]:
    """From the answer to an alert until its card stands in Slack, at 20 tickets/s over 50 channels."""
    rules = [
        {
            "name": f"card_{n}",
            "on": ["ticket.created"],
            "when": f"ticket.team == 't{n}'",
            "to": [f"slack:#c{n}"],
            "show": "card",
        }
        for n in range(channels)
    ]
    with (
        _folder() as folder,
        _slack() as (url, posts),
        servers.deskbell(folder, {"notifications": rules}, url) as server,
        _collected(posts) as arrived,
    ):
        accepted = asyncio.run(_tickets(server, seconds, per_second, channels))
        deadline = time.monotonic() + 30
        while len(arrived) < len(accepted) and time.monotonic() < deadline:
            time.sleep(0.1)
    posted = {name: moment for text, moment in arrived for name in re.findall(r"bench-\d+-end", text)[:1]}
    missing = len(accepted) - len(posted)
    took = [posted[name] - accepted[name] for name in posted]
    p50, p99 = load.percentile(took, 0.5) * 1000, load.percentile(took, 0.99) * 1000
    return [
        Figure("alert accepted to card posted: median", p50, "ms", "under 100", p50 < 100),
        Figure("alert accepted to card posted: 99th percentile", p99, "ms", "under 500", p99 < 500),
        Figure("cards missing", missing, "", "none", missing == 0),
    ]


@contextmanager
def _collected(posts: Connection) -> Iterator[list[tuple[str, float]]]:
    """Text and moment of every message, read as they come: a full pipe would hold up the Slack that writes it."""
    arrived: list[tuple[str, float]] = []
    over = threading.Event()

    def collect() -> None:
        while not over.is_set():
            if posts.poll(0.05):
                _, text, moment = posts.recv()
                arrived.append((text, moment))

    thread = threading.Thread(target=collect, daemon=True)
    thread.start()
    try:
        yield arrived
    finally:
        over.set()
        thread.join()


async def _tickets(server: servers.Running, seconds: float, per_second: float, channels: int) -> dict[str, float]:
    accepted: dict[str, float] = {}

    async def one(session: aiohttp.ClientSession, n: int) -> None:
        name = f"bench-{n:05d}-end"
        accepted[name] = await load.post_alerts(session, server, [load.alert(name, team=f"t{n % channels}")])

    async with aiohttp.ClientSession() as session, asyncio.TaskGroup() as group:
        for n in range(int(seconds * per_second)):
            group.create_task(one(session, n))
            await asyncio.sleep(1 / per_second)
    return accepted


def everything(smoke: bool, full_seconds: float = 15.0) -> list[Figure]:
    """All scenarios, in full or just long enough to see that they run."""
    seconds, runs, stored = (2.0, 1, 2_000) if smoke else (full_seconds, 3, 100_000)
    figures: list[Figure] = []
    steps: tuple[tuple[str, Any], ...] = (
        ("throughput", lambda: throughput(seconds, runs, stored)),
        ("slash command", lambda: slash_command(3 if smoke else 20)),
        ("card", lambda: card(3 if smoke else 20)),
        ("size", lambda: size(stored)),
    )
    for name, step in steps:
        print(f"measuring {name} ...", flush=True)
        figures += step()
    return figures
