"""Honest clients: each says something ten times a second and waits for its echo, whatever happens beside it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from dataclasses import dataclass, field

from tests.bench.dialects import WebSocket, WordPackets

EVERY_SECONDS = 0.1
PATIENCE_SECONDS = 15.0  # for the last echoes
ROOM = "quiet"
READ_BYTES = 1 << 16


@dataclass
class Counts:
    """What honest clients met."""

    seconds: list[float] = field(default_factory=list)  # from a message to its echo
    unanswered: int = 0

    def percentile(self, share: float) -> float:
        """Return the time within which this share of the echoes came, in seconds."""
        times = sorted(self.seconds)
        return times[min(len(times) - 1, int(share * len(times)))] if times else float("inf")


class Honest:
    """One client over TCP or through the bridge."""

    def __init__(self, nickname: str, port: int, *, web: bool, counts: Counts) -> None:
        self._nickname = nickname
        self._port = port
        self._dialect = WebSocket() if web else WordPackets()
        self._counts = counts
        self._waiting: dict[str, float] = {}
        self._is_open = asyncio.Event()
        self._all_heard = asyncio.Event()

    async def run(self, until: asyncio.Event) -> None:
        """Open, talk until the event is set, wait for the last echoes, and count what never came."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        hearing = asyncio.create_task(self._hear(reader, writer))
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await self._is_open.wait()
            for number in range(1_000_000):
                if until.is_set():
                    break
                ref = f"{self._nickname}-{number}"
                self._waiting[ref] = time.monotonic()
                message = {"type": "MSG", "room": ROOM, "message": "hello", "ref": ref}
                writer.write(self._dialect.frame(json.dumps(message).encode()))
                await asyncio.sleep(EVERY_SECONDS)
            if self._waiting:
                self._all_heard.clear()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(PATIENCE_SECONDS):
                        await self._all_heard.wait()
        finally:
            hearing.cancel()
            writer.close()
            self._counts.unanswered += len(self._waiting)

    async def _hear(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        login = self._dialect.login(self._nickname, ROOM)
        writer.write(next(login))
        data = b""
        while received := await reader.read(READ_BYTES):
            data += received
            start = 0
            while end := self._dialect.cut(data, start):
                frame, start = data[start:end], end
                if not self._is_open.is_set():
                    try:
                        writer.write(login.send(frame))
                    except StopIteration:
                        self._is_open.set()
                    continue
                writer.write(self._dialect.answer(frame))
                self._echoed(frame)
            data = data[start:]

    def _echoed(self, frame: bytes) -> None:
        own = b'"ref":"%b-' % self._nickname.encode()
        if b'"type":"MSG"' in frame and own in frame:
            ref = frame[frame.index(own) + 7 :].partition(b'"')[0].decode()
            sent = self._waiting.pop(ref, None)
            if sent is not None:
                self._counts.seconds.append(time.monotonic() - sent)
            if not self._waiting:
                self._all_heard.set()
