"""A whole service on a free port of the loopback, and a client that speaks real HTTP to it."""

from __future__ import annotations

import io
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from aiohttp import web
from yarl import URL

from bot.app import Service, build
from bot.web import server_of
from core.config.settings import Settings
from core.ports import Clock

API_TOKEN = "api-token-of-the-tests"
WEBHOOK_TOKEN = "webhook-token-of-the-tests"
OFFICE: dict[str, Any] = {
    "people": [
        {"id": "kim", "name": "Kim Minji", "email": "kim@example.com", "team": "net", "language": "ko"},
        {"id": "lee", "name": "Lee Jiwon"},
        {"id": "lee2", "name": "Lee Jiwon"},
    ],
    "teams": {"net": {"name": "Network"}},
    "customers": [{"name": "Acme", "tier": "vip"}],
}


class Answer:
    """One response, read to its end."""

    def __init__(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def error(self) -> Any:
        return self.json["error"]


class Running:
    """``api`` shows the API's token and ``hook`` the webhooks'; ``request`` shows none.

    ``checks`` are called with the method, path, body and answer of every call of ``api``.
    """

    def __init__(self, service: Service, url: str, client: aiohttp.ClientSession) -> None:
        self.service, self.url, self._client = service, url, client
        self.checks: list[Callable[[str, str, Any, Answer], None]] = []

    @property
    def port(self) -> int:
        port = URL(self.url).port
        assert port
        return port

    async def request(self, method: str, path: str, **options: Any) -> Answer:
        """``path`` is sent as it is, percent signs and all. Redirects are not followed."""
        address = URL(self.url + path, encoded=True)
        if isinstance(options.get("data"), bytes):
            options["data"] = io.BytesIO(options["data"])
        async with self._client.request(method, address, allow_redirects=False, **options) as response:
            return Answer(response.status, response.headers, await response.read())

    async def api(self, method: str, path: str, body: Any = None, **options: Any) -> Answer:
        headers = {"Authorization": f"Bearer {API_TOKEN}", **options.pop("headers", {})}
        if body is not None:
            options["data"] = body if isinstance(body, bytes) else json.dumps(body).encode()
            headers = {"Content-Type": "application/json", **headers}
        answer = await self.request(method, "/api/v1" + path, headers=headers, **options)
        for check in self.checks:
            check(method, "/api/v1" + path, body, answer)
        return answer

    async def opened(self, title: str = "Printer is on fire", **more: Any) -> Any:
        """A new ticket, as the API answers it."""
        answer = await self.api("POST", "/tickets", {"title": title, **more})
        assert answer.status == 201, answer.text
        return answer.json

    async def do(self, ticket: Any, verb: str, body: Any = None, **headers: str) -> Answer:
        return await self.api("POST", f"/tickets/{ticket['id']}/{verb}", body, headers=headers)

    async def hook(self, body: bytes, source: str = "alertmanager", **headers: str) -> Answer:
        proved = {"Authorization": f"Bearer {WEBHOOK_TOKEN}", "Content-Type": "application/json", **headers}
        return await self.request("POST", f"/webhooks/{source}", data=body, headers=proved)


@asynccontextmanager
async def running(clock: Clock | None = None, **settings: Any) -> AsyncIterator[Running]:
    """A started service with the tests' tokens, unless ``settings`` say otherwise; stopped at the end."""
    given = {"api_token": API_TOKEN, "webhook_token": WEBHOOK_TOKEN, **settings}
    async with serving(build(Settings(**given), clock)) as started:
        yield started


@asynccontextmanager
async def serving(service: Service) -> AsyncIterator[Running]:
    """``service`` on a free port; stopped at the end."""
    await service.start()
    runner = server_of(service.web, drain=1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as client:
            yield Running(service, f"http://127.0.0.1:{runner.addresses[0][1]}", client)
    finally:
        await runner.cleanup()
        await service.stop()
