"""What many workspaces share: their installations, the refresh of their tokens, the way to install."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime

import aiohttp

from bot.slack.api import CALL_SECONDS, CallFailed, SlackApi
from bot.slack.inflight import Inflight
from bot.slack.install import Installer
from bot.slack.notifier import SlackNotifier
from bot.slack.oauth import OAuth
from bot.slack.tokens import Rotation, WorkspaceTokens
from bot.slack.workspace_notifier import WorkspaceNotifier
from bot.slack.workspaces import Workspaces
from core.config.settings import Settings
from core.errors import StoreUnavailable
from core.installations import Installation, InstallationStore
from core.ports import Memory

_log = logging.getLogger(__name__)


class Connections:
    def __init__(
        self,
        settings: Settings,
        store: InstallationStore,
        session: aiohttp.ClientSession,
        seen: Memory,
        inflight: Inflight,
        now: Callable[[], datetime],
    ) -> None:
        self._settings, self._session = settings, session
        self.store = store
        self.workspaces = Workspaces(settings.slack, store)
        oauth = self._oauth = OAuth(settings.slack, session)
        self._rotation = Rotation(oauth, store, self.workspaces, seen, inflight, now)
        self.installer = Installer(settings, oauth, store, self.workspaces, seen, now)

    def api(self, id: str, seconds: float = CALL_SECONDS) -> SlackApi:
        """Slack's Web API with the token of one installation."""
        return SlackApi(self._settings.slack, self._session, seconds, WorkspaceTokens(self._rotation, id))

    def notifier(self) -> WorkspaceNotifier:
        def of(id: str) -> SlackNotifier:
            return SlackNotifier(self._settings, self._session, api=self.api(id))

        return WorkspaceNotifier(self._settings, self.workspaces, of)

    async def is_refused(self, installation: Installation) -> bool:
        """Whether Slack takes the installation's token no more; False where it cannot be asked."""
        try:
            await self._oauth.bot_id(installation.token)
        except CallFailed as error:
            return error.code in ("account_inactive", "invalid_auth", "token_revoked")
        return False

    async def start(self) -> None:
        """Seal with the newest key what an older one has sealed."""
        try:
            resealed = await self.store.reseal()
        except StoreUnavailable:
            _log.warning("the tokens keep their old key until the next start: the database cannot take a write")
            return
        if resealed:
            _log.info("sealed the tokens of %d installations with the newest key", resealed)
