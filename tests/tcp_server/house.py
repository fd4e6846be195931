"""A whole server in the test's own loop, with transports that do what the test says.

No socket, so a test decides to the byte what the server receives and which connection takes no more bytes. The log is
in memory, or the real one with its threads.
"""

import asyncio
import itertools
import json
from typing import Any

from tcp_server.chat import tokens
from tcp_server.chat.front import Front, LocalSettings
from tcp_server.chat.steps import ChatSettings
from tcp_server.delivery.connection import Connection, Handler, Waiting
from tcp_server.log.sqlite_log import SqliteLog
from tcp_server.log.worker import Worker
from tcp_server.protocol.server_packets import ByeReason
from tcp_server.server import Server
from tcp_server.wordpacket import Decoder, encode
from tests.tcp_server.client import Packet, pack
from tests.tcp_server.memory_log import MemoryLog

KEY = bytes(32)


class FakeTransport(asyncio.Transport):
    """Takes every byte at once; `congest` and `relieve` say what a real one would of a slow peer."""

    def __init__(self, peer: str = "127.0.0.1") -> None:
        super().__init__({"peername": (peer, 7)})
        self.connection: Connection | None = None
        self.decoder = Decoder()
        self.is_paused = False
        self.waiting = b""  # came while reading was paused
        self.unsent = 0
        self.was_aborted = False
        self.has_ended = False  # nothing more is written
        self._closing = False

    def write(self, data: Any) -> None:
        assert not self._closing, "written after close"
        assert not self.has_ended, "written after the end"
        self.decoder.feed(bytes(data))

    def pause_reading(self) -> None:
        assert not self.is_paused
        self.is_paused = True

    def resume_reading(self) -> None:
        assert self.is_paused
        self.is_paused = False
        asyncio.get_running_loop().call_soon(self._read_on)

    def feed(self, data: bytes) -> None:
        """Bytes come from the peer."""
        assert self.connection is not None
        if self.is_paused or self.waiting:
            self.waiting += data
        elif not self._closing:
            self.connection.data_received(data)

    def _read_on(self) -> None:
        if not self.is_paused and self.waiting and not self._closing and self.connection is not None:
            data, self.waiting = self.waiting, b""
            self.connection.data_received(data)

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        assert high

    def get_write_buffer_size(self) -> int:
        return self.unsent

    def write_eof(self) -> None:
        self.has_ended = True

    def is_closing(self) -> bool:
        return self._closing

    def close(self) -> None:
        if not self._closing:
            self._closing = True
            assert self.connection is not None
            asyncio.get_running_loop().call_soon(self.connection.connection_lost, None)

    def abort(self) -> None:
        self.was_aborted = True
        self.close()


class Peer:
    """The client at the other end of a fake transport."""

    def __init__(self, server: Server, address: str = "127.0.0.1") -> None:
        self.transport = FakeTransport(address)
        self.connection = Connection(server, asyncio.get_running_loop())
        self.transport.connection = self.connection
        self.connection.connection_made(self.transport)
        self.packets: list[Packet] = []

    def send(self, type: str | None, /, **fields: Any) -> None:
        self.transport.feed(encode(pack(type, fields)))

    def congest(self) -> None:
        """It takes no more bytes."""
        if not self.connection.is_congested and not self.transport.is_closing():
            self.connection.pause_writing()

    def relieve(self) -> None:
        """It takes bytes again."""
        if self.connection.is_congested and not self.transport.is_closing():
            self.connection.resume_writing()

    def cut(self) -> None:
        """The connection breaks."""
        self.transport.close()

    def heard(self) -> list[Packet]:
        """Return all that was written to it, from the start."""
        self.packets += map(json.loads, self.transport.decoder)
        return self.packets

    def take(self) -> list[Packet]:
        """Return what was written to it since the last time."""
        packets, self.packets = self.heard(), []
        return packets


