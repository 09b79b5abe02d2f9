"""What the tests of the Teams door share: people, conversations, a desk to ask, activities, and a stage for all."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from msgspec.structs import replace

from bot.commands.call import Call
from bot.demo.connector import ConnectorStandIn
from bot.demo.issuer import METADATA_PATH, Issuer
from bot.demo.teams_answers import invoke_problems
from bot.demo.teams_records import Posted, TeamsConversation, TeamsPerson
from bot.teams.connector import Connector
from bot.teams.credentials import BotCredentials
from bot.teams.door import TeamsDoor
from bot.teams.notifier import TeamsNotifier
from core.config.settings import OrganisationSettings, Settings, TeamsSettings
from core.conversations import Conversation
from core.errors import StoreUnavailable
from core.model import Category, Person, PersonRef, Priority, SlaClock, Status
from core.people import Seen
from core.ports import MessageRef
from core.threads import CardUnderway, Thread, Written
from core.views import Field, Form, Message, SlaFacts, TicketCard, View

APP_ID = "11111111-2222-4333-8444-555555555555"
TENANT = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"
BOT = f"28:{APP_ID}"
KIM = "00000000-0000-0000-0000-000000000020"
KIM_MRI = "29:1KimDamdangTeamsUserIdExample_abcdefghijklmnopqrstuvwxyz0123456789-ABCDEFG"
LEE = "00000000-0000-0000-0000-000000000030"
LEE_MRI = "29:2LeeYocheong"
BOT_TOKEN = "token-of-the-bot"
PERSONAL = "a:1PersonalConversationIdExample"
CHANNEL = "19:channelexample0123456789abcdef@thread.tacv2"
TEAM = "19:teamexample0123456789abcdef@thread.tacv2"
GROUP = "19:groupchatexample@thread.v2"
FIXTURES = Path(__file__).parents[2] / "shared" / "fixtures" / "teams"
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)

REFUSED = Message("error.not_allowed", {"verb": "resolve"}, is_error=True)
CREATE = Form(
    "create",
    "form.create.title",
    "form.create.submit",
    (Field("title", "text", "field.title", required=True),),
    context={"permalink": "https://teams.microsoft.com/l/message/x/1"},
)


def card(ticket_id: int = 42, version: int = 3, title: str = "VPN") -> TicketCard:
    return TicketCard(
        id=ticket_id,
        version=version,
        title=title,
        description="",
        category=Category.INCIDENT,
        priority=Priority.HIGH,
        status=Status.NEW,
        created_at=NOON,
        updated_at=NOON,
        sla=SlaFacts(SlaClock.RUNNING),
        actions=("assign_to_me", "resolve"),
    )


class FakeDirectory:
    """People by Entra object id; their Deskbell id is ``p-`` and the last two characters of it."""

    def __init__(self, *people: Person) -> None:
        self.people = {person.teams or person.id: person for person in people}
        self.seen: list[Seen] = []

    async def meet(self, seen: Seen) -> Person:
        assert seen.platform == "teams"
        self.seen.append(seen)
        known = self.people.get(seen.user)
        if known is None:
            known = Person(
                f"p-{seen.user[-2:]}",
                seen.name or seen.user,
                language=seen.language,
                time_zone=seen.time_zone,
                teams=seen.user,
            )
        self.people[seen.user] = replace(known, teams_mri=seen.mri or known.teams_mri)
        return self.people[seen.user]

    async def person(self, person_id: str) -> Person | None:
        return next((person for person in self.people.values() if person.id == person_id), None)

    async def known(self, platform: str, user: str) -> Person | None:
        assert platform == "teams"
        return self.people.get(user)


class FakeBook:
    def __init__(self, *conversations: Conversation) -> None:
        self.kept = {conversation.id: conversation for conversation in conversations}
        self.writes = 0

    async def remember(self, conversation: Conversation) -> None:
        assert ";" not in conversation.id
        self.writes += 1
        self.kept.pop(conversation.id, None)
        self.kept[conversation.id] = replace(conversation, dead=None)

    async def conversation(self, conversation_id: str) -> Conversation | None:
        return self.kept.get(conversation_id)

    async def personal(self, person_id: str) -> Conversation | None:
        found = (entry for entry in self.kept.values() if entry.kind == "personal" and entry.person == person_id)
        return next(found, None)

    async def newest(self, tenant: str) -> Conversation | None:
        living = [entry for entry in self.kept.values() if entry.tenant == tenant and entry.dead is None]
        return living[-1] if living else None

    async def mark_dead(self, conversation_id: str, why: str) -> None:
        if conversation_id in self.kept:
            self.kept[conversation_id] = replace(self.kept[conversation_id], dead=why)


class FakeSeen:
    def __init__(self) -> None:
        self.keys: set[str] = set()

    async def first_time(self, key: str, ttl_seconds: int) -> bool:
        assert ttl_seconds > 0
        first = key not in self.keys
        self.keys.add(key)
        return first

    async def has(self, key: str) -> bool:
        return key in self.keys

    async def forget(self, key: str) -> None:
        self.keys.discard(key)


class FakeDesk:
    """A dispatcher that keeps every call and answers by name; without an answer of its own it says what was done."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.answers: dict[str, View | Exception | Callable[[Call], Awaitable[View]]] = {}

    async def __call__(self, call: Call) -> View:
        self.calls.append(call)
        answer = self.answers.get(call.name)
        if isinstance(answer, Exception):
            raise answer
        if callable(answer):
            return await answer(call)
        if answer is None and call.name in ("show", "show_mine"):
            return card(call.ticket_id or int(call.text))
        return answer or Message("message.noted", {"ticket_id": call.ticket_id or 0}, ticket_id=call.ticket_id)

    @property
    def names(self) -> list[str]:
        return [call.name for call in self.calls]


