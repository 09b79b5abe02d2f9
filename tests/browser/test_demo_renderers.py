"""The demo page's own renderers of Block Kit and Adaptive Cards: whole, literal, and honest about what they lack."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import adaptive_cards
import blocks
from core.i18n import Words
from core.views import RatingRequest
from tests.browser.demo_page import DemoPage

GOLDEN = Path(__file__).parents[1] / "golden"
BLOCKS = sorted(GOLDEN.glob("blocks/*.json"))
CARDS = sorted(GOLDEN.glob("adaptive_cards/*.json"))
HOSTILE = "<script>alert(1)</script> <img src=x onerror=alert(1)> [pay](https://evil.example) *bold* _it_ <!channel>"


def test_there_are_golden_files_of_both_platforms() -> None:
    assert len(BLOCKS) > 20
    assert len(CARDS) > 20


@pytest.mark.parametrize("path", BLOCKS, ids=lambda path: path.stem)
def test_every_golden_slack_view_is_drawn_whole(stage: DemoPage, path: Path) -> None:
    drawn = stage.render("blocks", json.loads(path.read_text("utf-8"))["blocks"])
    assert drawn["text"].strip()
    assert [node.text for node in stage.stage(".unrendered")] == []


@pytest.mark.parametrize("path", CARDS, ids=lambda path: path.stem)
def test_every_golden_teams_card_is_drawn_whole(stage: DemoPage, path: Path) -> None:
    drawn = stage.render("card", json.loads(path.read_text("utf-8"))["card"])
    assert drawn["text"].strip()
    assert [node.text for node in stage.stage(".unrendered")] == []


@pytest.mark.parametrize(
    ("block", "sign"),
    [
        ({"type": "video"}, "video"),
        ({"type": "divider", "colour": "red"}, "divider.colour"),
        ({"type": "actions", "elements": [{"type": "datepicker", "action_id": "a"}]}, "datepicker"),
        ({"type": "section", "text": {"type": "mrkdwn", "text": "a", "bold": True}}, "mrkdwn.bold"),
        (
            {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [{"type": "color"}]}]},
            "color",
        ),
    ],
)
def test_what_block_kit_has_and_the_page_has_not_is_shown(stage: DemoPage, block: dict[str, Any], sign: str) -> None:
    stage.render("blocks", [block])
    assert [node.text for node in stage.stage(".unrendered")] == [f"not rendered: {sign}"]


@pytest.mark.parametrize(
    ("element", "sign"),
    [
        ({"type": "Media"}, "Media"),
        ({"type": "TextBlock", "text": "a", "colour": "red"}, "TextBlock.colour"),
        ({"type": "FactSet", "facts": [{"title": "a", "value": "b", "icon": "c"}]}, "Fact.icon"),
        ({"type": "ActionSet", "actions": [{"type": "Action.Magic", "title": "x"}]}, "Action.Magic"),
    ],
)
def test_what_cards_have_and_the_page_has_not_is_shown(stage: DemoPage, element: dict[str, Any], sign: str) -> None:
    stage.render("card", {"type": "AdaptiveCard", "version": "1.4", "body": [element]})
    assert [node.text for node in stage.stage(".unrendered")] == [f"not rendered: {sign}"]


@pytest.mark.parametrize(
    ("written", "drawn"),
    [
        ("*bold* _it_ ~no~ `x<y`", "<strong>bold</strong> <em>it</em> <s>no</s> <code>x&lt;y</code>"),
        ("*a _b_*", "<strong>a <em>b</em></strong>"),
        ("2*3*4 and snake_case_name", "2*3*4 and snake_case_name"),
        ("*굵게*는 이어 붙어서 그대로", "*굵게*는 이어 붙어서 그대로"),
        ("* not bold * and **", "* not bold * and **"),
        ("`*literal* :bell:`", "<code>*literal* :bell:</code>"),
        ("```a\n*b*```", "<pre>a\n*b*</pre>"),
        ("> quoted\n> twice\nafter", "<blockquote>quoted\ntwice</blockquote>after"),
        ("a &lt;b&gt; &amp;amp; c", "a &lt;b&gt; &amp;amp; c"),
        (":bell: :no_such_thing: 10:30:45", "🔔 :no_such_thing: 10:30:45"),
        ("<@U1> <#C1|x> <!here>", "@Kim Minji #it-support @here"),
        ("<@U9|Unknown> <!subteam^S1|@network>", "@Unknown @network"),
        ("<https://a.example/?q=1&amp;r=2|here>", "here"),
        ("see https://a.example/x.", "see https://a.example/x."),
        ("<javascript:alert(1)|here>", "&lt;javascript:alert(1)|here&gt;"),
        ("a < b > c", "a &lt; b &gt; c"),
    ],
)
def test_mrkdwn_reads_as_in_slack(stage: DemoPage, written: str, drawn: str) -> None:
    html = stage.render("mrkdwn", written)["html"]
    for tag in ('<span class="mention">', "</span>", "</a>"):
        html = html.replace(tag, "")
    assert "".join(part.split(">", 1)[-1] if i else part for i, part in enumerate(html.split("<a "))) == drawn


def test_links_of_mrkdwn_lead_where_they_say(stage: DemoPage) -> None:
    stage.render("mrkdwn", "<https://a.example/?q=1&amp;r=2|here> and https://b.example/x, and <mailto:a@b.example>")
    links = [(node.text, node.get_dom_attribute("href")) for node in stage.stage("a")]
    assert links == [
        ("here", "https://a.example/?q=1&r=2"),
        ("https://b.example/x", "https://b.example/x"),
        ("mailto:a@b.example", "mailto:a@b.example"),
    ]
    assert {node.get_dom_attribute("rel") for node in stage.stage("a")} == {"noopener noreferrer"}


def test_verbatim_text_makes_no_links_of_bare_addresses(stage: DemoPage) -> None:
    plain = {"type": "mrkdwn", "text": "https://evil.example and <https://good.example|ours>", "verbatim": True}
    stage.render("blocks", [{"type": "section", "text": plain}])
    assert [node.text for node in stage.stage("a")] == ["ours"]


@pytest.mark.parametrize(
    ("zone", "shown"),
    [("Asia/Seoul", "January 2, 2030 at 3:04 AM"), ("America/New_York", "January 1, 2030 at 1:04 PM")],
)
def test_dates_show_in_the_zone_of_the_reader(stage: DemoPage, zone: str, shown: str) -> None:
    stage.browser.execute_cdp_cmd("Emulation.setTimezoneOverride", {"timezoneId": zone})
    try:
        drawn = stage.render("mrkdwn", "<!date^1893521040^{date} at {time}|fallback>")["text"]
    finally:
        stage.browser.execute_cdp_cmd("Emulation.setTimezoneOverride", {"timezoneId": ""})
    assert drawn.replace("\u202f", " ") == shown


@pytest.mark.parametrize(
    ("written", "drawn"),
    [
        ("**bold** and _it_ and *it*", "<strong>bold</strong> and <em>it</em> and <em>it</em>"),
        (r"\*\*not\*\* \_not\_ \[a\](b) 1\. \# \\", "**not** _not_ [a](b) 1. # \\"),
        ("snake_case_name 2 * 3 * 4", "snake_case_name 2 * 3 * 4"),
        ("- one\n- two", "<ul><li>one</li><li>two</li></ul>"),
        ("3. one\n4. two", '<ol start="3"><li>one</li><li>two</li></ol>'),
        ("a\n\nb", "<p>a</p><p>b</p>"),
        ("a\nb", "a b"),
        ("&lt;b&gt; &amp; &nbsp;", "&lt;b&gt; &amp; &nbsp;"),
        ("<b>no</b>", "&lt;b&gt;no&lt;/b&gt;"),
        ("[x](javascript:alert(1))", "<span>x</span>)"),
        (r"\[x](https://evil.example)", "[x](https://evil.example)"),
        ("<at>Nobody</at>", "&lt;at&gt;Nobody&lt;/at&gt;"),
    ],
)
def test_card_markdown_reads_as_in_teams(stage: DemoPage, written: str, drawn: str) -> None:
    assert stage.render("markdown", written)["html"] == drawn


def test_mentions_of_a_card_are_those_that_its_entities_name(stage: DemoPage) -> None:
    entity = {"type": "mention", "text": "<at>Lee</at>", "mentioned": {"id": "29:1", "name": "Lee"}}
    body = [{"type": "TextBlock", "text": "<at>Lee</at> and <at>Eve</at>"}]
    card = {"type": "AdaptiveCard", "version": "1.4", "body": body, "msteams": {"entities": [entity]}}
    assert stage.render("card", card)["text"] == "Lee and <at>Eve</at>"
    assert [node.text for node in stage.stage(".mention")] == ["Lee"]


def test_hostile_text_in_blocks_stays_text(stage: DemoPage) -> None:
    escaped = HOSTILE.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    leaf = {"type": "rich_text_section", "elements": [{"type": "text", "text": HOSTILE}]}
    plain = {"type": "plain_text", "text": HOSTILE, "emoji": False}
    drawn = stage.render(
        "blocks",
        [
            {"type": "header", "text": plain},
            {"type": "rich_text", "elements": [leaf, {"type": "rich_text_quote", "elements": leaf["elements"]}]},
            {"type": "actions", "elements": [{"type": "button", "action_id": "a", "text": plain}]},
            {"type": "context", "elements": [{"type": "mrkdwn", "text": escaped, "verbatim": True}]},
        ],
    )
    assert drawn["text"].count(HOSTILE) == 4
    assert stage.stage("script, img, a, .mention") == []


def test_hostile_text_in_cards_stays_text(stage: DemoPage) -> None:
    escaped = "".join(f"\\{letter}" if letter in "\\`*_{}[]()#+-.!|~<>&" else letter for letter in HOSTILE)
    card = {
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": [
            {"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": HOSTILE}, HOSTILE]},
            {"type": "TextBlock", "text": escaped},
            {"type": "FactSet", "facts": [{"title": escaped, "value": escaped}]},
            {"type": "Input.ChoiceSet", "id": "c", "label": HOSTILE, "choices": [{"title": HOSTILE, "value": "1"}]},
        ],
        "actions": [{"type": "Action.OpenUrl", "title": HOSTILE, "url": "javascript:alert(1)"}],
    }
    drawn = stage.render("card", card)
    assert drawn["text"].count(HOSTILE) == 8
    assert stage.stage("script, img, a, strong, em") == []


def test_cards_hide_and_show_parts(stage: DemoPage) -> None:
    more = {"type": "Container", "id": "more", "isVisible": False, "items": [{"type": "TextBlock", "text": "hidden"}]}
    toggle = {"type": "Action.ToggleVisibility", "title": "More", "targetElements": ["more"]}
    stage.render("card", {"type": "AdaptiveCard", "version": "1.4", "body": [more], "actions": [toggle]})
    part = stage.stage("[data-element=more]")[0]
    before = part.is_displayed()
    stage.script("document.querySelector('#stage button').click()")
    assert (before, part.is_displayed()) == (False, True)


def test_the_inputs_of_a_shown_card_go_only_with_its_own_buttons(stage: DemoPage) -> None:
    def text_input(name: str) -> dict[str, Any]:
        return {"type": "Input.Text", "id": name, "label": name, "value": f"of {name}"}

    inner = {"type": "AdaptiveCard", "version": "1.4", "body": [text_input("inner")]}
    inner["actions"] = [{"type": "Action.Submit", "title": "Inner", "data": {"k": 1}}]
    outer = {
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": [text_input("outer")],
        "actions": [
            {"type": "Action.Submit", "title": "Outer"},
            {"type": "Action.ShowCard", "title": "Show", "card": inner},
        ],
    }
    sent = {}
    stage.render("card", outer)
    for title in ("Outer", "Show", "Inner"):
        stage.script(
            "[...document.querySelectorAll('#stage button')].find((b) => b.textContent === arguments[0]).click()", title
        )
        sent[title] = stage.script("return window.sent?.data")
    assert sent["Outer"] == {"outer": "of outer"}
    assert sent["Inner"] == {"k": 1, "outer": "of outer", "inner": "of inner"}


def test_at_most_six_buttons_stand_in_a_row_of_a_card(stage: DemoPage) -> None:
    actions = [{"type": "Action.Submit", "title": f"Do {n}"} for n in range(8)]
    stage.render("card", {"type": "AdaptiveCard", "version": "1.4", "body": [], "actions": actions})
    labels = [node.text or node.get_dom_attribute("aria-label") for node in stage.stage("button")]
    assert labels == [f"Do {n}" for n in range(6)] + ["More actions"]


def test_real_views_with_hostile_words_stay_literal_on_both_sides(stage: DemoPage) -> None:
    title = "<script>alert(1)</script> [pay](https://evil.example) https://evil.example <!channel>"
    view = RatingRequest(ticket_id=42, title=title)
    words = Words("en")
    for kind, payload in (
        ("blocks", blocks.render(view, words).blocks),
        ("card", adaptive_cards.render(view, words).card),
    ):
        assert title in stage.render(kind, payload)["text"]
        assert stage.stage("script, img, a, .mention") == []
