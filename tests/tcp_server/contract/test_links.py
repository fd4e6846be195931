"""PROTOCOL.md section 6, held against a running server: many sessions on one connection."""

import json
import socket

import pytest

from tcp_server.wordpacket import encode
from tests.conftest import StartServer
from tests.tcp_server.bridge import Bridge, kinds
from tests.tcp_server.client import Client, Packet
from tests.tcp_server.conftest import Connect, Link
from tests.tcp_server.process import ServerProcess


def test_link_is_allowed_from_loopback(server: ServerProcess) -> None:
    """READY {link: true}, with the `ref`, and nothing else in it."""
    client = Client(server.port)
    client.greet()
    client.send("LINK", name="bridge", ref="r")
    assert client.read() == {"type": "READY", "link": True, "ref": "r"}
    client.cut()


def test_link_in_escapes(server: ServerProcess) -> None:
    """It is the same JSON."""
    client = Client(server.port)
    client.greet()
    client.send_body(rb'{"type":"L\u0049NK","name":"bridge"}')
    assert client.read() == {"type": "READY", "link": True}
    client.cut()


def test_link_needs_the_right_secret_if_it_gives_one(
    start_server: StartServer, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A wrong one is refused even from loopback."""
    secret = tmp_path_factory.mktemp("secret") / "link"
    secret.write_text("schlüssel\n")
    server = start_server("--link-secret-file", str(secret))
    Bridge(server.port, secret="schlüssel").linked().cut()
    Bridge(server.port).linked().cut()
    wrong = Bridge(server.port, secret="schlussel")
    wrong.assert_ends("forbidden")
    wrong.cut()


def test_link_with_a_secret_that_the_server_has_not(server: ServerProcess) -> None:
    """This machine may link without one, so it needs not be right."""
    bridge = Bridge(server.port, secret="guess")
    bridge.cut()


def test_link_is_not_for_after_ready(connect: Connect) -> None:
    """A session stays one."""
    alice = connect("alice")
    assert alice.ask("LINK", name="x")["code"] == "unknown_type"


@pytest.mark.parametrize(
    "body", [b'{"type":"LINK"}', b'{"type":"LINK","name":7}', b'{"type":"LINK","name":"x","secret":7}']
)
def test_a_bad_link_is_a_bad_packet(connect: Connect, body: bytes) -> None:
    """The connection goes on and may open a session."""
    alice = connect()
    alice.send_body(body)
    alice.expect("ERROR", code="bad_packet")
    alice.open("alice")


def test_a_session_on_a_link(link: Link, room: str) -> None:
    """OPEN is answered by its HELLO; then it is like any other, with `session` as the first key."""
    bridge = link()
    bridge.send("OPEN", session=1, address="192.0.2.7")
    body = bridge.read_body()
    assert body.startswith(b'{"session":1,"type":"HELLO"')
    bridge.seen[1], bridge.rooms_of[1] = [], set()
    bridge.send("NICK", session=1, nickname="alice", rooms=[room], ref="r")
    ready = bridge.deliver()
    assert (ready["session"], ready["type"], ready["nickname"], ready["ref"]) == (1, "READY", "alice", "r")
    assert bridge.read() == {"session": 1, "type": "SUBSCRIBE", "room": room}
    bridge.expect("ROOM", session=1, room=room, users=["alice"])
    bridge.send("MSG", session=1, room=room, message="hi", ref="m")
    bridge.expect("MSG", session=None, room=room, message="hi", ref="m")


def test_a_rooms_message_crosses_once(link: Link, connect: Connect, room: str) -> None:
    """However many browsers are in the room."""
    bridge = link()
    for session in range(1, 21):
        bridge.enter(session, f"browser{session}", rooms=[room])
    alice = connect("alice", rooms=[room])
    alice.sync()
    said = [alice.say(str(number), room) for number in range(5)]
    crossed: list[Packet] = []
    while len([packet for packet in crossed if packet["type"] == "MSG"]) < 5:
        crossed.append(bridge.deliver())
    assert [packet for packet in crossed if packet["type"] == "MSG"] == said
    bridge.send("PING", ref="end")
    bridge.expect("PONG", ref="end")
    for session in range(1, 21):
        assert [packet for packet in bridge.seen[session] if packet["type"] == "MSG"] == said


def test_subscribe_stands_where_the_room_begins(link: Link, room: str) -> None:
    """A room packet before it is not for the session, one after it is: its own JOIN, then the ROOM."""
    bridge = link()
    bridge.enter(1, "alice", rooms=[room])
    bridge.enter(2, "bob", rooms=[])
    bridge.take(1)
    bridge.take(2)
    bridge.send("MSG", session=1, room=room, message="before")
    bridge.send("JOIN", session=2, room=room, ref="j")
    bridge.send("MSG", session=1, room=room, message="after")
    bridge.send("LEAVE", session=2, room=room)
    bridge.send("MSG", session=1, room=room, message="gone")
    assert kinds(bridge.take(1)) == ["MSG before", "JOIN", "MSG after", "LEAVE", "MSG gone"]
    assert kinds(bridge.take(2)) == ["JOIN", "ROOM", "MSG after", "LEAVE"]


def test_the_same_order_in_one_tick(link: Link, room: str) -> None:
    """Also when everything comes in one segment."""
    bridge = link()
    bridge.enter(1, "alice", rooms=[room])
    bridge.enter(2, "bob", rooms=[])
    bridge.take(1)
    bridge.take(2)
    packets: list[Packet] = [
        {"session": 1, "type": "MSG", "room": room, "message": "before"},
        {"session": 2, "type": "JOIN", "room": room},
        {"session": 1, "type": "MSG", "room": room, "message": "after"},
        {"session": 2, "type": "LEAVE", "room": room},
        {"session": 1, "type": "MSG", "room": room, "message": "gone"},
        {"session": 2, "type": "JOIN", "room": room},
        {"session": 2, "type": "BYE"},
        {"session": 1, "type": "MSG", "room": room, "message": "bye"},
    ]
    bridge.send_bytes(b"".join(encode(json.dumps(packet).encode()) for packet in packets))
    expected = ["MSG before", "JOIN", "MSG after", "LEAVE", "MSG gone", "JOIN", "LEAVE", "MSG bye"]
    assert kinds(bridge.take(1)) == expected
    assert kinds(bridge.seen[2]) == ["JOIN", "ROOM", "MSG after", "LEAVE", "JOIN", "ROOM", "LEAVE", "BYE"]


def test_direct_messages_on_a_link(link: Link, connect: Connect) -> None:
    """They carry the session of each that is to see them."""
    bridge = link()
    bridge.enter(1, "alice")
    bridge.enter(2, "bob")
    bridge.enter(3, "eve")
    carol = connect("carol")
    for session in (1, 2, 3):
        bridge.take(session)
    bridge.send("MSG", session=1, to="bob", message="psst", ref="r")
    bridge.send("MSG", session=2, to="carol", message="hey")
    assert kinds(bridge.take(1)) == ["MSG psst"]
    assert kinds(bridge.take(2)) == ["MSG psst", "MSG hey"]
    assert kinds(bridge.take(3)) == []
    carol.find("MSG", to="carol", nickname="bob", message="hey")
    carol.send("TYPING", to="alice")
    carol.ask("MSG", to="alice", message="back")
    assert kinds(bridge.take(1)) == ["TYPING", "MSG back"]


def test_two_sessions_of_one_user_on_a_link(link: Link, room: str) -> None:
    """Each is subscribed for itself; the first one's BYE changes nothing for the second."""
    bridge = link()
    ready = bridge.enter(1, "alice", rooms=[room])
    bridge.enter(2, "alice", token=ready["token"])
    assert bridge.rooms_of == {1: {room}, 2: {room}}
    bridge.send("MSG", session=2, room=room, message="both")
    assert kinds(bridge.take(1))[-1] == kinds(bridge.take(2))[-1] == "MSG both"
    bridge.send("BYE", session=1)
    assert bridge.until("BYE", session=1)["reason"] == "quit"
    bridge.send("MSG", session=2, room=room, message="one")
    assert kinds(bridge.take(2)) == ["MSG one"]


def test_close_is_an_unclean_end(link: Link, connect: Connect, room: str) -> None:
    """The user is held; what still comes for the session is ignored."""
    bridge = link()
    ready = bridge.enter(1, "alice", rooms=[room])
    bob = connect("bob", rooms=[room])
    bridge.send("CLOSE", session=1)
    bridge.send("MSG", session=1, room=room, message="too late")
    bridge.send("CLOSE", session=1)
    bridge.send("PAUSE", session=1)
    bridge.send("RESUME", session=1, after=0)
    bridge.send("PING", ref="p")
    bridge.until("PONG", ref="p")
    assert bob.ask("USERS", room=room)["users"] == ["alice", "bob"]
    assert bob.ask("HISTORY", room=room)["messages"] == []
    bridge.rooms_of[1] = set()
    again = bridge.enter(2, "alice", token=ready["token"], after=ready["id"])
    assert (again["resumed"], again["rooms"]) == (True, [room])
    assert bob.sync() == []


def test_packets_for_an_unknown_session_are_ignored(link: Link) -> None:
    """They cross."""
    bridge = link()
    for type in ("MSG", "NICK", "PING", "CLOSE", "PAUSE", "DANCE"):
        bridge.send(type, session=7, ref="r")
    bridge.send("RESUME", session=7, after=0)
    bridge.send_body(b'{"session":7}')
    bridge.send("PING", ref="p")
    bridge.expect("PONG", ref="p")


@pytest.mark.parametrize("session", [1, 0, -1, 2**60, 10**30])
def test_a_number_is_used_once(link: Link, session: int) -> None:
    """Again, below 1, or out of all bounds: ERROR bad_packet on the link."""
    bridge = link()
    bridge.start(1)
    bridge.send("CLOSE", session=1)
    bridge.send("OPEN", session=session, address="x", ref="r")
    bridge.expect("ERROR", code="bad_packet", ref="r", session=None)
    bridge.start(2)


def test_numbers_may_come_in_any_order(link: Link) -> None:
    """Each still only once."""
    bridge = link()
    for session in (5, 3, 1, 2, 9, 4):
        bridge.start(session)
    for session in (1, 2, 3, 4, 5, 9):
        bridge.send("OPEN", session=session, address="x")
        bridge.expect("ERROR", code="bad_packet", session=None)
    bridge.start(6)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"nonsense", "bad_packet"),
        (b"[]", "bad_packet"),
        (b"{}", "bad_packet"),
        (b'{"type":7}', "bad_packet"),
        (b"[" * 30_000, "bad_packet"),
        (b'{"session":"1","type":"PING"}', "bad_packet"),
        (b'{"session":1.5,"type":"PING"}', "bad_packet"),
        (b'{"session":true,"type":"PING"}', "bad_packet"),
        (b'{"session":[1],"type":"PING"}', "bad_packet"),
        (b'{"session":null,"type":"PING"}', "bad_packet"),
        (b'{"type":"OPEN"}', "bad_packet"),
        (b'{"type":"OPEN","session":8}', "bad_packet"),
        (b'{"type":"OPEN","session":8,"address":7}', "bad_packet"),
        (b'{"type":"CLOSE"}', "bad_packet"),
        (b'{"type":"RESUME","session":1}', "bad_packet"),
        (b'{"type":"RESUME","session":1,"after":-1}', "bad_packet"),
        (b'{"type":"DANCE"}', "unknown_type"),
        (b'{"type":"LINK","name":"again"}', "unknown_type"),
        (b'{"type":"NICK","nickname":"alice"}', "unknown_type"),
        (b'{"type":"MSG","room":"lobby","message":"hi"}', "unknown_type"),
        (b'{"type":"SUBSCRIBE","session":1,"room":"lobby"}', "unknown_type"),
    ],
)
def test_faults_on_the_link_are_answered_and_not_counted(link: Link, body: bytes, code: str) -> None:
    """More than ten of them, and the link goes on."""
    bridge = link()
    bridge.enter(1, "alice")
    bridge.take(1)
    for _ in range(11):
        bridge.send_body(body)
        error = bridge.expect("ERROR", code=code)
        assert error.get("session") in (None, 1)
    assert bridge.take(1) in ([], bridge.seen[1])


