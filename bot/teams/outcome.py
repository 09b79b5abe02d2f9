"""What a failed send means for whoever wants to send again.

A new message may be repeated only when it certainly is not there; an edit always may. What Teams asks to repeat: 429,
412, 502, 504; what it does not: 400, 403, 404, 413.
https://learn.microsoft.com/microsoftteams/platform/bots/how-to/rate-limit
"""

from __future__ import annotations

from bot.teams.transport import AnswerLost, ConnectorError, NotSent, Rejected
from core.ports import DeliveryFailed, DeliveryRetry, DeliveryUnknown

# A new secret or a new role takes minutes to be known everywhere.
_UNAUTHORIZED_WAIT = 180.0
_UNREACHABLE_WAIT = 15.0
# The bot is not there any more, or may not write: nothing will arrive until it hears from the conversation again.
_SHUT = frozenset(
    {"BotNotInConversationRoster", "MessageWritesBlocked", "ConversationBlockedByUser", "BotDisabledByAdmin"}
)
_NO_CONVERSATION = frozenset({"ConversationNotFound", "ConversationNotExist"})

Delivery = DeliveryRetry | DeliveryUnknown | DeliveryFailed


def delivery(error: ConnectorError, *, repeatable: bool) -> Delivery:
    """The error to raise. ``repeatable``: doing it twice is the same as doing it once."""
    if isinstance(error, NotSent):
        if error.untrusted:
            return DeliveryFailed(str(error), code="untrusted_service_url")
        return DeliveryRetry(str(error), after=_UNREACHABLE_WAIT, scope="platform")
    if isinstance(error, Rejected):
        return _rejected(error, repeatable)
    if isinstance(error, AnswerLost) and not repeatable:
        return DeliveryUnknown(str(error))
    return DeliveryRetry(str(error))


def _rejected(error: Rejected, repeatable: bool) -> Delivery:
    said = str(error)
    if error.status == 429:
        return DeliveryRetry(said, after=error.retry_after, scope="channel")
    if error.status == 401:
        return DeliveryRetry(said, after=_UNAUTHORIZED_WAIT, scope="platform")
    if error.status == 412:
        return DeliveryRetry(said, after=error.retry_after)
    if error.status >= 500:
        return DeliveryRetry(said, after=error.retry_after) if repeatable else DeliveryUnknown(said)
    code, gone = error.code or f"http_{error.status}", error.status == 404
    return DeliveryFailed(said, code=code, gone=gone, unreachable=gone or error.status == 403)


def shuts_conversation(error: ConnectorError) -> bool:
    """Whether the conversation takes nothing more from the bot."""
    if not isinstance(error, Rejected):
        return False
    if error.status == 403:
        return error.code in _SHUT
    return error.status == 404 and (not error.code or error.code in _NO_CONVERSATION)
