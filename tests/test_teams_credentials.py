"""The bot's own token: one for all, asked for off the event loop, and what happens without it."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import jwt
import pytest
from botframework.connector.auth import ManagedIdentityAppCredentials
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from pydantic import SecretStr

from bot.teams import credentials as credentials_module
from bot.teams.connector import Connector
from bot.teams.credentials import BotCredentials, TokenSource, TokenUnavailable
from bot.teams.hosts import ServiceHosts
from bot.teams.notifier import TeamsNotifier
from core.config.settings import TeamsSettings
from core.conversations import Conversation
from core.i18n import Words
from core.ports import DeliveryRetry, Outbound
from tests.teams_fakes import APP_ID, BOT, GROUP, TENANT, Stage, card, stage

KEY, OTHER = (rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(2))
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


class Entra:
    """What MSAL asks over HTTP, answered from here; ``asked`` are the forms sent to the token endpoint."""

    asked: ClassVar[list[dict[str, str]]] = []

    def get(self, url: str, **_: Any) -> Entra:
        self._answer = {
            "token_endpoint": "https://login.microsoftonline.us/t/oauth2/v2.0/token",
            "authorization_endpoint": "https://login.microsoftonline.us/t/oauth2/v2.0/authorize",
            "issuer": "https://login.microsoftonline.us/t/v2.0",
            "tenant_discovery_endpoint": "https://login.microsoftonline.us/t/v2.0/.well-known/openid-configuration",
        }
        return self

    def post(self, url: str, data: dict[str, str], **_: Any) -> Entra:
        self.asked.append({**data, "url": url})
        self._answer = {"access_token": "token-by-certificate", "expires_in": "3600", "token_type": "Bearer"}
        return self

    status_code = 200
    headers: ClassVar[dict[str, str]] = {}

    @property
    def text(self) -> str:
        return json.dumps(self._answer)

    def raise_for_status(self) -> None:
        """All is well here."""

    def close(self) -> None:
        """Nothing is open."""


class TestCertificate:
    @pytest.fixture
    def pem(self, tmp_path: Path) -> Path:
        path = tmp_path / "bot.pem"
        path.write_bytes(self.made(KEY, KEY))
        return path

    @staticmethod
    def made(signer: rsa.RSAPrivateKey, key: rsa.RSAPrivateKey) -> bytes:
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "bot")])
        start = datetime(2026, 1, 1, tzinfo=UTC)
        built = x509.CertificateBuilder(name, name, signer.public_key(), 1, start, start + timedelta(days=365))
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return built.sign(signer, hashes.SHA256()).public_bytes(serialization.Encoding.PEM) + private

    async def test_it_signs_for_the_bot_in_its_cloud(self, pem: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(credentials_module, "_LimitedSession", Entra)
        Entra.asked.clear()
        given = {"app_id": APP_ID, "tenant_id": TENANT, "cloud": "gcch", "app_certificate": str(pem)}
        settings = TeamsSettings.model_validate(given)
        assert await BotCredentials(settings).token() == "token-by-certificate"
        (form,) = Entra.asked
        assert form["scope"] == "https://api.botframework.us/.default"
        assert "client_secret" not in form
        claims = jwt.decode(
            form["client_assertion"], KEY.public_key(), algorithms=["RS256", "PS256"], options={"verify_aud": False}
        )
        assert (claims["iss"], claims["sub"]) == (APP_ID, APP_ID)
        assert claims["aud"].startswith("https://login.microsoftonline.us/")

    @pytest.mark.parametrize("wrong", ["nothing", "no key", "another key"])
    def test_a_file_that_will_not_do_is_named_without_its_contents(self, pem: Path, wrong: str) -> None:
        whole = pem.read_bytes()
        certificate = whole[: whole.index(b"-----BEGIN PRIVATE")]
        pem.write_bytes({"nothing": b"", "no key": certificate, "another key": self.made(KEY, OTHER)}[wrong])
        settings = TeamsSettings(app_id=APP_ID, tenant_id=TENANT, app_certificate=str(pem))
        with pytest.raises(TokenUnavailable, match=r"bot\.pem") as failed:
            asyncio.run(BotCredentials(settings).token())
        assert "PRIVATE" not in str(failed.value)


@pytest.mark.parametrize(
    ("cloud", "host", "issuer"),
    [
        ("public", "smba.trafficmanager.net", "https://api.botframework.com"),
        ("gcc", "smba.infra.gcc.teams.microsoft.com", "https://api.botframework.com"),
        ("gcch", "smba.infra.gov.teams.microsoft.us", "https://api.botframework.us"),
        ("dod", "smba.infra.dod.teams.microsoft.us", "https://api.botframework.us"),
    ],
)
def test_each_cloud_has_its_hosts_its_issuer_and_its_scope(cloud: str, host: str, issuer: str) -> None:
    settings = TeamsSettings.model_validate({"cloud": cloud})
    assert (settings.service_hosts[0], settings.token_issuer) == (host, issuer)
    assert BotCredentials(settings).scope == issuer
    hosts = ServiceHosts(settings)
    assert hosts.trusts(f"https://{host}/teams/")
    assert hosts.trusts("https://smba.infra.dod.teams.microsoft.us/") is (cloud == "dod")
    assert (".azure.us/" in settings.open_id_metadata) is issuer.endswith(".us")


def test_what_is_given_by_hand_goes_before_the_clouds() -> None:
    settings = TeamsSettings.model_validate({"cloud": "dod", "service_hosts": ["connector.example"]})
    assert settings.service_hosts == ("connector.example",)
    assert settings.token_issuer == "https://api.botframework.us"


async def test_a_managed_identity_needs_no_secret() -> None:
    settings = TeamsSettings(app_id=APP_ID, app_type="UserAssignedMSI")
    made = await BotCredentials(settings).create_credentials(
        app_id=APP_ID, oauth_scope="s", login_endpoint="https://login.example/", validate_authority=True
    )
    assert isinstance(made, ManagedIdentityAppCredentials)


def _fail_like_msal(scope: str) -> TokenSource:
    raise ValueError("the authority is not known")
