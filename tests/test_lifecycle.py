"""The lifecycle: a table that is complete and closed, and nothing beside it moves a ticket."""

from __future__ import annotations

import typing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import commands as c
from core.engine import decide
from core.errors import BadField, IllegalMove, TicketChanged
from core.lifecycle import MOVES, VERBS, legal_verbs, move, untouched
from core.model import PersonRef, Priority, Status, Ticket
from core.views import CARD_ACTIONS
from tests.conftest import KIM, LEE, NOON

TEXTS = st.text(max_size=20) | st.just("x" * (c.TEXT_LIMIT + 1))
PEOPLE = st.sampled_from([KIM.ref, LEE.ref])
COMMANDS: st.SearchStrategy[c.Command] = st.one_of(
    st.builds(c.Assign, PEOPLE, st.booleans()),
    st.builds(c.Start),
    st.builds(c.Wait, TEXTS),
    st.builds(c.Escalate, TEXTS),
    st.builds(c.Prioritize, st.sampled_from(Priority)),
    st.builds(c.Note, TEXTS, st.none() | st.text(max_size=5)),
    st.builds(c.CallExpert, st.none() | PEOPLE, TEXTS),
    st.builds(c.Resolve, TEXTS),
    st.builds(c.Reopen, TEXTS),
    st.builds(c.Close),
    st.builds(c.Merge, st.integers(1, 3)),
    st.builds(c.Split, st.lists(st.text(max_size=3), max_size=2).map(tuple)),
    st.builds(c.Rate, st.integers(-1, 7), TEXTS),
)


@st.composite
def tickets(draw: st.DrawFn) -> Ticket:
    status = draw(st.sampled_from(Status))
    assignee = draw(PEOPLE) if status is Status.ASSIGNED else draw(st.none() | PEOPLE)
    return Ticket(
        id=1,
        title="t",
        created_at=NOON,
        updated_at=NOON,
        status=status,
        assignee=None if status is Status.NEW else assignee,
        priority=draw(st.sampled_from(Priority)),
        satisfaction=draw(st.none() | st.integers(1, 5)),
        parent=draw(st.none() | st.just(9)),
    )


def test_the_table_has_a_row_for_every_status_and_a_command_for_every_verb() -> None:
    assert set(MOVES) == set(Status)
    assert set(VERBS) == set(c.COMMANDS)
    assert {target for moves in MOVES.values() for target in moves.values()} - {None} <= set(Status)


def test_every_command_of_the_module_is_in_the_registry() -> None:
    declared = {kind for kind in vars(c).values() if isinstance(kind, type) and issubclass(kind, c.Command)}
    assert declared - {c.Command} == set(c.COMMANDS.values())
    assert all(typing.get_type_hints(kind) for kind in declared)


def test_what_a_card_offers_is_a_move_of_the_table() -> None:
    verbs = {"assign_to_me": "assign", "change_priority": "prioritize", "call_expert": "expert"}
    assert {verbs.get(action, action) for action in CARD_ACTIONS} <= set(VERBS)


def test_every_status_can_be_reached_and_none_is_an_end() -> None:
    def reached(start: Status) -> set[Status]:
        found, new = {start}, [start]
        while new:
            status = new.pop()
            ahead = {target for target in MOVES[status].values() if target is not None}
            if "reopen" in MOVES[status]:
                ahead |= {untouched(True), untouched(False)}
            new += ahead - found
            found |= ahead
        return found

    assert all(reached(status) == set(Status) for status in Status)


@pytest.mark.parametrize("status", Status)
@pytest.mark.parametrize("verb", [*VERBS, "explode"])
def test_a_move_that_is_not_listed_is_refused_with_the_verbs_that_are(status: Status, verb: str) -> None:
    if verb in MOVES[status]:
        assert move(status, verb) is (MOVES[status][verb] or status)
        return
    with pytest.raises(IllegalMove) as refusal:
        move(status, verb)
    assert refusal.value.facts == {"verb": verb, "status": status, "legal": legal_verbs(status)}
    assert verb not in legal_verbs(status)


@given(tickets(), COMMANDS, PEOPLE)
def test_a_command_moves_by_the_table_or_is_refused(ticket: Ticket, command: c.Command, by: PersonRef) -> None:
    try:
        decision = decide(ticket, command, by, "test", NOON)
    except IllegalMove as refusal:
        assert command.verb not in MOVES[ticket.status]
        assert refusal.facts["legal"] == legal_verbs(ticket.status)  # noqa: PT017 -- either outcome is right
        return
    except (BadField, TicketChanged):
        assert command.verb in MOVES[ticket.status]
        return
    after = decision.ticket
    listed = MOVES[ticket.status][command.verb] or ticket.status
    if not decision.events:
        assert after is ticket
    elif command.verb == "reopen":
        assert after.status is untouched(after.assignee is not None)
    else:
        assert after.status is listed
    (*_, last) = decision.events or (None,)
    assert last is None or (last.ticket_id, last.actor, last.origin, last.at) == (ticket.id, by, "test", NOON)
    assert after.version == ticket.version, "versions are counted where a change is saved"


@given(tickets(), COMMANDS, PEOPLE)
def test_what_a_ticket_says_of_itself_fits_its_status(ticket: Ticket, command: c.Command, by: PersonRef) -> None:
    try:
        after = decide(ticket, command, by, "test", NOON).ticket
    except (IllegalMove, BadField, TicketChanged):
        return
    if after.status is Status.NEW:
        assert after.assignee is None
    if after.status in (Status.ASSIGNED, Status.IN_PROGRESS) and after.status is not ticket.status:
        assert after.assignee is not None
    if after.status.is_open and not ticket.status.is_open:
        assert (after.resolved_at, after.resolution, after.parent) == (None, None, None)
    if after.status is Status.RESOLVED and ticket.status.is_open:
        assert after.resolved_at == NOON
    assert after.satisfaction is None or 1 <= after.satisfaction <= 5
