"""The guard against a dearer fan-out, by counts instead of times: writes, messages in a write, system calls, memory.

The load is fixed: every publisher sends a window's messages in one segment and waits until every member has heard
them all. So the counts depend on the code and hardly on the machine.
"""

from __future__ import annotations

import asyncio
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import tracemalloc
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

from tcp_server.chat.state import Room
from tcp_server.delivery.fanout import Fanout
from tcp_server.net.outlet import Outlet, write_all
from tcp_server.wordpacket import encode, read_message, send_packet
from tests.bench import programs
from tests.bench.dialects import WordPackets
from tests.outlets import KeptOutlet

MARK = b'"type":"MSG"'
PATIENCE_SECONDS = 30.0

# The bounds. Today's value stands beside each; one write for each message fails the first three at 1.0.
WRITES_PER_DELIVERY = 0.25  # 0.08
MESSAGES_PER_WRITE = 4.0  # 13
SYSTEM_CALLS_PER_DELIVERY = 0.3  # 0.09: the writes; also reading, waiting and the log
BYTES_PER_DELIVERY = 12.0  # 3: a place in the tables of a tick, shared by its 32 messages
KEPT_BYTES_PER_DELIVERY = 0.5  # 0: a message leaves nothing in memory


@dataclass(frozen=True)
class Crowd:
    """Scenario A, smaller, and for a fixed number of rounds."""

    members: int = 50
    publishers: int = 2
    window: int = 8
    rounds: int = 20

    @property
    def deliveries(self) -> int:
        return self.members * self.publishers * self.window * self.rounds


@dataclass
class Counts:
    """The counts of a server during its deliveries."""

    deliveries: int
    writes: int = 0
    messages: int = 0
    system_calls: int | None = None  # where they could be counted

    def faults(self) -> list[str]:
        """Return the counts beyond their bounds."""
        found = []
        if self.writes > WRITES_PER_DELIVERY * self.deliveries:
            found.append(f"{self.writes / self.deliveries:.2f} writes a delivery, at most {WRITES_PER_DELIVERY}")
        if self.messages < MESSAGES_PER_WRITE * self.writes:
            found.append(f"{self.messages / self.writes:.1f} messages a write, at least {MESSAGES_PER_WRITE}")
        if self.system_calls is not None and self.system_calls > SYSTEM_CALLS_PER_DELIVERY * self.deliveries:
            found.append(
                f"{self.system_calls / self.deliveries:.2f} system calls a delivery, at most"
                f" {SYSTEM_CALLS_PER_DELIVERY}"
            )
        return found


# The load


class Members:
    """Blocking clients of one room, all in this thread."""

    def __init__(self, port: int, crowd: Crowd) -> None:
        self._crowd = crowd
        self._sockets: list[socket.socket] = []
        for number in range(crowd.members):
            sock = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_SECONDS)
            self._sockets.append(sock)
            send_packet(sock, {"type": "NICK", "nickname": f"u{number}", "rooms": ["bench"]})
            while read_message(sock)["type"] != "READY":
                pass
        for sock in self._sockets:  # once all have their PONG, no arrival is under way
            send_packet(sock, {"type": "PING"})
            while read_message(sock)["type"] != "PONG":
                pass

    def talk(self) -> None:
        """Publish all rounds; return once all members have heard all messages."""
        crowd = self._crowd
        window = WordPackets().message("bench", b"x" * 100) * crowd.window
        for _ in range(crowd.rounds):
            for publisher in self._sockets[: crowd.publishers]:
                publisher.sendall(window)
            for sock in self._sockets:
                _hear(sock, crowd.publishers * crowd.window)

    def close(self) -> None:
        for sock in self._sockets:
            sock.close()


def _hear(sock: socket.socket, messages: int) -> None:
    heard, rest = 0, b""
    while heard < messages:
        data = rest + sock.recv(65_536)
        if data == rest:
            raise EOFError("the server closed a member's connection")
        heard += data.count(MARK)
        rest = data[-len(MARK) + 1 :]  # the mark may be cut by the end of a read


