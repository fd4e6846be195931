"""The server in the test's own loop: the tick, a log that fails, the keeper's orders, links from elsewhere."""

import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tcp_server.log.database import FILE_NAME
from tcp_server.log.log import Log, LogUnavailable
from tcp_server.log.search import Search
from tests.tcp_server.house import House, message_ids, token, types


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    house = House(tmp_path / "data")
    yield house
    await house.close()


def fail_appending(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def append(self: Log, *_: object) -> None:
        raise error

    monkeypatch.setattr(Log, "append", append)


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


@pytest.mark.parametrize(
    ("error", "text"),
    [(LogUnavailable("database or disk is full"), "disk is full"), (KeyError("bug"), "internal error")],
)
async def test_what_cant_be_stored_is_not_echoed(
    house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, error: Exception, text: str
) -> None:
    """The sender gets ERROR log_unavailable, nobody else gets anything; direct answers and joins go on."""
    alice, bob = await house.enter("alice"), await house.enter("bob")
    alice.take()
    with monkeypatch.context() as broken:
        fail_appending(broken, error)
        alice.send("MSG", room="lobby", message="lost", ref="r")
        alice.send("MSG", to="bob", message="lost", ref="s")
        alice.send("PING", ref="p")
        alice.send("JOIN", room="tea")
        await house.settle()
        first, second, pong, join, room = alice.take()
        for packet, ref in ((first, "r"), (second, "s")):
            assert (packet["type"], packet["code"], packet["ref"]) == ("ERROR", "log_unavailable", ref)
            assert text in packet["message"]
        assert (pong["ref"], join["type"], room["type"]) == ("p", "JOIN", "ROOM")
        assert bob.take() == []
    assert text in caplog.text or "the log failed" in caplog.text
    alice.send("MSG", room="lobby", message="found", ref="r")
    await house.settle()
    assert message_ids(alice.take()) == message_ids(bob.take()) == [1]


async def test_a_roster_that_cant_be_stored_is_stored_later(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the next message, or by itself after a while."""
    monkeypatch.setattr("tcp_server.server.RETRY_SECONDS", 0.02)
    with monkeypatch.context() as broken:
        fail_appending(broken, LogUnavailable("full"))
        alice = await house.enter("alice", rooms=["tea"])
        assert house.log.present() == {}
    alice.send("MSG", room="tea", message="x")
    await house.settle()
    assert [present.nickname for present in house.log.present().values()] == ["alice"]
    assert [(room.key, room.newest) for room in house.log.rooms()] == [("tea", 1)]
    with monkeypatch.context() as broken:
        fail_appending(broken, LogUnavailable("full"))
        alice.send("TOPIC", room="tea", topic="leaves")
        await house.settle()
    while [room.topic for room in house.log.rooms()] != ["leaves"]:
        await house.settle()


async def test_a_replay_waits_for_the_log(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who comes back while nothing can be read is caught up when it can."""
    alice = await house.enter("alice")
    bob = await house.enter("bob")
    alice.send("PING")
    ticket = token(house, "bob")
    bob.cut()
    alice.send("MSG", room="lobby", message="missed")
    await house.settle()
    real = Log.append
    calls: list[int] = []

    def fails_twice(self: Log, *arguments: object) -> object:
        calls.append(1)
        if len(calls) <= 2:
            raise LogUnavailable("full")
        return real(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(Log, "append", fails_twice)
    again = house.connect()
    again.send("NICK", nickname="bob", token=ticket, after=0)
    alice.send("MSG", room="lobby", message="refused")
    await house.settle()
    alice.send("MSG", room="lobby", message="refused too")
    await house.settle()
    alice.send("MSG", room="lobby", message="live")
    await house.settle()
    assert [packet["message"] for packet in again.heard() if packet["type"] == "MSG"] == ["missed", "live"]
    assert types(alice.heard()).count("ERROR") == 2


async def test_a_reading_that_fails(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """ERROR log_unavailable, and the session goes on."""

    def broken(self: Search, *_: object, **__: object) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    alice = await house.enter("alice")
    with monkeypatch.context() as patched:
        patched.setattr(Search, "room_page", broken)
        patched.setattr(Search, "search", broken)
        alice.send("HISTORY", room="lobby", ref="h")
        alice.send("SEARCH", query="x", ref="s")
        alice.send("PING", ref="p")
        await house.settle()
    history, search, pong = alice.take()
    assert [(packet["code"], packet["ref"]) for packet in (history, search)] == [
        ("log_unavailable", "h"), ("log_unavailable", "s"),
    ]  # fmt: skip
    assert pong["ref"] == "p"
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


# The keeper's orders


async def test_pings_and_drops(house: House) -> None:
    """A PING; BYE for the reason; the user is held and can come back."""
    alice = await house.enter("alice")
    house.server._ping(alice.connection)
    await house.settle()
    assert alice.take() == [{"type": "PING"}]
    house.server._drop(alice.connection, "timeout")
    await house.settle()
    (bye,) = alice.take()
    assert (bye["type"], bye["reason"]) == ("BYE", "timeout")
    stranger = house.connect()
    stranger.send("NICK", nickname="alice")
    await house.settle()
    assert stranger.take()[-1]["reason"] == "taken"


async def test_a_link_is_pinged_and_dropped_as_one(house: House) -> None:
    """Its BYE has no session, its sessions are held."""
    bridge = house.connect()
    bridge.send("LINK", name="b")
    bridge.send("OPEN", session=1, address="x")
    bridge.send("NICK", session=1, nickname="alice")
    await house.settle()
    assert "READY" in types(bridge.take())
    house.server._ping(bridge.connection)
    house.server._drop(bridge.connection, "slow")
    house.server._drop(bridge.connection, "slow")
    await house.settle()
    assert bridge.take() == [{"type": "PING"}, {"type": "BYE", "reason": "slow", "message": "you took nothing"}]
    bob = await house.enter("bob")
    bob.send("USERS", room="lobby")
    await house.settle()
    assert bob.take()[-1]["users"] == ["alice", "bob"]


# Links from elsewhere


@pytest.mark.parametrize(
    ("address", "allowed"),
    [
        ("127.0.0.1", True),
        ("127.8.9.10", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("192.0.2.7", False),
        ("fe80::1%eth0", False),
        ("::ffff:192.0.2.7", False),
    ],
)
async def test_a_link_without_a_secret(house: House, address: str, allowed: bool) -> None:
    """From loopback only."""
    bridge = house.connect(address)
    bridge.send("LINK", name="b")
    await house.settle()
    answer = bridge.take()[-1]
    assert (answer["type"], answer.get("reason")) == (("READY", None) if allowed else ("BYE", "forbidden"))
    assert bridge.transport.is_closing() is not allowed


@pytest.mark.parametrize(("secret", "allowed"), [("sesame", True), ("Sesame", False), ("", False), ("šesame", False)])
async def test_a_link_with_a_secret(tmp_path: Path, secret: str, allowed: bool) -> None:
    """From anywhere, if it is right."""
    house = House(tmp_path / "data", link_secret="sesame")
    bridge = house.connect("192.0.2.7")
    bridge.send("LINK", name="b", secret=secret)
    await house.settle()
    assert types(bridge.take())[-1] == ("READY" if allowed else "BYE")
    await house.close()


async def test_the_database_outlives_the_house(tmp_path: Path) -> None:
    """Shut down in order, everything is there again."""
    house = House(tmp_path / "data")
    alice = await house.enter("alice")
    alice.send("MSG", room="lobby", message="x")
    await house.settle()
    await house.close()
    assert (tmp_path / "data" / FILE_NAME).exists()
    house = House(tmp_path / "data")
    stranger = house.connect()
    stranger.send("NICK", nickname="alice")
    await house.settle()
    assert stranger.take()[-1]["reason"] == "taken"
    await house.close()
