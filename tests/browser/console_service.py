"""A whole service with a morning's work in it, in a thread of its own: the browser's driver blocks the test's."""

from __future__ import annotations

import asyncio
import threading
from datetime import timedelta
from pathlib import Path

from tests.conftest import NOON, SetClock
from tests.running_service import OFFICE, Running, running
from tests.test_intake import alert, webhook

LONG = "The nightly export to the data warehouse failed again with a timeout after the third of five parts"


class ConsoleService:
    """``url`` with the console's pages; ``token`` opens it."""

    def __init__(self, folder: Path) -> None:
        self._database = f"sqlite:///{folder / 'deskbell.db'}"
        self._loop: asyncio.AbstractEventLoop
        self._ended: asyncio.Event
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)
        self.url = ""

    def start(self) -> None:
        self._thread.start()
        assert self._ready.wait(30), "the service did not start"

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._ended.set)
        self._thread.join(15)

    async def _serve(self) -> None:
        self._loop, self._ended = asyncio.get_running_loop(), asyncio.Event()
        clock = SetClock()
        async with running(clock, database={"url": self._database}, **OFFICE) as service:
            await _work(service, clock)
            self.url = service.url
            self._ready.set()
            await self._ended.wait()


async def _work(service: Running, clock: SetClock) -> None:
    started = NOON - timedelta(minutes=4)
    labels = {"alertname": "DiskFull", "instance": "db01:9100", "severity": "critical", "service": "payment-db"}
    firing = alert("disk", started=started, labels=labels, generatorURL="https://prometheus.example/graph")
    hostile = alert("odd", severity="warning") | {
        "annotations": {"summary": "<img src=x onerror=alert(1)> {{ 7*7 }}", "description": "</pre><script>x</script>"},
        "generatorURL": "javascript:alert(1)",
    }
    await service.hook(webhook(firing, hostile))
    await service.opened(
        "결제 페이지가 열리지 않습니다", priority="high", customer="Acme", systems=["payment-api"], requester="lee",
        description="카드 결제 시 오류 화면이 표시됩니다.", affected_users=120,
    )  # fmt: skip
    await service.opened(LONG, priority="medium", category="bug", assignee="kim", affected_repository="example/export")
    await service.opened("New laptop for the new colleague", priority="low", category="service_request")
    clock.advance(minutes=25)
    await service.do({"id": 1}, "assign", {"assignee": "kim"})
    await service.do({"id": 1}, "start")
    await service.do({"id": 1}, "note", {"text": "Freed 20 GB.\nWatching it."})
    await service.do({"id": 5}, "wait", {"reason": "waiting for the supplier"})
    clock.advance(minutes=110)
    for body in (b"", b"status=firing&host=db01", b'{"title": "another product", "state": "alerting"}'):
        await service.hook(body)
    await service.hook(webhook(alert("late", started=clock.now(), severity="info")))
