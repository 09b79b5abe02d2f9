"""Whom to call to a ticket, in which order. Pure: the ticket, the configuration and who is on call now.

First the experts of the ticket's systems who have the skill that is wanted, those on call before the others, each
group in the catalogue's order; then everybody else with that skill, in the same way; then whoever is on call for the
teams that own the systems, and the leads of these teams. A skill that nobody has in the configuration leaves nobody
out: it is for the person who is called to read.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping

from core.config.settings import PersonSettings, Settings
from core.model import Ticket


def candidates(ticket: Ticket, skill: str, settings: Settings, duty: Mapping[str, str]) -> list[str]:
    """Ids of people, each once. ``duty`` gives the id of who is on call by the schedule's name."""
    people = {person.id: person for person in settings.people}
    systems = [system for system in settings.systems if system.name in ticket.systems]
    systems.sort(key=lambda system: ticket.systems.index(system.name))
    skilled = {person.id for person in people.values() if _has(person, skill)}
    on_call = set(duty.values())
    experts = [expert for system in systems for expert in system.experts]
    if skilled:
        experts = [
            *_on_call_first([expert for expert in experts if expert in skilled], on_call),
            *_on_call_first([person for person in people if person in skilled], on_call),
        ]
    else:
        experts = _on_call_first(experts, on_call)
    keys = [*(system.team for system in systems), ticket.team]
    teams = [settings.teams[key] for key in keys if key in settings.teams]
    standby = [duty.get(team.on_call or "") for team in teams]
    ordered = [*experts, *standby, *(team.lead for team in teams)]
    return list(dict.fromkeys(person for person in ordered if person in people))


def same_skill(one: str, other: str) -> bool:
    """Whether two calls want the same."""
    return " ".join(_words(one)) == " ".join(_words(other))


def _has(person: PersonSettings, wanted: str) -> bool:
    """Whether a skill of the person stands in what is wanted, word for word: ``postgres`` in ``Postgres lag``."""
    said = f" {' '.join(_words(wanted))} "
    return any(words and f" {' '.join(words)} " in said for words in map(_words, person.skills))


def _words(text: str) -> list[str]:
    return re.findall(r"[\w+#.]*[\w+#]", text.casefold())


def _on_call_first(people: Iterable[str], on_call: Collection[str]) -> list[str]:
    return sorted(people, key=lambda person: person not in on_call)
