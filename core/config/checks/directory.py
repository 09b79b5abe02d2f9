"""People, teams, systems, customers: every name that one of them uses is somebody's, and nobody is there twice."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator

from core.config.checks import Finding
from core.config.problems import Path, suggestion
from core.config.settings import Settings

_SLACK_USER = re.compile(r"([TE][A-Z0-9]{2,}/)?[UW][A-Z0-9]{2,}")
_GUID = re.compile(r"[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
_TEAM_CHANNEL = ("slack:", "teams:")


def people(settings: Settings) -> Iterator[Finding]:
    for field in ("id", "email", "slack", "teams", "teams_mri"):
        yield from _once("people", field, [getattr(person, field) for person in settings.people])
    for index, person in enumerate(settings.people):
        at: Path = ("people", index)
        yield from _known((*at, "team"), person.team, "team", settings.teams)
        if person.slack is not None and not _SLACK_USER.fullmatch(person.slack):
            yield Finding(
                (*at, "slack"), "not a Slack user id", "copy the member id from the Slack profile: U...", "warning"
            )
        if person.teams is not None and not _GUID.fullmatch(person.teams):
            yield Finding((*at, "teams"), "not an Entra object id", "it is a GUID, from the Entra profile", "warning")


def teams(settings: Settings) -> Iterator[Finding]:
    ids = [person.id for person in settings.people]
    for name, team in settings.teams.items():
        yield from _known(("teams", name, "lead"), team.lead, "person", ids)
        yield from _known(("teams", name, "on_call"), team.on_call, "schedule", settings.schedules)
        for index, channel in enumerate(team.channels):
            if not channel.startswith(_TEAM_CHANNEL):
                hint = "write slack:#channel or teams:<conversation>"
                yield Finding(("teams", name, "channels", index), "not a channel", hint)


def systems(settings: Settings) -> Iterator[Finding]:
    names = [system.name for system in settings.systems]
    ids = [person.id for person in settings.people]
    customers = [customer.name for customer in settings.customers]
    yield from _once("systems", "name", names)
    for index, system in enumerate(settings.systems):
        at: Path = ("systems", index)
        yield from _known((*at, "team"), system.team, "team", settings.teams)
        yield from _known((*at, "customer"), system.customer, "customer", customers)
        for place, expert in enumerate(system.experts):
            yield from _known((*at, "experts", place), expert, "person", ids)
        for place, needed in enumerate(system.depends_on):
            if needed == system.name:
                yield Finding((*at, "depends_on", place), "a system does not depend on itself")
            else:
                yield from _known((*at, "depends_on", place), needed, "system", names)


def customers(settings: Settings) -> Iterator[Finding]:
    yield from _once("customers", "name", [customer.name for customer in settings.customers])


def desk(settings: Settings) -> Iterator[Finding]:
    yield from _known(("desk", "default_team"), settings.desk.default_team, "team", settings.teams)


def access(settings: Settings) -> Iterator[Finding]:
    ids = [person.id for person in settings.people]
    roles = {role for person in settings.people for role in person.roles}
    for index, agent in enumerate(settings.access.agents):
        path: Path = ("access", "agents", index)
        kind, colon, name = agent.partition(":")
        if colon and kind == "team":
            yield from _known(path, name, "team", settings.teams)
        elif colon and kind == "role":
            if name not in roles:
                yield Finding(path, f"nobody has the role {name}", suggestion(name, roles), "warning")
        elif colon or agent != "everyone":
            yield from _known(path, agent, "person", ids, "write everyone, role:<role>, team:<team> or a person's id")


def _known(
    path: Path, name: str | None, what: str, known: Iterable[str], otherwise: str | None = None
) -> Iterator[Finding]:
    names = list(known)
    if name is not None and name not in names:
        hint = suggestion(name, names) or otherwise
        yield Finding(path, f"no {what} is called {name}", hint)


def _once(section: str, field: str, values: Collection[str | None]) -> Iterator[Finding]:
    first: dict[str, int] = {}
    for index, value in enumerate(values):
        if value is None:
            continue
        if value in first:
            yield Finding((section, index, field), f"the same {field} stands at {section}[{first[value]}]")
        first.setdefault(value, index)
