"""What the product answered to a request that a stand-in made in a person's name."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Answer:
    """``status`` is HTTP's, 0 for no connection or no answer in time; ``body`` is JSON if it could be read as that."""

    status: int
    body: Any = None

    @property
    def ok(self) -> bool:
        return self.status in (200, 201, 202)


def read_body(text: str) -> Any:
    """JSON, or the text itself; None for nothing."""
    if not text:
        return None
    try:
        return json.loads(text)
    except ValueError:
        return text
