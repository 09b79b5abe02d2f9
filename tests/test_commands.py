"""The commands: the same from words, from a form and from a click; what is wrong is said where it is."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import pytest

import bot.commands  # noqa: F401 -- registers the commands
from bot.commands.call import Call
from bot.commands.registry import COMMANDS, Dispatch, find
from core.desk.desk import Desk
from core.errors import BadField, StoreUnavailable
from core.i18n import LANGUAGES, Words, catalogue
from core.model import Customer, Person, PersonRef, Priority, Severity, Status, Tier
from core.store import search
from core.store.queries import TicketFilter
from core.views import CARD_ACTIONS, Form, Help, Home, Message, OnCallList, RatingRequest, TicketCard, TicketList, View
from tests.conftest import KIM, LEE, MakeDesk
from tests.test_intake import alert, send
from tests.test_planner import OFFICE
from tests.test_work import opened

ROOT = Path(__file__).parent.parent
BOSS = Person("boss", "Boss")


@pytest.fixture
async def desk(make_desk: MakeDesk) -> Desk:
    systems = [{"name": "db", "experts": ["lee"], "team": "ops"}]
    made: Desk = await make_desk(**OFFICE, systems=systems)
    return made


class Asking:
    """One person who talks to the desk in one language."""

    def __init__(self, desk: Desk, by: Person = KIM, language: str = "en") -> None:
        self.desk, self.by, self.words = desk, by, Words(language)
        self._dispatch = Dispatch(desk)

    async def __call__(self, line: str, **more: Any) -> View:
        """Words as typed: ``assign 1 me``."""
        name, _, text = line.partition(" ")
        return await self._dispatch(Call(name, self.by, "slack", self.words, text, **more))

    async def click(self, action: str, ticket_id: int = 1, **fields: str) -> View:
        return await self._dispatch(Call(action, self.by, "slack", self.words, ticket_id=ticket_id, fields=fields))

    async def submit(self, name: str, ticket_id: int | None = 1, **fields: str) -> View:
        call = Call(name, self.by, "slack", self.words, ticket_id=ticket_id, fields=fields, submitted=True)
        return await self._dispatch(call)


@pytest.fixture
def ask(desk: Desk) -> Asking:
    return Asking(desk)


def said(view: View) -> str:
    assert isinstance(view, Message), view
    return view.key


# -- words


ROUND = [
    ("create Printer on fire", "message.created"),
    ("assign 1 me", "message.assigned_to_me"),
    ("assign #1 @lee", "message.assigned"),
    ("assign 1 <@boss>", "message.assigned"),
    ("assign 1 boss", "message.assigned"),
    ("assign 1 Lee J", "message.assigned"),
    ("start 1", "message.started"),
    ("priority 1 critical", "message.priority_changed"),
    ("priority 1 critical", "message.priority_same"),
    ("note 1 looks bad", "message.noted"),
    ("expert 1 @lee network", "message.expert_called"),
    ("expert 1", "message.expert_wanted"),
    ("escalate 1 nobody answers", "message.escalated"),
    ("wait 1 spare part", "message.waiting"),
    ("status 1 in_progress", "message.status"),
    ("resolve 1 new fuse", "message.resolved"),
    ("reopen 1", "message.reopened"),
    ("status 1 resolved", "message.status"),
    ("close 1", "message.closed"),
    ("status 1 closed", "message.unchanged"),
]


async def test_every_command_works_in_words(ask: Asking) -> None:
    for line, key in ROUND:
        assert said(await ask(line)) == key, line
    assert isinstance(await ask("rate 1 5 quick"), RatingRequest)
    ticket = await ask.desk.ticket(1)
    assert (ticket.status, ticket.satisfaction, ticket.priority) == (Status.CLOSED, 5, Priority.CRITICAL)
    assert isinstance(await ask("show 1"), TicketCard)
    assert isinstance(await ask("status 1"), TicketCard)
    assert said(await ask("create Second")) == said(await ask("create Third")) == "message.created"
    assert said(await ask("merge 2 into #3")) == "message.merged"
    assert isinstance(await ask("list all"), TicketList)
    assert isinstance(await ask("help"), Help)
    assert isinstance(await ask("oncall"), OnCallList)
    assert isinstance(await ask("overview"), Home)
    tried = {line.split()[0] for line, _ in ROUND} | {"rate", "show", "merge", "list", "help", "oncall", "overview"}
    assert {name for name, entry in COMMANDS.items() if not entry.hidden} <= tried


@pytest.mark.parametrize(
    ("line", "status", "priority"),
    [
        ("priority 1 긴급", Status.NEW, Priority.CRITICAL),
        ("priority 1 높음", Status.NEW, Priority.HIGH),
        ("status 1 진행 중", Status.IN_PROGRESS, Priority.MEDIUM),
        ("status 1 해결됨", Status.RESOLVED, Priority.MEDIUM),
        ("status 1 In Progress", Status.IN_PROGRESS, Priority.MEDIUM),
        ("assign 1 나", Status.ASSIGNED, Priority.MEDIUM),
    ],
)
async def test_values_are_understood_in_every_language(
    ask: Asking, line: str, status: Status, priority: Priority
) -> None:
    if line.split()[-1] not in _words_of(status, priority):
        pytest.fail(f"{line} does not use the catalogue's own word")
    await opened(ask.desk)
    view = await ask(line)
    assert isinstance(view, Message)
    assert not view.is_error, view
    ticket = await ask.desk.ticket(1)
    assert (ticket.status, ticket.priority) == (status, priority)


def _words_of(status: Status, priority: Priority) -> set[str]:
    shown = [Words(language).name(member) for language in LANGUAGES for member in (status, priority)]
    return {*" ".join(shown).split(), "Progress", "나"}


async def test_whoever_calls_an_expert_without_a_name_is_told_who_comes(ask: Asking) -> None:
    await opened(ask.desk, systems=("db",))
    view = await ask("expert 1 sql")
    assert isinstance(view, Message)
    assert (view.key, view.facts["expert"]) == ("message.expert_called", PersonRef("lee", "Lee Jiwon"))


async def test_what_needs_more_words_is_a_form(ask: Asking) -> None:
    await opened(ask.desk)
    for line, name in (("create", "create"), ("assign 1", "assign"), ("priority 1", "priority"), ("note 1", "note")):
        form = await ask(line)
        assert isinstance(form, Form)
        assert form.name == name
        assert form.ticket_id == (None if name == "create" else 1)


async def test_a_message_becomes_the_draft_of_a_ticket(ask: Asking) -> None:
    form = await ask("create", place={"quote": "It smokes\nSince noon.", "permalink": "https://x/1"})
    assert isinstance(form, Form)
    initial = {field.name: field.initial for field in form.fields}
    assert initial["title"] == "It smokes"
    assert "Since noon." in (initial["description"] or "")
    assert form.context == {"permalink": "https://x/1"}


# -- clicks


async def test_every_button_of_a_card_is_a_command(ask: Asking) -> None:
    assert all(find(action) is not None for action in CARD_ACTIONS)
    number = (await opened(ask.desk)).id
    for action in (await ask.desk.card(number)).actions:
        view = await ask.click(action, number)
        assert isinstance(view, (Form, Message)), action
        assert not getattr(view, "is_error", False), (action, view)
        ticket = await ask.desk.ticket(number)
        if not ticket.status.is_open or ticket.assignee:
            number = (await opened(ask.desk)).id


async def test_the_second_click_on_take_it_says_who_was_first(desk: Desk) -> None:
    await opened(desk)
    kim, lee = Asking(desk, KIM), Asking(desk, LEE)
    assert said(await kim.click("assign_to_me")) == "message.assigned_to_me"
    refused = await lee.click("assign_to_me")
    assert isinstance(refused, Message)
    assert (refused.key, refused.is_error, refused.facts["by"]) == ("error.ticket_changed", True, "Kim Minji")
    assert "Kim Minji" in lee.words.say(refused.key, lee.words.refusal(refused.facts), str)
    assert "assign_to_me" not in (await desk.card(1)).actions


async def test_a_rating_is_given_by_a_click(ask: Asking) -> None:
    await opened(ask.desk)
    await ask("resolve 1")
    thanks = await ask.click("rate", score="4")
    assert thanks == RatingRequest(1, "Printer", 4)


async def test_a_reason_without_words_of_its_own_is_told_all_the_same(ask: Asking) -> None:
    await opened(ask.desk)

    async def refuse(*_: Any) -> View:
        raise BadField(field="unheard_of", why="unheard_of")

    ask.desk.ticket = refuse  # type: ignore[method-assign, assignment]
    refused = await ask("priority 1 high")
    assert isinstance(refused, Message)
    assert (refused.facts["field"], refused.facts["why"]) == ("unheard_of", "This cannot be used here.")


async def test_a_comment_is_added_to_a_rating_and_a_changed_mind_replaces_both(ask: Asking) -> None:
    await opened(ask.desk)
    await ask("resolve 1")
    await ask.click("rate", score="4")
    form = await ask.click("rate")
    assert isinstance(form, Form)
    assert {field.name: field.initial for field in form.fields} == {"score": "4", "comment": None}
    thanks = await ask.submit("rate", 1, score="4", comment="Quick, thank you")
    assert thanks == RatingRequest(1, "Printer", 4, "Quick, thank you")
    assert await ask.click("rate", score="4") == thanks
    rated = [event.data for event in await ask.desk.timeline(1) if event.kind == "ticket.rated"]
    assert rated == [{"score": 4}, {"score": 4, "comment": "Quick, thank you"}]
    assert await ask.click("rate", score="2") == RatingRequest(1, "Printer", 2)
    await ask("rate 1 2 it broke again")
    assert await ask.submit("rate", 1, score="2", comment="") == RatingRequest(1, "Printer", 2)
    assert isinstance(await ask("rate 1"), Form)


# -- forms


async def test_a_form_that_is_filled_in_makes_a_ticket(ask: Asking) -> None:
    fields = {
        "title": "Down", "description": "d", "category": "outage", "priority": "high", "affected_users": "1,200",
        "customer": "ACME", "customer_tier": "vip", "systems": "db, web,db",
    }  # fmt: skip
    done = await ask.submit("create", None, **fields)
    assert said(done) == "message.created"
    ticket = await ask.desk.ticket(1)
    assert (ticket.affected_users, ticket.customer, ticket.systems) == (1200, Customer("ACME", Tier.VIP), ("db", "web"))
    assert (ticket.priority, ticket.team, ticket.requester) == (Priority.HIGH, "ops", KIM.ref)


@pytest.mark.parametrize(
    ("name", "fields", "wrong", "why"),
    [
        ("create", {"title": " ", "description": "kept"}, "title", "required"),
        ("create", {"title": "x" * 251, "customer": "kept"}, "title", "too_long"),
        ("create", {"title": "kept", "affected_users": "many"}, "affected_users", "not_a_number"),
        ("create", {"title": "kept", "affected_users": "-1"}, "affected_users", "out_of_range"),
        ("create", {"title": "kept", "priority": "extreme"}, "priority", "unknown_choice"),
        ("note", {"note": "  "}, "note", "required"),
        ("resolve", {"resolution": "x" * 20_001}, "resolution", "too_long"),
        ("assign", {"assignee": "ghost"}, "assignee", "unknown_person"),
        ("priority", {"priority": "extreme"}, "priority", "unknown_choice"),
        ("status", {"note": "kept"}, "status", "required"),
    ],
)
async def test_a_form_with_something_wrong_comes_back_as_it_was_typed_with_the_error_in_place(
    desk: Desk, name: str, fields: dict[str, str], wrong: str, why: str
) -> None:
    await opened(desk)
    before = await desk.timeline(1)
    form = await Asking(desk, language="ko").submit(name, None if name == "create" else 1, **fields)
    assert isinstance(form, Form)
    (error,) = form.errors
    assert (error.field, error.key) == (wrong, f"error.field.{why}")
    assert {field.name: field.initial for field in form.fields if field.name in fields} == fields
    for language in LANGUAGES:
        assert Words(language).say(error.key, error.facts, str)
    assert (await desk.timeline(1), len((await desk.tickets(TicketFilter()))[0])) == (before, 1)


async def test_a_form_of_a_ticket_that_is_not_there_is_refused(ask: Asking) -> None:
    for view in (await ask.submit("priority", 99, priority="extreme"), await ask.click("note", 99)):
        assert (said(view), getattr(view, "is_error", None)) == ("error.not_found", True)


# -- lists


async def numbers(ask: Asking, query: str) -> list[int]:
    view = await ask(f"list {query}")
    assert isinstance(view, TicketList), view
    return [line.id for line in view.tickets]


async def test_a_list_takes_filters_in_both_languages_and_free_words(ask: Asking) -> None:
    desk = ask.desk
    await opened(desk, "Printer smokes", priority=Priority.HIGH)
    await opened(desk, "Network slow", team="ops", systems=("db",))
    await opened(desk, "프린터가 고장", assignee=KIM.ref)
    await send(desk, alert(severity=Severity.CRITICAL.value))
    await ask("resolve 1")
    while await search.index_round(desk.database):
        pass
    agent = Asking(desk, Person("kim", "Kim", team="ops"))
    expected = {
        "": [4, 3, 2], "all": [4, 3, 2, 1], "전체": [4, 3, 2, 1], "mine": [3], "내": [3], "team": [2], "팀": [2],
        "status:resolved": [1], "status:해결됨,신규": [4, 2, 1], "priority:critical": [4], "priority:긴급": [4],
        "assignee:me": [3], "assignee:@kim": [3], "system:db": [2], "source:alertmanager": [4], "team:ops": [2],
        "network": [2], "프린터": [3], "all print smok": [1], "category:incident": [4, 3, 2], "nothing like it": [],
        '"*^:(': [],
    }  # fmt: skip
    assert {query: await numbers(agent, query) for query in expected} == expected
    assert Words("ko").name(Status.NEW) == "신규"


async def test_a_list_is_turned_page_by_page_with_its_filters(ask: Asking) -> None:
    for number in range(25):
        await opened(ask.desk, f"t{number}", priority=Priority.HIGH if number % 2 else Priority.LOW)
    seen: list[int] = []
    view = await ask("list priority:high")
    for _ in range(5):
        assert isinstance(view, TicketList)
        seen += [line.id for line in view.tickets]
        assert view.query == "priority:high"
        if view.next_cursor is None:
            break
        view = await ask(f"list {view.query} page:{view.next_cursor}")
    assert seen == list(range(24, 0, -2))


@pytest.mark.parametrize(
    ("line", "field"),
    [
        ("list status:odd", "status"), ("list page:x", "cursor"), ("list page:0", "cursor"),
        ("list assignee:@ghost", "assignee"), ("list team", "team"), ("show", "ticket"), ("show x", "ticket"),
        ("show ²", "ticket"), ("assign 1 ghost", "assignee"), ("priority 1 extreme", "priority"), ("merge 1", "into"),
        ("merge 1 x", "into"), ("merge 1 ²", "into"), ("merge 1 1", "into"), ("merge 1 99999999999999999999", "into"),
        ("rate 1 9", "score"), ("rate 1 x", "score"), ("status 1 odd", "status"), ("create " + "x" * 251, "title"),
    ],
)  # fmt: skip
async def test_words_that_make_no_sense_are_refused_by_the_field_they_stand_for(
    desk: Desk, line: str, field: str
) -> None:
    await opened(desk)
    for language in LANGUAGES:
        words = Words(language)
        view = await Asking(desk, language=language)(line)
        assert (said(view), getattr(view, "is_error", None)) == ("error.bad_field", True)
        assert isinstance(view, Message)
        assert view.facts["field"] == words.text(f"field.{field}")
        assert words.text(f"field.{field}") in words.say(view.key, words.refusal(view.facts), str)


# -- refusals


async def test_refusals_are_answers_in_the_readers_language(make_desk: MakeDesk) -> None:
    desk = await make_desk(access={"agents": ["kim"]})
    await opened(desk)
    await Asking(desk)("resolve 1")
    for line, by, key, part in (
        ("start 1", KIM, "error.illegal_move", {"en": "reopen", "ko": "다시 열기"}),
        ("reopen 1", BOSS, "error.not_allowed", {"en": "reopen", "ko": "다시 열기"}),
        ("start 42", KIM, "error.not_found", {"en": "42", "ko": "42"}),
    ):
        for language in LANGUAGES:
            view = await Asking(desk, by, language)(line)
            assert (said(view), getattr(view, "is_error", None)) == (key, True)
            words = Words(language)
            assert isinstance(view, Message)
            assert part[language] in words.say(view.key, words.refusal(view.facts), str)


async def test_a_database_that_takes_nothing_is_said_and_no_defect(
    ask: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: Any, **__: Any) -> None:
        raise StoreUnavailable

    monkeypatch.setattr(ask.desk.database, "write", refuse)
    assert said(await ask("create Printer")) == "error.store_unavailable"


async def test_a_defect_is_an_answer_with_a_reference_and_no_trace(
    desk: Desk, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def explode(ticket_id: int) -> None:
        raise ZeroDivisionError("secret")

    monkeypatch.setattr(desk, "card", explode)
    view = await Asking(desk)("show 1")
    assert said(view) == "error.internal"
    assert isinstance(view, Message)
    assert re.fullmatch("[0-9a-f]{8}", view.facts["reference"])
    assert str(view.facts["reference"]) in caplog.text
    assert "secret" not in str(view.facts)


# -- help


@pytest.mark.parametrize(
    ("wrong", "meant"), [("asign", "assign"), ("RESOLV", "resolve"), ("xyzzy", None), ("뿅", None)]
)
async def test_an_unknown_word_gets_help_with_the_nearest_command(ask: Asking, wrong: str, meant: str | None) -> None:
    view = await ask(f"{wrong} 42")
    assert isinstance(view, Help)
    assert (view.wrong, view.nearest) == (wrong, meant)


async def test_help_shows_every_command_that_is_not_hidden_with_its_words(ask: Asking) -> None:
    view = await ask("help")
    assert isinstance(view, Help)
    assert (view.command, view.wrong) == ("/ticket", None)
    shown = [entry.usage.split()[0] for entry in view.entries]
    assert shown == [name for name, entry in COMMANDS.items() if not entry.hidden]
    for language in LANGUAGES:
        assert all(Words(language).has(entry.help_key) for entry in view.entries)
    silent = await ask("")
    assert isinstance(silent, Help)
    assert silent.wrong is None


def test_every_field_and_reason_of_a_refusal_has_its_words() -> None:
    """What ``BadField`` names in the code is rendered by these keys; without one the refusal would be a defect."""
    missing = set()
    for path in [*(ROOT / "core").rglob("*.py"), *(ROOT / "bot" / "commands").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "BadField":
                for keyword in node.keywords:
                    prefix = {"field": "field.", "why": "error.field."}.get(keyword.arg or "")
                    if prefix and isinstance(keyword.value, ast.Constant):
                        missing |= {prefix + str(keyword.value.value)} - set(catalogue("en"))
    assert missing == set()
