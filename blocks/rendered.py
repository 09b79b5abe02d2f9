"""What rendering gives, and the size of it."""

from __future__ import annotations

import json
import re
from typing import Any, TypeAlias

import msgspec

from blocks.text import ELLIPSIS, clip, units

Block: TypeAlias = dict[str, Any]

# Slack refuses a message with msg_blocks_too_long at about 13,200 characters over all blocks, and counts the JSON, not
# only the texts in it: https://github.com/slackapi/bolt-js/issues/2509 and /2867.
MESSAGE_ROOM = 12_000
BLOCKS_ROOM = 48
TEXT_LIMIT = 4000
_CUT_ESCAPE = re.compile(f"&[a-z]*{ELLIPSIS}$")


class Rendered(msgspec.Struct, frozen=True):
    """``text`` is the whole message as a sentence, for notifications and screen readers; ``blocks`` what is shown."""

    text: str
    blocks: list[Block]


def rendered(text: str, blocks: list[Block]) -> Rendered:
    """``text`` may be too long; it is not cut within the escape of a character."""
    return Rendered(_CUT_ESCAPE.sub(ELLIPSIS, clip(text, TEXT_LIMIT)), blocks)


def size(value: object) -> int:
    """Characters of the compact JSON, as Slack's limit of a message counts them."""
    return units(compact(value))


def compact(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
