"""The work that is under way, so that closing waits for it and a caller that hangs up does not undo it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any, TypeVar

_log = logging.getLogger(__name__)
T = TypeVar("T")


class Inflight:
    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    def spawn(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Start ``work``; an error that nobody waits for is logged."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    async def run(self, work: Coroutine[Any, Any, T]) -> T:
        """The result of ``work``, which goes on even if the caller is cancelled."""
        return await asyncio.shield(self.spawn(work))

    async def settle(self, work: Coroutine[Any, Any, None], seconds: float) -> None:
        """Start ``work`` and wait for it, but no longer than ``seconds``; it goes on after that."""
        await asyncio.wait({self.spawn(work)}, timeout=max(seconds, 0.0))

    async def drain(self, seconds: float) -> None:
        """Wait until nothing is under way, at most ``seconds``; cancel what is left."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        while self._tasks and loop.time() < deadline:
            await asyncio.wait(set(self._tasks), timeout=deadline - loop.time())
        left = set(self._tasks)
        for task in left:
            task.cancel()
        if left:
            _log.warning("gave up on %d pieces of work that did not end in time", len(left))
            await asyncio.wait(left, timeout=1.0)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            # Whoever awaits the task reports it; this line is for those that nobody awaits.
            _log.debug("work ended with an error", exc_info=task.exception())
