"""``deskbell serve`` as a process of its own: started on a free port, spoken to over HTTP, stopped or killed.

Nothing here waits for luck: every wait is for a condition, with a deadline that only a defect reaches.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import sqlite3
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
import yaml

ROOT = Path(__file__).parents[2]
API_TOKEN, WEBHOOK_TOKEN = "api-token-6f1c8e", "webhook-token-b27d90"
BOT_TOKEN, SIGNING_SECRET = "xoxb-made-up-41aa", "signing-secret-93c5"
SECRETS = (API_TOKEN, WEBHOOK_TOKEN, BOT_TOKEN, SIGNING_SECRET)
PATIENCE = 40.0
_READY = re.compile(r"ready on http://127\.0\.0\.1:(\d+)")
_OURS = ("DESKBELL_", "SLACK_", "MICROSOFT_")
T = TypeVar("T")


async def until(found: Callable[[], Awaitable[T]], what: str, seconds: float = PATIENCE) -> T:
    """The first answer that is true. Raises AssertionError with ``what`` when none came in ``seconds``."""
    deadline = time.monotonic() + seconds
    while True:
        answer = await found()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds:.0f} s: {what}; last seen: {answer!r}")
        await asyncio.sleep(0.05)


def environment(**more: str) -> dict[str, str]:
    """Ours, without what the caller has set for a Deskbell of their own."""
    return {name: value for name, value in os.environ.items() if not name.startswith(_OURS)} | more


class Deskbell:
    """One service on the database of ``folder``, with the tests' tokens; it may be started several times in a row."""

    def __init__(
        self, folder: Path, settings: Mapping[str, Any] | None = None, slack_url: str | None = None, **variables: str
    ) -> None:
        self.database = folder / "deskbell.db"
        self.port = 0
        self.process: asyncio.subprocess.Process | None = None
        self._log = folder / "service.log"
        self._config = folder / "deskbell.yaml"
        self._config.write_text(yaml.safe_dump(dict(settings or {})))
        self._session: aiohttp.ClientSession | None = None
        self._environment = environment(
            DESKBELL_DATABASE_URL=f"sqlite:///{self.database}",
            DESKBELL_API_TOKEN=API_TOKEN,
            DESKBELL_WEBHOOK_TOKEN=WEBHOOK_TOKEN,
            **(
                {"SLACK_API_URL": slack_url, "SLACK_BOT_TOKEN": BOT_TOKEN, "SLACK_SIGNING_SECRET": SIGNING_SECRET}
                if slack_url
                else {}
            ),
        ) | dict(variables)

    # -- the process

    async def start(self) -> None:
        """Start and wait until it is ready; the second start is on the same port."""
        begun = len(self.log)
        command = ("serve", "--config", str(self._config), "--host", "127.0.0.1", "--port", str(self.port))
        with self._log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "bot", *command, cwd=ROOT, env=self._environment, stderr=log
            )

        async def ready() -> re.Match[str] | None:
            assert self.running, f"the service ended: {self.log[begun:]}"
            return _READY.search(self.log, begun)

        found = await until(ready, "the service is ready")
        assert found
        self.port = int(found[1])
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=PATIENCE))

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.returncode is None

    @property
    def log(self) -> str:
        return self._log.read_text() if self._log.exists() else ""

    def signal(self, number: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    async def ended(self, seconds: float = PATIENCE) -> int:
        """The exit status. Raises AssertionError when it does not end in time."""
        assert self.process is not None
        try:
            return await asyncio.wait_for(self.process.wait(), seconds)
        except TimeoutError:
            raise AssertionError(f"still running after {seconds} s: {self.log[-3000:]}") from None

    async def stop(self) -> None:
        self.signal(signal.SIGTERM)
        assert await self.ended() == 0, self.log[-3000:]

    async def close(self) -> None:
        if self.running:
            self.signal(signal.SIGKILL)
            await self.ended()
        if self._session is not None:
            await self._session.close()

    # -- speaking to it

    async def request(self, method: str, path: str, **options: Any) -> tuple[int, Any]:
        """Status and body, read as JSON where it is JSON."""
        assert self._session is not None
        async with self._session.request(method, f"http://127.0.0.1:{self.port}{path}", **options) as response:
            text = await response.text()
            return response.status, json.loads(text) if response.content_type == "application/json" else text

    async def api(self, path: str, method: str = "GET", **options: Any) -> Any:
        status, body = await self.request(
            method, f"/api/v1{path}", headers={"Authorization": f"Bearer {API_TOKEN}"}, **options
        )
        assert status < 300, body
        return body

    async def post(self, alerts: Sequence[Mapping[str, Any]]) -> tuple[int, Any]:
        """A webhook as Alertmanager sends it."""
        headers = {"Authorization": f"Bearer {WEBHOOK_TOKEN}"}
        body = {"version": "4", "alerts": list(alerts)}
        return await self.request("POST", "/webhooks/alertmanager", headers=headers, json=body)

    async def tickets(self) -> list[dict[str, Any]]:
        """The newest 200, the oldest of them first."""
        found: list[dict[str, Any]] = (await self.api("/tickets?limit=200"))["items"]
        return found[::-1]

    async def kinds(self, ticket: int) -> list[str]:
        return [event["type"] for event in (await self.api(f"/tickets/{ticket}/timeline"))["items"]]

    async def told(self, ticket: int) -> list[dict[str, Any]]:
        """The delivery log of a ticket."""
        found: list[dict[str, Any]] = (await self.api(f"/tickets/{ticket}/deliveries"))["items"]
        return found

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """Read the database beside the service."""
        connection = sqlite3.connect(f"file:{self.database}?mode=ro", uri=True, timeout=5)
        try:
            return connection.execute(query, values).fetchall()
        finally:
            connection.close()


@asynccontextmanager
async def deskbell(
    folder: Path, settings: Mapping[str, Any] | None = None, slack_url: str | None = None, **variables: str
) -> AsyncIterator[Deskbell]:
    """A started service, ended at the end; its log holds neither a secret nor a trace, whatever the test did."""
    service = Deskbell(folder, settings, slack_url, **variables)
    try:
        await service.start()
        yield service
    finally:
        await service.close()
    shown = [secret for secret in SECRETS if secret in service.log]
    assert not shown, f"in the log: {shown}"
    assert "Traceback" not in service.log, service.log


def alert(name: str, status: str = "firing", **labels: str) -> dict[str, Any]:
    return {
        "status": status,
        "labels": {"alertname": "DiskAlmostFull", "instance": name, "severity": "warning", **labels},
        "annotations": {"summary": f"Disk is almost full on {name}"},
        "startsAt": "2026-03-02T12:00:00Z",
        "endsAt": "2026-03-02T12:30:00Z" if status == "resolved" else "0001-01-01T00:00:00Z",
        "fingerprint": name,
    }
