"""The client against a server that follows a script: coming and going, sending, and what it tells."""

import asyncio

import pytest

from cli_client.library import client as client_module
from cli_client.library.client import Client
from cli_client.library.connect import ConnectionState
from cli_client.library.errors import ConnectionLost, NotAdmitted, RequestError
from cli_client.library.events import Failed, Live, Lost, NotLetIn, Sent
from cli_client.library.outbox import OutgoingState
from tcp_server.protocol import client_packets, server_packets
from tests.cli_client.library.listening import until
from tests.cli_client.scripted_server import NOON, Open, ScriptedServer, msg


async def test_opens_and_says_who_it_is(opened: Open) -> None:
    """The first NICK has the nickname and the rooms, and nothing of an earlier time."""
    client, peer = await opened(rooms=["#dev"], program="a test")
    nick = peer.opening
    assert (nick.nickname, nick.rooms, nick.client) == ("alice", ["dev"], "a test")
    assert client_packets.given(nick.token) is client_packets.given(nick.after) is None
    assert client.nickname == "alice"
    assert client.joined == ["lobby"]
    assert client.limits.message == 8000


async def test_an_echo_acknowledges(opened: Open) -> None:
    """A message is pending until its echo, and then known by its id."""
    client, peer = await opened()
    await until(client, Live)
    outgoing = client.send("#lobby", "one\r\ntwo")
    assert outgoing.state is OutgoingState.PENDING
    said = await peer.echo(1)
    assert (said.room, said.message) == ("lobby", "one\ntwo")
    assert len(said.ref) * 4 >= 64
    assert (await client.sent(outgoing)).id == 1
    assert outgoing.state is OutgoingState.SENT
    assert client.unsent == 0
    before, sent = await until(client, Sent)
    assert [event.id for event in before] == [1]
    assert sent.outgoing is outgoing


async def test_a_refused_message_fails_and_can_be_retried(opened: Open) -> None:
    """ERROR with the ref fails a message, with its reason; a retry has the same ref, a discard forgets it."""
    client, peer = await opened()
    outgoing = client.send("lobby", "hello")
    said = await peer.expect(client_packets.Msg)
    peer.say(server_packets.Error(code="forbidden", message="not here", ref=said.ref))
    with pytest.raises(RequestError, match="not here") as refusal:
        await client.sent(outgoing)
    assert refusal.value.code == outgoing.code == "forbidden"
    await until(client, Failed)
    with pytest.raises(RequestError):
        await client.sent(outgoing)
    client.retry(outgoing)
    assert (await peer.echo(1)).ref == said.ref
    assert (await client.sent(outgoing)).id == 1
    other = client.send("lobby", "other")
    said = await peer.expect(client_packets.Msg)
    peer.say(server_packets.Error(code="forbidden", message="not here", ref=said.ref))
    await until(client, Failed)
    client.discard(other)
    assert client.outgoing == []


async def test_the_first_refusal_is_raised(server: ScriptedServer) -> None:
    """RETRY before READY ends `connect`, with the reason."""
    client = Client("127.0.0.1", server.port, nickname="alice")
    connecting = asyncio.create_task(client.connect())
    peer = await server.accepted()
    await peer.greet()
    peer.say(server_packets.Retry(nickname="alice", reason="taken", message="alice is taken"))
    with pytest.raises(NotAdmitted, match="alice is taken") as refusal:
        await connecting
    assert (refusal.value.nickname, refusal.value.reason) == ("alice", "taken")
    await peer.closed()
    with pytest.raises(ConnectionLost):
        await client.requests.history("lobby")
    with pytest.raises(ValueError, match="before"):
        await client.connect()


async def test_an_error_to_nick_is_raised(server: ScriptedServer) -> None:
    """A room that can't be is an ERROR and no READY: `connect` says so instead of waiting."""
    client = Client("127.0.0.1", server.port, nickname="alice")
    connecting = asyncio.create_task(client.connect())
    peer = await server.accepted()
    nick = await peer.greet()
    peer.say(server_packets.Error(code="too_many", message="rooms: too many", ref=nick.ref))
    with pytest.raises(NotAdmitted, match="too many"):
        await connecting


