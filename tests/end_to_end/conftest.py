"""Fixtures: the programs of one chat, pages from disk and from the bridge, terminals."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.end_to_end import programs
from tests.end_to_end.programs import ROOT, Program
from tests.end_to_end.terminal import Terminal
from tests.web.conftest import browser, chromium, context, faults

__all__ = ["browser", "chromium", "context", "faults"]  # the browser tests' fixtures are these tests' too

OpenPage = Callable[[str, str], Page]
OpenTerminal = Callable[[Sequence[str]], Terminal]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Program]:
    program = programs.server(tmp_path)
    yield program
    program.stop()


@pytest.fixture
def bridge(tmp_path: Path, server: Program) -> Iterator[Program]:
    program = programs.bridge(tmp_path, server.port)
    yield program
    program.stop()


@pytest.fixture
def open_page(context: BrowserContext, bridge: Program) -> OpenPage:
    """Open the page from disk ("file") or from the bridge ("http") and sign in."""

    def open_page(scheme: str, nickname: str) -> Page:
        page = context.new_page()
        if scheme == "file":
            page.goto((ROOT / "web" / "index.html").as_uri())
            page.locator("#server").fill(f"ws://127.0.0.1:{bridge.port}/")
        else:
            page.goto(f"http://127.0.0.1:{bridge.port}/")
        page.locator("#nickname").fill(nickname)
        page.locator("#connect").click()
        expect(page.locator("#link-state")).to_have_attribute("data-state", "live")
        return page

    return open_page


@pytest.fixture
def open_terminal(tmp_path: Path) -> Iterator[OpenTerminal]:
    """Run a command in a terminal of 80 columns and 24 rows; its state lies in the test's folder."""
    with ExitStack() as opened:

        def open_terminal(command: Sequence[str]) -> Terminal:
            environment = {"XDG_STATE_HOME": f"{tmp_path / 'state'}"}
            return opened.enter_context(closing(Terminal(command, tmp_path, cwd=ROOT, environment=environment)))

        yield open_terminal
