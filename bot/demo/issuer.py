"""Signs the tokens that the Bot Connector sends along with activities, and publishes the keys to check them with.

Shapes: https://learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-connector-authentication. The issuer's
name is Microsoft's, the key is made afresh, so its tokens count only where this metadata is configured.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jwt
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from jwt.algorithms import RSAAlgorithm

ISSUER = "https://api.botframework.com"
METADATA_PATH = "/.well-known/openidconfiguration"
KEYS_PATH = "/.well-known/keys"
_LIFETIME = 3600


class Issuer:
    """``app_id`` is the audience of its tokens. ``fetches`` counts how often the keys were asked for."""

    def __init__(
        self,
        app_id: str,
        *,
        endorsements: Sequence[str] = ("msteams", "webchat", "directline", "emulator"),
        key: RSAPrivateKey | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.app_id = app_id
        self.endorsements = tuple(endorsements)
        self.fetches = 0
        self._clock = clock
        self.rotate(key)

    def rotate(self, key: RSAPrivateKey | None = None) -> None:
        """Replace the key: tokens of before are no longer good, and a validator meets an unknown key id."""
        self.key = key or generate_private_key(public_exponent=65537, key_size=2048)
        self.key_id = secrets.token_urlsafe(20)

    def token(
        self,
        service_url: str,
        *,
        claims: Mapping[str, object] | None = None,
        headers: Mapping[str, object] | None = None,
        key: RSAPrivateKey | None = None,
    ) -> str:
        """A token for one hour; ``claims`` and ``headers`` replace what it would say, None takes a claim away."""
        now = int(self._clock())
        payload: dict[str, object] = {
            "serviceurl": service_url,
            "nbf": now,
            "exp": now + _LIFETIME,
            "iss": ISSUER,
            "aud": self.app_id,
        }
        payload |= claims or {}
        said = {name: value for name, value in payload.items() if value is not None}
        header = {"kid": self.key_id, "x5t": self.key_id} | dict(headers or {})
        return jwt.encode(said, key or self.key, algorithm="RS256", headers=header)

    def metadata(self, base_url: str) -> dict[str, Any]:
        """The OpenID configuration, with the keys below ``base_url``."""
        return {
            "issuer": ISSUER,
            "authorization_endpoint": "https://invalid.botframework.com",
            "jwks_uri": base_url.rstrip("/") + KEYS_PATH,
            "id_token_signing_alg_values_supported": ["RS256"],
            "token_endpoint_auth_methods_supported": ["private_key_jwt"],
        }

    def keys(self) -> dict[str, Any]:
        """The JSON Web Key Set."""
        key = RSAAlgorithm.to_jwk(self.key.public_key(), as_dict=True)
        extra = {"use": "sig", "kid": self.key_id, "x5t": self.key_id, "endorsements": list(self.endorsements)}
        return {"keys": [{name: key[name] for name in ("kty", "n", "e")} | extra]}

    def app(self) -> web.Application:
        """To be served on a port of its own, or below a path with ``add_subapp``."""
        app = web.Application()
        app.router.add_get(METADATA_PATH, self._serve_metadata)
        app.router.add_get(KEYS_PATH, self._serve_keys)
        return app

    async def _serve_metadata(self, request: web.Request) -> web.Response:
        base = str(request.url.with_query(None)).removesuffix(METADATA_PATH)
        return web.json_response(self.metadata(base))

    async def _serve_keys(self, request: web.Request) -> web.Response:
        self.fetches += 1
        return web.json_response(self.keys())
