"""The Home tabs that people look at: shown when they are opened, and kept up to date for a day after that.

A change of a ticket makes the homes stale that show it, or would show it now. Stale homes are shown anew one by one,
each at most once in five seconds and all together within Slack's limit for the method, so that a storm of changes
becomes a trickle of calls. Who looks is remembered in memory: after a restart, opening the tab begins anew.
https://docs.slack.dev/surfaces/app-home
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Protocol

import blocks
from bot.slack.api import CallFailed, Outcome, SlackApi
from bot.slack.people import SlackPeople
from core.errors import StoreUnavailable
from core.model import Person, Ticket
from core.outbox.limits import Bucket, Limit
from core.outbox.timing import Timing
from core.views import Home

GAP_SECONDS = 5.0
# News come in swarms: what comes within this time is read together.
_COLLECT_SECONDS = 0.25
# views.publish is a tier 4 method: 100 calls a minute. Openings and turned pages are not held up, and take their part.
_PUBLISH = Limit(80 / 60, 10)
_LOOKS_FOR = timedelta(hours=24)
_VIEWERS = 10_000
_HELD_SECONDS = 30.0
_RETRY_SECONDS = 5.0
_log = logging.getLogger(__name__)


class HomeSource(Protocol):
    """Where homes come from (``core.desk.home.Homes``)."""

    async def home(self, person: Person, pages: Mapping[str, int]) -> Home: ...

    async def position(self) -> int: ...

    async def changes(self, after: int) -> tuple[int, list[Ticket]]: ...

    def on_change(self, wake: Callable[[], None]) -> None: ...


class Viewer:
    """Somebody who looks at their home. ``ready_at`` is when it may be shown anew, in seconds of ``Timing``."""

    def __init__(self, user: str, person: Person, opened_at: datetime) -> None:
        self.user, self.person, self.opened_at = user, person, opened_at
        self.pages: dict[str, int] = {}
        self.hash: str | None = None
        self.shown: frozenset[int] = frozenset()
        self.is_stale = False
        self.ready_at = 0.0
        self.publishing = asyncio.Lock()

    def is_concerned_by(self, ticket: Ticket) -> bool:
        team = self.person.team
        mine = ticket.assignee is not None and ticket.assignee.id == self.person.id
        # Without a team one sees what is about to breach anywhere.
        ours = bool(ticket.sla.warned) if team is None else ticket.team == team
        return ticket.id in self.shown or mine or ours


class HomeTabs:
    def __init__(
        self,
        source: HomeSource,
        api: SlackApi,
        people: SlackPeople,
        now: Callable[[], datetime],
        timing: Timing | None = None,
    ) -> None:
        self._source, self._api, self._people, self._now = source, api, people, now
        self._timing = timing or Timing()
        self._viewers: OrderedDict[str, Viewer] = OrderedDict()
        self._news, self._nothing = asyncio.Event(), asyncio.Event()
        self._bucket = Bucket(_PUBLISH, self._timing.seconds())
        self._position: int | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._source.on_change(self._news.set)
        self._task = asyncio.get_running_loop().create_task(self._run(), name="slack homes")

    def stop(self) -> None:
        """Show nothing any more, at once; ``close`` waits for the end of it."""
        if self._task is not None:
            self._task.cancel()

    async def close(self) -> None:
        self.stop()
        if self._task is not None:
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def opened(self, user: str, person: Person, hash: str | None) -> None:
        """Show the home to somebody who opens it. ``hash`` is that of what Slack shows until then."""
        if self._position is None:
            self._position = await self._source.position()
        viewer = self._viewer(user, person)
        viewer.hash = hash or viewer.hash
        await self._publish(viewer)

    async def turn(self, user: str, person: Person, part: str, page: int) -> None:
        """Show another page of a part."""
        viewer = self._viewer(user, person)
        viewer.pages[part] = page
        await self._publish(viewer)

    def _viewer(self, user: str, person: Person) -> Viewer:
        viewer = self._viewers.pop(user, None) or Viewer(user, person, self._now())
        viewer.person, viewer.opened_at = person, self._now()
        self._viewers[user] = viewer
        while len(self._viewers) > _VIEWERS:
            self._viewers.popitem(last=False)
        return viewer

    # keeping up

    async def _run(self) -> None:
        pause = GAP_SECONDS
        while True:
            await self._timing.wait(self._news, pause)
            await self._timing.wait(self._nothing, _COLLECT_SECONDS)
            self._news.clear()
            try:
                await self._read_changes()
                pause = await self._show_stale()
            except StoreUnavailable:
                pause = _RETRY_SECONDS
            except Exception:
                _log.exception("the homes cannot be kept up to date; the next change tries again")
                pause = _RETRY_SECONDS

    async def _read_changes(self) -> None:
        """Mark the homes that changes have made stale."""
        self._forget_the_gone()
        if not self._viewers:
            self._position = None
        while self._position is not None:
            last, tickets = await self._source.changes(self._position)
            if last == self._position:
                return
            self._position = last
            for viewer in self._viewers.values():
                viewer.is_stale = viewer.is_stale or any(map(viewer.is_concerned_by, tickets))

    def _forget_the_gone(self) -> None:
        since = self._now() - _LOOKS_FOR
        while self._viewers and next(iter(self._viewers.values())).opened_at < since:
            self._viewers.popitem(last=False)

    async def _show_stale(self) -> float:
        """Show those homes anew that may be; returns the seconds until the next one may be."""
        for viewer in sorted(self._stale(), key=lambda viewer: viewer.ready_at):
            now = self._timing.seconds()
            pause = max(viewer.ready_at - now, self._bucket.wait(now))
            if pause > 0:
                return pause
            await self._publish(viewer)
        return GAP_SECONDS

    def _stale(self) -> Iterable[Viewer]:
        return [viewer for viewer in self._viewers.values() if viewer.is_stale]

    async def _publish(self, viewer: Viewer) -> None:
        async with viewer.publishing:
            viewer.is_stale = False
            try:
                await self._show(viewer)
            except CallFailed as error:
                if error.outcome is not Outcome.REFUSED and error.code != "hash_conflict":
                    viewer.is_stale = True
                    self._bucket.close(self._timing.seconds() + (error.after or _HELD_SECONDS))
                _log.info("the home of %s was not shown: %s", viewer.user, error)
            finally:
                viewer.ready_at = self._timing.seconds() + GAP_SECONDS

    async def _show(self, viewer: Viewer) -> None:
        """With the hash of what is shown now; if Slack shows something else meanwhile, once more without it."""
        for hash in dict.fromkeys((viewer.hash, None)):
            home = await self._source.home(viewer.person, viewer.pages)
            view = blocks.home(home, self._people.words(viewer.person))
            self._bucket.take(self._timing.seconds())
            arguments = {"user_id": viewer.user, "hash": hash, "view": view}
            try:
                answer = await self._api.call("views.publish", arguments)
            except CallFailed as error:
                if error.code == "hash_conflict" and hash is not None:
                    continue
                raise
            viewer.hash = (answer.get("view") or {}).get("hash")
            viewer.shown = frozenset(ticket.id for part in home.parts for ticket in part.tickets)
            return