async def test_a_later_refusal_keeps_trying(server: ScriptedServer, opened: Open) -> None:
    """Refused when it comes back, the client tells it, tries again, and takes another name at once."""
    client, peer = await opened()
    peer.cut()
    peer = await server.accepted()
    await peer.greet()
    peer.say(server_packets.Retry(nickname="alice", reason="taken", message="alice is taken"))
    _, refused = await until(client, NotLetIn)
    assert (refused.nickname, refused.reason) == ("alice", "taken")
    assert await client.rename("carol") == "carol"
    while True:
        peer = await server.accepted()
        nick = await peer.open(nickname="carol") if client.nickname == "carol" else await peer.greet()
        if nick.nickname == "carol":
            break
    await until(client, Live)
    assert client.status.state is ConnectionState.LIVE


async def test_the_server_may_send_us_away(opened: Open) -> None:
    """After BYE kicked the client stays away: its events end, and who waits gets an error."""
    client, peer = await opened()
    asked = asyncio.create_task(client.requests.history("lobby"))
    outgoing = client.send("lobby", "hello")
    waiting = asyncio.create_task(client.sent(outgoing))
    draining = asyncio.create_task(client.drained())
    await peer.expect(client_packets.History)
    await peer.expect(client_packets.Msg)
    peer.say(server_packets.Bye(reason="kicked", message="go"))
    _, lost = await until(client, Lost)
    assert (lost.reason, lost.retry_seconds) == ("go", None)
    assert [event async for event in client.events()] == []
    assert client.status.state is ConnectionState.OFFLINE
    for task in (asked, waiting, draining):
        with pytest.raises(ConnectionLost):
            await task


async def test_closing_says_bye(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """`close` says BYE with a message and waits for the server's; the rooms stay those to come back to."""
    monkeypatch.setattr(client_module, "BYE_SECONDS", 5)
    client, peer = await opened()
    closing = asyncio.create_task(client.close("so long"))
    assert (await peer.expect(client_packets.Bye)).message == "so long"
    peer.say(server_packets.Leave(room="lobby", nickname="alice", timestamp=NOON, reason="quit"))
    peer.say(server_packets.Bye(reason="quit", message="goodbye"))
    await closing
    await peer.closed()
    await client.close()
    assert client.joined == ["lobby"]


async def test_leaving_the_block_says_bye(server: ScriptedServer) -> None:
    """`async with` connects and closes."""
    client = Client("127.0.0.1", server.port, nickname="alice")

    async def chat() -> None:
        async with client as chat:
            assert chat is client

    chatting = asyncio.create_task(chat())
    peer = await server.accepted()
    await peer.greet()
    peer.say(server_packets.Ready(nickname="alice", token="t", epoch="e1", id=0, rooms=[], resumed=False))
    await peer.expect(client_packets.Ping)
    await peer.expect(client_packets.Bye)
    await chatting


async def test_closing_does_not_wait_for_ever(opened: Open) -> None:
    """A server that does not answer BYE is left all the same."""
    client, peer = await opened()
    await client.close()
    await peer.closed()


async def test_messages_leave_out_our_own(opened: Open) -> None:
    """`messages` yields what others said, and `reply` answers where it was said."""
    client, peer = await opened()
    peer.say(msg(1, "mine", "ALICE"), msg(2, "yours", "bob", to="alice"))
    async with asyncio.timeout(5):
        message = await anext(client.messages())
    assert message.id == 2
    client.reply(message, "thanks")
    said = await peer.expect(client_packets.Msg)
    assert (said.to, said.message) == ("bob", "thanks")
    assert client.peers == ["bob"]


@pytest.mark.parametrize(("target", "text"), [("lobby", ""), ("lobby", "x" * 8001), ("a b", "x"), ("@", "x")])
async def test_what_cannot_be_sent_is_the_callers_mistake(opened: Open, target: str, text: str) -> None:
    """An empty or too long text and a name that is none raise before anything is queued."""
    client, _ = await opened()
    with pytest.raises(ValueError, match=r"character|empty|hold"):
        client.send(target, text)
    assert client.outgoing == []


async def test_typing_is_told_now_and_then(opened: Open) -> None:
    """TYPING goes out once in a while, and only over a live connection."""
    client, peer = await opened()
    await until(client, Live)
    client.show_typing("@bob")
    client.show_typing("@bob")
    client.send("lobby", "hi")
    assert (await peer.expect(client_packets.Typing)).to == "bob"
    assert isinstance(await peer.next(), client_packets.Msg)
