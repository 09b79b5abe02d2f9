"""Secrets at rest: sealed with a key that stands in the environment and never in the database.

AES-256-GCM. What is sealed begins with a version and the id of its key, so that keys can be changed: the first key
seals, every key opens. What a secret is about is bound into its seal, so that it cannot be moved to another row.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

SHORTEST_KEY = 32
_VERSION = b"\x01"
_ID_BYTES, _NONCE_BYTES = 8, 12
_HEAD = len(_VERSION) + _ID_BYTES


class CannotOpen(Exception):
    """No key opens it: its key is gone, or somebody has changed it."""


class Keyring:
    """``keys`` are texts of 32 characters or more with full entropy, the newest first."""

    def __init__(self, keys: Sequence[str]) -> None:
        if not keys:
            raise ValueError("a keyring needs a key")
        self._ciphers = {_derived(key, b"id", _ID_BYTES): AESGCM(_derived(key, b"seal", 32)) for key in keys}
        self._newest = next(iter(self._ciphers))

    def seal(self, secret: bytes, about: str) -> bytes:
        """``secret`` for the database; it opens for the same ``about`` alone."""
        nonce = os.urandom(_NONCE_BYTES)
        return _VERSION + self._newest + nonce + self._ciphers[self._newest].encrypt(nonce, secret, about.encode())

    def open(self, sealed: bytes, about: str) -> bytes:
        """Raises CannotOpen."""
        cipher = self._ciphers.get(sealed[len(_VERSION) : _HEAD]) if sealed[:1] == _VERSION else None
        if cipher is None:
            raise CannotOpen(about)
        nonce, text = sealed[_HEAD : _HEAD + _NONCE_BYTES], sealed[_HEAD + _NONCE_BYTES :]
        try:
            return cipher.decrypt(nonce, text, about.encode())
        except (InvalidTag, ValueError):
            raise CannotOpen(about) from None

    def is_newest(self, sealed: bytes) -> bool:
        """Whether ``sealed`` was sealed with the newest key."""
        return sealed[:_HEAD] == _VERSION + self._newest


def keys_of(text: str) -> tuple[str, ...]:
    """The keys in a setting, separated by commas or white space."""
    return tuple(dict.fromkeys(text.replace(",", " ").split()))


def _derived(key: str, purpose: bytes, length: int) -> bytes:
    return HKDF(SHA256(), length, salt=None, info=b"deskbell secrets at rest: " + purpose).derive(key.encode())
