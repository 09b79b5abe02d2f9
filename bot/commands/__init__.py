"""One file per command; importing this package registers them, in the order in which help shows them."""

from bot.commands import (  # noqa: I001
    create,
    list,
    overview,
    show,
    assign,
    moves,
    status,
    priority,
    expert,
    oncall,
    merge,
    rate,
    help,
)

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
