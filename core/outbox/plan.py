"""What an event means for the places that show its ticket: notices and edits, planned as rows. Pure but for its reads.

Every event is judged by the notification rules once, in order. A place that already shows the ticket gets its card
edited; several events of one round need one edit. Keys make a notice unique, so that planning the same event twice adds
nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from core.config.conditions import Condition, ConditionError, ticket_facts
from core.config.notifications import NotificationRule
from core.desk.policy import DeskPolicy
from core.model import Event, Person, Ticket
from core.outbox.digest import Storms, deserves_card, edit, listed
from core.outbox.reply import reply_row
from core.outbox.revise import revise_row
from core.rules.audience import Destination, destinations, names_people

_log = logging.getLogger(__name__)
Row = dict[str, Any]
_NOTHING_TOLD: Mapping[int, Sequence[Any]] = {}


class Place(msgspec.Struct, frozen=True):
    """A card of a ticket: where it is or will be. ``posted`` is false until the platform has it, ``story`` false where
    the ticket's news do not belong or no card is any more; such a place gets no other card. ``digest`` is the one that
    lists the ticket there; while it is ``listed``, it has no card of its own."""

    platform: str
    address: str
    posted: bool
    story: bool = True
    channel: str | None = None
    message: str | None = None
    digest: int | None = None
    listed: bool = False

    def is_where(self, event: Event) -> bool:
        """Whether what happened was written in this card's own thread, where everybody has read it."""
        place = event.data.get("place")
        here = {"platform": self.platform, "channel": self.channel, "message": self.message}
        return self.message is not None and isinstance(place, dict) and place.items() >= here.items()


class Plan(msgspec.Struct):
    """Rows to insert, and the edits that newer ones replace: (ticket, platform, address)."""

    rows: dict[str, Row] = {}
    cards: list[Row] = []
    edited: list[tuple[int, str, str]] = []
    unlisted: list[tuple[int, str, str]] = []
    storms: Storms | None = None

    @property
    def notices(self) -> list[Row]:
        return list(self.rows.values())

    @property
    def lanes(self) -> set[str]:
        return {row["lane"] for row in self.rows.values() if row["state"] == "waiting"}

    def add(self, row: Row) -> None:
        self.rows.setdefault(row["key"], row)


class _Judged:
    """One event with its ticket, for all the conditions that are asked of it; the facts are gathered once."""

    def __init__(self, ticket: Ticket, event: Event, policy: DeskPolicy) -> None:
        self.ticket = ticket
        self.event = event
        self._policy = policy
        self._facts: Any = None
        self._told: dict[str, str] = {}

    def holds(self, rule: NotificationRule, condition: Condition | None) -> bool:
        if condition is None:
            return True
        if self._facts is None:
            sla = self._policy.sla.facts(self.ticket, self.event.at)
            self._facts = ticket_facts(self.ticket, sla, self.event)
        try:
            return condition.holds(self._facts)
        except ConditionError as error:
            _log.error("a condition cannot be judged: %s", error)
            return False

    def told_by(self, rule: NotificationRule, destination: Destination) -> str | None:
        """The other rule that has a message about this event for the destination; else ``rule`` has it from now on.

        A rule that tells once may have told before, and then says nothing now; only at a ticket's beginning it cannot.
        """
        other = self._told.get(destination.name)
        if other is None and (not rule.once or self.event.kind == "ticket.created"):
            self._told[destination.name] = rule.name
        return other


