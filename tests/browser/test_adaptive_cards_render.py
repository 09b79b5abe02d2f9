"""Every card in Microsoft's own renderer, in a real browser: it draws, reads literally, and clicks carry what it says.

Needs Chromium with its driver, and `npm install --prefix .ci/node adaptivecards@3.0.6 markdown-it`. Without them the
tests are skipped, or fail where DESKBELL_REQUIRE_TOOLS is 1.
"""

from __future__ import annotations

import json
import os
import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver import Chrome, ChromeOptions, ChromeService
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement

import adaptive_cards
from adaptive_cards.elements import facts, paragraph
from core.model import Customer, PersonRef
from core.views import Field, Notice, View
from tests.adaptive_card_views import ENGLISH, HOSTILE, KOREAN, SAMPLES, buttons, card_of, form, ticket

ROOT = Path(__file__).parents[2]
PAGE = Path(__file__).with_name("adaptive_cards.html")
GOLDEN = sorted((ROOT / "tests/golden/adaptive_cards").glob("*.json"))
MODULES = ROOT / ".ci/node/node_modules"
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1000,2000",
)
DESKTOP, PHONE = 600, 320
# What Markdown or HTML in a text would leave behind.
TRACES = ":is(a, b, strong, em, i, s, del, code, pre, img, script, h1, h2, h3, ul, ol, li, blockquote, hr)"


class Page:
    """The page that draws a card at a time."""

    def __init__(self, browser: Chrome) -> None:
        self.browser = browser

    def show(self, card: dict[str, Any], width: int = DESKTOP, markdown: str = "plain") -> list[str]:
        """Draws the card; everything that the renderer found wrong with it."""
        wrong: list[str] = self.browser.execute_script("return show(...arguments)", card, width, markdown)
        return wrong

    def read(self) -> list[str]:
        texts: list[str] = self.browser.execute_script("return read()")
        return texts

    def executed(self) -> list[dict[str, Any]]:
        done: list[dict[str, Any]] = self.browser.execute_script("return window.executed.splice(0)")
        return done

    def find(self, selector: str) -> list[WebElement]:
        return self.browser.find_elements(By.CSS_SELECTOR, f"#card {selector}")

    def press(self, title: str) -> None:
        """Clicks the button of this title, unfolding what hides it first."""
        for _ in range(2):
            for button in self.find(".ac-pushButton:not([aria-expanded])"):
                if button.is_displayed() and button.text == title:
                    button.click()
                    return
            self.find(".ac-pushButton[aria-expanded]")[0].click()
        raise AssertionError(f"no button {title!r}")

    def too_wide(self) -> bool:
        return bool(
            self.browser.execute_script(
                "const card = document.getElementById('card'); return card.scrollWidth > card.clientWidth"
            )
        )


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    missing = [
        name
        for name, there in (
            ("chromium", chromium),
            ("chromedriver", driver),
            ("npm's adaptivecards", (MODULES / "adaptivecards/dist/adaptivecards.min.js").exists()),
            ("npm's markdown-it", (MODULES / "markdown-it/dist/browser/markdown-it.umd.min.js").exists()),
        )
        if not there
    ]
    if missing:
        missed = f"not installed: {', '.join(missing)}"
        if os.environ.get("DESKBELL_REQUIRE_TOOLS") == "1":
            pytest.fail(missed)
        pytest.skip(missed)
    options = ChromeOptions()
    options.binary_location = str(chromium)
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('chromium')}"):
        options.add_argument(flag)
    browser = Chrome(options=options, service=ChromeService(driver))
    try:
        browser.get(PAGE.as_uri())
        yield Page(browser)
    finally:
        browser.quit()


def golden(path: Path) -> dict[str, Any]:
    card: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))["card"]
    return card


def carried(action: dict[str, Any]) -> str:
    return json.dumps(action.get("data") or action.get("url"), sort_keys=True)


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_every_card_is_drawn_without_a_fault_on_desktop_and_phone(page: Page, path: Path) -> None:
    for width in (DESKTOP, PHONE):
        assert page.show(golden(path), width) == []
        assert not page.too_wide()
    assert page.read()


@pytest.mark.parametrize(
    "path", [path for path in GOLDEN if not path.stem.startswith("form_")], ids=lambda path: path.stem
)
def test_every_click_carries_exactly_what_the_card_says(page: Page, path: Path) -> None:
    card = golden(path)
    page.show(card)
    titles = [button["title"] for button in buttons(card) if button["type"] != "Action.ShowCard"]
    for title in titles:
        page.press(title)
    wanted = [carried(button) for button in buttons(card) if button["type"] != "Action.ShowCard"]
    assert sorted(carried(done) for done in page.executed()) == sorted(wanted)


