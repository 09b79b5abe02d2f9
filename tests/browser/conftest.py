"""A real browser, driven without a display, and the demo page on a scripted backend."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.chrome.webdriver import WebDriver

from tests.browser.demo_backend import DemoBackend
from tests.browser.demo_page import DemoPage
from tests.browser.demo_script import state

CHROMIUM = "/usr/bin/chromium"
DRIVER = "/usr/bin/chromedriver"
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--lang=en-US",
    "--window-size=1440,900",
)  # fmt: skip


def _require_browser() -> None:
    missing = [path for path in (CHROMIUM, DRIVER) if not shutil.which(path)]
    if not missing:
        return
    reason = f"not installed: {', '.join(missing)}"
    if os.environ.get("DESKBELL_REQUIRE_TOOLS") == "1":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebDriver]:
    """One browser with a profile of its own for the whole run."""
    _require_browser()
    profile: Path = tmp_path_factory.mktemp("chromium")
    options = Options()
    options.binary_location = CHROMIUM
    for flag in (*FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    driver.set_script_timeout(20)
    yield driver
    driver.quit()


@pytest.fixture(scope="session")
def demo_server() -> Iterator[DemoBackend]:
    backend = DemoBackend()
    backend.start()
    yield backend
    backend.stop()


@pytest.fixture
def demo_backend(demo_server: DemoBackend) -> DemoBackend:
    """The backend, with nothing posted and no answers prepared."""
    demo_server.forget()
    return demo_server


@pytest.fixture
def demo(chromium: WebDriver, demo_backend: DemoBackend) -> DemoPage:
    """The demo page with the scripted desk, freshly opened in English at the size of a desktop."""
    demo_backend.state = state()
    chromium.set_window_size(1440, 900)
    page = DemoPage(chromium, demo_backend)
    page.open()
    return page


@pytest.fixture(scope="module")
def stage(chromium: WebDriver, demo_server: DemoBackend) -> DemoPage:
    """The demo page opened once, as a place to draw single elements on."""
    demo_server.state = state()
    page = DemoPage(chromium, demo_server)
    page.open()
    return page
