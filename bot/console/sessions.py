"""Who sits before the console: a signed cookie, good until it expires or the API token is changed.

The keys are derived from the API token, so there is no secret of its own to keep; without a token (the demo) they live
as long as the process. Every form carries a token that is good for its session alone.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import secrets
from datetime import datetime

import msgspec
from aiohttp import web

_SESSION = "deskbell_session"
_NOTE = "deskbell_note"
_NOTE_LIMIT = 500
LIFETIME = 12 * 3600


class Session(msgspec.Struct, frozen=True):
    """``person`` is the id of who signed in, ``admitted`` whether somebody did; ``expires`` in Unix seconds."""

    nonce: str
    expires: int
    admitted: bool = False
    person: str | None = None


_decode = msgspec.json.Decoder(Session).decode


class Sessions:
    def __init__(self, secret: str | None) -> None:
        base = secret.encode() if secret else secrets.token_bytes(32)
        self._key = hmac.digest(base, b"deskbell console session", "sha256")
        self._form_key = hmac.digest(base, b"deskbell console form", "sha256")
        self._note_key = hmac.digest(base, b"deskbell console note", "sha256")

    def begin(self, now: datetime, *, admitted: bool = False, person: str | None = None) -> Session:
        """A new session; nothing of an earlier one is good for it."""
        return Session(secrets.token_urlsafe(16), int(now.timestamp()) + LIFETIME, admitted, person)

    def read(self, request: web.Request, now: datetime) -> Session | None:
        """The session that the request shows; None for none, a forged or an expired one."""
        body = _opened(request.cookies.get(_SESSION, ""), self._key)
        session = _decode(body) if body is not None else None
        return session if session is not None and session.expires > now.timestamp() else None

    def write(self, response: web.Response, session: Session, *, secure: bool) -> None:
        _set(response, _SESSION, _sealed(msgspec.json.encode(session), self._key), LIFETIME, secure=secure)

    def end(self, response: web.Response) -> None:
        response.del_cookie(_SESSION, path="/", httponly=True, samesite="Strict")

    def form_token(self, session: Session) -> str:
        """What a form must carry to be taken from this session."""
        return _pack(hmac.digest(self._form_key, session.nonce.encode(), "sha256"))

    def is_own_form(self, session: Session, given: str) -> bool:
        return hmac.compare_digest(given.encode("utf-8", "surrogatepass"), self.form_token(session).encode())

    def leave_note(self, response: web.Response, text: str, *, secure: bool) -> None:
        """A line for the next page that the same reader sees."""
        sealed = _sealed(text[:_NOTE_LIMIT].encode("utf-8", "replace"), self._note_key)
        _set(response, _NOTE, sealed, 60, secure=secure)

    def note(self, request: web.Request) -> str | None:
        body = _opened(request.cookies.get(_NOTE, ""), self._note_key)
        return body.decode() if body is not None else None

    def take_note_away(self, response: web.Response) -> None:
        response.del_cookie(_NOTE, path="/", httponly=True, samesite="Strict")


def _set(response: web.Response, name: str, value: str, seconds: int, *, secure: bool) -> None:
    response.set_cookie(name, value, max_age=seconds, path="/", httponly=True, samesite="Strict", secure=secure)


def _sealed(body: bytes, key: bytes) -> str:
    return f"{_pack(body)}.{_pack(hmac.digest(key, body, 'sha256'))}"


def _opened(value: str, key: bytes) -> bytes | None:
    """What was sealed with ``key``; None for anything else."""
    packed, _, signature = value.partition(".")
    try:
        body, given = _unpack(packed), _unpack(signature)
    except (binascii.Error, ValueError):
        return None
    return body if hmac.compare_digest(given, hmac.digest(key, body, "sha256")) else None


def _pack(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _unpack(text: str) -> bytes:
    return base64.b64decode((text + "=" * (-len(text) % 4)).encode("ascii"), altchars=b"-_", validate=True)
