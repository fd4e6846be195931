"""The browser and the page under test: one Chromium for all tests, a fresh profile for each, a server of the test's own."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from .fake_server import FakeServer

ARGUMENTS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
).split()
WEB = Path(__file__).parents[2] / "web"

expect.set_options(timeout=8_000)


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of a Chromium: WORDPACKET_CHROMIUM, or the one that is installed."""
    names = ("chromium", "chromium-browser", "google-chrome")
    path = os.environ.get("WORDPACKET_CHROMIUM") or next(filter(None, map(shutil.which, names)), None)
    if path is None:
        pytest.skip("no Chromium is installed")
    return path


# Not of session scope: Playwright keeps an event loop in this thread, and tests of other packages run their own.
@pytest.fixture(scope="package")
def browser(chromium: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def faults() -> Iterator[list[str]]:
    """What pages complained of: an uncaught error or a breach of the Content-Security-Policy fails the test."""
    found: list[str] = []
    yield found
    assert found == []


@pytest.fixture
def context(browser: Browser, faults: list[str]) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport={"width": 1280, "height": 800}, locale="en-GB", timezone_id="UTC")
    context.on("weberror", lambda error: faults.append(str(error.error)))
    context.on("console", lambda said: faults.append(said.text) if "Content Security Policy" in said.text else None)
    yield context
    context.close()


@pytest.fixture
def server() -> Iterator[FakeServer]:
    with FakeServer() as server:
        yield server


@pytest.fixture
def page(context: BrowserContext) -> Page:
    return context.new_page()


SignIn = Callable[..., Page]


@pytest.fixture
def signed_in(context: BrowserContext, server: FakeServer) -> SignIn:
    """Returns a function that opens the page and signs in, up to a live link."""

    def sign_in(nickname: str = "alice") -> Page:
        page = context.new_page()
        page.goto(server.url())
        page.locator("#nickname").fill(nickname)
        page.locator("#connect").click()
        expect(page.locator("#link-state")).to_have_attribute("data-state", "live")
        return page

    return sign_in
