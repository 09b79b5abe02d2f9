"""The two pictures of the app package: a desk bell, drawn here, so that no file of unknown origin is needed.

PNG by hand: a signature, a header, rows of RGBA behind a filter byte and deflated, an end.
https://www.w3.org/TR/png-3/
"""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Callable
from functools import cache

Pixel = tuple[int, int, int, int]
Paint = Callable[[float, float], Pixel]

_CLEAR: Pixel = (0, 0, 0, 0)
_WHITE: Pixel = (255, 255, 255, 255)
_BLUE: Pixel = (0, 69, 120, 255)
ACCENT = "#004578"
_SAMPLES = 2  # squared: how often each pixel is looked at, for smooth edges


@cache
def color() -> bytes:
    """192 x 192, the bell in white on blue."""
    return _png(192, lambda x, y: _WHITE if _bell(x, y) else _BLUE)


@cache
def outline() -> bytes:
    """32 x 32, the bell in white on nothing, as Teams asks for."""
    return _png(32, lambda x, y: _WHITE if _bell(x, y) else _CLEAR)


def _bell(x: float, y: float) -> bool:
    """Whether a point of the unit square (y down) belongs to the bell: button, dome with a gleam, base."""
    button = math.hypot(x - 0.5, y - 0.26) < 0.055
    radius = math.hypot(x - 0.5, y - 0.66)
    dome = radius < 0.33 and y < 0.66
    gleam = 0.21 < radius < 0.25 and 0.32 < x < 0.46 and y < 0.6
    base = abs(x - 0.5) < 0.38 and 0.70 < y < 0.77
    return button or (dome and not gleam) or base


def _png(size: int, paint: Paint) -> bytes:
    rows = b"".join(
        b"\x00" + b"".join(_pixel(paint, column, row, size) for column in range(size)) for row in range(size)
    )
    header = struct.pack(">IIBBBBB", size, size, 8, 6, 0, 0, 0)
    chunks = _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(rows, 9)) + _chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


def _pixel(paint: Paint, column: int, row: int, size: int) -> bytes:
    steps = [(step + 0.5) / _SAMPLES for step in range(_SAMPLES)]
    seen = [paint((column + dx) / size, (row + dy) / size) for dx in steps for dy in steps]
    alpha = sum(pixel[3] for pixel in seen)
    # Weighted by opacity, or clear points would darken the edge.
    shades = [sum(pixel[i] * pixel[3] for pixel in seen) // alpha if alpha else 0 for i in range(3)]
    return bytes((*shades, alpha // len(seen)))


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