class FakeThreads:
    """The thread below the message ``root`` is about ticket 42. ``underway`` counts the times that this is not known
    yet, ``failing`` refuses every note."""

    def __init__(self) -> None:
        self.root, self.underway, self.failing = "", 0, False
        self.written: list[Written] = []
        self.gone: list[str] = []

    async def ticket_of(self, thread: Thread) -> int | None:
        if self.underway:
            self.underway -= 1
            raise CardUnderway()
        return 42 if thread.message == self.root else None

    async def wrote(self, ticket_id: int, written: Written) -> None:
        if self.failing:
            raise StoreUnavailable()
        self.written.append(written)

    async def deleted(self, ticket_id: int, source_id: str, by: PersonRef) -> None:
        if self.failing:
            raise StoreUnavailable()
        self.gone.append(source_id)


@asynccontextmanager
async def served(app: web.Application) -> AsyncIterator[str]:
    """The address of an application on a free port."""
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def activity(service_url: str, **changes: Any) -> dict[str, Any]:
    """A personal message by Kim, as Teams sends it, but for ``changes``."""
    return {
        "type": "message",
        "id": "1764000000000",
        "serviceUrl": service_url,
        "channelId": "msteams",
        "from": {"id": KIM_MRI, "name": "김담당", "aadObjectId": KIM},
        "recipient": {"id": BOT, "name": "IT"},
        "locale": "ko-KR",
        "entities": [{"type": "clientInfo", "locale": "ko-KR", "timezone": "Asia/Seoul"}],
        "channelData": {"tenant": {"id": TENANT}},
        "conversation": {"conversationType": "personal", "tenantId": TENANT, "id": PERSONAL},
        "textFormat": "plain",
        "text": "help",
    } | changes


def recorded(name: str) -> dict[str, Any]:
    """An activity of the shared collection; the test is skipped where there is none."""
    path = FIXTURES / "teams_like_activities" / f"{name}.json"
    if not path.exists():
        pytest.skip("the recorded activities are not here")
    found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return found


@cache
def issuer() -> Issuer:
    """One for all tests that do not change it: to make a key takes long."""
    return Issuer(APP_ID)


