"""The full terminal with real keys, an output that is not looked at, and a server that follows a script."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from prompt_toolkit.input import PipeInput, create_pipe_input
from prompt_toolkit.output import DummyOutput

from cli_client.chat.lines import Fate
from cli_client.chat.session import ChatSession
from cli_client.driver import Driver, local_now
from cli_client.library.client import Client
from cli_client.library.connect import ConnectionState
from cli_client.library.events import Unanswered
from cli_client.screen.terminal import Terminal
from tcp_server.protocol import client_packets, server_packets
from tests.cli_client.scripted_server import NOON, Open, Peer, ScriptedServer, msg

UP, DOWN = "\x1b[5~", "\x1b[6~"
SECONDS = 10


class Seat:
    """Somebody at a terminal."""

    def __init__(self, client: Client, peer: Peer, keys: PipeInput) -> None:
        self.client, self.peer, self._keys = client, peer, keys
        self.session = ChatSession("alice", local_now())
        driver = Driver(client, self.session)
        self.terminal = Terminal(client, self.session.book, driver, screen=DummyOutput(), keys=keys)
        self.running = asyncio.create_task(self.terminal.run())

    def press(self, keys: str) -> None:
        self._keys.send_text(keys)

    async def until(self, holds: Callable[[], object]) -> None:
        """Wait, turn by turn of the event loop, until something holds."""
        async with asyncio.timeout(SECONDS):
            while not holds():  # noqa: ASYNC110 - anything may be waited for
                await asyncio.sleep(0)

    @property
    def texts(self) -> list[str]:
        return [line.text for line in self.session.book.current.lines]

    @property
    def typed(self) -> str:
        return self.terminal._buffer.text


@pytest.fixture
async def seated(opened: Open) -> AsyncIterator[Callable[[], Awaitable[Seat]]]:
    seats: list[Seat] = []
    with create_pipe_input() as keys:

        async def sit() -> Seat:
            seat = Seat(*await opened(), keys)
            seats.append(seat)
            await seat.until(lambda: seat.session.book.current.target == "#lobby")
            return seat

        yield sit
        for seat in seats:
            seat.terminal._quit("")
            async with asyncio.timeout(SECONDS):
                await seat.running


async def test_typing_sends_and_receiving_does_not_wait(seated) -> None:
    """A half-typed line stays while messages come; Enter sends it, and it is pending until its echo."""
    seat = await seated()
    seat.press("half a ")
    await seat.until(lambda: seat.typed == "half a ")
    seat.peer.say(msg(1, "meanwhile"))
    await seat.until(lambda: seat.texts == ["meanwhile"])
    assert seat.typed == "half a "
    seat.press("line\r")
    said = await seat.peer.expect(client_packets.Msg)
    assert said.message == "half a line"
    await seat.until(lambda: len(seat.terminal._buffer._working_lines) > 1)  # loaded at a redraw
    seat.press("\x1b[A")
    await seat.until(lambda: seat.typed == "half a line")  # Up: what was typed before
    seat.press("\x1b[B")
    await seat.until(lambda: seat.typed == "")
    assert seat.session.book.current.lines[-1].fate is Fate.PENDING
    seat.peer.say(msg(2, "half a line", "alice", ref=said.ref))
    await seat.until(lambda: seat.session.book.current.lines[-1].fate is Fate.SENT)


async def test_a_paste_is_one_message(seated) -> None:
    """Newlines of a paste, and those of Alt-Enter, are in the message."""
    seat = await seated()
    seat.press("\x1b[200~one\r\ntwo\x1b[201~\x1b\rthree\r")
    assert (await seat.peer.echo(1)).message == "one\ntwo\nthree"


async def test_tab_completes(seated) -> None:
    """A command, and a member's name."""
    seat = await seated()
    seat.press("/he\t")
    await seat.until(lambda: seat.typed == "/help ")
    seat.press("\x15/le\t\t\x1b[Z")
    await seat.until(lambda: seat.typed.startswith("/le"))
    seat.press("\x1b")
    seat.press("\x15")
    await seat.until(lambda: seat.typed == "")
    seat.peer.say(server_packets.Join(room="lobby", nickname="robert", timestamp=NOON))
    await seat.until(lambda: seat.texts == ["joined"])
    seat.press("ro\t")
    await seat.until(lambda: seat.typed == "robert: ")
    seat.press("hi\r")
    assert (await seat.peer.echo(1)).message == "robert: hi"


