"""What the tests do on the demo page: open it, look, click, wait. Waiting is for a condition, never for a time."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, TypeVar

from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.chrome.webdriver import WebDriver
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

from tests.browser.demo_backend import DemoBackend

SECONDS = 8
T = TypeVar("T")

_RENDER = """
const [kind, payload, done] = arguments;
const box = document.createElement("div");
box.id = "stage";
document.getElementById("stage")?.remove();
document.body.append(box);
const people = new Map([["U1", "Kim Minji"], ["U2", "Alex Park"]]), channels = new Map([["C1", "it-support"]]);
const context = { people, users: people, channels, fields: [], act() {}, submit(sent) { window.sent = sent; } };
const make = {
  blocks: async () => box.append(...(await import("/demo/static/block_kit.js")).renderBlocks(payload, context)),
  card: async () => box.append((await import("/demo/static/adaptive_card.js")).renderCard(payload, context)),
  mrkdwn: async () => box.append(...(await import("/demo/static/mrkdwn.js")).renderMrkdwn(payload, context)),
  markdown: async () => box.append(...(await import("/demo/static/card_text.js")).renderCardText(payload, [])),
};
delete window.sent;
const failed = (problem) => done({problem: String(problem)});
make[kind]().then(() => done({html: box.innerHTML, text: box.textContent}), failed);
"""


class DemoPage:
    def __init__(self, browser: WebDriver, backend: DemoBackend) -> None:
        self.browser, self.backend = browser, backend

    def open(self, language: str = "en") -> None:
        self.browser.get(f"{self.backend.url}?lang={language}")
        self.find("body.ready")
        self.find("#slack .messages > li")

    def find(self, selector: str) -> WebElement:
        """The first visible element, waited for."""
        return self.until(lambda: next(iter(self.all(selector)), None), f"nothing visible is {selector}")

    def all(self, selector: str) -> list[WebElement]:
        return [node for node in self.browser.find_elements(By.CSS_SELECTOR, selector) if node.is_displayed()]

    def click(self, selector: str) -> None:
        node = self.find(selector)
        self.browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", node)
        node.click()

    def type(self, selector: str, text: str) -> None:
        self.find(selector).send_keys(text)

    def until(self, condition: Callable[[], T | None], problem: str) -> T:
        waiting = WebDriverWait(self.browser, SECONDS, 0.05, ignored_exceptions=[StaleElementReferenceException])
        found = waiting.until(lambda _: condition(), problem)
        assert found is not None
        return found

    def gone(self, selector: str) -> None:
        self.until(lambda: not self.all(selector), f"{selector} is still there")

    def posted(self, path: str) -> dict[str, Any]:
        """The body of the last post to a path, waited for."""
        last = self.until(lambda: [body for where, body in self.backend.posted if where == path], f"no post to {path}")
        return last[-1]

    def script(self, script: str, *arguments: Any) -> Any:
        return self.browser.execute_script(script, *arguments)

    def errors_logged(self) -> list[str]:
        """What the browser's console got since the last look: refused by the policy, not found, thrown."""
        log: list[dict[str, str]] = self.browser.get_log("browser")  # type: ignore[no-untyped-call]
        return [entry["message"] for entry in log if entry["level"] == "SEVERE"]

    def act_as(self, user: str) -> None:
        """Takes the place of another person on the Slack side."""
        change = "const [select, user] = arguments; select.value = user; select.dispatchEvent(new Event('change'))"
        self.script(change, self.find("#slack .person"), user)

    def focused(self) -> str:
        """The text or label of what has the keyboard."""
        script = "const a = document.activeElement; return a.getAttribute('aria-label') || a.value || a.textContent"
        return str(self.script(script))

    def render(self, kind: str, payload: Any) -> dict[str, str]:
        """Draws Block Kit (``blocks``), a ``card``, ``mrkdwn`` or ``markdown`` by itself; its ``html`` and ``text``."""
        drawn: dict[str, str] = self.browser.execute_async_script(_RENDER, kind, json.loads(json.dumps(payload)))
        assert "problem" not in drawn, drawn
        return drawn

    def stage(self, selector: str) -> list[WebElement]:
        return self.browser.find_elements(By.CSS_SELECTOR, f"#stage :is({selector})")
