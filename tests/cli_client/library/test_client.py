"""The client library against a server that follows a script (PROTOCOL.md sections 3 to 5)."""

import asyncio
import json
import socket
from pathlib import Path

import pytest

from cli_client.library import client as client_module
from cli_client.library import connect, inbox, resume
from cli_client.library.client import Client
from cli_client.library.connect import ConnectionState
from cli_client.library.errors import ConnectionLost, NotAdmitted, RequestError, Unreachable
from cli_client.library.events import Event, Failed, Live, Lost, NotLetIn, Postponed, Sent
from cli_client.library.outbox import OutgoingState
from cli_client.library.store import Store, store_path
from tcp_server.protocol import client_packets, server_packets
from tests.cli_client.scripted_server import NOON, Open, Peer, ScriptedServer, echo_of, msg


async def until(client: Client, kind: type[Event]) -> tuple[list[Event], Event]:
    """Read events up to the first of a kind; return those before it, and it."""
    before: list[Event] = []
    async with asyncio.timeout(5):
        async for event in client.events():
            if isinstance(event, kind):
                return before, event
            before.append(event)
    raise AssertionError(f"the client ended before {kind}")


async def ids_until_live(client: Client) -> list[int]:
    before, _ = await until(client, Live)
    return [event.id for event in before if isinstance(event, server_packets.Msg)]


async def reopened(server: ScriptedServer, **arguments: object) -> Peer:
    peer = await server.accepted()
    await peer.open(resumed=True, **arguments)
    return peer


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


async def take(client: Client, number: int):
    async with asyncio.timeout(5):
        async for event in client.events():
            yield event
            number -= 1
            if not number:
                return


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


async def test_requests_are_answered_by_ref(opened: Open) -> None:
    """Answers go to who asked, in whatever order they come."""
    client, peer = await opened()
    asked = [
        asyncio.create_task(client.requests.history("@bob", before=7)),
        asyncio.create_task(client.requests.search("word", sender="bob")),
    ]
    history, search = await peer.expect(client_packets.History), await peer.expect(client_packets.Search)
    assert (history.to, history.before, search.sender) == ("bob", 7, "bob")
    peer.say(
        server_packets.Search(query="word", messages=[msg(2)], more=False, ref=search.ref),
        server_packets.History(to="bob", messages=[msg(1, to="alice")], more=True, ref=history.ref),
    )
    first, second = await asyncio.gather(*asked)
    assert [m.id for m in first.messages] == [1]
    assert [m.id for m in second.messages] == [2]


async def test_lists_are_read_to_their_end(opened: Open) -> None:
    """USERS and ROOMS are asked for page by page."""
    client, peer = await opened()
    asked = asyncio.create_task(client.requests.users("#lobby"))
    page = await peer.expect(client_packets.Users)
    peer.say(server_packets.Users(room="lobby", count=3, users=["alice", "bob"], more=True, ref=page.ref))
    page = await peer.expect(client_packets.Users)
    assert page.after == "bob"
    peer.say(server_packets.Users(room="lobby", count=3, users=["carol"], more=False, ref=page.ref))
    assert await asked == ["alice", "bob", "carol"]
    asked = asyncio.create_task(client.requests.rooms())
    page = await peer.expect(client_packets.Rooms)
    entry = server_packets.RoomEntry("dev", "", 1)
    peer.say(server_packets.Rooms(rooms=[entry], more=True, ref=page.ref))
    page = await peer.expect(client_packets.Rooms)
    assert page.after == "dev"
    peer.say(server_packets.Rooms(rooms=[], more=False, ref=page.ref))
    assert await asked == [entry]


async def test_rooms_are_entered_and_left(server: ScriptedServer, opened: Open) -> None:
    """JOIN's answer is the ROOM, LEAVE's the broadcast; the next NICK asks for the rooms as they are."""
    client, peer = await opened()
    joining = asyncio.create_task(client.requests.join("#dev"))
    join = await peer.expect(client_packets.Join)
    peer.say(
        server_packets.Join(room="dev", nickname="alice", timestamp=NOON),
        server_packets.Room(room="dev", count=1, topic="", users=["alice"], id=0, ref=join.ref),
    )
    assert (await joining).room == "dev"
    setting = asyncio.create_task(client.requests.set_topic("dev", "work"))
    topic = await peer.expect(client_packets.Topic)
    peer.say(server_packets.Topic(room="dev", topic="work", nickname="alice", timestamp=NOON, ref=topic.ref))
    await setting
    leaving = asyncio.create_task(client.requests.leave("lobby", "bye"))
    leave = await peer.expect(client_packets.Leave)
    assert leave.message == "bye"
    peer.say(server_packets.Leave(room="lobby", nickname="alice", timestamp=NOON, reason="left", ref=leave.ref))
    await leaving
    assert client.joined == ["dev"]
    peer.cut()
    assert (await (await server.accepted()).open(resumed=True, rooms=("dev",))).rooms == ["dev"]


