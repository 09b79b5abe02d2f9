"""Hands notices over, lane by lane, each exactly once as far as the platform lets one know.

A lane is one channel, conversation or person; within it order is kept, except that urgent notices overtake. Before a
message goes out, that is written down; so after a crash, or when an answer is lost, the message's fate is unknown and
the platform is asked for it before anything is sent again. What fails for now waits and is tried again with growing
pauses; what fails for good says why in the delivery log.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec

from core.errors import StoreUnavailable
from core.outbox.limits import SLACK_EDIT, SLACK_POST, TEAMS_CONVERSATION, Bucket, Limit
from core.outbox.message import MessageMaker, Undeliverable
from core.outbox.plan import edit_row
from core.ports import Clock, DeliveryFailed, DeliveryRetry, DeliveryUnknown, MessageRef, Notifier, Outbound
from core.store import outgoing
from core.store.database import Database
from core.store.session import NOTICE, Row, Session

_log = logging.getLogger(__name__)
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 60.0
_LOOK_BACK_AFTER = 2.0
_GIVE_UP_AFTER = timedelta(hours=24)
_HEAD_BLOCKS = 5  # Attempts for which a message that fails holds up those behind it, so that order is kept.
Observe = Callable[[str, str, float], None]


class Delivery:
    """``observe`` is told platform, outcome and seconds of every attempt, for the metrics."""

    def __init__(
        self,
        database: Database,
        notifiers: Mapping[str, Notifier],
        maker: MessageMaker,
        clock: Clock,
        observe: Observe,
        slack_post: Limit = SLACK_POST,
    ) -> None:
        self._database = database
        self._notifiers = notifiers
        self._maker = maker
        self._clock = clock
        self._observe = observe
        self._slack_post = slack_post
        self._lanes: dict[str, asyncio.Task[None]] = {}
        self._news: dict[str, asyncio.Event] = {}
        self._buckets: dict[str, Bucket] = {}
        self._closing = False

    async def start(self) -> None:
        """Go on with everything that waited or was being sent when the program ended."""
        self.wake(await self._database.read(outgoing.busy_lanes))

    def wake(self, lanes: Iterable[str]) -> None:
        """There is something new in these lanes."""
        if self._closing:
            return
        for lane in lanes:
            self._news.setdefault(lane, asyncio.Event()).set()
            if lane not in self._lanes and lane.split(":", 1)[0] in self._notifiers:
                self._lanes[lane] = asyncio.create_task(self._serve(lane), name=f"lane {lane}")

    async def close(self, timeout: float) -> None:
        """Finish the sends under way, for at most ``timeout`` seconds; what waits, waits for the next start."""
        self._closing = True
        for news in self._news.values():
            news.set()
        if self._lanes:
            _, late = await asyncio.wait(self._lanes.values(), timeout=timeout)
            for task in late:
                task.cancel()

    # -- one lane

    async def _serve(self, lane: str) -> None:
        news = self._news[lane]
        try:
            while not self._closing:
                news.clear()
                try:
                    pause = await self._step(lane)
                except StoreUnavailable:
                    pause = _FIRST_PAUSE
                if pause is None:
                    break
                await _wait(news, pause)
        except Exception:
            _log.exception("the lane %s stopped; it goes on with the next notice", lane)
        finally:
            del self._lanes[lane]
        if news.is_set() and not self._closing:
            self.wake([lane])

    async def _step(self, lane: str) -> float | None:
        """Send the next message of a lane; returns seconds to wait before the next, None when the lane is empty."""
        front = await self._database.read(lambda connection: outgoing.lane_front(connection, lane))
        if not front:
            return None
        now = self._clock.now()
        notice = _next(front, now)
        if notice is None:
            return max(0.0, _seconds(min(row.not_before for row in front), now))
        begun = notice.state == "sending"
        if begun and notice.not_before > now:
            return _seconds(notice.not_before, now)
        bucket = self._bucket(notice)
        wait = bucket.wait(time.monotonic())
        if wait > 0:
            return wait
        await self._deliver(notice, bucket, begun)
        return 0.0

    async def _deliver(self, notice: Any, bucket: Bucket, begun: bool) -> None:
        now = self._clock.now()
        if now - notice.created_at > _GIVE_UP_AFTER:
            await self._settle(notice, "failed", 0.0, "not delivered within a day", {"state": "failed"})
            return
        try:
            message, ref = await self._database.read(lambda connection: self._maker.make(connection, notice, now))
        except Undeliverable as error:
            await self._settle(notice, "failed", 0.0, str(error), {"state": "failed"})
            return
        if begun:
            await self._look_back(notice, message, ref)
            return
        if not await self._database.write(lambda session: outgoing.claim(session, notice.id, now)):
            return
        bucket.take(time.monotonic())
        await self._send(notice, message, ref, bucket)

    async def _send(self, notice: Any, message: Outbound, ref: MessageRef | None, bucket: Bucket) -> None:
        notifier, started = self._notifiers[notice.platform], time.monotonic()
        try:
            if notice.show == "edit" and ref is not None:
                await notifier.edit(message, ref)
            else:
                ref = await notifier.post(message)
        except DeliveryRetry as error:
            pause = error.after if error.after is not None else _pause(notice.attempts)
            if error.scope != "message":
                self._hold(notice, error.scope, bucket, pause)
            values = {"state": "waiting", "not_before": self._clock.now() + timedelta(seconds=pause)}
            await self._settle(notice, "retry", started, error.reason, values)
        except DeliveryUnknown as error:
            again = self._clock.now() + timedelta(seconds=_LOOK_BACK_AFTER)
            await self._settle(notice, "unknown", started, error.reason, {"not_before": again})
        except DeliveryFailed as error:
            await self._failed(notice, started, error)
        else:
            await self._sent(notice, message, ref, started, "sent")

    async def _look_back(self, notice: Any, message: Outbound, ref: MessageRef | None) -> None:
        """A message was begun and its end is not known: find it, or be sure that it is not there."""
        started = time.monotonic()
        if notice.show == "edit":
            await self._settle(notice, "retry", started, "an edit can be repeated", {"state": "waiting"})
            return
        since = (notice.claimed_at or notice.created_at) - timedelta(seconds=60)
        try:
            found = await self._notifiers[notice.platform].find(message, since)
        except DeliveryRetry as error:
            pause = error.after if error.after is not None else _pause(notice.attempts)
            again = self._clock.now() + timedelta(seconds=pause)
            await self._settle(notice, "unknown", started, error.reason, {"not_before": again})
        except DeliveryUnknown as error:
            state = "waiting" if notice.urgent and notice.attempts < _HEAD_BLOCKS else "unknown"
            await self._settle(notice, "unknown", started, error.reason, {"state": state})
        except DeliveryFailed as error:
            await self._failed(notice, started, error)
        else:
            if found is not None:
                await self._sent(notice, message, found, started, "found")
            else:
                await self._settle(notice, "retry", started, "it had not arrived", {"state": "waiting"})

    async def _sent(self, notice: Any, message: Outbound, ref: MessageRef | None, started: float, outcome: str) -> None:
        now = self._clock.now()
        version = getattr(message.view, "version", None)
        values: Row = {"state": "sent", "sent_at": now, "version": version}
        values["ref"] = msgspec.to_builtins(ref) if ref else None

        def write(session: Session) -> bool:
            took = int((time.monotonic() - started) * 1000)
            outgoing.settle(session, notice.id, now, outcome, took, None, values)
            if notice.show not in ("card", "edit") or ref is None:
                return False
            place = (notice.ticket_id, notice.platform, notice.address)
            if not outgoing.card_shown(session, *place, ref, version or 0):
                return False
            row = edit_row(*place, notice.event_seq, now) | {"key": f"edit-after:{notice.id}:{version}"}
            outgoing.insert_new(session, NOTICE, [row])
            return True

        self._observe(notice.platform, outcome, time.monotonic() - started)
        if await self._database.write(write):
            self.wake([notice.lane])

    async def _failed(self, notice: Any, started: float, error: DeliveryFailed) -> None:
        now = self._clock.now()
        reason = f"{error.code}: {error.reason}"
        _log.warning("notice %s to %s failed for good: %s", notice.id, notice.lane, reason)

        def write(session: Session) -> None:
            took = int((time.monotonic() - started) * 1000)
            outgoing.settle(session, notice.id, now, "failed", took, reason, {"state": "failed"})
            if notice.show == "card" or error.gone:
                outgoing.forget_card(session, notice.ticket_id, notice.platform, notice.address)

        self._observe(notice.platform, "failed", time.monotonic() - started)
        await self._database.write(write)

    async def _settle(self, notice: Any, outcome: str, started: float, reason: str, values: Row) -> None:
        now, took = self._clock.now(), time.monotonic() - started if started else 0.0
        self._observe(notice.platform, outcome, took)
        await self._database.write(
            lambda session: outgoing.settle(session, notice.id, now, outcome, int(took * 1000), reason, values)
        )

    # -- limits

    def _bucket(self, notice: Any) -> Bucket:
        if notice.platform == "slack" and notice.show == "edit":
            return self._named_bucket("slack edit", SLACK_EDIT)
        limit = self._slack_post if notice.platform == "slack" else TEAMS_CONVERSATION
        return self._named_bucket(notice.lane, limit)

    def _named_bucket(self, name: str, limit: Limit) -> Bucket:
        bucket = self._buckets.get(name)
        if bucket is None:
            bucket = self._buckets[name] = Bucket(limit, time.monotonic())
        return bucket

    def _hold(self, notice: Any, scope: str, bucket: Bucket, pause: float) -> None:
        until = time.monotonic() + pause
        bucket.close(until)
        if scope == "platform":
            for name, other in self._buckets.items():
                if name.startswith(notice.platform):
                    other.close(until)


def _next(front: list[Any], now: datetime) -> Any:
    """The message whose turn it is. One that failed a few times holds up those behind it, then lets them pass."""
    for row in front:
        if row.state == "sending" or row.not_before <= now:
            return row
        if row.attempts < _HEAD_BLOCKS:
            return None
    return None


def _seconds(later: datetime, now: datetime) -> float:
    return (later - now).total_seconds()


def _pause(attempts: int) -> float:
    """Seconds before the next attempt: doubling from one second to a minute, with jitter."""
    return min(_FIRST_PAUSE * 2.0 ** min(attempts, 10), _LONGEST_PAUSE) * random.uniform(0.8, 1.2)


async def _wait(news: asyncio.Event, seconds: float) -> None:
    if seconds <= 0:
        await asyncio.sleep(0)
        return
    try:
        async with asyncio.timeout(seconds):
            await news.wait()
    except TimeoutError:
        return
