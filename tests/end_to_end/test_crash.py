"""Server or bridge is killed with -9 while people write: each message is in the end everywhere, once."""

import re
import socket
import sys

from playwright.sync_api import expect

from tcp_server.wordpacket import read_message, send_packet
from tests.end_to_end.conftest import OpenPage, OpenTerminal
from tests.end_to_end.pages import enter, expect_message, messages, write
from tests.end_to_end.programs import Program


def logged(port: int, room: str) -> list[str]:
    """Ask the server what its log holds of a room."""
    with socket.create_connection(("127.0.0.1", port)) as sock:
        send_packet(sock, {"type": "NICK", "nickname": "auditor", "rooms": [room]})
        send_packet(sock, {"type": "HISTORY", "room": room})
        while (packet := read_message(sock))["type"] != "HISTORY":
            assert packet["type"] in ("HELLO", "READY", "ROOM", "JOIN")
        return [message["message"] for message in packet["messages"]]


def test_what_page_and_terminal_hold_is_sent_once(
    server: Program, open_page: OpenPage, open_terminal: OpenTerminal
) -> None:
    """Both write while the server is dead; when it is back, both messages are once with everybody and in the log."""
    page = open_page("http", "alice")
    enter(page, "tea")
    command = [sys.executable, "-m", "cli_client", "127.0.0.1", str(server.port), "--nick", "carol", "--room", "tea"]
    terminal = open_terminal(command)
    terminal.wait_for("#tea")
    write(page, "before the crash")
    expect_message(page, "alice", "before the crash")
    terminal.wait_for("before the crash")

    server.kill()
    write(page, "from the page, meanwhile")
    expect_message(page, "alice", "from the page, meanwhile", state="pending")
    terminal.say("from the terminal, meanwhile")
    terminal.wait_for("1 unsent")
    server.start()

    for text in ("from the page, meanwhile", "from the terminal, meanwhile"):
        terminal.wait_for(re.escape(text))
        expect_message(page, "", text)
    expect(page.locator("#link-state")).to_have_attribute("data-state", "live")
    log = logged(server.port, "tea")
    assert log[0] == "before the crash"
    assert sorted(log[1:]) == ["from the page, meanwhile", "from the terminal, meanwhile"]
    assert messages(page) == log
    shown = terminal.screen()
    assert [shown.count(text) for text in log] == [1, 1, 1]


def test_reload_while_the_server_is_dead(server: Program, open_page: OpenPage) -> None:
    """What was written without a server outlives a reload of the page, and is then sent once."""
    page = open_page("http", "alice")
    enter(page, "tea")
    other = open_page("file", "bob")
    enter(other, "tea")

    server.kill()
    write(page, "written in vain?")
    expect_message(page, "alice", "written in vain?", state="pending")
    page.reload()
    expect_message(page, "alice", "written in vain?", state="pending")
    server.start()

    expect_message(page, "alice", "written in vain?")
    expect_message(other, "alice", "written in vain?")
    assert logged(server.port, "tea") == messages(page) == messages(other) == ["written in vain?"]


def test_bridge_is_killed(server: Program, bridge: Program, open_page: OpenPage) -> None:
    """Pages find a bridge that was killed again, send what they hold, and have missed nothing."""
    page, other = open_page("http", "alice"), open_page("file", "bob")
    for each in (page, other):
        enter(each, "tea")

    bridge.kill()
    expect(page.locator("#link-state")).not_to_have_attribute("data-state", "live")
    write(page, "through the bridge")
    expect_message(page, "alice", "through the bridge", state="pending")
    bridge.start()

    for each in (page, other):
        expect_message(each, "alice", "through the bridge")
        expect(each.locator("#link-state")).to_have_attribute("data-state", "live")
    assert logged(server.port, "tea") == messages(page) == messages(other) == ["through the bridge"]


def test_two_tabs_send_their_own(server: Program, open_page: OpenPage) -> None:
    """Two tabs of one user that wrote without a server send each its own message, and show both."""
    first = open_page("http", "alice")
    enter(first, "tea")
    second = first.context.new_page()
    second.goto(first.url)
    expect(second.locator("#link-state")).to_have_attribute("data-state", "live")
    expect(second.locator("#title")).to_have_text("#tea")

    server.kill()
    write(first, "of the first tab")
    write(second, "of the second tab")
    expect_message(first, "alice", "of the first tab", state="pending")
    expect_message(second, "alice", "of the second tab", state="pending")
    server.start()

    for tab in (first, second):
        for text in ("of the first tab", "of the second tab"):
            expect_message(tab, "alice", text)
    log = logged(server.port, "tea")
    assert sorted(log) == ["of the first tab", "of the second tab"]
    assert messages(first) == messages(second) == log
