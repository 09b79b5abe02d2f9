"""Whatever is sent to the API, it answers with a documented status and its one error body, and never with 500."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.api.openapi import document
from tests.running_service import Running

FUZZ = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
GETS = sorted(path.removeprefix("/api/v1") for path, methods in document()["paths"].items() if "get" in methods)
POSTS = sorted(path.removeprefix("/api/v1") for path, methods in document()["paths"].items() if "post" in methods)
SCHEMAS = document()["components"]["schemas"]
# Lone surrogates, NUL, huge numbers and what looks like markup are drawn on purpose.
TEXTS = st.one_of(
    st.text(max_size=20), st.sampled_from(["\x00", "a\x00b", "\ud800", "💥", "<!channel>", "{{ 7*7 }}", "x" * 300, ""])
)
NUMBERS = st.one_of(
    st.integers(), st.floats(), st.sampled_from([2**31, 2**63 - 1, 2**63, 2**64, 10**400, -1, 0, 1e308, 0.5])
)
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(TEXTS, inner, max_size=4)),
    max_leaves=8,
)
PLAUSIBLE = st.one_of(
    JSON, st.sampled_from(["kim", "high", "incident", "vip", 1, 2, ["x"], {"id": "kim"}, {"name": "A"}])
)


def bodies(path: str) -> st.SearchStrategy[Any]:
    """Objects with the call's own fields, each with anything in it, and sometimes a field that is none."""
    takes = document()["paths"]["/api/v1" + path]["post"].get("requestBody")
    if takes is None:
        return JSON
    shape = SCHEMAS[takes["content"]["application/json"]["schema"]["$ref"].rsplit("/", 1)[1]]
    own = dict.fromkeys(shape.get("properties", {}), PLAUSIBLE)
    needed = {name: own.pop(name) for name in shape.get("required", ())}
    fitting = st.fixed_dictionaries(needed, optional=own)
    return st.one_of(fitting, fitting, JSON, st.builds(lambda body, key: {**body, key: 1}, fitting, TEXTS))


POSTED = st.sampled_from(POSTS).flatmap(lambda path: st.tuples(st.just(path), bodies(path)))


@FUZZ
@given(posted=POSTED, ticket=st.sampled_from([1, 1, 1, 2, 999]))
async def test_any_body_is_taken_or_refused(service: Running, posted: tuple[str, Any], ticket: int) -> None:
    if not (await service.api("GET", "/tickets")).json["items"]:
        await service.opened()
    path, body = posted
    await service.api("POST", path.replace("{id}", str(ticket)), json.dumps(body).encode())


@FUZZ
@given(path=st.sampled_from(POSTS), raw=st.binary(max_size=200))
async def test_any_bytes_are_refused(service: Running, path: str, raw: bytes) -> None:
    answer = await service.api("POST", path.replace("{id}", "1"), raw)
    assert answer.status in (400, 404, 422)


@FUZZ
@given(
    path=st.sampled_from(GETS),
    query=st.dictionaries(
        st.one_of(
            st.sampled_from(
                ["status", "priority", "category", "assignee", "source", "system", "team", "q", "limit", "cursor"]
            ),
            st.sampled_from(["stream", "after", "fingerprint", "ticket"]),
            st.text(max_size=8),
        ),
        st.one_of(st.binary(max_size=30), st.text(max_size=30).map(lambda text: text.encode("utf-8", "surrogatepass"))),
        max_size=4,
    ),
)
async def test_any_query_is_answered(service: Running, path: str, query: dict[str, bytes]) -> None:
    given = "&".join(f"{quote(name, errors='replace')}={quote(value)}" for name, value in query.items())
    await service.api("GET", f"{path.replace('{id}', '1')}?{given}")
