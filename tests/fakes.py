"""What the core's ports are in tests: chat platforms that answer by a script, and time that is set by hand.

A platform here is stricter than a real one: it says what it holds, and it refuses what the outbox must never do.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

from core.desk.desk import Desk
from core.outbox.delivery import Delivery
from core.outbox.fallback import Fallback
from core.outbox.limits import Limit
from core.outbox.message import MessageMaker
from core.outbox.plan import Planner
from core.outbox.teller import Teller
from core.outbox.timing import Timing
from core.ports import DeliveryFailed, DeliveryUnknown, MessageRef, Outbound
from core.store import outgoing
from tests.conftest import NOON, SetClock

UNLIMITED = Limit(1_000_000, 1_000_000)
Answer = BaseException | Callable[[Outbound], Awaitable[None]]


class Lost(Exception):
    """The message arrives, the answer does not."""


class Hang(Exception):
    """The platform never answers; ``arrives`` says whether it has the message all the same."""

    def __init__(self, arrives: bool) -> None:
        super().__init__()
        self.arrives = arrives


class ScriptedNotifier:
    """One chat platform. Each send takes the next answer of ``script``; when that is empty, it succeeds.

    An answer is an error of the port, ``Lost``, ``Hang``, or something to await before it succeeds. ``unable`` is what
    ``find`` raises, ``shut`` the places that take nothing more, with the platform's word for it. A second copy of one
    message, a message for another platform, to nobody or below nothing fails the test.
    """

    def __init__(self, platform: str, clock: SetClock) -> None:
        self.platform = platform
        self.script: deque[Answer] = deque()
        self.unable: deque[BaseException] = deque()
        self.posted: list[Outbound] = []
        self.edits: list[Outbound] = []
        self.searched: list[Outbound] = []
        self.shut: dict[str, str] = {}
        self.calls: list[datetime] = []
        self.called = asyncio.Event()
        self._clock = clock
        self._refs: dict[str, MessageRef] = {}

    @property
    def said(self) -> list[str]:
        """What stands there by kind: ``card 1`` or the key of the news, in the order of arrival."""
        return [_told(message) for message in self.posted]

    def delete(self, key: str) -> None:
        """Somebody removes a message by hand."""
        del self._refs[key]

    async def post(self, message: Outbound) -> MessageRef:
        self._check(message)
        ref = MessageRef(self.platform, message.address or f"private:{_id(message)}", f"m{len(self.posted) + 1}")
        if (message.address or "") in self.shut:
            raise DeliveryFailed("nothing gets there", code=self.shut[message.address or ""], unreachable=True)
        if message.thread is not None and message.thread not in self._refs.values():
            raise DeliveryFailed("the message above is not there", code="thread_not_found", gone=True)
        await self._answer(message, lambda: self._keep(message, ref))
        return ref

    async def edit(self, message: Outbound, ref: MessageRef) -> None:
        self._check(message)
        if ref not in self._refs.values():
            raise DeliveryFailed("no such message", code="message_not_found", gone=True)
        await self._answer(message, lambda: self.edits.append(message))

    async def find(self, message: Outbound, since: datetime) -> MessageRef | None:
        assert since < self._clock.now()
        self.searched.append(message)
        if self.unable:
            raise self.unable.popleft()
        return self._refs.get(message.key)

    def _check(self, message: Outbound) -> None:
        assert message.platform == self.platform
        assert (message.address is None) != (message.person is None), "a message goes to one place or one person"

    def _keep(self, message: Outbound, ref: MessageRef) -> None:
        assert message.key not in self._refs, f"{message.key} stands there twice"
        self._refs[message.key] = ref
        self.posted.append(message)

    async def _answer(self, message: Outbound, arrive: Callable[[], None]) -> None:
        self.calls.append(self._clock.now())
        self.called.set()
        answer = self.script.popleft() if self.script else None
        if isinstance(answer, Lost):
            arrive()
            raise DeliveryUnknown("the answer was lost")
        if isinstance(answer, Hang):
            if answer.arrives:
                arrive()
            await asyncio.Event().wait()
        if isinstance(answer, BaseException):
            raise answer
        if answer is not None:
            await answer(message)
        arrive()


def _id(message: Outbound) -> str:
    return message.person.id if message.person else ""


def _told(message: Outbound) -> str:
    view: Any = message.view
    return f"card {view.id}" if type(view).__name__ == "TicketCard" else str(getattr(view, "key", type(view).__name__))


class SetTiming(Timing):
    """Time of the lanes on the clock that is set: a wait moves it on, unless news comes first or ``run`` is cleared."""

    def __init__(self, clock: SetClock) -> None:
        self._clock = clock
        self.waits: list[float] = []
        self.run = asyncio.Event()
        self.run.set()

    def seconds(self) -> float:
        return (self._clock.now() - NOON).total_seconds()

    async def wait(self, news: asyncio.Event, seconds: float) -> None:
        await asyncio.sleep(0)
        if seconds > 0 and not news.is_set():
            self.waits.append(seconds)
            await self.run.wait()
            self._clock.advance(seconds=max(seconds, 0.001))


class Outbox:
    """The whole way out of a desk, wired as the service wires it, to platforms that are scripted."""

    def __init__(self, desk: Desk, clock: SetClock, *notifiers: ScriptedNotifier, limit: Limit = UNLIMITED) -> None:
        self.desk = desk
        self.timing = SetTiming(clock)
        self.observed: list[tuple[str, str]] = []
        platforms = {notifier.platform: notifier for notifier in notifiers}
        observe = lambda platform, outcome, _: self.observed.append((platform, outcome))  # noqa: E731
        maker = MessageMaker(desk.policy)
        planner = Planner(desk.policy, platforms)
        fallback = Fallback(desk.settings, planner)
        self.delivery = Delivery(desk.database, platforms, maker, clock, observe, limit, self.timing, fallback)
        self.sending = False
        desk.wake_lanes = self._wake
        self.teller = Teller(desk.database, planner, clock, self._wake)

    def _wake(self, lanes: set[str]) -> None:
        if self.sending:
            self.delivery.wake(lanes)

    async def plan(self) -> None:
        """Plan what is new; nothing is sent before ``begin``."""
        while await self.teller.round():
            pass

    async def begin(self) -> None:
        """Send what waits, and from now on what is planned."""
        self.sending = True
        await self.delivery.start()

    async def tell(self) -> None:
        """Plan what is new and wait until nothing waits any more."""
        await self.begin()
        await self.plan()
        await self.idle()

    async def idle(self) -> None:
        async with asyncio.timeout(30):
            while lanes := list(self.delivery._lanes.values()):
                await asyncio.wait(lanes)
        assert await self.desk.database.read(outgoing.busy_lanes) == []

    async def restart(self, clock: SetClock, *notifiers: ScriptedNotifier) -> Outbox:
        """The process dies at once; another one starts on the same file."""
        await self.delivery.close(0)
        other = Outbox(self.desk, clock, *notifiers)
        await other.begin()
        return other

    async def log(self, ticket_id: int) -> list[tuple[str, str, str | None, list[str]]]:
        """The delivery log of a ticket: rule, state, reason, outcomes of the attempts."""
        found = await self.desk.deliveries(ticket_id)
        return [(row.rule, row.state, row.reason, [attempt.outcome for attempt in tried]) for row, tried in found]
