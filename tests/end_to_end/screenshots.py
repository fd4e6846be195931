"""`python -m tests.end_to_end.screenshots FOLDER`: the README's pictures, from the programs themselves.

A talk is imported into a new log, so that its times are believable; then a page and a terminal enter and say the rest.
The terminal is drawn from its cells.
"""

import base64
import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from pathlib import Path

from playwright.sync_api import Browser, Page, ViewportSize, expect, sync_playwright

from tcp_server.wordpacket import send_message
from tests.end_to_end import ansi, programs, talk
from tests.end_to_end.pages import enter, expect_message, write
from tests.end_to_end.programs import ROOT, Program
from tests.end_to_end.terminal import Terminal
from tests.web.conftest import ARGUMENTS

ROOM = "observatory"
LAST_WORDS = "Yes. I'll write here when the first guests come up the hill."
COLUMNS, ROWS = 72, 26
PAGE_SIZE: ViewportSize = {"width": 1010, "height": 660}
PHONE_SIZE: ViewportSize = {"width": 390, "height": 760}

STYLE = f"""
html {{ background: #fff; }}
body {{ margin: 0; padding: 40px 44px 48px; width: max-content; display: flex; align-items: center; gap: 32px;
        background: #e4e8ed; }}
figure {{ margin: 0; border-radius: 11px; overflow: hidden; box-shadow: 0 18px 50px #2a303a55, 0 2px 6px #2a303a40; }}
figcaption {{ height: 30px; display: flex; align-items: center; gap: 8px; padding: 0 13px;
              font: 12px/1 "Noto Sans", "DejaVu Sans", sans-serif; background: #e9ecf0; color: #5b6470; }}
figcaption i {{ width: 11px; height: 11px; border-radius: 50%; background: #c3c9d1; }}
figcaption span {{ margin: auto; transform: translateX(-25px); }}
.terminal figcaption {{ background: #222a35; color: #94a0b0; }}
.terminal figcaption i {{ background: #414c5b; }}
img {{ display: block; }}
b {{ display: inline-block; width: 2ch; font-weight: inherit; }}
pre {{ margin: 0; padding: 10px 12px; background: {ansi.BACKGROUND}; color: {ansi.FOREGROUND};
       font: 13.5px/1.38 "DejaVu Sans Mono", "Noto Sans Mono", "Noto Sans Mono CJK JP", monospace; }}
"""


def main(folder: Path) -> None:
    """Start everything, let them talk, and write the pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as opened:
        data = Path(opened.enter_context(tempfile.TemporaryDirectory()))
        server = _start_server(data)
        opened.callback(server.stop)
        bridge = programs.bridge(data, server.port)
        opened.callback(bridge.stop)
        people = {name: opened.enter_context(talk.come_in(server.port, name)) for name in talk.PEOPLE}
        command = [sys.executable, "-m", "cli_client", "127.0.0.1", f"{server.port}", "--nick", "tom", "--room", ROOM]
        environment = {"XDG_STATE_HOME": f"{data}", "PROMPT_TOOLKIT_COLOR_DEPTH": "DEPTH_24_BIT"}
        terminal = opened.enter_context(
            closing(Terminal(command, data, columns=COLUMNS, rows=ROWS, cwd=ROOT, environment=environment))
        )
        playwright = opened.enter_context(sync_playwright())
        browser = playwright.chromium.launch(executable_path=_chromium(), args=ARGUMENTS)
        opened.callback(browser.close)
        page = _open_page(browser, f"http://127.0.0.1:{bridge.port}/")
        send_message(people["小林"], "小林", "Tuesday it is. Bring an apron!", room="workshop")
        _talk(page, terminal)
        _draw(browser, page, terminal, folder)


def _chromium() -> str | None:
    names = ("chromium", "chromium-browser", "google-chrome")
    return os.environ.get("WORDPACKET_CHROMIUM") or next(filter(None, map(shutil.which, names)), None)


def _start_server(data: Path) -> Program:
    subprocess.run(
        [sys.executable, "-m", "tcp_server", "import", "-", "--data", str(data / "data")],
        cwd=ROOT,
        input=talk.archive(datetime.now(UTC)),
        text=True,
        check=True,
    )
    return programs.server(data, "--name", "Hilltop")


def _open_page(browser: Browser, url: str) -> Page:
    page = browser.new_page(viewport=PAGE_SIZE, device_scale_factor=2, locale="en-GB", reduced_motion="reduce")
    page.goto(url)
    page.locator("#nickname").fill("mira")
    page.locator("#connect").click()
    for room in ("workshop", ROOM):
        enter(page, room)
    return page


def _talk(page: Page, terminal: Terminal) -> None:
    """Say the rest of the talk; page and terminal each wait for the other's message."""
    terminal.wait_for("Pleiades")
    write(page, "tom: can you see the gate from the dome?")
    terminal.wait_for("from the dome")
    terminal.say(LAST_WORDS)
    expect_message(page, "tom", LAST_WORDS)
    terminal.type("And I have the key to the")
    terminal.wait_for("key to the")
    expect(page.locator("#rooms .unread")).not_to_have_count(0)


def _draw(browser: Browser, page: Page, terminal: Terminal, folder: Path) -> None:
    page.mouse.move(0, 0)
    light = page.screenshot()
    _write_side_by_side(browser, light, terminal.screen(styled=True), folder / "side_by_side.png")
    page.emulate_media(color_scheme="dark")
    page.screenshot(path=folder / "page_dark.png")
    page.set_viewport_size(PHONE_SIZE)
    page.reload()
    expect_message(page, "tom", LAST_WORDS)
    page.screenshot(path=folder / "page_phone.png")


def _write_side_by_side(browser: Browser, page: bytes, screen: str, path: Path) -> None:
    """Compose the two windows and write them as one picture."""
    dots = "<i></i><i></i><i></i>"
    picture = base64.b64encode(page).decode()
    composed = browser.new_page(viewport={"width": 1800, "height": 900}, device_scale_factor=1.4)
    composed.set_content(
        f"<!doctype html><style>{STYLE}</style>"
        f"<figure><figcaption>{dots}<span>Wordpacket</span></figcaption>"
        f"<img width={PAGE_SIZE['width']} src='data:image/png;base64,{picture}'></figure>"
        f"<figure class=terminal><figcaption>{dots}<span>python -m cli_client</span></figcaption>"
        f"<pre>{ansi.to_html(screen)}</pre></figure>"
    )
    composed.locator("body").screenshot(path=path)
    composed.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
