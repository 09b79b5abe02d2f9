"""``deskbell check --online``: are the credentials good, and can the outside be reached?"""

from __future__ import annotations

import asyncio

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
    return []


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
    return []
