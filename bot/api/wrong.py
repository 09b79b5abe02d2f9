"""Says which field of a body does not fit, and what would.

msgspec reports the first thing that is wrong as a sentence that ends with the place: ``Expected `str`, got `int` - at
`$.customer.name```. https://jcristharif.com/msgspec/usage.html#errors
"""

from __future__ import annotations

import re
from enum import Enum

from bot.bodies import Refused
from core.model import Category, Priority, Tier

_NAMED = re.compile(r"(?:missing required|contains unknown) field `(.*)`$")
_CHOICES: dict[str, type[Enum]] = {"category": Category, "priority": Priority, "tier": Tier}


def not_fitting(report: str) -> Refused:
    """The answer to a body that is JSON and not what the call takes."""
    text, _, place = report.partition(" - at `$")
    path = place.rstrip("`").lstrip(".")
    named = _NAMED.search(text)
    field = ".".join(part for part in (path, named[1][:64] if named else "") if part) or None
    choices = [member.value for member in _CHOICES[path.split(".")[-1]]] if _is_choice(text, path) else None
    if choices:
        text = f"one of {', '.join(choices)} is expected"
    message = f"{field}: {text}" if field and not named else text
    if field is None:
        return Refused(422, "bad_field", text)
    if choices:
        return Refused(422, "bad_field", message, field=field, choices=choices)
    return Refused(422, "bad_field", message, field=field)


def _is_choice(text: str, path: str) -> bool:
    return path.split(".")[-1] in _CHOICES and text.startswith("Invalid enum value")