async def test_a_rename_brings_a_new_name_and_token(server: ScriptedServer, opened: Open, tmp_path: Path) -> None:
    """READY in the middle renames, the store too; RETRY is an error of the request."""
    client, peer = await opened(store=Store.open("127.0.0.1", server.port, "alice", tmp_path))
    renaming = asyncio.create_task(client.rename("bob"))
    nick = await peer.expect(client_packets.Nick)
    peer.say(server_packets.Retry(nickname="bob", reason="taken", message="bob is taken", ref=nick.ref))
    with pytest.raises(RequestError, match="bob is taken"):
        await renaming
    renaming = asyncio.create_task(client.rename("carol"))
    nick = await peer.expect(client_packets.Nick)
    ready = server_packets.Ready(nickname="carol", token="new", epoch="e1", id=9, rooms=["lobby"], ref=nick.ref)
    peer.say(ready)
    assert await renaming == client.nickname == "carol"
    peer.cut()
    nick = await (await server.accepted()).open(resumed=True)
    assert (nick.nickname, nick.token, nick.after) == ("carol", "new", 0)
    assert store_path("127.0.0.1", server.port, "carol", tmp_path).exists()
    assert not store_path("127.0.0.1", server.port, "alice", tmp_path).exists()


async def test_an_unexpected_answer_is_an_error(opened: Open) -> None:
    """An answer of another type does not pass for the one that was asked for."""
    client, peer = await opened()
    asked = asyncio.create_task(client.requests.history("lobby"))
    history = await peer.expect(client_packets.History)
    peer.say(server_packets.Users(room="lobby", count=0, users=[], more=False, ref=history.ref))
    with pytest.raises(RequestError, match="USERS"):
        await asked


async def test_a_cut_asks_again_what_is_harmless(server: ScriptedServer, opened: Open) -> None:
    """HISTORY is asked again after a cut; a TOPIC, which may have been set, fails."""
    client, peer = await opened()
    asking = asyncio.create_task(client.requests.history("lobby"))
    setting = asyncio.create_task(client.requests.set_topic("lobby", "x"))
    ref = (await peer.expect(client_packets.History)).ref
    await peer.expect(client_packets.Topic)
    peer.cut()
    with pytest.raises(ConnectionLost):
        await setting
    peer = await reopened(server)
    again = await peer.expect(client_packets.History)
    assert again.ref == ref
    peer.say(server_packets.History(room="lobby", messages=[], more=False, ref=ref))
    assert (await asking).messages == []


async def test_a_request_waits_for_the_link(server: ScriptedServer, opened: Open) -> None:
    """What is asked while there is no link is asked once it is live."""
    client, peer = await opened()
    peer.cut()
    await until(client, Lost)
    asking = asyncio.create_task(client.rename("carol"))
    peer = await reopened(server)
    nick = await peer.expect(client_packets.Nick)
    peer.say(server_packets.Ready(nickname="carol", ref=nick.ref))
    assert await asking == "carol"


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


