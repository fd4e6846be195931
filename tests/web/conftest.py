"""The browser and the page under test: one Chromium for all, a fresh profile and a server for each test."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.web.fake_server import FakeServer

ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
WEB = Path(__file__).parents[2] / "web"

# A busy machine makes a page slow, not wrong.
expect.set_options(timeout=20_000)


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


def write(page: Page, text: str) -> None:
    """Enter a text or a command."""
    page.locator("#composer").fill(text)
    page.locator("#composer").press("Enter")


class SignIn:
    """Opens the page and signs in, up to a live connection: `signed_in("bob")`, or in a page that is there already."""

    def __init__(self, context: BrowserContext, server: FakeServer) -> None:
        self.server = server
        self.new_page = context.new_page

    def __call__(self, nickname: str = "alice", page: Page | None = None) -> Page:
        page = page or self.new_page()
        if page.url == "about:blank":
            page.goto(self.server.url())
        page.locator("#nickname").fill(nickname)
        page.locator("#connect").click()
        expect(page.locator("#link-state")).to_have_attribute("data-state", "live")
        return page


@pytest.fixture
def signed_in(context: BrowserContext, server: FakeServer) -> SignIn:
    return SignIn(context, server)


@pytest.fixture(scope="package")
def lab(browser: Browser) -> Iterator[Page]:
    """The page opened from disk and left alone: a place to run its pure parts by `evaluate`."""
    page = browser.new_page()
    page.goto((WEB / "index.html").as_uri())
    yield page
    page.context.close()
