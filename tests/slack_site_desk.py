"""A whole service with Slack in many workspaces: two of their own, and two of one organisation."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import aiohttp
from aiohttp.test_utils import TestServer
from yarl import URL

from bot.demo.slack_api import SlackStandIn
from bot.demo.slack_oauth import SlackOAuth
from bot.demo.slack_person import HttpDoor, SlackUser, SocketDoor
from bot.demo.slack_records import Json, Message, SlackPerson
from bot.demo.slack_site import SlackSite
from bot.demo.slack_state import SlackApp
from core.model import Ticket
from core.store.queries import TicketFilter
from tests.conftest import SetClock
from tests.running_service import Answer, Running, running
from tests.slack_office import until
from tests.stand_in_slack import SECRET

BASE = "https://desk.example.com"
REDIRECT = f"{BASE}/slack/oauth_redirect"
CLIENT_ID, CLIENT_SECRET = "123.456", "client-secret-of-the-tests"
KEY = "a-key-of-the-tests-with-enough-characters"
ALPHA = SlackApp("T0ALPHA", "Alpha", "alpha", bot_id="B0ALPHA", bot_user="U0ABOT")
BETA = SlackApp("T0BETA", "Beta", "beta", bot_id="B0BETA", bot_user="U0BBOT")
GRID = "E0GRID"
GRID_1 = SlackApp("T0GRID1", "Grid one", "g1", bot_id="B0GRID", bot_user="U0GBOT", enterprise=GRID, is_org_install=True)
GRID_2 = SlackApp("T0GRID2", "Grid two", "g2", bot_id="B0GRID", bot_user="U0GBOT", enterprise=GRID, is_org_install=True)
PEOPLE = {
    "T0ALPHA": SlackPerson("U0KIM", "kim", "Kim of Alpha", "kim@example.com", "ko-KR", "Asia/Seoul"),
    "T0BETA": SlackPerson("U0KIM", "kim", "Kim of Beta", "other@example.com"),
    "T0GRID1": SlackPerson("W0LEE", "lee", "Lee", "lee@example.com"),
    "T0GRID2": SlackPerson("W0LEE", "lee", "Lee", "lee@example.com"),
}


class Browser:
    """Keeps cookies as a browser does, for the service's address."""

    def __init__(self, service: Running, language: str = "en") -> None:
        self._service, self._language = service, language
        self.cookies: dict[str, str] = {}

    async def get(self, path: str) -> Answer:
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        headers = {"Accept-Language": self._language, **({"Cookie": cookie} if cookie else {})}
        answer = await self._service.request("GET", path, headers=headers)
        for name, value, rest in re.findall(r"(\w+)=\"?([^;\"]*)\"?(.*)", answer.headers.get("Set-Cookie", "")):
            self.cookies[name] = value
            if "Max-Age=0" in rest:
                del self.cookies[name]
        return answer

    async def begin(self) -> Mapping[str, str]:
        """What Slack's page is asked."""
        answer = await self.get("/slack/install")
        assert answer.status == 302, answer.text
        return URL(answer.headers["Location"]).query


class SiteDesk:
    def __init__(self, site: SlackSite, service: Running, clock: SetClock, session: aiohttp.ClientSession) -> None:
        self.site, self.running, self.clock, self._session = site, service, clock, session

    def stand_in(self, app: SlackApp) -> SlackStandIn:
        return self.site.workspaces[app.team]

    async def install(self, app: SlackApp = ALPHA, browser: Browser | None = None) -> Answer:
        browser = browser or Browser(self.running)
        back = self.site.oauth.allow(await browser.begin(), app, "U0ADMIN", is_org=app.is_org_install)
        return await browser.get(_path(back))

    def door(self, app: SlackApp = ALPHA) -> HttpDoor:
        return HttpDoor(self.stand_in(app), self._session, f"{self.running.url}/slack/events", SECRET)

    def person(self, app: SlackApp = ALPHA, user: str = "", *, socket: bool = False) -> SlackUser:
        stand_in = self.stand_in(app)
        door = SocketDoor(stand_in) if socket else self.door(app)
        return SlackUser(stand_in, user or PEOPLE[app.team].id, door)

    def messages(self, app: SlackApp, channel: str = "") -> list[Message]:
        return list(self.stand_in(app).workspace.channels[channel or f"C{app.team[1:]}"].messages.values())

    async def card_in(self, app: SlackApp, ticket: Ticket) -> Message:
        def cards() -> list[Message]:
            return [found for found in self.messages(app) if f"#{ticket.id}" in found.text]

        await until(cards)
        return cards()[-1]

    async def tickets(self) -> list[Ticket]:
        return (await self.running.service.desk.tickets(TicketFilter()))[0]

    async def notices(self, ticket: Ticket, state: str) -> list[Any]:
        """Those of a ticket that are in a state, once there are any."""
        async with asyncio.timeout(3):
            while True:
                rows = await self.running.service.desk.deliveries(ticket.id)
                if found := [notice for notice, _ in rows if notice.state == state]:
                    return found

    def wrongs(self) -> list[Any]:
        return [wrong for stand_in in self.site.workspaces.values() for wrong in stand_in.violations]

    def calls(self, app: SlackApp, method: str) -> list[Json]:
        return [call.arguments for call in self.stand_in(app).calls if call.method == method]

    def database(self) -> bytes:
        """All that stands on the disk."""
        path = Path(self.running.service.settings.database.url.removeprefix("sqlite:///"))
        return b"".join(found.read_bytes() for found in path.parent.glob(f"{path.name}*"))


def _path(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}"


def back(**query: str) -> str:
    return f"/slack/oauth_redirect?{urlencode(query)}"


def made_site(clock: SetClock, *, rotation: bool = False) -> SlackSite:
    def seconds() -> float:
        return clock.now().timestamp()

    site = SlackSite(SlackOAuth(CLIENT_ID, CLIENT_SECRET, (REDIRECT,), seconds, rotation=rotation), seconds)
    for app in (ALPHA, BETA, GRID_1, GRID_2):
        workspace = site.add(app).workspace
        person = workspace.add_person(PEOPLE[app.team])
        workspace.add_channel("it-support", members=(person.id,), id=f"C{app.team[1:]}")
    return site


@asynccontextmanager
async def site_desk(
    clock: SetClock, database_url: str, *, rotation: bool = False, site: SlackSite | None = None, **settings: Any
) -> AsyncIterator[SiteDesk]:
    site = site or made_site(clock, rotation=rotation)
    server = TestServer(site.app())
    await server.start_server()
    url = str(server.make_url("/")).rstrip("/")
    site.serve_at(url)
    slack = {
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "signing_secret": SECRET,
        "api_url": f"{url}/api/",
        "workspaces": ["T0ALPHA", "T0BETA", GRID],
        "per_channel_rate": 1000,
        "per_channel_burst": 1000,
        **settings.pop("slack", {}),
    }
    given = {
        "database": {"url": database_url},
        "slack": slack,
        "base_url": BASE,
        "secret_key": KEY,
        "audiences": {"desk": ["slack:T0ALPHA/#it-support", "slack:T0BETA/#it-support"]},
        "server": {"drain": 1},
        **settings,
    }
    try:
        async with aiohttp.ClientSession() as session, running(clock, **given) as service:
            yield SiteDesk(site, service, clock, session)
    finally:
        await server.close()
