"""The configuration in the form that decisions need it, made once."""

from __future__ import annotations

from collections.abc import Mapping

from core.config.settings import Settings, SourceSettings, SystemSettings
from core.engine import AlertPolicy, Ownership
from core.integrations import BUILT_IN
from core.integrations.normal import first_label
from core.model import Alert, Customer, PersonRef, Severity, Ticket, Tier
from core.rules.calendar import ALWAYS, Calendar
from core.rules.severity import priority_of
from core.rules.sla import SlaPolicy


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
        self._tiers = {customer.name: customer.tier for customer in settings.customers}

    def customer(self, name: str, tier: Tier | None = None) -> Customer:
        """The customer of that name, with the configured tier unless one is given."""
        return Customer(name, tier or self._tiers.get(name, Tier.STANDARD))

    def expert(self, ticket: Ticket) -> PersonRef | None:
        """The first expert that the catalogue names for one of the ticket's systems."""
        people = {person.id: person for person in self.settings.people}
        systems = (self.systems[name] for name in ticket.systems if name in self.systems)
        found = (people[expert] for system in systems for expert in system.experts if expert in people)
        return next((PersonRef(expert.id, expert.name) for expert in found), None)

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
