"""What a chat platform's door stands on, in memory: people, a dispatcher with a script, and what was seen before."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import msgspec

from bot.commands.call import Call
from core.errors import StoreUnavailable
from core.model import Person
from core.people import Seen
from core.views import Message, View

Script = View | BaseException | Callable[[Call], View | Awaitable[View]]


class FakeDispatcher:
    """Answers each call by the script of its name, and remembers what was asked. An unknown name is simply done."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.scripts: dict[str, Script] = {}

    async def __call__(self, call: Call) -> View:
        self.calls.append(call)
        script = self.scripts.get(call.name, Message("message.noted", {"ticket_id": 42}))
        if isinstance(script, BaseException):
            raise script
        if isinstance(script, msgspec.Struct):
            return script
        answer = script(call)
        return answer if isinstance(answer, msgspec.Struct) else await answer

    @property
    def last(self) -> Call:
        return self.calls[-1]


class FakeDirectory:
    """People by platform user. Somebody new gets the id ``p-<user>`` in lower case."""

    def __init__(self, *people: Person) -> None:
        self.people = {person.id: person for person in people}
        self.met: list[Seen] = []

    async def meet(self, seen: Seen) -> Person:
        self.met.append(seen)
        before = await self.known(seen.platform, seen.user) or Person(f"p-{seen.user.lower()}", seen.user)
        person = msgspec.structs.replace(
            before,
            name=seen.name or before.name,
            email=seen.email or before.email,
            language=seen.language or before.language,
            time_zone=seen.time_zone or before.time_zone,
            teams_mri=seen.mri or before.teams_mri,
            **{seen.platform: seen.user},
        )
        self.people[person.id] = person
        return person

    async def person(self, person_id: str) -> Person | None:
        return self.people.get(person_id)

    async def known(self, platform: str, user: str) -> Person | None:
        return next((person for person in self.people.values() if getattr(person, platform) == user), None)


class FakeSeen:
    """Keys and when they lapse, on the clock ``now``. ``broken`` plays a database that cannot be written."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self.keys: dict[str, datetime] = {}
        self.broken = False
        self._now = now

    async def first_time(self, key: str, ttl_seconds: int) -> bool:
        if await self.has(key):
            return False
        self.keys[key] = self._now() + timedelta(seconds=ttl_seconds)
        return True

    async def has(self, key: str) -> bool:
        if self.broken:
            raise StoreUnavailable()
        return key in self.keys and self.keys[key] > self._now()

    async def forget(self, key: str) -> None:
        if self.broken:
            raise StoreUnavailable()
        self.keys.pop(key, None)
