"""Hands notices over, lane by lane, each exactly once as far as the platform lets one know.

A lane is one channel, conversation or person; within it order is kept, except that urgent notices overtake. Before a
message goes out, that is written down; so after a crash, or when an answer is lost, the message's fate is unknown and
the platform is asked for it before anything is sent again. What fails for now waits and is tried again with growing
pauses; what fails for good says why in the delivery log.
"""

from __future__ import annotations

import asyncio
import logging
import math
import random
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec

from core.errors import StoreUnavailable
from core.outbox import digest
from core.outbox.fallback import Fallback
from core.outbox.limits import SLACK_EDIT, SLACK_POST, TEAMS_CONVERSATION, Bucket, Limit
from core.outbox.message import MessageMaker, Undeliverable
from core.outbox.plan import edit_row
from core.outbox.revise import SHOW as REVISE
from core.outbox.revise import Outdated
from core.outbox.timing import Timing
from core.ports import Clock, DeliveryFailed, DeliveryRetry, DeliveryUnknown, MessageRef, Notifier, Outbound
from core.store import notes, outgoing
from core.store.database import Database
from core.store.session import NOTICE, Row, Session

_log = logging.getLogger(__name__)
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 60.0
_LOOK_BACK_AFTER = 2.0
_GIVE_UP_AFTER = timedelta(hours=24)
_HEAD_BLOCKS = 5  # Attempts for which a message that fails holds up those behind it, so that order is kept.
_EDITS = frozenset({"edit", REVISE})
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
        timing: Timing | None = None,
        fallback: Fallback | None = None,
    ) -> None:
        self._database = database
        self._notifiers = notifiers
        self._maker = maker
        self._clock = clock
        self._observe = observe
        self._slack_post = slack_post
        self._timing = timing or Timing()
        self._fallback = fallback
        self._lanes: dict[str, asyncio.Task[None]] = {}
        self._news: dict[str, asyncio.Event] = {}
        self._buckets: dict[str, Bucket] = {}
        self._held: dict[str, float] = {}
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
            await asyncio.gather(*late, return_exceptions=True)

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
                await self._timing.wait(news, pause)
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
        notice, pause = _next(front, self._clock.now())
        if notice is None:
            return pause
        pause = self._pause(notice)
        if pause > 0 and notice.show in _EDITS:
            notice, pause = await self._instead(lane, notice, pause)
        if pause > 0:
            return pause
        bucket = self._bucket(notice)
        if notice.state == "waiting":
            bucket.take(self._timing.seconds())  # now, since lanes share the bucket of edits
        await self._deliver(notice, bucket)
        return 0.0

    async def _instead(self, lane: str, edit: Any, pause: float) -> tuple[Any, float]:
        """What goes while edits, which have a limit of their own, have to wait; else the edit and its pause."""
        front = await self._database.read(lambda connection: outgoing.lane_front(connection, lane, edits=False))
        other, _ = _next(front, self._clock.now())
        if other is None or self._pause(other) >= pause:
            return edit, pause
        return other, self._pause(other)

    async def _deliver(self, notice: Any, bucket: Bucket) -> None:
        """One attempt. A defect costs the message that it concerns, and not those behind it."""
        started = self._timing.seconds()
        try:
            await self._attempt(notice, bucket, started)
        except Undeliverable as error:
            await self._failed(notice, started, str(error))
        except Outdated as error:
            reason = str(error)
            await self._database.write(lambda session: outgoing.drop(session, notice.id, reason))
        except StoreUnavailable:
            raise
        except Exception as error:
            _log.exception("notice %s to %s could not be worked on", notice.id, notice.lane)
            await self._failed(notice, started, f"defect: {type(error).__name__}")

    async def _attempt(self, notice: Any, bucket: Bucket, started: float) -> None:
        now = self._clock.now()
        if now - notice.created_at > _GIVE_UP_AFTER:
            raise Undeliverable("not delivered within a day")
        message, ref = await self._database.read(lambda connection: self._maker.make(connection, notice, now))
        if notice.state == "sending":
            await self._look_back(notice, message, started)
        elif await self._database.write(lambda session: outgoing.claim(session, notice.id, now, _version(message))):
            await self._send(notice, message, ref, bucket, started)

    async def _send(
        self, notice: Any, message: Outbound, ref: MessageRef | None, bucket: Bucket, started: float
    ) -> None:
        notifier = self._notifiers[notice.platform]
        try:
            if notice.show in _EDITS and ref is not None:
                await notifier.edit(message, ref)
            else:
                ref = await notifier.post(message)
        except DeliveryRetry as error:
            pause = _again_after(error, notice)
            self._hold(notice, error.scope, bucket, pause)
            values = {"state": "waiting", "not_before": self._clock.now() + timedelta(seconds=pause)}
            await self._settle(notice, "retry", started, error.reason, values)
        except DeliveryUnknown as error:
            again = self._clock.now() + timedelta(seconds=_LOOK_BACK_AFTER)
            await self._settle(notice, "unknown", started, error.reason, {"not_before": again})
        except DeliveryFailed as error:
            await self._failed(notice, started, f"{error.code}: {error.reason}", error)
        else:
            await self._sent(notice, ref, started, "sent", _version(message))

    async def _look_back(self, notice: Any, message: Outbound, started: float) -> None:
        """A message was begun and its end is not known: find it, or be sure that it is not there."""
        if notice.show in _EDITS:
            await self._settle(notice, "retry", started, "an edit can be repeated", {"state": "waiting"})
            return
        since = (notice.claimed_at or notice.created_at) - timedelta(seconds=60)
        try:
            found = await self._notifiers[notice.platform].find(message, since)
        except DeliveryRetry as error:
            again = self._clock.now() + timedelta(seconds=_again_after(error, notice))
            await self._settle(notice, "unknown", started, error.reason, {"not_before": again})
        except DeliveryUnknown as error:
            state = "waiting" if notice.urgent and notice.attempts < _HEAD_BLOCKS else "unknown"
            await self._settle(notice, "unknown", started, error.reason, {"state": state})
        except DeliveryFailed as error:
            await self._failed(notice, started, f"{error.code}: {error.reason}", error)
        else:
            if found is not None:
                await self._sent(notice, found, started, "found", notice.version)
            else:
                await self._settle(notice, "retry", started, "it had not arrived", {"state": "waiting"})

    async def _sent(
        self, notice: Any, ref: MessageRef | None, started: float, outcome: str, version: int | None
    ) -> None:
        """``version`` is the ticket's that the message shows."""
        now = self._clock.now()
        values: Row = {"state": "sent", "sent_at": now, "version": version}
        values["ref"] = msgspec.to_builtins(ref) if ref else None

        def write(session: Session) -> bool:
            outgoing.settle(session, notice.id, now, outcome, self._took_ms(started), None, values)
            if notice.show == REVISE:
                notes.revised(session, notice, version)
            if notice.show not in ("card", "edit") or ref is None:
                return False
            place = (notice.ticket_id, notice.platform, notice.address)
            if not outgoing.card_shown(session, *place, ref, version or 0):
                return False
            row = edit_row(*place, notice.event_seq, now) | {"key": f"edit-after:{notice.id}:{version}"}
            session.insert_new(NOTICE, [row])
            return True

        self._observe(notice.platform, outcome, self._timing.seconds() - started)
        if await self._database.write(write):
            self.wake([notice.lane])

    async def _failed(self, notice: Any, started: float, reason: str, error: DeliveryFailed | None = None) -> None:
        """It will never be sent here; another place is told where one is named for that. A card that is not there is
        forgotten: what belongs below it is not sent either."""
        now = self._clock.now()
        _log.warning("notice %s to %s failed for good: %s", notice.id, notice.lane, reason)

        def write(session: Session) -> str | None:
            instead = self._fallback.redirect(session, notice, error, now) if self._fallback and error else None
            said = reason if instead is None else f"{reason} (told in {instead['lane']} instead)"
            outgoing.settle(session, notice.id, now, "failed", self._took_ms(started), said, {"state": "failed"})
            gone = error is not None and error.gone and notice.show != REVISE
            if notice.show == "card" or gone or (notice.show == "thread" and instead):
                outgoing.forget_card(session, notice.ticket_id, notice.platform, notice.address)
                digest.lost(session, notice)
            return str(instead["lane"]) if instead else None

        self._observe(notice.platform, "failed", self._timing.seconds() - started)
        lane = await self._database.write(write)
        if lane is not None:
            self.wake([lane])

    async def _settle(self, notice: Any, outcome: str, started: float, reason: str, values: Row) -> None:
        now, took = self._clock.now(), self._took_ms(started)
        self._observe(notice.platform, outcome, self._timing.seconds() - started)
        await self._database.write(
            lambda session: outgoing.settle(session, notice.id, now, outcome, took, reason, values)
        )

    def _took_ms(self, started: float) -> int:
        return int((self._timing.seconds() - started) * 1000)

    # -- limits

    def _bucket(self, notice: Any) -> Bucket:
        if notice.platform == "slack" and notice.show in _EDITS:
            return self._named_bucket("slack edit", SLACK_EDIT)
        limit = self._slack_post if notice.platform == "slack" else TEAMS_CONVERSATION
        return self._named_bucket(notice.lane, limit)

    def _named_bucket(self, name: str, limit: Limit) -> Bucket:
        bucket = self._buckets.get(name)
        if bucket is None:
            bucket = self._buckets[name] = Bucket(limit, self._timing.seconds())
        return bucket

    def _pause(self, notice: Any) -> float:
        """Seconds for which the place or its platform takes nothing."""
        now = self._timing.seconds()
        return max(self._bucket(notice).wait(now), self._held.get(notice.platform, now) - now)

    def _hold(self, notice: Any, scope: str, bucket: Bucket, pause: float) -> None:
        """The platform said who has to wait: nobody but this message, this place, or all that is for the platform."""
        until = self._timing.seconds() + pause
        if scope == "channel":
            bucket.close(until)
        elif scope == "platform":
            self._held[notice.platform] = max(until, self._held.get(notice.platform, until))


def _next(front: list[Any], now: datetime) -> tuple[Any, float]:
    """The message whose turn it is, or None and the seconds until it may be one's turn.

    A message that failed a few times holds up those behind it, then lets them pass, except for what belongs to it: news
    of a ticket never overtake its card. One whose fate is not known lets nobody pass, one planned for later everybody.
    """
    cards = {row.ticket_id for row in front if row.show == "card"}
    pause = math.inf
    for row in front:
        if row.show in ("thread", *_EDITS) and row.ticket_id in cards:
            continue
        left: float = (row.not_before - now).total_seconds()
        if left <= 0:
            return row, 0.0
        pause = min(pause, left)
        if row.state == "sending" or 0 < row.attempts < _HEAD_BLOCKS:
            break
    return None, pause


def _version(message: Outbound) -> int | None:
    return getattr(message.view, "version", None)


def _again_after(error: DeliveryRetry, notice: Any) -> float:
    """Seconds before the next attempt: what the platform asked for, or doubling from one to sixty, with jitter."""
    if error.after is not None:
        return error.after
    attempts: int = notice.attempts
    return min(_FIRST_PAUSE * 2.0 ** min(attempts, 10), _LONGEST_PAUSE) * random.uniform(0.8, 1.2)
