"""What the outbox sends to Teams, against a strict Connector: new messages, edits, first words, every way to fail."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from aiohttp import web
from msgspec.structs import replace

from bot.demo.faults import FaultKind
from bot.teams.notifier import TeamsNotifier
from bot.teams.outcome import delivery
from bot.teams.transport import Rejected, retry_seconds
from core.conversations import Conversation
from core.i18n import Words
from core.model import Person
from core.ports import DeliveryFailed, DeliveryRetry, DeliveryUnknown, MessageRef, Outbound
from core.views import Notice, View
from tests.teams_fakes import (
    BOT,
    CHANNEL,
    GROUP,
    KIM,
    KIM_MRI,
    LEE,
    LEE_MRI,
    PERSONAL,
    TENANT,
    Stage,
    card,
    served,
    stage,
)

LEE_PERSON = Person("lee", "이요청", teams=LEE, teams_mri=LEE_MRI)
NEWS = Notice("notice.ticket.noted", 42, "VPN", {"actor": "Kim"}, body="<at>Lee</at> **hi**", mention=("lee", "nobody"))


@pytest.fixture
async def teams() -> AsyncIterator[Stage]:
    """The bot has heard from the channel, the group and Kim; it knows Lee by name alone."""
    async with stage() as made:
        for place, kind, person in (
            (GROUP, "groupChat", None),
            (CHANNEL, "channel", None),
            (PERSONAL, "personal", "kim"),
        ):
            await made.book.remember(Conversation(place, TENANT, made.service_url, kind, BOT, person=person))
        made.people.people = {LEE: LEE_PERSON, KIM: Person("kim", "김담당", teams=KIM, teams_mri=KIM_MRI)}
        yield made


@pytest.fixture
def notifier(teams: Stage) -> TeamsNotifier:
    return teams.notifier()


def message(view: View | None = None, **changes: Any) -> Outbound:
    return Outbound("k-1", "teams", view or card(), Words("ko", "Asia/Seoul"), **changes)


class TestPost:
    async def test_a_chat_gets_the_card_alone_with_its_text_as_summary(
        self, teams: Stage, notifier: TeamsNotifier
    ) -> None:
        ref = await notifier.post(message(address=GROUP))
        (posted,) = teams.posted(GROUP)
        assert ref == MessageRef("teams", GROUP, posted.id, teams.service_url, TENANT)
        assert "#42" in posted.activity["summary"]
        assert "text" not in posted.activity
        assert "notification" not in posted.activity["channelData"]

    async def test_what_is_urgent_alerts_the_readers_device(self, teams: Stage, notifier: TeamsNotifier) -> None:
        await notifier.post(message(address=GROUP, urgent=True))
        await notifier.post(message(address=CHANNEL, urgent=True))
        for place in (GROUP, CHANNEL):
            assert teams.posted(place)[0].activity["channelData"]["notification"] == {"alert": True}

    async def test_a_card_in_a_channel_is_a_thread_of_its_own_and_its_story_goes_below(
        self, teams: Stage, notifier: TeamsNotifier
    ) -> None:
        head = await notifier.post(message(address=CHANNEL))
        assert head.channel == CHANNEL
        below = await notifier.post(message(NEWS, address=CHANNEL, thread=head))
        again = await notifier.post(message(NEWS, address=CHANNEL, thread=below))
        assert below.channel == again.channel == f"{CHANNEL};messageid={head.message}"
        assert [entry.root for entry in teams.posted(CHANNEL)] == [head.message] * 3
        assert [call.operation for call in teams.connector.calls] == ["create", "send", "send"]

    async def test_an_address_that_names_a_thread_is_answered_there(
        self, teams: Stage, notifier: TeamsNotifier
    ) -> None:
        head = await notifier.post(message(address=CHANNEL))
        await notifier.post(message(address=f"{CHANNEL};messageid={head.message}"))
        assert {entry.root for entry in teams.posted(CHANNEL)} == {head.message}

    async def test_a_person_is_told_in_the_chat_that_is_there(self, teams: Stage, notifier: TeamsNotifier) -> None:
        ref = await notifier.post(message(person=teams.people.people[KIM]))
        assert ref.channel == PERSONAL
        assert [call.operation for call in teams.connector.calls] == ["send"]

    async def test_a_person_who_never_wrote_is_reached_and_the_chat_is_kept(
        self, teams: Stage, notifier: TeamsNotifier
    ) -> None:
        first = await notifier.post(message(person=LEE_PERSON))
        kept = await teams.book.personal("lee")
        assert kept is not None
        assert (kept.id, kept.tenant, kept.service_url, kept.kind) == (
            first.channel,
            TENANT,
            teams.service_url,
            "personal",
        )
        assert (await teams.notifier().post(message(person=LEE_PERSON))).channel == first.channel
        assert [call.operation for call in teams.connector.calls] == ["create", "send", "send"]
        created = teams.connector.calls[0].body
        assert (created["tenantId"], created["members"]) == (TENANT, [{"id": LEE_MRI}])

    async def test_somebody_without_a_teams_account_cannot_be_told(self, teams: Stage, notifier: TeamsNotifier) -> None:
        with pytest.raises(DeliveryFailed) as failed:
            await notifier.post(message(person=Person("park", "Park")))
        assert failed.value.code == "unknown_person"
        with pytest.raises(DeliveryFailed):
            await notifier.post(message())
        assert not teams.connector.calls

    async def test_a_person_who_has_not_installed_the_app_is_a_failure_with_its_reason(
        self, teams: Stage, notifier: TeamsNotifier
    ) -> None:
        teams.lee.installed = False
        with pytest.raises(DeliveryFailed) as failed:
            await notifier.post(message(person=LEE_PERSON))
        assert failed.value.code == "BotNotInConversationRoster"

    async def test_an_address_never_heard_from_is_reached_over_the_tenants_newest_address(
        self, teams: Stage, notifier: TeamsNotifier
    ) -> None:
        del teams.book.kept[CHANNEL]
        ref = await notifier.post(message(address=CHANNEL))
        assert ref.service_url == teams.service_url

    async def test_people_called_by_name_are_mentioned_in_the_card(self, teams: Stage, notifier: TeamsNotifier) -> None:
        await notifier.post(message(NEWS, address=GROUP))
        shown = teams.posted(GROUP)[0].activity["attachments"][0]["content"]
        (entity,) = shown["msteams"]["entities"]
        assert entity == {"type": "mention", "text": "<at>이요청</at>", "mentioned": {"id": LEE_MRI, "name": "이요청"}}

    async def test_in_a_chat_with_one_person_nobody_is_called(self, teams: Stage, notifier: TeamsNotifier) -> None:
        await notifier.post(message(replace(NEWS, mention=("kim",)), person=teams.people.people[KIM]))
        assert "msteams" not in teams.posted(PERSONAL)[0].activity["attachments"][0]["content"]


class TestEdit:
    async def test_a_card_is_replaced_where_it_stands(self, teams: Stage, notifier: TeamsNotifier) -> None:
        refs = [await notifier.post(message(address=place)) for place in (GROUP, CHANNEL)]
        refs.append(await notifier.post(message(address=CHANNEL, thread=refs[1])))
        for ref in refs:
            await notifier.edit(message(card(42, version=4, title="VPN is back")), ref)
        entries = [*teams.posted(GROUP), *teams.posted(CHANNEL)]
        assert [entry.edits for entry in entries] == [1, 1, 1]
        assert all("VPN is back" in entry.activity["summary"] for entry in entries)

    async def test_it_survives_a_restart_with_nothing_but_the_reference(self, teams: Stage) -> None:
        ref = await teams.notifier().post(message(address=GROUP))
        teams.book.kept.clear()
        await teams.notifier().edit(message(), ref)
        assert teams.posted(GROUP)[0].edits == 1

    async def test_the_newest_service_address_goes_before_the_one_of_the_message(
        self, teams: Stage, notifier: TeamsNotifier
    ) -> None:
        ref = await notifier.post(message(address=GROUP))
        await notifier.edit(message(), replace(ref, service_url="https://moved.example/"))
        assert teams.posted(GROUP)[0].edits == 1

    async def test_a_message_that_is_gone_is_said_to_be_gone(self, teams: Stage, notifier: TeamsNotifier) -> None:
        ref = await notifier.post(message(address=GROUP))
        for lost in (replace(ref, message="17"), replace(ref, message="")):
            with pytest.raises(DeliveryFailed) as failed:
                await notifier.edit(message(), lost)
            assert failed.value.gone
        assert teams.book.kept[GROUP].dead is None


async def test_teams_cannot_be_asked_what_arrived(notifier: TeamsNotifier) -> None:
    with pytest.raises(DeliveryUnknown):
        await notifier.find(message(address=GROUP), datetime.now(UTC))


# fault -> what it means for a new message, and for an edit
FAULTS: list[tuple[dict[str, Any], type[Exception], type[Exception]]] = [
    ({"kind": FaultKind.RATE_LIMITED, "retry_after": 7}, DeliveryRetry, DeliveryRetry),
    ({"kind": FaultKind.REFUSED, "status": 412, "code": "PreconditionFailed"}, DeliveryRetry, DeliveryRetry),
    ({"kind": FaultKind.BAD_GATEWAY}, DeliveryUnknown, DeliveryRetry),
    ({"kind": FaultKind.SERVER_ERROR}, DeliveryUnknown, DeliveryRetry),
    ({"kind": FaultKind.REFUSED, "status": 504, "code": "GatewayTimeout"}, DeliveryUnknown, DeliveryRetry),
    ({"kind": FaultKind.DROP_BEFORE}, DeliveryUnknown, DeliveryRetry),
    ({"kind": FaultKind.DROP_AFTER}, DeliveryUnknown, DeliveryRetry),
    ({"kind": FaultKind.REFUSED, "status": 413, "code": "MessageSizeTooBig"}, DeliveryFailed, DeliveryFailed),
    ({"kind": FaultKind.REFUSED, "status": 400, "code": "BadSyntax"}, DeliveryFailed, DeliveryFailed),
    ({"kind": FaultKind.REFUSED, "status": 403, "code": "MessageWritesBlocked"}, DeliveryFailed, DeliveryFailed),
    ({"kind": FaultKind.REFUSED, "status": 404, "code": "ConversationNotFound"}, DeliveryFailed, DeliveryFailed),
    ({"kind": FaultKind.REFUSED, "status": 401, "code": "Unauthorized"}, DeliveryRetry, DeliveryRetry),
    ({"kind": FaultKind.REFUSED, "status": 302, "code": "Moved"}, DeliveryFailed, DeliveryFailed),
]


class TestFaults:
    @pytest.mark.parametrize(("fault", "posting", "editing"), FAULTS)
    async def test_every_fault_says_whether_it_may_be_sent_again(
        self,
        teams: Stage,
        notifier: TeamsNotifier,
        fault: dict[str, Any],
        posting: type[Exception],
        editing: type[Exception],
    ) -> None:
        ref = await notifier.post(message(address=GROUP))
        teams.connector.faults.add("update", times=None, **fault)
        with pytest.raises(editing):
            await notifier.edit(message(), ref)
        for operation, address in (("send", GROUP), ("create", CHANNEL)):
            teams.connector.faults.add(operation, **fault)
            with pytest.raises(posting):
                await notifier.post(message(address=address))

    async def test_nothing_is_ever_sent_twice_by_itself(self, teams: Stage, notifier: TeamsNotifier) -> None:
        teams.connector.faults.add("send", FaultKind.DROP_AFTER)
        with pytest.raises(DeliveryUnknown):
            await notifier.post(message(address=GROUP))
        assert len(teams.posted(GROUP)) == 1

    async def test_a_limit_holds_its_channel_for_as_long_as_teams_says(
        self, teams: Stage, notifier: TeamsNotifier
    ) -> None:
        teams.connector.faults.add("send", FaultKind.RATE_LIMITED, retry_after=7)
        with pytest.raises(DeliveryRetry) as limited:
            await notifier.post(message(address=GROUP))
        assert (limited.value.after, limited.value.scope) == (7.0, "channel")

    async def test_a_wrong_token_holds_the_platform_for_minutes(self, teams: Stage, notifier: TeamsNotifier) -> None:
        teams.connector.faults.add("send", FaultKind.REFUSED, status=401, code="Unauthorized")
        with pytest.raises(DeliveryRetry) as refused:
            await notifier.post(message(address=GROUP))
        assert refused.value.scope == "platform"
        assert (refused.value.after or 0) >= 60

    async def test_what_cannot_be_reached_is_certainly_not_delivered(
        self, teams: Stage, notifier: TeamsNotifier
    ) -> None:
        await teams.book.remember(Conversation(GROUP, TENANT, "http://127.0.0.1:9/", "groupChat", BOT))
        with pytest.raises(DeliveryRetry) as away:
            await notifier.post(message(address=GROUP))
        assert away.value.scope == "platform"

    async def test_a_chat_that_may_have_been_opened_is_opened_again_because_it_is_the_same(
        self, teams: Stage, notifier: TeamsNotifier
    ) -> None:
        teams.connector.faults.add("create", FaultKind.DROP_AFTER)
        with pytest.raises(DeliveryRetry):
            await notifier.post(message(person=LEE_PERSON))
        await notifier.post(message(person=LEE_PERSON))

    @pytest.mark.parametrize(
        ("status", "code", "dead"),
        [
            (403, "BotNotInConversationRoster", True),
            (403, "MessageWritesBlocked", True),
            (404, "ConversationNotFound", True),
            (403, "ForbiddenOperationException", False),
            (413, "MessageSizeTooBig", False),
        ],
    )
    async def test_a_conversation_that_is_shut_is_not_knocked_at_again(
        self, teams: Stage, notifier: TeamsNotifier, status: int, code: str, dead: bool
    ) -> None:
        teams.connector.faults.add("send", FaultKind.REFUSED, status=status, code=code)
        with pytest.raises(DeliveryFailed) as failed:
            await notifier.post(message(address=GROUP))
        assert failed.value.code == code
        assert failed.value.unreachable is (status in (403, 404))
        assert bool(teams.book.kept[GROUP].dead) is dead
        if dead:
            with pytest.raises(DeliveryFailed) as refused:
                await notifier.post(message(address=GROUP))
            assert refused.value.code == "conversation_dead"
            await teams.book.remember(teams.book.kept[GROUP])
        await notifier.post(message(address=GROUP))

    async def test_a_thread_that_is_gone_leaves_its_channel_open(self, teams: Stage, notifier: TeamsNotifier) -> None:
        with pytest.raises(DeliveryFailed) as failed:
            await notifier.post(message(thread=MessageRef("teams", CHANNEL, "9999999999999")))
        assert failed.value.gone
        assert teams.book.kept[CHANNEL].dead is None


class TestTrust:
    async def test_a_tampered_address_never_sees_the_token(self, teams: Stage, notifier: TeamsNotifier) -> None:
        heard: list[str | None] = []

        async def listen(request: web.Request) -> web.Response:
            heard.append(request.headers.get("Authorization"))
            return web.json_response({"id": "1"})

        app = web.Application()
        app.router.add_route("*", "/{path:.*}", listen)
        async with served(app) as evil:
            address = evil.replace("127.0.0.1", "localhost")
            teams.book.kept = {GROUP: Conversation(GROUP, TENANT, address, "groupChat", BOT)}
            for sent in (
                notifier.post(message(address=GROUP)),
                notifier.post(message(address=CHANNEL)),
                notifier.post(message(person=LEE_PERSON)),
                notifier.edit(message(), MessageRef("teams", GROUP, "1", address, TENANT)),
                notifier.edit(message(), MessageRef("teams", "a:unknown", "1", address, "another")),
            ):
                with pytest.raises(DeliveryFailed) as failed:
                    await sent
                assert failed.value.code == "untrusted_service_url"
            assert heard == []
            await teams.notifier(insecure=True).post(message(address=GROUP))
            assert heard == [None]

    async def test_a_redirect_is_not_followed(self, teams: Stage, notifier: TeamsNotifier) -> None:
        async def elsewhere(request: web.Request) -> web.Response:
            raise web.HTTPTemporaryRedirect("https://evil.example/")

        app = web.Application()
        app.router.add_route("*", "/{path:.*}", elsewhere)
        async with served(app) as url:
            await teams.book.remember(Conversation(GROUP, TENANT, url, "groupChat", BOT))
            with pytest.raises(DeliveryFailed):
                await notifier.post(message(address=GROUP))


def test_a_date_says_when_to_come_back_as_well() -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    assert 25 < (retry_seconds(later) or 0) <= 30
    assert retry_seconds(format_datetime(datetime.now(UTC) - timedelta(days=1), usegmt=True)) == 0
    assert retry_seconds("soon") is retry_seconds("²") is None
    assert retry_seconds(None) is None


def test_a_limit_without_a_time_leaves_it_to_the_outbox() -> None:
    meaning = delivery(Rejected(429, "", ""), repeatable=False)
    assert isinstance(meaning, DeliveryRetry)
    assert meaning.after is None


async def test_a_gateway_that_answers_a_page_with_200_does_not_break_the_sender(teams: Stage) -> None:
    async def page(request: web.Request) -> web.Response:
        return web.Response(text="<html>ok</html>", content_type="text/html")

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", page)
    async with served(app) as url:
        await teams.book.remember(Conversation(GROUP, TENANT, url, "groupChat", BOT))
        ref = await teams.notifier().post(message(address=GROUP))
        assert ref.message == ""
