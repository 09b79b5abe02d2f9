"""Webhooks through real HTTP: who may send, what bodies do, and what is never lost or logged."""

from __future__ import annotations

import asyncio
import base64
import gzip
import json
import logging
import zlib
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import MakeService
from tests.running_service import WEBHOOK_TOKEN, Answer, Running
from tests.test_api_fuzz import JSON
from tests.test_intake import alert, webhook

MIB = 1024 * 1024
SOURCES = {
    "uptime": {"kind": "mapping", "token": "own-token-of-uptime", "mapping": {"alerts": "checks[]", "title": "name"}}
}


def basic(password: str, user: str = "anyone") -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


async def exchange(service: Running, *parts: bytes) -> bytes:
    """Raw bytes out, everything that comes back until the server closes or answers whole."""
    reader, writer = await asyncio.open_connection("127.0.0.1", service.port)
    for part in parts:
        writer.write(part)
        await writer.drain()
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 20)
    writer.close()
    await writer.wait_closed()
    return head


async def stored(service: Running) -> list[tuple[str, bytes]]:
    sql = "SELECT state, body FROM journal ORDER BY id"
    rows = await service.service.database.read(lambda connection: connection.exec_driver_sql(sql).all())
    return [(row[0], row[1]) for row in rows]


# proof of sender


async def test_the_token_is_taken_in_each_of_its_forms(service: Running) -> None:
    async def send(query: str = "", **headers: str) -> int:
        answer = await service.request("POST", f"/webhooks/alertmanager{query}", data=webhook(alert()), headers=headers)
        return answer.status

    assert await send(Authorization=f"Bearer {WEBHOOK_TOKEN}") == 202
    assert await send(Authorization=f"bearer {WEBHOOK_TOKEN}") == 202
    assert await send(Authorization=basic(WEBHOOK_TOKEN)) == 202
    assert await send(Authorization=basic(WEBHOOK_TOKEN, user="")) == 202
    assert await send(**{"X-Deskbell-Token": WEBHOOK_TOKEN}) == 202
    assert await send(f"?token={WEBHOOK_TOKEN}") == 202


async def test_no_or_a_wrong_proof_is_401_and_stores_nothing(service: Running) -> None:
    wrong: tuple[dict[str, str], ...] = (
        {},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer wrong"},
        {"Authorization": f"Bearer {WEBHOOK_TOKEN}2"},
        {"Authorization": f"Token {WEBHOOK_TOKEN}"},
        {"Authorization": basic("wrong", user=WEBHOOK_TOKEN)},
        {"Authorization": "Basic ???"},
        {"Authorization": "Basic " + base64.b64encode(b"\xff\xfe").decode()},
        {"X-Deskbell-Token": "wrong"},
        {"X-Deskbell-Token": "\xff"},
    )
    for headers in wrong:
        answer = await service.request("POST", "/webhooks/alertmanager?token=wrong", data=b"{}", headers=headers)
        assert (answer.status, answer.error["code"]) == (401, "unauthorized"), headers
        assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert await stored(service) == []


async def test_a_source_with_a_token_of_its_own_takes_only_that(make_service: MakeService) -> None:
    service: Running = await make_service(sources=SOURCES)
    body = orjson.dumps({"checks": [{"name": "web is down"}]})
    assert (await service.hook(body, "uptime")).status == 401
    own = {"Authorization": "Bearer own-token-of-uptime"}
    assert (await service.hook(body, "uptime", **own)).status == 202
    assert (await service.hook(webhook(alert()), "alertmanager", **own)).status == 401


async def test_without_any_token_every_sender_is_refused(make_service: MakeService) -> None:
    service: Running = await make_service(webhook_token=None)
    for proof in ("", "Bearer ", "Bearer None", basic("")):
        answer = await service.request(
            "POST", "/webhooks/alertmanager?token=", data=b"{}", headers={"Authorization": proof}
        )
        assert answer.status == 401


async def test_an_unknown_source_is_404_and_the_known_ones_are_named_to_friends_only(make_service: MakeService) -> None:
    service: Running = await make_service(sources=SOURCES)
    friend = await service.hook(b"{}", "nagioss")
    assert (friend.status, friend.error["code"]) == (404, "unknown_source")
    assert "uptime" in friend.error["message"]
    stranger = await service.request("POST", "/webhooks/nagioss", data=b"{}")
    assert stranger.status == 404
    assert "uptime" not in stranger.text


