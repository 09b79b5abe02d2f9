"""Who gets through the Teams door. Every attempt goes over HTTP, with real tokens of an issuer of our own."""

from __future__ import annotations

import asyncio
import base64
import gzip
import hmac
import json
import time
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import jwt
import pytest
from aiohttp import web
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from bot.demo.issuer import METADATA_PATH, Issuer
from bot.teams.hosts import ServiceHosts
from bot.teams.keys import KeysUnavailable, SigningKeys
from core.config.settings import TeamsSettings
from tests.teams_fakes import APP_ID, KIM, TENANT, Stage, activity, served, stage

STRANGER = rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture
async def teams() -> AsyncIterator[Stage]:
    async with stage() as made:
        yield made


def bearer(token: str) -> str:
    return f"Bearer {token}"


def signed(teams: Stage, **claims: object) -> str:
    return bearer(teams.issuer.token(teams.service_url, claims=claims))


def public_key_as_secret(teams: Stage) -> str:
    """The old trick: HS256 with the public key as the secret."""
    secret = teams.issuer.key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    header = {"alg": "HS256", "typ": "JWT", "kid": teams.issuer.key_id}
    said = ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode() for part in (header, claims(teams)))
    signature = base64.urlsafe_b64encode(hmac.digest(secret, said.replace("=", "").encode(), "sha256")).decode()
    return bearer(f"{said}.{signature}".replace("=", ""))


def claims(teams: Stage) -> dict[str, Any]:
    token = teams.issuer.token(teams.service_url)
    return jwt.decode(token, options={"verify_signature": False})


def unsigned(teams: Stage) -> str:
    return bearer(jwt.encode(claims(teams), "", algorithm="none", headers={"kid": teams.issuer.key_id}))


def other_algorithm(teams: Stage) -> str:
    headers = {"kid": teams.issuer.key_id}
    return bearer(jwt.encode(claims(teams), teams.issuer.key, algorithm="RS512", headers=headers))


def tampered(teams: Stage) -> str:
    header, payload, signature = teams.issuer.token(teams.service_url).split(".")
    return bearer(f"{header}.{payload[:-2]}{'AA' if payload[-2:] != 'AA' else 'BB'}.{signature}")


def hour(offset: int) -> int:
    return int(time.time()) + offset


ATTACKS: dict[str, tuple[int, Callable[[Stage], str | None]]] = {
    "no token": (401, lambda teams: None),
    "basic": (401, lambda teams: "Basic dXNlcjpwYXNz"),
    "bearer of nothing": (401, lambda teams: "Bearer "),
    "garbage": (401, lambda teams: "Bearer garbage"),
    "three pieces of garbage": (401, lambda teams: "Bearer a.b.c"),
    "unsigned": (401, unsigned),
    "public key as secret": (401, public_key_as_secret),
    "other algorithm": (401, other_algorithm),
    "tampered": (401, tampered),
    "stranger's key": (401, lambda teams: bearer(teams.issuer.token(teams.service_url, key=STRANGER))),
    "unknown key id": (401, lambda teams: bearer(teams.issuer.token(teams.service_url, headers={"kid": "x"}))),
    "key id that is no text": (401, lambda teams: bearer(teams.issuer.token(teams.service_url, headers={"kid": ""}))),
    "expired": (401, lambda teams: signed(teams, exp=hour(-3600), nbf=hour(-7200))),
    "not yet valid": (401, lambda teams: signed(teams, nbf=hour(3600))),
    "without expiry": (401, lambda teams: signed(teams, exp=None)),
    "another bot's": (401, lambda teams: signed(teams, aud="22222222-2222-4333-8444-555555555555")),
    "without audience": (401, lambda teams: signed(teams, aud=None)),
    "another issuer": (401, lambda teams: signed(teams, iss="https://sts.windows.net/72f988bf/")),
    "without issuer": (401, lambda teams: signed(teams, iss=None)),
    "another service address": (401, lambda teams: signed(teams, serviceurl="https://evil.example/")),
    "without service address": (401, lambda teams: signed(teams, serviceurl=None)),
    "service address that is no text": (401, lambda teams: signed(teams, serviceurl=["x"])),
}


