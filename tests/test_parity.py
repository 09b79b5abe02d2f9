"""Whatever a person can do with a ticket in Slack, a person can do in Teams, with the same effect."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from bot.commands.registry import COMMANDS
from core.lifecycle import VERBS
from core.model import PersonRef, Ticket
from core.outbox import delivery
from core.outbox.limits import Limit
from core.views import CARD_ACTIONS
from tests.conftest import SetClock
from tests.parity import ITEMS, Item
from tests.two_doors import Hand, TwoDoors, two_doors

PAGE = Path(__file__).parents[1] / "docs" / "parity.md"
BEGIN, END = "<!-- the list of tests/parity.py -->", "<!-- end of the list -->"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def doors(tmp_path_factory: pytest.TempPathFactory, empty_database: Path) -> AsyncIterator[TwoDoors]:
    """One desk for all items: each makes tickets of its own."""
    path = tmp_path_factory.mktemp("parity") / "deskbell.db"
    shutil.copyfile(empty_database, path)
    with pytest.MonkeyPatch.context() as patch:
        # What real platforms allow in a minute is not enough for all that happens here in seconds.
        patch.setattr(delivery, "SLACK_EDIT", Limit(1000.0, 1000))
        patch.setattr(delivery, "TEAMS_CONVERSATION", Limit(1000.0, 1000))
        async with two_doors(SetClock(), f"sqlite:///{path}") as made:
            await made.hands[0].command("create First of all")
            yield made


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("item", ITEMS, ids=lambda item: item.what)
async def test_both_doors_do_the_same(doors: TwoDoors, item: Item) -> None:
    done = {hand.platform: await _done(hand, item) for hand in doors.hands}
    assert done["slack"] == done["teams"]
    values, events, _ = done["slack"]
    assert {name: values[name] for name in item.effect} == item.effect
    assert events == item.events
    assert not doors.wrongs()


async def _done(hand: Hand, item: Item) -> tuple[dict[str, Any], tuple[str, ...], bool]:
    """The ticket and its new history afterwards, with the people by their part in it."""
    await hand.command(f"create Seed of {hand.platform}")
    ticket = await hand.newest()
    for command in item.first:
        await hand.command(command.format(id=ticket.id))
    before = len(await hand.desk.timeline(ticket.id))
    shown = await item.does(hand, ticket) or ""
    missing = [word for word in item.shows if word.lower() not in shown.lower()]
    assert missing == [], shown
    after = await hand.newest() if item.new else await hand.desk.ticket(ticket.id)
    assert (after.id != ticket.id) is item.new
    history = (await hand.desk.timeline(after.id))[0 if item.new else before :]
    assert all(event.origin == hand.platform for event in history)
    notes = [str(event.data.get("text")) for event in history if event.kind == "ticket.noted"]
    return _values(hand, after, notes), tuple(event.kind for event in history), bool(shown)


def _values(hand: Hand, ticket: Ticket, notes: list[str]) -> dict[str, Any]:
    def part(person: PersonRef | None) -> str | None:
        known = {hand.me: "me", hand.colleague: "colleague"}
        return known.get(person.id, person.id) if person else None

    return {
        "title": ticket.title.replace(hand.platform, ""),
        "description": ticket.description,
        "status": ticket.status.value,
        "priority": ticket.priority.value,
        "category": ticket.category.value,
        "affected_users": ticket.affected_users,
        "customer": ticket.customer.name if ticket.customer else None,
        "requester": part(ticket.requester),
        "assignee": part(ticket.assignee),
        "resolution": ticket.resolution,
        "satisfaction": ticket.satisfaction,
        "parent": ticket.parent,
        "escalation_level": ticket.escalation_level,
        "team": ticket.team,
        "link": "permalink" in ticket.origin,
        "note": notes[0] if notes else None,
    }


def test_the_list_has_every_command_every_verb_and_every_button() -> None:
    kinds = {event.removeprefix("ticket.") for item in ITEMS for event in item.events}
    past = {"assign": "assigned", "start": "started", "wait": "waiting", "escalate": "escalated",
            "prioritize": "prioritized", "note": "noted", "expert": "expert_called", "resolve": "resolved",
            "reopen": "reopened", "close": "closed", "merge": "merged", "rate": "rated"}  # fmt: skip
    assert {verb for verb in VERBS if past.get(verb) not in kinds} == {"split"}
    said = " ".join(f"{item.slack} {item.teams}" for item in ITEMS)
    assert [name for name, entry in COMMANDS.items() if not entry.hidden and name not in said] == []
    assert set(CARD_ACTIONS) - set(VERBS) <= {"assign_to_me", "change_priority", "call_expert"}


def test_the_page_has_the_list_without_a_gap() -> None:
    rows = [f"| {item.what} | {item.slack} | {item.teams} |" for item in ITEMS]
    assert all(item.slack and item.teams for item in ITEMS)
    table = "\n".join(["| what | in Slack | in Teams |", "| --- | --- | --- |", *rows])
    page = PAGE.read_text()
    head, rest = page.split(BEGIN)
    if os.environ.get("DESKBELL_UPDATE_GOLDEN") == "1":
        PAGE.write_text(f"{head}{BEGIN}\n\n{table}\n\n{END}{rest.split(END)[1]}")
        page = PAGE.read_text()
    assert page.split(BEGIN)[1].split(END)[0].strip() == table
