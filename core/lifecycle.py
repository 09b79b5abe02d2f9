"""Which verb moves a ticket from where to where. Nothing else moves a ticket.

A verb that leaves the status as it is stands in the table all the same: what is not listed is not allowed. NEW in the
table is ``untouched``: a ticket that is opened again while somebody has it is ASSIGNED.
"""

from core.errors import IllegalMove
from core.model import Status

_OPEN = {
    "escalate": None,
    "prioritize": None,
    "note": None,
    "expert": None,
    "merge": Status.CLOSED,
    "split": None,
    "resolve": Status.RESOLVED,
}

# None: the status stays.
MOVES: dict[Status, dict[str, Status | None]] = {
    Status.NEW: {**_OPEN, "assign": Status.ASSIGNED, "start": Status.IN_PROGRESS, "wait": Status.WAITING},
    Status.ASSIGNED: {**_OPEN, "assign": None, "start": Status.IN_PROGRESS, "wait": Status.WAITING},
    Status.IN_PROGRESS: {**_OPEN, "assign": None, "wait": Status.WAITING},
    Status.WAITING: {**_OPEN, "assign": None, "start": Status.IN_PROGRESS},
    Status.RESOLVED: {
        "note": None,
        "rate": None,
        "reopen": Status.NEW,
        "close": Status.CLOSED,
        "merge": Status.CLOSED,
        "split": None,
    },
    Status.CLOSED: {"note": None, "rate": None, "reopen": Status.NEW},
}

VERBS: tuple[str, ...] = tuple(dict.fromkeys(verb for moves in MOVES.values() for verb in moves))


def untouched(has_assignee: bool) -> Status:
    """The status of an open ticket that nobody works on."""
    return Status.ASSIGNED if has_assignee else Status.NEW


def legal_verbs(status: Status) -> tuple[str, ...]:
    """The verbs that a ticket of this status understands, in the table's order."""
    return tuple(MOVES[status])


def move(status: Status, verb: str) -> Status:
    """The status after ``verb``. Raises ``IllegalMove``, which names the legal verbs."""
    moves = MOVES[status]
    if verb not in moves:
        raise IllegalMove(verb=verb, status=status, legal=tuple(moves))
    return moves[verb] or status
