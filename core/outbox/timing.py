"""Time as the lanes measure and await it: seconds of a monotonic clock, and waits that news cut short."""

from __future__ import annotations

import asyncio
import time


class Timing:
    """Real time. Another one in its place makes the lanes run by a clock that is set."""

    def seconds(self) -> float:
        """Of a monotonic clock."""
        return time.monotonic()

    async def wait(self, news: asyncio.Event, seconds: float) -> None:
        """Until there is news, for at most ``seconds``."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        try:
            async with asyncio.timeout(seconds):
                await news.wait()
        except TimeoutError:
            return
