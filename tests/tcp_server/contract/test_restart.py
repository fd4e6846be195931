"""PROTOCOL.md section 5, held against running servers: grace, and what outlives a restart and a kill."""

import itertools
import signal

import pytest

from tcp_server.wordpacket import encode
from tests.conftest import StartServer
from tests.tcp_server.client import Packet, pack
from tests.tcp_server.conftest import Connect, Meet

# Grace


def test_in_grace_the_user_stays_in_its_rooms(meet: Meet, connect: Connect, room: str) -> None:
    """The nickname is held, and coming back isn't seen by others."""
    alice, bob = meet("alice", "bob")
    bob.cut()
    stranger = connect()
    stranger.send("NICK", nickname="bob")
    stranger.expect("RETRY", reason="taken")
    assert alice.ask("USERS", room=room)["users"] == ["alice", "bob"]
    again = connect("bob", token=bob.ready["token"])
    assert again.ready["rooms"] == [room]
    assert alice.sync() == []


def test_after_grace_the_user_leaves(start_server: StartServer, connect: Connect) -> None:
    """LEAVE (timeout), and the nickname is free."""
    server = start_server("--grace", "0.3")
    alice = connect("alice", port=server.port)
    bob = connect("bob", port=server.port)
    alice.expect("JOIN")
    bob.cut()
    alice.expect("LEAVE", room="lobby", nickname="bob", reason="timeout")
    impostor = connect("bob", port=server.port)
    assert impostor.ready["rooms"] == ["lobby"]
    late = connect(port=server.port)
    late.send("NICK", nickname="bob", token=bob.ready["token"])
    late.expect("RETRY", reason="taken")
    impostor.leave()
    late.open("bob", token=bob.ready["token"], after=0, rooms=["lobby"])
    assert late.ready["resumed"] is True


def test_one_of_two_sessions_may_break(meet: Meet, connect: Connect, start_server: StartServer) -> None:
    """The user is there as long as one session is."""
    server = start_server("--grace", "0")
    alice = connect("alice", port=server.port)
    second = connect("alice", port=server.port, token=alice.ready["token"])
    bob = connect("bob", port=server.port)
    bob.sync()
    second.cut()
    carol = connect("carol", port=server.port)
    carol.cut()
    bob.find("LEAVE", nickname="carol", reason="timeout")
    assert "alice" in bob.ask("USERS", room="lobby")["users"]


# Restarts


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_everything_outlives_a_restart(start_server: StartServer, connect: Connect, number: signal.Signals) -> None:
    """Messages, topics, tokens, the epoch, refs; and who was present is in grace when the server starts again."""
    first = start_server()
    alice = connect("alice", port=first.port, rooms=["tea", "lobby"])
    bob = connect("bob", port=first.port, rooms=["tea"])
    gone = connect("gone", port=first.port, rooms=["tea"])
    gone.leave()
    alice.ask("TOPIC", room="tea", topic="leaves")
    echo = alice.say("once", "tea")
    missed = alice.ask("MSG", to="bob", message="missed")
    first.signal(number)
    assert first.wait() == (-9 if number == signal.SIGKILL else 0)

    second = start_server()
    stranger = connect(port=second.port)
    stranger.send("NICK", nickname="BOB")
    stranger.expect("RETRY", reason="taken")
    stranger.open("gone", rooms=["tea"])
    assert stranger.rooms[0]["users"] == ["alice", "bob", "gone"]
    assert stranger.rooms[0]["topic"] == "leaves"
    assert stranger.rooms[0]["id"] == echo["id"]

    again = connect(
        "bob", port=second.port, token=bob.ready["token"], epoch=bob.ready["epoch"], after=echo["id"], rooms=["tea"]
    )
    assert (again.ready["resumed"], again.ready["rooms"]) == (True, ["tea"])
    assert again.read() == missed
    other = connect("alice", port=second.port, token=alice.ready["token"], after=missed["id"])
    assert other.ready["rooms"] == ["tea", "lobby"]
    assert other.sync() == []
    other.send("MSG", room="tea", message="once", ref=echo["ref"])
    assert other.read() == echo
    assert other.say("next", "tea")["id"] == missed["id"] + 1
    assert [packet["type"] for packet in again.sync()] == ["MSG"]


def test_the_roster_follows_renames_and_leaves(start_server: StartServer, connect: Connect) -> None:
    """Killed at once after the answer, the server finds the state of the answer."""
    first = start_server()
    alice = connect("alice", port=first.port, rooms=["one", "two"])
    alice.ask("LEAVE", room="one")
    alice.ask("JOIN", room="three")
    alice.ready = alice.ask("NICK", nickname="alicia")
    first.kill()
    second = start_server()
    again = connect("alicia", port=second.port, token=alice.ready["token"])
    assert again.ready["rooms"] == ["two", "three"]


def test_who_doesnt_come_back_after_a_restart_leaves(start_server: StartServer, connect: Connect) -> None:
    """Grace begins with the start."""
    first = start_server()
    connect("alice", port=first.port)
    connect("bob", port=first.port)
    first.kill()
    second = start_server("--grace", "0.5")
    carol = connect("carol", port=second.port)
    assert carol.rooms[0]["users"] == ["alice", "bob", "carol"]
    assert {carol.expect("LEAVE", reason="timeout")["nickname"] for _ in range(2)} == {"alice", "bob"}


def test_what_was_acknowledged_survives_kills_under_load(start_server: StartServer, connect: Connect) -> None:
    """kill -9 in the middle of it: every echoed message is in the log, none twice, ids go on."""
    echoed: list[int] = []
    refs = itertools.count()
    token = None
    for _ in range(4):
        server = start_server()
        fields: Packet = {} if token is None else {"token": token}
        alice = connect("alice", port=server.port, **fields)
        token = alice.ready["token"]
        alice.send_bytes(
            b"".join(
                encode(pack("MSG", {"message": "x", "room": "lobby", "ref": f"k{next(refs)}"})) for _ in range(2000)
            )
        )
        fresh = []
        try:
            for _ in range(700):
                fresh.append(alice.find("MSG")["id"])
            server.signal(signal.SIGKILL)
            while True:
                fresh.append(alice.find("MSG")["id"])
        except (EOFError, OSError):
            server.wait()
        assert not echoed or fresh[0] > echoed[-1]
        echoed += fresh
    server = start_server()
    alice = connect("alice", port=server.port, token=token, after=0)
    logged = [packet["id"] for packet in alice.sync()]
    assert set(echoed) <= set(logged)
    assert logged == sorted(set(logged))


def test_full_sync_is_the_same_to_clients(start_server: StartServer, connect: Connect) -> None:
    """`--sync full` waits for the disk; the protocol doesn't change."""
    server = start_server("--sync", "full")
    assert connect("alice", port=server.port).say("hi")["message"] == "hi"
