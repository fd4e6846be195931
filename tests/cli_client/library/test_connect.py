"""The connection under a session: made, lost, made again."""

import asyncio
import socket

import pytest

from cli_client.library import connect
from cli_client.library.client import Client
from cli_client.library.connect import ConnectionState
from cli_client.library.errors import Unreachable
from cli_client.library.events import Live, Lost
from tcp_server.protocol import server_packets
from tests.cli_client.library.listening import reopened, until
from tests.cli_client.scripted_server import Open, ScriptedServer, msg


async def test_nobody_answers() -> None:
    """A port without a server is one clear error."""
    async with ScriptedServer() as gone:
        pass
    with pytest.raises(Unreachable, match="connection refused"):
        await Client("127.0.0.1", gone.port, nickname="alice").connect()


@pytest.mark.parametrize("host", ["host.invalid", "a..b", "x" * 70 + ".invalid"])
async def test_nobody_has_that_name(host: str) -> None:
    """A host that can't be found is the same kind of error."""
    with pytest.raises(Unreachable, match=r"[a-z]"):
        await Client(host, 9, nickname="alice").connect()


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ConnectionResetError(104, "x"), "connection reset by peer"),
        (
            OSError("Multiple exceptions: [Errno 111] Connect call failed ('::1', 9), [Errno 101] x"),
            "connection refused",
        ),
        (socket.gaierror(-2, "Name or service not known"), "name or service not known"),
        (OSError("Odd"), "odd"),
        (OSError(), "unknown error"),
    ],
)
def test_an_error_is_told_in_a_few_words(error: OSError, text: str) -> None:
    """Not as a number, nor as a list."""
    assert connect.describe(error) == text


def test_delays_double_up_to_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """At once, then half a second, doubling to thirty, each shortened at random by up to half."""
    monkeypatch.setattr(connect, "RECONNECT_MIN_SECONDS", 0.5)
    monkeypatch.setattr(connect, "RECONNECT_MAX_SECONDS", 30)
    longest = connect.reconnect_delays(lambda least, most: most)
    assert [next(longest) for _ in range(9)] == [0, 0.5, 1, 2, 4, 8, 16, 30, 30]
    shortest = connect.reconnect_delays(lambda least, most: least)
    assert [next(shortest) for _ in range(3)] == [0, 0.25, 0.5]


async def test_a_stable_connection_is_made_again_at_once(
    server: ScriptedServer, opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that lived for a while; one that flaps waits longer and longer."""
    client, peer = await opened()
    waits = []
    for stable in (9.0, 9.0, 0.0, 0.0):
        monkeypatch.setattr(connect, "STABLE_SECONDS", stable)
        await until(client, Live)
        peer.cut()
        _, lost = await until(client, Lost)
        waits.append(lost.retry_seconds)
        peer = await reopened(server)
    assert waits[0] == waits[2] == waits[3] == 0
    assert waits[1] > 0


@pytest.mark.parametrize("greeting", [b"\x00\x05hello", b"\x00\x00", b"HTTP/1.1 400 Bad Request\r\n\r\n" * 700])
async def test_something_else_answers(server: ScriptedServer, greeting: bytes) -> None:
    """A server of another kind is not taken for a chat."""
    connecting = asyncio.create_task(Client("127.0.0.1", server.port, nickname="alice").connect())
    peer = await server.accepted()
    peer.say_bytes(greeting)
    peer.close()
    with pytest.raises(Unreachable):
        await connecting


async def test_after_shutdown_it_comes_back_but_not_at_once(server: ScriptedServer, opened: Open) -> None:
    """BYE shutdown skips the immediate attempt."""
    client, peer = await opened()
    peer.say(server_packets.Bye(reason="shutdown", message="later"))
    _, lost = await until(client, Lost)
    assert lost.retry_seconds
    await reopened(server)
    await until(client, Live)


async def test_no_answer_in_time_is_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """A host that swallows everything is given up after a while."""

    async def never(*_: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(connect, "CONNECT_SECONDS", 0.01)
    monkeypatch.setattr(asyncio, "open_connection", never)
    with pytest.raises(Unreachable, match="no answer"):
        await Client("127.0.0.1", 9, nickname="alice").connect()


async def test_nothing_is_taken_after_the_end(opened: Open) -> None:
    """A packet behind BYE in the same read belongs to nobody."""
    client, peer = await opened()
    await until(client, Live)
    peer.say(server_packets.Bye(reason="kicked", message="go"), msg(1))
    before, _ = await until(client, Lost)
    assert before == []


async def test_a_packet_that_is_not_known_is_passed_over(opened: Open) -> None:
    """A later version of the server may say more than this client knows."""
    client, peer = await opened()
    await until(client, Live)
    body = b'{"type":"MSG","id":"seven"}'
    peer.say_bytes(len(body).to_bytes(2, "big") + body)
    peer.say(msg(8))
    before, message = await until(client, server_packets.Msg)
    assert (before, message.id) == ([], 8)


async def test_the_first_cut_says_since_when(server: ScriptedServer, opened: Open) -> None:
    """Further attempts that fail change the reason, not the time."""
    client, peer = await opened()
    await until(client, Live)
    assert client.status.state is ConnectionState.LIVE
    peer.cut()
    await until(client, Lost)
    since = client.status.since
    peer = await server.accepted()
    peer.close()
    await until(client, Lost)
    assert client.status.state is ConnectionState.RECONNECTING
    assert (client.status.since, client.status.reason) == (since, "the server closed the connection")
