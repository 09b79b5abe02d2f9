"""The lines of what happens behind the two chats, in every language at once."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from bot.demo.bridge_stream import Hub
from bot.demo.slack_records import Json
from core.i18n import LANGUAGES, Words

Kind = Literal["alert", "rule", "ticket", "notice", "sync", "scenario"]
_KEPT = 200


@dataclass(frozen=True, slots=True)
class _Line:
    at: datetime
    kind: Kind
    texts: dict[str, str]

    def shown(self, language: str) -> Json:
        return {"at": self.at.isoformat(), "kind": self.kind, "text": self.texts[language]}


class Story:
    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._lines: deque[_Line] = deque(maxlen=_KEPT)

    def lines(self, language: str) -> list[Json]:
        """The last lines, oldest first."""
        return [line.shown(language) for line in self._lines]

    def tell(self, kind: Kind, key: str, **facts: object) -> None:
        """A line of the narrator's own; ``facts`` are shown as they are."""
        self.say(kind, lambda words: words.say(key, facts, str))

    def say(self, kind: Kind, text: Callable[[Words], str], at: datetime | None = None) -> None:
        """``text`` gives the line in the words of a language."""
        texts = {language: text(Words(language)) for language in LANGUAGES}
        line = _Line(at or datetime.now(UTC), kind, texts)
        self._lines.append(line)
        self._hub.publish("story", line.shown)