@pytest.mark.parametrize("attack", ATTACKS)
async def test_a_bad_token_is_refused_and_nothing_happens(teams: Stage, attack: str) -> None:
    status, make = ATTACKS[attack]
    answer, body = await teams.send(teams.message("create x"), authorization=make(teams))
    assert answer == status
    assert set(body["error"]) == {"code", "message"}
    assert len(json.dumps(body)) < 200
    assert not teams.desk.calls
    assert not teams.connector.calls


@pytest.mark.parametrize("attack", [None, "expired", "tampered"])
async def test_no_token_is_ever_written_into_the_log(
    teams: Stage, caplog: pytest.LogCaptureFixture, attack: str | None
) -> None:
    caplog.set_level("DEBUG")
    token = ATTACKS[attack][1](teams) if attack else signed(teams)
    await teams.send(teams.message("list"), authorization=token)
    assert token is not None
    assert not any(part in caplog.text for part in token.removeprefix("Bearer ").split("."))


@pytest.mark.parametrize(
    "data",
    [
        {"by": "admin", "origin": "api", "person": "admin"},
        {"from": {"aadObjectId": "admin"}} | {"from": "admin"},
        {"requester": "admin", "submitted": "true", "place": "x"},
    ],
)
async def test_what_a_card_says_of_its_clicker_counts_for_nothing(teams: Stage, data: dict[str, Any]) -> None:
    await teams.send(teams.click({"action": "resolve", "ticket_id": 42, **data}))
    (call,) = teams.desk.calls
    assert (call.by.teams, call.origin, call.submitted) == (KIM, "teams", False)
    assert "requester" not in call.place


async def test_a_stolen_token_cannot_repeat_what_was_done(teams: Stage) -> None:
    token = signed(teams)
    for _ in range(3):
        await teams.send(teams.message("create x"), authorization=token)
    assert teams.desk.names == ["create"]


async def test_a_good_token_is_let_in_with_or_without_the_last_slash(teams: Stage) -> None:
    token = bearer(teams.issuer.token(teams.service_url.rstrip("/")))
    assert await teams.send(teams.message("list"), authorization=token) == (200, None)
    status, _ = await teams.send(teams.message("list", id="2"), authorization=token.replace("Bearer", "bearer"))
    assert status == 200
    assert teams.desk.names == ["list", "list"]


async def test_a_token_may_be_five_minutes_out_of_time(teams: Stage) -> None:
    token = signed(teams, exp=hour(-240), nbf=hour(-3600))
    assert (await teams.send(teams.message("list"), authorization=token))[0] == 200


BODIES: dict[str, tuple[int, dict[str, Any]]] = {
    "another channel": (403, {"channelId": "directline"}),
    "the emulator, with a token": (403, {"channelId": "emulator"}),
    "another tenant": (
        403,
        {
            "channelData": {"tenant": {"id": "bbbb"}},
            "conversation": {"id": "a:1", "conversationType": "personal", "tenantId": "bbbb"},
        },
    ),
    "two tenants": (403, {"channelData": {"tenant": {"id": "bbbb"}}}),
    "no tenant": (403, {"channelData": {}, "conversation": {"id": "a:1", "conversationType": "personal"}}),
    "no channel": (400, {"channelId": None}),
    "no service address": (400, {"serviceUrl": None}),
    "no conversation": (400, {"conversation": None}),
    "entities that are no list": (400, {"entities": "x"}),
    "a sender that is no object": (400, {"from": "kim"}),
}


@pytest.mark.parametrize("case", BODIES)
async def test_a_body_that_does_not_agree_is_refused(teams: Stage, case: str) -> None:
    status, changes = BODIES[case]
    answer, body = await teams.send(activity(teams.service_url, **changes))
    assert (answer, set(body)) == (status, {"error"})
    assert not teams.desk.calls


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example/",
        "http://smba.trafficmanager.net/kr/",
        "https://smba.trafficmanager.net.evil.example/",
        "https://smba.trafficmanager.net@evil.example/",
        "https://evil.example\\@smba.trafficmanager.net/",
        "https://smba.trafficmanager.net:8443/",
        "https://smba.trafficmanager.net/?x=https://evil.example",
        "https://smba.trafficmanager.net/#x",
        "https://smba.trafficmanager.net /",
        "ftp://smba.trafficmanager.net/",
        "//smba.trafficmanager.net/",
        "smba.trafficmanager.net",
        "https://[::1/",
        "",
        "http://127.0.0.1:9/",
        f"https://smba.trafficmanager.net/{'x' * 3000}",
    ],
)
async def test_an_address_that_is_not_the_connectors_is_refused_even_with_a_token_for_it(address: str) -> None:
    async with stage(service_hosts=("smba.trafficmanager.net",)) as teams:
        token = bearer(teams.issuer.token(address))
        status, _ = await teams.send(activity(address), authorization=token)
        assert status == 403
        assert not teams.desk.calls
        assert not ServiceHosts(TeamsSettings(service_hosts=("smba.trafficmanager.net",))).trusts(address)


