"""What the HTTP API refuses, and how it says so."""

from __future__ import annotations

import itertools

from tests.conftest import MakeService
from tests.running_service import API_TOKEN, Running

# proof and form


async def test_without_the_token_nothing_is_told(service: Running) -> None:
    wrong = ("", "Bearer", "Bearer ", "Bearer wrong", f"Basic {API_TOKEN}", f"Bearer {API_TOKEN}x", API_TOKEN)
    paths = (("GET", "/tickets"), ("GET", "/tickets/1"), ("POST", "/tickets"), ("POST", "/tickets/1/note"))
    for headers in ({}, *({"Authorization": proof} for proof in (*wrong, "Bearer \xff"))):
        for method, path in paths:
            answer = await service.request(method, "/api/v1" + path, headers=headers)
            assert (answer.status, answer.error["code"]) == (401, "unauthorized")
            assert answer.headers["WWW-Authenticate"] == "Bearer"


async def test_without_a_configured_token_the_api_is_shut(make_service: MakeService) -> None:
    shut: Running = await make_service(api_token=None)
    for proof in ("Bearer ", "Bearer None", f"Bearer {API_TOKEN}"):
        assert (await shut.request("GET", "/api/v1/tickets", headers={"Authorization": proof})).status == 401


WRONG_BODIES: tuple[tuple[bytes, int, str | None], ...] = (
    (b"", 400, None),
    (b"{", 400, None),
    (b"\xff", 400, None),
    (b'{"title": "\\ud800"}', 400, None),
    (b"[" * 200_000, 422, None),
    (b'{"title": ' + b"[" * 200_000, 422, "title"),
    (b"[]", 422, None),
    (b"{}", 422, "title"),
    (b'{"title": ""}', 422, "title"),
    (b'{"title": "  "}', 422, "title"),
    (b'{"title": "a\\u0000b"}', 422, None),
    (b'{"title": 1}', 422, "title"),
    (b'{"title": "x", "colour": "red"}', 422, "colour"),
    (b'{"title": "x", "priority": "urgent"}', 422, "priority"),
    (b'{"title": "x", "customer": {"tier": "vip"}}', 422, "customer.name"),
    (b'{"title": "x", "affected_users": 1e400}', 422, "affected_users"),
    (b'{"title": "x", "affected_users": -1}', 422, "affected_users"),
    (b'{"title": "' + b"x" * 251 + b'"}', 422, "title"),
    (b'{"title": "x", "description": "' + b"x" * 20_001 + b'"}', 422, "description"),
    (b'{"title": "x"}' + b" " * 1024 * 1024, 413, None),
)


async def test_a_wrong_body_is_refused_with_its_field(service: Running) -> None:
    for body, status, field in WRONG_BODIES:
        answer = await service.api("POST", "/tickets", body)
        assert (answer.status, answer.error.get("field")) == (status, field), answer.text[:300]
    assert (await service.api("GET", "/tickets")).json["items"] == []


async def test_a_wrong_choice_is_answered_with_the_choices(service: Running) -> None:
    answer = await service.api("POST", "/tickets", {"title": "x", "priority": "urgent"})
    assert answer.error["choices"] == ["low", "medium", "high", "critical"]


async def test_a_method_that_is_not_possible_names_those_that_are(service: Running) -> None:
    paths = (("/tickets", "GET, HEAD, POST"), ("/tickets/1", "GET, HEAD"), ("/tickets/1/start", "POST"))
    for method, (path, allowed) in itertools.product(("PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"), paths):
        answer = await service.api(method, path)
        assert (answer.status, answer.headers["Allow"]) == (405, allowed)
        assert answer.error["code"] == "method_not_allowed"


async def test_head_is_answered_as_get_without_a_body(service: Running) -> None:
    await service.opened()
    got, headed = await service.api("GET", "/tickets/1"), await service.api("HEAD", "/tickets/1")
    assert headed.status == got.status
    assert headed.headers["ETag"] == got.headers["ETag"]
    assert (await service.api("HEAD", "/tickets/2")).status == 404


async def test_an_unknown_address_has_the_same_error_body(service: Running) -> None:
    answer = await service.api("GET", "/nothing")
    assert (answer.status, answer.error["code"]) == (404, "not_found")
