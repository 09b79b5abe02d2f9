"""One entry per call of the API: what it takes, what it gives, and the function that does it.

Routing, the check of bodies and parameters, and the OpenAPI document are all made from this table.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from aiohttp import web

from core.desk.desk import Desk

Handler = Callable[[Desk, "Asked"], Awaitable[Any]]


class Parameter(msgspec.Struct, frozen=True):
    """A query parameter. ``kind`` is string or integer.

    With ``choices`` only these words are taken; with ``several`` a list of them, separated by commas, is.
    """

    name: str
    about: str
    kind: str = "string"
    minimum: int | None = None
    maximum: int | None = None
    choices: tuple[str, ...] = ()
    several: bool = False


LIMIT = Parameter("limit", "How many, at most 1000.", "integer", 1, 1000)
CURSOR = Parameter("cursor", "The next_cursor of the page before.", "integer", 1)
AFTER = Parameter("after", "Number of the last event that is known.", "integer", 0)


class Operation(msgspec.Struct, frozen=True):
    method: str
    path: str
    name: str
    about: str
    handler: Handler
    gives: type[Any]
    takes: type[Any] | None = None
    parameters: tuple[Parameter, ...] = ()
    status: int = 200
    body_optional: bool = False

    @property
    def heeds_version(self) -> bool:
        """Whether ``If-Match`` says which version of the ticket the change is meant for."""
        return self.method == "POST" and self.path.startswith("/api/v1/tickets/{id}/")


class Asked(msgspec.Struct):
    """A request whose proof, path, parameters and body were found good."""

    request: web.Request
    path: dict[str, int]
    query: dict[str, Any]
    body: Any = None


OPERATIONS: list[Operation] = []


def operation(method: str, path: str, gives: type[Any], **more: Any) -> Callable[[Handler], Handler]:
    """Enter a handler into the table; its docstring is what the OpenAPI document says of it."""

    def enter(handler: Handler) -> Handler:
        about = " ".join((handler.__doc__ or "").split())
        name = more.pop("name", handler.__name__)
        OPERATIONS.append(Operation(method, path, name, about, handler, gives, **more))
        return handler

    return enter