@pytest.mark.parametrize(
    "address",
    [
        "https://smba.trafficmanager.net/kr/",
        "https://SMBA.trafficmanager.net/teams",
        "https://smba.infra.gcc.teams.microsoft.com/teams/",
        "https://smba.infra.gov.teams.microsoft.us/teams/",
    ],
)
def test_the_connectors_own_addresses_are_trusted(address: str) -> None:
    assert ServiceHosts(TeamsSettings()).trusts(address)


def test_in_insecure_mode_loopback_is_spoken_to_but_never_trusted_with_the_token() -> None:
    hosts = ServiceHosts(TeamsSettings(app_id=APP_ID, insecure=True))
    assert hosts.allows("http://127.0.0.1:3978/")
    assert not hosts.trusts("http://127.0.0.1:3978/")
    assert not hosts.allows("http://192.168.0.7:3978/")
    assert not ServiceHosts(TeamsSettings(app_id=APP_ID)).allows("http://localhost:3978/")


async def test_of_a_host_listed_with_its_port_no_other_port_is_trusted() -> None:
    hosts = ServiceHosts(TeamsSettings(service_hosts=("connector.example:8443",)))
    assert hosts.trusts("https://connector.example:8443/")
    assert not hosts.trusts("https://connector.example/")


async def test_a_key_that_may_not_sign_for_teams_is_refused() -> None:
    async with stage(Issuer(APP_ID, endorsements=("webchat", "directline"))) as teams:
        status, body = await teams.send(teams.message("list"))
        assert (status, body["error"]["code"]) == (403, "key_not_endorsed")


async def test_the_body_has_a_limit(teams: Stage) -> None:
    large = activity(teams.service_url, text="x" * 260 * 1024)
    assert (await teams.send(large))[0] == 413
    packed = gzip.compress(json.dumps(large).encode())
    assert (await teams.send(packed, **{"Content-Encoding": "gzip"}))[0] == 413
    assert (await teams.send(b"not gzip", **{"Content-Encoding": "gzip"}))[0] == 400
    assert not teams.desk.calls


@pytest.mark.parametrize(
    "body",
    [b"", b"x", b"[]", b"{}", b"null", b"\xff\xfe", b'{"type": 1}', b"[" * 200_000, b'{"value": ' + b"[" * 100_000],
)
async def test_a_body_that_is_no_activity_is_answered_400(teams: Stage, body: bytes) -> None:
    assert (await teams.send(body))[0] == 400


async def test_a_body_without_a_token_is_not_even_read_for_sense(teams: Stage) -> None:
    assert (await teams.send(b"x", authorization=None))[0] == 401


async def test_only_json_is_taken_so_that_no_web_page_can_post_here(teams: Stage) -> None:
    status, _ = await teams.send(teams.message("list"), **{"Content-Type": "text/plain"})
    assert status == 415


async def test_without_keys_nobody_gets_in_and_the_sender_may_come_back() -> None:
    async with stage(open_id_metadata="http://127.0.0.1:9/openid") as teams:
        status, body = await teams.send(teams.message("list"))
        assert (status, body["error"]["code"]) == (503, "keys_unavailable")


async def test_without_an_app_id_a_token_proves_nothing() -> None:
    async with stage(app_id=None, insecure=True) as teams:
        assert (await teams.send(teams.message("list")))[0] == 401


