"""The input line of the full terminal: what is refused stays in it, and the keys that page and terminal share."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import DummyOutput

from cli_client.chat.session import ChatSession
from cli_client.driver import Driver, local_now
from cli_client.screen.terminal import Terminal
from tcp_server.protocol import client_packets, server_packets
from tests.cli_client.scripted_server import Open, Peer, msg

SECONDS = 10


class Desk:
    """Somebody at a terminal, in #lobby."""

    def __init__(self, peer: Peer, terminal: Terminal, session: ChatSession, press: object) -> None:
        self.peer, self.session, self.press = peer, session, press
        self._buffer = terminal._buffer

    @property
    def typed(self) -> str:
        return self._buffer.text

    async def until(self, holds: object) -> None:
        """Wait, turn by turn of the event loop, until something holds."""
        async with asyncio.timeout(SECONDS):
            while not holds():  # noqa: ASYNC110 - anything may be waited for
                await asyncio.sleep(0)


@pytest.fixture
async def desk(opened: Open) -> AsyncIterator[Desk]:
    with create_pipe_input() as keys:
        client, peer = await opened()
        session = ChatSession("alice", local_now())
        terminal = Terminal(client, session.book, Driver(client, session), screen=DummyOutput(), keys=keys)
        running = asyncio.create_task(terminal.run())
        made = Desk(peer, terminal, session, keys.send_text)
        await made.until(lambda: session.book.current.target == "#lobby")
        yield made
        terminal._quit("")
        async with asyncio.timeout(SECONDS):
            await running


@pytest.mark.parametrize(
    "line",
    ["/jion dev", "/join", "/join a!b", "/сказать hi", "/search x since:never", "/retry", "/context 4", "/switch x"],
)
async def test_a_refused_line_stays(desk: Desk, line: str) -> None:
    """It is shown why, nothing is sent, and the line can be mended."""
    desk.press(f"{line}\r")
    await desk.until(lambda: desk.session.book.current.lines)
    assert desk.typed == line
    desk.press("\x15mended\r")
    assert (await desk.peer.expect(client_packets.Msg)).message == "mended"
    assert desk.typed == ""


async def test_too_long_a_text_stays(desk: Desk) -> None:
    """It is longer than the server takes, so it is not sent."""
    text = "x" * 8001
    desk.press(f"\x1b[200~{text}\x1b[201~\r")
    await desk.until(lambda: desk.session.book.current.lines)
    assert desk.session.book.current.lines[-1].text == "a message has 1 to 8,000 characters, not 8,001"
    assert desk.typed == text


async def test_a_line_that_was_taken_is_gone(desk: Desk) -> None:
    """Also one that the server will refuse: that takes a while, and another line may have been begun."""
    desk.press("/join dev\rnext")
    joined = await desk.peer.expect(client_packets.Join)
    desk.peer.say(server_packets.Error(code="forbidden", message="not you", ref=joined.ref))
    await desk.until(lambda: desk.session.book.current.lines)
    assert desk.typed == "next"


async def test_alt_and_an_arrow_lead_up_and_down(desk: Desk) -> None:
    """Through the rooms in the order of their numbers."""
    desk.peer.say(server_packets.RoomState(room="dev", count=1, topic="", users=["alice"], id=0), msg(1, room="dev"))
    await desk.until(lambda: len(desk.session.book.views) == 2)
    for keys, target in (("\x1b[1;3B", "#dev"), ("\x1b[1;3A", "#lobby"), ("\x1b[1;3A", "#dev")):
        desk.press(keys)
        await desk.until(lambda target=target: desk.session.book.current.target == target)
