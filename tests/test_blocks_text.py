"""Text for Slack: cut where a reader would cut it, without what cannot be seen, inert where Slack parses."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blocks.facts import web_address
from blocks.text import clip, inert, one_line, paragraph, units
from tests.block_strategies import hostile


@pytest.mark.parametrize(
    ("text", "limit", "shown"),
    [
        ("short", 5, "short"),
        ("longer", 5, "long…"),
        ("aaa👍🏽", 6, "aaa…"),
        ("aa👨‍👩‍👧", 9, "aa…"),
        ("aae\u0301x", 4, "aa…"),
        ("a🇰🇷🇯🇵", 8, "a🇰🇷…"),
        ("각각\u1100\u1161\u11a8", 4, "각각…"),
        ("한국어", 3, "한국어"),
    ],
)
def test_text_is_cut_between_signs_as_a_reader_sees_them(text: str, limit: int, shown: str) -> None:
    assert clip(text, limit) == shown


def test_what_cannot_be_seen_is_removed() -> None:
    assert one_line("a\u202eb\u200bc\x00d\ne\ufefff\u2066g", 50) == "abcd efg"
    assert one_line("\u200b\u3164 \u2028", 50) == ""
    assert one_line("lone \ud800 half", 50) == "lone \ufffd half"
    assert one_line("👨‍👩‍👧 a\u200db", 50) == "👨‍👩‍👧 ab"
    assert paragraph("a\r\n\n\n\n b\x0bc", 50) == "a\n\n b\nc"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("<!channel> & <@U1>", "&lt;!channel&gt; &amp; &lt;@U1&gt;"),
        ("*bold* ~gone~ `code`", "∗bold∗ ∼gone∼ ˋcodeˋ"),
        ("db_primary_01 _it_", "db_primary_01 ＿it＿"),
        (":fire: 10:30", "∶fire: 10∶30"),
        ("10:30 UTC 1:23:", "10:30 UTC 1∶23:"),
        ("https://evil.example", "https∶//evil.example"),
        ("@here", "＠here"),
        ("> quote", "› quote"),
    ],
)
def test_user_text_within_markup_is_inert(text: str, shown: str) -> None:
    assert inert(text) == shown


@pytest.mark.parametrize(
    ("url", "good"),
    [
        ("https://example.com/a?b=c#d", True),
        ("http://[::1]:9090/graph", True),
        ("javascript:alert(1)", False),
        ("https://", False),
        ("https://a b", False),
        ("https://x|y>z", False),
        ("https://[broken", False),
        ("https://x.example/" + "a" * 3000, False),
        (None, False),
    ],
)
def test_only_web_addresses_become_links(url: str | None, good: bool) -> None:
    assert (web_address(url) is not None) is good


@settings(max_examples=50, deadline=None)
@given(text=hostile, limit=st.integers(2, 60))
def test_clipped_text_is_within_its_limit_and_a_beginning(text: str, limit: int) -> None:
    short = one_line(text, limit)
    assert units(short) <= limit
    assert "\n" not in short
    assert one_line(text, 10**6).startswith(short.removesuffix("…"))