@pytest.mark.parametrize("session", ["null", "true", "1.0", '"1"', "0"])
@pytest.mark.parametrize("type", ["OPEN", "CLOSE", "PAUSE", "RESUME"])
def test_a_fault_on_the_link_carries_the_ref(link: Link, type: str, session: str) -> None:
    """The bridge knows which packet was wrong."""
    bridge = link()
    bridge.send_body(
        b'{"session":%b,"type":"%b","address":"x","after":0,"ref":"r"}' % (session.encode(), type.encode())
    )
    assert bridge.expect("ERROR", code="bad_packet")["ref"] == "r"


def test_faults_inside_a_session_end_only_that(link: Link) -> None:
    """The tenth bad packet: ERROR and BYE with the session; the others go on."""
    bridge = link()
    bridge.enter(1, "alice")
    bridge.enter(2, "bob")
    for _ in range(10):
        bridge.send_body(b'{"session":1}')
        error = bridge.until("ERROR", session=1)
        assert error["code"] == "bad_packet"
    assert bridge.deliver() == {"session": 1, "type": "BYE", "reason": "protocol", "message": "10 bad packets"}
    bridge.send("PING", session=1)
    bridge.rooms_of[1] = set()
    bridge.send("MSG", session=2, room="lobby", message="on")
    assert kinds(bridge.take(2))[-1] == "MSG on"


