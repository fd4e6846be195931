"""The server in the test's own loop: the tick, a log that fails, connections that are dropped, links from elsewhere."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tcp_server.delivery.direct import DirectPort
from tcp_server.delivery.port import SHARE
from tcp_server.delivery.postponed import ANSWERS_MAX
from tcp_server.log.database import FILE_NAME
from tcp_server.log.interface import LogUnavailable
from tcp_server.log.sqlite_log import SqliteLog
from tcp_server.wordpacket import encode
from tests.tcp_server.client import pack
from tests.tcp_server.house import House, message_ids, token, types


@pytest.fixture
async def house() -> AsyncIterator[House]:
    house = House()
    yield house
    await house.close()


async def test_one_write_a_tick(house: House) -> None:
    """All that came in one turn of the loop leaves together."""
    alice = await house.enter("alice")
    bob = await house.enter("bob")
    alice.take()
    writes: list[int] = []
    real = bob.transport.write
    bob.transport.write = lambda data: (writes.append(len(data)), real(data))[1]  # type: ignore[func-returns-value,method-assign]
    for number in range(50):
        alice.send("MSG", room="lobby", message=str(number))
    await house.settle()
    assert len(message_ids(bob.take())) == 50
    assert len(writes) == 1


# A log that can't store


async def test_what_cant_be_stored_is_not_echoed(house: House) -> None:
    """The sender gets ERROR log_unavailable, nobody else gets anything; direct answers and joins go on."""
    alice, bob = await house.enter("alice"), await house.enter("bob")
    alice.take()
    house.memory.error = LogUnavailable("database or disk is full")
    alice.send("MSG", room="lobby", message="lost", ref="r")
    alice.send("MSG", to="bob", message="lost", ref="s")
    alice.send("PING", ref="p")
    alice.send("JOIN", room="tea")
    await house.settle()
    first, second, pong, join, room = alice.take()
    for packet, ref in ((first, "r"), (second, "s")):
        assert (packet["type"], packet["code"], packet["ref"]) == ("ERROR", "log_unavailable", ref)
        assert "disk is full" in packet["message"]
    assert (pong["ref"], join["type"], room["type"]) == ("p", "JOIN", "ROOM")
    assert bob.take() == []
    house.memory.error = None
    alice.send("MSG", room="lobby", message="found", ref="r")
    await house.settle()
    assert message_ids(alice.take()) == message_ids(bob.take()) == [1]


async def test_a_roster_that_cant_be_stored_is_stored_later(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the next message, or by itself after a while."""
    monkeypatch.setattr("tcp_server.server.RETRY_SECONDS", 0.02)
    house.memory.error = LogUnavailable("full")
    alice = await house.enter("alice", rooms=["tea"])
    assert house.log.present() == {}
    house.memory.error = None
    alice.send("MSG", room="tea", message="x")
    await house.settle()
    assert [present.nickname for present in house.log.present().values()] == ["alice"]
    assert [(room.key, room.newest) for room in house.log.rooms()] == [("tea", 1)]
    house.memory.error = LogUnavailable("full")
    alice.send("TOPIC", room="tea", topic="leaves")
    await house.settle()
    house.memory.error = None
    while [room.topic for room in house.log.rooms()] != ["leaves"]:
        await house.settle()


async def test_a_replay_waits_for_the_log(house: House) -> None:
    """A session that comes back with a batch that fails is caught up with the next one."""
    alice = await house.enter("alice")
    bob = await house.enter("bob")
    ticket = token(house, "bob")
    bob.cut()
    alice.send("MSG", room="lobby", message="missed")
    await house.settle()
    alice.take()
    house.memory.error = LogUnavailable("full")
    again = house.connect()
    again.send("NICK", nickname="bob", token=ticket, after=0)
    alice.send("MSG", room="lobby", message="refused")
    await house.settle()
    house.memory.error = None
    alice.send("MSG", room="lobby", message="live")
    await house.settle()
    assert [packet["message"] for packet in again.heard() if packet["type"] == "MSG"] == ["missed", "live"]
    assert types(alice.heard()).count("ERROR") == 1


