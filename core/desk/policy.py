"""The configuration in the form that decisions need it, made once."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from core.config.settings import Settings, SourceSettings, SystemSettings
from core.engine import AlertPolicy, Ownership
from core.integrations import BUILT_IN
from core.integrations.normal import first_label
from core.model import Alert, Customer, PersonRef, Severity, Ticket, Tier
from core.rules import experts
from core.rules.calendar import ALWAYS, Calendar
from core.rules.oncall import next_hand_over, on_call
from core.rules.severity import priority_of
from core.rules.sla import SlaPolicy
from core.views import OnCallLine


class DeskPolicy:
    """What the desk decides by: priorities, promises, catalogue, customers and sources."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.sources: Mapping[str, SourceSettings] = {**BUILT_IN, **settings.sources}
        self.alerts = AlertPolicy(
            priorities={severity: priority_of(severity, settings.alerts.priorities) for severity in Severity},
            reopen_within=settings.alerts.reopen_within,
            recovery_resolves=frozenset(settings.alerts.recovery_resolves),
        )
        calendars = {name: Calendar.from_settings(name, given) for name, given in settings.calendars.items()}
        self.sla = SlaPolicy(settings.sla, {"always": ALWAYS, **calendars})
        self.systems = {system.name: system for system in settings.systems}
        self._system_of_host = {host: system for system in settings.systems for host in system.hosts}
        self._refs = {person.id: PersonRef(person.id, person.name) for person in settings.people}
        self._tiers = {customer.name: customer.tier for customer in settings.customers}

    def customer(self, name: str, tier: Tier | None = None) -> Customer:
        """The customer of that name, with the configured tier unless one is given."""
        return Customer(name, tier or self._tiers.get(name, Tier.STANDARD))

    def on_call(self, now: datetime) -> tuple[tuple[str, PersonRef], ...]:
        """The schedules by name and who is on call in each, where somebody is."""
        found = ((name, on_call(schedule, now)) for name, schedule in self.settings.schedules.items())
        return tuple((name, self._refs[person]) for name, person in found if person in self._refs)

    def rota(self, now: datetime) -> tuple[OnCallLine, ...]:
        """Every schedule: who is on call, until when, and who then."""
        lines = []
        for name, schedule in self.settings.schedules.items():
            until, following = next_hand_over(schedule, now) or (None, None)
            person = on_call(schedule, now)
            lines.append(OnCallLine(name, self._refs.get(person or ""), until, self._refs.get(following or "")))
        return tuple(lines)

    def experts(self, ticket: Ticket, skill: str, now: datetime) -> tuple[PersonRef, ...]:
        """Whom to call to a ticket, first to last."""
        duty = {name: person.id for name, person in self.on_call(now)}
        return tuple(self._refs[person] for person in experts.candidates(ticket, skill, self.settings, duty))

    def of_alert(self, alert: Alert) -> Ownership:
        """The team, the customer and the systems of an alert's ticket: from its labels, the catalogue, its source."""
        names, labels = self.settings.alerts.labels, alert.labels
        team = first_label(labels, names.get("team", ()))
        customer = first_label(labels, names.get("customer", ()))
        systems = (alert.service,) if alert.service else ()
        system = self._system_of(alert) if self.systems else None
        if system is not None:
            team, customer = team or system.team, customer or system.customer
            systems = systems if system.name in systems else (*systems, system.name)
        team = team or self.sources[alert.source].team or self.settings.desk.default_team
        return Ownership(team, self.customer(customer) if customer else None, systems)

    def _system_of(self, alert: Alert) -> SystemSettings | None:
        return self.systems.get(alert.service or "") or self._system_of_host.get(alert.host or "")
