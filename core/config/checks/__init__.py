"""What one part of the configuration says of another, one module per part. Each offers functions from ``Settings`` to
``Finding``; ``core.config.check`` gathers them."""

from __future__ import annotations

from typing import Literal

import msgspec

from core.config.problems import Path


class Finding(msgspec.Struct, frozen=True):
    """Something wrong, or odd (``warning``), at the key ``path``."""

    path: Path
    message: str
    hint: str | None = None
    level: Literal["error", "warning"] = "error"
