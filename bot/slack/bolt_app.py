"""Bolt, set up for a long-running process: it routes payloads to the handlers, and every payload gets an answer.

What is switched off here is done better elsewhere: signatures and ssl_check by ``http_transport`` over the raw bytes
(Bolt's ssl_check turns the verification token around, and would read it from the environment). Listeners run inline
(``process_before_response``), so an answer leaves when the work is done and not at the next tick of a 10 ms poll.
"""

from __future__ import annotations

import logging
import re
import secrets
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

import aiohttp
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.error import BoltUnhandledRequestError
from slack_bolt.response import BoltResponse
from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.answers import nothing, trouble
from bot.slack.api import CallFailed, SlackApi
from bot.slack.clicks import Clicks
from bot.slack.commands import Commands
from bot.slack.events import Events
from bot.slack.home_events import HomeEvents
from bot.slack.inflight import Inflight
from bot.slack.payloads import Malformed
from bot.slack.reactions import Reactions
from bot.slack.reception import Reception
from bot.slack.seen import Busy
from bot.slack.shortcuts import Shortcuts
from bot.slack.submissions import Submissions
from bot.slack.suggestions import Suggestions
from bot.slack.unfurls import Unfurls
from bot.slack.workspaces import Workspace
from core.config.settings import SlackSettings
from core.errors import DeskError, StoreUnavailable
from core.views import Message, View

_ANY = re.compile(".*", re.DOTALL)
_ASK_AGAIN = timedelta(minutes=1)
_log = logging.getLogger(__name__)

Refuse = Callable[[dict[str, Any], View], Awaitable[BoltResponse]]


class Itself:
    """Which bot we are, so that our own messages are not taken for somebody's. Slack is asked once."""

    def __init__(self, settings: SlackSettings, api: SlackApi, inflight: Inflight, now: Callable[[], datetime]) -> None:
        self._token = settings.bot_token
        self._api, self._inflight, self._now = api, inflight, now
        self._user: str | None = None
        self._bot: str | None = None
        self._ask_after: datetime | None = None

    def known(self, enterprise_id: str | None, team_id: str | None) -> AuthorizeResult:
        """Never waits: until Slack has answered, messages of bots are told by their ``bot_id`` alone."""
        now = self._now()
        if self._user is None and (self._ask_after is None or now >= self._ask_after):
            self._ask_after = now + _ASK_AGAIN
            self._inflight.spawn(self._ask())
        return AuthorizeResult(
            enterprise_id=enterprise_id,
            team_id=team_id,
            bot_user_id=self._user,
            bot_id=self._bot,
            bot_token=self._token.get_secret_value() if self._token else None,
        )

    async def _ask(self) -> None:
        try:
            answer = await self._api.call("auth.test", {})
        except CallFailed as error:
            _log.warning("Slack does not say who the bot is: %s", error)
            return
        self._user, self._bot = str(answer.get("user_id")), str(answer.get("bot_id"))


class Known:
    """The bot as its installation names it; the token stays where the calls are made."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def known(self, enterprise_id: str | None, team_id: str | None) -> AuthorizeResult:
        return AuthorizeResult(
            enterprise_id=enterprise_id,
            team_id=team_id,
            bot_user_id=self._workspace.bot_user or None,
            bot_id=self._workspace.bot_id or None,
        )


def build(reception: Reception, itself: Itself | Known, session: aiohttp.ClientSession) -> AsyncApp:
    """The app with a listener for every kind of payload. Makes no call to Slack."""

    async def authorize(enterprise_id: str | None, team_id: str | None) -> AuthorizeResult:
        return itself.known(enterprise_id, team_id)

    app = AsyncApp(
        name="deskbell",
        logger=_bolt_logger(),
        client=AsyncWebClient(base_url=reception.settings.slack.api_url, session=session, retry_handlers=[]),
        authorize=authorize,
        signing_secret="",
        process_before_response=True,
        raise_error_for_unhandled_request=True,
        request_verification_enabled=False,
        ssl_check_enabled=False,
        attaching_function_token_enabled=False,
        attaching_conversation_kwargs_enabled=False,
    )
    commands, clicks, submissions, events = (
        Commands(reception),
        Clicks(reception),
        Submissions(reception),
        Events(reception),
    )
    shortcuts, suggestions = Shortcuts(reception), Suggestions(reception.settings)
    app.command(_ANY)(commands.handle)
    app.block_action({"action_id": _ANY})(clicks.handle)
    app.view_submission(_ANY)(submissions.handle)
    app.shortcut(_ANY)(shortcuts.handle)
    app.options({"action_id": _ANY})(suggestions.handle)
    app.event("reaction_added")(Reactions(reception).handle)
    app.event("app_home_opened")(HomeEvents(reception).handle)
    app.event("link_shared")(Unfurls(reception).handle)
    app.event(_ANY)(events.handle)
    refusals: dict[str, Refuse] = {
        "block_actions": clicks.refuse,
        "view_submission": submissions.refuse,
        "event_callback": events.refuse,
        "shortcut": shortcuts.refuse,
        "message_action": shortcuts.refuse,
        "block_suggestion": suggestions.refuse,
    }

    @app.error
    async def failed(error: Exception, body: dict[str, Any]) -> BoltResponse:
        refuse = commands.refuse if "command" in body else refusals.get(body.get("type", ""))
        return await _failed(error, body, refuse)

    return app


async def _failed(error: Exception, body: dict[str, Any], refuse: Refuse | None) -> BoltResponse:
    """The answer when a listener raised: known troubles by their status, defects by a reference and no trace."""
    if isinstance(error, BoltUnhandledRequestError):
        level = logging.WARNING if body.get("type") == "app_rate_limited" else logging.INFO
        _log.log(level, "nothing listens to a payload of type %s", body.get("type"))
        return nothing()
    if isinstance(error, Busy):
        return trouble(503, "in_progress")
    if isinstance(error, Malformed):
        return trouble(400, error.code)
    if isinstance(error, StoreUnavailable) and body.get("type") == "event_callback":
        return trouble(503, "store_unavailable")
    if isinstance(error, DeskError) and refuse is not None:
        return await refuse(body, Message(error.key, error.facts, is_error=True))
    reference = secrets.token_hex(4)
    _log.error("a request from Slack failed (reference %s)", reference, exc_info=error)
    if refuse is None:
        return trouble(500, "internal")
    try:
        return await refuse(body, Message("error.internal", {"reference": reference}, is_error=True))
    except Exception:
        _log.exception("nor could it be said (reference %s)", reference)
        return trouble(500, "internal")


def _bolt_logger() -> logging.Logger:
    # Bolt warns at start of every variable of the environment that it does not need, and looks at its own level only.
    logger = logging.getLogger("bot.slack.bolt")
    logger.setLevel(logging.ERROR)
    return logger