async def test_a_stable_link_is_made_again_at_once(
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
    """Silence is met with a PING, more silence with a new connection; an answer keeps the link."""
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


async def test_after_shutdown_it_comes_back_but_not_at_once(server: ScriptedServer, opened: Open) -> None:
    """BYE shutdown skips the immediate attempt."""
    client, peer = await opened()
    peer.say(server_packets.Bye(reason="shutdown", message="later"))
    _, lost = await until(client, Lost)
    assert lost.retry_seconds
    await reopened(server)
    await until(client, Live)


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


async def test_a_slow_program_slows_the_server_down(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """With many events unread the connection is read no further, unless somebody awaits an answer."""
    monkeypatch.setattr(inbox, "LIMIT", 10)
    client, peer = await opened()
    await until(client, Live)
    peer.say(*(msg(number) for number in range(1, 11)))
    while len(client._inbox._items) < 10:  # noqa: ASYNC110 - nothing tells of that
        await asyncio.sleep(0)
    peer.say(*(msg(number) for number in range(11, 21)), server_packets.Ping())
    for _ in range(100):  # turns of the loop in which they would be read
        await asyncio.sleep(0)
    asked = asyncio.create_task(client.requests.history("lobby"))
    history = await peer.expect(client_packets.History)  # and no PONG before it
    await peer.expect(client_packets.Pong)  # read for the sake of the answer
    peer.say(server_packets.History(room="lobby", messages=[], more=False, ref=history.ref))
    await asked
    assert [event.id async for event in take(client, 20)] == list(range(1, 21))


async def test_a_program_that_reads_no_events_only_loses_old_ones(
    opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unread events are bounded, and the connection goes on."""
    monkeypatch.setattr(inbox, "LIMIT", 3)
    client, peer = await opened()
    peer.say(*(msg(number) for number in range(1, 9)), server_packets.Ping())
    await peer.expect(client_packets.Pong)
    assert [event.id async for event in take(client, 3)] == [6, 7, 8]


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
    """TYPING goes out once in a while, and only over a live link."""
    client, peer = await opened()
    await until(client, Live)
    client.show_typing("@bob")
    client.show_typing("@bob")
    client.send("lobby", "hi")
    assert (await peer.expect(client_packets.Typing)).to == "bob"
    assert isinstance(await peer.next(), client_packets.Msg)


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


async def test_another_process_takes_up_the_thread(server: ScriptedServer, opened: Open, tmp_path) -> None:
    """Token, cursor, rooms and unsent messages come back from the store, after a kill too."""
    store = Store.open("127.0.0.1", server.port, "alice", tmp_path)
    client, peer = await opened(store=store)
    peer.say(msg(41, to="alice"), server_packets.Ping())
    await peer.expect(client_packets.Pong)
    outgoing = client.send("lobby", "unsent")  # saved before `send` returns
    kept = json.loads(store.path.read_bytes())
    assert kept["outgoing"][0]["ref"] == outgoing.ref
    await peer.expect(client_packets.Msg)
    await client.close()
    again = Store.open("127.0.0.1", server.port, "alice", tmp_path)
    second = Client("127.0.0.1", server.port, nickname="alice", rooms=["dev"], store=again)
    assert (second.unsent, second.peers, second.is_kept) == (1, ["bob"], True)
    connecting = asyncio.create_task(second.connect())
    peer = await server.accepted()
    nick = await peer.open(resumed=True, last=41)
    assert (nick.token, nick.after, nick.rooms) == ("token-of-alice", 41, ["lobby", "dev"])
    assert (await peer.echo(42)).ref == outgoing.ref
    await connecting
    await second.drained()
    await second.close()
    assert json.loads(store.path.read_bytes()).get("outgoing", []) == []


async def test_what_was_not_looked_at_comes_again(server: ScriptedServer, opened: Open, tmp_path: Path) -> None:
    """A program that was killed with events unread gets them from the log when it comes back."""
    client, peer = await opened(last=3, store=Store.open("127.0.0.1", server.port, "alice", tmp_path))
    await until(client, Live)
    peer.say(msg(4), msg(5), msg(6), server_packets.Ping())
    await peer.expect(client_packets.Pong)
    assert [event.id async for event in take(client, 1)] == [4]
    client.send("lobby", "done with 4")  # saves
    kept = json.loads(store_path("127.0.0.1", server.port, "alice", tmp_path).read_bytes())
    assert kept["after"] == 4
    assert [event.id async for event in take(client, 2)] == [5, 6]
    client.send("lobby", "done with 6")
    kept = json.loads(store_path("127.0.0.1", server.port, "alice", tmp_path).read_bytes())
    assert kept["after"] == 6


async def test_a_store_that_cannot_be_written_is_no_reason_to_end(
    server: ScriptedServer, opened: Open, tmp_path, caplog: pytest.LogCaptureFixture
) -> None:
    """A full disk here is logged, and the chat goes on."""
    folder = tmp_path / "state"
    client, peer = await opened(store=Store.open("127.0.0.1", server.port, "alice", folder))
    for file in folder.iterdir():
        file.unlink()
    folder.rmdir()
    client.send("lobby", "hello")
    assert "can't save" in caplog.text
    await peer.echo(1)
    await client.drained()