@pytest.mark.parametrize("end", [b"\0\0", encode(b"\xff"), encode(b'{"session":1,"type":"MSG","message":"\xff"}')])
def test_a_zero_length_or_bad_utf8_ends_the_link(
    link: Link, connect: Connect, bystander: Client, room: str, end: bytes
) -> None:
    """All its sessions end uncleanly, and can come back on another link."""
    bridge = link()
    ready = bridge.enter(1, "alice", rooms=[room])
    bridge.enter(2, "bob", rooms=[room])
    bridge.take(1)
    bridge.take(2)
    bob = connect("carol", rooms=[room])
    bob.sync()
    bridge.until("JOIN", nickname="carol")
    bridge.send_bytes(end)
    bridge.assert_ends("protocol", session=None)
    assert bob.ask("USERS", room=room)["users"] == ["alice", "bob", "carol"]
    missed = bob.say("missed", room)
    second = link()
    second.enter(1, "alice", token=ready["token"], after=ready["id"])
    assert missed in second.take(1)
    assert bob.sync() == []


@pytest.mark.parametrize("how", ["bye", "half", "fin", "reset"])
def test_losing_a_link_is_an_unclean_end_of_all(
    link: Link, connect: Connect, bystander: Client, room: str, how: str
) -> None:
    """Nobody sees it as long as the grace lasts."""
    bridge = link()
    tokens = [bridge.enter(session, f"browser{session}", rooms=[room])["token"] for session in (1, 2, 3)]
    alice = connect("alice", rooms=[room])
    alice.sync()
    bridge.until("JOIN", nickname="alice")
    if how == "bye":
        bridge.send("BYE", ref="b")
        bridge.assert_ends("quit", session=None, ref="b")
    elif how == "half":
        bridge.sock.shutdown(socket.SHUT_WR)
        bridge.read_to_end()
    elif how == "reset":
        bridge.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    bridge.cut()
    second = link()
    for session, token in enumerate(tokens, 1):
        ready = second.enter(session, f"browser{session}", token=token)
        assert ready["rooms"] == [room]
    assert alice.sync() == []
    said = alice.say("hello again", room)
    for session in (1, 2, 3):
        assert said in second.take(session)


