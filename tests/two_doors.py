"""One desk behind its two real doors, and one pair of hands for each: signed requests of Slack, activities of Teams."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import aiohttp

from bot.app import Service, build
from bot.demo.connector import ConnectorStandIn
from bot.demo.issuer import METADATA_PATH, Issuer
from bot.demo.slack_person import HttpDoor, SlackUser
from bot.demo.slack_state import SlackApp
from bot.demo.teams_person import TeamsDoor as WayIntoTeams
from bot.demo.teams_person import TeamsUser, card_of, find_action
from bot.demo.teams_records import Posted, TeamsPerson
from bot.teams.connector import Connector
from bot.teams.credentials import BotCredentials
from bot.teams.door import TeamsDoor
from bot.teams.notifier import TeamsNotifier
from core.config.settings import Settings, TeamsSettings
from core.desk.desk import Desk
from core.i18n import Words
from core.model import Ticket
from core.store.queries import TicketFilter
from tests.conftest import SetClock
from tests.running_service import serving
from tests.slack_office import until
from tests.stand_in_slack import SECRET, Slack
from tests.teams_fakes import APP_ID, BOT_TOKEN, TENANT, issuer, served

BASE = "https://desk.example.com"
CHANNEL, TEAM = "19:desk@thread.tacv2", "19:team@thread.tacv2"
# In Slack and in Teams: who acts, and a colleague who is written to or wrote something.
PEOPLE = [
    {"id": "kim", "name": "Kim Minji", "slack": "U0KIM", "team": "net", "language": "en"},
    {"id": "lee", "name": "Lee Jiwon", "slack": "U0LEE", "team": "net", "language": "en"},
    {"id": "cruz", "name": "Dana Cruz", "teams": "aad-cruz", "teams_mri": "29:cruz", "team": "net", "language": "en"},
    {"id": "park", "name": "Alex Park", "teams": "aad-park", "teams_mri": "29:park", "team": "net", "language": "en"},
]
WORDS = Words("en")


class Hand(ABC):
    """What one person can do on one platform. ``me`` and ``colleague`` are Deskbell's ids."""

    platform: str
    me: str
    colleague: str

    def __init__(self, place: TwoDoors) -> None:
        self.place, self.desk = place, place.service.desk

    async def newest(self) -> Ticket:
        return (await self.desk.tickets(TicketFilter()))[0][0]

    async def settled(self, ticket: Ticket) -> None:
        """Until all that the desk has to tell of the ticket is told: whose thread a card heads is known then."""
        for _ in range(300):
            if all(notice.state not in ("waiting", "sending") for notice, _ in await self.desk.deliveries(ticket.id)):
                return
            await asyncio.sleep(0.01)
        raise AssertionError(f"the news of #{ticket.id} do not end")

    @abstractmethod
    async def command(self, text: str) -> str:
        """Type a command; what the answer says. ``@colleague`` in it is a mention of the colleague."""

    @abstractmethod
    async def plain(self, text: str) -> None:
        """Mention the bot in the desk's channel and say something that is no command."""

    @abstractmethod
    async def press(self, ticket: Ticket, verb: str) -> None:
        """A button of the ticket's live card in the desk's channel."""

    @abstractmethod
    async def below(self, ticket: Ticket, text: str) -> None:
        """A reply below the ticket's card in the desk's channel."""

    @abstractmethod
    async def fill(self, ticket: Ticket | None, verb: str, fields: Mapping[str, str]) -> None:
        """A button that opens a form, and the form sent off; without a ticket the form of a new one."""

    @abstractmethod
    async def refused_form(self, verb: str, fields: Mapping[str, str]) -> str:
        """What the form of a new ticket says when it is sent off with something wrong in it."""

    @abstractmethod
    async def from_message(self, text: str) -> None:
        """The colleague writes a message, and from its menu it becomes a ticket."""

    @abstractmethod
    async def queue(self) -> str:
        """Everything that one's own queue shows."""

    @abstractmethod
    async def turned(self) -> str:
        """The second page of one's own tickets."""

    @abstractmethod
    async def link(self, ticket: Ticket) -> str:
        """What is shown below a link to the ticket."""

    @abstractmethod
    async def card(self, ticket: Ticket) -> str:
        """The ticket's live card in the desk's channel, once it says where the ticket stands now."""


