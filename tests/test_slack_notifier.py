"""What the outbox may rely on in Slack: where a message stands, what became of it, and who must mend it."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer, unused_port

from bot.demo.faults import FaultKind
from bot.demo.slack_records import Message as SlackMessage
from bot.slack.notifier import SlackNotifier
from core.i18n import Words
from core.model import Person
from core.ports import DeliveryFailed, DeliveryRetry, DeliveryUnknown, MessageRef, Outbound
from core.views import Notice, View
from tests.slack_office import settings_for
from tests.slack_samples import CARD
from tests.stand_in_slack import Slack

KIM = Person("kim", "Kim", slack="U0KIM")
NEWS = Notice(
    "notice.ticket.noted", 42, "<!channel> VPN", {"actor": KIM.ref}, body="look <@U0LEE> & <https://evil.example|here>"
)


class Notified:
    def __init__(self, slack: Slack) -> None:
        self.slack = slack
        self.notifier = SlackNotifier(settings_for(slack.url), slack.session)
        self.faults = slack.stand_in.faults

    @property
    def since(self) -> datetime:
        return datetime.fromtimestamp(self.slack.clock.now, UTC) - timedelta(seconds=60)

    def last(self) -> SlackMessage:
        return self.slack.last()


@pytest.fixture
async def there() -> AsyncIterator[Notified]:
    slack = Slack()
    await slack.start()
    yield Notified(slack)
    await slack.stop()


def outbound(
    key: str = "k1",
    view: View = CARD,
    address: str | None = "#it-support",
    person: Person | None = None,
    thread: MessageRef | None = None,
) -> Outbound:
    return Outbound(key, "slack", view, Words("ko"), address=address, person=person, thread=thread)


# delivery


async def test_a_message_stands_where_its_reference_says(there: Notified) -> None:
    ref = await there.notifier.post(outbound())
    assert ref == MessageRef("slack", "C0DESK", there.last().ts)
    assert there.last().metadata == {"event_type": "deskbell_notice", "event_payload": {"key": "k1"}}
    sent = there.slack.stand_in.calls[-1].arguments
    assert (sent["unfurl_links"], sent["unfurl_media"]) == (False, False)
    assert "link_names" not in sent
    assert not there.slack.stand_in.violations


async def test_an_edit_replaces_the_message_and_keeps_its_key(there: Notified) -> None:
    ref = await there.notifier.post(outbound())
    await there.notifier.edit(outbound(view=NEWS), ref)
    assert len(there.slack.desk.messages) == 1
    assert there.last().edits == 1
    assert there.last().metadata == {"event_type": "deskbell_notice", "event_payload": {"key": "k1"}}


async def test_news_go_into_the_thread_of_the_card(there: Notified) -> None:
    card = await there.notifier.post(outbound())
    line = await there.notifier.post(outbound("k2", NEWS, thread=card))
    assert there.slack.desk.messages[line.message].thread_ts == card.message
    assert not there.slack.stand_in.violations


async def test_a_person_is_told_in_private_and_looked_up_once(there: Notified) -> None:
    for key in ("k1", "k2"):
        ref = await there.notifier.post(outbound(key, address=None, person=KIM))
        assert there.slack.workspace.channels[ref.channel].kind == "im"
    assert [call.method for call in there.slack.stand_in.calls].count("conversations.open") == 1


async def test_nobody_in_slack_is_a_failure_that_names_the_person(there: Notified) -> None:
    with pytest.raises(DeliveryFailed, match="Lee") as failed:
        await there.notifier.post(outbound(address=None, person=Person("lee", "Lee")))
    assert failed.value.code == "no_slack_user"


async def test_user_text_is_never_markup(there: Notified) -> None:
    await there.notifier.post(outbound(view=NEWS))
    message = there.last()
    assert "<!channel>" not in message.text
    assert "<@U0LEE>" not in message.text
    assert "<https://evil" not in message.text
    assert not there.slack.stand_in.violations


async def test_a_message_that_cannot_be_put_into_words_fails_and_holds_up_nothing(there: Notified) -> None:
    with pytest.raises(DeliveryFailed, match=r"no\.such\.key") as failed:
        await there.notifier.post(outbound(view=Notice("no.such.key", 42, "VPN")))
    assert failed.value.code == "unreadable"


# what became of it


@pytest.mark.parametrize(
    "kind", [FaultKind.DROP_AFTER, FaultKind.DROP_BEFORE, FaultKind.BAD_GATEWAY, FaultKind.SERVER_ERROR]
)
async def test_a_lost_answer_leaves_a_new_message_unknown_and_an_edit_to_be_repeated(
    there: Notified, kind: FaultKind
) -> None:
    ref = await there.notifier.post(outbound())
    there.faults.add("chat.postMessage", kind)
    with pytest.raises(DeliveryUnknown):
        await there.notifier.post(outbound("k2"))
    there.faults.add("chat.update", kind)
    with pytest.raises(DeliveryRetry):
        await there.notifier.edit(outbound(), ref)
    there.faults.add("conversations.open", kind)
    with pytest.raises(DeliveryRetry):
        await there.notifier.post(outbound("k3", address=None, person=KIM))


async def test_silence_ends_after_the_time_limit_and_leaves_the_message_unknown(
    there: Notified,
) -> None:
    hasty = SlackNotifier(settings_for(there.slack.url), there.slack.session, call_seconds=0.05)
    there.faults.add("chat.postMessage", FaultKind.SILENT_AFTER)
    with pytest.raises(DeliveryUnknown):
        await hasty.post(outbound())


async def test_a_server_that_is_not_there_has_certainly_not_taken_it() -> None:
    async with aiohttp.ClientSession() as session:
        notifier = SlackNotifier(settings_for(f"http://127.0.0.1:{unused_port()}"), session)
        with pytest.raises(DeliveryRetry) as retry:
            await notifier.post(outbound())
        assert retry.value.scope == "platform"


@pytest.mark.parametrize(
    ("method", "scope"),
    [("chat.postMessage", "channel"), ("chat.update", "platform"), ("conversations.open", "platform")],
)
async def test_slacks_wish_to_wait_is_honoured(there: Notified, method: str, scope: str) -> None:
    ref = await there.notifier.post(outbound())
    there.faults.add(method, FaultKind.RATE_LIMITED, retry_after=7)
    again = outbound("k2", address=None if method == "conversations.open" else "#it-support", person=KIM)
    send = there.notifier.edit(again, ref) if method == "chat.update" else there.notifier.post(again)
    with pytest.raises(DeliveryRetry) as retry:
        await send
    assert (retry.value.after, retry.value.scope) == (7.0, scope)


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("ratelimited", DeliveryRetry),
        ("service_unavailable", DeliveryRetry),
        ("internal_error", DeliveryUnknown),
        ("fatal_error", DeliveryUnknown),
        ("channel_not_found", DeliveryFailed),
        ("not_in_channel", DeliveryFailed),
        ("is_archived", DeliveryFailed),
        ("account_inactive", DeliveryFailed),
        ("invalid_auth", DeliveryFailed),
        ("missing_scope", DeliveryFailed),
        ("msg_too_long", DeliveryFailed),
        ("invalid_blocks", DeliveryFailed),
        ("restricted_action_read_only_channel", DeliveryFailed),
        ("never_heard_of_this", DeliveryFailed),
    ],
)
async def test_slacks_words_are_understood_and_explained(there: Notified, code: str, error: type[Exception]) -> None:
    there.faults.add("chat.postMessage", FaultKind.REFUSED, code=code)
    with pytest.raises(error) as raised:
        await there.notifier.post(outbound())
    assert code in str(raised.value)
    if isinstance(raised.value, DeliveryFailed):
        assert raised.value.code == code
        assert len(raised.value.reason) > len(code) + 20


@pytest.mark.parametrize(
    ("code", "unreachable"),
    [
        *((code, True) for code in ("channel_not_found", "is_archived", "not_in_channel", "account_inactive")),
        *((code, True) for code in ("user_disabled", "missing_scope", "restricted_action_read_only_channel")),
        *((code, False) for code in ("msg_too_long", "invalid_blocks", "thread_not_found")),
    ],
)
async def test_a_place_that_nothing_reaches_is_told_from_a_message_that_slack_refuses(
    there: Notified, code: str, unreachable: bool
) -> None:
    there.faults.add("chat.postMessage", FaultKind.REFUSED, code=code)
    with pytest.raises(DeliveryFailed) as failed:
        await there.notifier.post(outbound())
    assert failed.value.unreachable is unreachable


@pytest.mark.parametrize(
    "code", ["message_not_found", "cant_update_message", "edit_window_closed", "channel_not_found"]
)
async def test_an_edit_of_what_is_gone_says_so(there: Notified, code: str) -> None:
    ref = await there.notifier.post(outbound())
    there.faults.add("chat.update", FaultKind.REFUSED, code=code)
    with pytest.raises(DeliveryFailed) as failed:
        await there.notifier.edit(outbound(), ref)
    assert failed.value.gone


async def test_an_edit_that_slack_refuses_for_another_reason_is_not_gone(there: Notified) -> None:
    ref = await there.notifier.post(outbound())
    there.faults.add("chat.update", FaultKind.REFUSED, code="invalid_blocks")
    with pytest.raises(DeliveryFailed) as failed:
        await there.notifier.edit(outbound(), ref)
    assert not failed.value.gone


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (200, "<html>sign in to the Wi-Fi</html>", DeliveryUnknown),
        (200, "[]", DeliveryUnknown),
        (200, "", DeliveryUnknown),
        (302, "", DeliveryFailed),
        (404, "<html>no such page</html>", DeliveryFailed),
        (408, "", DeliveryUnknown),
        (503, '{"ok":false,"error":"service_unavailable"}', DeliveryRetry),
        (504, "<html></html>", DeliveryUnknown),
    ],
)
async def test_what_is_not_slacks_answer_is_no_success(status: int, body: str, error: type[Exception]) -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(status=status, text=body, headers={"Location": "http://127.0.0.1:9/"})

    app = web.Application()
    app.router.add_post("/api/chat.postMessage", answer)
    async with TestServer(app) as server, aiohttp.ClientSession() as session:
        notifier = SlackNotifier(settings_for(str(server.make_url("")).rstrip("/")), session)
        with pytest.raises(error):
            await notifier.post(outbound())


async def test_the_token_stands_in_no_error_and_no_log(there: Notified, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    for kind, code in ((FaultKind.DROP_AFTER, ""), (FaultKind.REFUSED, "invalid_auth"), (FaultKind.BAD_GATEWAY, "")):
        there.faults.add("chat.postMessage", kind, code=code)
        with pytest.raises((DeliveryFailed, DeliveryUnknown)) as raised:
            await there.notifier.post(outbound())
        assert "xoxb" not in repr(raised.value)
        assert raised.value.__cause__ is None
    assert "xoxb" not in caplog.text


# looking back


async def test_a_message_whose_answer_was_lost_is_found_again(there: Notified) -> None:
    there.faults.add("chat.postMessage", FaultKind.DROP_AFTER)
    with pytest.raises(DeliveryUnknown):
        await there.notifier.post(outbound())
    assert await there.notifier.find(outbound(), there.since) == MessageRef("slack", "C0DESK", there.last().ts)


async def test_a_message_that_never_arrived_is_certainly_not_there(there: Notified) -> None:
    there.faults.add("chat.postMessage", FaultKind.DROP_BEFORE)
    with pytest.raises(DeliveryUnknown):
        await there.notifier.post(outbound())
    assert await there.notifier.find(outbound(), there.since) is None


async def test_a_line_of_a_thread_and_a_private_message_are_found_too(there: Notified) -> None:
    card = await there.notifier.post(outbound())
    line = await there.notifier.post(outbound("k2", NEWS, thread=card))
    private = await there.notifier.post(outbound("k3", address=None, person=KIM))
    assert await there.notifier.find(outbound("k2", NEWS, thread=card), there.since) == line
    assert await there.notifier.find(outbound("k3", address=None, person=KIM), there.since) == private


async def test_an_older_message_with_the_same_key_is_not_meant(there: Notified) -> None:
    await there.notifier.post(outbound())
    there.slack.clock.now += 3600
    assert await there.notifier.find(outbound(), there.since) is None


async def test_a_busy_channel_is_read_page_by_page(there: Notified) -> None:
    ref = await there.notifier.post(outbound())
    for _ in range(450):
        await there.notifier.post(outbound("other", NEWS))
    assert await there.notifier.find(outbound(), there.since) == ref


async def test_a_history_that_cannot_be_read_now_is_asked_again_and_one_that_is_closed_is_unknown(
    there: Notified,
) -> None:
    await there.notifier.post(outbound())
    there.faults.add("conversations.history", FaultKind.RATE_LIMITED, retry_after=3)
    with pytest.raises(DeliveryRetry) as retry:
        await there.notifier.find(outbound(), there.since)
    assert retry.value.after == 3.0
    there.faults.add("conversations.history", FaultKind.DROP_BEFORE)
    with pytest.raises(DeliveryRetry):
        await there.notifier.find(outbound(), there.since)
    with pytest.raises(DeliveryUnknown):
        await there.notifier.find(outbound(address="#random"), there.since)
    with pytest.raises(DeliveryUnknown):
        await there.notifier.find(outbound(address="#no-such-channel"), there.since)
