"""The driver: effects that wait for answers, carried out in order."""

from collections.abc import Sequence
from datetime import timedelta

import pytest

from cli_client.chat.effects import FaceEffect, Quit, ScrollUp, Show
from cli_client.chat.face import ListAnswer
from cli_client.chat.session import ChatSession
from cli_client.driver import Driver, local_now
from cli_client.library.client import Client
from cli_client.library.events import Event, Failed, Live, Lost
from cli_client.pipe.plain import Exit
from tcp_server.protocol import client_packets, server_packets
from tests.cli_client.scripted_server import Open, ScriptedServer, msg


async def test_refused_questions_are_told(piped, capfd: pytest.CaptureFixture[str]) -> None:
    """An ERROR or RETRY to a command is a line on stderr, and so is a text that is too long."""
    pipes = await piped()
    pipes.type("/join secret\n/nick bob\n" + "x" * 8001 + "\n/history 1\n")
    pipes.end_input()
    join = await pipes.peer.expect(client_packets.Join)
    pipes.peer.say(server_packets.Error(code="forbidden", message="no entry", ref=join.ref))
    nick = await pipes.peer.expect(client_packets.Nick)
    pipes.peer.say(server_packets.Retry(nickname="bob", reason="taken", message="bob is taken", ref=nick.ref))
    history = await pipes.peer.expect(client_packets.History)
    pipes.peer.say(server_packets.History(room="lobby", messages=[msg(1)], more=False, ref=history.ref))
    assert await pipes.exit() is Exit.REFUSED
    assert capfd.readouterr().err.splitlines() == [
        "wordpacket: no entry",
        "wordpacket: bob is taken",
        "wordpacket: a message has 1 to 8,000 characters, not 8,001",
    ]
    assert len(pipes.output()) == 1


class Recorder:
    """A face that writes down what it is told."""

    def __init__(self) -> None:
        self.packets: list[Event | ListAnswer] = []
        self.changes: list[Sequence[FaceEffect]] = []

    def received(self, packet: Event | ListAnswer, body: bytes) -> None:
        self.packets.append(packet)

    def changed(self, effects: Sequence[FaceEffect]) -> None:
        self.changes.append(effects)

    @property
    def texts(self) -> list[str]:
        return [effect.line.text for effects in self.changes for effect in effects if isinstance(effect, Show)]


def driven(client: Client, *, paged: bool = True) -> tuple[Driver, ChatSession, Recorder]:
    """Return a driver of this client, its session and its face."""
    session = ChatSession(client.nickname, local_now(), paged=paged)
    driver = Driver(client, session)
    face = Recorder()
    driver.attach(face)
    return driver, session, face


async def until(driver: Driver, kind: type[Event]) -> None:
    """Take events up to the first of a kind."""
    async for event in driver.events():
        if isinstance(event, kind):
            return


async def test_an_event_reaches_the_face_and_the_session(opened: Open) -> None:
    """Before the face asks for the next one."""
    client, peer = await opened()
    driver, session, face = driven(client)
    await until(driver, Live)
    peer.say(msg(1, "hello"))
    await until(driver, server_packets.Msg)
    assert face.packets[-1] == msg(1, "hello")
    assert [line.text for line in session.book.current.lines] == face.texts == ["hello"]


async def test_a_face_gets_the_effects_that_are_its_own(opened: Open) -> None:
    """One change for each line that was typed, with the effects in order."""
    client, _ = await opened()
    driver, _, face = driven(client)
    await until(driver, Live)
    driver.typed("/history")
    driver.typed("/quit so long")
    assert face.changes[-2:] == [[ScrollUp()], [Quit("so long")]]


async def test_only_the_named_messages_are_settled(opened: Open) -> None:
    """/retry and /drop act on the failed messages of their room, and on no other message."""
    client, peer = await opened()
    driver, session, _ = driven(client)
    await until(driver, Live)
    driver.typed("bad")
    bad = await peer.expect(client_packets.Msg)
    driver.typed("waits")
    await peer.expect(client_packets.Msg)
    for command in ("/retry", "/drop"):
        peer.say(server_packets.Error(code="forbidden", message="no", ref=bad.ref))
        await until(driver, Failed)
        driver.typed(command)
        if command == "/retry":
            assert (await peer.expect(client_packets.Msg)).ref == bad.ref
    assert [outgoing.message for outgoing in client.outgoing] == ["waits"]
    assert [line.text for line in session.book.current.lines] == ["waits"]


async def test_what_an_earlier_process_left_is_shown(opened: Open) -> None:
    """Its unsent messages as pending lines, and the people it talked with as views."""
    client, peer = await opened()
    peer.say(msg(1, to="alice"), server_packets.Ping())
    await peer.expect(client_packets.Pong)
    client.send("#dev", "unsent")
    _, session, _ = driven(client)
    assert session.book.targets() == ["#dev", "@bob"]
    assert [line.text for line in session.book.open("#dev").lines] == ["unsent"]


async def test_nothing_older_is_asked_for_without_a_connection(server: ScriptedServer, opened: Open) -> None:
    """Nor is the face told of a change: it would draw, and ask again."""
    client, peer = await opened()
    driver, session, face = driven(client)
    await until(driver, Live)
    peer.cut()
    await until(driver, Lost)
    session.book.open("@bob")
    session.book.switch("@bob")
    number = len(face.changes)
    driver.look_back()
    assert len(face.changes) == number
    peer = await server.accepted()
    await peer.open(resumed=True)
    await until(driver, Live)
    driver.look_back()
    assert (await peer.expect(client_packets.History)).to == "bob"
    number = len(face.changes)
    driver.look_back()  # the first answer is under way
    assert len(face.changes) == number


def test_the_time_has_a_zone() -> None:
    """That of this machine."""
    now = local_now()
    assert now.tzinfo is not None
    assert abs(now - local_now()) < timedelta(minutes=1)
