"""The regression guard: counts in scenario A at a fixed load, and proof that each of them can fail."""

from __future__ import annotations

import asyncio
import socket
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from tcp_server.chat.front import Front, LocalSettings
from tcp_server.chat.state import Room
from tcp_server.chat.steps import ChatSettings
from tcp_server.delivery.fanout import Fanout
from tcp_server.log.sqlite_log import SqliteLog
from tcp_server.server import Server
from tests.bench import guard
from tests.bench.guard import Counts, Crowd
from tests.outlets import write_each

CROWD = Crowd()


async def _count(folder: Path) -> Counts:
    """Run a server in this process and count its writes."""
    counts = Counts(CROWD.deliveries)
    log = SqliteLog(folder, asyncio.get_running_loop())
    key = b"k" * 32
    front = Front(LocalSettings(name="guard", version="0", new_uid=count(1).__next__), key)
    settings = ChatSettings(epoch=log.epoch, key=key)
    with guard.counted_writes(counts), socket.create_server(("127.0.0.1", 0)) as listener:
        server = Server(log, front, settings)
        listener.setblocking(False)
        await server.listen([listener])
        try:
            await guard.count_writes(listener.getsockname()[1], counts, CROWD)
        finally:
            await server.shutdown(0, asyncio.Event())
            log.close()
    return counts


def write_at_once(fanout: Fanout[Any], room: Room, frame: bytes) -> None:
    """Broadcast as a naive server does."""
    for outlet in fanout._listeners.get(room, ()):
        fanout._write_all((outlet,), frame)


async def test_a_tick_is_one_write_for_each_member(tmp_path: Path) -> None:
    """The messages that arrive together leave together."""
    counts = await _count(tmp_path)
    assert counts.messages == CROWD.deliveries
    assert counts.faults() == []


async def test_one_write_for_each_message_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The guard's own check: without joining, the counts are over their bounds."""
    monkeypatch.setattr(Fanout, "broadcast", write_at_once)
    counts = await _count(tmp_path)
    assert counts.messages == CROWD.deliveries
    assert counts.faults() == ["1.00 writes a delivery, at most 0.25", "1.0 messages a write, at least 4.0"]


@pytest.mark.skipif(not guard.can_count_system_calls(), reason="strace isn't here, or may not look at processes")
def test_a_delivery_is_a_fraction_of_a_system_call(tmp_path: Path) -> None:
    """All of the server's threads together: reading, the log and the writes."""
    calls = guard.count_system_calls(tmp_path, CROWD)
    assert calls > CROWD.deliveries / 100
    counts = Counts(CROWD.deliveries, writes=1, messages=CROWD.deliveries, system_calls=calls)
    assert counts.faults() == []


def test_too_many_system_calls_are_noticed() -> None:
    counts = Counts(1_000, writes=100, messages=1_000, system_calls=301)
    assert counts.faults() == ["0.30 system calls a delivery, at most 0.3"]


def test_members_share_the_bytes_of_a_tick() -> None:
    """However many hear a room, its joined bytes exist once."""
    assert guard.measure_memory(Fanout(write_each)).faults() == []


def test_bytes_for_each_member_are_noticed() -> None:
    class Copying(Fanout):
        def flush(self) -> None:
            packets = self._rooms
            self._rooms = {}
            for room, numbered in packets.items():
                for outlet in self._listeners.get(room, ()):
                    outlet.write(b"".join([packet for _, packet in numbered]))

    faults = guard.measure_memory(Copying(write_each)).faults()
    assert len(faults) == 1
    assert "bytes a delivery" in faults[0]


def test_bytes_kept_for_each_message_are_noticed() -> None:
    class Hoarding(Fanout[Any]):
        hoard: list[bytes]

        def broadcast(self, room: Room, frame: bytes) -> None:
            self.hoard = [*getattr(self, "hoard", []), frame + b"!"]
            super().broadcast(room, frame)

    assert any("kept" in fault for fault in guard.measure_memory(Hoarding(write_each), members=10).faults())
