"""What a measurement gives."""

from __future__ import annotations

import msgspec


class Figure(msgspec.Struct, frozen=True):
    """``promise`` is text; ``kept`` whether the figure keeps it, None where it is only shown."""

    name: str
    value: float
    unit: str
    promise: str = ""
    kept: bool | None = None
