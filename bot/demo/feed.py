"""What happens in a stand-in, told to whoever watches: callbacks at once, iterators at their own pace.

A watcher that falls behind loses the oldest changes, never the newest, so that a forgotten browser tab costs nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Generic, TypeVar

T = TypeVar("T")
BACKLOG = 1000


class Feed(Generic[T]):
    """One stream of changes with any number of watchers, all in one event loop."""

    def __init__(self) -> None:
        self.callbacks: list[Callable[[T], None]] = []
        self._queues: list[asyncio.Queue[T]] = []

    def tell(self, change: T) -> None:
        for callback in self.callbacks:
            callback(change)
        for queue in self._queues:
            if queue.full():
                queue.get_nowait()
            queue.put_nowait(change)

    def listen(self) -> AsyncIterator[T]:
        """Changes from this call on, at most ``BACKLOG`` waiting; ends when the caller closes the iterator."""
        queue: asyncio.Queue[T] = asyncio.Queue(BACKLOG)
        self._queues.append(queue)
        return self._drain(queue)

    async def _drain(self, queue: asyncio.Queue[T]) -> AsyncIterator[T]:
        try:
            while True:
                yield await queue.get()
        finally:
            self._queues.remove(queue)
