"""The bot's own token: one for all, asked for off the event loop, and what happens without it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
from pydantic import SecretStr

from bot.teams.connector import Connector
from bot.teams.credentials import BotCredentials, TokenSource, TokenUnavailable
from bot.teams.notifier import TeamsNotifier
from core.config.settings import TeamsSettings
from core.conversations import Conversation
from core.i18n import Words
from core.ports import DeliveryRetry, Outbound
from tests.teams_fakes import APP_ID, BOT, GROUP, TENANT, Stage, card, stage

MESSAGE = Outbound("k-1", "teams", card(), Words(), address=GROUP)


@pytest.fixture
async def teams() -> AsyncIterator[Stage]:
    async with stage() as made:
        await made.book.remember(Conversation(GROUP, TENANT, made.service_url, "groupChat", BOT))
        yield made


def notifier(teams: Stage, credentials: BotCredentials) -> TeamsNotifier:
    settings = teams.settings()
    connector = Connector(settings.msteams, teams.session, credentials)
    return TeamsNotifier(settings, teams.people, teams.book, teams.session, connector=connector)


class Given:
    """Credentials whose token takes a while and is counted."""

    def __init__(self, scope: str, log: list[str]) -> None:
        self._scope, self._log = scope, log

    def get_access_token(self) -> str:
        time.sleep(0.05)
        self._log.append(self._scope)
        return f"token-{len(self._log)}"


async def test_many_sends_share_one_token_and_the_loop_goes_on_meanwhile() -> None:
    log: list[str] = []
    credentials = BotCredentials(TeamsSettings(app_id=APP_ID), issue=lambda scope: Given(scope, log))
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while not log:
            ticks += 1
            await asyncio.sleep(0.005)

    tokens, _ = await asyncio.gather(asyncio.gather(*(credentials.token() for _ in range(20))), tick())
    assert set(tokens) == {"token-1"}
    assert log == ["https://api.botframework.com"]
    assert ticks > 2
    credentials.forget()
    assert await credentials.token() == "token-2"


async def test_a_refused_token_is_asked_for_anew(teams: Stage) -> None:
    log: list[str] = []
    sender = notifier(teams, BotCredentials(teams.settings().msteams, issue=lambda scope: Given(scope, log)))
    teams.connector.token = "token-2"
    with pytest.raises(DeliveryRetry):
        await sender.post(MESSAGE)
    await sender.post(MESSAGE)
    teams.connector.violations.clear()


async def test_the_sdk_gets_the_same_credentials_each_time_by_the_names_it_uses() -> None:
    credentials = BotCredentials(TeamsSettings(app_id=APP_ID), issue=lambda scope: Given(scope, []))

    async def ask(app_id: str) -> TokenSource:
        return await credentials.create_credentials(
            app_id=app_id, oauth_scope="s", login_endpoint="https://login.example/", validate_authority=True
        )

    assert await ask(APP_ID) is await ask(APP_ID)
    with pytest.raises(TokenUnavailable):
        await ask("another")


@pytest.mark.parametrize("error", [PermissionError("AADSTS7000215"), OSError("no network"), KeyError("access_token")])
async def test_without_a_token_nothing_is_sent_and_all_waits(teams: Stage, error: Exception) -> None:
    def refuse(scope: str) -> TokenSource:
        raise error

    sender = notifier(teams, BotCredentials(teams.settings().msteams, issue=refuse))
    with pytest.raises(DeliveryRetry) as waiting:
        await sender.post(MESSAGE)
    assert waiting.value.scope == "platform"
    assert not teams.connector.calls


async def test_a_missing_password_is_named() -> None:
    with pytest.raises(TokenUnavailable, match="MICROSOFT_APP_PASSWORD"):
        await BotCredentials(TeamsSettings(app_id=APP_ID)).token()


async def test_without_an_app_id_no_token_is_sent() -> None:
    assert await BotCredentials(TeamsSettings(insecure=True)).token() is None


def test_the_cloud_follows_the_issuer_of_inbound_tokens() -> None:
    assert BotCredentials(TeamsSettings()).scope == "https://api.botframework.com"
    government = TeamsSettings(token_issuer="https://api.botframework.us")
    assert BotCredentials(government).scope == "https://api.botframework.us"


async def test_a_secret_stands_in_no_error() -> None:
    settings = TeamsSettings(app_id=APP_ID, app_password=SecretStr("hunter2"), tenant_id="x/../y")
    credentials = BotCredentials(settings, issue=_fail_like_msal)
    with pytest.raises(TokenUnavailable) as failed:
        await credentials.token()
    assert "hunter2" not in str(failed.value)


def _fail_like_msal(scope: str) -> TokenSource:
    raise ValueError("the authority is not known")
