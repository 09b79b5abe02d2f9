"""What arrived, counted at the platforms themselves, and whether anything arrived twice.

A notice that Slack got twice is found by its idempotency key in the message's metadata. Teams shows no such key, so
what arrived there is compared with what the delivery log says was sent.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from typing import Any

from bot.demo.connector import ConnectorStandIn
from bot.demo.slack_api import SlackStandIn
from bot.demo.slack_records import Change as SlackChange
from bot.demo.slack_records import ChangeKind as SlackKind
from bot.demo.teams_records import Change as TeamsChange
from bot.demo.teams_records import ChangeKind as TeamsKind

_KEYS_KEPT = 20_000


class Counts:
    """Watches both stand-ins from when it is made."""

    def __init__(self, slack: SlackStandIn, teams: ConnectorStandIn) -> None:
        self._bot = teams.world.bot_id
        self._keys: OrderedDict[str, None] = OrderedDict()
        self.slack = self.teams = 0
        self._twice_in_slack = self._twice_in_teams = self._logged = 0
        slack.workspace.feed.callbacks.append(self._posted_in_slack)
        teams.world.feed.callbacks.append(self._posted_in_teams)

    @property
    def delivered(self) -> int:
        """Messages that Deskbell sent on its own account; answers to people and edits are none."""
        return self.slack + self.teams

    @property
    def twice(self) -> int:
        return self._twice_in_slack + self._twice_in_teams

    def compare(self, arrived_in_teams: int, settled: Iterable[Any], under_way: Iterable[Any]) -> None:
        """``settled`` are rows of the delivery log that got their final state since the last time, ``under_way`` those
        that are being sent now; ``arrived_in_teams`` is ``teams`` as it was before both were read."""
        self._logged += sum(row.state in ("sent", "unknown") for row in settled if _is_post_to_teams(row))
        sending = sum(row.state == "sending" for row in under_way if _is_post_to_teams(row))
        self._twice_in_teams = max(0, arrived_in_teams - self._logged - sending)

    def _posted_in_slack(self, change: SlackChange) -> None:
        metadata = change.payload.get("metadata") or {}
        key = (metadata.get("event_payload") or {}).get("key")
        if change.kind is not SlackKind.MESSAGE_POSTED or key is None:
            return
        self.slack += 1
        self._twice_in_slack += key in self._keys
        self._keys[key] = None
        while len(self._keys) > _KEYS_KEPT:
            self._keys.popitem(last=False)

    def _posted_in_teams(self, change: TeamsChange) -> None:
        """What answers a person is no notice."""
        payload = change.payload
        is_bot = (payload.get("from") or {}).get("id") == self._bot
        if change.kind is TeamsKind.ACTIVITY_POSTED and is_bot and not payload.get("replyToId"):
            self.teams += 1


def _is_post_to_teams(row: Any) -> bool:
    return bool(row.platform == "teams" and row.show != "edit")
