"""What happens in the little data centre: an outage that spreads, a customer in a hurry, a promise about to break."""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from bot.demo import world
from bot.demo.bridge_story import Story
from bot.demo.installation import Installation
from bot.demo.scenario_alerts import Monitoring, Problem
from bot.demo.scenario_people import People
from core.i18n import Words

Wait = Callable[[float], Awaitable[None]]
_HOSTS = 20  # of a kind; after that an outage meets the first one again
_SAVED_BEFORE = 8  # seconds before its deadline at which a colleague solves a request that nobody cared for
# System, alert, severity: small troubles that come and go.
_TROUBLES = (
    ("build-farm", "DiskAlmostFull", "warning"),
    ("mail-gateway", "QueueGrowing", "warning"),
    ("search", "HighMemory", "high"),
)


@dataclass(frozen=True, slots=True)
class Stage:
    """What every scene needs."""

    place: Installation
    story: Story
    monitoring: Monitoring
    people: People

    @property
    def words(self) -> Words:
        return Words(self.place.language)

    def problem(self, system: str, name: str, severity: str, number: int) -> Problem:
        """Something that breaks now, in the words of the channels."""
        made = Problem(name, system, number, severity, "", "")
        key = f"demo.alert.{system.replace('-', '_')}"
        made.summary, made.description = (self.words.text(k, host=made.host) for k in (key, f"{key}.detail"))
        return made


class Outage:
    """A switch, the database behind it, and the service that people notice. ``ticket`` is that of the service."""

    def __init__(self, stage: Stage, number: int) -> None:
        self._stage, self._tell, self._monitoring = stage, stage.story.tell, stage.monitoring
        self._switch = stage.problem("edge-router", "LinkDegraded", "warning", number)
        self._database = stage.problem("orders-db", "ReplicationBroken", "high", number)
        self._api = stage.problem("payments-api", "PaymentsFailing", "critical", number)
        self.ticket = 0

    async def switch_degrades(self) -> None:
        self._tell("scenario", "demo.tale.network", host=self._switch.host)
        self._switch.started_at = datetime.now(UTC)
        await self._monitoring.report(self._switch)

    async def database_fails(self) -> None:
        self._tell("scenario", "demo.tale.database", host=self._database.host)
        await self._monitoring.fire(self._database)

    async def service_fails(self) -> None:
        self._tell("scenario", "demo.tale.api", host=self._api.host)
        await self._monitoring.fire(self._api)
        self.ticket = await self._stage.people.ticket_of(self._api.fingerprint)

    async def it_gets_worse(self) -> None:
        """Everything is heard again, and the switch is down for good."""
        self._tell("scenario", "demo.tale.worse", host=self._switch.host)
        self._switch.severity = "high"
        self._switch.summary = self._stage.words.text("demo.alert.edge_router.down", host=self._switch.host)
        await self._monitoring.report(self._switch)
        await self._monitoring.repeat()
        await self._monitoring.repeat()

    async def somebody_may_help(self) -> None:
        self._tell("scenario", "demo.tale.your_turn", ticket_id=self.ticket)

    async def colleague_takes_it(self) -> None:
        if await self._stage.people.take(self.ticket):
            self._tell("scenario", "demo.tale.taken", ticket_id=self.ticket)

    async def deadline_nears(self) -> None:
        self._tell("scenario", "demo.tale.deadline", ticket_id=self.ticket)

    async def switch_is_back(self) -> None:
        self._tell("scenario", "demo.tale.back", host=self._switch.host)
        if self._switch.host in self._monitoring.switches:
            self._switch.ended_at = datetime.now(UTC)
            await self._monitoring.report(self._switch)
        await self._monitoring.recover(self._database)

    async def service_is_back(self) -> None:
        self._tell("scenario", "demo.tale.back", host=self._api.host)
        await self._monitoring.recover(self._api)


class Script:
    """What can be ordered at any time; ``wait`` lets the seconds of the show pass."""

    def __init__(self, stage: Stage) -> None:
        self._stage, self._tell = stage, stage.story.tell
        self._numbers = itertools.cycle(range(1, _HOSTS + 1))
        self._troubles = itertools.cycle(_TROUBLES)

    def new_outage(self) -> Outage:
        return Outage(self._stage, next(self._numbers))

    async def outage(self, wait: Wait) -> None:
        """All of it in short, and over by itself."""
        outage = self.new_outage()
        await outage.switch_degrades()
        await wait(2)
        await outage.database_fails()
        await wait(2)
        await outage.service_fails()
        await wait(3)
        await outage.it_gets_worse()
        await wait(45)
        await outage.switch_is_back()
        await wait(15)
        await outage.service_is_back()

    async def vip(self, wait: Wait) -> None:
        self._tell("scenario", "demo.tale.vip")
        fields = {"priority": "high", "affected_users": "240", "customer": "Hanbit Bank", "customer_tier": "vip"}
        await self._ask("vip", **fields, category="incident", systems="payments-api")

    async def sla(self, wait: Wait) -> None:
        """A request with a short promise, saved at the last moment."""
        self._tell("scenario", "demo.tale.sla", seconds=world.DEADLINE_OF_REQUEST)
        fields = {"priority": "medium", "customer": "Globex", "customer_tier": "gold"}
        ticket_id = await self._ask("sla", **fields, category="service_request")
        await wait(world.DEADLINE_OF_REQUEST - _SAVED_BEFORE)
        if await self._stage.people.resolve(ticket_id, "demo.request.sla.resolution"):
            self._tell("scenario", "demo.tale.saved", ticket_id=ticket_id)

    async def recover(self, wait: Wait) -> None:
        self._tell("scenario", "demo.tale.recover")
        await self._stage.monitoring.recover_all()

    async def small_trouble(self, wait: Wait) -> None:
        """Something that breaks now and then, and mends itself."""
        problem = self._stage.problem(*next(self._troubles), next(self._numbers))
        self._tell("scenario", "demo.tale.trouble", host=problem.host)
        await self._stage.monitoring.fire(problem)
        await wait(8)
        await self._stage.monitoring.repeat()
        await wait(25)
        await self._stage.monitoring.recover(problem)

    async def _ask(self, name: str, **fields: str) -> int:
        texts = {part: self._stage.words.text(f"demo.request.{name}.{part}") for part in ("title", "description")}
        return await self._stage.people.ask({**texts, **fields})
