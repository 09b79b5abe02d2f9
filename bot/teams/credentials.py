"""The bot's own token, with which it speaks to the Connector.

The SDK's factories make new credentials for every turn, so that its token cache never hits, and ask Microsoft for a
token with a blocking call inside the event loop and without a time limit. Here one credentials object lives per scope,
and its blocking calls run in threads of their own, one at a time, each with a limit.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Protocol, cast

import msal  # type: ignore[import-untyped]
import requests
from botframework.connector.auth import (
    AuthenticationConstants,
    CertificateAppCredentials,
    GovernmentConstants,
    ManagedIdentityAppCredentials,
    MicrosoftAppCredentials,
    MicrosoftGovernmentAppCredentials,
    ServiceClientCredentialsFactory,
)
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from core.config.settings import TeamsSettings

_TIMEOUT = 10.0
# MSAL renews a token five minutes before its end, so that a copy this old is always good.
_COPY_LASTS = 60.0
_log = logging.getLogger(__name__)


class TokenUnavailable(Exception):
    """Microsoft gave no token; the reason is for the operator."""


class TokenSource(Protocol):
    """What the SDK's credentials are to this package."""

    def get_access_token(self) -> str: ...


class BotCredentials(ServiceClientCredentialsFactory):
    """``static_token`` is sent as it is, for a stand-in of the Connector.

    ``issue`` makes credentials for a scope; without it they are made from the settings.
    """

    def __init__(
        self,
        settings: TeamsSettings,
        *,
        static_token: str | None = None,
        issue: Callable[[str], TokenSource] | None = None,
    ) -> None:
        self._settings, self._static = settings, static_token
        government = settings.token_issuer == GovernmentConstants.TO_BOT_FROM_CHANNEL_TOKEN_ISSUER
        cloud = GovernmentConstants if government else AuthenticationConstants
        self.scope: str = cloud.TO_CHANNEL_FROM_BOT_OAUTH_SCOPE
        self._login: str = cloud.TO_CHANNEL_FROM_BOT_LOGIN_URL_PREFIX
        self._shared_tenant: str = cloud.DEFAULT_CHANNEL_AUTH_TENANT
        self._kind = MicrosoftGovernmentAppCredentials if government else MicrosoftAppCredentials
        self._issue = issue or self._from_settings
        self._made: dict[str, TokenSource] = {}
        self._copy: tuple[str, float] | None = None
        self._lock = asyncio.Lock()
        self._threads = ThreadPoolExecutor(max_workers=2, thread_name_prefix="teams-token")

    async def token(self) -> str | None:
        """The token to send; None where there is no app id to get one for. Raises TokenUnavailable."""
        if self._static is not None or not self._settings.app_id:
            return self._static
        async with self._lock:
            if self._copy is None or time.monotonic() >= self._copy[1]:
                credentials = await self.create_credentials(
                    app_id=self._settings.app_id,
                    oauth_scope=self.scope,
                    login_endpoint=self._login,
                    validate_authority=True,
                )
                self._copy = (await self._asked(credentials), time.monotonic() + _COPY_LASTS)
            return self._copy[0]

    async def _asked(self, credentials: TokenSource) -> str:
        try:
            return cast(str, await self._in_thread(credentials.get_access_token))
        except TokenUnavailable:
            self._made.clear()  # The next ones read the certificate's file again.
            raise

    def forget(self) -> None:
        """Drop what is cached, because the Connector did not take it."""
        self._made.clear()
        self._copy = None

    async def is_valid_app_id(self, app_id: str) -> bool:
        return app_id == self._settings.app_id

    async def is_authentication_disabled(self) -> bool:
        return not self._settings.app_id

    # The SDK passes these by name.
    async def create_credentials(
        self, app_id: str, oauth_scope: str, login_endpoint: str, validate_authority: bool
    ) -> TokenSource:
        """The credentials of the scope, always the same object. Raises TokenUnavailable."""
        if not await self.is_valid_app_id(app_id):
            raise TokenUnavailable("credentials were asked for another app")
        if oauth_scope not in self._made:
            self._made[oauth_scope] = await self._in_thread(lambda: self._issue(oauth_scope))
        return self._made[oauth_scope]

    async def _in_thread(self, call: Callable[[], Any]) -> Any:
        try:
            return await asyncio.wait_for(asyncio.get_running_loop().run_in_executor(self._threads, call), _TIMEOUT * 2)
        # What MSAL raises: its refusals as PermissionError, networks as OSError, an odd answer as the others.
        except (OSError, ValueError, LookupError, TimeoutError) as error:
            _log.error("Microsoft gave no token for the bot: %s", error)
            raise TokenUnavailable(f"{type(error).__name__}: {error}") from error

    def _from_settings(self, scope: str) -> TokenSource:
        """Runs in a thread: MSAL asks the network for its authority when it is made."""
        settings = self._settings
        session = _LimitedSession()
        if settings.app_type == "UserAssignedMSI":
            managed = ManagedIdentityAppCredentials(settings.app_id, scope)
            identity = {"ManagedIdentityIdType": "ClientId", "Id": settings.app_id}
            managed.app = msal.ManagedIdentityClient(identity, http_client=session)
            return cast(TokenSource, managed)
        tenant = settings.tenant_id if settings.app_type == "SingleTenant" else None
        if settings.app_certificate is not None:
            return self._by_certificate(Path(settings.app_certificate), tenant, scope, session)
        if settings.app_password is None:
            raise ValueError("neither MICROSOFT_APP_PASSWORD nor MICROSOFT_APP_CERTIFICATE is set")
        secret = settings.app_password.get_secret_value()
        credentials = self._kind(settings.app_id, secret, tenant, scope)
        credentials.app = msal.ConfidentialClientApplication(
            client_id=settings.app_id,
            client_credential=secret,
            authority=credentials.oauth_endpoint,
            http_client=session,
        )
        return cast(TokenSource, credentials)

    def _by_certificate(self, path: Path, tenant: str | None, scope: str, session: requests.Session) -> TokenSource:
        """Read anew whenever credentials are made: a renewed file is taken up. Raises ValueError and OSError."""
        certificate, key, thumbprint = read_certificate(path)
        credentials = CertificateAppCredentials(self._settings.app_id, thumbprint, key, tenant, scope, certificate)
        credentials.app = msal.ConfidentialClientApplication(
            client_id=self._settings.app_id,
            client_credential={"private_key": key, "thumbprint": thumbprint, "public_certificate": certificate},
            authority=f"{self._login}{tenant or self._shared_tenant}",
            http_client=session,
        )
        return cast(TokenSource, credentials)


def read_certificate(path: Path) -> tuple[str, str, str]:
    """Certificate and private key as PEM, and the certificate's SHA-1 in hex, by which Entra knows it.

    Raises ValueError for a file without either, and for a key that does not belong to the certificate; OSError.
    """
    pem = path.read_bytes()
    try:
        certificate = x509.load_pem_x509_certificate(pem)
        key = serialization.load_pem_private_key(pem, password=None)
    except (ValueError, TypeError) as error:
        raise ValueError(f"{path.name} does not hold a certificate and its unencrypted private key") from error
    if key.public_key() != certificate.public_key():
        raise ValueError(f"the private key in {path.name} is not that of the certificate")
    plain = serialization.NoEncryption()
    key_pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    thumbprint = certificate.fingerprint(hashes.SHA1()).hex().upper()  # noqa: S303 - a name, not a protection
    return certificate.public_bytes(serialization.Encoding.PEM).decode(), key_pem.decode(), thumbprint


class _LimitedSession(requests.Session):
    """No request without a time limit."""

    def request(self, *args: Any, **kwargs: Any) -> requests.Response:
        kwargs.setdefault("timeout", _TIMEOUT)
        return super().request(*args, **kwargs)