class Planner:
    def __init__(self, policy: DeskPolicy, platforms: Collection[str]) -> None:
        self._policy = policy
        self._platforms = frozenset(platforms)
        self.storm = policy.settings.notifications_storm
        self._rules: dict[str, list[tuple[NotificationRule, Condition | None]]] = {}
        rules = policy.settings.notifications
        self._personal = {rule.name for rule in rules if names_people(rule.to, policy.settings)}
        for rule in policy.settings.notifications:
            condition = None if rule.when.strip() == "true" else Condition(rule.when, rule.name)
            for kind in rule.on:
                self._rules.setdefault(kind, []).append((rule, condition))
        for own in self._rules.values():
            own.sort(key=lambda pair: not pair[0].urgent)  # of several messages about one event, the urgent one goes

    def people_wanted(self, events: Sequence[Event], tickets: Mapping[int, Ticket]) -> set[str]:
        """Ids of the people whom any rule could name for these events."""
        wanted: set[str] = set()
        for event in events:
            ticket = tickets.get(event.ticket_id or 0)
            for rule, _ in self._rules.get(event.kind, ()) if ticket else ():
                if rule.name in self._personal:
                    found = destinations(rule.to, ticket, event, self._policy.settings)  # type: ignore[arg-type]
                    wanted |= {destination.person_id for destination in found if destination.person_id}
        return wanted

    def plan(
        self,
        events: Sequence[Event],
        tickets: Mapping[int, Ticket],
        places: Mapping[int, list[Place]],
        people: Mapping[str, Person],
        now: datetime,
        told: Mapping[int, Sequence[Any]] = _NOTHING_TOLD,
        storms: Storms | None = None,
    ) -> Plan:
        """The rows for ``events`` in order. ``places`` are the cards that each ticket has before them, ``told`` the
        notices of the notes that ``events`` change, by the number of the note's own event, ``storms`` how many new
        cards each place was to get lately."""
        plan = Plan(storms=storms)
        shown = {ticket_id: list(known) for ticket_id, known in places.items()}
        edits: dict[tuple[int, str, str], Event] = {}
        for event in events:
            ticket = tickets.get(event.ticket_id or 0)
            if ticket is None:
                continue
            own = shown.setdefault(ticket.id, [])
            self._follow_digests(plan, ticket, event, own, now)
            for place in own:
                if place.posted:
                    edits[ticket.id, place.platform, place.address] = event
            revised = [revise_row(notice, event, now) for notice in told.get(event.data.get("note") or 0, ())]
            for row in (reply_row(ticket, event, self._platforms, now), *revised):
                if row is not None:
                    plan.add(row)
            judged = _Judged(ticket, event, self._policy)
            for rule, condition in self._rules.get(event.kind, ()):
                if judged.holds(rule, condition):
                    self._tell(plan, rule, judged, own, people, now)
        for (ticket_id, platform, address), event in edits.items():
            self._edit(plan, ticket_id, platform, address, event, now)
        return plan

    def _tell(
        self,
        plan: Plan,
        rule: NotificationRule,
        judged: _Judged,
        own: list[Place],
        people: Mapping[str, Person],
        now: datetime,
    ) -> None:
        ticket, event = judged.ticket, judged.event
        if "cards" in rule.to and not event.data.get("first"):
            for place in own:
                if not place.story or place.is_where(event):
                    continue
                key = f"{rule.name}:{event.seq}:{place.platform}:{place.address}"
                row = self._row(key, rule, ticket, event, now, show=rule.show)
                plan.add(row | self._to_place(place.platform, place.address))
        for destination in destinations(rule.to, ticket, event, self._policy.settings):
            if rule.show == "card" and destination.address is not None:
                self._card(plan, rule, ticket, event, destination, own, now)
            else:
                scope = f"ticket-{ticket.id}" if rule.once else str(event.seq)
                key = f"{rule.name}:{scope}:{destination.name}"
                row = self._row(key, rule, ticket, event, now, show="message" if rule.show == "card" else rule.show)
                row |= self.to(destination, people)
                told_by = judged.told_by(rule, destination) if row["show"] == "message" else None
                if told_by is not None:
                    row |= {"state": "skipped", "reason": f"told by the rule {told_by}"}
                elif any(place.is_where(event) and _names(destination, place) for place in own):
                    row |= {"state": "skipped", "reason": "it was written there"}
                plan.add(row)

    def _card(
        self,
        plan: Plan,
        rule: NotificationRule,
        ticket: Ticket,
        event: Event,
        destination: Destination,
        own: list[Place],
        now: datetime,
    ) -> None:
        platform, address = destination.platform or "", destination.address or ""
        if any(place.platform == platform and place.address == address for place in own):
            return
        to = self.to(destination, {})
        if to["state"] == "waiting":
            digest = plan.storms.take(destination.name, ticket, event) if plan.storms else None
            if digest is not None:
                row = self._row("", rule, ticket, event, now, show="card")
                self._list(plan, digest, ticket, event, to, row, own, now)
                return
            own.append(Place(platform, address, posted=False))
            row = {"ticket_id": ticket.id, "platform": platform, "address": address, "version": 0, "story": True}
            plan.cards.append(row)
        key = f"card:{ticket.id}:{destination.name}"
        plan.add(self._row(key, rule, ticket, event, now, show="card") | to)

    def _list(
        self,
        plan: Plan,
        digest: int,
        ticket: Ticket,
        event: Event,
        to: Row,
        card: Row,
        own: list[Place],
        now: datetime,
    ) -> None:
        own.append(Place(to["platform"], to["address"], posted=False, story=False, digest=digest, listed=True))
        cards, notices = listed(digest, ticket, event, to, card, now)
        plan.cards += cards
        for row in notices:
            plan.add(row)

    def _follow_digests(self, plan: Plan, ticket: Ticket, event: Event, own: list[Place], now: datetime) -> None:
        """What happens to a ticket that a digest lists changes the digest, and may give the ticket its card."""
        for index, place in enumerate(own):
            if place.digest is None or place.platform not in self._platforms:
                continue
            to = self._to_place(place.platform, place.address)
            row = card_row(ticket.id, event.seq, now)
            plan.add(edit(place.digest, to, row, now))
            if place.listed and deserves_card(event, ticket):
                plan.unlisted.append((ticket.id, place.platform, place.address))
                plan.add(row | to | {"key": f"card:{ticket.id}:{place.platform}:{place.address}"})
                own[index] = Place(place.platform, place.address, posted=False, digest=place.digest)

    def _edit(self, plan: Plan, ticket_id: int, platform: str, address: str, event: Event, now: datetime) -> None:
        plan.edited.append((ticket_id, platform, address))
        plan.add(edit_row(ticket_id, platform, address, event.seq, now))

    def _row(self, key: str, rule: NotificationRule, ticket: Ticket, event: Event, now: datetime, show: str) -> Row:
        return {
            "key": key,
            "rule": rule.name,
            "event_seq": event.seq,
            "ticket_id": ticket.id,
            "show": show,
            "urgent": rule.urgent,
            "template": rule.template,
            "attempts": 0,
            "not_before": now,
            "created_at": now,
        }

    def to(self, destination: Destination, people: Mapping[str, Person]) -> Row:
        """Where a destination is told: platform, address or person, lane, and whether it waits or is skipped."""
        if destination.person_id is None:
            return self._to_place(destination.platform or "", destination.address or "")
        person = people.get(destination.person_id)
        platform = self._reach(person)
        row = {"platform": platform or "", "address": None, "person_id": destination.person_id}
        lane = f"{platform}:person:{destination.person_id}"
        if platform is None:
            return row | {"lane": lane, "state": "skipped", "reason": f"no platform reaches {destination.person_id}"}
        return row | {"lane": lane, "state": "waiting", "reason": None}

    def _to_place(self, platform: str, address: str) -> Row:
        row = {"platform": platform, "address": address, "person_id": None, "lane": f"{platform}:{address}"}
        if platform not in self._platforms:
            return row | {"state": "skipped", "reason": f"{platform} is not configured"}
        return row | {"state": "waiting", "reason": None}

    def _reach(self, person: Person | None) -> str | None:
        """The one platform on which a person is told, so that nobody is told twice."""
        if person is None:
            return None
        if "slack" in self._platforms and person.slack:
            return "slack"
        if "teams" in self._platforms and (person.teams or person.teams_mri):
            return "teams"
        return None


def _names(destination: Destination, place: Place) -> bool:
    return destination.platform == place.platform and destination.address in (place.address, place.channel)


def card_row(ticket_id: int, seq: int, now: datetime) -> Row:
    """A card that no rule asks for, without its place and key."""
    own = {"event_seq": seq, "ticket_id": ticket_id, "show": "card", "urgent": False, "template": None}
    return {"rule": "digest", **own, "attempts": 0, "not_before": now, "created_at": now}


def edit_row(ticket_id: int, platform: str, address: str, seq: int, now: datetime) -> Row:
    """A card's edit. It shows the ticket as it is when it is sent, so that the newest one serves for all before it."""
    return {
        "key": f"edit:{ticket_id}:{platform}:{address}:{seq}",
        "rule": "card_edit",
        "event_seq": seq,
        "ticket_id": ticket_id,
        "show": "edit",
        "urgent": False,
        "template": None,
        "attempts": 0,
        "not_before": now,
        "created_at": now,
        "platform": platform,
        "address": address,
        "person_id": None,
        "lane": f"{platform}:{address}",
        "state": "waiting",
        "reason": None,
    }
