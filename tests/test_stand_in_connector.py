"""The stand-in of the Bot Connector, asked through botbuilder: it takes and refuses what Teams takes and refuses."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import jwt
import pytest
from botbuilder.schema import Activity, ChannelAccount, ConversationParameters, ErrorResponseException, Mention
from botframework.connector.auth import AuthenticationConfiguration, ChannelValidation, SimpleCredentialProvider
from msrest.exceptions import ClientRequestError, DeserializationError  # type: ignore[attr-defined]

from bot.demo.faults import FaultKind
from bot.demo.issuer import ISSUER, METADATA_PATH
from bot.demo.teams_records import TeamsPerson
from bot.demo.teams_state import ACTIVITIES_KEPT, SIZE_LIMIT, utf16_size
from tests.stand_in_teams import (
    APP_ID,
    CARD,
    CHANNEL,
    ELSEWHERE,
    GROUP,
    KIM,
    LEE,
    OTHER_TENANT,
    TEAM,
    TENANT,
    Teams,
    message,
)

SHARED = Path(__file__).parents[2] / "shared" / "fixtures" / "teams"
needs_shared = pytest.mark.skipif(not SHARED.exists(), reason="the recorded facts of Teams are not in this copy")


@pytest.fixture
async def teams() -> AsyncIterator[Teams]:
    teams = Teams()
    await teams.start()
    yield teams
    await teams.stop()


async def refusal(call: Any) -> tuple[int, str | int]:
    with pytest.raises(ErrorResponseException) as caught:
        await call
    answer = caught.value.response.json()
    return caught.value.response.status_code, answer["error"]["code"] if "error" in answer else answer["errorCode"]


def private_with(member: str, tenant: str = TENANT) -> ConversationParameters:
    return ConversationParameters(
        is_group=False,
        bot=ChannelAccount(id=f"28:{APP_ID}"),
        members=[ChannelAccount(id=member)],
        tenant_id=tenant,
        channel_data={"tenant": {"id": tenant}},
    )


# what a bot does


async def test_a_card_is_sent_changed_and_deleted_on_the_bots_own_account(teams: Teams) -> None:
    chat = teams.world.personal_chat(teams.world.people[KIM])
    adapter = teams.adapter()
    ids: list[str] = []

    async def turn(context: Any) -> None:
        context.activity.id = None
        sent = await context.send_activity(message(card=CARD))
        changed = message(card=CARD | {"body": [{"type": "TextBlock", "text": "VPN is back", "wrap": True}]})
        changed.id = sent.id
        await context.update_activity(changed)
        ids.append(sent.id)

    await adapter.continue_conversation(teams.reference(chat.id), turn, APP_ID)
    [posted] = chat.activities.values()
    assert (posted.id, posted.edits) == (ids[0], 1)
    assert posted.activity["attachments"][0]["content"]["body"][0]["text"] == "VPN is back"

    await teams.client().delete_activity(chat.id, posted.id)
    assert not chat.activities
    assert [call.operation for call in teams.stand_in.calls] == ["send", "update", "delete"]
    assert not teams.stand_in.violations


async def test_a_private_chat_is_made_once_for_a_person(teams: Teams) -> None:
    adapter = teams.adapter()
    chats: list[str] = []

    async def remember(context: Any) -> None:
        chats.append(context.activity.conversation.id)

    for _ in range(2):
        await adapter.create_conversation(APP_ID, remember, private_with(KIM), "msteams", teams.service_url)
    assert chats == [teams.world.personal_chat(teams.world.people[KIM]).id] * 2


async def test_a_thread_in_a_channel_is_begun_and_answered(teams: Teams) -> None:
    begun = await teams.client().create_conversation(
        ConversationParameters(
            is_group=True,
            bot=ChannelAccount(id=f"28:{APP_ID}"),
            channel_data={"channel": {"id": CHANNEL}},
            activity=message("VPN is down"),
        )
    )
    assert begun.id == f"{CHANNEL};messageid={begun.activity_id}"
    answer = await teams.client().send_to_conversation(begun.id, message("on it"))
    assert teams.channel.activities[answer.id].root == begun.activity_id
    reply = await teams.client().reply_to_activity(begun.id, begun.activity_id, message("done"))
    assert teams.channel.activities[reply.id].root == begun.activity_id
    elsewhere = teams.client().send_to_conversation(f"{CHANNEL};messageid={10**13 * 9}", message("x"))
    assert await refusal(elsewhere) == (404, "ConversationNotFound")


async def test_members_are_found_one_by_one_and_in_pages(teams: Teams) -> None:
    for number in range(60):
        person = teams.world.add_person(TeamsPerson(f"29:{number}", f"aad-{number}", f"P{number}", TENANT))
        teams.channel.members.append(person.id)
    first = await teams.client().get_conversation_paged_members(CHANNEL, page_size=50)
    rest = await teams.client().get_conversation_paged_members(CHANNEL, continuation_token=first.continuation_token)
    kim = await teams.client().get_conversation_member(TEAM, "kim@example.com")
    everybody = await teams.client().get_conversation_members(GROUP)
    assert (len(first.members), len(rest.members), rest.continuation_token) == (50, 12, None)
    assert (kim.id, kim.aad_object_id) == (KIM, "0020")
    assert [member.id for member in everybody] == [KIM, LEE]


async def test_typing_is_taken_and_leaves_nothing_behind(teams: Teams) -> None:
    changes = teams.stand_in.listen()
    await teams.client().send_to_conversation(GROUP, Activity(type="typing"))
    assert (await asyncio.wait_for(anext(changes), 1)).kind == "typing"
    assert not teams.group.activities


# what Teams refuses


async def test_conversations_that_are_not_there_are_not_found(teams: Teams) -> None:
    send = teams.client().send_to_conversation("19:nowhere@thread.tacv2", message("x"))
    assert await refusal(send) == (404, "ConversationNotFound")
    foreign = teams.client(tenant=OTHER_TENANT).send_to_conversation(GROUP, message("x"))
    assert await refusal(foreign) == (404, "ConversationNotFound"), "a tenant knows nothing of another"
    change = teams.client().update_activity(GROUP, "1700000000000", message("x"))
    assert await refusal(change) == (404, "ActivityNotFoundInConversation")
    assert await refusal(teams.client().delete_activity(GROUP, "1")) == (404, "ActivityNotFoundInConversation")
    assert not teams.stand_in.violations, "that something is gone is news, not a mistake"


async def test_a_bot_that_was_removed_or_blocked_may_not_write(teams: Teams) -> None:
    teams.group.bot_present = False
    send = teams.client().send_to_conversation(GROUP, message("x"))
    assert await refusal(send) == (403, "BotNotInConversationRoster")
    teams.channel.blocked = True
    assert await refusal(teams.client().send_to_conversation(CHANNEL, message("x"))) == (403, 209)
    teams.world.people[LEE].installed = False
    create = teams.client().create_conversation(private_with(LEE))
    assert await refusal(create) == (403, "BotNotInConversationRoster")


@needs_shared
@pytest.mark.parametrize("case", ["403_not_in_roster", "403_blocked", "404_conversation", "413", "429", "412"])
async def test_refusals_read_as_recorded(teams: Teams, case: str) -> None:
    recorded = json.loads((SHARED / "connector_error_responses.json").read_text())[case]
    teams.channel.bot_present, teams.group.blocked = False, True
    if case == "429":
        teams.stand_in.faults.add("send", FaultKind.RATE_LIMITED, retry_after=5)
    if case == "412":
        teams.stand_in.faults.add("send", FaultKind.REFUSED, status=412, code="PreconditionFailed")
    place = {"403_not_in_roster": CHANNEL, "403_blocked": GROUP, "404_conversation": "19:x", "413": "a:1"}.get(case, "")
    chat = teams.world.personal_chat(teams.world.people[KIM])
    text = "x" * SIZE_LIMIT if case == "413" else "x"
    url = f"{teams.service_url}v3/conversations/{place.replace('a:1', chat.id) or chat.id}/activities"
    headers = {"Authorization": f"Bearer {teams.stand_in.token}"}
    async with teams.session.post(url, json={"type": "message", "text": text}, headers=headers) as response:
        body = await response.json()
        assert response.status == recorded["status"]
        assert response.headers.get("Retry-After") == recorded.get("headers", {}).get("Retry-After")
    if "errorCode" in recorded["body"]:
        assert json.loads(body["message"]) == json.loads(recorded["body"]["message"])
    else:
        assert body["error"] | recorded["body"]["error"] == body["error"]


@pytest.mark.parametrize(
    ("activity", "status"),
    [
        (message("text", card=CARD), 400),
        (message(), 400),
        (message(card=CARD | {"version": "9.9"}), 400),
        (message(card={"type": "AdaptiveCard"}), 400),
        (message("가" * 60_000), 413),
        (Activity(type="trace"), 400),
        (Activity(type="message", text="hello", entities=[Mention(type="mention", text="<at>Kim</at>")]), 400),
    ],
)
async def test_what_teams_could_not_show_is_refused_and_remembered(
    teams: Teams, activity: Activity, status: int
) -> None:
    code = {400: "BadSyntax", 413: "MessageSizeTooBig"}[status]
    assert await refusal(teams.client().send_to_conversation(GROUP, activity)) == (status, code)
    assert [(violation.where, violation.code) for violation in teams.stand_in.violations] == [("send", code)]
    assert not teams.group.activities


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        (private_with("kim@example.com"), "BadArgument"),
        (private_with(ELSEWHERE), "BadArgument"),
        (ConversationParameters(is_group=False, members=[ChannelAccount(id=KIM)]), "BadSyntax"),
        (ConversationParameters(is_group=True, channel_data={"channel": {"id": CHANNEL}}), "BadSyntax"),
        (private_with(KIM, OTHER_TENANT), "BadArgument"),
    ],
)
async def test_a_chat_needs_one_29_id_and_its_tenant(
    teams: Teams, parameters: ConversationParameters, code: str
) -> None:
    assert await refusal(teams.client().create_conversation(parameters)) == (400, code)


async def test_a_bot_without_its_token_reaches_nothing(teams: Teams) -> None:
    send = teams.client(token="forged").send_to_conversation(GROUP, message("x"))
    assert await refusal(send) == (401, "Unauthorized")
    assert not teams.group.activities


async def test_what_somebody_else_wrote_cannot_be_changed(teams: Teams) -> None:
    theirs = teams.world.post(teams.group, KIM, {"type": "message", "text": "mine"})
    change = teams.client().update_activity(GROUP, theirs.id, message("x"))
    assert await refusal(change) == (403, "Forbidden")


def test_the_size_of_a_message_is_counted_in_utf_16() -> None:
    assert utf16_size({"a": "x"}) == 2 * len('{"a":"x"}')
    assert utf16_size({"a": "가"}) == 2 * len('{"a":"x"}')
    assert utf16_size({"a": "😀"}) == 2 * len('{"a":"xx"}')


async def test_a_conversation_keeps_the_last_activities_only(teams: Teams) -> None:
    posted = [teams.world.post(teams.channel, KIM, {"type": "message"}) for _ in range(ACTIVITIES_KEPT + 2)]
    assert list(teams.channel.activities) == [one.id for one in posted[2:]]
    late = await teams.client().send_to_conversation(f"{CHANNEL};messageid={posted[0].id}", message("late"))
    assert teams.channel.activities[late.id].root == posted[0].id


# limits and faults


async def test_a_conversation_takes_seven_messages_a_second_and_sixty_in_thirty(teams: Teams) -> None:
    teams.stand_in.rate_limits = True
    url = f"{teams.service_url}v3/conversations/{GROUP}/activities"
    headers = {"Authorization": f"Bearer {teams.stand_in.token}"}

    async def send() -> tuple[int, str | None]:
        async with teams.session.post(url, json={"type": "message", "text": "x"}, headers=headers) as response:
            return response.status, response.headers.get("Retry-After")

    assert [await send() for _ in range(8)] == [(201, None)] * 7 + [(429, "1")]
    teams.clock.now += 2
    for _ in range(53):
        teams.clock.now += 0.4
        assert (await send())[0] == 201
    assert await send() == (429, "7"), "the first seven leave the window of 30 s in 6.8 s"
    assert not teams.stand_in.violations, "a limit that is met is news, not a mistake"


async def test_a_page_instead_of_an_answer_takes_nothing(teams: Teams) -> None:
    teams.stand_in.faults.add("send", FaultKind.BAD_GATEWAY)
    with pytest.raises(DeserializationError):
        await teams.client().send_to_conversation(GROUP, message("x"))
    await teams.client().send_to_conversation(GROUP, message("x"))
    assert len(teams.group.activities) == 1


@pytest.mark.parametrize(("kind", "taken"), [(FaultKind.DROP_BEFORE, 0), (FaultKind.DROP_AFTER, 1)])
async def test_a_dropped_connection_may_or_may_not_have_taken_the_activity(
    teams: Teams, kind: FaultKind, taken: int
) -> None:
    teams.stand_in.faults.add("send", kind)
    with pytest.raises(ClientRequestError):
        await teams.client().send_to_conversation(GROUP, message("x"))
    assert len(teams.group.activities) == taken


# the issuer


async def test_the_published_key_proves_a_token_and_a_new_key_ends_it(teams: Teams) -> None:
    token = teams.issuer.token(teams.service_url, claims={"appid": "x", "nbf": None})
    async with teams.session.get(f"{teams.url}/login{METADATA_PATH}") as response:
        metadata = await response.json()
    async with teams.session.get(metadata["jwks_uri"]) as response:
        [key] = (await response.json())["keys"]
    header = jwt.get_unverified_header(token)
    claims = jwt.decode(token, jwt.PyJWK(key), algorithms=["RS256"], audience=APP_ID, issuer=ISSUER)
    assert (header["kid"], "msteams" in key["endorsements"]) == (key["kid"], True)
    assert (claims["serviceurl"], claims["appid"], "nbf" in claims) == (teams.service_url, "x", False)
    teams.issuer.rotate()
    with pytest.raises(jwt.InvalidSignatureError):
        jwt.decode(teams.issuer.token("x"), jwt.PyJWK(key), algorithms=["RS256"], audience=APP_ID)
    assert teams.issuer.fetches == 1


@needs_shared
async def test_tokens_and_keys_have_the_recorded_shape(teams: Teams) -> None:
    recorded = json.loads((SHARED / "inbound_token_shape.json").read_text())
    token = teams.issuer.token(teams.service_url)
    claims = jwt.decode(token, options={"verify_signature": False})
    assert set(claims) == set(recorded["payload"])
    assert set(jwt.get_unverified_header(token)) == set(recorded["header"])
    assert set(teams.issuer.metadata("http://127.0.0.1")) == set(recorded["openid_metadata"])
    [key] = teams.issuer.keys()["keys"]
    assert set(recorded["jwk_extra_fields"]) | {"n", "e", "x5t"} == set(key)


async def test_botbuilders_own_validator_believes_the_issuer(teams: Teams, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ChannelValidation, "open_id_metadata_endpoint", f"{teams.url}/login{METADATA_PATH}")
    credentials = SimpleCredentialProvider(APP_ID, "")

    def validate(token: str, service_url: str) -> Any:
        """It fetches the keys with blocking calls, so it may not run in the loop that answers them."""
        return asyncio.run(
            ChannelValidation.authenticate_channel_token_with_service_url(
                f"Bearer {token}", credentials, service_url, "msteams", AuthenticationConfiguration()
            )
        )

    token = teams.issuer.token(teams.service_url)
    identity = await asyncio.to_thread(validate, token, teams.service_url)
    assert identity.is_authenticated
    with pytest.raises(PermissionError):
        await asyncio.to_thread(validate, token, "https://elsewhere.example/")
