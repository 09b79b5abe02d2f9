"""Who acts, and in which words they are answered.

Commands and clicks carry no language, so Slack is asked once a day for a person's profile: on first sight within a
small time budget, later in the background, so that nobody's command waits for it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Iterable
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from bot.slack import text
from bot.slack.api import CallFailed, SlackApi
from bot.slack.inflight import Inflight
from bot.slack.workspaces import Workspace
from core.config.settings import Settings
from core.i18n import Words, closest_language
from core.model import DESKBELL, Person
from core.people import Directory, Seen

PLATFORM = "slack"
FIRST_SIGHT_SECONDS = 0.8
_FRESH = timedelta(hours=24)
_TRY_AGAIN = timedelta(minutes=5)
_REMEMBERED = 10_000
_NAMED_AT_MOST = 20

_log = logging.getLogger(__name__)


class SlackPeople:
    """``workspace`` is the one of many whose people these are; without it there is one alone."""

    def __init__(
        self,
        settings: Settings,
        directory: Directory,
        api: SlackApi,
        inflight: Inflight,
        now: Callable[[], datetime],
        workspace: Workspace | None = None,
    ) -> None:
        self._workspace = workspace
        self._own = frozenset(settings.organisation.slack_workspaces)
        self._settings, self._directory, self._api, self._inflight, self._now = settings, directory, api, inflight, now
        self._ask_after: dict[str, datetime] = {}
        self._asking: dict[str, asyncio.Task[Person]] = {}
        self._words: dict[str, Words] = {}

    async def meet(self, user: str, tenant: str, name: str | None = None) -> Person:
        """The person behind a Slack user id; ``tenant`` is the team, ``name`` what the payload calls them."""
        person = await self._met(user, tenant, name)
        _keep(self._words, user, self.words(person))
        return person

    async def ids(self, users: Iterable[tuple[str, str | None]], tenant: str) -> dict[str, str]:
        """Slack user id -> Deskbell id, for the (user, name) pairs of people that somebody mentioned."""
        pairs = list(users)
        people = await asyncio.gather(*(self.meet(user, tenant, name) for user, name in pairs))
        return {user: person.id for (user, _), person in zip(pairs, people, strict=True)}

    async def prose(self, said: str, tenant: str, ours: Collection[str] = ()) -> str:
        """A text of Slack's as people read it, with the names of those whom it mentions; ``ours`` are the bot's ids."""
        mentioned = [pair for pair in text.mentioned(said).items() if pair[0] not in ours][:_NAMED_AT_MOST]
        met = await asyncio.gather(*(self.meet(user, tenant, name) for user, name in mentioned))
        names = {user: person.name for (user, _), person in zip(mentioned, met, strict=True)}
        return text.prose(said, names | dict.fromkeys(ours, DESKBELL.name))

    def words(self, person: Person) -> Words:
        """The person's language and time zone, with the configured ones for what is not known."""
        language = closest_language(person.language, self._settings.language)
        return Words(language, _zone(person.time_zone) or self._settings.time_zone)

    def last_words(self, user: str) -> Words:
        """The words of somebody who was met before, without asking anybody."""
        return self._words.get(user) or Words(self._settings.language, self._settings.time_zone)

    async def _met(self, user: str, tenant: str, name: str | None) -> Person:
        known = await self._directory.known(PLATFORM, self._scoped(user))
        asking, not_before = self._asking.get(user), self._ask_after.get(user)
        if asking is None and (not_before is None or self._now() >= not_before):
            asking = self._ask(user, tenant, name)
        if known is not None and (known.language or asking is None):
            return known
        if asking is not None:
            done, _ = await asyncio.wait({asking}, timeout=FIRST_SIGHT_SECONDS)
            if done:
                return asking.result()
        return known or await self._directory.meet(self._seen(user, tenant, name))

    def _scoped(self, user: str) -> str:
        return self._workspace.scoped(user) if self._workspace else user

    def _seen(self, user: str, tenant: str, name: str | None) -> Seen:
        return Seen(PLATFORM, self._scoped(user), self._workspace.tenant if self._workspace else tenant, name=name)

    def _ask(self, user: str, tenant: str, name: str | None) -> asyncio.Task[Person]:
        task = self._inflight.spawn(self._look_up(user, tenant, name))
        self._asking[user] = task
        task.add_done_callback(lambda _: self._asking.pop(user, None))
        return task

    async def _look_up(self, user: str, tenant: str, name: str | None) -> Person:
        try:
            answer = await self._api.call("users.info", {"user": user, "include_locale": True})
            seen, again = _profile(self._seen(user, tenant, name), answer.get("user"), self._own), _FRESH
        except CallFailed as error:
            _log.info("no profile of %s from Slack: %s", user, error)
            seen, again = self._seen(user, tenant, name), _TRY_AGAIN
        person = await self._directory.meet(seen)
        _keep(self._ask_after, user, self._now() + again)
        return person


def _profile(seen: Seen, answer: Any, own: frozenset[str]) -> Seen:
    """https://docs.slack.dev/reference/objects/user-object; what has an unexpected shape counts as not said."""
    found = answer if isinstance(answer, dict) else {}
    profile = found.get("profile")
    profile = profile if isinstance(profile, dict) else {}
    called = profile.get("display_name") or profile.get("real_name") or found.get("real_name") or found.get("name")
    return replace(
        seen,
        name=_text(called) or seen.name,
        email=_text(profile.get("email")),
        email_vouched=is_own(found, own),
        language=closest_language(_text(found.get("locale")), "") or None,
        time_zone=_zone(_text(found.get("tz"))),
        picture=_picture(profile),
    )


def _picture(profile: dict[str, Any]) -> str | None:
    found = _text(profile.get("image_192")) or _text(profile.get("image_72"))
    return found if found and found.startswith("https://") else None


def is_own(user: dict[str, Any], own: frozenset[str]) -> bool:
    """Whether the organisation vouches for the address: a confirmed one of somebody whose own workspace is on the
    list. Whose workspace the request came through does not count, for shared channels bring strangers."""
    grid = user.get("enterprise_user")
    homes = {user.get("team_id"), grid.get("enterprise_id") if isinstance(grid, dict) else None}
    stranger = user.get("is_stranger") is True or user.get("is_bot") is True
    return bool(own & homes) and not stranger and user.get("is_email_confirmed") is not False


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _zone(name: str | None) -> str | None:
    """``name`` if it is a time zone of this machine."""
    if not name:
        return None
    try:
        return ZoneInfo(name).key
    except (KeyError, ValueError, OSError):
        return None


def _keep(cache: dict[str, Any], key: str, value: object) -> None:
    """The newest ones stay."""
    cache.pop(key, None)
    cache[key] = value
    while len(cache) > _REMEMBERED:
        del cache[next(iter(cache))]
