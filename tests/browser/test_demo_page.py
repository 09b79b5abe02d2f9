"""The demo page as a whole: languages, scenario, numbers, first visit, phones, contrast, lost connections."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest

from tests.browser.demo_backend import STATIC
from tests.browser.demo_page import DemoPage
from tests.browser.demo_script import activity, message, modal, ticket_blocks, ticket_card

LANGUAGES = ("en", "ko")
WORDS = {language: json.loads((STATIC / f"words.{language}.json").read_text("utf-8")) for language in LANGUAGES}
CODE = "\n".join(path.read_text("utf-8") for path in [*sorted(STATIC.glob("*.js")), STATIC / "demo.html"])

# The lowest contrast of any visible text with what is painted behind it (WCAG 2.2, 1.4.3), and where.
_CONTRAST = """
const parse = (color) => color.match(/[\\d.]+/g).map(Number);
const channel = (v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
const luminance = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
const over = (top, below) => [0, 1, 2].map((i) => top[i] * (top[3] ?? 1) + below[i] * (1 - (top[3] ?? 1)));
const behind = (node) => {
  if (!node) return [255, 255, 255];
  const own = parse(getComputedStyle(node).backgroundColor);
  return (own[3] ?? 1) === 1 ? own : over(own, behind(node.parentElement));
};
const found = [];
for (const node of document.querySelectorAll("body *")) {
  const direct = [...node.childNodes].some((child) => child.nodeType === 3 && child.data.trim());
  const seen = node.checkVisibility({opacityProperty: true, visibilityProperty: true});
  if (!direct || !seen || node.closest("[inert]")) continue;
  const style = getComputedStyle(node), below = behind(node), ink = over(parse(style.color), below);
  const [light, dark] = [luminance(ink), luminance(below)].sort((a, b) => b - a);
  const ratio = (light + 0.05) / (dark + 0.05);
  if (ratio < 4.5) found.push(`${node.className || node.tagName} "${node.textContent}" ${ratio.toFixed(2)}`);
}
return found;
"""


@pytest.fixture
def phone(demo: DemoPage) -> Iterator[DemoPage]:
    metrics = {"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": True}
    demo.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    demo.open()
    yield demo
    demo.browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def facts(text: str) -> set[str]:
    return set(re.findall(r"\{(\w+)\}", text))


def test_both_languages_have_the_same_words_with_the_same_facts() -> None:
    assert WORDS["en"].keys() == WORDS["ko"].keys()
    assert {key: facts(text) for key, text in WORDS["en"].items()} == {
        key: facts(text) for key, text in WORDS["ko"].items()
    }


def test_every_word_that_the_page_names_is_there_and_none_is_idle() -> None:
    named = set(re.findall(r"(?:word\(|data-word(?:-label)?=)[\"']([a-z_.0-9]+)[\"']", CODE))
    named |= set(re.findall(r"\? \"([a-z_]+\.[a-z_.]+)\" : \"[a-z_]+\.[a-z_.]+\"", CODE))
    named |= set(re.findall(r"\? \"[a-z_]+\.[a-z_.]+\" : \"([a-z_]+\.[a-z_.]+)\"", CODE))
    named |= set(re.findall(r"\[\"(?:channel|im)\", \"([a-z_.]+)\"\]", CODE))
    made = ("command.", "stats.", "scenario.", "story.kind.")  # keys that the code puts together
    assert named <= WORDS["en"].keys()
    assert {key for key in WORDS["en"].keys() - named if not key.startswith(made)} == set()


def test_the_language_switch_changes_words_and_address(demo: DemoPage) -> None:
    demo.click(".languages [lang=ko]")
    demo.until(lambda: demo.find(".disasters .outage").text == WORDS["ko"]["scenario.outage"], "still in English")
    assert demo.browser.current_url.endswith("?lang=ko")
    assert demo.script("return document.documentElement.lang") == "ko"
    assert demo.find(".languages [lang=ko]").get_dom_attribute("aria-pressed") == "true"
    demo.browser.refresh()
    demo.until(lambda: demo.find(".disasters .vip").text == WORDS["ko"]["scenario.vip"], "forgotten after a reload")


@pytest.mark.parametrize("step", ["outage", "vip", "sla", "recover"])
def test_the_scenario_buttons_ask_for_their_scenario(demo: DemoPage, step: str) -> None:
    demo.click(f".disasters [data-do={step}]")
    assert demo.posted("scenario") == {"do": step}


def test_the_automatic_scenario_is_paused_and_resumed(demo: DemoPage) -> None:
    assert demo.find(".auto-status").text == "1 of 5 The switch is about to fail."
    demo.click(".auto-pause")
    assert demo.posted("scenario") == {"do": "pause"}
    demo.backend.push("scenario", {"paused": True, "step": 2, "steps": 5, "text": "It failed."})
    demo.until(lambda: demo.find(".auto-pause").text == "Resume", "not shown as paused")
    demo.click(".auto-pause")
    demo.until(lambda: demo.posted("scenario") == {"do": "resume"}, "not resumed")


def test_numbers_and_story_are_live(demo: DemoPage) -> None:
    demo.backend.push("stats", {"alerts_received": 1500, "tickets_open": 2, "notices_delivered": 4, "sent_twice": 0})
    demo.until(lambda: demo.find(".alerts_received dd").text == "1,500", "the number did not change")
    demo.backend.push("story", {"at": "2026-09-21T14:00:00Z", "kind": "alert", "text": "<b>CoreSwitchDown</b>"})
    assert demo.find(".lines li .story-text").text == "<b>CoreSwitchDown</b>"
    assert demo.find(".lines li .kind").text == "Alert"


def test_the_first_visit_hint_follows_the_visitor_and_is_dismissed_for_good(demo: DemoPage) -> None:
    demo.script("localStorage.clear()")
    demo.open()
    done = ".first-visit li.done"
    demo.backend.push("slack.message", message(20, ticket_blocks("nobody")))
    demo.until(lambda: len(demo.all(done)) == 1, "the first step is not ticked off")
    demo.click("#slack [data-action=assign_to_me]")
    demo.until(lambda: len(demo.all(done)) == 2, "the second step is not ticked off")
    demo.backend.push("teams.activity", activity("a", ticket_card("Kim Minji"), edited=True))
    demo.until(lambda: len(demo.all(done)) == 3, "the third step is not ticked off")
    demo.click(".first-visit button")
    demo.open()
    assert demo.all(".first-visit") == []


def test_a_refused_press_is_told(demo: DemoPage) -> None:
    demo.backend.answers["slack/action"] = {"error": "Ticket #42 is closed."}
    demo.click("#slack [data-action=assign_to_me]")
    assert demo.find(".toast").text == "Ticket #42 is closed."


def test_a_phone_shows_one_part_at_a_time(phone: DemoPage) -> None:
    assert [bool(phone.all(part)) for part in ("#slack", "#teams", "#story")] == [True, False, False]
    phone.backend.push("teams.activity", activity("bbb", text="News"))
    assert phone.find("#tab-teams .badge").text == "1"
    phone.click("#tab-teams")
    assert [bool(phone.all(part)) for part in ("#slack", "#teams", "#story")] == [False, True, False]
    phone.gone("#tab-teams .badge")
    phone.click("#tab-story")
    assert phone.find("#story").get_dom_attribute("role") == "tabpanel"
    assert phone.script("return document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_enough_contrast_in_both_schemes(demo: DemoPage, scheme: str) -> None:
    feature = {"name": "prefers-color-scheme", "value": scheme}
    calm = {"name": "prefers-reduced-motion", "value": "no-preference"}
    demo.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature, calm]})
    try:
        for kind in ("alert", "rule", "ticket", "notice", "sync", "scenario"):
            demo.backend.push("story", {"at": "2026-09-21T14:00:00Z", "kind": kind, "text": kind})
        demo.backend.push("slack.message", message(9, channel="C2", text="News"))
        demo.find("#slack .rooms .badge")
        assert demo.script(_CONTRAST) == []
        demo.backend.push("slack.view", {"user": "U1", "view_id": "V9", "view": modal(), "errors": {"title": "No."}})
        demo.find("#slack .modal .field-error")
        assert demo.script(_CONTRAST) == []
    finally:
        demo.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def test_the_page_keeps_its_own_security_policy(demo: DemoPage) -> None:
    demo.errors_logged()
    demo.open()
    demo.click("#slack [data-action=more]")
    demo.type("#slack .room textarea", "/ticket")
    assert demo.errors_logged() == []


def test_after_a_lost_connection_the_state_is_loaded_anew(demo: DemoPage) -> None:
    changed = dict(demo.backend.state)
    changed["stats"] = {**changed["stats"], "tickets_open": 77}
    demo.backend.state = changed
    demo.backend.drop_streams()
    demo.until(lambda: demo.find(".tickets_open dd").text == "77", "the state was not loaded again")
    demo.gone(".offline")
