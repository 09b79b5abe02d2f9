"""The outbox's way to Slack when there are many workspaces: each has a notifier of its own, with its own token.

Where a message goes says its address (``T024BE7LD/#general``), the user id of whoever is told in private
(``T024BE7LD/U0KIM``), or the message that it is to stand below; a plain name means the home workspace, else the only
one.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from datetime import datetime
from typing import Any, TypeVar

from msgspec.structs import replace

from bot.slack.notifier import SlackNotifier
from bot.slack.workspaces import Unknown, Workspaces, split
from core.config.settings import Settings
from core.errors import StoreUnavailable
from core.i18n import Words
from core.ports import DeliveryFailed, DeliveryRetry, MessageRef, Outbound

T = TypeVar("T")


class WorkspaceNotifier:
    """``core.ports.Notifier``. ``of`` makes the notifier of an installation."""

    platform = "slack"

    def __init__(self, settings: Settings, workspaces: Workspaces, of: Callable[[str], SlackNotifier]) -> None:
        self._words = Words(settings.language, settings.time_zone)
        self._workspaces, self._of = workspaces, of
        self._notifiers: dict[str, SlackNotifier] = {}

    async def post(self, message: Outbound) -> MessageRef:
        workspace, within = _addressed(message)
        id = await self._id(workspace)
        return replace(await _alone(self._notifier(id).post(within)), tenant=id)

    async def edit(self, message: Outbound, ref: MessageRef) -> None:
        notifier = self._notifier(await self._id(ref.tenant or ""))
        await _alone(notifier.edit(_addressed(message)[1], ref), "message")  # edits share one limit

    async def find(self, message: Outbound, since: datetime) -> MessageRef | None:
        workspace, within = _addressed(message)
        id = await self._id(workspace)
        found = await _alone(self._notifier(id).find(within, since))
        return replace(found, tenant=id) if found else None

    async def _id(self, name: str) -> str:
        """The installation of the workspace. Raises DeliveryFailed without one."""
        try:
            return (await self._workspaces.named(name)).id
        except StoreUnavailable:
            raise DeliveryRetry("store_unavailable", scope="message") from None
        except Unknown:
            key = "slack.failed.not_installed" if name else "slack.failed.no_workspace"
            raise DeliveryFailed(self._words.text(key, place=name), code="not_installed") from None

    def _notifier(self, id: str) -> SlackNotifier:
        if id not in self._notifiers:
            self._notifiers[id] = self._of(id)
        return self._notifiers[id]


async def _alone(work: Coroutine[Any, Any, T], scope: str = "channel") -> T:
    """What Slack limits, or a token that is not to be had, holds up ``scope`` and nobody in another workspace."""
    try:
        return await work
    except DeliveryRetry as error:
        held = error.scope if error.scope == "message" else scope
        raise DeliveryRetry(error.reason, after=error.after, scope=held) from None


def _addressed(message: Outbound) -> tuple[str, Outbound]:
    """The workspace that a message goes to (empty: the home), and the message as that workspace has its names."""
    if message.thread is not None:
        return message.thread.tenant or split(message.address or "")[0], message
    if message.address is not None:
        workspace, address = split(message.address)
        return workspace, replace(message, address=address)
    if message.person is None or message.person.slack is None:
        return "", message
    workspace, user = split(message.person.slack)
    return workspace, replace(message, person=replace(message.person, slack=user))
