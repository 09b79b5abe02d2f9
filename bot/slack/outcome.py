"""What a failed call means for whoever wants to send again, explained to the operator.

A new message may be sent again only when it certainly is not there; everything else may always be tried again. What
Slack limits: posting by channel, everything else by method. https://docs.slack.dev/apis/web-api/rate-limits
"""

from __future__ import annotations

from enum import StrEnum

from bot.slack.api import CallFailed, Outcome
from core.config.settings import Settings
from core.i18n import Words
from core.model import Person
from core.ports import DeliveryFailed, DeliveryRetry, DeliveryUnknown

Delivery = DeliveryRetry | DeliveryUnknown | DeliveryFailed


class Attempt(StrEnum):
    POST = "post"
    EDIT = "edit"
    OPEN = "open"
    FIND = "find"


# Whose limit was met, when it was not the channel's.
_EVERYTHING = frozenset({"rate_limited", "message_limit_exceeded", "service_unavailable", "team_added_to_org"})
# The message, its thread or its place is not there any more.
_GONE = {
    Attempt.POST: frozenset({"thread_not_found", "cannot_reply_to_message"}),
    Attempt.EDIT: frozenset({"message_not_found", "cant_update_message", "edit_window_closed", "channel_not_found"}),
}
# The catalogue has an explanation for each of these; several of Slack's words share one.
_EXPLAINED = {
    **dict.fromkeys(("channel_not_found", "not_in_channel", "team_not_found"), "channel"),
    **dict.fromkeys(("is_archived", "is_inactive"), "archived"),
    **dict.fromkeys(
        ("account_inactive", "invalid_auth", "not_authed", "token_expired", "token_revoked", "not_allowed_token_type"),
        "token",
    ),
    **dict.fromkeys(("missing_scope", "no_permission", "app_access_restricted", "access_denied"), "scope"),
    **dict.fromkeys(("msg_too_long", "msg_blocks_too_long", "metadata_too_large", "too_many_attachments"), "too_long"),
    **dict.fromkeys(("invalid_blocks", "invalid_blocks_format", "invalid_arguments", "no_text"), "layout"),
    **dict.fromkeys(("user_not_found", "user_disabled", "user_not_visible", "invalid_user_combination"), "person"),
    **dict.fromkeys(
        (
            "message_not_found",
            "cant_update_message",
            "edit_window_closed",
            "thread_not_found",
            "cannot_reply_to_message",
        ),
        "gone",
    ),
}
# What these explain stands between the bot and its place until somebody mends it: others should be told.
_UNREACHABLE = frozenset({"channel", "archived", "token", "scope", "person"})


class Failures:
    """Explanations in the configured language."""

    def __init__(self, settings: Settings) -> None:
        self._words = Words(settings.language, settings.time_zone)

    def delivery(self, error: CallFailed, attempt: Attempt, place: str) -> Delivery:
        """The error to raise; ``place`` is the channel, person or message that was meant."""
        if error.outcome is Outcome.LIMITED:
            return DeliveryRetry(self._say("limited", error, place), after=error.after, scope=_scope(error, attempt))
        if error.outcome is Outcome.NOT_SENT:
            return DeliveryRetry(self._say("unreachable", error, place), scope="platform")
        if error.outcome is Outcome.UNKNOWN:
            said = self._say("unknown", error, place)
            return DeliveryUnknown(said) if attempt is Attempt.POST else DeliveryRetry(said, after=error.after)
        said = self._refused(error, place)
        if attempt is Attempt.FIND:
            return DeliveryUnknown(said)
        gone, unreachable = error.code in _GONE.get(attempt, ()), _is_unreachable(error, attempt)
        return DeliveryFailed(said, code=error.code, gone=gone, unreachable=unreachable)

    def nobody(self, person: Person | None) -> DeliveryFailed:
        """There is nobody to tell: neither a channel nor a person with a Slack account."""
        said = self._words.text("slack.failed.nobody", name=person.name if person else "–")
        return DeliveryFailed(said, code="no_slack_user", unreachable=True)

    def unreadable(self, error: Exception) -> DeliveryFailed:
        """The message could not be put into words."""
        said = self._words.text("slack.failed.unreadable", error=f"{type(error).__name__} {error}")
        return DeliveryFailed(said, code="unreadable")

    def _refused(self, error: CallFailed, place: str) -> str:
        if error.code.startswith("http_"):
            return self._say("page", error, place)
        if error.code.startswith("restricted_action"):
            return self._say("restricted", error, place)
        return self._say(_EXPLAINED.get(error.code, "other"), error, place)

    def _say(self, name: str, error: CallFailed, place: str) -> str:
        return self._words.text(f"slack.failed.{name}", method=error.method, code=error.code, place=place)


def _is_unreachable(error: CallFailed, attempt: Attempt) -> bool:
    if attempt is Attempt.EDIT:
        return False
    return _EXPLAINED.get(error.code) in _UNREACHABLE or error.code.startswith(("restricted_action", "cannot_dm_bot"))


def _scope(error: CallFailed, attempt: Attempt) -> str:
    if error.code in _EVERYTHING or attempt is not Attempt.POST:
        return "platform"
    return "channel"
