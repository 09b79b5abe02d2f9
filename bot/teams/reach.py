"""``deskbell check --online`` for Teams: what the bot last heard from the conversations of the configuration.

Teams cannot be asked where a bot may write; what it said of itself, when it was added and when it refused, is kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sqlalchemy import Engine, inspect, select

from core.config.problems import ConfigProblem
from core.config.settings import Settings
from core.store.queries import CONVERSATION

_ADD = "add the app to the team or chat, or name another conversation"


def check_reach(settings: Settings, engine: Engine, conversations: Mapping[str, str]) -> list[ConfigProblem]:
    """One problem for each conversation and person that cannot be told. ``conversations``: what stands after
    ``teams:`` -> the key where it stands first."""
    with engine.connect() as connection:
        if not inspect(connection).has_table(CONVERSATION.name):
            known: dict[str, str | None] = {}
            people: dict[str, str | None] = {}
        else:
            ids = [conversation.split(";")[0] for conversation in conversations]
            columns = (CONVERSATION.c.id, CONVERSATION.c.person, CONVERSATION.c.dead)
            rows = connection.execute(select(*columns).where(CONVERSATION.c.id.in_(ids))).all()
            known = {row.id: row.dead for row in rows}
            of_people = CONVERSATION.c.person.in_([person.id for person in settings.people])
            personal = select(*columns).where(of_people & (CONVERSATION.c.kind == "personal"))
            people = {row.person: row.dead for row in connection.execute(personal.order_by(CONVERSATION.c.heard_at))}
    return [*_of_conversations(conversations, known), *_of_people(settings, people)]


def _of_conversations(wanted: Mapping[str, str], known: Mapping[str, str | None]) -> Iterable[ConfigProblem]:
    for conversation, key in wanted.items():
        name = conversation.split(";")[0]
        if name not in known:
            said = "the bot has not heard from this conversation yet"
            yield ConfigProblem(None, None, key, said, _ADD, "warning")
        elif known[name] is not None:
            yield ConfigProblem(None, None, key, f"Teams takes nothing for this conversation: {known[name]}", _ADD)


def _of_people(settings: Settings, known: Mapping[str, str | None]) -> Iterable[ConfigProblem]:
    for place, person in enumerate(settings.people):
        dead = known.get(person.id)
        if dead is not None and not person.slack:
            message = f"Teams takes no message for {person.id}: {dead}"
            hint = "have the person write to the bot, or take them out"
            yield ConfigProblem(None, None, f"people[{place}].teams", message, hint)
