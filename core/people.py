"""Who somebody is on each platform: one person, known by what the platforms vouch for."""

from __future__ import annotations

from typing import Protocol

import msgspec

from core.model import Person


class Seen(msgspec.Struct, frozen=True):
    """What a platform says of the one who acts. ``user`` is the Slack user id or the Entra object id.

    ``tenant`` is the Slack team or the Microsoft tenant. Names and addresses are for display and matching only.
    ``email_vouched``: the address is that of one of the organisation's own users, so that whoever else has it on
    another platform is the same person. In a workspace of many, ``user`` is ``T024BE7LD/U0KIM``.
    """

    platform: str
    user: str
    tenant: str = ""
    name: str | None = None
    email: str | None = None
    language: str | None = None
    time_zone: str | None = None
    mri: str | None = None
    picture: str | None = None
    email_vouched: bool = False


class Directory(Protocol):
    async def meet(self, seen: Seen) -> Person:
        """The person behind a platform's user, made known on first sight and brought up to date later."""

    async def person(self, person_id: str) -> Person | None: ...

    async def known(self, platform: str, user: str) -> Person | None:
        """The person of a platform's user, if somebody has been met or configured."""
