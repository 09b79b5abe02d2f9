"""What is written below a ticket's card is one note, everywhere else told once, and follows its edits and its end."""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.desk.desk import Desk
from core.model import Person, PersonRef
from core.ports import DeliveryRetry, DeliveryUnknown, MessageRef, Outbound
from core.rules.notes import NoteKnown, news
from core.threads import CardUnderway, Thread, Written
from tests.conftest import KIM, LEE, NOON, MakeDesk, SetClock
from tests.fakes import Hang, Lost, Outbox, ScriptedNotifier
from tests.test_work import opened, story

RULES: list[dict[str, Any]] = [
    {"name": "card", "on": ["ticket.created"], "to": ["slack:#desk", "teams:19:desk"], "show": "card"},
    {"name": "story", "on": ["ticket.noted"], "to": ["cards"], "show": "thread"},
]


class Board(ScriptedNotifier):
    """A platform that keeps what each message says now."""

    def __init__(self, platform: str, clock: SetClock) -> None:
        super().__init__(platform, clock)
        self.now: dict[MessageRef, Outbound] = {}

    def _keep(self, message: Outbound, ref: MessageRef) -> None:
        super()._keep(message, ref)
        self.now[ref] = message

    async def edit(self, message: Outbound, ref: MessageRef) -> None:
        await super().edit(message, ref)
        self.now[ref] = message

    @property
    def card(self) -> MessageRef:
        return next(ref for ref, message in self.now.items() if message.thread is None)

    def notes(self) -> list[Any]:
        """The views below the card, as they stand."""
        return [message.view for message in self.now.values() if message.thread is not None]

    def bodies(self) -> list[str | None]:
        return [view.body for view in self.notes()]


class Room:
    """A ticket that is shown on two platforms, and people who write below both cards."""

    def __init__(self, desk: Desk, clock: SetClock) -> None:
        self.desk, self.clock = desk, clock
        self.slack, self.teams = Board("slack", clock), Board("teams", clock)
        self.outbox = Outbox(desk, clock, self.slack, self.teams)

    async def wrote(self, name: str, text: str, revision: str = "", on: str = "slack", by: PersonRef = KIM.ref) -> None:
        card = (self.slack if on == "slack" else self.teams).card
        place = {"platform": on, "channel": card.channel, "message": card.message}
        await self.desk.notes.wrote(1, Written(f"{on}:{card.channel}:{name}", by, text, place, revision))

    async def deleted(self, name: str, on: str = "slack") -> None:
        card = (self.slack if on == "slack" else self.teams).card
        await self.desk.notes.deleted(1, f"{on}:{card.channel}:{name}", KIM.ref)

    async def tell(self) -> None:
        await self.outbox.tell()
        self.outbox.sending = False

    async def restart(self) -> None:
        """The process dies at once, and another one starts."""
        await self.outbox.begin()
        await self.outbox.plan()
        for _ in range(3):
            await asyncio.sleep(0)
        self.outbox = await self.outbox.restart(self.clock, self.slack, self.teams)


@pytest.fixture
async def room(make_desk: MakeDesk, clock: SetClock) -> Room:
    made = Room(await make_desk(notifications=RULES), clock)
    await opened(made.desk)
    await made.tell()
    return made


async def test_a_note_is_told_everywhere_but_where_it_was_written(room: Room) -> None:
    await room.wrote("m1", "restarted it")
    await room.wrote("m2", "thanks", on="teams", by=LEE.ref)
    await room.tell()
    assert room.slack.bodies() == ["thanks"]
    assert room.teams.bodies() == ["restarted it"]
    (here,), (there,) = room.slack.notes(), room.teams.notes()
    assert (here.key, here.facts["actor"]) == ("notice.ticket.noted_teams", LEE.ref)
    assert (there.key, there.facts["actor"]) == ("notice.ticket.noted_slack", KIM.ref)


async def test_a_message_that_is_heard_of_again_is_one_note(room: Room) -> None:
    for _ in range(3):
        await room.wrote("m1", "restarted it")
    await asyncio.gather(*(room.wrote("m2", "twice at once") for _ in range(3)))
    await room.tell()
    assert await story(room.desk, 1) == ["ticket.created", "ticket.noted", "ticket.noted"]
    assert room.teams.bodies() == ["restarted it", "twice at once"]


async def test_an_edit_changes_what_was_told_and_tells_nothing_anew(room: Room) -> None:
    await room.wrote("m1", "restartd it")
    await room.tell()
    await room.wrote("m1", "restarted it", "1")
    await room.tell()
    (view,) = room.teams.notes()
    assert (view.body, view.key) == ("restarted it", "notice.ticket.noted_slack_edited")
    assert len(room.teams.posted) == 2
    assert await story(room.desk, 1) == ["ticket.created", "ticket.noted", "ticket.note_edited"]


