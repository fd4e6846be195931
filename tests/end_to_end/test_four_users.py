"""Four users in one room: the page from disk, the page from the bridge, the terminal, and ten lines of Python."""

import re
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.end_to_end.conftest import OpenPage, OpenTerminal
from tests.end_to_end.pages import enter, expect_message, messages, write
from tests.end_to_end.programs import ROOT, Program

SCRIPT = """\
import socket, sys
from tcp_server.wordpacket import read_message, send_message, send_packet
sock = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
send_packet(sock, {"type": "NICK", "nickname": "dora", "rooms": ["tea"]})
while (packet := read_message(sock))["type"] != "BYE":
    if packet["type"] == "MSG":
        print(packet["nickname"], packet["message"], sep=": ", flush=True)
        if packet["message"].endswith("?"):
            send_message(sock, "dora", "four o'clock", room="tea")
"""


@pytest.fixture
def script(server: Program) -> Iterator["subprocess.Popen[str]"]:
    """The script, running as dora."""
    with subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(server.port)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as process:
        yield process
        process.kill()


def test_four_users_see_each_other(
    server: Program, open_page: OpenPage, open_terminal: OpenTerminal, script: "subprocess.Popen[str]"
) -> None:
    """Each of the four says something, and all four see all of it in one order."""
    disk = open_page("file", "alice")
    enter(disk, "tea")
    bridge = open_page("http", "bob")
    enter(bridge, "tea")
    command = [sys.executable, "-m", "cli_client", "127.0.0.1", str(server.port), "--nick", "carol", "--room", "tea"]
    terminal = open_terminal(command)
    terminal.wait_for("#tea")

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
    expect_everywhere("dora", "four o'clock")

    said = ["the kettle is on", "grüner 茶 <b>please</b>", "when is it ready?", "four o'clock"]
    assert messages(disk) == messages(bridge) == said
    shown = terminal.screen()
    assert sorted(said, key=shown.index) == said
    for page in (disk, bridge):
        assert {name.split()[-1] for name in page.locator("#members li").all_inner_texts()} == {
            "alice",
            "bob",
            "carol",
            "dora",
        }
