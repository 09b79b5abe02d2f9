"""The words that a configuration may use and that the code gives a meaning: kinds of events, audiences, commands."""

TICKET_EVENTS = (
    "ticket.created",
    "ticket.assigned",
    "ticket.started",
    "ticket.waiting",
    "ticket.escalated",
    "ticket.prioritized",
    "ticket.noted",
    "ticket.note_edited",
    "ticket.note_deleted",
    "ticket.expert_called",
    "ticket.expert_accepted",
    "ticket.expert_declined",
    "ticket.expert_unanswered",
    "ticket.expert_unavailable",
    "ticket.resolved",
    "ticket.reopened",
    "ticket.closed",
    "ticket.merged",
    "ticket.split",
    "ticket.rated",
    "ticket.recovered",
    "ticket.updated",
    "ticket.sla_warning",
    "ticket.sla_breached",
)
ALERT_EVENTS = (
    "alert.fired",
    "alert.refired",
    "alert.resolved",
    "alert.severity_changed",
    "alert.repeated",
    "alert.acknowledged",
    "alert.unacknowledged",
    "alert.downtime_started",
    "alert.downtime_ended",
    "alert.flapping_started",
    "alert.flapping_stopped",
    "alert.closed",
)
EVENT_KINDS = TICKET_EVENTS + ALERT_EVENTS

# Audiences that depend on the ticket: people, and "cards", every card of the ticket wherever it stands.
RELATIVE_AUDIENCES = ("assignee", "requester", "team_lead", "expert", "caller", "cards")

# What a slash command of Slack can be short for.
SUB_COMMANDS = (
    "create",
    "list",
    "show",
    "assign",
    "start",
    "wait",
    "escalate",
    "status",
    "priority",
    "note",
    "expert",
    "oncall",
    "resolve",
    "reopen",
    "close",
    "merge",
    "rate",
    "help",
)

# Slash commands that Slack keeps for itself; a manifest that asks for one is refused as a whole.
SLACK_RESERVED = frozenset(
    (
        "active", "apps", "archive", "away", "call", "collapse", "dm", "dnd", "expand", "feed", "feedback", "invite",
        "invite_people", "join", "keys", "kick", "leave", "me", "msg", "mute", "open", "prefs", "pro", "remind",
        "remove", "rename", "search", "shortcuts", "shrug", "star", "status", "topic", "who",
    )
)  # fmt: skip

# Doors below /webhooks/ that are no monitoring sources.
DEVELOPMENT_TOOLS = ("jira", "github", "gitlab", "servicenow", "pagerduty", "jenkins")
