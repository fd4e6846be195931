"""One session over several connections: nothing lost, nothing twice (PROTOCOL.md sections 3 to 5)."""

import asyncio

import pytest

from cli_client.library import resume
from cli_client.library.client import Client
from cli_client.library.connect import ConnectionState
from cli_client.library.errors import Unreachable
from cli_client.library.events import Failed, Live, Lost, Postponed, Sent, Unanswered
from cli_client.library.outbox import Outbox, OutgoingState
from cli_client.library.outputs import Hangup, Happened, Output, Write
from cli_client.library.resume import ResumingSession
from tcp_server.protocol import client_packets, server_packets
from tests.cli_client.library.listening import ids_until_live, reopened, take, until
from tests.cli_client.scripted_server import Open, ScriptedServer, echo_of, msg


async def test_a_cut_before_the_echo_resends_with_the_same_ref(server: ScriptedServer, opened: Open) -> None:
    """What had no echo goes out again after READY and PONG, not earlier, and then once."""
    client, peer = await opened(last=4)
    outgoing = client.send("lobby", "hello")
    first = await peer.expect(client_packets.Msg)
    peer.cut()
    peer = await server.accepted()
    nick = await peer.open(resumed=True, last=4)
    assert (nick.token, nick.epoch, nick.after, nick.rooms) == ("token-of-alice", "e1", 4, ["lobby"])
    again = await peer.echo(5)
    assert again.ref == first.ref == outgoing.ref
    assert (await client.sent(outgoing)).id == 5


async def test_the_replay_may_bring_the_echo(server: ScriptedServer, opened: Open) -> None:
    """An echo among the missed messages acknowledges: nothing is resent, nothing is seen twice."""
    client, peer = await opened()
    outgoing = client.send("lobby", "hello")
    said = await peer.expect(client_packets.Msg)
    peer.cut()
    await reopened(server, last=3, missed=(msg(1), echo_of(said, 2), msg(3)))
    assert (await client.sent(outgoing)).id == 2
    await until(client, Lost)
    assert await ids_until_live(client) == [1, 2, 3]
    assert client.outgoing == []


async def test_the_answer_to_a_resend_may_be_one_that_was_seen(server: ScriptedServer, opened: Open) -> None:
    """A replay without refs shows the message; the answer to the resend then only acknowledges it."""
    client, peer = await opened()
    outgoing = client.send("lobby", "hello")
    said = await peer.expect(client_packets.Msg)
    peer.cut()
    peer = await reopened(server, last=9, missed=(msg(7, "hello", "alice"), msg(9)))
    assert (await peer.expect(client_packets.Msg)).ref == said.ref
    peer.say(echo_of(said, 7), msg(10))
    assert (await client.sent(outgoing)).id == 7
    before, _ = await until(client, Sent)
    assert [event.id for event in before if isinstance(event, server_packets.Msg)] == [7, 9]


async def test_the_answer_to_a_resend_may_be_older_than_the_cursor(server: ScriptedServer, opened: Open) -> None:
    """Logged in a hole of what we saw, our own message is shown although later ones came before."""
    client, peer = await opened()
    client.send("lobby", "hello")
    said = await peer.expect(client_packets.Msg)
    peer.cut()
    peer = await reopened(server, last=900, missed=(server_packets.Gap(after=0, id=900), msg(900)))
    await peer.expect(client_packets.Msg)
    peer.say(echo_of(said, 7))
    before, _ = await until(client, Sent)
    assert [event.id for event in before if isinstance(event, server_packets.Msg)] == [900, 7]


async def test_an_id_that_was_seen_is_dropped(opened: Open) -> None:
    """A message that comes twice happens once."""
    client, peer = await opened(last=3)
    peer.say(msg(4), msg(4), msg(2), msg(5))
    await until(client, Live)
    got = [event.id async for event in take(client, 2)]
    assert got == [4, 5]


async def test_pong_moves_the_cursor(server: ScriptedServer, opened: Open) -> None:
    """READY's id is no cursor after a resume, PONG's always is one."""
    client, peer = await opened(last=10)
    peer.cut()
    peer = await server.accepted()
    assert (await peer.open(resumed=True, last=25, live=False)).after == 10
    await peer.expect(client_packets.Ping)
    peer.cut()  # in the middle of the replay: READY's 25 says nothing of what we have
    peer = await server.accepted()
    assert (await peer.open(resumed=True, last=25)).after == 10
    await until(client, Live)
    await until(client, Live)
    peer.cut()
    assert (await (await server.accepted()).open(resumed=True, last=25)).after == 25


