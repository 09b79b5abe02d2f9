"""The whole demo in a real browser: what a first visitor does, from the failing switch to the story in the thread."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import pytest
from selenium.webdriver.chrome.webdriver import WebDriver

from bot.demo.bridge import Bridge
from bot.demo.installation import Installation, listen
from bot.demo.run import demo
from tests.browser.demo_page import DemoPage

PACE = 0.15
PHONE = {"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": True}
TEAMS_POST = "#teams .messages > .message.post"


class Live:
    """The demo in a thread of its own, because the browser's driver blocks the test's thread."""

    place: Installation
    bridge: Bridge

    def __init__(self) -> None:
        self.url = ""
        self._loop: asyncio.AbstractEventLoop
        self._ended: asyncio.Event
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)

    def start(self) -> None:
        self._thread.start()
        assert self._ready.wait(20), "the demo did not start"

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._ended.set)
        self._thread.join(15)
        assert not self._thread.is_alive(), "the demo did not stop"

    @property
    def wrongs(self) -> list[Any]:
        return [*self.place.slack.violations, *self.place.teams.violations]

    async def _serve(self) -> None:
        self._loop, self._ended = asyncio.get_running_loop(), asyncio.Event()
        async with demo(listen(0), PACE) as (self.place, self.bridge):
            self.url = f"{self.place.url}/demo"
            self._ready.set()
            await self._ended.wait()


@contextmanager
def visit(chromium: WebDriver, language: str) -> Iterator[tuple[DemoPage, Live]]:
    live = Live()
    live.start()
    page = DemoPage(chromium, cast(Any, live))
    page.errors_logged()  # what earlier pages left there
    try:
        page.open(language)
        yield page, live
        assert page.script("return [...document.querySelectorAll('.unrendered')].map(n => n.textContent)") == []
        assert page.errors_logged() == []
        assert live.wrongs == []
        assert live.bridge.log.stats["sent_twice"] == 0
    finally:
        chromium.get("about:blank")
        live.stop()


def last(page: DemoPage, selector: str, *holding: str) -> Any:
    """The last visible element that has all the texts, waited for."""

    def find() -> Any:
        fitting = [node for node in page.all(selector) if all(text in node.text for text in holding)]
        return fitting[-1] if fitting else None

    return page.until(find, f"nothing visible is {selector} with {holding}")


def press(page: DemoPage, node: Any) -> None:
    page.script("arguments[0].scrollIntoView({block: 'center'})", node)
    page.script("arguments[0].click()", node)


def press_in(page: DemoPage, selector: str, holding: tuple[str, ...], button: str) -> None:
    """A button of the last element with the texts; the page may draw it anew between looking and pressing."""
    script = """
      const [selector, holding, button] = arguments;
      const fits = (node) => holding.every((text) => node.textContent.includes(text));
      const shown = [...document.querySelectorAll(selector)].filter((node) => node.checkVisibility() && fits(node));
      const found = shown.at(-1)?.querySelectorAll("button") ?? [];
      const wanted = [...found].find((node) => node.textContent.trim() === button);
      wanted?.click();
      return Boolean(wanted);
    """
    page.until(lambda: page.script(script, selector, list(holding), button) or None, f"no button {button}")


@pytest.mark.timeout(90)
def test_a_visitor_works_one_ticket_in_both_chats(chromium: WebDriver) -> None:
    chromium.set_window_size(1440, 900)
    with visit(chromium, "en") as (page, _):
        ticket = ("payments-api-1", "critical")
        last(page, "#slack .message", *ticket, "Unassigned")
        last(page, TEAMS_POST, "payments-api-1")
        page.click(".auto-pause")  # nobody else takes it, and nothing recovers meanwhile

        press_in(page, "#slack .feed .message", (*ticket, "Unassigned"), "Assign to me")
        last(page, TEAMS_POST, "payments-api-1", "Alex Park took the ticket")
        assert "Alex Park" in last(page, f"{TEAMS_POST}:has(.message)", "payments-api-1").text

        last(page, "#slack .message", "SLA at risk", "Ticket #3")
        last(page, TEAMS_POST, "SLA at risk")
        press_in(page, TEAMS_POST, ("SLA at risk", "payments-api-1"), "Resolve")
        page.type("#teams .dialog textarea", "Failed over to the second pool")
        press_in(page, "#teams .dialog", (), "Resolve")
        last(page, "#slack .feed .message", "Ticket #3", "Resolved by Dana Cruz", "Failed over to the second pool")

        press_in(page, "#slack .feed .message", ("Ticket #3", "Resolved by Dana Cruz"), _replies(page))
        for line in ("took the ticket", "left to resolve this in time", "resolved the ticket"):
            last(page, "#slack .thread .message", line)
        told = page.find(".lines ol").text
        assert "Slack #it-support" in told
        assert "Teams Operations" in told
        page.click("[data-do=recover]")
        last(page, "#slack .thread .message", "Recovered: payments-api-1")


def _replies(page: DemoPage) -> str:
    """What the button to the thread of the resolved ticket says now."""
    script = """
      const fits = (node) => node.textContent.includes("Resolved by Dana Cruz");
      const card = [...document.querySelectorAll("#slack .feed .message")].filter(fits).at(-1);
      return card?.querySelector(".thread-link:not(.quiet)")?.textContent.trim() ?? null;
    """
    return str(page.until(lambda: page.script(script), "no thread"))


@pytest.mark.timeout(90)
def test_a_visitor_with_a_phone_reads_korean(chromium: WebDriver) -> None:
    chromium.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", PHONE)
    try:
        with visit(chromium, "ko") as (page, _):
            last(page, "#slack .message", "결제 실패율 38%", "긴급")
            assert page.script("return document.documentElement.scrollWidth <= innerWidth"), "wider than the phone"
            press_in(page, "#slack .feed .message", ("결제 실패율 38%", "미할당"), "할당받기")
            page.click("#tab-teams")
            last(page, TEAMS_POST, "Kim Minji 님이 티켓을 맡았습니다")
            page.click("#tab-story")
            last(page, ".lines li", "Teams Operations")
            page.click("[data-do=vip]")
            last(page, ".lines li", "이체가")
    finally:
        chromium.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
