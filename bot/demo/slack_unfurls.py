"""Links that people share, and what the app shows of them (chat.unfurl).

Rules: https://docs.slack.dev/messaging/unfurling-links-in-messages and the page of the method. Slack tells the app of
links to its domains; an answer names the message, or the ``unfurl_id`` and ``source`` of the event, and shows only what
was shared there. A second answer replaces the first.
"""

from __future__ import annotations

import json
import re
import uuid
from collections import OrderedDict
from urllib.parse import urlsplit

from bot.demo.slack_content import content
from bot.demo.slack_facts import TEXT_LIMIT
from bot.demo.slack_records import Json, Message, Shared, SlackRefusal
from bot.demo.slack_state import Workspace

_KEPT = 500
_LINK = re.compile(r"<(https?://[^<>|\s]+)(?:\|[^<>]*)?>")
_SOURCES = ("composer", "conversations_history")


class Unfurls:
    """``previews`` are what stands below drafts, by the id of the unfurl."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._shared: OrderedDict[str, Shared] = OrderedDict()
        self.previews: dict[str, list[Json]] = {}

    def share(self, text: str, user: str, message: Message | None) -> Json | None:
        """The event of the links in ``text``; None when none is to a domain of the app. No message: still a draft."""
        domains = self._workspace.app.unfurl_domains
        links = [{"url": url, "domain": urlsplit(url).hostname or ""} for url in _LINK.findall(text)]
        links = [link for link in links if link["domain"] in domains]
        if not links:
            return None
        source = _SOURCES[0] if message is None else _SOURCES[1]
        unfurl_id = str(uuid.uuid4())
        self._shared[unfurl_id] = Shared(source, message, tuple(link["url"] for link in links))
        while len(self._shared) > _KEPT:
            self._shared.popitem(last=False)
        return {
            "type": "link_shared",
            "user": user,
            "channel": message.channel if message else "COMPOSER",
            "message_ts": message.ts if message else str(uuid.uuid4()),
            "links": links,
            "source": source,
            "unfurl_id": unfurl_id,
            "is_bot_user_member": message is not None,
            "event_ts": self._workspace.next_ts(),
        }

    def unfurl(self, arguments: Json) -> Json:
        unfurl_id, shared = self._target(arguments)
        shown = [self._attachment(number, url, body, shared) for number, (url, body) in _entries(arguments)]
        if shared.message is None:
            self.previews[unfurl_id] = shown
        else:
            self._workspace.edit(shared.message, attachments=shown)
        return {}

    def _target(self, arguments: Json) -> tuple[str, Shared]:
        if arguments.get("unfurl_id") or arguments.get("source"):
            unfurl_id, source = arguments.get("unfurl_id"), arguments.get("source")
            if not unfurl_id or not source:
                raise SlackRefusal("missing_unfurl_id" if not unfurl_id else "missing_source")
            shared = self._shared.get(unfurl_id)
            if shared is None:
                raise SlackRefusal("invalid_unfurl_id")
            if shared.source != source:
                raise SlackRefusal("invalid_source")
            return unfurl_id, shared
        if not arguments.get("channel") or not arguments.get("ts"):
            raise SlackRefusal("missing_ts" if arguments.get("channel") else "missing_channel")
        channel = self._workspace.find(arguments["channel"])
        if channel is None:
            raise SlackRefusal("cannot_find_channel")
        for unfurl_id, shared in reversed(self._shared.items()):
            message = shared.message
            if message is not None and (message.channel, message.ts) == (channel.id, arguments["ts"]):
                return unfurl_id, shared
        raise SlackRefusal("cannot_unfurl_message" if arguments["ts"] in channel.messages else "cannot_find_message")

    def _attachment(self, number: int, url: str, body: object, shared: Shared) -> Json:
        if url not in shared.urls:
            raise SlackRefusal("cannot_unfurl_url", url)
        if not isinstance(body, dict) or not body.get("blocks"):
            raise SlackRefusal("invalid_unfurls_format")
        try:
            _, blocks, _ = content({"text": url, "blocks": body["blocks"]}, text_limit=TEXT_LIMIT)
        except SlackRefusal as refusal:
            raise SlackRefusal("cannot_parse_attachment", refusal.code, *refusal.messages) from refusal
        self._workspace.name_blocks(blocks)
        app = self._workspace.app
        return {
            "id": number,
            "from_url": url,
            "app_unfurl_url": url,
            "is_app_unfurl": True,
            "app_id": app.app_id,
            "bot_id": app.bot_id,
            "blocks": blocks,
        }


def _entries(arguments: Json) -> list[tuple[int, tuple[str, object]]]:
    unfurls = arguments["unfurls"]
    if isinstance(unfurls, str):
        try:
            unfurls = json.loads(unfurls)
        except ValueError as error:
            raise SlackRefusal("invalid_unfurls_format") from error
    if not isinstance(unfurls, dict) or not unfurls:
        raise SlackRefusal("invalid_unfurls_format")
    return list(enumerate(unfurls.items(), 1))
