"""``deskbell check --online`` for Slack: is every channel and person there, and may the bot write to them?"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping

import aiohttp

from bot.slack.api import Answer, CallFailed, Outcome, SlackApi
from bot.slack.manifest import BOT_SCOPES
from core.config.problems import ConfigProblem
from core.config.settings import Settings

_PAGE, _PAGES = 1000, 20
_LONGEST_WAIT = 30.0
_ATTEMPTS = 3
_LIST = {"types": "public_channel,private_channel", "exclude_archived": False, "limit": _PAGE}
_INVITE = "write /invite @deskbell in it, or name another channel"


async def check_reach(
    settings: Settings, session: aiohttp.ClientSession, channels: Mapping[str, str], granted: frozenset[str] | None
) -> list[ConfigProblem]:
    """One problem for each channel and person that cannot be told, with what to do.

    ``channels``: what the configuration writes after ``slack:`` -> the key where it stands first. ``granted``: the
    bot's scopes, None where Slack did not say.
    """
    reach = _Reach(SlackApi(settings.slack, session), granted)
    found = list(_scopes(granted))
    found += [problem async for problem in reach.channels(channels)]
    people = {person.slack: f"people[{place}].slack" for place, person in enumerate(settings.people) if person.slack}
    return found + [problem async for problem in reach.people(people)]


def _scopes(granted: frozenset[str] | None) -> Iterable[ConfigProblem]:
    missing = [scope for scope in BOT_SCOPES if granted is not None and scope not in granted]
    if missing:
        level = "error" if "chat:write" in missing or "commands" in missing else "warning"
        hint = "update the app from `deskbell manifest` and install it again"
        yield _problem("slack", f"the bot has no scope {', '.join(missing)}", hint, level)


class _Reach:
    def __init__(self, api: SlackApi, granted: frozenset[str] | None) -> None:
        self._api = api
        self._public = granted is not None and "chat:write.public" in granted

    async def channels(self, wanted: Mapping[str, str]) -> AsyncIterator[ConfigProblem]:
        named = {name: key for name, key in wanted.items() if name.startswith("#")}
        listed: dict[str, Answer] = {}
        try:
            listed |= await self._listed(set(named)) if named else {}
        except CallFailed as error:
            yield _unasked("slack", "the channels", error)
            named = {}
        for name, key in named.items():
            problem = self._judged(key, name, listed.get(name))
            if problem is not None:
                yield problem
        for channel, key in wanted.items():
            if channel.startswith(("C", "G")):
                problem = await self._known(key, channel)
                if problem is not None:
                    yield problem

    async def people(self, wanted: Mapping[str, str]) -> AsyncIterator[ConfigProblem]:
        for user, key in wanted.items():
            try:
                person = (await self._call("users.info", {"user": user})).get("user") or {}
            except CallFailed as error:
                if error.code not in ("user_not_found", "user_not_visible"):
                    yield _unasked(key, "the person", error)
                    return
                yield _problem(key, f"Slack knows nobody as {user}", "copy the member id from the person's profile")
                continue
            if person.get("deleted"):
                yield _problem(key, f"{user} is deactivated in Slack", "take the person out, or give the new id")

    async def _known(self, key: str, channel: str) -> ConfigProblem | None:
        try:
            found = (await self._call("conversations.info", {"channel": channel})).get("channel")
        except CallFailed as error:
            if error.code != "channel_not_found":
                return _unasked(key, channel, error)
            found = None
        return self._judged(key, channel, found)

    def _judged(self, key: str, name: str, channel: Answer | None) -> ConfigProblem | None:
        if channel is None:
            hint = f"create it, or, if it is private, {_INVITE}"
            return _problem(key, f"Slack shows the bot no channel {name}", hint)
        if channel.get("is_archived"):
            return _problem(key, f"the channel {name} is archived", "unarchive it, or name another channel")
        if not channel.get("is_member") and (channel.get("is_private") or not self._public):
            return _problem(key, f"the bot is not in the channel {name}", _INVITE)
        return None

    async def _listed(self, wanted: set[str]) -> dict[str, Answer]:
        """The channels that are wanted by name; a living one goes before an archived one of the same name."""
        found: dict[str, Answer] = {}
        cursor = None
        for _ in range(_PAGES):
            answer = await self._call("conversations.list", {**_LIST, "cursor": cursor})
            for channel in answer.get("channels") or []:
                name = f"#{channel.get('name')}"
                if name in wanted and (name not in found or not channel.get("is_archived")):
                    found[name] = channel
            cursor = (answer.get("response_metadata") or {}).get("next_cursor")
            if not cursor or (len(found) == len(wanted) and not any(c.get("is_archived") for c in found.values())):
                return found
        raise CallFailed("conversations.list", Outcome.REFUSED, "too_many_pages")

    async def _call(self, method: str, arguments: Mapping[str, object]) -> Answer:
        """As ``SlackApi.call``; what Slack asks to wait is waited for, half a minute at most. Raises CallFailed."""
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                return await self._api.call(method, arguments)
            except CallFailed as error:
                if error.outcome is not Outcome.LIMITED or attempt == _ATTEMPTS:
                    raise
                await asyncio.sleep(min(error.after or 1.0, _LONGEST_WAIT))
        raise AssertionError("unreachable")


def _unasked(key: str, what: str, error: CallFailed) -> ConfigProblem:
    hint = "grant the scope and install the app again" if error.code == "missing_scope" else "try again later"
    return _problem(key, f"Slack would not say about {what}: {error.code}", hint, "warning")


def _problem(key: str, message: str, hint: str, level: str = "error") -> ConfigProblem:
    return ConfigProblem(None, None, key, message, hint, "warning" if level == "warning" else "error")
