"""What can be wrong with what somebody asked, each with a key of the catalogue and whose fault it is.

A ``DeskError`` is an answer to a person or a program, never a crash: ``key`` and ``facts`` are rendered in the reader's
language by ``core.i18n``; ``http_status`` is what an HTTP caller gets.
"""

from __future__ import annotations

from typing import Any, ClassVar


class DeskError(Exception):
    http_status: ClassVar[int] = 400
    key: ClassVar[str] = "error.bad_request"

    def __init__(self, **facts: Any) -> None:
        super().__init__(f"{self.key} {facts}" if facts else self.key)
        self.facts = facts


class IllegalMove(DeskError):
    """``verb``, ``status``, ``legal``: the verbs that would have been understood."""

    http_status = 409
    key = "error.illegal_move"


class TicketChanged(DeskError):
    """Somebody else was faster. ``ticket_id``, ``by`` (name), ``expected``, ``version``."""

    http_status = 409
    key = "error.ticket_changed"


class AlreadyDone(DeskError):
    """The same request was carried out before, and its sender did not hear of it."""

    http_status = 409
    key = "error.already_done"


class NotFound(DeskError):
    """``what`` (ticket, alert ...), ``id``."""

    http_status = 404
    key = "error.not_found"


class NotAllowed(DeskError):
    """``verb``: what the person may not do."""

    http_status = 403
    key = "error.not_allowed"


class BadField(DeskError):
    """``field``, ``why`` (a catalogue key below ``error.field.``) and what that text names."""

    http_status = 422
    key = "error.bad_field"


class AlreadyCalled(DeskError):
    """``expert`` (name) is being called to the ticket already."""

    http_status = 409
    key = "error.already_called"


class NotCalled(DeskError):
    """Only who is called can answer. ``ticket_id``."""

    http_status = 403
    key = "error.not_called"


class CallOver(DeskError):
    """The answer comes after the end of the call, which went as the class says. ``ticket_id``."""

    http_status = 409


class CallAccepted(CallOver):
    key = "error.call_over_accepted"


class CallDeclined(CallOver):
    key = "error.call_over_declined"


class CallUnanswered(CallOver):
    key = "error.call_over_unanswered"


class CallWithdrawn(CallOver):
    key = "error.call_over_withdrawn"


class UnknownCommand(DeskError):
    """``word``, ``nearest``."""

    key = "error.unknown_command"


class StoreUnavailable(DeskError):
    """The database cannot take a write now; nothing was recorded."""

    http_status = 503
    key = "error.store_unavailable"
