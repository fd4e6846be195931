"""PROTOCOL.md section 5, held against running servers: tokens, resume, GAP, grace, restarts, slow readers."""

import itertools
import signal
import socket
from pathlib import Path

import pytest

from tcp_server.directory import Changes
from tcp_server.log import Log
from tcp_server.state import Draft, Room, User
from tcp_server.wordpacket import encode
from tests.conftest import StartServer
from tests.tcp_server.client import Client, Packet, fresh_ref, pack
from tests.tcp_server.conftest import Connect, Meet
from tests.tcp_server.process import ServerProcess

LONG = "x" * 8000  # of these a slow reader's buffers hold only so many


def test_a_client_that_comes_back_gets_what_it_missed(meet: Meet, connect: Connect, room: str) -> None:
    """After READY and the ROOMs, oldest first, then live ones: no hole, no repeat; nobody saw it go."""
    alice, bob = meet("alice", "bob")
    seen = alice.say("seen", room)
    bob.sync()
    alice.cut()
    missed = [bob.say(f"missed {number}", room) for number in range(3)]
    missed.append(bob.ask("MSG", to="alice", message="direct"))
    again = connect()
    ready = again.open("alice", token=alice.ready["token"], epoch=alice.ready["epoch"], after=seen["id"], rooms=[room])
    assert (ready["resumed"], ready["rooms"]) == (True, [room])
    assert [again.read() for _ in missed] == missed
    live = bob.say("live", room)
    assert again.read() == live
    assert again.sync() == bob.sync() == []


def test_what_comes_in_meanwhile_joins_the_replay(meet: Meet, connect: Connect, room: str) -> None:
    """Messages are said while the client resumes, again and again: each comes once and in order."""
    alice, bob = meet("alice", "bob")
    token, epoch = alice.ready["token"], alice.ready["epoch"]
    newest = alice.ask("PING")["id"]
    expected: list[int] = []
    for turn in range(10):
        if turn % 2:
            alice.cut()
        packets = [encode(pack("MSG", {"room": room, "message": f"{turn} {number}"})) for number in range(60)]
        bob.send_bytes(b"".join(packets[:30]))
        again = connect()
        again.send("NICK", nickname="alice", token=token, epoch=epoch, after=newest)
        bob.send_bytes(b"".join(packets[30:]))
        expected = [bob.find("MSG")["id"] for _ in packets]
        again.ready = again.find("READY")
        got = [again.find("MSG")["id"] for _ in packets]
        assert got == expected
        newest = expected[-1]
        assert again.sync() == []


@pytest.mark.parametrize("fields", [{}, {"after": 0, "token": ""}, {"after": 0, "token": "bad"}, {"after": 0}])
def test_resumed_needs_a_good_token_and_after(connect: Connect, room: str, fields: Packet) -> None:
    """Without them it is a new user, who gets nothing of before."""
    alice = connect("alice", rooms=[room], **fields)
    assert alice.ready["resumed"] is False
    assert alice.sync() == []


def test_a_token_without_after_resumes_nothing(meet: Meet, connect: Connect, room: str) -> None:
    """It opens the user, and live messages follow."""
    alice, bob = meet("alice", "bob")
    bob.say("missed", room)
    second = connect("alice", token=alice.ready["token"])
    assert second.ready["resumed"] is False
    assert second.sync() == []


def test_no_epoch_counts_as_the_same(meet: Meet, connect: Connect, room: str) -> None:
    """So does the right one; with nothing missed, nothing comes."""
    (alice,) = meet("alice")
    said = [alice.say(str(number), room) for number in range(3)]
    for epoch in ({}, {"epoch": alice.ready["epoch"]}):
        second = connect("alice", token=alice.ready["token"], after=said[1]["id"], **epoch)
        assert second.ready["resumed"] is True
        assert second.sync() == [said[2]]
        third = connect("alice", token=alice.ready["token"], after=said[2]["id"], **epoch)
        assert third.sync() == []


@pytest.mark.parametrize("stale", ["epoch", "after", "far"])
def test_another_log_is_a_gap(meet: Meet, connect: Connect, room: str, stale: str) -> None:
    """Another `epoch`, or an `after` beyond the log: GAP with `after` 0, then the newest."""
    (alice,) = meet("alice")
    said = [alice.say(str(number), room) for number in range(3)]
    newest = said[-1]["id"]
    fields: dict[str, Packet] = {
        "epoch": {"epoch": "another", "after": newest},
        "after": {"after": newest + 1},
        "far": {"epoch": alice.ready["epoch"], "after": 10**30},
    }
    second = connect("alice", token=alice.ready["token"], **fields[stale])
    assert second.ready["resumed"] is True
    second.expect("GAP", after=0, id=said[0]["id"])
    assert second.sync() == said
    live = alice.say("live", room)
    assert second.read() == live


def test_a_gap_before_nothing(connect: Connect, room: str) -> None:
    """With no message to send, GAP's `id` is the newest + 1."""
    alice = connect("alice", rooms=[room])
    newest = alice.ask("PING")["id"]
    second = connect("alice", token=alice.ready["token"], epoch="another", after=0)
    second.expect("GAP", after=0, id=newest + 1)
    assert second.sync() == []


