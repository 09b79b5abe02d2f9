"""What a person wrote in Slack reaches the desk as it was meant."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.demo.slack_person import escape
from bot.slack import calls, text
from bot.slack.payloads import Action, Choice, SlashCommand
from core.config.settings import CommandSettings

PEOPLE = {"U123": "kim", "W9": "lee"}


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("42 <@U123|kim.dev>", "42 <@kim>"),
        ("42 <@U123>", "42 <@kim>"),
        ("42 <@U404|ghost>", "42 @ghost"),
        ("42 <@U404>", "42 @U404"),
        ("see <#C1|general>", "see #general"),
        ("see <#C1>", "see #C1"),
        ("see <#C1|>", "see #C1"),
        ("<!here> <!channel> <!subteam^S1|@ops> <!subteam^S1>", "@here @channel @ops @subteam"),
        ("<!date^1764000000^{date}|24 Nov>", "24 Nov"),
        ("<https://x.example/a?b=1&amp;c=2>", "https://x.example/a?b=1&c=2"),
        ("<http://x.example|x.example>", "x.example"),
        ("<https://x.example/a|read this>", "read this (https://x.example/a)"),
        ("<mailto:kim@x.example|kim@x.example>", "kim@x.example"),
        ("<tel:+82212345678>", "+82212345678"),
        ("a &lt; b &amp;amp; &gt; c &quot;", "a < b &amp; > c &quot;"),
        ("", ""),
        ("<>", ""),
        ("<", "<"),
    ],
)
def test_markup_is_read_as_it_was_meant(written: str, meant: str) -> None:
    assert text.words_of(written, PEOPLE) == meant


def test_people_are_named_once_and_in_order() -> None:
    assert text.mentioned("<@W9> <@U123|kim> <@W9|lee> <#C1> &lt;@U5&gt;") == {"W9": None, "U123": "kim"}


@given(st.text())
def test_what_was_typed_comes_out_as_it_was_typed(typed: str) -> None:
    assert text.words_of(escape(typed), {}) == _links(typed).strip()


def _links(typed: str) -> str:
    """The client itself makes links of these; anything else stays."""
    return typed if escape(typed) == _escaped(typed) else text.words_of(escape(typed), {})


def _escaped(typed: str) -> str:
    return typed.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


@given(st.text(alphabet="<>@#!|^&;lgtamp UW1 "))
def test_any_markup_is_read_without_an_error(written: str) -> None:
    assert isinstance(text.words_of(written, PEOPLE), str)
    assert isinstance(text.without_mention(written, "U1"), str)


@pytest.mark.parametrize(
    ("said", "bot", "meant"),
    [
        ("<@UBOT> show 42", "UBOT", "show 42"),
        ("<@UBOT|deskbell> show 42", "UBOT", "show 42"),
        ("hey <@UBOT> show 42", "UBOT", "show 42"),
        ("show 42 <@UBOT>", "UBOT", "show 42"),
        ("<@UBOT> assign 42 <@U123>", None, "assign 42 <@U123>"),
        ("<@U123> knows <@UBOT> assign 42 <@U123>", "UBOT", "assign 42 <@U123>"),
        ("<@UBOT>", "UBOT", ""),
        ("show 42", "UBOT", "show 42"),
    ],
)
def test_the_bots_own_mention_is_no_part_of_the_command(said: str, bot: str | None, meant: str) -> None:
    assert text.without_mention(said, bot) == meant


@pytest.mark.parametrize(
    ("said", "call"),
    [
        ("show 42", ("show", "42")),
        ("Ticket show 42", ("show", "42")),
        ("/ticket create a\nb", ("create", "a\nb")),
        ("create\na", ("create", "a")),
        ("ticket", ("", "")),
        ("  ", ("", "")),
    ],
)
def test_a_message_to_the_bot_is_a_command(said: str, call: tuple[str, str]) -> None:
    assert calls.spoken_words(said, "ticket") == call


def test_a_command_of_somebody_else_is_nobodys() -> None:
    assert calls.command_words(SlashCommand("/weather", "U1", text="x"), CommandSettings()) is None
    assert calls.command_words(SlashCommand("/TICKET", "U1", text=""), CommandSettings()) == ("", "")


@pytest.mark.parametrize(
    ("action", "asked"),
    [
        (Action("resolve", value='{"ticket":42,"v":3}'), calls.Asked("resolve", 42, 3)),
        (Action("more", selected_option=Choice('{"do":"wait","ticket":42}')), calls.Asked("wait", 42)),
        (Action("rate_4", value='{"ticket":42,"score":4}'), calls.Asked("rate", 42, None, {"score": "4"})),
        (Action("note", value='{"ticket":42,"context":{"v":"3","a":"b"}}'), calls.Asked("note", 42, 3, {"a": "b"})),
        (Action("create", value="{}"), calls.Asked("create")),
        (Action("resolve", value='{"ticket":true,"v":"x"}'), calls.Asked("resolve")),
        (Action("resolve", value="[1]"), None),
        (Action("resolve", value="click_me"), None),
        (Action("resolve", value="[" * 100_000), None),
        (Action("resolve"), None),
    ],
)
def test_what_a_button_carries(action: Action, asked: calls.Asked | None) -> None:
    assert calls.clicked(action) == asked


@pytest.mark.parametrize(
    ("written", "first"),
    [("<@U1> show", "U1"), ("  <@U1|bot>: hi", "U1"), ("hi <@U1>", None), ("<!here> <@U1>", None), ("", None)],
)
def test_only_the_very_first_word_tells_who_is_spoken_to(written: str, first: str | None) -> None:
    assert text.first_mentioned(written) == first