# Writes, in this process


@contextmanager
def counted_writes(counts: Counts) -> Iterator[None]:
    """Count the writes of the servers that are made in this block."""

    def count_and_write(outlets: Iterable[Outlet], data: bytes) -> None:
        members = list(outlets)
        counts.writes += len(members)
        counts.messages += len(members) * data.count(MARK)
        write_all(members, data)

    with patch("tcp_server.server.write_all", count_and_write):
        yield


async def count_writes(port: int, counts: Counts, crowd: Crowd) -> None:
    """Load a server of this process, which was started within `counted_writes`."""
    members = await asyncio.to_thread(Members, port, crowd)
    try:
        counts.writes = counts.messages = 0  # the arrivals'
        await asyncio.to_thread(members.talk)
    finally:
        members.close()


# System calls, of a process of its own


def can_count_system_calls() -> bool:
    """Say whether strace is installed and may trace a process."""
    strace = shutil.which("strace")
    return strace is not None and not subprocess.run([strace, "-c", "true"], capture_output=True).returncode


def count_system_calls(data: Path, crowd: Crowd) -> int:
    """Run a server under strace; return the number of its system calls between the arrivals and the end."""
    with programs.server(data) as target:
        members = Members(target.port, crowd)
        try:
            return _count_calls_of(target.pids[0], members)
        finally:
            members.close()


def _count_calls_of(pid: int, members: Members) -> int:
    with tempfile.NamedTemporaryFile() as summary:
        command = ["strace", "-c", "-f", "-o", summary.name, "-p", str(pid)]
        with subprocess.Popen(command, stderr=subprocess.PIPE) as strace:
            if strace.stderr is None:
                raise AssertionError("stderr is a pipe")
            while b"attached" not in strace.stderr.readline():
                pass
            members.talk()
            strace.send_signal(signal.SIGINT)
            strace.communicate()
        total = re.search(r"^100\.00\s+\S+\s+\d+\s+(\d+)\s.*total$", Path(summary.name).read_text(), re.MULTILINE)
    if total is None:
        raise AssertionError("strace wrote no total")
    return int(total[1])


# Memory, of the fan-out alone


@dataclass(frozen=True)
class Memory:
    """Bytes for each delivery: at the end of a tick, with all writes still unsent, and after it."""

    peak: float
    kept: float

    def faults(self) -> list[str]:
        found = []
        if self.peak > BYTES_PER_DELIVERY:
            found.append(f"{self.peak:.1f} bytes a delivery, at most {BYTES_PER_DELIVERY}")
        if self.kept > KEPT_BYTES_PER_DELIVERY:
            found.append(f"{self.kept:.2f} bytes kept for each delivery, at most {KEPT_BYTES_PER_DELIVERY}")
        return found


def measure_memory(fanout: Fanout[Any], members: int = 500, messages: int = 32, ticks: int = 20) -> Memory:
    """Deliver some ticks of scenario A to outlets that keep their writes until the tick's end."""
    room = Room("bench", "bench")
    outlets = [KeptOutlet() for _ in range(members)]
    for outlet in outlets:
        fanout.subscribe(outlet, room)
    frame = encode(b'{"type":"MSG","id":1,"message":"' + b"x" * 160 + b'"}')
    _deliver(fanout, room, [frame] * messages, outlets)  # what is made once for all ticks
    tracemalloc.start()
    try:
        peak = 0
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(ticks):
            tracemalloc.reset_peak()
            _deliver(fanout, room, [frame] * messages, outlets)
            peak = max(peak, tracemalloc.get_traced_memory()[1] - before)
        kept = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    deliveries = members * messages
    return Memory(peak / deliveries, kept / (deliveries * ticks))


def _deliver(fanout: Fanout[Any], room: Room, frames: Sequence[bytes], outlets: Sequence[KeptOutlet]) -> None:
    for frame in frames:
        fanout.broadcast(room, frame)
    fanout.flush()
    for outlet in outlets:
        outlet.writes.clear()
