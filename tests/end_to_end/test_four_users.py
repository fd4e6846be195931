"""Four users in one room: the page from disk, the page from the bridge, the terminal, and ten lines of Python."""

import re
import subprocess
import sys
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.end_to_end.conftest import OpenPage, OpenTerminal
from tests.end_to_end.pages import expect_message, messages, write
from tests.end_to_end.programs import ROOT, Program


@pytest.fixture
def script(server: Program) -> Iterator["subprocess.Popen[str]"]:
    """The example, running as dora."""
    command = [sys.executable, "examples/ten_lines.py", "127.0.0.1", str(server.port), "dora"]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield process
        process.kill()


def test_four_users_see_each_other(
    server: Program, open_page: OpenPage, open_terminal: OpenTerminal, script: "subprocess.Popen[str]"
) -> None:
    """Each of the four says something, and all four see all of it in one order."""
    disk = open_page("file", "alice")
    bridge = open_page("http", "bob")
    command = [sys.executable, "-m", "cli_client", "127.0.0.1", str(server.port), "--nick", "carol"]
    terminal = open_terminal(command)
    terminal.wait_for("#lobby")
    for page in (disk, bridge):
        for nickname in ("alice", "bob", "carol", "dora"):
            expect(page.locator("#members")).to_contain_text(nickname)

    def expect_everywhere(nickname: str, text: str) -> None:
        for page in (disk, bridge):
            expect_message(page, nickname, text)
        terminal.wait_for(re.escape(text))
        assert script.stdout is not None
        assert script.stdout.readline() == f"{nickname}: {text}\n"

    write(disk, "the kettle is on")
    expect_everywhere("alice", "the kettle is on")
    write(bridge, "grüner 茶 <b>please</b>")
    expect_everywhere("bob", "grüner 茶 <b>please</b>")
    terminal.say("when is it ready?")
    expect_everywhere("carol", "when is it ready?")
    print("four o'clock", file=script.stdin, flush=True)
    expect_everywhere("dora", "four o'clock")

    said = ["the kettle is on", "grüner 茶 <b>please</b>", "when is it ready?", "four o'clock"]
    assert messages(disk) == messages(bridge) == said
    shown = terminal.screen()
    assert sorted(said, key=shown.index) == said
