"""Doing once what Slack, a proxy or an impatient person asks for twice.

An effect is *claimed* before the work and marked *done* when it is durable. A claim lapses, so work whose process died
is done by the next attempt; a mark stays. Between the two a second attempt in this process waits for the first, and one
in another process is told to come back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from bot.slack.inflight import Inflight
from core.ports import Memory

CLAIM_SECONDS = 30

T = TypeVar("T")
MarkDone = Callable[[], Awaitable[None]]


class AlreadyDone(Exception):
    """This was done before; nothing is left to do."""


class Busy(Exception):
    """Another process has claimed this and may still finish it; the sender should come back."""


class Once:
    def __init__(self, seen: Memory, inflight: Inflight) -> None:
        self._seen = seen
        self._inflight = inflight
        self._running: dict[str, asyncio.Task[Any]] = {}

    async def run(self, key: str, keep_seconds: int, work: Callable[[MarkDone], Awaitable[T]]) -> T:
        """The result of ``work``, which runs once for ``key``; whoever asks meanwhile gets the same result.

        ``work`` gets a function to await as soon as its effect is durable; from then on, for ``keep_seconds``, the key
        raises AlreadyDone. Work that ends without that may be tried again. Raises Busy while another process is at it.
        """
        running = self._running.get(key)
        if running is None:
            running = self._inflight.spawn(self._claimed(key, keep_seconds, work))
            self._running[key] = running
            running.add_done_callback(lambda _: self._running.pop(key, None))
        result: T = await asyncio.shield(running)
        return result

    async def _claimed(self, key: str, keep_seconds: int, work: Callable[[MarkDone], Awaitable[T]]) -> T:
        done = f"{key}:done"
        if await self._seen.has(done):
            raise AlreadyDone(key)
        if not await self._seen.first_time(key, CLAIM_SECONDS):
            raise Busy(key)
        marked = False

        async def mark_done() -> None:
            nonlocal marked
            await self._seen.first_time(done, keep_seconds)
            marked = True

        try:
            return await work(mark_done)
        finally:
            if not marked:
                await self._seen.forget(key)
