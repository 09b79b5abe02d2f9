"""Runs the scenario: by itself from the first visit on, then a small failure now and then, and whatever is ordered.

It goes on only while somebody watches, and tickets that nobody cares for are put away, so that a demo can stay open for
days without growing.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from bot.demo.bridge_story import Story
from bot.demo.bridge_stream import Hub
from bot.demo.installation import Installation
from bot.demo.scenario_alerts import Monitoring, Refused
from bot.demo.scenario_people import People
from bot.demo.scenario_script import Outage, Script, Stage
from bot.demo.slack_records import Json
from core.i18n import Words

_PAUSES = (35, 50)  # seconds between small failures at first
_LONGEST_PAUSE = 600
_SLOWER = 1.15
_OPEN_TICKETS = 8
_PUT_AWAY_AFTER = timedelta(minutes=10)
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Scene:
    """``at`` is in seconds after the first visit, ``key`` what the page says of it."""

    at: float
    key: str
    play: Callable[[], Awaitable[None]]


class Director:
    """``begin`` may be called for every visit; only the first one counts."""

    def __init__(self, place: Installation, story: Story, hub: Hub) -> None:
        self._place, self._hub = place, hub
        self._people = People(place)
        self._monitoring = Monitoring(place.session, place.url, place.keys.webhook)
        self._script = Script(Stage(place, story, self._monitoring, self._people))
        self._running, self._paused = asyncio.Event(), asyncio.Event()
        self._running.set()
        self._show: asyncio.Task[None] | None = None
        self._ordered: dict[str, asyncio.Task[None]] = {}
        self._step, self._steps, self._key = 0, 0, "demo.step.ready"
        self._orders = {
            "outage": self._script.outage,
            "vip": self._script.vip,
            "sla": self._script.sla,
            "recover": self._script.recover,
        }

    def begin(self) -> None:
        if self._show is None:
            self._show = asyncio.create_task(self._run(), name="scenario")

    async def stop(self) -> None:
        tasks = [task for task in (self._show, *self._ordered.values()) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def order(self, what: str) -> bool:
        """Carry out what a button says; False for a word that none has. What is under way is not begun again."""
        if what in ("pause", "resume"):
            self._set_paused(what == "pause")
            return True
        play = self._orders.get(what)
        if play is None:
            return False
        if what not in self._ordered:
            task = asyncio.create_task(self._try(lambda: play(self._sleep)), name=f"ordered {what}")
            self._ordered[what] = task
            task.add_done_callback(lambda _: self._ordered.pop(what, None))
        return True

    def status(self, language: str) -> Json:
        """Where the automatic scenario is; ``steps`` is 0 when it is through."""
        text = Words(language).text(self._key)
        return {"paused": self._paused.is_set(), "step": self._step, "steps": self._steps, "text": text}

    def _opening(self, outage: Outage) -> tuple[Scene, ...]:
        return (
            Scene(2.0, "demo.step.network", outage.switch_degrades),
            Scene(4.5, "demo.step.database", outage.database_fails),
            Scene(7.0, "demo.step.api", outage.service_fails),
            Scene(10.0, "demo.step.worse", outage.it_gets_worse),
            Scene(13.0, "demo.step.your_turn", outage.somebody_may_help),
            Scene(32.0, "demo.step.taken", outage.colleague_takes_it),
            Scene(46.5, "demo.step.deadline", outage.deadline_nears),
            Scene(58.0, "demo.step.network_back", outage.switch_is_back),
            Scene(66.0, "demo.step.vip", lambda: self._script.vip(self._wait)),
            Scene(76.0, "demo.step.api_back", outage.service_is_back),
        )

    async def _run(self) -> None:
        await self._open()
        slowness = 1.0
        while True:
            await self._wait(min(random.uniform(*_PAUSES) * slowness, _LONGEST_PAUSE))
            if self._hub.watched:
                await self._try(lambda: self._script.small_trouble(self._wait))
                await self._try(self._tidy)
                slowness *= _SLOWER

    async def _open(self) -> None:
        """The whole story once, in about a minute and a half."""
        scenes, played = self._opening(self._script.new_outage()), 0.0
        for number, scene in enumerate(scenes, 1):
            await self._wait(scene.at - played)
            played = scene.at
            self._move(number, len(scenes), scene.key)
            await self._try(scene.play)
        await self._wait(8)
        self._move(0, 0, "demo.step.quiet")

    async def _tidy(self) -> None:
        """What nobody has touched for a while makes room when there is much."""
        limit = datetime.now(UTC) - _PUT_AWAY_AFTER * self._place.pace
        for ticket in (await self._people.open_tickets())[_OPEN_TICKETS:]:
            if datetime.fromisoformat(ticket["updated_at"]) < limit:
                await self._people.tidy_away(ticket["id"])

    @staticmethod
    async def _try(play: Callable[[], Awaitable[None]]) -> None:
        """A scene that fails does not end the show."""
        try:
            await play()
        except (Refused, LookupError) as error:
            _log.warning("a scene of the scenario failed: %r", error)

    def _move(self, step: int, steps: int, key: str) -> None:
        self._step, self._steps, self._key = step, steps, key
        self._hub.publish("scenario", self.status)

    def _set_paused(self, paused: bool) -> None:
        for event, on in ((self._paused, paused), (self._running, not paused)):
            if on:
                event.set()
            else:
                event.clear()
        self._hub.publish("scenario", self.status)

    async def _sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds * self._place.pace)

    async def _wait(self, seconds: float) -> None:
        """``seconds`` of the show, without the time that it is paused."""
        left, loop = seconds * self._place.pace, asyncio.get_running_loop()
        while left > 0:
            await self._running.wait()
            begun = loop.time()
            try:
                async with asyncio.timeout(left):
                    await self._paused.wait()
            except TimeoutError:
                return
            left -= loop.time() - begun