class SlackHand(Hand):
    platform, me, colleague = "slack", "kim", "lee"
    _user, _colleague = "U0KIM", "U0LEE"

    @property
    def _person(self) -> SlackUser:
        return self.place.slack_user(self._user)

    async def command(self, text: str) -> str:
        answer = await self._person.command(
            "/ticket", text.replace("@colleague", f"<@{self._colleague}>"), "it-support"
        )
        return str(answer.body)

    async def plain(self, text: str) -> None:
        await self._person.say(f"<@U0DESKBELL> {text}", "it-support")

    async def press(self, ticket: Ticket, verb: str) -> None:
        await self._click(ticket, verb)

    async def _click(self, ticket: Ticket, verb: str) -> None:
        ts = await self._card(ticket, verb)
        blocks = self.place.slack.desk.messages[ts].blocks
        for element in (element for block in blocks for element in block.get("elements", ()) if "action_id" in element):
            if element["action_id"] == verb:
                await self._person.click("it-support", ts, verb)
                return
            for option in element.get("options", ()):
                if f'"do":"{verb}"' in option["value"]:
                    await self._person.click("it-support", ts, element["action_id"], option["value"])
                    return
        raise LookupError(f"no {verb} on the card of #{ticket.id}")

    async def _card(self, ticket: Ticket, verb: str = "") -> str:
        def found() -> list[str]:
            messages = self.place.slack.desk.messages.values()
            cards = [each for each in messages if each.bot_id and each.thread_ts in (None, each.ts)]
            return [
                each.ts for each in cards if f'"ticket":{ticket.id},' in str(each.blocks) and verb in str(each.blocks)
            ]

        await until(found)
        return found()[-1]

    async def below(self, ticket: Ticket, text: str) -> None:
        card = await self._card(ticket)
        await self.settled(ticket)
        await self._person.say(text, "it-support", card)

    async def fill(self, ticket: Ticket | None, verb: str, fields: Mapping[str, str]) -> None:
        if ticket is None:
            await self.command(verb)
        else:
            await self._click(ticket, verb)
        await self._submit(fields)

    async def refused_form(self, verb: str, fields: Mapping[str, str]) -> str:
        await self.command(verb)
        return str(await self._submit(fields))

    async def _submit(self, fields: Mapping[str, str]) -> Any:
        stack = self.place.slack.stand_in.modals.stacks[self._user]
        await until(lambda: stack and stack[-1].content.get("submit"))
        view = stack[-1]
        answers: dict[str, dict[str, object]] = {}
        for block in (each for each in view.content["blocks"] if each.get("block_id") in fields):
            given: object = fields[block["block_id"]]
            if block["element"]["type"] == "users_select":
                given = self._colleague
            elif "multi" in block["element"]["type"]:
                given = [given]
            answers[block["block_id"]] = {block["element"]["action_id"]: given}
        assert set(answers) == set(fields)
        answer = await self._person.submit(view.id, answers)
        return answer.body

    async def from_message(self, text: str) -> None:
        said = await self.place.slack_user(self._colleague).say(text, "it-support")
        await self._person.shortcut("create_from_message", "it-support", said.ts)
        await self._submit({})

    async def queue(self) -> str:
        await self._person.open_home()
        return str(self.place.slack.stand_in.modals.homes[self._user].content["blocks"])

    async def turned(self) -> str:
        await self._person.open_home()
        home = self.place.slack.stand_in.modals.homes[self._user]
        before = str(home.content["blocks"])
        await self._person.click_in_view(home.id, "home_page_2")
        await until(lambda: str(self.place.slack.stand_in.modals.homes[self._user].content["blocks"]) != before)
        return str(self.place.slack.stand_in.modals.homes[self._user].content["blocks"])

    async def link(self, ticket: Ticket) -> str:
        said = await self._person.say(f"see <{BASE}/tickets/{ticket.id}>", "it-support")
        return str(said.attachments)

    async def card(self, ticket: Ticket) -> str:
        now = await self.desk.ticket(ticket.id)
        ts = await self._card(ticket)
        messages = self.place.slack.desk.messages
        await until(lambda: f'"v":{now.version}' in str(messages[ts].blocks) or not now.status.is_open)
        return str(messages[ts].blocks)