class Stage:
    """A Teams door on a port of its own, before a strict Connector and an issuer of tokens, with one tenant in it.

    Kim has a chat with the bot; Kim and Lee are in the channel and in a group chat.
    """

    opened: TeamsDoor

    def __init__(self, session: aiohttp.ClientSession, issuer: Issuer) -> None:
        self.session, self.issuer = session, issuer
        self.desk, self.people, self.book, self.seen = FakeDesk(), FakeDirectory(), FakeBook(), FakeSeen()
        self.threads = FakeThreads()
        self.connector = ConnectorStandIn(APP_ID, token=BOT_TOKEN)
        self.placed: list[tuple[TicketCard, MessageRef]] = []
        self.url = self.metadata = ""
        world = self.connector.world
        self.kim = world.add_person(TeamsPerson(KIM_MRI, KIM, "김담당", TENANT, "kim@example.com"))
        self.lee = world.add_person(TeamsPerson(LEE_MRI, LEE, "이요청", TENANT, "lee@example.com"))
        both = [KIM_MRI, LEE_MRI]
        world.conversations[PERSONAL] = TeamsConversation(PERSONAL, TENANT, "personal", members=[KIM_MRI])
        world.add_channel(CHANNEL, "장애알림", tenant=TENANT, team=TEAM, team_name="IT", members=both)
        world.add_channel(TEAM, "General", tenant=TENANT, team=TEAM, team_name="IT", members=both)
        world.add_group_chat(GROUP, tenant=TENANT, members=both)

    @property
    def service_url(self) -> str:
        return self.connector.service_url(TENANT)

    def settings(self, own_tenants: tuple[str, ...] = (), **teams: Any) -> Settings:
        known = {
            "app_id": APP_ID,
            "tenant_id": TENANT,
            "service_hosts": ("127.0.0.1",),
            "open_id_metadata": self.metadata,
        }
        own = OrganisationSettings(teams_tenants=own_tenants)
        return Settings(msteams=TeamsSettings(**(known | teams)), base_url="https://desk.example.com", organisation=own)

    def own_connector(self, settings: Settings) -> Connector:
        return Connector(settings.msteams, self.session, BotCredentials(settings.msteams, static_token=BOT_TOKEN))

    def notifier(self, **teams: Any) -> TeamsNotifier:
        settings = self.settings(**teams)
        return TeamsNotifier(settings, self.people, self.book, self.session, connector=self.own_connector(settings))

    def door(self, **teams: Any) -> TeamsDoor:
        async def place(view: TicketCard, ref: MessageRef) -> None:
            self.placed.append((view, ref))

        settings = self.settings(**teams)
        return TeamsDoor(
            settings,
            self.desk,
            self.people,
            self.book,
            self.session,
            self.seen,
            lambda: datetime.now(UTC),
            connector=self.own_connector(settings),
            placed=place,
            threads=self.threads,
        )

    async def send(self, body: Any, *, authorization: str | None = "", **headers: str) -> tuple[int, Any]:
        """Status and JSON of the door's answer. ``authorization`` "" is a good token, None is none."""
        if authorization == "":
            authorization = f"Bearer {self.issuer.token(self.service_url)}"
        headers = {"Content-Type": "application/json"} | headers
        if authorization is not None:
            headers["Authorization"] = authorization
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        async with self.session.post(f"{self.url}/api/messages", data=data, headers=headers) as answer:
            text = await answer.text()
        said = json.loads(text) if text else None
        if answer.status == 200 and isinstance(body, dict) and body["type"] == "invoke":
            assert said is None or not invoke_problems(str(body["name"]), said)
        return answer.status, said

    def message(self, text: str | None, **changes: Any) -> dict[str, Any]:
        return activity(self.service_url, text=text, **changes)

    def click(self, data: Any, **changes: Any) -> dict[str, Any]:
        return activity(self.service_url, text=None, value=data, replyToId="1763999999999", **changes)

    def invoke(self, name: str, value: Any, **changes: Any) -> dict[str, Any]:
        return activity(self.service_url, type="invoke", name=name, value=value, text=None, **changes)

    def in_channel(self) -> dict[str, Any]:
        """Below a new message of Kim's in the channel."""
        world = self.connector.world
        root = world.post(world.conversations[CHANNEL], KIM_MRI, {"type": "message", "text": "?"})
        place = {"conversationType": "channel", "tenantId": TENANT, "id": f"{CHANNEL};messageid={root.id}"}
        return {"conversation": place}

    def posted(self, conversation: str) -> list[Posted]:
        """What the bot wrote there, oldest first."""
        found = self.connector.world.conversations[conversation].activities.values()
        return [entry for entry in found if entry.sender == BOT]

    def said(self, conversation: str = PERSONAL) -> list[str]:
        return [entry.activity["summary"] for entry in self.posted(conversation)]


@asynccontextmanager
async def stage(signs: Issuer | None = None, **teams: Any) -> AsyncIterator[Stage]:
    """``teams``: settings of the door that differ from the usual ones. At its end the bot must have done no wrong."""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=15)) as session, AsyncExitStack() as stack:
        made = Stage(session, signs or issuer())
        made.metadata = await stack.enter_async_context(served(made.issuer.app())) + METADATA_PATH
        made.connector.base_url = await stack.enter_async_context(served(made.connector.app()))
        made.opened, app = made.door(**teams), web.Application()
        made.opened.add_routes(app)
        made.url = await stack.enter_async_context(served(app))
        await made.opened.start()
        try:
            yield made
        finally:
            await made.opened.close()
        assert not made.connector.violations
