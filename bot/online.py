"""``deskbell check --online``: are the credentials good, and can everybody who is to be told be reached?"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import aiohttp

from core.config.problems import ConfigProblem
from core.config.settings import Settings

_SECONDS = 10
_UNREACHABLE = "check the address, proxy and firewall"


async def check_online(settings: Settings) -> list[ConfigProblem]:
    """What does not work, each with what to do about it; empty when everything that is configured answers."""
    timeout = aiohttp.ClientTimeout(total=_SECONDS)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        checks = [check(settings, session) for check in (_database, _slack, _teams)]
        found = await asyncio.gather(*checks)
    return [problem for problems in found for problem in problems]


def _problem(key: str, message: str, hint: str) -> ConfigProblem:
    return ConfigProblem(file=None, line=None, key=key, message=message, hint=hint)


async def _database(settings: Settings, _: aiohttp.ClientSession) -> list[ConfigProblem]:
    from sqlalchemy.exc import SQLAlchemyError

    from core.store.database import connect
    from core.store.upgrade import current

    try:
        await asyncio.to_thread(lambda: current(connect(settings.database.url)))
    except (SQLAlchemyError, ValueError) as error:
        reason = str(getattr(error, "orig", None) or error)
        return [
            _problem("database.url", f"the database cannot be opened: {reason}", "check the path and its permissions")
        ]
    return []


async def _slack(settings: Settings, session: aiohttp.ClientSession) -> list[ConfigProblem]:
    token = settings.slack.bot_token
    if token is None:
        return []
    headers = {"Authorization": f"Bearer {token.get_secret_value()}"}
    url = settings.slack.api_url.rstrip("/") + "/auth.test"
    try:
        async with session.post(url, headers=headers) as response:
            answer = await response.json(content_type=None)
            scopes = response.headers.get("x-oauth-scopes")
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        reason = type(error).__name__
        return [
            _problem("slack.api_url", f"Slack cannot be reached ({reason})", "check the address, proxy and firewall")
        ]
    if not isinstance(answer, dict) or not answer.get("ok"):
        said = str(answer.get("error", "no answer") if isinstance(answer, dict) else "no answer")[:80]
        return [
            _problem("SLACK_BOT_TOKEN", f"Slack refuses the token: {said}", "install the app again and copy the token")
        ]
    from bot.slack.reach import check_reach

    granted = frozenset(scope.strip() for scope in scopes.split(",")) if scopes is not None else None
    return await check_reach(settings, session, places(settings, "slack"), granted)


async def _teams(settings: Settings, session: aiohttp.ClientSession) -> list[ConfigProblem]:
    if settings.msteams.app_id is None:
        return []
    try:
        async with session.get(settings.msteams.open_id_metadata) as response:
            known = (await response.json(content_type=None)).get("jwks_uri")
    except (aiohttp.ClientError, TimeoutError, ValueError, AttributeError) as error:
        reason = type(error).__name__
        message = f"the keys of inbound tokens cannot be read ({reason})"
        return [_problem("msteams.open_id_metadata", message, _UNREACHABLE)]
    if not known:
        return [
            _problem("msteams.open_id_metadata", "this is no OpenID metadata", "leave the key out for the public cloud")
        ]
    from bot.teams.credentials import BotCredentials, TokenUnavailable

    try:
        await BotCredentials(settings.msteams).token()
    except TokenUnavailable as error:
        hint = "check the app id, its secret, type and tenant"
        return [_problem("MICROSOFT_APP_PASSWORD", f"Microsoft gives the bot no token: {error}", hint)]
    return await asyncio.to_thread(_conversations, settings)


def _conversations(settings: Settings) -> list[ConfigProblem]:
    from sqlalchemy.exc import SQLAlchemyError

    from bot.teams.reach import check_reach
    from core.store.database import connect

    try:
        return check_reach(settings, connect(settings.database.url), places(settings, "teams"))
    except (SQLAlchemyError, ValueError):
        return []  # The check of the database says what is wrong with it.


def places(settings: Settings, platform: str) -> dict[str, str]:
    """The places of a platform that may be told, and the key where each stands first."""
    found: dict[str, str] = {}
    for key, audiences in _audiences(settings):
        for index, audience in enumerate(audiences):
            kind, _, address = audience.partition(":")
            if kind == platform and address:
                found.setdefault(address, f"{key}[{index}]")
    return found


def _audiences(settings: Settings) -> Iterator[tuple[str, tuple[str, ...]]]:
    for number, rule in enumerate(settings.notifications):
        yield f"notifications[{number}].to", rule.to
        yield f"notifications[{number}].fallback", rule.fallback or ()
    yield "notifications_fallback", settings.notifications_fallback
    for name, members in settings.audiences.items():
        yield f"audiences.{name}", members
    for name, team in settings.teams.items():
        yield f"teams.{name}.channels", team.channels