async def test_another_log_starts_over(server: ScriptedServer, opened: Open) -> None:
    """Another epoch brings a GAP and small ids again, which are no repeats; the unsent goes out there."""
    client, peer = await opened(last=500)
    client.send("lobby", "hello")
    await peer.expect(client_packets.Msg)
    peer.cut()
    peer = await reopened(server, last=2, epoch="e2", missed=(server_packets.Gap(after=0, id=1), msg(1), msg(2)))
    await peer.echo(3)
    await until(client, Lost)
    assert await ids_until_live(client) == [1, 2]
    await until(client, Sent)
    peer.cut()
    nick = await (await server.accepted()).open(resumed=True, epoch="e2", last=3)
    assert (nick.epoch, nick.after) == ("e2", 3)


async def test_a_forgotten_user_does_not_say_it_twice(server: ScriptedServer, opened: Open) -> None:
    """Not resumed in the same log: what may have been logged for our old self fails, the rest goes out."""
    client, peer = await opened(last=4)
    tried = client.send("lobby", "tried")
    await peer.expect(client_packets.Msg)
    peer.cut()
    await until(client, Lost)
    fresh = client.send("lobby", "fresh")
    peer = await server.accepted()
    await peer.open(last=9)
    assert (await peer.echo(10)).message == "fresh"
    await client.sent(fresh)
    assert tried.state is OutgoingState.FAILED
    _, failed = await until(client, Failed)
    assert failed.outgoing is tried
    _, gap = await until(client, server_packets.Gap)
    assert (gap.after, gap.id) == (4, 10)