class TestInsecure:
    """``--insecure-teams``: for the emulator, on this machine."""

    async def test_local_activities_need_no_token(self) -> None:
        async with stage(app_id=None, tenant_id=None, insecure=True) as teams:
            assert await teams.send(teams.message("list"), authorization=None) == (200, None)
            emulated = teams.message("list", id="2", channelId="emulator")
            emulated["from"] = {"id": "user-1", "name": "User"}
            assert await teams.send(emulated, authorization=None) == (200, None)
            assert [call.by.teams for call in teams.desk.calls] == [teams.kim.aad, "user-1"]

    async def test_an_address_elsewhere_is_refused(self) -> None:
        async with stage(app_id=None, insecure=True, service_hosts=("smba.trafficmanager.net",)) as teams:
            for address in ("https://smba.trafficmanager.net/", "https://evil.example/"):
                assert (await teams.send(activity(address), authorization=None))[0] == 403

    @pytest.mark.parametrize(
        "headers",
        [{"X-Forwarded-For": "203.0.113.7"}, {"Forwarded": "for=203.0.113.7"}, {"Host": "rebound.example"}],
    )
    async def test_what_only_seems_local_is_refused(self, headers: dict[str, str]) -> None:
        async with stage(app_id=None, insecure=True) as teams:
            assert (await teams.send(teams.message("list"), authorization=None, **headers))[0] == 401
            assert not teams.desk.calls

    async def test_a_token_that_is_shown_has_to_be_good_all_the_same(self) -> None:
        async with stage(insecure=True) as teams:
            assert (await teams.send(teams.message("list"), authorization="Bearer a.b.c"))[0] == 401
            assert (await teams.send(teams.message("list")))[0] == 200


async def test_allowed_tenants_stand_in_for_the_bots_own() -> None:
    async with stage(tenant_id="cccc", allowed_tenants=("bbbb", TENANT)) as teams:
        assert (await teams.send(teams.message("list")))[0] == 200


class Clock:
    def __init__(self) -> None:
        self.moment = datetime(2026, 11, 23, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.moment

    def advance(self, **duration: float) -> None:
        self.moment += timedelta(**duration)


class TestKeys:
    @pytest.fixture
    async def session(self) -> AsyncIterator[aiohttp.ClientSession]:
        async with aiohttp.ClientSession() as session:
            yield session

    async def test_many_who_wait_cause_one_fetch_and_a_day_passes_before_the_next(
        self, session: aiohttp.ClientSession
    ) -> None:
        issuer, clock = Issuer(APP_ID), Clock()
        async with served(issuer.app()) as url:
            keys = SigningKeys(session, url + METADATA_PATH, clock)
            found = await asyncio.gather(*(keys.get(issuer.key_id) for _ in range(20)))
            assert all(found)
            clock.advance(hours=22)
            await keys.get(issuer.key_id)
            assert issuer.fetches == 1
            clock.advance(hours=2)
            await keys.get(issuer.key_id)
            assert issuer.fetches == 2

    async def test_unknown_key_ids_cause_a_fetch_every_five_minutes_at_most(
        self, session: aiohttp.ClientSession
    ) -> None:
        issuer, clock = Issuer(APP_ID), Clock()
        async with served(issuer.app()) as url:
            keys = SigningKeys(session, url + METADATA_PATH, clock)
            await keys.get(issuer.key_id)
            issuer.rotate()
            for number in range(50):
                assert await keys.get(f"made-up-{number}") is None
            assert issuer.fetches == 1
            clock.advance(minutes=5)
            assert await keys.get(issuer.key_id)
            assert issuer.fetches == 2

    async def test_known_keys_stay_good_for_their_day_while_microsoft_is_away(
        self, session: aiohttp.ClientSession
    ) -> None:
        issuer, clock = Issuer(APP_ID), Clock()
        async with served(issuer.app()) as url:
            keys = SigningKeys(session, url + METADATA_PATH, clock)
            await keys.get(issuer.key_id)
        clock.advance(hours=23, minutes=30)
        assert await keys.get(issuer.key_id)
        clock.advance(hours=1)
        with pytest.raises(KeysUnavailable):
            await keys.get(issuer.key_id)

    @pytest.mark.parametrize(
        "answer",
        [
            "x",
            "[]",
            "{}",
            '{"jwks_uri": 5}',
            '{"jwks_uri": "http://elsewhere.example/keys"}',
            '{"jwks_uri": "file:///etc/passwd"}',
            '{"keys": []}',
        ],
    )
    async def test_a_strange_document_is_no_document(self, session: aiohttp.ClientSession, answer: str) -> None:
        async def strange(request: web.Request) -> web.Response:
            return web.Response(text=answer)

        app = web.Application()
        app.router.add_get("/openid", strange)
        async with served(app) as url:
            with pytest.raises(KeysUnavailable):
                await SigningKeys(session, f"{url}/openid", Clock()).get("any")