class TeamsHand(Hand):
    platform, me, colleague = "teams", "cruz", "park"

    @property
    def _person(self) -> TeamsUser:
        return self.place.teams_user("29:cruz")

    async def command(self, text: str) -> str:
        before = len(self._person.chat.activities)
        if "@colleague" in text:
            await self._mentioning(text)
        else:
            await self._person.say(text)
        said = list(self._person.chat.activities.values())[before:]
        return str([posted.activity for posted in said if posted.sender != self._person.id])

    async def _mentioning(self, text: str) -> None:
        tag = "<at>Alex Park</at>"
        mention = {"type": "mention", "mentioned": {"id": "29:park", "name": "Alex Park"}, "text": tag}
        await self.place.teams_message(self._person.chat.id, text.replace("@colleague", tag), [mention])

    async def plain(self, text: str) -> None:
        await self._person.say(text, CHANNEL, mention=True)

    async def press(self, ticket: Ticket, verb: str) -> None:
        posted = await self._posted(ticket, verb)
        answer = await self._person.press(CHANNEL, posted.id, self._button(posted, verb))
        assert answer.ok

    async def _posted(self, ticket: Ticket, verb: str = "refresh") -> Posted:
        def found() -> list[Posted]:
            activities = self.place.teams.world.conversations[CHANNEL].activities.values()
            return [each for each in activities if _shows(each, ticket.id, verb)]

        await until(found)
        return found()[-1]

    @staticmethod
    def _button(posted: Posted, verb: str) -> Any:
        return find_action(card_of(posted.activity), WORDS.text(f"action.{verb}"))

    async def below(self, ticket: Ticket, text: str) -> None:
        posted = await self._posted(ticket)
        await self.settled(ticket)
        await self._person.say(text, CHANNEL, root=posted.id)

    async def fill(self, ticket: Ticket | None, verb: str, fields: Mapping[str, str]) -> None:
        task = await self._dialog(ticket, verb, fields)
        assert task["type"] == "message", task

    async def refused_form(self, verb: str, fields: Mapping[str, str]) -> str:
        return str(await self._dialog(None, verb, fields))

    async def _dialog(self, ticket: Ticket | None, verb: str, fields: Mapping[str, str]) -> Any:
        if ticket is None:
            opened = await self._person.open_command("createTicket")
        else:
            posted = await self._posted(ticket, verb)
            opened = await self._person.press(CHANNEL, posted.id, self._button(posted, verb))
        card = opened.body["task"]["value"]["card"]["content"]
        data = self._filled(card, fields)
        answer = await self._person.submit_dialog(data)
        return answer.body["task"]

    @staticmethod
    def _filled(card: Any, fields: Mapping[str, str]) -> dict[str, Any]:
        inputs = {each["id"]: each.get("value") for each in card["body"] if each["type"].startswith("Input.")}
        assert set(fields) <= set(inputs)
        given = {name: value for name, value in {**inputs, **fields}.items() if value is not None}
        return {**card["actions"][0]["data"], **given}

    async def from_message(self, text: str) -> None:
        said = await self.place.teams_user("29:park").say(text, CHANNEL)
        opened = await self._person.open_command("createTicket", said)
        data = self._filled(opened.body["task"]["value"]["card"]["content"], {})
        await self._person.submit_command("createTicket", data)

    async def queue(self) -> str:
        return await self.command("overview")

    async def turned(self) -> str:
        await self.command("overview")
        posted = list(self._person.chat.activities.values())[-1]
        await self._person.press(
            self._person.chat.id, posted.id, WORDS.text("overview.next", part=WORDS.text("list.mine"))
        )
        return str(posted.activity)

    async def link(self, ticket: Ticket) -> str:
        answer = await self._person.invoke(
            "composeExtension/queryLink", {"url": f"{BASE}/tickets/{ticket.id}"}, CHANNEL
        )
        return str(answer.body)

    async def card(self, ticket: Ticket) -> str:
        now = await self.desk.ticket(ticket.id)
        posted = await self._posted(ticket)
        await until(lambda: f"'v': {now.version}" in str(posted.activity) or not now.status.is_open)
        return str(posted.activity)


def _shows(posted: Posted, ticket: int, verb: str) -> bool:
    said = str(posted.activity)
    return posted.root in ("", posted.id) and f"'ticket_id': {ticket}," in said and verb in said and "refresh" in said


