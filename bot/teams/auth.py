"""Who may hand activities in.

An own validator stands before the SDK, whose own answers many bad tokens with 500 and a trace, accepts tokens without
expiry, and skips checks for what is absent. Here whatever is absent is wrong. First the token, which needs nothing of
the body; then what the body has to agree with: channel, service address, tenant.
https://learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-connector-authentication
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jwt
import msgspec

from bot.teams.hosts import ServiceHosts, is_loopback
from bot.teams.incoming import Incoming
from bot.teams.keys import KeysUnavailable, SigningKeys
from core.config.settings import TeamsSettings

CHANNEL = "msteams"
_EMULATOR = "emulator"
_LEEWAY = 300  # seconds, as Microsoft's page asks for
_REQUIRED = ["exp", "iss", "aud", "serviceurl"]

Claims = Mapping[str, Any]


class Refused(Exception):
    """Not let in. ``status`` is the HTTP status, ``code`` a short word for the log and the answer."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.status, self.code = status, code


class Caller(msgspec.Struct, frozen=True):
    """What is known of a request before its body: ``peer`` is the address of the connection itself.

    ``forwarded`` is true when a proxy says that it stands between; ``host`` is the name the request was sent to.
    """

    authorization: str | None
    peer: str | None
    host: str | None = None
    forwarded: bool = False

    @property
    def is_local(self) -> bool:
        """On this machine and meant for it: no proxy between, no other name (which a web page could have rebound)."""
        return is_loopback(self.peer) and not self.forwarded and is_loopback(self.host)


class Gate:
    def __init__(self, settings: TeamsSettings, keys: SigningKeys) -> None:
        self._settings, self._keys = settings, keys
        self._hosts = ServiceHosts(settings)
        self._tenants = frozenset(settings.allowed_tenants or filter(None, (settings.tenant_id,)))

    async def verify(self, caller: Caller) -> Claims | None:
        """The claims of the caller's token; None for a caller without one in insecure mode. Raises Refused."""
        if caller.authorization is None:
            if self._settings.insecure and caller.is_local:
                return None
            raise Refused(401, "token_missing")
        scheme, _, token = caller.authorization.partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise Refused(401, "not_a_bearer_token")
        return await self._claims(token.strip())

    async def _claims(self, token: str) -> Claims:
        if self._settings.app_id is None:
            raise Refused(401, "no_app_id")
        try:
            header = jwt.get_unverified_header(token)
        except jwt.PyJWTError:
            raise Refused(401, "token_malformed") from None
        if header.get("alg") != "RS256" or not isinstance(header.get("kid"), str):
            raise Refused(401, "token_algorithm")
        try:
            key = await self._keys.get(header["kid"])
        except KeysUnavailable:
            raise Refused(503, "keys_unavailable") from None
        if key is None:
            raise Refused(401, "token_key_unknown")
        if CHANNEL not in key.endorsements:
            raise Refused(403, "key_not_endorsed")
        return self._checked(token, key.key)

    def _checked(self, token: str, key: Any) -> Claims:
        try:
            claims = jwt.decode(
                token,
                key,
                algorithms=["RS256"],
                audience=self._settings.app_id,
                issuer=self._settings.token_issuer,
                leeway=_LEEWAY,
                options={"require": _REQUIRED},
            )
        except jwt.PyJWTError as error:
            raise Refused(401, _WRONG.get(type(error), "token_invalid")) from None
        return claims

    def accept(self, claims: Claims | None, incoming: Incoming) -> None:
        """Whether the body agrees with the token and with the configuration. Raises Refused."""
        if incoming.channel_id != CHANNEL and not (claims is None and incoming.channel_id == _EMULATOR):
            raise Refused(403, "channel")
        if not self._hosts.allows(incoming.service_url):
            raise Refused(403, "service_url")
        if claims is None:
            if not self._hosts.is_local(incoming.service_url):
                raise Refused(403, "service_url")
        elif _address(claims.get("serviceurl")) != _address(incoming.service_url):
            raise Refused(401, "service_url_forged")
        self._check_tenant(incoming)

    def _check_tenant(self, incoming: Incoming) -> None:
        if len(incoming.tenants) > 1:
            raise Refused(403, "tenant_ambiguous")
        if self._tenants and incoming.tenant not in self._tenants:
            raise Refused(403, "tenant")


_WRONG: dict[type[Exception], str] = {
    jwt.ExpiredSignatureError: "token_expired",
    jwt.ImmatureSignatureError: "token_not_yet_valid",
    jwt.InvalidAudienceError: "token_audience",
    jwt.InvalidIssuerError: "token_issuer",
    jwt.InvalidSignatureError: "token_signature",
    jwt.MissingRequiredClaimError: "token_claim_missing",
}


def _address(value: object) -> str | None:
    return value.rstrip("/") if isinstance(value, str) else None
