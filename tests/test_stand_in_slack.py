"""The stand-in of Slack, asked through Slack's own library: it takes what Slack takes, refuses what Slack refuses."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError

from bot.demo.faults import FaultKind
from bot.demo.slack_facts import COMMON_ERRORS, METHODS
from bot.demo.slack_records import Json, Message
from bot.demo.slack_state import MESSAGES_KEPT
from tests.stand_in_slack import ASSIGN, SECTION, Slack, modal, refusal

SHARED = Path(__file__).parents[2] / "shared" / "fixtures" / "slack"
needs_shared = pytest.mark.skipif(not SHARED.exists(), reason="the recorded facts of Slack are not in this copy")


@pytest.fixture
async def slack() -> AsyncIterator[Slack]:
    slack = Slack()
    await slack.start()
    yield slack
    await slack.stop()


# the table of methods


@needs_shared
@pytest.mark.parametrize("name", sorted(METHODS))
def test_the_table_of_methods_agrees_with_what_slack_documents(name: str) -> None:
    documented = json.loads((SHARED / "web_api_methods_subset.json").read_text())[name]
    method = METHODS[name]
    undocumented_but_seen = {"msg_blocks_too_long", "invalid_thread_ts", "thread_not_found", "msg_too_long"}
    undocumented_but_seen |= {"invalid_limit", "restricted_action", "is_archived", "user_not_found", "not_in_channel"}
    assert f"t{method.tier}" == documented["rate"]
    assert set(documented["required"]) - {"token"} <= {*method.required, "trigger_id"}
    assert method.errors - COMMON_ERRORS - set(documented["errors"]) <= undocumented_but_seen
    assert method.json == bool(documented["json"])
    if name != "apps.connections.open":
        assert set(documented["scope"].get("bot", [])) == set(method.scopes)


# messages


async def test_a_message_is_posted_edited_answered_and_read_back(slack: Slack) -> None:
    card = {"event_type": "ticket", "event_payload": {"key": "k-1"}}
    posted = await slack.web.chat_postMessage(
        channel="#it-support", text="VPN is down", blocks=[SECTION, ASSIGN], metadata=card
    )
    reply = await slack.web.chat_postMessage(channel="C0DESK", text="on it", thread_ts=posted["ts"])
    await slack.web.chat_update(channel="C0DESK", ts=posted["ts"], text="VPN is back", blocks=[SECTION])

    history = await slack.web.conversations_history(channel="C0DESK", include_all_metadata=True)
    thread = await slack.web.conversations_replies(channel="C0DESK", ts=posted["ts"])
    link = await slack.web.chat_getPermalink(channel="C0DESK", message_ts=reply["ts"])

    assert [m["ts"] for m in history["messages"]] == [posted["ts"]], "a reply does not stand in the channel"
    root = history["messages"][0]
    assert (root["text"], root["metadata"], root["reply_count"], root["blocks"]) == ("VPN is back", card, 1, [SECTION])
    assert "edited" in root
    assert [m["text"] for m in thread["messages"]] == ["VPN is back", "on it"]
    assert "metadata" not in thread["messages"][0], "metadata comes only when asked for"
    assert link["permalink"].endswith(f"?thread_ts={posted['ts']}&cid=C0DESK")
    assert not slack.stand_in.violations


@pytest.mark.parametrize(
    ("method", "arguments", "code"),
    [
        ("chat.postMessage", {"channel": "#nowhere", "text": "x"}, "channel_not_found"),
        ("chat.postMessage", {"channel": "C0HIDDEN", "text": "x"}, "channel_not_found"),
        ("chat.postMessage", {"channel": "C0AWAY", "text": "x"}, "not_in_channel"),
        ("chat.postMessage", {"channel": ["C0DESK"], "text": "x"}, "invalid_arguments"),
        ("chat.postMessage", {"channel": "C0DESK"}, "no_text"),
        ("chat.postMessage", {"text": "x"}, "invalid_arguments"),
        ("chat.postMessage", {"channel": "C0DESK", "text": "x" * 40_001}, "msg_too_long"),
        ("chat.postMessage", {"channel": "C0DESK", "text": "x", "blocks": "[{"}, "invalid_blocks_format"),
        ("chat.postMessage", {"channel": "C0DESK", "text": "x", "blocks": [{"type": "marquee"}]}, "invalid_blocks"),
        ("chat.postMessage", {"channel": "C0DESK", "text": "x", "thread_ts": 1764000000.0001}, "invalid_thread_ts"),
        ("chat.postMessage", {"channel": "C0DESK", "text": "x", "thread_ts": "1764000009.000001"}, "thread_not_found"),
        ("chat.postMessage", {"channel": "C0DESK", "text": "x", "metadata": "{"}, "invalid_metadata_format"),
        ("chat.postMessage", {"channel": "C0DESK", "text": "x", "metadata": {"a": 1}}, "invalid_metadata_schema"),
        (
            "chat.postMessage",
            {
                "channel": "C0DESK",
                "text": "x",
                "metadata": {"event_type": "t", "event_payload": {"k": "v" * 9000}},
            },
            "metadata_too_large",
        ),
        ("chat.update", {"channel": "C0DESK", "ts": "1764000009.000001", "text": "x"}, "message_not_found"),
        ("chat.update", {"channel": "it-support", "ts": "1764000009.000001", "text": "x"}, "channel_not_found"),
        ("chat.postEphemeral", {"channel": "C0DESK", "user": "U0STRANGER", "text": "x"}, "user_not_in_channel"),
        ("chat.delete", {"channel": "C0DESK", "ts": "1764000009.000001"}, "message_not_found"),
        ("conversations.open", {"users": "U0STRANGER"}, "user_not_found"),
        ("conversations.open", {}, "users_list_not_supplied"),
        ("reactions.add", {"channel": "C0DESK", "timestamp": "x", "name": "ticket"}, "bad_timestamp"),
        ("views.open", {"trigger_id": "nonsense", "view": modal()}, "invalid_arguments"),
        ("views.open", {"trigger_id": "1.2.abc", "view": modal()}, "invalid_trigger_id"),
        ("views.update", {"view_id": "V0", "view": modal()}, "not_found"),
        ("views.publish", {"user_id": "U0KIM", "view": modal()}, "invalid_arguments"),
        ("chat.shout", {}, "unknown_method"),
    ],
)
async def test_what_slack_refuses_is_refused_in_its_words(
    slack: Slack, method: str, arguments: Json, code: str
) -> None:
    assert await refusal(slack.web.api_call(method, json=arguments)) == code
    assert not slack.desk.messages
    assert slack.stand_in.calls[-1].error == code


@pytest.mark.parametrize(
    ("method", "arguments", "code"),
    [
        ("users.info", {"user": "U0STRANGER"}, "user_not_found"),
        ("users.lookupByEmail", {"email": "nobody@example.com"}, "users_not_found"),
        ("conversations.history", {"channel": "C0AWAY"}, "not_in_channel"),
        ("conversations.history", {"channel": "C0DESK", "cursor": "?"}, "invalid_cursor"),
        ("conversations.history", {"channel": "C0DESK", "limit": "1000"}, "invalid_limit"),
        ("conversations.history", {"channel": "C0DESK", "oldest": "yesterday"}, "invalid_ts_oldest"),
        ("conversations.replies", {"channel": "C0DESK", "ts": "1764000009.000001"}, "thread_not_found"),
        ("conversations.list", {"types": "secret"}, "invalid_types"),
    ],
)
async def test_questions_about_what_is_not_there_are_refused(
    slack: Slack, method: str, arguments: Json, code: str
) -> None:
    assert await refusal(slack.web.api_call(method, http_verb="GET", params=arguments)) == code


async def test_an_edit_is_for_ones_own_short_messages_only(slack: Slack) -> None:
    ours = await slack.web.chat_postMessage(channel="C0DESK", text="ours")
    theirs = slack.workspace.post(slack.desk, Message(slack.workspace.next_ts(), "C0DESK", "U0KIM", "theirs"))
    whispered = await slack.web.chat_postEphemeral(channel="C0DESK", user="U0KIM", text="psst")

    assert await refusal(slack.web.chat_update(channel="C0DESK", ts=theirs.ts, text="x")) == "cant_update_message"
    assert await refusal(slack.web.chat_delete(channel="C0DESK", ts=theirs.ts)) == "cant_delete_message"
    edit = slack.web.chat_update(channel="C0DESK", ts=ours["ts"], text="x" * 4001)
    assert await refusal(edit) == "msg_too_long"
    edit = slack.web.chat_update(channel="C0DESK", ts=whispered["message_ts"], text="x")
    assert await refusal(edit) == "message_not_found", "an ephemeral message cannot be edited"


async def test_an_edit_keeps_what_it_does_not_name(slack: Slack) -> None:
    card = {"event_type": "ticket", "event_payload": {"key": "k"}}
    ts = (await slack.web.chat_postMessage(channel="C0DESK", text="a", blocks=[SECTION], metadata=card))["ts"]
    await slack.web.chat_update(channel="C0DESK", ts=ts, text="b")
    assert (slack.last().blocks, slack.last().metadata) == ([SECTION], card)
    await slack.web.chat_update(channel="C0DESK", ts=ts, text="b", blocks=[], metadata={})
    assert (slack.last().blocks, slack.last().metadata) == ([], None)


async def test_a_deleted_message_with_replies_leaves_a_tombstone(slack: Slack) -> None:
    root = await slack.web.chat_postMessage(channel="C0DESK", text="root")
    await slack.web.chat_postMessage(channel="C0DESK", text="reply", thread_ts=root["ts"])
    await slack.web.chat_delete(channel="C0DESK", ts=root["ts"])
    thread = await slack.web.conversations_replies(channel="C0DESK", ts=root["ts"])
    assert [m.get("subtype") for m in thread["messages"]] == ["tombstone", None]


async def test_blocks_that_slack_cannot_show_are_refused_and_remembered(slack: Slack) -> None:
    bad = [{"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3001}}]
    assert await refusal(slack.web.chat_postMessage(channel="C0DESK", text="x", blocks=bad)) == "invalid_blocks"
    [violation] = slack.stand_in.violations
    assert (violation.where, violation.code) == ("chat.postMessage", "invalid_blocks")
    assert "blocks[0]" in violation.messages[0]


async def test_pages_of_a_history_hold_every_message_once_while_new_ones_come(slack: Slack) -> None:
    for number in range(5):
        slack.workspace.post(slack.desk, Message(slack.workspace.next_ts(), "C0DESK", "U0KIM", str(number)))
    first = await slack.web.conversations_history(channel="C0DESK", limit=2)
    await slack.web.chat_postMessage(channel="C0DESK", text="new")
    rest = await slack.web.conversations_history(
        channel="C0DESK", limit=9, cursor=first["response_metadata"]["next_cursor"]
    )
    assert [m["text"] for m in [*first["messages"], *rest["messages"]]] == ["4", "3", "2", "1", "0"]
    assert (first["has_more"], rest["has_more"]) == (True, False)


async def test_the_bounds_of_a_history_are_exclusive_unless_inclusive(slack: Slack) -> None:
    stamps = [(await slack.web.chat_postMessage(channel="C0DESK", text=str(n)))["ts"] for n in range(3)]
    between = await slack.web.conversations_history(channel="C0DESK", oldest=stamps[0], latest=stamps[2])
    within = await slack.web.conversations_history(channel="C0DESK", oldest=stamps[0], latest=stamps[2], inclusive=True)
    assert [m["text"] for m in between["messages"]] == ["1"]
    assert [m["text"] for m in within["messages"]] == ["2", "1", "0"]


async def test_people_channels_and_groups_are_found(slack: Slack) -> None:
    slack.workspace.add_group("experts", "VPN experts", ["U0KIM"], id="S0VPN")
    kim = await slack.web.users_info(user="U0KIM", include_locale=True)
    same = await slack.web.users_lookupByEmail(email="Kim@example.com")
    direct = await slack.web.conversations_open(users=["U0KIM"])
    again = await slack.web.conversations_open(users="U0KIM", return_im=True)
    listed = await slack.web.conversations_list(types="public_channel,private_channel")
    groups = await slack.web.usergroups_list(include_users=True)
    await slack.web.chat_postMessage(channel="U0KIM", text="in private")

    assert (kim["user"]["locale"], kim["user"]["tz_offset"]) == ("ko-KR", 9 * 3600)
    assert same["user"]["id"] == "U0KIM"
    assert again["channel"]["id"] == direct["channel"]["id"]
    assert again["channel"]["user"] == "U0KIM"
    assert [channel["name"] for channel in listed["channels"]] == ["it-support", "random"]
    assert groups["usergroups"][0]["users"] == ["U0KIM"]
    assert slack.last(slack.workspace.by_id(direct["channel"]["id"])).text == "in private"


async def test_a_request_without_the_right_token_reaches_nothing(slack: Slack) -> None:
    assert await refusal(slack.client(None).api_call("auth.test")) == "not_authed"
    assert await refusal(slack.client("xoxb-wrong").auth_test()) == "invalid_auth"
    assert await refusal(slack.client("xapp-demo").auth_test()) == "not_allowed_token_type"
    assert (await slack.web.auth_test())["user_id"] == "U0DESKBELL"


async def test_a_missing_scope_is_named(slack: Slack) -> None:
    slack.stand_in.scopes = frozenset({"chat:write"})
    assert await refusal(slack.web.users_info(user="U0KIM")) == "missing_scope"
    await slack.web.chat_postMessage(channel="C0DESK", text="allowed")


async def test_json_is_not_seen_by_a_method_that_takes_none(slack: Slack) -> None:
    assert await refusal(slack.web.api_call("users.info", json={"user": "U0KIM"})) == "invalid_arguments"


async def test_a_channel_keeps_the_last_messages_only(slack: Slack) -> None:
    stamps = [
        slack.workspace.post(slack.desk, Message(slack.workspace.next_ts(), "C0DESK", "U0KIM", "x")).ts
        for _ in range(MESSAGES_KEPT + 2)
    ]
    assert list(slack.desk.messages) == stamps[2:]
    reply = await slack.web.chat_postMessage(channel="C0DESK", text="late", thread_ts=stamps[0])
    assert reply["message"]["thread_ts"] == stamps[0], "a thread too old to be remembered is still a thread"


# faults and limits


async def test_a_fault_is_met_as_often_as_it_was_added_and_then_gone(slack: Slack) -> None:
    slack.stand_in.faults.add("chat.postMessage", FaultKind.RATE_LIMITED, times=2, retry_after=7)
    for _ in range(2):
        with pytest.raises(SlackApiError) as caught:
            await slack.web.chat_postMessage(channel="C0DESK", text="x")
        assert (caught.value.response.status_code, caught.value.response.headers["Retry-After"]) == (429, "7")
    await slack.web.chat_postMessage(channel="C0DESK", text="x")
    assert len(slack.desk.messages) == 1


@pytest.mark.parametrize(("kind", "status"), [(FaultKind.SERVER_ERROR, 500), (FaultKind.BAD_GATEWAY, 502)])
async def test_a_broken_server_takes_nothing(slack: Slack, kind: FaultKind, status: int) -> None:
    slack.stand_in.faults.add("*", kind)
    async with slack.session.post(f"{slack.url}/api/chat.postMessage", json={}) as response:
        assert (response.status, response.content_type == "text/html") == (status, status == 502)
    assert not slack.stand_in.calls


@pytest.mark.parametrize(("kind", "taken"), [(FaultKind.DROP_BEFORE, 0), (FaultKind.DROP_AFTER, 1)])
async def test_a_dropped_connection_may_or_may_not_have_taken_the_message(
    slack: Slack, kind: FaultKind, taken: int
) -> None:
    slack.stand_in.faults.add("chat.postMessage", kind)
    with pytest.raises(aiohttp.ClientConnectionError):
        await slack.web.chat_postMessage(channel="C0DESK", text="x")
    assert len(slack.desk.messages) == taken


@pytest.mark.parametrize(("kind", "taken"), [(FaultKind.SILENT, 0), (FaultKind.SILENT_AFTER, 1)])
async def test_a_silent_server_never_answers(slack: Slack, kind: FaultKind, taken: int) -> None:
    slack.stand_in.faults.add("chat.postMessage", kind)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(slack.web.chat_postMessage(channel="C0DESK", text="x"), 0.15)
    assert len(slack.desk.messages) == taken


async def test_a_refusal_that_is_switched_on_is_in_the_words_asked_for(slack: Slack) -> None:
    slack.stand_in.faults.add("chat.postMessage", FaultKind.REFUSED, code="internal_error", status=200)
    assert await refusal(slack.web.chat_postMessage(channel="C0DESK", text="x")) == "internal_error"
    with pytest.raises(ValueError, match="needs a code"):
        slack.stand_in.faults.add("chat.postMessage", FaultKind.REFUSED)


async def test_a_slow_server_answers_late(slack: Slack) -> None:
    slack.stand_in.faults.add("auth.test", FaultKind.SLOW, milliseconds=60)
    started = asyncio.get_running_loop().time()
    await slack.web.auth_test()
    assert asyncio.get_running_loop().time() - started >= 0.06


async def test_a_channel_takes_a_burst_and_then_one_message_a_second(slack: Slack) -> None:
    slack.stand_in.rate_limits = True
    for channel in ("C0DESK", "#it-support", "C0DESK", "it-support"):
        await slack.web.chat_postMessage(channel=channel, text="x")
    assert await refusal(slack.web.chat_postMessage(channel="C0DESK", text="x")) == "ratelimited"
    slack.clock.now += 1
    await slack.web.chat_postMessage(channel="C0DESK", text="x")
    for _ in range(20):
        await slack.web.usergroups_list()
    with pytest.raises(SlackApiError) as caught:
        await slack.web.usergroups_list()
    assert caught.value.response.headers["Retry-After"] == "60"
    assert not slack.stand_in.violations, "a limit that is met is news, not a mistake"