class TwoDoors:
    def __init__(self, service: Service, url: str, slack: Slack, teams: ConnectorStandIn, signs: Issuer) -> None:
        self.service, self.url, self.slack, self.teams, self._signs = service, url, slack, teams, signs
        self.hands: tuple[Hand, ...] = (SlackHand(self), TeamsHand(self))

    @property
    def desk(self) -> Desk:
        return self.service.desk

    def slack_user(self, user: str) -> SlackUser:
        door = HttpDoor(self.slack.stand_in, self.slack.session, f"{self.url}/slack/events", SECRET)
        return SlackUser(self.slack.stand_in, user, door)

    def teams_user(self, user: str) -> TeamsUser:
        return TeamsUser(self.teams, user, WayIntoTeams(self.slack.session, f"{self.url}/api/messages", self._signs))

    async def teams_message(self, conversation: str, text: str, entities: list[dict[str, Any]]) -> None:
        """A message of Dana Cruz with mentions of people."""
        world = self.teams.world
        place = world.conversations[conversation]
        posted = world.post(place, "29:cruz", {"type": "message", "text": text})
        url = self.teams.service_url(TENANT)
        told = {
            "type": "message", "id": posted.id, "serviceUrl": url, "channelId": "msteams", "text": text,
            "from": {"id": "29:cruz", "name": "Dana Cruz", "aadObjectId": "aad-cruz"},
            "recipient": {"id": world.bot_id, "name": world.bot_name}, "entities": entities,
            "conversation": {"id": place.id, "conversationType": place.kind, "tenantId": TENANT},
            "channelData": {"tenant": {"id": TENANT}},
        }  # fmt: skip
        await WayIntoTeams(self.slack.session, f"{self.url}/api/messages", self._signs).deliver(told)

    def wrongs(self) -> list[Any]:
        return [*self.slack.stand_in.violations, *self.teams.violations]


@asynccontextmanager
async def two_doors(clock: SetClock, database_url: str, **more: Any) -> AsyncIterator[TwoDoors]:
    slack, teams = Slack(app=SlackApp(unfurl_domains=("desk.example.com",))), ConnectorStandIn(APP_ID, token=BOT_TOKEN)
    slack.clock.now = clock.now().timestamp()
    teams.world.reads_along = True
    _people(teams)
    await slack.start()
    async with AsyncExitStack() as stack:
        stack.push_async_callback(slack.stop)
        metadata = await stack.enter_async_context(served(issuer().app())) + METADATA_PATH
        teams.base_url = await stack.enter_async_context(served(teams.app()))
        settings = _settings(database_url, slack.url, metadata, more)
        service = build(settings.model_copy(update={"msteams": TeamsSettings()}), clock)
        session = await stack.enter_async_context(aiohttp.ClientSession())
        _open_teams(service, settings, session)
        running = await stack.enter_async_context(serving(service))
        made = TwoDoors(service, running.url, slack, teams, issuer())
        await made.teams_user("29:cruz").add_bot(CHANNEL)
        yield made


def _people(teams: ConnectorStandIn) -> None:
    for id, name in (("cruz", "Dana Cruz"), ("park", "Alex Park")):
        person = teams.world.add_person(TeamsPerson(f"29:{id}", f"aad-{id}", name, TENANT))
        teams.world.personal_chat(person)
    members = ["29:cruz", "29:park"]
    teams.world.add_channel(CHANNEL, "desk", tenant=TENANT, team=TEAM, team_name="IT", members=members)


def _settings(database_url: str, slack: str, metadata: str, more: Mapping[str, Any]) -> Settings:
    return Settings.model_validate(
        {
            "base_url": BASE,
            "database": {"url": database_url},
            "server": {"drain": 1},
            "people": PEOPLE,
            "teams": {"net": {"name": "Network", "lead": "lee"}},
            "systems": [{"name": "vpn", "team": "net", "experts": ["lee"]}],
            "audiences": {"desk": ["slack:#it-support", f"teams:{CHANNEL}"]},
            "slack": {
                "bot_token": "xoxb-demo", "signing_secret": SECRET, "api_url": f"{slack}/api/",
                "per_channel_rate": 1000, "per_channel_burst": 1000,
            },
            "msteams": {
                "app_id": APP_ID, "tenant_id": TENANT, "service_hosts": ["127.0.0.1"], "open_id_metadata": metadata,
            },
            "notifications_storm": {"cards": 100_000},
            **more,
        }
    )  # fmt: skip


def _open_teams(service: Service, settings: Settings, session: aiohttp.ClientSession) -> None:
    """As the service does it, but with a token of the bot that does not come from Microsoft."""
    desk, teams = service.desk, settings.msteams
    connector = Connector(teams, session, BotCredentials(teams, static_token=BOT_TOKEN))
    now: Callable[[], Any] = desk.clock.now
    door = TeamsDoor(
        settings, service.dispatch, desk.people, desk.conversations, session, desk.seen, now,
        connector=connector, placed=desk.keep_shown, threads=desk.notes,
    )  # fmt: skip
    door.add_routes(service.web)
    service.doors.append(door)
    service.notifiers["teams"] = TeamsNotifier(settings, desk.people, desk.conversations, session, connector=connector)
