"""A busy Slack workspace: clicks beside a stream of alerts, cards that change faster than they may be edited, homes."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp

import blocks
from bot.app import SystemClock
from core.commands import Assign, Open
from core.config.settings import Settings
from core.desk.desk import Desk
from core.desk.home import Homes
from core.i18n import Words
from core.model import Person
from core.store.database import Database, connect
from core.store.upgrade import upgrade
from tests.bench import load, servers
from tests.bench.figures import Figure
from tests.bench.slack import Arrived, card_rules, click, collected, slack

_CHANNELS = 20
_MINUTE = 60.0
_LOOK_SECONDS = 0.02
# What docs/slack.md promises of chat.update, a tier 3 method: 50 a minute, 20 of them at once.
_EDITS_A_MINUTE = 70
_SETTLED_SECONDS = 600.0


def clicks(seconds: float) -> list[Figure]:
    """How soon a click on *Assign to me* is answered while 500 new alerts a second come in."""
    with servers.folder() as folder, slack() as (url, _), servers.deskbell(folder, slack_url=url) as server:
        asyncio.run(load.fill(server, int(seconds * 20), 50))
        took = asyncio.run(_clicked(server, seconds))
    p99 = load.percentile(took, 0.99) * 1000
    return [
        Figure("a click beside 500 alerts/s: median", load.percentile(took, 0.5) * 1000, "ms"),
        Figure("a click beside 500 alerts/s: 99th percentile", p99, "ms", "under 100", p99 < 100),
    ]


async def _clicked(server: servers.Running, seconds: float) -> list[float]:
    took: list[float] = []
    background = asyncio.create_task(asyncio.to_thread(asyncio.run, load.steady(server, 500, seconds)))
    async with aiohttp.ClientSession() as session:
        for ticket in itertools.count(1):
            if background.done():
                break
            started = time.monotonic()
            await click(session, server, "assign_to_me", ticket, 1)
            took.append(time.monotonic() - started)
            await asyncio.sleep(0.05)
    await background
    return took


def edits(tickets: int, changes: int, seconds: float) -> list[Figure]:
    """Many changes of a few tickets: what of them reaches Slack, and how long an urgent message waits meanwhile."""
    rules = card_rules(_CHANNELS)
    rules.append({"name": "urgent", "on": ["ticket.escalated"], "to": ["slack:#c0"], "urgent": True})
    with (
        servers.folder() as folder,
        slack() as (url, posts),
        servers.deskbell(folder, {"notifications": rules}, url) as server,
        collected(posts) as arrived,
    ):
        urgent, newest = asyncio.run(_changed(server, arrived, tickets, changes, seconds))
    updates = [it.at for it in arrived if it.method == "chat.update"]
    shown = {it.shows[0]: it.shows[1] for it in arrived if it.shows}
    right = sum(shown.get(ticket) == version for ticket, version in newest.items())
    busiest = max((sum(at <= other < at + _MINUTE for other in updates) for at in updates), default=0)
    what = f"{changes:,} changes of {tickets} tickets in {seconds:.0f} s"
    return [
        Figure(f"{what}: edits sent", len(updates), ""),
        Figure(f"{what}: in the busiest minute", busiest, "", f"at most {_EDITS_A_MINUTE}", busiest <= _EDITS_A_MINUTE),
        Figure(f"{what}: cards with the newest state in the end", right, "", f"{tickets}", right == tickets),
        Figure("an urgent message meanwhile: longest wait", max(urgent), "s", "under 2", max(urgent) < 2),
    ]


async def _changed(
    server: servers.Running, arrived: list[Arrived], tickets: int, changes: int, seconds: float
) -> tuple[list[float], dict[int, int]]:
    """How long each urgent message took, and the version that each ticket has in the end."""
    newest: dict[int, int] = {}
    urgent: list[float] = []
    headers = {"Authorization": f"Bearer {servers.TOKEN}"}
    base = f"http://127.0.0.1:{server.port}/api/v1/tickets"
    async with aiohttp.ClientSession(headers=headers) as session, asyncio.TaskGroup() as group:

        async def move(ticket: int, verb: str, **facts: Any) -> None:
            async with session.post(f"{base}/{ticket}/{verb}", json=facts) as response:
                if response.status != 200:
                    raise RuntimeError(f"{response.status} for {verb}")
                newest[ticket] = max(newest.get(ticket, 0), (await response.json())["version"])

        async def page(number: int) -> None:
            before, started = _urgent(arrived), time.monotonic()
            await move(number, "escalate", reason="bench")
            await _until(lambda: _urgent(arrived) > before, 30)
            urgent.append(time.monotonic() - started)

        async with aiohttp.ClientSession() as sender:
            for n in range(tickets):
                await load.post_alerts(sender, server, [load.alert(f"edit-{n}", team=f"t{n % _CHANNELS}")])
        await _until(lambda: len(arrived) >= tickets, 120)
        begun = time.monotonic()
        for n in range(changes):
            priority = ("high", "critical", "medium")[(n // tickets) % 3]
            group.create_task(move(n % tickets + 1, "prioritize", priority=priority))
            if n % (changes // 10) == 0:
                group.create_task(page(n % tickets + 1))
            await asyncio.sleep(max(0.0, begun + (n + 1) * seconds / changes - time.monotonic()))
    await _until(lambda: _shows(arrived) == newest, _SETTLED_SECONDS)
    return urgent, newest


def _urgent(arrived: list[Arrived]) -> int:
    return sum(it.method == "chat.postMessage" and it.channel == "#c0" for it in arrived)


def _shows(arrived: list[Arrived]) -> dict[int, int]:
    return {it.shows[0]: it.shows[1] for it in arrived if it.shows and it.method == "chat.update"}


async def _until(holds: Callable[[], bool], seconds: float) -> None:
    """Wait until ``holds``, which other threads bring about, or for ``seconds``."""
    for _ in range(int(seconds / _LOOK_SECONDS)):
        if holds():
            return
        await asyncio.sleep(_LOOK_SECONDS)


def home(tickets: int) -> list[Figure]:
    """The Home tab of somebody with many tickets: read from the database and rendered."""
    with servers.folder() as folder:
        took = asyncio.run(_homes(folder, tickets))
    p50 = load.percentile(took, 0.5) * 1000
    return [Figure(f"Home tab of a person with {tickets} tickets: median", p50, "ms", "under 50", p50 < 50)]


async def _homes(folder: Path, tickets: int) -> list[float]:
    url = f"sqlite:///{folder / 'deskbell.db'}"
    engine = connect(url)
    upgrade(engine)
    database = Database(engine)
    database.start()
    desk = Desk(database, Settings.model_validate({"database": {"url": url}}), SystemClock())
    person = Person("kim", "Kim Minji", roles=("agent",))
    try:
        for n in range(tickets):
            ticket = await desk.work.open(Open(title=f"The printer on floor {n} is on fire"), person, "bench")
            await desk.work.execute(ticket.id, Assign(person.ref), person, "bench")
        took: list[float] = []
        for _ in range(50):
            started = time.perf_counter()
            blocks.home(await Homes(desk).home(person, {}), Words())
            took.append(time.perf_counter() - started)
        return took
    finally:
        await database.close()