class Reporter:
    """Handler and acceptor in one: notes what happens; `busy` after a body that says so."""

    turn_seconds = 1.0

    def __init__(self) -> None:
        self.deferred: list[Waiting] = []
        self.happened: list[str] = []
        self.busy = False
        self.gone = asyncio.Event()
        self.relief = asyncio.Event()

    def accepted(self, connection: Connection) -> Handler:
        self.happened.append("accepted")
        return self

    def lost(self, connection: Connection | None = None) -> None:
        self.happened.append("lost" if connection is None else "gone")
        if connection is not None:
            self.gone.set()

    def defer(self, waiting: Waiting) -> None:
        self.deferred.append(waiting)

    def begin_turn(self) -> None:
        pass

    def receive(self, body: bytes) -> bool:
        self.happened.append(body.decode())
        self.busy = body == b"wait"
        return not self.busy

    def is_waiting(self) -> bool:
        return self.busy

    def drop(self, reason: ByeReason, text: str) -> None:
        self.happened.append(f"{reason}: {text}")

    def broken(self, text: str) -> None:
        self.happened.append(f"broken: {text}")

    def congested(self) -> None:
        self.happened.append("congested")

    def relieved(self) -> None:
        self.happened.append("relieved")
        self.relief.set()


class House:
    """The server, and the peers that are connected to it.

    Attributes:
        log: the log in memory, unless the test gave another.
    """

    def __init__(
        self,
        log: MemoryLog | SqliteLog | None = None,
        *,
        link_secret: str | None = None,
        grace_seconds: float = 60.0,
        **local: Any,
    ) -> None:
        self.log = log or MemoryLog()
        front = Front(LocalSettings("House", "1", itertools.count(1).__next__, **local), KEY)
        settings = ChatSettings(self.log.epoch, KEY, grace_seconds)
        self.server = Server(self.log, front, settings, link_secret=link_secret)

    @property
    def memory(self) -> MemoryLog:
        """The log in memory, for tests that look into it or break it."""
        assert isinstance(self.log, MemoryLog)
        return self.log

    def connect(self, address: str = "127.0.0.1") -> Peer:
        return Peer(self.server, address)

    async def settle(self) -> None:
        """Let everything that was begun come to its end, but for what waits for a slow peer."""
        for _ in range(3):
            await self._behind_the_threads()
            await self.server._drain()

    async def _behind_the_threads(self) -> None:
        """Wait until the log has answered everything that it was asked."""
        if isinstance(self.log, SqliteLog):
            while self.log._searches.is_busy:
                await self._behind(self.log._search_worker)
            for worker in (self.log._history_worker, self.log._search_worker, self.log._write_worker):
                await self._behind(worker)
        else:
            turned = asyncio.Event()
            asyncio.get_running_loop().call_soon(turned.set)
            await turned.wait()

    async def _behind(self, worker: Worker) -> None:
        """Wait until a thread has done what it was given before."""
        passed = asyncio.Event()
        worker.submit(lambda: None, lambda _: passed.set(), _fail)
        await passed.wait()

    async def enter(self, nickname: str, **fields: Any) -> Peer:
        """Open a session up to READY and the ROOMs."""
        peer = self.connect()
        peer.send("NICK", nickname=nickname, **fields)
        await self.settle()
        heard = peer.take()
        assert [packet["type"] for packet in heard[:2]] == ["HELLO", "READY"], heard
        peer.packets = []
        return peer

    async def close(self) -> None:
        hurry = asyncio.Event()
        hurry.set()
        await self.server.shutdown(0.0, hurry)
        self.log.close()


def _fail(error: Exception) -> None:
    raise AssertionError("a job that does nothing can't fail")


def types(packets: list[Packet]) -> list[str]:
    return [packet["type"] for packet in packets]


def message_ids(packets: list[Packet], **fields: Any) -> list[int]:
    return [packet["id"] for packet in packets if packet["type"] == "MSG" and fields.items() <= packet.items()]


def token(house: House, nickname: str) -> str:
    """Return a token of a user that is present."""
    return tokens.issue(KEY, house.server._hub.directory.users[nickname].uid, nickname, "")
