"""Who in Teams is vouched for by their address: users of one's own tenants, asked about once."""

from __future__ import annotations

import pytest

from bot.demo.faults import FaultKind
from tests.teams_fakes import KIM, TENANT, stage


async def test_the_address_of_ones_own_user_is_asked_for_once() -> None:
    async with stage(own_tenants=(TENANT.upper(),)) as teams:
        for number in range(3):
            await teams.send(teams.message("list", id=str(number)))
        seen = teams.people.seen
        assert [(each.user, each.email, each.email_vouched) for each in seen][:2] == [
            (KIM, "kim@example.com", True),
            (KIM, None, False),
        ]


async def test_nobody_is_asked_about_where_no_tenant_is_ones_own() -> None:
    async with stage() as teams:
        await teams.send(teams.message("list"))
        assert [(each.email, each.email_vouched) for each in teams.people.seen] == [(None, False)]


@pytest.mark.parametrize(
    ("role", "email"), [("guest", "kim@example.com"), ("user", "kim_example.com#EXT#@tenant.example")]
)
async def test_a_guest_is_not_vouched_for(role: str, email: str) -> None:
    async with stage(own_tenants=(TENANT,)) as teams:
        teams.kim.role, teams.kim.email = role, email
        await teams.send(teams.message("list"))
        assert [(each.email, each.email_vouched) for each in teams.people.seen] == [(None, False)]


async def test_a_roster_that_cannot_be_asked_holds_nobody_up_and_is_asked_again() -> None:
    async with stage(own_tenants=(TENANT,)) as teams:
        teams.connector.faults.add("members", FaultKind.BAD_GATEWAY)
        for number in range(2):
            assert (await teams.send(teams.message("list", id=str(number))))[0] == 200
        assert [each.email for each in teams.people.seen] == [None, "kim@example.com"]
