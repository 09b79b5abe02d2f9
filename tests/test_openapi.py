"""The published OpenAPI document: valid, complete, and what the service really does."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from openapi_spec_validator import OpenAPIV31SpecValidator

from bot.api.openapi import document
from bot.api.operations import OPERATIONS
from core.lifecycle import VERBS
from tests.running_service import Running


async def test_the_document_is_valid_and_served_without_a_token(service: Running) -> None:
    answer = await service.request("GET", "/api/openapi.json")
    assert (answer.status, answer.headers["Content-Type"]) == (200, "application/json")
    assert answer.json["openapi"] == "3.1.0"
    OpenAPIV31SpecValidator(answer.json).validate()


def test_every_call_of_the_contract_is_described() -> None:
    described = {(method.upper(), path) for path, methods in document()["paths"].items() for method in methods}
    reads = ("tickets", "tickets/{id}", "tickets/{id}/timeline", "tickets/{id}/deliveries", "alerts", "events", "stats")
    assert described >= {("GET", f"/api/v1/{path}") for path in reads}
    assert described >= {("POST", f"/api/v1/tickets/{{id}}/{verb}") for verb in VERBS}
    assert ("POST", "/api/v1/tickets") in described
    assert len({entry.name for entry in OPERATIONS}) == len(OPERATIONS)


def test_every_call_stands_in_the_documentation() -> None:
    described = (Path(__file__).parent.parent / "docs" / "api.md").read_text(encoding="utf-8")
    assert [verb for verb in VERBS if f"| `{verb}` |" not in described] == []
    others = {path for path in document()["paths"] if path.rsplit("/", 1)[1] not in VERBS}
    assert [path for path in others if path not in described] == []


def test_every_call_says_what_it_does_and_how_it_fails() -> None:
    for path, methods in document()["paths"].items():
        for method, call in methods.items():
            assert call["summary"], (method, path)
            assert {"400", "401", "404", "422", "503"} <= call["responses"].keys()
            if method == "post":
                assert {"409", "413"} <= call["responses"].keys()
            shown = {parameter["name"] for parameter in call.get("parameters", ()) if parameter["in"] == "path"}
            assert shown == set(re.findall(r"\{(\w+)\}", path))


def test_every_reference_leads_somewhere() -> None:
    schemas = document()["components"]["schemas"]

    def references(value: Any) -> list[str]:
        if isinstance(value, dict):
            own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
            return own + [ref for item in value.values() for ref in references(item)]
        return [ref for item in value for ref in references(item)] if isinstance(value, list) else []

    used = {reference.rsplit("/", 1)[1] for reference in references(document())}
    assert used == schemas.keys()


async def test_the_page_for_people_shows_every_call_and_runs_no_script(service: Running) -> None:
    page = await service.request("GET", "/api/docs")
    assert page.status == 200
    for path in document()["paths"]:
        assert path in page.text
    assert "<script" not in page.text
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


async def test_changes_of_tickets_document_the_version_that_they_heed(service: Running) -> None:
    ticket = await service.opened()
    for path, methods in document()["paths"].items():
        heeds = any(one["name"] == "If-Match" for one in methods.get("post", {}).get("parameters", ()))
        assert heeds == path.startswith("/api/v1/tickets/{id}/") if "post" in methods else not heeds
    assert (await service.do(ticket, "start", **{"If-Match": '"9"'})).status == 409
