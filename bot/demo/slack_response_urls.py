"""response_url: a few answers to one command or click, without a token, into a place where the bot may not even be.

Rules: https://docs.slack.dev/interactivity/handling-user-interaction#message_responses. Five uses within half an hour;
only the person sees the answer unless it says ``in_channel``.
"""

from __future__ import annotations

import secrets
from collections import OrderedDict

from bot.demo.slack_content import content, metadata
from bot.demo.slack_facts import RESPONSE_URL_SECONDS, RESPONSE_URL_USES, TEXT_LIMIT
from bot.demo.slack_records import Conversation, Ephemeral, Json, Message, ResponseUrl, SlackRefusal
from bot.demo.slack_state import Workspace

_KEPT = 1000


class ResponseUrls:
    """``base_url`` is where the stand-in is reached, without a slash at the end."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._known: OrderedDict[str, ResponseUrl] = OrderedDict()
        self.base_url = ""

    def issue(self, channel: str, user: str, *, message: str | None = None, thread_ts: str | None = None) -> str:
        """A URL for one command or click of ``user``; ``message`` is the ts of the message that was clicked."""
        token = secrets.token_urlsafe(18)
        expires = self._workspace.clock() + RESPONSE_URL_SECONDS
        self._known[token] = ResponseUrl(token, channel, user, expires, RESPONSE_URL_USES, message, thread_ts)
        while len(self._known) > _KEPT:
            self._known.popitem(last=False)
        return f"{self.base_url}/response/{token}"

    def spend(self, token: str) -> ResponseUrl:
        """Take one use. Raises ``expired_url`` or ``used_url``."""
        url = self._known.get(token)
        if url is None or self._workspace.clock() > url.expires:
            raise SlackRefusal("expired_url")
        if url.left <= 0:
            raise SlackRefusal("used_url")
        url.left -= 1
        return url

    def answer(self, url: ResponseUrl, body: Json) -> None:
        """Show what the app sent to a response_url, or as the body of its answer to a slash command."""
        channel = self._workspace.channels[url.channel]
        if body.get("delete_original") is True:
            self._delete(channel, url)
            return
        text, blocks, attachments = content(body, text_limit=TEXT_LIMIT)
        original = channel.messages.get(url.message or "")
        whispered = self._workspace.ephemerals.get(url.message or "")
        if body.get("replace_original") is True and original is not None:
            self._workspace.edit(original, text=text, blocks=blocks, attachments=attachments)
        elif body.get("replace_original") is True and whispered is not None:
            whispered.text, whispered.blocks = text, blocks
            self._workspace.whisper(whispered)
        elif body.get("response_type") == "in_channel":
            self._post(channel, text, blocks, attachments, body)
        else:
            ts, thread = self._workspace.next_ts(), body.get("thread_ts") or url.thread_ts
            self._workspace.whisper(Ephemeral(ts, channel.id, url.user, text, blocks, thread))

    def _post(self, channel: Conversation, text: str, blocks: list[Json], attachments: list[Json], body: Json) -> None:
        app, thread = self._workspace.app, self._workspace.root_of(channel, body.get("thread_ts"))
        message = Message(self._workspace.next_ts(), channel.id, app.bot_user, text, blocks, attachments, thread)
        message.metadata, message.bot_id, message.app_id = metadata(body.get("metadata")), app.bot_id, app.app_id
        self._workspace.post(channel, message)

    def _delete(self, channel: Conversation, url: ResponseUrl) -> None:
        original = channel.messages.get(url.message or "")
        if original is not None and original.bot_id == self._workspace.app.bot_id:
            self._workspace.delete(channel, original)
        elif url.message is not None:
            self._workspace.forget_ephemeral(url.message)