async def test_no_token_is_ever_logged(make_service: MakeService, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    service: Running = await make_service(sources=SOURCES)
    secrets = (WEBHOOK_TOKEN, "own-token-of-uptime")
    for secret in secrets:
        for source in ("alertmanager", "uptime", "nope"):
            for body in (webhook(alert()), b"{", b"\xff"):
                await service.request("POST", f"/webhooks/{source}?token={secret}", data=body)
                await service.hook(body, source, Authorization=basic(secret), **{"X-Deskbell-Token": secret})
        for line in (f"FOO /webhooks/x?token={secret} HTTP/1.1", f"POST /webhooks/x?token={secret}\x01 HTTP/1.1"):
            assert b" 400 " in await exchange(service, f"{line}\r\nHost: x\r\n\r\n".encode())
    assert caplog.records, "logging is not captured"
    for secret in secrets:
        assert secret not in caplog.text


# bodies


NOT_UNDERSTOOD = (
    (b"", "not_json"),
    (b" ", "not_json"),
    (b"\xff\xfe{", "not_json"),
    (b"alerts=1", "not_json"),
    (b"[" * 100_000, "not_json"),
    (b'{"alerts":' + b"[" * 100_000, "not_json"),
    (b'{"alerts": [', "not_json"),
    (b"null", "wrong_type"),
    (b"[]", "wrong_type"),
    (b"{}", "missing"),
    (b'{"alerts": {}}', "wrong_type"),
    (b'{"alerts": [1]}', "wrong_type"),
    (b'{"alerts": [{"status": "firing"}]}', "wrong_type"),
    (b'{"alerts": [{"status": "odd", "labels": {"a": "b"}}]}', "bad_alert"),
    (b'{"alerts": [{"status": "firing", "labels": {}}]}', "bad_alert"),
)


async def test_what_is_not_understood_is_202_with_its_problem_and_is_kept_whole(service: Running) -> None:
    for body, code in NOT_UNDERSTOOD:
        answer = await service.hook(body)
        assert (answer.status, answer.json["problem"]["code"]) == (202, code), body[:60]
        assert answer.json["problem"].keys() == {"code", "message", "path"}
    assert await stored(service) == [("dead", body) for body, _ in NOT_UNDERSTOOD]
    assert len((await service.api("GET", "/dead-letters")).json["items"]) == len(NOT_UNDERSTOOD)


async def test_the_answer_names_the_delivery_and_its_tickets(service: Running) -> None:
    answer = await service.hook(webhook(alert("a"), alert("b")))
    assert (answer.status, answer.json) == (202, {"delivery": "1", "received": 2, "tickets": [1, 2]})
    ignored = await service.hook(webhook())
    assert ignored.json == {"delivery": "2", "received": 0, "tickets": [], "ignored": "no alerts in the delivery"}


async def test_of_a_key_that_stands_twice_the_last_counts(service: Running) -> None:
    body = b'{"alerts": [], "alerts": [{"status": "firing", "labels": {"alertname": "A", "alertname": "B"}}]}'
    assert (await service.hook(body)).json["tickets"] == [1]
    assert (await service.api("GET", "/tickets/1")).json["title"] == "B"


async def test_a_delivery_named_by_a_key_is_taken_once(service: Running) -> None:
    first = await service.hook(webhook(alert()), **{"Idempotency-Key": "d-1"})
    second = await service.hook(webhook(alert()), **{"Idempotency-Key": "d-1"})
    assert (first.status, second.json) == (202, first.json)
    assert (await service.api("GET", "/alerts")).json["items"][0]["count"] == 1


async def test_headers_that_are_not_utf_8_do_no_harm(service: Running) -> None:
    request = (
        b"POST /webhooks/alertmanager HTTP/1.1\r\nHost: x\r\nX-Deskbell-Token: %s\r\nIdempotency-Key: \xff\xe9\r\n"
    )
    request += b"User-Agent: \xff\r\nContent-Type: text/\xff\r\nContent-Length: 2\r\n\r\n{}"
    assert b" 202 " in await exchange(service, request % WEBHOOK_TOKEN.encode())


async def test_the_largest_body_is_configurable_and_one_byte_more_is_413(make_service: MakeService) -> None:
    small: Running = await make_service(intake={"max_body": 2000})
    default: Running = await make_service()
    for service, limit in ((small, 2000), (default, 16 * MIB)):
        assert (await service.hook(b" " * limit)).status == 202
        answer = await service.hook(b" " * (limit + 1))
        assert (answer.status, answer.error["code"], answer.error["limit"]) == (413, "too_large", limit)

    async def endless() -> Any:
        for _ in range(100):
            yield b" " * 1000

    proof = {"X-Deskbell-Token": WEBHOOK_TOKEN}
    chunked = await small.request("POST", "/webhooks/alertmanager", data=endless(), headers=proof)
    assert chunked.status == 413


@pytest.mark.parametrize("name", ["gzip", "x-gzip", "deflate", "GZIP"])
async def test_a_packed_body_is_unpacked(service: Running, name: str) -> None:
    pack = zlib.compress if name == "deflate" else gzip.compress
    answer = await service.hook(pack(webhook(alert())), **{"Content-Encoding": name})
    assert (answer.status, answer.json["tickets"]) == (202, [1])


async def test_a_small_packed_body_cannot_become_a_huge_one(service: Running) -> None:
    bomb = gzip.compress(bytes(64 * MIB))
    assert len(bomb) < MIB
    assert (await service.hook(bomb, **{"Content-Encoding": "gzip"})).status == 413
    many = gzip.compress(bytes(MIB)) * 20
    assert (await service.hook(many, **{"Content-Encoding": "gzip"})).status == 413


async def test_what_cannot_be_unpacked_is_kept_as_it_came(service: Running) -> None:
    packed = gzip.compress(webhook(alert()))
    odd = (
        ("gzip", webhook(alert())[1:]),
        ("gzip", packed[:-9]),
        ("gzip", packed + b"x"),
        ("br", packed),
        ("zstd", packed),
    )
    for name, body in odd:
        answer = await service.hook(body, **{"Content-Encoding": name})
        assert (answer.status, answer.json["problem"]["code"]) == (202, "not_json"), name
    assert await stored(service) == [("dead", body) for _, body in odd]


# slow and broken senders


async def test_a_sender_that_does_not_finish_is_408_and_costs_nobody_else(make_service: MakeService) -> None:
    service: Running = await make_service(intake={"read_timeout": 1})
    head = f"POST /webhooks/alertmanager?token={WEBHOOK_TOKEN} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n"
    slow = asyncio.create_task(exchange(service, head.encode(), b'{"alerts"'))
    assert (await service.hook(webhook(alert()))).status == 202
    answer = await slow
    assert b" 408 " in answer
    assert b"Connection: close" in answer
    assert len(await stored(service)) == 1


async def test_a_sender_that_hangs_up_leaves_nothing(service: Running) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", service.port)
    head = f"POST /webhooks/alertmanager?token={WEBHOOK_TOKEN} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n"
    writer.write(head.encode() + b'{"alerts"')
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    assert await reader.read() == b""
    assert (await service.hook(webhook(alert()))).status == 202
    assert len(await stored(service)) == 1


async def test_a_sender_may_wait_for_100_continue(service: Running) -> None:
    proof = {"X-Deskbell-Token": WEBHOOK_TOKEN}
    answer = await service.request(
        "POST", "/webhooks/alertmanager", data=webhook(alert()), headers=proof, expect100=True
    )
    assert answer.status == 202


async def test_other_methods_are_405(service: Running) -> None:
    for method in ("GET", "HEAD", "PUT", "DELETE", "OPTIONS"):
        answer = await service.request(method, "/webhooks/alertmanager")
        assert (answer.status, answer.headers["Allow"]) == (405, "POST")


# whatever comes

FIELDS = ("status", "labels", "annotations", "startsAt", "endsAt", "generatorURL", "fingerprint")


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    mutations=st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=3),
    outside=st.dictionaries(st.sampled_from(["status", "alerts", "externalURL", "truncatedAlerts", "version"]), JSON),
)
async def test_any_mutation_of_a_webhook_is_taken_or_a_dead_letter(
    service: Running, mutations: dict[str, Any], outside: dict[str, Any]
) -> None:
    given = {**alert("m"), **mutations}
    envelope = {"status": "firing", "alerts": [alert("ok"), given], **(outside if len(outside) < 3 else {})}
    answer: Answer = await service.hook(json.dumps(envelope).encode())
    assert answer.status == 202
    assert answer.json.get("problem", {}).get("code") != "internal"