def test_an_empty_form_is_not_sent_and_says_why(page: Page) -> None:
    page.show(card_of(SAMPLES["form_create"], KOREAN))
    page.find(".ac-pushButton")[0].click()
    assert page.executed() == []
    assert "필수 항목입니다." in page.find("> div")[0].text


def test_a_number_out_of_range_is_not_sent(page: Page) -> None:
    page.show(card_of(SAMPLES["form_create"]))
    page.find("input.ac-textInput")[0].send_keys("x")
    page.find("input.ac-numberInput")[0].send_keys("-5")
    page.find(".ac-pushButton")[0].click()
    assert page.executed() == []
    assert "From 0 to 1,000,000." in page.find("> div")[0].text


def test_a_filled_form_is_sent_with_its_name_and_its_context(page: Page) -> None:
    page.show(card_of(SAMPLES["form_create"]))
    page.find("input.ac-textInput")[0].send_keys("프린터 고장")
    page.find("textarea")[0].send_keys("3층")
    page.find("input.ac-numberInput")[0].send_keys("12")
    page.find("select")[0].send_keys("High")
    page.find("select")[1].send_keys("Lee")
    page.find(".ac-pushButton")[0].click()
    assert [done["data"] for done in page.executed()] == [
        {
            "form": "create",
            "origin": "teams",
            "title": "프린터 고장",
            "description": "3층",
            "affected_users": "12",
            "priority": "high",
            "assignee": "lee",
        }
    ]


def test_a_refused_form_comes_back_with_what_was_typed(page: Page) -> None:
    page.show(card_of(SAMPLES["form_refused"]))
    page.find(".ac-pushButton")[0].click()
    assert [done["data"] for done in page.executed()] == [
        {"form": "create", "title": "프린터 고장", "priority": "high", "affected_users": "7", "assignee": "홍길동"}
    ]


def test_hostile_text_in_an_input_is_only_a_value(page: Page) -> None:
    for written in ("{{DATE(2026-11-23T00:00:00Z, SHORT)}}", "[x](https://evil.example) <b>", '" onfocus="alert(1)'):
        page.show(card_of(form(Field("text", "text", "field.text", initial=written))))
        assert page.find("input")[0].get_attribute("value") == written


@pytest.mark.parametrize("markdown", ["plain", "eager"])
@pytest.mark.parametrize("written", HOSTILE)
def test_hostile_text_appears_literally(page: Page, written: str, markdown: str) -> None:
    said = adaptive_cards.text.line(written, 80)
    who = PersonRef("p", written)
    shown: tuple[View, ...] = (
        ticket(title=written, assignee=who, team=written, customer=Customer(written), resolution=written),
        Notice("notice.ticket.noted", 42, written, {"actor": who}, body=written, urgent=True),
    )
    for view in shown:
        assert page.show(card_of(view), DESKTOP, markdown) == []
        assert page.find(TRACES) == []
        read = "\n".join(page.read())
        assert (said or "—") in read.replace("{ {", "{{").replace("{ {", "{{")
        assert "11/23/2026" not in read


@pytest.mark.parametrize("markdown", ["plain", "eager"])
def test_a_thousand_random_texts_read_as_they_were_written(page: Page, markdown: str) -> None:
    chance = random.Random(7)
    alphabet = "\\`*_{}[]()#+-.!|~<>&;:=\"' 1a가@/"
    written = [
        adaptive_cards.text.line("".join(chance.choices(alphabet, k=chance.randint(1, 24))), 60) or "x"
        for _ in range(1000)
    ]
    for start in range(0, len(written), 100):
        some = written[start : start + 100]
        card = {"type": "AdaptiveCard", "version": "1.4", "body": [facts((text, text) for text in some)]}
        assert page.show(card, DESKTOP, markdown) == []
        assert page.read() == [text for text in some for _ in range(2)]
        card["body"] = [paragraph(text) for text in some]
        page.show(card, DESKTOP, markdown)
        assert page.read() == [adaptive_cards.text.plain(text) for text in some]
        assert page.find(TRACES) == []


def test_a_mention_is_the_only_markup_and_only_where_we_put_it(page: Page) -> None:
    card = adaptive_cards.calling(card_of(SAMPLES["notice_vip"], ENGLISH), {"29:kim": "김 *담당* <b>"})
    assert page.show(card) == []
    assert page.read()[0] == "<at>김 담당 b</at>"