async def test_page_up_goes_back_without_a_jump(seated) -> None:
    """At the top older messages are fetched, and what is read stays where it is."""
    seat = await seated()
    seat.session.book.current.more = True
    for number in range(100, 160):
        seat.peer.say(msg(number))
    await seat.until(lambda: len(seat.texts) == 60)
    seat.press(UP)
    await seat.until(lambda: seat.session.book.current.attention.anchor is not None)
    seat.press(UP * 3)
    history = await seat.peer.expect(client_packets.History)
    assert history.before == 100
    anchor = seat.session.book.current.attention.anchor
    page = [msg(number) for number in range(50, 100)]
    seat.peer.say(server_packets.History(room="lobby", messages=page, more=False, ref=history.ref), msg(160))
    await seat.until(lambda: len(seat.texts) == 111)
    assert seat.session.book.current.attention.anchor is anchor
    assert seat.terminal._scrollback.below() > 0
    seat.press("\x1b[1;5A\x1b[1;5B")  # Ctrl-Up, Ctrl-Down
    seat.press(DOWN * 9)
    await seat.until(lambda: seat.session.book.current.attention.anchor is None)
    seat.press("/history\r")
    await seat.until(lambda: seat.session.book.current.attention.anchor is not None)
    seat.press("\x1b")
    await seat.until(lambda: seat.session.book.current.attention.anchor is None)


async def test_keys_lead_from_room_to_room(seated) -> None:
    """Alt and a number, an arrow or `a`, and Ctrl-N and Ctrl-P."""
    seat = await seated()
    seat.peer.say(server_packets.RoomState(room="dev", count=1, topic="", users=["alice"], id=0), msg(1, room="dev"))
    await seat.until(lambda: seat.session.book.views[-1].attention.unread)

    async def lead(keys: str, target: str) -> None:
        seat.press(keys)
        await seat.until(lambda: seat.session.book.current.target == target)

    await lead("\x1ba", "#dev")
    await lead("\x1b1", "#lobby")
    await lead("\x1b[1;3C", "#dev")
    await lead("\x1b[1;3D", "#lobby")
    await lead("\x0e", "#dev")
    await lead("\x10", "#lobby")
    seat.press("\x1b9\x0c")
    await lead("\x1b2", "#dev")


async def test_a_hit_leads_to_its_context_and_escape_back(seated) -> None:
    """/search, a number, Escape."""
    seat = await seated()
    seat.press("/search word\r")
    search = await seat.peer.expect(client_packets.Search)
    seat.peer.say(server_packets.Search(query="word", messages=[msg(5, "a word")], more=False, ref=search.ref))
    await seat.until(lambda: seat.session.book.current.target == "?")
    seat.press("1\r")
    history = await seat.peer.expect(client_packets.History)
    assert history.before == 6
    seat.peer.say(server_packets.History(room="lobby", messages=[msg(5, "a word")], more=False, ref=history.ref))
    history = await seat.peer.expect(client_packets.History)
    assert history.after == 5
    seat.peer.say(server_packets.History(room="lobby", messages=[], more=False, ref=history.ref))
    await seat.until(lambda: "around hit 1, in #lobby:" in seat.texts)
    seat.press("\x1b")
    await seat.until(lambda: seat.session.book.current.target == "#lobby")


async def test_typing_is_told(seated) -> None:
    """To the others while a text is typed, not for a command; theirs is shown."""
    seat = await seated()
    seat.press("/")
    await seat.until(lambda: seat.typed == "/")
    seat.press("\x15h")
    assert (await seat.peer.expect(client_packets.Typing)).room == "lobby"
    seat.peer.say(server_packets.Typing(room="lobby", nickname="bob"))
    await seat.until(lambda: seat.session.book.current.roster.typists(local_now()) == ["bob"])


async def test_failed_messages_are_retried_and_dropped(seated) -> None:
    """By hand, in the room where they failed."""
    seat = await seated()
    for command in ("/retry", "/drop"):
        seat.press("hello\r" if command == "/retry" else "")
        said = await seat.peer.expect(client_packets.Msg)
        seat.peer.say(server_packets.Error(code="forbidden", message="no", ref=said.ref))
        await seat.until(lambda: seat.session.book.current.lines[-1].fate is Fate.FAILED)
        seat.press(f"{command}\r")
    await seat.until(lambda: seat.texts == [])
    assert seat.client.outgoing == []