async def test_of_several_edits_the_newest_counts_whenever_it_is_heard(room: Room) -> None:
    for text, revision in (("second", "2"), ("first", "1"), ("third", "3"), ("at first", "")):
        await room.wrote("m1", text, revision)
        await room.tell()
    assert room.teams.bodies() == ["third"]


async def test_what_is_edited_before_it_is_told_is_told_as_it_is_then(room: Room) -> None:
    await room.wrote("m1", "wrong")
    await room.outbox.plan()
    await room.wrote("m1", "right", "1")
    await room.tell()
    assert [getattr(message.view, "body", None) for message in room.teams.posted[1:]] == ["right"]
    revisions = [state for _, state, reason, _ in await room.outbox.log(1) if reason == "it shows the newest already"]
    assert revisions == ["superseded"]


async def test_a_deleted_note_is_taken_back_where_it_was_told_and_from_the_history(room: Room) -> None:
    await room.wrote("m1", "the password is hunter2")
    await room.tell()
    await room.wrote("m1", "the password is hunter3", "1")
    await room.deleted("m1")
    await room.wrote("m1", "the password is hunter4", "2")
    await room.tell()
    (view,) = room.teams.notes()
    assert (view.key, view.body) == ("notice.ticket.noted_deleted", None)
    timeline = await room.desk.timeline(1)
    assert "hunter" not in str(timeline)
    assert [event.kind for event in timeline[1:]] == ["ticket.noted", "ticket.note_edited", "ticket.note_deleted"]


async def test_a_note_that_is_deleted_before_it_is_told_is_not_told(room: Room) -> None:
    await room.wrote("m1", "oops")
    await room.outbox.plan()
    await room.deleted("m1")
    await room.tell()
    assert room.teams.notes() == []


async def test_a_deletion_that_is_heard_of_first_leaves_no_note(room: Room) -> None:
    await room.deleted("m1")
    await room.wrote("m1", "oops")
    await room.tell()
    assert await story(room.desk, 1) == ["ticket.created"]
    assert room.teams.notes() == []


async def test_a_note_that_is_gone_where_it_was_told_does_not_cost_the_card(room: Room) -> None:
    await room.wrote("m1", "one")
    await room.tell()
    room.teams.delete(room.teams.posted[-1].key)
    await room.wrote("m1", "two", "1")
    await room.tell()
    await room.wrote("m2", "three")
    await room.tell()
    assert room.teams.bodies()[-1] == "three"


async def test_a_message_found_after_a_crash_that_says_something_old_is_brought_up_to_date(room: Room) -> None:
    await room.wrote("m1", "old")

    async def edited_meanwhile(message: Outbound) -> None:
        await room.wrote("m1", "new", "1")
        await room.outbox.plan()

    room.teams.script = deque([edited_meanwhile])
    await room.tell()
    assert room.teams.bodies() == ["new"]
    await room.wrote("m2", "old")
    room.teams.script = deque([Lost()])
    room.outbox.timing.run.clear()
    room.teams.called.clear()
    await room.outbox.plan()
    await room.outbox.begin()
    while len(room.teams.posted) < 3:  # noqa: ASYNC110 -- the fake has no event for it
        await asyncio.sleep(0.001)
    await room.wrote("m2", "new", "1")
    room.outbox.timing.run.set()
    await room.tell()
    assert room.teams.bodies() == ["new", "new"]


async def test_the_thread_of_a_card_that_is_being_posted_is_not_taken_for_somebody_elses(
    make_desk: MakeDesk, clock: SetClock
) -> None:
    desk = await make_desk(notifications=RULES)
    slack, teams = Board("slack", clock), Board("teams", clock)
    outbox = Outbox(desk, clock, slack, teams)
    slack.script.append(Hang(arrives=True))
    await opened(desk)
    await outbox.begin()
    await outbox.plan()
    await slack.called.wait()
    below = Thread("slack", slack.card.channel, slack.card.message, clock.now())
    with pytest.raises(CardUnderway):
        await desk.notes.ticket_of(below)
    earlier = Thread("slack", "#desk", "m0", clock.now() - timedelta(minutes=2))
    assert await desk.notes.ticket_of(earlier) is None
    outbox = await outbox.restart(clock, slack, teams)
    await outbox.tell()
    assert await desk.notes.ticket_of(below) == 1
    assert await desk.notes.ticket_of(Thread("slack", "#desk", "else", NOON)) is None


