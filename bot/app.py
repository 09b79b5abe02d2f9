"""All the wiring, in one place: settings in, a service that can be started and stopped out.

A chat platform's libraries are imported only when that platform is configured: they cost a second and 60 MB.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Protocol

import aiohttp
from aiohttp import web

import bot.commands  # noqa: F401 -- registers the commands
from bot.api.routes import add_api_routes
from bot.commands.registry import Dispatch
from bot.console.routes import add_console_routes
from bot.jobs import Jobs
from bot.metrics import Metrics
from bot.web import Webhooks, add_health_routes, guard, server_of
from core.config.settings import Settings
from core.desk.desk import Desk
from core.desk.home import Homes
from core.errors import StoreUnavailable
from core.outbox.delivery import Delivery
from core.outbox.fallback import Fallback
from core.outbox.limits import Limit
from core.outbox.message import MessageMaker
from core.outbox.plan import Planner
from core.outbox.teller import Teller
from core.ports import Clock, Notifier
from core.store.database import Database, connect
from core.store.upgrade import upgrade

_log = logging.getLogger(__name__)
_RESUME_SECONDS = 5.0
_LEAST_SECONDS = 0.2  # What each part has for closing when the time to drain is over.


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


class Door(Protocol):
    """A chat platform's way in."""

    def add_routes(self, app: web.Application) -> None: ...

    async def start(self) -> None: ...

    async def close(self) -> None: ...


