"""PROTOCOL.md section 5, held against running servers: tokens, resume, GAP."""

from pathlib import Path

import pytest

from tcp_server.chat.directory import Changes
from tcp_server.chat.outputs import Draft
from tcp_server.chat.state import Room, User
from tcp_server.log.writer import LogWriter
from tcp_server.protocol.entries import MSG
from tcp_server.wordpacket import encode
from tests.conftest import StartServer
from tests.tcp_server.client import Packet, pack
from tests.tcp_server.conftest import Connect, Meet


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
    log = LogWriter(folder)
    try:
        room, sender = Room("arena", "arena"), User(1, "ghost", "ghost")
        drafts = [_draft(sender, room, number) for number in range(count)]
        outcomes = log.append(drafts, Changes({"arena": ("arena", "")}, {}))
    finally:
        log.close()
    return [outcome for outcome in outcomes if isinstance(outcome, int)]


def _draft(sender: User, room: Room, number: int) -> Draft:
    rest = b'"nickname":"ghost","message":"%d","timestamp":"2026-11-22T10:00:00.000Z","room":"arena"}' % number
    return Draft(MSG, None, sender, 1_795_341_600_000 + number, rest, room)  # type: ignore[arg-type]


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
