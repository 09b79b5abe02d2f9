"""The App Home: what waits for whom, kept up to date without a storm of calls."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

import blocks
from bot.demo.faults import FaultKind
from bot.slack import homes
from core import commands as c
from core.config.settings import Settings
from core.desk.home import Homes, is_about_to_breach
from core.desk.policy import DeskPolicy
from core.i18n import Words
from core.model import Priority, Status, Ticket
from core.views import HOME_COUNTED
from tests.conftest import SetClock
from tests.slack_desk import KIM, LEE, SlackDesk, slack_desk
from tests.slack_office import until


@pytest.fixture
async def place(clock: SetClock, database_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[SlackDesk]:
    monkeypatch.setattr(homes, "GAP_SECONDS", 0.3)
    monkeypatch.setattr(homes, "_COLLECT_SECONDS", 0.01)
    async with slack_desk(clock, database_url, notifications=()) as made:
        yield made


def shown(place: SlackDesk, user: str = "U0KIM") -> str:
    return str(place.home(user).content["blocks"])


def published(place: SlackDesk) -> int:
    return len(place.calls("views.publish"))


def titles(place: SlackDesk, user: str = "U0KIM") -> list[str]:
    """The titles in the order of the home, whatever part they are in."""
    sections = [block for block in place.home(user).content["blocks"] if block["type"] == "section"]
    return [section["text"]["text"].split("\n")[0].split("  ", 1)[1] for section in sections]


async def test_a_home_shows_my_tickets_my_teams_and_what_is_about_to_breach(place: SlackDesk) -> None:
    await place.opened("mine", KIM, priority=Priority.LOW)
    await place.opened("of the team", team="net", priority=Priority.LOW)
    await place.opened("urgent", team="net", priority=Priority.CRITICAL)
    await place.opened("of others", LEE, priority=Priority.CRITICAL)
    done = await place.opened("done", KIM)
    await place.desk.work.execute(done.id, c.Resolve("ok"), KIM, "api")
    assert (await place.person().open_home()).ok
    assert titles(place) == ["mine", "urgent", "of the team", "urgent"]
    assert "내 티켓" in shown(place)
    assert Words("ko").text("home.on_call") not in shown(place)
    assert not place.wrongs()


async def test_who_has_no_team_sees_what_is_about_to_breach_anywhere(place: SlackDesk) -> None:
    await place.opened("urgent", team="net", priority=Priority.CRITICAL)
    await place.person("U0LEE").open_home()
    assert titles(place, "U0LEE") == ["urgent"]
    assert Words("en").text("list.team") not in shown(place, "U0LEE")
    assert not place.wrongs()


async def test_pages_turn_in_place(place: SlackDesk) -> None:
    for number in range(12):
        await place.opened(f"ticket {number}", LEE, priority=Priority.LOW)
    lee = place.person("U0LEE")
    await lee.open_home()
    assert titles(place, "U0LEE") == [f"ticket {number}" for number in (11, 10, 9, 8, 7)]
    assert "1–5 of 12" in shown(place, "U0LEE")
    await lee.click_in_view(place.home("U0LEE").id, "home_page_2")
    await lee.click_in_view(place.home("U0LEE").id, "home_page_2")
    assert titles(place, "U0LEE") == ["ticket 1", "ticket 0"]
    await lee.click_in_view(place.home("U0LEE").id, "home_page_1")
    assert "6–10 of 12" in shown(place, "U0LEE")
    assert not place.wrongs()


async def test_the_last_page_is_shown_when_a_page_has_gone(place: SlackDesk) -> None:
    made = [await place.opened(f"ticket {number}", LEE, priority=Priority.LOW) for number in range(6)]
    lee = place.person("U0LEE")
    await lee.open_home()
    await lee.click_in_view(place.home("U0LEE").id, "home_page_2")
    assert titles(place, "U0LEE") == ["ticket 0"]
    await place.desk.work.execute(made[0].id, c.Resolve("ok"), LEE, "api")
    await until(lambda: len(titles(place, "U0LEE")) == 5)


async def test_a_ticket_is_shown_and_worked_on_from_the_home(place: SlackDesk) -> None:
    await place.opened("VPN", team="net", priority=Priority.LOW)
    kim = place.person()
    await kim.open_home()
    await kim.click_in_view(place.home().id, "show")
    assert "VPN" in str(place.modal().content["blocks"])
    await kim.click_in_view(place.modal().id, "assign_to_me")
    assert "김담당" in str(place.modal().content["blocks"])
    await kim.click_in_view(place.modal().id, "resolve")
    assert place.modal().content["callback_id"] == "resolve"
    answer = await kim.submit(place.modal().id, {"resolution": {"value": "restarted"}})
    assert answer.body["response_action"] == "update"
    assert (await place.desk.ticket(1)).status is Status.RESOLVED
    assert not place.wrongs()


async def test_a_refusal_is_said_where_the_click_was(place: SlackDesk) -> None:
    ticket = await place.opened("VPN", team="net", priority=Priority.LOW)
    kim = place.person()
    await kim.open_home()
    await kim.click_in_view(place.home().id, "show")
    await place.desk.work.execute(ticket.id, c.Assign(LEE.ref), LEE, "api")
    await kim.click_in_view(place.modal().id, "assign_to_me")
    assert "⚠️" in str(place.modal().content["blocks"])
    assert "Lee" in str(place.modal().content["blocks"])
    assert not place.slack.workspace.ephemerals


async def test_the_new_ticket_button_opens_the_form_at_once(place: SlackDesk) -> None:
    kim = place.person()
    await kim.open_home()
    await kim.click_in_view(place.home().id, "create")
    assert place.modal().content["callback_id"] == "create"
    await kim.submit(place.modal().id, {"title": {"value": "노트북 신청"}})
    assert [ticket.title for ticket in await place.tickets()] == ["노트북 신청"]
    assert not place.wrongs()


async def test_a_home_follows_the_tickets_that_it_shows_or_would_show(place: SlackDesk) -> None:
    await place.person().open_home()
    await place.opened("new for the team", team="net", priority=Priority.LOW)
    await until(lambda: titles(place) == ["new for the team"])
    await place.desk.work.execute(1, c.Prioritize(Priority.HIGH), LEE, "api")
    await until(lambda: Words("ko").name(Priority.HIGH) in shown(place))
    await place.desk.work.execute(1, c.Resolve("ok"), LEE, "api")
    await until(lambda: titles(place) == [])
    assert not place.wrongs()


async def test_what_concerns_nobody_who_looks_costs_no_call(place: SlackDesk) -> None:
    await place.person().open_home()
    before = published(place)
    for _ in range(5):
        await place.opened("of others", LEE, team="other", priority=Priority.LOW)
    await place.opened("of the team", team="net", priority=Priority.LOW)
    await until(lambda: titles(place) == ["of the team"])
    assert published(place) == before + 1


async def test_a_storm_of_changes_becomes_a_trickle_of_calls(place: SlackDesk) -> None:
    await place.person().open_home()
    started = time.monotonic()
    for number in range(40):
        await place.opened(f"alert {number}", team="net", priority=Priority.LOW)
    await until(lambda: "40건" in shown(place))
    passed = time.monotonic() - started
    assert published(place) <= 2 + passed / 0.3
    assert not place.wrongs()


async def test_who_has_not_looked_for_a_day_is_left_alone(place: SlackDesk) -> None:
    await place.person().open_home()
    await place.person("U0LEE").open_home()
    place.advance(hours=23)
    await place.person("U0LEE").open_home()
    place.advance(hours=2)
    before = published(place)
    await place.opened("both", LEE, team="net", priority=Priority.LOW)
    await until(lambda: titles(place, "U0LEE") == ["both"])
    assert titles(place) == []
    assert published(place) == before + 1


async def test_a_home_that_slack_will_not_take_now_is_shown_later(place: SlackDesk) -> None:
    await place.person().open_home()
    place.slack.stand_in.faults.add("views.publish", FaultKind.RATE_LIMITED, retry_after=1)
    await place.opened("of the team", team="net", priority=Priority.LOW)
    await until(lambda: titles(place) == ["of the team"])


async def test_the_newest_home_stays_whoever_publishes(place: SlackDesk) -> None:
    """Another process has shown this person something meanwhile: what we show then is read anew."""
    kim = place.person()
    await kim.open_home()
    other = blocks.home(await Homes(place.desk).home(KIM, {}), Words("ko"))
    await place.slack.web.views_publish(user_id="U0KIM", view=other)
    await place.opened("of the team", team="net", priority=Priority.LOW)
    await until(lambda: titles(place) == ["of the team"])
    hashes = [call.get("hash") for call in place.calls("views.publish")]
    assert hashes[-1] is None
    assert hashes[-2] is not None
    await place.desk.work.execute(1, c.Prioritize(Priority.HIGH), LEE, "api")
    await until(lambda: place.calls("views.publish")[-1].get("hash"))


async def test_the_messages_tab_is_not_the_home(place: SlackDesk) -> None:
    event: dict[str, Any] = {"type": "app_home_opened", "user": "U0KIM", "tab": "messages", "channel": "D1"}
    assert (await place.person()._tell(event)).ok
    assert published(place) == 0


def test_about_to_breach_is_within_two_hours_or_risky(clock: SetClock) -> None:
    policy, opened = DeskPolicy(Settings()), clock.now()
    ticket = policy.sla.start(Ticket(1, "t", opened, opened, priority=Priority.HIGH), opened)
    assert ticket.sla.resolution_due is not None
    answered = policy.sla.follow(ticket, ticket, opened, responded=True)
    assert is_about_to_breach(ticket, opened, policy)  # the first answer is due in half an hour
    assert not is_about_to_breach(answered, opened, policy)
    assert is_about_to_breach(answered, ticket.sla.resolution_due - timedelta(hours=1), policy)


async def test_a_home_with_five_hundred_tickets_is_made_in_no_time(place: SlackDesk) -> None:
    await asyncio.gather(*(place.opened(f"ticket {n}", KIM, team="net", priority=Priority.HIGH) for n in range(500)))
    source, words = Homes(place.desk), Words("ko", "Asia/Seoul")
    took, view = [], {}
    for _ in range(5):
        started = time.perf_counter()
        view = blocks.home(await source.home(KIM, {}), words)
        took.append(time.perf_counter() - started)
    assert min(took) < 0.05
    assert "전체 500건" in str(view)
    assert HOME_COUNTED > 500