def test_a_pong_speaks_of_the_replay_too(meet: Meet, connect: Connect, room: str) -> None:
    """Everything up to its `id` was sent before it."""
    alice, bob = meet("alice", "bob")
    after = alice.ask("PING")["id"]
    missed = [bob.say(str(number), room)["id"] for number in range(600)]
    alice.cut()
    again = connect()
    again.send_bytes(
        encode(pack("NICK", {"nickname": "alice", "token": alice.ready["token"], "after": after}))
        + encode(pack("PING", {"ref": "p"}))
    )
    again.ready = again.expect("READY", id=missed[-1])
    again.expect("ROOM")
    assert [again.expect("MSG")["id"] for _ in missed] == missed
    again.expect("PONG", ref="p", id=missed[-1])


def test_a_room_given_on_coming_back_is_read_too(meet: Meet, connect: Connect, room: str) -> None:
    """The missed messages of the user's rooms, those of NICK among them."""
    alice, bob = meet("alice", "bob")
    after = alice.ask("PING")["id"]
    bob.ask("JOIN", room=f"{room}-2")
    said = bob.say("elsewhere", f"{room}-2")
    alice.cut()
    again = connect("alice", token=alice.ready["token"], after=after, rooms=[room, f"{room}-2"])
    assert again.ready["rooms"] == [room, f"{room}-2"]
    assert again.sync() == [said]


# A long absence, in a log that is filled directly


def fill(folder: Path, count: int) -> list[int]:
    """Log messages of one sender to a room, and return their ids."""
    folder.mkdir(parents=True, exist_ok=True)
    log = Log(folder)
    try:
        room, sender = Room("arena", "arena"), User(1, "ghost", "ghost")
        drafts = [_draft(sender, room, number) for number in range(count)]
        outcomes = log.append(drafts, Changes({"arena": ("arena", "")}, {}))
    finally:
        log.close()
    return [outcome for outcome in outcomes if isinstance(outcome, int)]


def _draft(sender: User, room: Room, number: int) -> Draft:
    rest = b'"nickname":"ghost","message":"%d","timestamp":"2026-11-22T10:00:00.000Z","room":"arena"}' % number
    return Draft(None, sender, 1_795_341_600_000 + number, rest, room)  # type: ignore[arg-type]


@pytest.mark.parametrize(("missed", "gap"), [(10_000, False), (10_001, True)])
def test_over_10000_missed_messages_are_a_gap(
    start_server: StartServer, connect: Connect, tmp_path: Path, missed: int, gap: bool
) -> None:
    """Then the newest 1,000 follow; 10,000 come in full."""
    ids = fill(tmp_path / "data", 10_100)
    server = start_server("--grace", "0")
    alice = connect("alice", port=server.port, rooms=["arena"])
    after = ids[-1] - missed
    second = connect("alice", port=server.port, token=alice.ready["token"], after=after)
    got = second.sync()
    if gap:
        assert got[0] == {"type": "GAP", "after": after, "id": ids[-1000]}
        got = got[1:]
        assert len(got) == 1000
    assert [packet["id"] for packet in got] == list(range(ids[-1] - len(got) + 1, ids[-1] + 1))
    assert len(got) == (1000 if gap else missed)


def test_a_gap_of_another_log_keeps_the_newest_1000(
    start_server: StartServer, connect: Connect, tmp_path: Path
) -> None:
    """However many there are."""
    ids = fill(tmp_path / "data", 1500)
    server = start_server("--grace", "0")
    alice = connect("alice", port=server.port, rooms=["arena"])
    second = connect("alice", port=server.port, token=alice.ready["token"], epoch="another", after=ids[-1])
    got = second.sync()
    assert got[0] == {"type": "GAP", "after": 0, "id": ids[-1000]}
    assert [packet["id"] for packet in got[1:]] == ids[-1000:]


def test_retention_leaves_a_gap(start_server: StartServer, connect: Connect, tmp_path: Path) -> None:
    """Pruning never leads to silence: who missed what was taken out is told."""
    ids = fill(tmp_path / "data", 30)
    server = start_server("--grace", "0", "--keep-messages", "10")
    alice = connect("alice", port=server.port, rooms=["arena"])
    while len(alice.ask("HISTORY", room="arena")["messages"]) > 10:
        pass  # until the first upkeep, a second after the start
    second = connect("alice", port=server.port, token=alice.ready["token"], after=ids[4])
    got = second.sync()
    assert got[0] == {"type": "GAP", "after": ids[4], "id": ids[20]}
    assert [packet["id"] for packet in got[1:]] == ids[20:]
    third = connect("alice", port=server.port, token=alice.ready["token"], after=ids[19])
    assert [packet["id"] for packet in third.sync()] == ids[20:]
    assert alice.say("next", "arena")["id"] == ids[-1] + 1


# Grace


