"""Secrets at rest open with their key, for what they are about, and otherwise not at all."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.sealing import CannotOpen, Keyring, keys_of

OLD, NEW = "old-key-" + "o" * 32, "new-key-" + "n" * 32


@settings(max_examples=50)
@given(st.binary(max_size=300), st.text(max_size=50))
def test_what_is_sealed_opens_and_does_not_show(secret: bytes, about: str) -> None:
    sealed = Keyring([NEW]).seal(secret, about)
    assert Keyring([OLD, NEW]).open(sealed, about) == secret
    assert len(secret) < 8 or secret not in sealed


def test_the_same_secret_never_looks_the_same() -> None:
    keys = Keyring([NEW])
    assert keys.seal(b"token", "a") != keys.seal(b"token", "a")


def test_the_first_key_seals_and_every_key_opens() -> None:
    sealed = Keyring([OLD]).seal(b"token", "a")
    both = Keyring([NEW, OLD])
    assert both.open(sealed, "a") == b"token"
    assert (both.is_newest(sealed), both.is_newest(both.seal(b"token", "a"))) == (False, True)
    with pytest.raises(CannotOpen):
        Keyring([NEW]).open(sealed, "a")


def test_what_it_is_about_is_part_of_the_seal() -> None:
    with pytest.raises(CannotOpen):
        Keyring([NEW]).open(Keyring([NEW]).seal(b"token", "a"), "b")


@settings(max_examples=50)
@given(st.integers(0, 60), st.integers(1, 255))
def test_a_changed_byte_is_noticed(place: int, change: int) -> None:
    sealed = bytearray(Keyring([NEW]).seal(b"a token of some length", "a"))
    sealed[place % len(sealed)] ^= change
    with pytest.raises(CannotOpen):
        Keyring([NEW]).open(bytes(sealed), "a")


@given(st.binary(max_size=80))
def test_bytes_that_were_never_sealed_do_not_open(junk: bytes) -> None:
    with pytest.raises(CannotOpen):
        Keyring([NEW]).open(junk, "a")


def test_keys_stand_between_commas_and_spaces_and_there_is_one_at_least() -> None:
    assert keys_of(" a, b\nc,,a ") == ("a", "b", "c")
    with pytest.raises(ValueError, match="needs a key"):
        Keyring([])
