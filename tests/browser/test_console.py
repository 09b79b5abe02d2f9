"""The console in a real browser: signing in, working a ticket, on a phone too; its policy forbids nothing it needs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.chrome.webdriver import WebDriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.select import Select
from selenium.webdriver.support.wait import WebDriverWait

from tests.browser.console_service import ConsoleService
from tests.running_service import API_TOKEN

DESKTOP, PHONE = (1280, 900), (390, 844)


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConsoleService]:
    service = ConsoleService(tmp_path_factory.mktemp("console"))
    service.start()
    yield service
    service.stop()


@pytest.fixture
def browser(chromium: WebDriver, console: ConsoleService) -> Iterator[WebDriver]:
    """Signed in as kim, reading English, on a desktop; what the browser complained of fails the test."""
    chromium.get(console.url + "/login?lang=en")
    chromium.delete_all_cookies()
    chromium.get(console.url + "/login?lang=en")
    chromium.find_element(By.NAME, "token").send_keys(API_TOKEN)
    Select(chromium.find_element(By.NAME, "person")).select_by_visible_text("Kim Minji")
    press(chromium, "Sign in")
    WebDriverWait(chromium, 10).until(lambda driver: "/login" not in driver.current_url)
    assert sees(chromium, "Tickets")
    chromium.get_log("browser")  # type: ignore[no-untyped-call]
    yield chromium
    chromium.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    chromium.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    complaints = [entry["message"] for entry in chromium.get_log("browser")]  # type: ignore[no-untyped-call]
    assert complaints == []


def press(browser: WebDriver, label: str) -> None:
    """Press a button; one that submits is over when another page has come."""
    browser.execute_script("window.isOld = true")
    found = browser.find_element(By.XPATH, f"//main//*[self::button or self::summary][normalize-space()='{label}']")
    submits = found.tag_name == "button" and found.get_attribute("type") == "submit"
    found.click()
    if submits:
        script = "return !window.isOld && document.readyState === 'complete'"
        WebDriverWait(browser, 10).until(lambda driver: driver.execute_script(script))


def sees(browser: WebDriver, words: str) -> bool:
    """Whether the page shows the words, at once or when it has come."""

    def shown(driver: WebDriver) -> bool:
        return words in driver.find_element(By.TAG_NAME, "main").text

    return WebDriverWait(browser, 10, ignored_exceptions=[StaleElementReferenceException]).until(shown)


def show(browser: WebDriver, size: tuple[int, int], scheme: str = "light") -> None:
    screen = {"width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": size[0] < 500}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
    media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", media)


def test_a_ticket_is_found_taken_worked_and_resolved(browser: WebDriver) -> None:
    browser.find_element(By.NAME, "q").send_keys("결제")
    press(browser, "Filter")
    browser.find_element(By.LINK_TEXT, "결제 페이지가 열리지 않습니다").click()
    press(browser, "Assign to me")
    assert sees(browser, "is yours")
    assert sees(browser, "Kim Minji took the ticket.")
    press(browser, "Start work")
    browser.find_element(By.NAME, "note").send_keys("Looking into it.")
    press(browser, "Add")
    assert sees(browser, "Looking into it.")
    Select(browser.find_element(By.NAME, "priority")).select_by_visible_text("Critical")
    press(browser, "Change")
    assert sees(browser, "changed the priority from high to critical")
    press(browser, "Resolve")
    browser.find_element(By.NAME, "resolution").send_keys("Restarted the payment service.")
    browser.find_element(By.CSS_SELECTOR, "form[action$='/resolve'] button").click()
    assert sees(browser, "Restarted the payment service.")
    assert "Resolved" in browser.find_element(By.CLASS_NAME, "marks").text


def test_a_reload_after_a_move_does_not_make_it_again(browser: WebDriver, console: ConsoleService) -> None:
    browser.get(console.url + "/tickets/4")
    browser.find_element(By.NAME, "note").send_keys("Only once.")
    press(browser, "Add")
    assert sees(browser, "Only once.")
    browser.refresh()
    assert browser.find_element(By.CLASS_NAME, "story").text.count("Only once.") == 1


def test_hostile_texts_stay_texts(browser: WebDriver, console: ConsoleService) -> None:
    browser.get(console.url + "/tickets/2")
    assert sees(browser, "<img src=x onerror=alert(1)> {{ 7*7 }}")
    assert browser.find_elements(By.CSS_SELECTOR, "main img, script, main a[href^='javascript']") == []


def test_a_dead_letter_is_read_and_replayed(browser: WebDriver, console: ConsoleService) -> None:
    browser.get(console.url + "/dead-letters")
    browser.find_element(By.LINK_TEXT, "alerts is missing; is this an Alertmanager webhook of version 4?").click()
    assert sees(browser, '"title": "another product"')
    press(browser, "Replay")
    assert sees(browser, "Still not understood")


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("language", ["en", "ko"])
def test_nothing_is_wider_than_the_screen(
    browser: WebDriver, console: ConsoleService, size: tuple[int, int], language: str
) -> None:
    for path in ("/?status=all&", "/tickets/1?", "/tickets/2?", "/dead-letters?", "/dead-letters/3?", "/api/docs?"):
        show(browser, size)
        browser.get(f"{console.url}{path}lang={language}")
        width = browser.execute_script("return document.documentElement.scrollWidth")
        assert width <= size[0], path


CONTRAST = """
const light = c => { const [r, g, b] = c.map(v => (v /= 255) <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4);
  return .2126 * r + .7152 * g + .0722 * b; };
const parse = c => c.match(/[\\d.]+/g).map(Number);
const back = e => { for (; e; e = e.parentElement) { const c = parse(getComputedStyle(e).backgroundColor);
  if (c.length < 4 || c[3] > 0) return c.slice(0, 3); } return [255, 255, 255]; };
const weak = [];
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
  const e = walker.currentNode.parentElement;
  if (!walker.currentNode.data.trim() || !e.checkVisibility() || e.closest('option, .skip')) continue;
  const [a, b] = [light(parse(getComputedStyle(e).color).slice(0, 3)), light(back(e))].sort((x, y) => y - x);
  const ratio = (a + .05) / (b + .05);
  if (ratio < 4.5) weak.push(`${walker.currentNode.data.trim().slice(0, 40)}: ${ratio.toFixed(2)}`);
}
return weak;
"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_has_contrast_enough(browser: WebDriver, console: ConsoleService, scheme: str) -> None:
    show(browser, DESKTOP, scheme)
    for path in ("/?status=all", "/tickets/1", "/tickets/3", "/dead-letters", "/dead-letters/4", "/login", "/api/docs"):
        browser.get(console.url + path)
        weak: list[Any] = browser.execute_script(CONTRAST)
        assert weak == [], path


def test_a_link_from_another_site_finds_its_reader_signed_in(browser: WebDriver, console: ConsoleService) -> None:
    address = f"{console.url}/tickets/4"
    browser.get(f"data:text/html,<a href='{address}'>the ticket</a>")
    browser.find_element(By.LINK_TEXT, "the ticket").click()
    WebDriverWait(browser, 20).until(lambda shown: shown.find_elements(By.ID, "story"))
    assert browser.current_url == address
    assert "Kim Minji" in browser.find_element(By.CLASS_NAME, "me").text
