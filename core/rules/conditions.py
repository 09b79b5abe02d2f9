"""What a source said of a firing alert, and what that means for its end."""

from __future__ import annotations

from datetime import datetime

from core.model import Condition, KnownAlert, Status, Ticket

_FORGOTTEN = 24 * 3600  # Seconds of silence after which the end of the flapping must have been lost.
_HELD_BY_SOURCE = {Condition.ACKNOWLEDGED: Status.IN_PROGRESS, Condition.DOWNTIME: Status.WAITING}


def still_flaps(known: KnownAlert, now: datetime) -> bool:
    """Whether a recovery means nothing, because the next problem follows at once."""
    flaps = known.alert.condition is Condition.FLAPPING
    return flaps and (now - known.last_at).total_seconds() < _FORGOTTEN


def held_by_source(known: KnownAlert, ticket: Ticket) -> bool:
    """Whether the ticket has its status from a word of the source alone, and nobody here has taken it."""
    condition = known.alert.condition
    if condition is None or _HELD_BY_SOURCE.get(condition) is not ticket.status:
        return False
    return condition is Condition.DOWNTIME or ticket.assignee is None