def test_a_link_answers_pings_of_its_own(link: Link) -> None:
    """Without a session and without an id."""
    bridge = link()
    bridge.send("PING", ref="p")
    assert bridge.read() == {"type": "PONG", "ref": "p"}
    bridge.send("PONG")
    bridge.send("PING")
    assert bridge.read() == {"type": "PONG"}


def test_the_key_order_of_session_means_nothing_from_the_bridge(link: Link) -> None:
    """JSON is JSON; of a key given twice the last counts."""
    bridge = link()
    bridge.start(1)
    bridge.start(2)
    bridge.send_body(b'{"type":"PING","ref":"p","session":2}')
    bridge.until("PONG", session=2, ref="p")
    bridge.send_body(b'{"session":2,"type":"PING","ref":"q","session":1}')
    bridge.until("PONG", session=1, ref="q")


@pytest.mark.parametrize("end", [encode(b'{"type":"BYE"}'), encode(b"\xff"), b"\0\0"])
def test_what_follows_the_end_of_a_link_is_nothing(link: Link, connect: Connect, room: str, end: bytes) -> None:
    """Nobody comes in by a link that has ended, though it stands in the same segment."""
    bridge = link()
    bridge.enter(1, "alice", rooms=[])
    packets = [
        {"type": "OPEN", "session": 2, "address": "x"},
        {"session": 2, "type": "NICK", "nickname": f"ghost-{room}"},
    ]
    rest = b"".join(encode(json.dumps(packet).encode()) for packet in packets)
    history = encode(b'{"session":1,"type":"SEARCH","query":"x"}')  # its answer comes when the link has ended
    bridge.send_bytes(history + end + rest)
    assert bridge.read_to_end()[-1]["type"] == "BYE"
    connect(f"ghost-{room}")
