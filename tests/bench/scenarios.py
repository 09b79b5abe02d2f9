"""What is measured. Each scenario returns figures by name; the promises they are held against stand beside them."""

from __future__ import annotations

import asyncio
import re
import statistics
import time
from typing import Any

import aiohttp

from tests.bench import load, servers, workspace
from tests.bench.figures import Figure
from tests.bench.slack import card_rules, collected, command, slack

_KINDS = (("new", 1), ("known", 1), ("known", 50))


def throughput(seconds: float, runs: int, stored: int) -> list[Figure]:
    """The intake beside the floor, on an empty database and on one with many open alerts; medians of the runs."""
    measured: dict[str, list[load.Result]] = {}
    for _ in range(runs):
        for mode, batch in _KINDS:
            with servers.folder() as folder, servers.floor(folder) as server:
                measured.setdefault(f"floor {mode} {batch}", []).append(load.wrk(server, mode, batch, seconds))
            with servers.folder() as folder, servers.deskbell(folder) as server:
                measured.setdefault(f"desk {mode} {batch}", []).append(load.wrk(server, mode, batch, seconds))
    with servers.folder() as folder, servers.deskbell(folder) as server:
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
    with servers.folder() as folder:
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


def slash_command(seconds: float) -> list[Figure]:
    """How soon ``/ticket show`` is answered while 500 new alerts a second come in."""
    with servers.folder() as folder, slack() as (url, _), servers.deskbell(folder, slack_url=url) as server:
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
            if b"42" not in await command(session, server, "show 42"):
                raise RuntimeError("a slash command was not answered")
            took.append(time.monotonic() - started)
            await asyncio.sleep(0.05)
    await background
    return took


def card(seconds: float, per_second: float = 20.0, channels: int = 50) -> list[Figure]:
    """From the answer to an alert until its card stands in Slack, at 20 tickets/s over 50 channels."""
    rules = card_rules(channels)
    with (
        servers.folder() as folder,
        slack() as (url, posts),
        servers.deskbell(folder, {"notifications": rules}, url) as server,
        collected(posts) as arrived,
    ):
        accepted = asyncio.run(_tickets(server, seconds, per_second, channels))
        deadline = time.monotonic() + 30
        while len(arrived) < len(accepted) and time.monotonic() < deadline:
            time.sleep(0.1)
    posted = {name: it.at for it in arrived for name in re.findall(r"bench-\d+-end", it.text)[:1]}
    missing = len(accepted) - len(posted)
    took = [posted[name] - accepted[name] for name in posted]
    p50, p99 = load.percentile(took, 0.5) * 1000, load.percentile(took, 0.99) * 1000
    return [
        Figure("alert accepted to card posted: median", p50, "ms", "under 100", p50 < 100),
        Figure("alert accepted to card posted: 99th percentile", p99, "ms", "under 500", p99 < 500),
        Figure("cards missing", missing, "", "none", missing == 0),
    ]


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
        ("clicks", lambda: workspace.clicks(3 if smoke else 20)),
        ("card", lambda: card(3 if smoke else 20)),
        ("edits", lambda: workspace.edits(10, 200, 5) if smoke else workspace.edits(200, 10_000, 60)),
        ("home", lambda: workspace.home(50 if smoke else 500)),
        ("size", lambda: size(stored)),
    )
    for name, step in steps:
        print(f"measuring {name} ...", flush=True)
        figures += step()
    return figures
