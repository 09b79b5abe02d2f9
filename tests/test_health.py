"""Health, readiness and metrics; and that a database that takes no write loses nothing and needs no restart."""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import signal
import sqlite3
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import event

from bot.metrics import Metrics
from core.errors import StoreUnavailable
from tests.running_service import API_TOKEN, WEBHOOK_TOKEN, Running
from tests.test_intake import alert, webhook

ROOT = Path(__file__).parent.parent


class Disk:
    """Puts a pragma on connections, so that SQLite acts as it does on a full or a read-only disk."""

    def __init__(self, service: Running) -> None:
        self._database = service.service.database
        self._pragma = ""
        event.listen(self._database.engine, "checkout", self._prepare)

    def _prepare(self, connection: sqlite3.Connection, *_: Any) -> None:
        if self._pragma:
            connection.execute(f"PRAGMA {self._pragma}")

    def from_now_on(self, pragma: str) -> None:
        self._pragma = pragma

    async def act(self, pragma: str) -> None:
        """At once, on the writer's present connection too."""
        self.from_now_on(pragma)
        with contextlib.suppress(StoreUnavailable):  # It may share its transaction with what this refuses.
            await self._database.write(lambda session: session.connection.exec_driver_sql(f"PRAGMA {pragma}").close())


def big(name: str) -> bytes:
    return webhook(alert(name) | {"annotations": {"description": "x" * 15_000, "summary": name}})


async def refuses_and_stays_readable(service: Running) -> None:
    """Senders and callers are told to come again, readiness is gone, health and reading are not."""
    refused = await service.hook(big("during"))
    assert (refused.status, refused.error["code"]) == (503, "store_unavailable")
    assert int(refused.headers["Retry-After"]) > 0
    opened = await service.api("POST", "/tickets", {"title": "x", "description": "x" * 15_000})
    assert (opened.status, opened.headers["Retry-After"]) == (503, refused.headers["Retry-After"])
    assert "deskbell_database_ready 0.0" in (await service.request("GET", "/metrics")).text
    ready = await service.request("GET", "/readyz")
    assert (ready.status, ready.json["status"]) == (503, "unavailable")
    assert (await service.request("GET", "/healthz")).json == {"status": "ok"}
    assert (await service.api("GET", "/tickets/1")).json["title"] == "before"


async def works_again(service: Running) -> None:
    assert (await service.hook(big("during"))).json["tickets"] == [2]
    assert (await service.request("GET", "/readyz")).status == 200
    assert "deskbell_database_ready 1.0" in (await service.request("GET", "/metrics")).text


async def test_on_a_full_disk_senders_come_again_and_nothing_is_lost(service: Running) -> None:
    disk = Disk(service)
    assert (await service.hook(big("before"))).status == 202
    assert (await service.request("GET", "/readyz")).json == {"status": "ok"}
    await disk.act("max_page_count=1")
    await refuses_and_stays_readable(service)
    await disk.act("max_page_count=1000000")
    await works_again(service)


async def test_on_a_read_only_disk_senders_come_again(service: Running) -> None:
    disk = Disk(service)
    assert (await service.hook(big("before"))).status == 202
    await disk.act("query_only=ON")
    await refuses_and_stays_readable(service)


async def test_a_disk_that_was_read_only_is_written_again_without_a_restart(service: Running) -> None:
    disk = Disk(service)
    assert (await service.hook(big("before"))).status == 202
    await disk.act("query_only=ON")
    assert (await service.hook(big("during"))).status == 503
    disk.from_now_on("query_only=OFF")
    await works_again(service)


@asynccontextmanager
async def process(folder: Path) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """``deskbell serve`` in a folder of its own; the address is read from its log."""
    keep = {
        name: value for name, value in os.environ.items() if not name.startswith(("DESKBELL", "SLACK", "MICROSOFT"))
    }
    tokens = {"DESKBELL_API_TOKEN": API_TOKEN, "DESKBELL_WEBHOOK_TOKEN": WEBHOOK_TOKEN, "PYTHONPATH": str(ROOT)}
    served = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", "serve", "--host", "127.0.0.1", "--port", "0",
        cwd=folder, env={**keep, **tokens}, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert served.stderr is not None
    try:
        address = ""
        while "http://" not in address:
            address = (await asyncio.wait_for(served.stderr.readline(), 30)).decode()
            assert address, "the server ended"
        drained = asyncio.create_task(served.stderr.read())
        yield served, "http://" + address.split("http://", 1)[1].split()[0]
        served.send_signal(signal.SIGTERM)
        log = (await asyncio.wait_for(drained, 30)).decode()
        assert await served.wait() == 0
        assert "Traceback" not in log
    finally:
        if served.returncode is None:
            served.kill()
            await served.wait()


