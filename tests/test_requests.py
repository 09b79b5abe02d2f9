"""What is said to the bot without a command: a request, a command with a slip in it, or neither."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

import bot.commands  # noqa: F401 -- registers the commands
from bot.commands.registry import COMMANDS, find, opens_form
from bot.commands.request import asks_for_overview, draft, is_near_command, is_request, nearest
from core.commands import TEXT_LIMIT, TITLE_LIMIT
from core.rules.suggest import suggest


@pytest.mark.parametrize(
    "said",
    [
        "the printer on 3F is on fire",
        "slow network on 3F",
        "not able to log in",
        "lost 2 monitors",
        "no internet",
        "server 42 down",
        "3 printers are broken",
        "view is broken on floor three",
        "hello my printer is broken again",
        "<@kim> says that the VPN is down",
        "프린터 고장",
        "3층 프린터가 안 나와요",
        "3번 프린터 고장",
        "서버 42 다운",
        "회의실 모니터가 안 켜집니다",
        "열린 포트 확인 요청",
    ],
)
def test_what_is_wrong_in_plain_words_is_a_request(said: str) -> None:
    assert is_request(said)


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("asign 42 @kim", "assign"),
        ("Shwo #42", "show"),
        ("lst mine", "list"),
        ("creat printer broken", "create"),
        ("reslove: 42 restarted", "resolve"),
        ("해결 42", "resolve"),
        ("할당해줘 42 김철수에게", "assign"),
        ("42번 해결했어요", "resolve"),
        ("목록 내 티켓", "list"),
        ("전문가 불러줘 42", "expert"),
        ("배졍 42 <@kim>", None),
        ("#42 done?", None),
        ("42 <@kim> 할당", "assign"),
        ("상태 INC-1", "status"),
        ("INC-1 을 <@kim> 에게 할당", "assign"),
    ],
)
def test_what_looks_like_a_command_is_no_request(said: str, meant: str | None) -> None:
    assert not is_request(said)
    assert is_near_command(said)
    assert nearest(said) == meant


@pytest.mark.parametrize(
    "said",
    [
        "",
        " ",
        "printer",
        "프린터",
        "thanks a lot!",
        "Hi there",
        "감사합니다 팀장님",
        "show 42",
        "list of all",
        "help me",
    ],
)
def test_a_word_a_courtesy_and_a_command_are_no_requests(said: str) -> None:
    assert not is_request(said)


@pytest.mark.parametrize("said", ["my tickets", "My  Tickets?", "내 티켓", "내 티켓 보여줘"])
def test_asking_for_ones_own_tickets_is_no_request(said: str) -> None:
    assert asks_for_overview(said)
    assert not is_request(said)


@pytest.mark.parametrize(
    ("said", "title"),
    [
        ("새 티켓 VPN이 안 됩니다", "VPN이 안 됩니다"),
        ("New ticket: VPN is down", "VPN is down"),
        ("new ticketing system is down", "new ticketing system is down"),
        ("new ticket", "new ticket"),
    ],
)
def test_a_draft_leaves_out_what_only_announces_it(said: str, title: str) -> None:
    assert draft(said)["title"] == title


@given(st.text(max_size=60))
def test_nothing_that_is_said_is_both_a_request_and_a_command(said: str) -> None:
    if is_request(said):
        assert not is_near_command(said)
        assert find(said.split()[0]) is None


@given(st.text(min_size=1).filter(str.strip))
def test_a_draft_is_always_a_title_that_a_ticket_takes(said: str) -> None:
    made = draft(said)
    assert 0 < len(made["title"]) <= TITLE_LIMIT
    assert len(made["description"]) <= TEXT_LIMIT


def test_a_long_message_is_kept_whole_below_a_title_that_ends_at_a_word() -> None:
    said = "the printer is on fire " * 30
    made = draft(said)
    assert made["title"].endswith("fire…") or made["title"].endswith(("printer…", "is…", "on…", "the…"))
    assert made["description"] == said.strip()
    assert draft("short")["description"] == ""
    assert draft("two\nlines") == {"title": "two", "description": "two\nlines"}


@pytest.mark.parametrize(
    ("name", "text", "ticket", "opens"),
    [
        ("create", "", None, True),
        ("create", "printer", None, False),
        ("note", "42", None, True),
        ("note", "42 done", None, False),
        ("assign", "", None, False),
        ("assign", "42", None, True),
        ("resolve", "42", None, False),
        ("resolve", "", 42, True),
        ("change_priority", "", 42, True),
        ("assign_to_me", "", 42, False),
        ("show", "42", None, False),
        ("nothing", "", None, False),
    ],
)
def test_it_is_known_beforehand_what_opens_a_form(name: str, text: str, ticket: int | None, opens: bool) -> None:
    assert opens_form(name, text, ticket) is opens


def test_every_form_can_be_opened_by_a_click() -> None:
    for entry in COMMANDS.values():
        assert opens_form(entry.name, "", 42) is (entry.form is not None)


NAMES = ["결제", "배송 결제", "Payments", "mail-gateway", "결재시스템"]


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("", NAMES),
        ("pay", ["Payments"]),
        ("GATE", ["mail-gateway"]),
        ("way", ["mail-gateway"]),
        ("결제", ["결제", "배송 결제"]),
        ("겨", ["결제", "결재시스템", "배송 결제"]),
        ("결ㅈ", ["결제", "결재시스템", "배송 결제"]),
        ("ㄱㅈ", ["결제", "배송 결제", "결재시스템"]),
        ("nothing", []),
    ],
)
def test_names_are_found_by_their_beginning_first(typed: str, found: list[str]) -> None:
    assert suggest(NAMES, typed, 100) == found


@given(st.lists(st.text()), st.text(), st.integers(1, 100))
def test_what_is_suggested_is_among_the_names_and_within_the_limit(names: list[str], typed: str, limit: int) -> None:
    found = suggest(names, typed, limit)
    assert len(found) <= limit
    assert set(found) <= set(names)
