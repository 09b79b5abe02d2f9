"""Slack's Web API in one table: what each method needs, how often it may be called, and the errors it may name.

Source: the method pages of https://docs.slack.dev/reference/methods. A stand-in that answers with an error that a
method does not have would teach the product to handle something that never happens, so the table is checked at every
refusal.
"""

from __future__ import annotations

from dataclasses import dataclass

# Calls a minute by tier, https://docs.slack.dev/apis/web-api/rate-limits; tier 5 has limits of its own.
CALLS_A_MINUTE = {1: 1, 2: 20, 3: 50, 4: 100, 5: 600}
# A channel takes one message a second and short bursts above that.
CHANNEL_RATE, CHANNEL_BURST = 1.0, 4.0

TEXT_LIMIT = 40_000
UPDATE_TEXT_LIMIT = 4_000
METADATA_LIMIT = 8_000  # not published; a cautious line
VIEWS_IN_STACK = 3
ATTACHMENTS_LIMIT = 100
TRIGGER_SECONDS = 3.0
RESPONSE_URL_USES, RESPONSE_URL_SECONDS = 5, 1800.0
ACK_SECONDS = 3.0
SOCKETS_LIMIT = 10

COMMON_ERRORS = frozenset({
    "not_authed", "invalid_auth", "missing_scope", "not_allowed_token_type", "invalid_arguments", "invalid_json",
    "json_not_object", "invalid_post_type", "ratelimited", "unknown_method",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Method:
    """``scopes``: one of them is needed. ``json``: arguments may be a JSON body; else they are form or query."""

    tier: int
    required: tuple[str, ...]
    scopes: tuple[str, ...]
    json: bool
    errors: frozenset[str]


_READ = "channels:read groups:read im:read mpim:read"
_HISTORY = "channels:history groups:history im:history mpim:history"
_OPEN = "channels:manage groups:write im:write mpim:write"
_POSTING = (
    "channel_not_found not_in_channel is_archived no_text msg_too_long invalid_blocks invalid_blocks_format "
    "msg_blocks_too_long too_many_attachments markdown_text_conflict invalid_thread_ts thread_not_found "
    "cannot_reply_to_message"
)
_METADATA = "invalid_metadata_format invalid_metadata_schema metadata_too_large"
_VIEW = "duplicate_external_id view_too_large"
_TRIGGER = "expired_trigger_id exchanged_trigger_id invalid_trigger_id"

# method | tier | required | scopes | JSON body | errors
_TABLE = f"""
auth.test             | 5 |                           |                  | y |
team.info             | 3 |                           | team:read        | y | team_not_found
chat.postMessage      | 5 | channel                   | chat:write       | y | {_POSTING} {_METADATA} restricted_action
chat.update           | 3 | channel ts                | chat:write       | y | channel_not_found message_not_found cant_update_message is_inactive no_text msg_too_long invalid_blocks invalid_blocks_format msg_blocks_too_long too_many_attachments markdown_text_conflict edit_window_closed {_METADATA}
chat.postEphemeral    | 4 | channel user              | chat:write       | y | {_POSTING} user_not_in_channel
chat.unfurl           | 3 | unfurls                   | links:write      | y | cannot_find_channel cannot_find_message cannot_unfurl_message cannot_unfurl_url invalid_source invalid_unfurl_id invalid_unfurls_format missing_channel missing_ts missing_source missing_unfurl_id cannot_parse_attachment
chat.delete           | 3 | channel ts                | chat:write       | y | channel_not_found message_not_found cant_delete_message
chat.getPermalink     | 5 | channel message_ts        |                  | n | channel_not_found message_not_found
conversations.open    | 3 |                           | {_OPEN}          | y | channel_not_found user_not_found user_disabled users_list_not_supplied too_many_users invalid_user_combination
conversations.info    | 3 | channel                   | {_READ}          | n | channel_not_found
conversations.list    | 2 |                           | {_READ}          | n | invalid_cursor invalid_limit invalid_types
conversations.members | 4 | channel                   | {_READ}          | n | channel_not_found invalid_cursor invalid_limit
conversations.join    | 3 | channel                   | channels:join    | y | channel_not_found is_archived method_not_supported_for_channel_type
conversations.history | 3 | channel                   | {_HISTORY}       | y | channel_not_found not_in_channel invalid_cursor invalid_limit invalid_ts_latest invalid_ts_oldest
conversations.replies | 3 | channel ts                | {_HISTORY}       | n | channel_not_found thread_not_found invalid_cursor invalid_limit invalid_ts_latest invalid_ts_oldest
users.info            | 4 | user                      | users:read       | n | user_not_found
users.lookupByEmail   | 3 | email                     | users:read.email | n | users_not_found
usergroups.list       | 2 |                           | usergroups:read  | n |
usergroups.users.list | 2 | usergroup                 | usergroups:read  | n | no_such_subteam
reactions.add         | 3 | channel name timestamp    | reactions:write  | y | channel_not_found message_not_found bad_timestamp already_reacted invalid_name is_archived too_many_reactions
views.open            | 4 | trigger_id view           |                  | y | {_VIEW} {_TRIGGER}
views.push            | 4 | trigger_id view           |                  | y | {_VIEW} {_TRIGGER} not_found push_limit_reached
views.update          | 4 | view                      |                  | y | {_VIEW} not_found hash_conflict
views.publish         | 4 | user_id view              |                  | y | {_VIEW} hash_conflict
apps.connections.open | 3 |                           | connections:write| y | internal_error
"""  # noqa: E501 - one method a line


def _row(line: str) -> tuple[str, Method]:
    name, tier, required, scopes, json, errors = (cell.strip() for cell in line.split("|"))
    codes = COMMON_ERRORS.union(errors.split())
    return name, Method(int(tier), tuple(required.split()), tuple(scopes.split()), json == "y", codes)


METHODS: dict[str, Method] = dict(_row(line) for line in _TABLE.strip().splitlines())