@pytest.mark.skipif(sys.platform != "linux", reason="prlimit is Linux")
async def test_a_real_server_whose_files_cannot_grow_recovers_by_itself(tmp_path: Path) -> None:
    async with process(tmp_path) as (served, url), aiohttp.ClientSession() as client:
        proof = {"X-Deskbell-Token": WEBHOOK_TOKEN}

        async def send(name: str) -> int:
            async with client.post(f"{url}/webhooks/alertmanager", data=big(name), headers=proof) as answer:
                assert (answer.status == 503) == ("Retry-After" in answer.headers)
                return answer.status

        async def ready() -> int:
            async with client.get(f"{url}/readyz") as answer:
                return answer.status

        assert (await send("before"), await ready()) == (202, 200)
        soft, hard = resource.prlimit(served.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(served.pid, resource.RLIMIT_FSIZE, (4096, hard))
        assert [await send("during") for _ in range(3)] == [503] * 3
        assert await ready() == 503
        async with client.get(f"{url}/healthz") as answer:
            assert answer.status == 200
        resource.prlimit(served.pid, resource.RLIMIT_FSIZE, (soft, hard))
        assert await send("during") == 202
        for _ in range(100):  # A busy machine may need more than readiness allows.
            if await ready() == 200:
                break
            await asyncio.sleep(0.1)
        assert await ready() == 200
        async with client.get(f"{url}/api/v1/tickets", headers={"Authorization": f"Bearer {API_TOKEN}"}) as answer:
            assert [ticket["title"] for ticket in (await answer.json())["items"]] == ["during", "before"]


async def test_a_busy_database_is_not_ready_and_health_is_unmoved(service: Running) -> None:
    path = service.service.settings.database.url.removeprefix("sqlite:///")
    other = sqlite3.connect(path, isolation_level=None)
    try:
        other.execute("BEGIN IMMEDIATE")
        assert (await service.request("GET", "/readyz")).status == 503
        assert (await service.request("GET", "/healthz")).status == 200
        other.execute("ROLLBACK")
    finally:
        other.close()
    assert (await service.hook(webhook(alert()))).status == 202
    assert (await service.request("GET", "/readyz")).status == 200


async def test_metrics_are_valid_and_name_routes_and_never_ids(service: Running) -> None:
    await service.hook(webhook(alert()))
    await service.hook(b"{")
    for path in ("/tickets/1", "/tickets/4711", "/nothing/4711"):
        await service.api("GET", path)
    await service.request("GET", "/webhooks/4711")
    answer = await service.request("GET", "/metrics")
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    samples = [sample for family in text_string_to_metric_families(answer.text) for sample in family.samples]
    assert not [sample for sample in samples if any("4711" in value for value in sample.labels.values())]
    found = {(sample.name, *sorted(sample.labels.items())): sample.value for sample in samples}
    route = ("route", "/api/v1/tickets/{id}")
    assert found["deskbell_http_requests_total", route, ("status", "200")] == 1
    assert found["deskbell_http_requests_total", route, ("status", "404")] == 1
    assert found["deskbell_http_requests_total", ("route", "unknown"), ("status", "404")] == 1
    source = ("source", "alertmanager")
    assert found["deskbell_webhook_deliveries_total", ("outcome", "accepted"), source] == 1
    assert found["deskbell_webhook_deliveries_total", ("outcome", "problem"), source] == 1
    assert found["deskbell_http_request_seconds_count", route] == 2


def test_every_metric_is_documented() -> None:
    described = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    names = [family.name for family in text_string_to_metric_families(Metrics().text().decode())]
    assert names
    assert [name for name in names if name not in described] == []


async def test_a_defect_is_answered_without_a_trace_and_found_in_the_log(
    service: Running, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(*_: Any) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(service.service.desk, "ticket", broken)
    answer = await service.request("GET", "/api/v1/tickets/1", headers={"Authorization": f"Bearer {API_TOKEN}"})
    assert (answer.status, answer.error["code"]) == (500, "internal")
    assert "secret detail" not in answer.text
    assert answer.error["reference"] in caplog.text