class Service:
    """One running Deskbell. ``start`` before it serves, ``stop`` drains it."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self.settings = settings
        self.metrics = Metrics()
        engine = connect(settings.database.url)
        upgrade(engine)
        self.database = Database(engine)
        self.desk = Desk(self.database, settings, clock)
        self.dispatch = Dispatch(self.desk)
        self.jobs = Jobs(self.desk, self.metrics)
        self.doors: list[Door] = []
        self.notifiers: dict[str, Notifier] = {}
        self.web = web.Application(middlewares=[guard(self.metrics)], client_max_size=settings.intake.max_body)
        self.teller: Teller
        self.delivery: Delivery
        self._tasks: list[asyncio.Task[None]] = []
        self._session: aiohttp.ClientSession | None = None

    async def start(self) -> None:
        self.database.start()
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10), trust_env=True)
        await self.desk.people.start()
        self._open_doors(self._session)
        await self._start_outbox()
        self._tasks.append(asyncio.create_task(self._resume(), name="resume"))
        for door in self.doors:
            await door.start()
        self.jobs.start()

    async def stop(self, deadline: float | None = None) -> None:
        """Finish what was begun and close everything, the way in first; all by ``deadline`` of the monotonic clock."""
        if deadline is None:
            deadline = time.monotonic() + self.settings.server.drain
        self.jobs.stop()
        for door in self.doors:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(door.close(), max(deadline - time.monotonic(), _LEAST_SECONDS))
        for task in self._tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        await self.delivery.close(max(deadline - time.monotonic(), _LEAST_SECONDS))
        if self._session is not None:
            await self._session.close()
        await self.database.close()

    async def _resume(self) -> None:
        """Work off what was journalled and not finished; it waits, too, for a database that cannot take it now."""
        while True:
            try:
                resumed = await self.desk.intake.resume()
            except StoreUnavailable:
                await asyncio.sleep(_RESUME_SECONDS)
                continue
            if resumed:
                _log.info("worked off %d deliveries that were begun before the last stop", resumed)
            return

    async def _start_outbox(self) -> None:
        policy, clock = self.desk.policy, self.desk.clock
        slack = self.settings.slack
        planner = Planner(policy, self.notifiers)
        self.delivery = Delivery(
            self.database,
            self.notifiers,
            MessageMaker(policy),
            clock,
            self.metrics.observe_notice,
            Limit(slack.per_channel_rate, slack.per_channel_burst),
            fallback=Fallback(self.settings, planner),
        )
        self.desk.wake_lanes = self.delivery.wake
        self.teller = Teller(self.database, planner, clock, self.delivery.wake)
        self.database.on_events(self.teller.wake)
        self._tasks.append(asyncio.create_task(self.teller.run(), name="teller"))
        await self.delivery.start()

    def _open_doors(self, session: aiohttp.ClientSession) -> None:
        desk, now = self.desk, self.desk.clock.now
        if self.settings.slack.enabled:
            from bot.slack.door import SlackDoor

            slack = SlackDoor(
                self.settings,
                self.dispatch,
                desk.people,
                session,
                desk.seen,
                now,
                Homes(desk, desk.policy.on_call),
                threads=desk.notes,
                installations=desk.installations("slack"),
            )
            self._open("slack", slack)
            self.notifiers["slack"] = slack.notifier()
        if self.settings.msteams.enabled:
            from bot.teams.connector import Connector
            from bot.teams.door import TeamsDoor
            from bot.teams.notifier import TeamsNotifier

            connector, people, book = Connector(self.settings.msteams, session), desk.people, desk.conversations
            door = TeamsDoor(
                self.settings, self.dispatch, people, book, session, desk.seen, now,
                connector=connector, placed=desk.keep_shown, threads=desk.notes,
            )  # fmt: skip
            self._open("teams", door)
            self.notifiers["teams"] = TeamsNotifier(self.settings, people, book, session, connector=connector)

    def _open(self, platform: str, door: Door) -> None:
        door.add_routes(self.web)
        self.doors.append(door)
        _log.info("%s is on", platform)


def build(settings: Settings, clock: Clock | None = None, open_console: bool = False) -> Service:
    """A service on ``settings``, migrated and wired, not yet started. ``clock`` stands in for the system's.

    ``open_console`` lets everybody on this machine into the console without a token.
    """
    service = Service(settings, clock or SystemClock())
    Webhooks(service.desk, service.metrics).add_routes(service.web)
    add_health_routes(service.web, service.desk, service.metrics)
    add_api_routes(service.web, service.desk)
    add_console_routes(service.web, service.desk, service.dispatch, open_console)
    return service


async def serve(service: Service, host: str, port: int, stopped: asyncio.Event, ready: Callable[[str], None]) -> None:
    """Serve until ``stopped``, then drain: no new connection is taken, what is open is finished, and all of it together
    has the time that ``server.drain`` gives. ``ready`` gets the address when requests are answered."""
    await service.start()
    open_requests = OpenRequests()
    service.web.middlewares.insert(0, open_requests.count)
    runner = server_of(service.web, drain=_LEAST_SECONDS)
    await runner.setup()
    deadline = time.monotonic()
    try:
        site = web.TCPSite(runner, host, port, backlog=1024)
        await site.start()
        bound = runner.addresses[0]
        ready(f"http://{'localhost' if bound[0] in ('0.0.0.0', '::') else bound[0]}:{bound[1]}")  # noqa: S104
        await stopped.wait()
        deadline = time.monotonic() + service.settings.server.drain
        await site.stop()
        await open_requests.finished(deadline - time.monotonic())
    finally:
        await runner.cleanup()
        await service.stop(deadline)


class OpenRequests:
    """Counts the requests that are being answered, so that a stop can wait for them."""

    def __init__(self) -> None:
        self._open = 0
        self._none = asyncio.Event()
        self._none.set()
        self._stopping = False

    @property
    def count(self) -> Any:
        @web.middleware
        async def middleware(request: web.Request, handler: Any) -> web.StreamResponse:
            self._open += 1
            self._none.clear()
            try:
                response: web.StreamResponse = await handler(request)
                if self._stopping:
                    response.force_close()
                return response
            finally:
                self._open -= 1
                if self._open == 0:
                    self._none.set()

        return middleware

    async def finished(self, seconds: float) -> None:
        """Wait until no request is open, for at most ``seconds``."""
        self._stopping = True
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._none.wait()
