"""``check --online`` says of every channel, person and conversation that cannot be told what is wrong with it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot.demo.faults import FaultKind
from bot.demo.slack_records import SlackPerson
from bot.online import check_online, places
from bot.slack.manifest import BOT_SCOPES
from bot.teams import reach
from core.config.settings import Settings
from core.conversations import Conversation
from core.desk.people import Conversations
from core.store.database import Database, connect
from core.store.upgrade import upgrade
from tests.conftest import SetClock
from tests.stand_in_slack import SECRET, Slack

PEOPLE = [
    {"id": "kim", "name": "Kim", "slack": "U0KIM"},
    {"id": "gone", "name": "Gone", "slack": "U0GONE"},
    {"id": "nobody", "name": "Nobody", "slack": "U0NOBODY"},
]


@pytest.fixture
async def slack() -> AsyncIterator[Slack]:
    made = Slack(scopes=BOT_SCOPES)
    made.workspace.add_channel("old", id="C0OLD").archived = True
    made.workspace.add_person(SlackPerson("U0GONE", "gone", "Gone", deleted=True))
    await made.start()
    yield made
    await made.stop()


def settings(slack: Slack, folder: Path, *to: str, **more: Any) -> Settings:
    rule = {"name": "r", "on": ["ticket.created"], "to": [f"slack:{name}" for name in to]}
    return Settings.model_validate(
        {
            "slack": {"bot_token": "xoxb-demo", "signing_secret": SECRET, "api_url": f"{slack.url}/api/"},
            "database": {"url": f"sqlite:///{folder / 'd.db'}"},
            "notifications": [rule],
            "audiences": {"desk": ["slack:#it-support"]},
            "people": PEOPLE[:1],
            **more,
        }
    )


async def said(made: Settings) -> list[str]:
    return [str(problem) for problem in await check_online(made)]


async def test_what_can_be_told_is_fine(slack: Slack, tmp_path: Path) -> None:
    assert await said(settings(slack, tmp_path, "#it-support", "C0DESK")) == []


async def test_each_channel_that_cannot_be_told_says_why_and_what_to_do(slack: Slack, tmp_path: Path) -> None:
    told = await said(settings(slack, tmp_path, "#nowhere", "#old", "#random", "C0OLD", "C0HIDDEN"))
    assert [line.split(";")[0] for line in told] == [
        "notifications[0].to[0]: Slack shows the bot no channel #nowhere",
        "notifications[0].to[1]: the channel #old is archived",
        "notifications[0].to[2]: the bot is not in the channel #random",
        "notifications[0].to[3]: the channel C0OLD is archived",
        "notifications[0].to[4]: Slack shows the bot no channel C0HIDDEN",
    ]
    assert all("; " in line for line in told)


async def test_people_who_left_or_never_were_are_named(slack: Slack, tmp_path: Path) -> None:
    assert [line.split(";")[0] for line in await said(settings(slack, tmp_path, people=PEOPLE))] == [
        "people[1].slack: U0GONE is deactivated in Slack",
        "people[2].slack: Slack knows nobody as U0NOBODY",
    ]


async def test_scopes_that_are_missing_are_named(tmp_path: Path) -> None:
    slack = Slack(scopes=[scope for scope in BOT_SCOPES if scope not in ("im:write", "links:read")])
    await slack.start()
    try:
        (problem,) = await check_online(settings(slack, tmp_path, "#it-support"))
        assert (problem.level, problem.message) == ("warning", "the bot has no scope im:write, links:read")
    finally:
        await slack.stop()


async def test_what_slack_would_not_say_is_no_error(slack: Slack, tmp_path: Path) -> None:
    slack.stand_in.faults.add("conversations.list", FaultKind.REFUSED, code="missing_scope")
    (problem,) = await check_online(settings(slack, tmp_path, "#it-support"))
    assert (problem.level, problem.hint) == ("warning", "grant the scope and install the app again")


async def test_teams_conversations_are_judged_by_what_was_last_heard(tmp_path: Path, clock: SetClock) -> None:
    url = f"sqlite:///{tmp_path / 'd.db'}"
    made = Settings.model_validate(
        {
            "notifications": [{"name": "r", "on": ["ticket.created"], "to": ["teams:19:a", "teams:19:b;messageid=1"]}],
            "notifications_fallback": ["teams:19:new"],
            "people": [{"id": "kim", "name": "Kim", "teams": "x"}, {"id": "lee", "name": "Lee", "teams": "y"}],
        }
    )
    engine = connect(url)
    wanted = places(made, "teams")
    assert [problem.level for problem in reach.check_reach(made, engine, wanted)] == ["warning"] * 3
    upgrade(engine)
    database = Database(engine)
    database.start()
    book = Conversations(database, clock)
    for name, person in (("19:a", None), ("19:b", None), ("a:1", "kim"), ("a:2", "lee")):
        kind = "personal" if person else "channel"
        await book.remember(Conversation(name, "t", "https://smba.example/", kind, person=person))
    for name in ("19:b", "a:2"):
        await book.mark_dead(name, "BotNotInConversationRoster")
    told = [(problem.level, problem.key, problem.message) for problem in reach.check_reach(made, engine, wanted)]
    await database.close()
    assert told == [
        ("error", "notifications[0].to[1]", "Teams takes nothing for this conversation: BotNotInConversationRoster"),
        ("warning", "notifications_fallback[0]", "the bot has not heard from this conversation yet"),
        ("error", "people[1].teams", "Teams takes no message for lee: BotNotInConversationRoster"),
    ]
