"""One file per command; importing this package registers them, in the order in which help shows them."""

from bot.commands import create, list, overview, show, assign, moves, status, priority, expert, oncall, merge, rate, help  # noqa: I001

__all__ = [
    "assign",
    "create",
    "expert",
    "help",
    "list",
    "merge",
    "moves",
    "oncall",
    "overview",
    "priority",
    "rate",
    "show",
    "status",
]
