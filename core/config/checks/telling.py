"""Notification rules: events that happen, conditions and texts that compile, audiences that exist and have an end."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from core.config.checks import Finding
from core.config.conditions import Condition, ConditionError, Fault, Template
from core.config.problems import Path, suggestion
from core.config.settings import Settings
from core.config.vocabulary import EVENT_KINDS, RELATIVE_AUDIENCES

# https://slack.com/help/articles/201402297 and the ids of https://api.slack.com/types/conversation
_SLACK_CHANNEL = re.compile(r"(T[A-Z0-9]{2,}/)?#[^\s#@.,:;!?\"'()A-Z]{1,80}|([TE][A-Z0-9]{2,}/)?[CGD][A-Z0-9]{2,}")
_TEAMS_CONVERSATION = re.compile(r"19:[^\s@;]+@(thread\.(tacv2|skype|v2)|unq\.gbl\.spaces)|a:\S+")
_FORMS = ("slack:#channel", "teams:<conversation>", "person:<id>", "team:<key>", "oncall:<schedule>")


def rules(settings: Settings) -> Iterator[Finding]:
    first: dict[str, int] = {}
    for index, rule in enumerate(settings.notifications):
        path: Path = ("notifications", index)
        if rule.name in first:
            yield Finding((*path, "name"), f"the same name stands at notifications[{first[rule.name]}]")
        first.setdefault(rule.name, index)
        for place, kind in enumerate(rule.on):
            if kind not in EVENT_KINDS:
                hint = suggestion(kind, EVENT_KINDS)
                yield Finding((*path, "on", place), f"no event is called {kind}", hint)
        for key in ("on", "to"):
            if not getattr(rule, key):
                yield Finding((*path, key), "empty, so nobody is ever told", level="warning")
        yield from _compiles((*path, "when"), Condition, rule.when)
        if rule.template is not None and rule.template not in settings.templates:
            hint = suggestion(rule.template, settings.templates)
            yield Finding((*path, "template"), f"no template is called {rule.template}", hint)
        for place, audience in enumerate(rule.to):
            yield from _audience((*path, "to", place), audience, settings)
        yield from _fallback((*path, "fallback"), rule.fallback or (), settings)
    yield from _fallback(("notifications_fallback",), settings.notifications_fallback, settings)


def _fallback(path: Path, audiences: tuple[str, ...], settings: Settings) -> Iterator[Finding]:
    for place, audience in enumerate(audiences):
        if audience == "cards":
            yield Finding((*path, place), "cards are where the ticket is shown already", "name a place or a person")
        yield from _audience((*path, place), audience, settings)


def templates(settings: Settings) -> Iterator[Finding]:
    used = {rule.template for rule in settings.notifications}
    for name, source in settings.templates.items():
        yield from _compiles(("templates", name), Template, source)
        if name not in used:
            yield Finding(("templates", name), "no rule uses this text", level="warning")


def audiences(settings: Settings) -> Iterator[Finding]:
    for name, members in settings.audiences.items():
        path: Path = ("audiences", name)
        if name in RELATIVE_AUDIENCES or ":" in name:
            yield Finding(path, "the name has a meaning of its own", "choose another name")
        for place, member in enumerate(members):
            yield from _audience((*path, place), member, settings)
    yield from _circles(settings)


def _audience(path: Path, text: str, settings: Settings) -> Iterator[Finding]:
    kind, colon, name = text.partition(":")
    if not colon:
        known = [*settings.audiences, *RELATIVE_AUDIENCES]
        if text not in known:
            hint = f"write slack:{text}" if text.startswith("#") else suggestion(text, known)
            yield Finding(path, f"no audience is called {text}", hint or f"write {', '.join(_FORMS)}")
    elif kind == "slack":
        if "/" in name and not settings.slack.has_workspaces:
            yield Finding(path, "there is one workspace alone", "leave the workspace out, or set slack.client_id")
        elif not _SLACK_CHANNEL.fullmatch(name):
            yield Finding(path, "not a Slack channel", "write slack:#name in small letters, or slack:C0123456789")
    elif kind == "teams":
        if not _TEAMS_CONVERSATION.fullmatch(name):
            yield Finding(path, "not a Teams conversation", "write teams:19:...@thread.tacv2, from the channel's link")
    elif kind in ("person", "team", "oncall"):
        people = [person.id for person in settings.people]
        what, names = {
            "person": ("person", people),
            "team": ("team", list(settings.teams)),
            "oncall": ("schedule", list(settings.schedules)),
        }[kind]
        if name not in names:
            yield Finding(path, f"no {what} is called {name}", suggestion(name, names))
    else:
        yield Finding(path, "not an audience", f"write {', '.join(_FORMS)}")


def _circles(settings: Settings) -> Iterator[Finding]:
    """Audiences that contain themselves, each circle told once, at its first audience."""
    done: set[str] = set()

    def follow(name: str, trail: tuple[str, ...]) -> Iterator[Finding]:
        if name in trail:
            circle = (*trail[trail.index(name) :], name)
            yield Finding(("audiences", name), f"contains itself: {' > '.join(circle)}")
        elif name in settings.audiences and name not in done:
            for member in settings.audiences[name]:
                yield from follow(member, (*trail, name))
            done.add(name)

    for name in settings.audiences:
        yield from follow(name, ())


def _compiles(path: Path, compile_source: Callable[[str], object], source: str) -> Iterator[Finding]:
    try:
        compile_source(source)
    except ConditionError as error:
        for fault in error.faults:
            yield Finding(path, f"{fault.message}{_place(fault, source)}", fault.hint)


def _place(fault: Fault, source: str) -> str:
    line = f"line {fault.line}" if fault.line and "\n" in source.strip() else ""
    column = f"column {fault.column}" if fault.column else ""
    place = ", ".join(part for part in (line, column) if part)
    return f" ({place})" if place else ""
