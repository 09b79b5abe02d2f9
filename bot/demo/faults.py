"""How a platform misbehaves: faults that a test or the demo switches on, and the rate limits of the real thing.

Every fault says whether the request took effect before things went wrong, because that is what decides if a sender may
send again.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from aiohttp import web

EVERY = "*"
_KEYS = 2000
_HTML = "<html><head><title>502 Bad Gateway</title></head><body><center><h1>502 Bad Gateway</h1></center></body></html>"


class FaultKind(StrEnum):
    RATE_LIMITED = "rate_limited"  # 429 with Retry-After, nothing taken
    SERVER_ERROR = "server_error"  # 500, nothing taken
    BAD_GATEWAY = "bad_gateway"  # 502 with an HTML page, nothing taken
    REFUSED = "refused"  # the platform's own error answer with `code`, nothing taken
    SILENT = "silent"  # no answer ever, nothing taken
    SILENT_AFTER = "silent_after"  # taken, and no answer ever
    DROP_BEFORE = "drop_before"  # connection closed, nothing taken
    DROP_AFTER = "drop_after"  # taken, then the connection closed without an answer
    SLOW = "slow"  # taken and answered, `milliseconds` late


@dataclass(slots=True)
class Fault:
    """``left`` is how many more requests it meets, None for all of them; ``status`` is the HTTP status of REFUSED."""

    kind: FaultKind
    left: int | None
    retry_after: int
    milliseconds: int
    status: int
    code: str


class Faults:
    """The faults that are switched on, by method; the first one added is met first."""

    def __init__(self) -> None:
        self._by_method: dict[str, deque[Fault]] = {}
        self._released = asyncio.Event()

    def add(
        self,
        method: str,
        kind: FaultKind,
        *,
        times: int | None = 1,
        retry_after: int = 1,
        milliseconds: int = 0,
        status: int = 400,
        code: str = "",
    ) -> None:
        """Let the next ``times`` requests to ``method`` (``*`` for any) meet a fault; None means until ``clear``.

        Raises ValueError for a refusal without the ``code`` that it should name.
        """
        if kind is FaultKind.REFUSED and not code:
            raise ValueError("a refusal needs a code")
        fault = Fault(kind, times, retry_after, milliseconds, status, code)
        self._by_method.setdefault(method, deque()).append(fault)

    def clear(self) -> None:
        """Switch everything off and let go of the requests that are kept waiting."""
        self._by_method.clear()
        self.release()

    def release(self) -> None:
        self._released.set()
        self._released = asyncio.Event()

    def take(self, method: str) -> Fault | None:
        for key in (method, EVERY):
            waiting = self._by_method.get(key)
            if waiting:
                fault = waiting[0]
                if fault.left is not None:
                    fault.left -= 1
                    if fault.left <= 0:
                        waiting.popleft()
                return fault
        return None

    async def answer(
        self,
        method: str,
        request: web.Request,
        proceed: Callable[[], Awaitable[web.StreamResponse]],
        refuse: Callable[[Fault], web.Response],
    ) -> web.StreamResponse:
        """``proceed`` as the switched-on fault lets it; ``refuse`` builds the platform's 429 and its own errors."""
        fault = self.take(method)
        if fault is None:
            return await proceed()
        if fault.kind is FaultKind.SLOW:
            await asyncio.sleep(fault.milliseconds / 1000)
            return await proceed()
        if fault.kind in (FaultKind.SILENT_AFTER, FaultKind.DROP_AFTER):
            await proceed()
        if fault.kind in (FaultKind.SILENT, FaultKind.SILENT_AFTER):
            await self._hold(request)
        if fault.kind is FaultKind.SERVER_ERROR:
            return web.Response(status=500, text="Internal Server Error")
        if fault.kind is FaultKind.BAD_GATEWAY:
            return web.Response(status=502, text=_HTML, content_type="text/html")
        if fault.kind in (FaultKind.RATE_LIMITED, FaultKind.REFUSED):
            return refuse(fault)
        if request.transport is not None:
            request.transport.close()
        return web.Response(status=500)  # never leaves: the connection is closed

    async def _hold(self, request: web.Request) -> None:
        """Until the other side hangs up, ``release`` is called, or the server goes down."""
        released = self._released
        while request.transport is not None and not released.is_set():
            try:
                await asyncio.wait_for(released.wait(), 0.1)
            except TimeoutError:
                continue


class Windows:
    """Sliding windows: of each (count, seconds), at most count in any such span of seconds."""

    def __init__(self, rules: Sequence[tuple[int, float]]) -> None:
        self._rules = tuple(rules)
        self._most = max(count for count, _ in self._rules)
        self._stamps: OrderedDict[str, deque[float]] = OrderedDict()

    def admit(self, key: str, now: float) -> float:
        """0.0 and the request is counted, or the seconds to wait and it is not. ``now`` is in seconds."""
        stamps = self._stamps.setdefault(key, deque(maxlen=self._most))
        self._stamps.move_to_end(key)
        if len(self._stamps) > _KEYS:
            self._stamps.popitem(last=False)
        waits = [
            stamps[-count] + seconds - now
            for count, seconds in self._rules
            if len(stamps) >= count and stamps[-count] > now - seconds
        ]
        if waits:
            return max(waits)
        stamps.append(now)
        return 0.0


class Bucket:
    """``rate`` a second in the long run, ``burst`` at once."""

    def __init__(self, rate: float, burst: float) -> None:
        self._rate, self._burst = rate, burst
        self._levels: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def admit(self, key: str, now: float) -> float:
        """0.0 and the request is counted, or the seconds to wait and it is not. ``now`` is in seconds."""
        level, at = self._levels.get(key, (self._burst, now))
        level = min(self._burst, level + (now - at) * self._rate)
        admitted = level >= 1.0
        self._levels[key] = (level - 1.0 if admitted else level, now)
        self._levels.move_to_end(key)
        if len(self._levels) > _KEYS:
            self._levels.popitem(last=False)
        return 0.0 if admitted else (1.0 - level) / self._rate
