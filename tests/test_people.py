"""Who somebody is: one person on every platform, met once, and as the configuration has it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from msgspec.structs import replace

from core.conversations import Conversation
from core.desk import people as people_module
from core.desk.desk import Desk
from core.model import Person
from core.people import Seen
from tests.conftest import MakeDesk, SetClock

ENTRA = "00000000-0000-0000-0000-000000000001"
KIM = {"id": "kim", "name": "Kim Minji", "slack": "U1", "teams": ENTRA, "roles": ["agent"], "language": "ko"}
ON_SLACK = Seen("slack", "U1", "T1", "minji", "kim@example.com", "en", "Asia/Seoul")
ON_TEAMS = Seen("teams", ENTRA, "tenant", "Kim, Minji (IT)", None, "en", None, "29:kim")
STRANGER = Seen("slack", "U9", "T1", "Stranger", "s@example.com", "de", "Europe/Berlin")


async def stored(desk: Desk, table: str) -> list[Any]:
    return await desk.database.read(
        lambda connection: list(connection.exec_driver_sql(f"SELECT * FROM {table}").all())  # noqa: S608
    )


async def test_a_configured_person_is_one_on_every_platform_and_stays_as_configured(make_desk: MakeDesk) -> None:
    desk = await make_desk(people=[KIM])
    on_slack = await desk.people.meet(ON_SLACK)
    on_teams = await desk.people.meet(ON_TEAMS)
    assert on_slack.id == on_teams.id == "kim"
    assert (on_teams.name, on_teams.language, on_teams.roles) == ("Kim Minji", "ko", ("agent",))
    assert (on_teams.email, on_teams.time_zone, on_teams.teams_mri) == ("kim@example.com", "Asia/Seoul", "29:kim")
    assert await desk.people.known("slack", "U1") == await desk.people.person("kim") == on_teams
    assert len(await stored(desk, "person")) == 1


async def test_what_was_heard_of_a_configured_person_outlives_a_restart(make_desk: MakeDesk) -> None:
    first = await make_desk(people=[KIM])
    await first.people.meet(ON_SLACK)
    met = await first.people.meet(ON_TEAMS)
    again = await make_desk(people=[{**KIM, "name": "Kim M.", "email": "new@example.com"}])
    known = await again.people.person("kim")
    assert known is not None
    assert (known.name, known.email) == ("Kim M.", "new@example.com")
    assert (known.time_zone, known.teams_mri) == (met.time_zone, met.teams_mri) == ("Asia/Seoul", "29:kim")


async def test_somebody_new_is_made_known_once_however_many_meet_them_at_the_same_time(
    make_desk: MakeDesk, clock: SetClock
) -> None:
    one, two = await make_desk(), await make_desk()
    met = await asyncio.gather(*(desk.people.meet(STRANGER) for desk in (one, two) for _ in range(10)))
    assert {(person.id, person.name, person.time_zone) for person in met} == {
        ("slack.T1.U9", "Stranger", "Europe/Berlin")
    }
    assert (len(await stored(one, "person")), len(await stored(one, "identity"))) == (1, 1)
    again = await make_desk()
    assert await again.people.known("slack", "U9") == met[0]


async def test_a_new_name_is_taken_over_and_the_same_one_costs_no_write(desk: Desk) -> None:
    await desk.people.meet(STRANGER)
    before = desk.database.commits
    assert (await desk.people.meet(STRANGER)).name == "Stranger"
    assert desk.database.commits == before
    renamed = await desk.people.meet(Seen("slack", "U9", "T1", "Married"))
    assert (renamed.name, renamed.email) == ("Married", "s@example.com")
    assert await desk.people.person(renamed.id) == renamed


async def test_the_same_user_of_two_organisations_is_two_people(desk: Desk) -> None:
    one = await desk.people.meet(Seen("teams", "object-1", "tenant-1", "A"))
    two = await desk.people.meet(Seen("teams", "object-2", "tenant-2", "A"))
    assert one.id != two.id


async def test_somebody_who_was_met_and_is_configured_later_becomes_the_configured_one(make_desk: MakeDesk) -> None:
    first = await make_desk()
    stranger = await first.people.meet(ON_SLACK)
    again = await make_desk(people=[KIM])
    assert stranger.id != "kim"
    assert (await again.people.meet(ON_SLACK)).id == "kim"
    assert (await again.people.known("slack", "U1")) == await again.people.person("kim")


async def test_a_full_memory_forgets_nobody(make_desk: MakeDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(people_module, "_CACHE", 3)
    desk = await make_desk(people=[KIM])
    await desk.people.meet(ON_TEAMS)
    for number in range(10):
        await desk.people.meet(Seen("slack", f"U{number + 100}", "T1", f"P{number}"))
    kim = await desk.people.known("teams", ENTRA)
    assert kim is not None
    assert (kim.id, kim.teams_mri) == ("kim", "29:kim")
    first = await desk.people.known("slack", "U100")
    assert first == Person("slack.T1.U100", "P0", slack="U100")


async def test_nobody_is_known_who_was_never_seen(desk: Desk) -> None:
    assert await desk.people.person("nobody") is None
    assert await desk.people.known("slack", "U404") is None


# -- what was seen once, and conversations


async def test_a_first_time_is_one_of_all_callers_until_it_lapses(make_desk: MakeDesk, clock: SetClock) -> None:
    one, two = await make_desk(), await make_desk()
    answers = await asyncio.gather(*(desk.seen.first_time("click-1", 60) for desk in (one, two) for _ in range(5)))
    assert sorted(answers) == [*[False] * 9, True]
    assert await one.seen.first_time("click-2", 60)
    clock.advance(seconds=61)
    assert await (await make_desk()).seen.first_time("click-1", 60)
    assert await one.seen.forget_expired() == 1


async def test_a_conversation_is_kept_with_its_newest_address_and_lives_again_when_it_is_heard(
    desk: Desk, clock: SetClock
) -> None:
    book = desk.conversations
    old = Conversation("c1", "t", "https://a/", "personal", "bot", "Kim", "kim")
    await book.remember(old)
    await book.mark_dead("c1", "blocked")
    assert await book.newest("t") is None
    known = await book.personal("kim")
    assert known is not None
    assert known.dead == "blocked"
    clock.advance(seconds=1)
    await book.remember(Conversation("c1", "t", "https://b/", "personal"))
    assert await book.conversation("c1") == Conversation("c1", "t", "https://b/", "personal", "bot", "Kim", "kim")
    clock.advance(seconds=1)
    await book.remember(Conversation("c2", "t", "https://c/", "channel"))
    newest = await book.newest("t")
    assert newest is not None
    assert newest.id == "c2"
    assert await book.newest("elsewhere") is None


# -- one person by their address

SLACK_LEE = Seen("slack", "U7", "T1", "lee", "Lee@Example.com", email_vouched=True)
TEAMS_LEE = Seen("teams", "entra-7", "tenant", "Lee Jiwon", "lee@example.com", mri="29:lee", email_vouched=True)


@pytest.mark.parametrize("order", [(SLACK_LEE, TEAMS_LEE), (TEAMS_LEE, SLACK_LEE)])
async def test_the_same_vouched_address_is_one_person_on_slack_and_teams(
    make_desk: MakeDesk, order: tuple[Seen, Seen]
) -> None:
    desk = await make_desk()
    first = await desk.people.meet(order[0])
    second = await desk.people.meet(order[1])
    assert first.id == second.id
    assert (second.slack, second.teams, second.teams_mri) == ("U7", "entra-7", "29:lee")
    assert len(await stored(desk, "person")) == 1
    again = await make_desk()
    assert (await again.people.known("slack", "U7")) == (await again.people.known("teams", "entra-7")) == second


@pytest.mark.parametrize("stranger", [SLACK_LEE, TEAMS_LEE])
async def test_an_address_that_nobody_vouches_for_makes_nobody_the_same_person(desk: Desk, stranger: Seen) -> None:
    other = TEAMS_LEE if stranger is SLACK_LEE else SLACK_LEE
    met = await desk.people.meet(replace(stranger, email_vouched=False))
    owner = await desk.people.meet(other)
    assert met.id != owner.id
    assert (await desk.people.meet(replace(stranger, email_vouched=False))).id == met.id


async def test_somebody_is_joined_when_their_address_is_heard_of_later(desk: Desk) -> None:
    on_teams = await desk.people.meet(TEAMS_LEE)
    early = await desk.people.meet(Seen("slack", "U7", "T1", "lee"))
    assert early.id != on_teams.id
    assert (await desk.people.meet(SLACK_LEE)).id == on_teams.id
    known = await desk.people.known("slack", "U7")
    assert known is not None
    assert known.id == on_teams.id


async def test_two_workspaces_of_one_person_are_one_person_by_their_address(desk: Desk) -> None:
    one = await desk.people.meet(replace(SLACK_LEE, user="T1/U7", tenant="T1"))
    two = await desk.people.meet(replace(SLACK_LEE, user="T2/U8", tenant="T2"))
    assert one.id == two.id == "slack.T1.U7"
    assert two.slack == "T2/U8", "they are told where they were seen last"


async def test_a_configured_address_counts_and_a_configured_person_is_never_joined_to_another(
    make_desk: MakeDesk,
) -> None:
    lee = {"id": "lee", "name": "Lee", "email": "LEE@example.com"}
    desk = await make_desk(people=[lee, KIM])
    assert (await desk.people.meet(SLACK_LEE)).id == "lee"
    assert (await desk.people.meet(TEAMS_LEE)).id == "lee"
    kim = await desk.people.meet(replace(SLACK_LEE, user="U1"))
    assert kim.id == "kim", "the configuration says whose account it is"


async def test_somebody_met_before_they_were_configured_becomes_the_configured_one(make_desk: MakeDesk) -> None:
    first = await make_desk()
    assert (await first.people.meet(SLACK_LEE)).id == "slack.T1.U7"
    again = await make_desk(people=[{"id": "lee", "name": "Lee", "email": "lee@example.com"}])
    assert (await again.people.meet(SLACK_LEE)).id == "lee"
    assert (await again.people.meet(TEAMS_LEE)).id == "lee"


async def test_two_who_meet_at_once_with_one_address_are_one_person(make_desk: MakeDesk) -> None:
    one, two = await make_desk(), await make_desk()
    met = await asyncio.gather(
        *(desk.people.meet(seen) for desk in (one, two) for seen in (SLACK_LEE, TEAMS_LEE) for _ in range(5))
    )
    assert len({person.id for person in met}) == 1