async def test_a_question_while_offline_says_that_it_waits(server: ScriptedServer, seated) -> None:
    """And is answered when the connection is back; a typed message goes out then."""
    seat = await seated()
    seat.peer.cut()
    await seat.until(lambda: seat.client.status.reason)
    peer = await server.accepted()
    seat.press("/rooms\r/nick eve\r")
    await seat.until(
        lambda: seat.texts == ["/rooms has to wait for the connection", "/nick has to wait for the connection"]
    )
    seat.press("hello\r")
    await seat.until(lambda: seat.client.unsent == 1)
    await peer.open(resumed=True)
    rooms = await peer.expect(client_packets.Rooms)
    await peer.expect(client_packets.Nick)
    await peer.echo(1)
    peer.say(server_packets.Rooms(rooms=[], more=False, ref=rooms.ref))
    await seat.until(lambda: "no room has members" in seat.texts)


@pytest.mark.parametrize(
    ("keys", "farewell"),
    [("/quit so long\r", "so long"), ("\x03\x03", ""), ("\x04", ""), ("x\x03\x03\x03", ""), ("x\x02\x04\x04", "")],
)
async def test_there_are_ways_out(seated, keys: str, farewell: str) -> None:
    """/quit, Ctrl-C twice on an empty line (on another it empties it), Ctrl-D."""
    seat = await seated()
    seat.press(keys)
    async with asyncio.timeout(SECONDS):
        assert await seat.running == farewell
    seat.terminal._quit("again")


async def test_a_bug_ends_it_with_its_traceback(seated, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error while events are handled is not a frozen screen."""
    seat = await seated()
    monkeypatch.setattr(seat.session, "received", lambda *_: 1 / 0)
    seat.peer.say(msg(1))
    with pytest.raises(ZeroDivisionError):
        await seat.running
    seat.running = asyncio.create_task(asyncio.sleep(0))


async def test_colour_codes_in_a_paste_leave_the_words(seated) -> None:
    """Without brackets around the paste they come as keys; they begin like the report of a mouse."""
    seat = await seated()
    seat.press("build: \x1b[31mFAILED\x1b[0m \x1b[38;5;9min\x1b[1;31M 3 s\r")
    assert (await seat.peer.echo(1)).message == "build: FAILED in 3 s"


async def test_one_ctrl_c_does_not_leave(seated, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bar says that a second one would; later it would not."""
    seat = await seated()
    seat.press("\x03")
    await seat.until(lambda: "again leaves" in str(seat.terminal._status()))
    monkeypatch.setattr(seat.terminal, "_interrupted_at", seat.terminal._interrupted_at - 2.0)
    assert "again leaves" not in str(seat.terminal._status())
    seat.press("\x03hello\r")
    assert (await seat.peer.echo(1)).message == "hello"


async def test_a_draft_stays_when_the_person_looks_elsewhere(seated) -> None:
    """Also for keys that come before the screen is drawn again."""
    seat = await seated()
    seat.peer.say(server_packets.RoomState(room="dev", count=1, topic="", users=["alice"], id=0))
    await seat.until(lambda: len(seat.session.book.views) == 2)
    seat.press("for the lobby\x1b2for dev\r")
    said = await seat.peer.expect(client_packets.Msg)
    assert (said.room, said.message) == ("dev", "for dev")
    seat.press("\x1b1\r")
    said = await seat.peer.expect(client_packets.Msg)
    assert (said.room, said.message) == ("lobby", "for the lobby")


async def test_a_silence_is_drawn_as_it_grows(seated, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each second, until the server says something."""
    seat = await seated()
    await seat.until(lambda: seat.client.status.state is ConnectionState.LIVE)
    monkeypatch.setattr(type(seat.client), "unanswered", 6.0)
    drawn: list[float] = []
    monkeypatch.setattr(seat.terminal, "_draw_in", drawn.append)
    seat.terminal.received(Unanswered(5.0), b"")
    assert "no answer for 6 s" in str(seat.terminal._status())
    assert drawn == [0, 1]