async def test_an_answer_of_somebody_else_is_the_first_response(room: Room) -> None:
    await room.wrote("m1", "me again", by=LEE.ref)
    assert (await room.desk.ticket(1)).sla.first_response_at is None
    await room.wrote("m2", "looking at it", by=KIM.ref)
    assert (await room.desk.ticket(1)).sla.first_response_at == room.clock.now()


# -- any weather

Word = tuple[str, Callable[[], Awaitable[None]]]


def words(room: Room, dice: random.Random, name: str, on: str) -> tuple[list[Word], str | None, bool]:
    """What the platform tells of one message, some of it several times and in any order; what it says in the end, and
    whether it ever says anything."""
    revisions = ["", *map(str, range(1, dice.randrange(1, 4)))]
    told: list[Callable[[], Awaitable[None]]] = [
        lambda revision=revision: room.wrote(name, f"{name} v{revision or 0}", revision, on)  # type: ignore[misc]
        for revision in revisions
    ]
    deleted = dice.random() < 0.3
    if deleted:
        told.append(lambda: room.deleted(name, on))
    told += dice.choices(told, k=2)
    if dice.random() < 0.7:
        dice.shuffle(told)
    return [(name, word) for word in told], None if deleted else f"{name} v{revisions[-1] or 0}", deleted


@pytest.mark.parametrize("seed", range(8))
async def test_in_any_weather_every_note_stands_once_everywhere_else_and_says_its_newest(room: Room, seed: int) -> None:
    dice = random.Random(seed)
    final: dict[str, dict[str, str | None]] = {"slack": {}, "teams": {}}
    todo: list[Word] = []
    for number in range(4):
        on = dice.choice(["slack", "teams"])
        told, final[on][f"m{number}"], _ = words(room, dice, f"m{number}", on)
        todo += told
    if dice.random() < 0.5:
        dice.shuffle(todo)
    for _, word in todo:
        for board in (room.slack, room.teams):
            if dice.random() < 0.3:
                board.script.append(
                    dice.choice(
                        [Lost(), DeliveryUnknown("cut off"), DeliveryRetry("down"), DeliveryRetry("s", after=3)]
                    )
                )
        await word()
        if dice.random() < 0.2:
            board = dice.choice([room.slack, room.teams])
            board.script.appendleft(Hang(arrives=dice.random() < 0.5))
            await room.restart()
            board.script = deque(answer for answer in board.script if not isinstance(answer, Hang))
        elif dice.random() < 0.5:
            await room.tell()
    await room.tell()
    for board, written in ((room.slack, final["teams"]), (room.teams, final["slack"])):
        standing = sorted(body for body in board.bodies() if body is not None)
        assert standing == sorted(text for text in written.values() if text is not None)
        taken_back = [view for view in board.notes() if view.body is None]
        assert {view.key for view in taken_back} <= {"notice.ticket.noted_deleted"}
        assert len(taken_back) <= sum(text is None for text in written.values())
    timeline = await room.desk.timeline(1)
    noted = [event.data["source_id"] for event in timeline if event.kind == "ticket.noted"]
    assert len(noted) == len(set(noted))


# -- the rule

TEXTS = st.none() | st.sampled_from(["a", "b"])


@given(st.lists(st.tuples(TEXTS, st.sampled_from(["", "1", "2", "3"])), min_size=1), st.randoms())
def test_the_order_in_which_word_comes_makes_no_difference(
    heard: list[tuple[str | None, str]], dice: random.Random
) -> None:
    said = {revision: text for text, revision in heard if text is not None}
    told = [NoteKnown("s", 1, revision, text) for revision, text in said.items()]
    if any(text is None for text, _ in heard):
        told.append(NoteKnown("s", 1))
    shuffled = [*told, *dice.choices(told, k=3)]
    dice.shuffle(shuffled)
    known: NoteKnown | None = None
    for word in shuffled:
        found = news(known, word)
        known = found.known if found is not None else known
        assert found is None or found.kind != "ticket.noted" or word.text is not None
    assert known is not None
    newest = None if any(word.text is None for word in told) else said[max(said)]
    assert known.text == newest


async def test_a_note_of_somebody_with_a_picture_names_its_author_to_the_platform(
    make_desk: MakeDesk, clock: SetClock
) -> None:
    people = [{"id": "kim", "name": "Kim Minji", "slack": "U1"}]
    room = Room(await make_desk(notifications=RULES, people=people), clock)
    await opened(room.desk)
    await room.tell()
    await room.wrote("m1", "hello", on="teams", by=Person("kim", "Kim Minji").ref)
    await room.tell()
    (told,) = [message for message in room.slack.posted if message.thread is not None]
    assert told.author is not None
    assert (told.author.name, told.author.origin) == ("Kim Minji", "teams")