def test_in_grace_the_user_stays_in_its_rooms(meet: Meet, connect: Connect, room: str) -> None:
    """The nickname is held, and coming back isn't seen by others."""
    alice, bob = meet("alice", "bob")
    bob.cut()
    stranger = connect()
    while True:
        stranger.send("NICK", nickname="bob")
        if stranger.read()["type"] == "RETRY":
            break
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


# Slow readers


def slow(port: int) -> Client:
    """A client whose kernel buffers little for it."""
    client = Client(port, receive_buffer=4096)
    client.greet()
    return client


def test_a_slow_reader_is_caught_up_in_order(
    server: ServerProcess, meet: Meet, clients: list[Client], room: str
) -> None:
    """It gets everything from the log once it drains, and never slows the others."""
    (alice,) = meet("alice")
    reader = slow(server.port)
    clients.append(reader)
    reader.open("reader", rooms=[room])
    ids = []
    for number in range(600):  # 4.8 MB, far more than all buffers on the way
        echo = alice.say(f"{number} {LONG[:7900]}", room)
        ids.append(echo["id"])
        if number == 300:
            ids.append(alice.ask("MSG", to="reader", message="direct")["id"])
    got = _drain(reader, ids[-1])
    assert [packet["id"] for packet in got if packet["type"] == "MSG"] == ids
    live = alice.say("live", room)
    assert reader.find("MSG") == live


def test_a_slow_reader_finds_its_rooms_as_they_are(
    server: ServerProcess, meet: Meet, clients: list[Client], room: str
) -> None:
    """What isn't logged may be skipped for it; fresh ROOMs follow the replay."""
    (alice,) = meet("alice")
    reader = slow(server.port)
    clients.append(reader)
    reader.open("reader", rooms=[room])
    for _ in range(600):
        newest = alice.say(LONG, room)["id"]
    alice.ask("TOPIC", room=room, topic="changed meanwhile")
    alice.ready = alice.ask("NICK", nickname="alicia")
    rest = _drain(reader, newest)
    state = reader.find("ROOM", room=room)
    assert (state["topic"], state["users"], state["id"]) == ("changed meanwhile", ["alicia", "reader"], newest)
    assert all(packet["type"] in ("MSG", "JOIN") for packet in rest)


def test_no_direct_answer_is_skipped_for_a_slow_reader(
    server: ServerProcess, meet: Meet, clients: list[Client], room: str
) -> None:
    """Its own packets wait while it lags, and are answered in order."""
    (alice,) = meet("alice")
    reader = slow(server.port)
    clients.append(reader)
    reader.open("reader", rooms=[room])
    for number in range(300):
        alice.say(LONG, room)
        reader.send("MSG", room=room, message=f"mine {number}", ref=(fresh_ref()))
        reader.send("USERS", room=room, ref=f"u{number}")
        reader.send("HISTORY", room=room, limit=1, ref=f"h{number}")
    alice.say(LONG, room)
    reader.send("PING", ref="the end")
    packets = []
    while (packet := reader.read()).get("ref") != "the end":
        packets.append(packet)
    mine = [packet["message"] for packet in packets if packet["type"] == "MSG" and packet["nickname"] == "reader"]
    assert mine == [f"mine {number}" for number in range(300)]
    answers = [packet["ref"] for packet in packets if packet["type"] in ("USERS", "HISTORY")]
    assert answers == [f"{kind}{number}" for number in range(300) for kind in "uh"]
    ids = [packet["id"] for packet in packets if packet["type"] == "MSG"]
    assert ids == sorted(set(ids))


def test_many_slow_readers_dont_slow_the_others(
    server: ServerProcess, meet: Meet, clients: list[Client], room: str
) -> None:
    """Twenty that read nothing, and each echo still comes; afterwards each gets all."""
    alice, bob = meet("alice", "bob")
    readers = [slow(server.port) for _ in range(20)]
    clients.extend(readers)
    for number, reader in enumerate(readers):
        reader.open(f"reader{number}", rooms=[room])
    alice.sync()
    bob.sync()
    ids = [alice.say(LONG, room)["id"] for _ in range(400)]
    assert [bob.find("MSG")["id"] for _ in ids] == ids
    for reader in readers:
        assert [packet["id"] for packet in _drain(reader, ids[-1]) if packet["type"] == "MSG"] == ids


def test_a_slow_reader_may_leave(server: ServerProcess, meet: Meet, clients: list[Client], room: str) -> None:
    """Cut off in the middle of the replay, it is an unclean end like any other."""
    alice, _ = meet("alice", "bob")
    reader = slow(server.port)
    reader.open("reader", rooms=[room])
    for _ in range(400):
        alice.say(LONG, room)
    reader.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # RST
    reader.cut()
    clients.append(reader)
    assert alice.say("on", room)["message"] == "on"
    assert "reader" in alice.ask("USERS", room=room)["users"]


def _drain(client: Client, last: int) -> list[Packet]:
    """Read up to and with the message with this id."""
    packets = []
    while True:
        packet = client.read()
        packets.append(packet)
        if packet["type"] == "MSG" and packet["id"] == last:
            return packets
