"""Teams repeats what is answered late, and people click twice: what has an effect is done once.

An activity is claimed before the work and marked done after it. A claim lapses, so that what a dying process left
behind is done by the next attempt. Whoever asks again in this process gets the first answer, while it is remembered.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Generic, TypeVar

from core.ports import Memory

CLAIM_SECONDS = 60
DONE_SECONDS = 3600
_ANSWERS = 200
T = TypeVar("T")
_log = logging.getLogger(__name__)


class Busy(Exception):
    """Another process is at it, and may still finish it."""


class Once(Generic[T]):
    def __init__(self, seen: Memory) -> None:
        self._seen = seen
        self._answers: OrderedDict[str, asyncio.Task[T | None]] = OrderedDict()
        self._under_way: set[asyncio.Task[Any]] = set()

    async def run(self, key: str | None, work: Callable[[], Awaitable[T]]) -> T | None:
        """What ``work`` returns, also to those who ask again; None if it was done where nobody remembers the answer.

        Without a key it is simply done. It goes on when the caller hangs up. Raises Busy, and what ``work`` raises.
        """
        if key is None:
            return await asyncio.shield(self._start(self._plain(work)))
        answer = self._answers.get(key)
        if answer is None:
            answer = self._start(self._claimed(key, work))
            self._answers[key] = answer
            answer.add_done_callback(lambda task: self._settle(key, task))
        return await asyncio.shield(answer)

    async def drain(self, seconds: float) -> None:
        """Wait for what is under way, at most ``seconds``; cancel what is left."""
        if self._under_way:
            await asyncio.wait(set(self._under_way), timeout=seconds)
        left = set(self._under_way)
        for task in left:
            task.cancel()
        if left:
            _log.warning("gave up on %d activities that did not end in time", len(left))
            await asyncio.wait(left, timeout=1.0)

    def _start(self, work: Coroutine[Any, Any, T | None]) -> asyncio.Task[T | None]:
        task = asyncio.get_running_loop().create_task(work)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        return task

    async def _plain(self, work: Callable[[], Awaitable[T]]) -> T | None:
        return await work()

    async def _claimed(self, key: str, work: Callable[[], Awaitable[T]]) -> T | None:
        done = f"{key}:done"
        if await self._seen.has(done):
            return None
        if not await self._seen.first_time(key, CLAIM_SECONDS):
            raise Busy(key)
        try:
            answer = await work()
            await self._seen.first_time(done, DONE_SECONDS)
        except BaseException:
            await self._seen.forget(key)
            raise
        return answer

    def _settle(self, key: str, task: asyncio.Task[T | None]) -> None:
        if task.cancelled() or task.exception() is not None:
            self._answers.pop(key, None)
        while len(self._answers) > _ANSWERS:
            self._answers.popitem(last=False)