async def test_a_log_that_cant_be_read(house: House) -> None:
    """ERROR log_unavailable, and the session goes on."""
    alice = await house.enter("alice")
    house.memory.is_unreadable = True
    alice.send("HISTORY", room="lobby", ref="h")
    alice.send("SEARCH", query="x", ref="s")
    alice.send("PING", ref="p")
    await house.settle()
    history, search, pong = alice.take()
    for packet, ref in ((history, "h"), (search, "s")):
        assert (packet["code"], packet["ref"]) == ("log_unavailable", ref)
    assert pong["ref"] == "p"
    house.memory.is_unreadable = False
    alice.send("HISTORY", room="lobby")
    await house.settle()
    assert types(alice.take()) == ["HISTORY"]


async def test_an_output_that_fails_takes_no_other_with_it(
    house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A bug of ours is logged; the rest of the tick is delivered."""
    alice, bob = await house.enter("alice"), await house.enter("bob")
    alice.take()
    real = type(bob.connection.handler).send  # type: ignore[attr-defined]

    def send(port: object, fanout: object, body: bytes) -> None:
        if b"poison" in body:
            raise AssertionError("a bug")
        real(port, fanout, body)

    monkeypatch.setattr("tcp_server.delivery.port.Port.send", send)
    alice.send("PING", ref="poison")
    bob.send("PING", ref="good")
    alice.send("MSG", room="lobby", message="x")
    await house.settle()
    assert (types(alice.take()), types(bob.take())) == (["MSG"], ["PONG", "MSG"])
    assert "could not be delivered" in caplog.text


# Connections that are dropped


async def test_a_dropped_session_can_come_back(house: House) -> None:
    """BYE for the reason, and the user is held."""
    alice = await house.enter("alice")
    alice.connection.handler.drop("timeout", "no data was received for 60 seconds")
    await house.settle()
    (bye,) = alice.take()
    assert (bye["type"], bye["reason"]) == ("BYE", "timeout")
    stranger = house.connect()
    stranger.send("NICK", nickname="alice")
    await house.settle()
    assert stranger.take()[-1]["reason"] == "taken"


async def test_a_link_is_dropped_as_one(house: House) -> None:
    """Its BYE has no session, its sessions are held."""
    bridge = house.connect()
    bridge.send("LINK", name="b")
    bridge.send("OPEN", session=1, address="x")
    bridge.send("NICK", session=1, nickname="alice")
    await house.settle()
    assert "READY" in types(bridge.take())
    bridge.connection.handler.drop("slow", "no data was accepted for 60 seconds")
    bridge.connection.handler.drop("slow", "again")
    await house.settle()
    assert bridge.take() == [{"type": "BYE", "reason": "slow", "message": "no data was accepted for 60 seconds"}]
    bob = await house.enter("bob")
    bob.send("USERS", room="lobby")
    await house.settle()
    assert bob.take()[-1]["users"] == ["alice", "bob"]


# Links from elsewhere


@pytest.mark.parametrize(("address", "allowed"), [("127.0.0.1", True), ("192.0.2.7", False)])
async def test_a_link_without_a_secret(house: House, address: str, allowed: bool) -> None:
    """From loopback only."""
    bridge = house.connect(address)
    bridge.send("LINK", name="b")
    await house.settle()
    answer = bridge.take()[-1]
    assert (answer["type"], answer.get("reason")) == (("READY", None) if allowed else ("BYE", "forbidden"))
    assert bridge.transport.is_closing() is not allowed


@pytest.mark.parametrize(("secret", "allowed"), [("sesame", True), ("Sesame", False)])
async def test_a_link_with_a_secret(secret: str, allowed: bool) -> None:
    """From anywhere, if it is right."""
    house = House(link_secret="sesame")
    bridge = house.connect("192.0.2.7")
    bridge.send("LINK", name="b", secret=secret)
    await house.settle()
    assert types(bridge.take())[-1] == ("READY" if allowed else "BYE")
    await house.close()


async def test_the_log_outlives_the_house(tmp_path: Path) -> None:
    """Shut down in order, everything is there again."""
    loop = asyncio.get_running_loop()
    house = House(SqliteLog(tmp_path, loop))
    alice = await house.enter("alice")
    alice.send("MSG", room="lobby", message="x")
    await house.settle()
    await house.close()
    assert (tmp_path / FILE_NAME).exists()
    house = House(SqliteLog(tmp_path, loop))
    stranger = house.connect()
    stranger.send("NICK", nickname="alice")
    await house.settle()
    assert stranger.take()[-1]["reason"] == "taken"
    await house.close()


# Shares, and what isn't read


async def test_a_flood_has_its_share_of_a_tick(house: House) -> None:
    """What the others send is answered in between; the flood's own answers keep their order."""
    alice, bob = await house.enter("alice"), await house.enter("bob")
    alice.take()
    count = 5 * SHARE
    alice.transport.feed(b"".join(encode(pack("PING", {"ref": str(number)})) for number in range(count)))
    bob.send("PING", ref="bob")
    assert len(house.server._hub._steps._outputs) <= SHARE + 1
    house.server._end_tick()
    assert bob.take()[-1]["ref"] == "bob"
    heard = alice.take()
    assert len(heard) <= SHARE
    await house.settle()
    assert [packet["ref"] for packet in heard + alice.take()] == [str(number) for number in range(count)]


@pytest.mark.parametrize("type", ["JOIN", "ROOMS", "NICK"])
async def test_long_answers_are_a_share_too(house: House, type: str) -> None:
    """Few packets of a tick may ask for them."""
    alice = await house.enter("alice", rooms=[f"{number:x>60}" for number in range(50)])
    sessions = [await house.enter("alice", token=token(house, "alice")) for _ in range(4)]
    fields = {"room": f"{1:x>60}", "nickname": "alice"}
    alice.transport.feed(encode(pack("LEAVE", fields)) + encode(pack(type, fields)) * SHARE)
    sent = sum(len(getattr(output, "body", b"")) for output in house.server._hub._steps._outputs)
    assert sent < 2 * ANSWERS_MAX
    await house.settle()
    assert sessions[0].take()


@pytest.mark.parametrize("phase", ["opening", "chatting", "in a replay"])
async def test_who_takes_nothing_is_not_read(house: House, phase: str) -> None:
    """At any pace: PINGs and packets that are refused are answered when it takes bytes again."""
    await house.enter("alice")
    peer = house.connect()
    if phase != "opening":
        after = {"token": token(house, "alice"), "after": 0} if phase == "in a replay" else {}
        peer.send("NICK", nickname="alice" if after else "bob", **after)
    if phase == "chatting":
        await house.settle()
    peer.congest()
    for _ in range(100):
        peer.send("PING")
        peer.send("DANCE")
    assert peer.transport.is_paused
    await house.settle()
    assert peer.transport.is_paused
    peer.relieve()
    await house.settle()
    heard = types(peer.take())
    assert (heard.count("PONG"), heard.count("ERROR")) == (100, 100)
    assert not peer.transport.is_paused


@pytest.mark.parametrize("kind", ["ROOM and LEAVE", "READY"])
async def test_other_sessions_fill_no_memory(house: House, kind: str) -> None:
    """What a user's second session does is kept for a first one that takes nothing, but not without a bound."""
    alice = await house.enter("alice")
    second = await house.enter("alice", token=token(house, "alice"))
    alice.congest()
    await house.settle()
    second.send("MSG", room="lobby", message="now it is behind")
    await house.settle()
    for number in range(600):
        if kind == "READY":
            second.send("NICK", nickname=f"alice{number}")
        else:
            second.send("JOIN", room="tea")
            second.send("LEAVE", room="tea", message="x" * 300)
    await house.settle()
    port = alice.connection.handler
    assert isinstance(port, DirectPort)
    assert port.postponed is not None
    assert port.postponed.bytes <= ANSWERS_MAX + 1_000
    alice.take()
    alice.relieve()
    await house.settle()
    heard = alice.take()
    if kind == "READY":
        assert [packet["nickname"] for packet in heard if packet["type"] == "READY"] == ["alice599"]
    assert types(heard)[:2] == ["MSG", "ROOM"]


async def test_a_replay_that_cant_be_read_for_long(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is tried again after a pause, and not in each tick."""
    monkeypatch.setattr("tcp_server.server.RETRY_SECONDS", 0.01)
    alice = await house.enter("alice")
    bob = await house.enter("bob")
    bob.congest()
    alice.send("MSG", room="lobby", message="1")
    await house.settle()
    asked: list[int] = []
    append = house.log.append

    def fail(drafts: Any, changes: Any, queries: Any, stored: Any, failed: Any) -> None:
        asked.append(len(queries))
        failed(LogUnavailable("full"))

    monkeypatch.setattr(house.log, "append", fail)
    bob.relieve()
    await house.settle()
    await house.settle()
    assert asked == [1]
    monkeypatch.setattr(house.log, "append", append)
    while message_ids(bob.heard()) != [1]:
        await house.settle()