@pytest.mark.parametrize("code", ["rate_limited", "log_unavailable"])
async def test_what_the_server_cannot_take_now_is_tried_again(
    code: str, opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Too fast, or its disk is full: the message is held, not failed, and goes out again by itself."""
    monkeypatch.setattr("cli_client.library.outbox.POSTPONE_MIN_SECONDS", 0.01)
    client, peer = await opened()
    client._session.outbox._postpone_seconds = 0.01
    outgoing = client.send("lobby", "hello")
    said = await peer.expect(client_packets.Msg)
    peer.say(server_packets.Error(code=code, message="later", ref=said.ref))
    _, held = await until(client, Postponed)
    assert held.outgoing is outgoing
    assert outgoing.state is OutgoingState.PENDING
    assert (await peer.echo(1)).ref == said.ref
    await client.drained()


async def test_another_version_is_refused(server: ScriptedServer) -> None:
    """A protocol that we don't speak ends the connection before NICK."""
    connecting = asyncio.create_task(Client("127.0.0.1", server.port, nickname="alice").connect())
    peer = await server.accepted()
    hello = server_packets.Hello(
        protocol=2, server="s", version="9", limits=server_packets.Limits(), server_password=False
    )
    peer.say(hello)
    with pytest.raises(Unreachable, match="version 2"):
        await connecting


async def test_a_silent_server_is_given_up(
    server: ScriptedServer, opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Silence is met with a PING, more silence with a new connection; an answer keeps the connection."""
    monkeypatch.setattr(resume, "PING_SECONDS", 0.05)
    monkeypatch.setattr(resume, "DEAD_SECONDS", 0.2)
    client, peer = await opened()
    await peer.pong(0)
    await peer.expect(client_packets.Ping)
    peer = await reopened(server)
    _, lost = await until(client, Lost)
    assert "silent" in lost.reason
    assert client.status.state is ConnectionState.RECONNECTING or client.status.state is ConnectionState.LIVE
    peer.cut()


async def test_a_server_that_never_greets_is_given_up(server: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """No HELLO in time is an error at the start."""
    monkeypatch.setattr(resume, "OPENING_SECONDS", 0.05)
    with pytest.raises(Unreachable, match="does not answer"):
        await Client("127.0.0.1", server.port, nickname="alice").connect()


async def test_a_ping_is_answered(opened: Open) -> None:
    """PING gets PONG; packets of types that we don't know are passed over."""
    _, peer = await opened()
    peer.say_bytes(b'\x00\x11{"type":"FUTURE"}')
    peer.say(server_packets.Subscribe(room="lobby"), server_packets.Ping())
    await peer.expect(client_packets.Pong)


async def test_passwords_go_where_they_are_asked_for(server: ScriptedServer) -> None:
    """The server's password is sent only if HELLO wants one."""
    arguments = {"password": "mine", "server_password": "ours"}
    client = Client("127.0.0.1", server.port, nickname="alice", **arguments)
    connecting = asyncio.create_task(client.connect())
    peer = await server.accepted()
    nick = await peer.greet(server_password=True, motd="welcome")
    assert (nick.password, nick.server_password) == ("mine", "ours")
    assert client.motd == "welcome"
    connecting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await connecting


async def test_an_error_that_answers_nothing_is_an_event(opened: Open) -> None:
    """Without a ref it concerns the whole session; a RETRY without one concerns nobody."""
    client, peer = await opened()
    await until(client, Live)
    peer.say(
        server_packets.Retry(nickname="alice", reason="taken", message="too late"),
        server_packets.Error(code="rate_limited", message="too fast"),
    )
    before, error = await until(client, server_packets.Error)
    assert before == []
    assert error == server_packets.Error(code="rate_limited", message="too fast")


class Clock:
    """A session in the chat, and the time."""

    def __init__(self) -> None:
        self.session = ResumingSession("alice", ["lobby"], outbox=Outbox(lambda: f"r{self.now}"))
        self.now = 0.0
        self.session.connected(0)
        self.hear(
            server_packets.Hello(
                protocol=1, server="s", version="1", limits=server_packets.Limits(), server_password=False
            )
        )
        self.hear(server_packets.Ready(nickname="alice", token="t", epoch="e", id=0, rooms=["lobby"], resumed=False))
        self.hear(server_packets.Pong(id=0, ref="opening-1"))

    def hear(self, packet: server_packets.ServerPacket) -> list[Output]:
        return list(self.session.received(server_packets.format(packet), self.now))

    def say(self) -> list[Output]:
        self.session.outbox.add("hello", room="lobby")
        return list(self.session.flush(self.now))

    def wake(self) -> list[Output]:
        """Let the time pass until something is due, and return what is done."""
        at = self.session.wake_at(self.now)
        assert at is not None
        self.now = at
        return list(self.session.wake(at))


def test_a_message_without_an_answer_asks_whether_the_server_is_there() -> None:
    """After 2 s of silence; the program is told after 5, and after 10 the connection is given up."""
    clock = Clock()
    clock.now = 12.0
    clock.say()
    assert [type(output) for output in clock.wake()] == [Write]
    assert clock.now == 14
    assert clock.session.unanswered(16) == 0
    assert clock.wake() == [Happened(Unanswered(5))]
    assert clock.session.unanswered(18.5) == 6.5
    (hangup,) = clock.wake()
    assert isinstance(hangup, Hangup)
    assert (clock.now, hangup.reason) == (22, "the server has been silent for 10 seconds")


def test_whatever_comes_is_a_sign_of_life() -> None:
    """But while the message has no echo, the server is asked again."""
    clock = Clock()
    clock.say()
    clock.wake()
    clock.now = 3.0
    clock.hear(server_packets.Pong(id=0))
    for at in (5, 7):
        assert [type(output) for output in clock.wake()] == [Write]
        assert clock.now == at
        clock.hear(server_packets.Pong(id=0))
    clock.hear(server_packets.Msg(id=1, nickname="alice", message="hello", timestamp="", room="lobby", ref="r0.0"))
    clock.wake()
    assert clock.now == 7 + resume.PING_SECONDS


def test_a_quiet_server_is_asked_and_given_up_10_seconds_later() -> None:
    """Nobody waits for anything, and still a dead connection is noticed."""
    clock = Clock()
    assert [type(output) for output in clock.wake()] == [Write]
    assert clock.now == 25
    clock.wake()
    (hangup,) = clock.wake()
    assert (clock.now, type(hangup)) == (35, Hangup)


def test_waking_up_asks_at_once() -> None:
    """The silence of the time before is not the server's."""
    clock = Clock()
    clock.say()
    clock.wake()
    clock.now = 500.0
    assert [type(output) for output in clock.session.check(500)] == [Write]
    assert clock.session.unanswered(500) == 0
    clock.wake()
    assert clock.now == 505


async def test_a_stopped_program_does_not_give_the_server_up(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its timers are late; it asks first. A program that reads no further hears nothing, which is its own doing."""
    client, peer = await opened()
    client.send("lobby", "hello")
    await peer.expect(client_packets.Msg)
    reconnector = client._reconnector
    later = asyncio.get_running_loop().time() + 100
    monkeypatch.setattr(reconnector, "_now", lambda: later)
    reconnector._wake()
    await peer.expect(client_packets.Ping)
    reconnector._is_held = True
    later += 100
    reconnector._wake()
    assert client.unanswered == 0
    await peer.expect(client_packets.Ping)
    client.check_now()
    await peer.expect(client_packets.Ping)
