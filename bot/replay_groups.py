"""Which of a replay's tickets correlation would put together, as one outage, and what probably lies behind it.

Alerts are looked at in the order in which they were first heard, as they would be while the service runs.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from core.config.settings import Settings
from core.correlation.cause import diagnose
from core.correlation.correlator import Correlator, grouping
from core.correlation.signal import Signal, signal_of
from core.correlation.topology import System, Topology
from core.model import KnownAlert


class TicketGroup(msgspec.Struct, frozen=True):
    """Two or more tickets of one outage. ``cause`` is the likeliest one; ``close`` says that another is nearly as
    likely."""

    tickets: tuple[int, ...]
    cause: str
    close: bool


def group_tickets(alerts: Iterable[KnownAlert], settings: Settings) -> list[TicketGroup]:
    """The groups in the order of their first tickets."""
    topology = Topology(
        [System(system.name, system.depends_on, system.hosts, system.team) for system in settings.systems]
    )
    correlator = Correlator(topology)
    heard = sorted(
        (known for known in alerts if known.ticket_id is not None), key=lambda known: (known.first_at, known.id)
    )
    signals = {str(known.id): signal_of(known.alert, str(known.id), known.first_at.timestamp()) for known in heard}
    group_of = grouping([(name, correlator.place(signal)) for name, signal in signals.items()])
    members: dict[str, list[Signal]] = {}
    tickets: dict[str, dict[int, None]] = {}
    for known in heard:
        group = group_of(str(known.id))
        members.setdefault(group, []).append(signals[str(known.id)])
        tickets.setdefault(group, {})[known.ticket_id or 0] = None
    return [
        _group(tuple(sorted(found)), members[group], topology) for group, found in tickets.items() if len(found) > 1
    ]


def _group(tickets: tuple[int, ...], members: list[Signal], topology: Topology) -> TicketGroup:
    diagnosis = diagnose(members, topology)
    return TicketGroup(tickets, diagnosis.hypotheses[0].thing, diagnosis.close)
