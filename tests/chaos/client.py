"""Keeps a member connected: it connects, converses, loses the connection, and connects again."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from random import Random
from typing import TypeAlias

import msgspec

from tests.chaos.member import Member, Packet, is_for_later
from tests.chaos.wanderer import Wanderer
from tests.chaos.wires import Lost, Wire

BACKOFF_SECONDS = 0.5  # at most, at random: a test has no time for 30 s
ANSWER_SECONDS = 5.0  # without an answer while one is due, until the connection is given up

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Packet).decode

Connect: TypeAlias = Callable[[], Awaitable[Wire]]


class Client:
    """A member and its connection.

    After making one: `start()`, and at the end `await stop()`. The client sets `stirred` with each packet.
    """

    def __init__(self, member: Member, connect: Connect, random: Random, stirred: asyncio.Event) -> None:
        self.member = member
        self.connections = 0
        self._is_ready = asyncio.Event()
        self._connect = connect
        self._stirred = stirred
        self._random = random
        self._wire: Wire | None = None
        self._outgoing: list[Packet] = []
        self._has_outgoing = asyncio.Event()
        self._is_awake = asyncio.Event()
        self._is_awake.set()
        self._answers: dict[str, asyncio.Future[Packet]] = {}
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def enter(self) -> None:
        """Start, and wait for READY."""
        self.start()
        await self._is_ready.wait()

    async def stop(self) -> None:
        """End the client; raise the error if the client itself failed."""
        if self._task is not None:
            if not self._task.done():
                self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    def say(self, text: str, *, room: str | None = None, to: str | None = None) -> None:
        self._send(self.member.say(text, room=room, to=to))

    def describe(self) -> str:
        """Return the client's state, for a report."""
        member = self.member
        ready = "ready" if member.is_ready else "not ready"
        waiting = ", ".join(self._answers)
        return (
            f"{member.label} is {ready}{', settling' if member.settling else ''}, outbox {len(member.outbox)},"
            f" waits for {waiting or 'nothing'}, after {member.after}, {', '.join(member.trail)}"
        )

    def type_in(self, room: str) -> None:
        """Send TYPING, if there is a connection."""
        if self.member.is_ready:
            self._send([{"type": "TYPING", "room": room}])

    def wander(self) -> None:
        """Let a wanderer come to the square, or leave it."""
        if isinstance(self.member, Wanderer):
            self._send(self.member.wander())

    def again(self) -> None:
        """Send again what could not be taken."""
        self._send(self.member.try_again())

    async def ask(self, packet: Packet) -> Packet:
        """Send a request and return its answer; send it again if the connection is lost meanwhile."""
        ref = packet["ref"] = f"ask-{self._random.getrandbits(64):x}"
        future = self._answers[ref] = asyncio.get_running_loop().create_future()
        try:
            while True:
                await self._is_ready.wait()
                self._send([packet])
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(ANSWER_SECONDS):
                        return await asyncio.shield(future)
        finally:
            del self._answers[ref]

    async def nap(self, seconds: float) -> None:
        """Read nothing for a while."""
        self._is_awake.clear()
        await asyncio.sleep(seconds)
        self._is_awake.set()

    async def _run(self) -> None:
        while True:
            try:
                self._wire = await self._connect()
            except Lost:
                pass
            else:
                self.connections += 1
                await self._converse(self._wire)
            await asyncio.sleep(self._random.uniform(0, BACKOFF_SECONDS))

    async def _converse(self, wire: Wire) -> None:
        self._outgoing.clear()
        sender = asyncio.get_running_loop().create_task(self._send_outgoing(wire))
        try:
            while bodies := await self._receive(wire):
                await self._is_awake.wait()
                for body in bodies:
                    self._take(_decode(body))
        finally:
            sender.cancel()
            wire.cut()
            self._is_ready.clear()
            self.member.cut_off()
            await asyncio.gather(sender, return_exceptions=True)

    async def _receive(self, wire: Wire) -> list[bytes]:
        """Return the next packets; none if the connection has to be given up."""
        with contextlib.suppress(Lost):
            for _ in range(2):
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(ANSWER_SECONDS):
                        return await wire.receive()
                self._send(self.member.ask())
        return []

    def _take(self, packet: Packet) -> None:
        self._send(self.member.received(packet))
        self._stirred.set()
        if packet["type"] == "READY":
            self._is_ready.set()
        waiting = self._answers.get(packet.get("ref") or "")
        if waiting is not None and not waiting.done() and not is_for_later(packet):  # then it is asked again
            waiting.set_result(packet)

    def _send(self, packets: list[Packet]) -> None:
        if packets:
            self._outgoing += packets
            self._has_outgoing.set()

    async def _send_outgoing(self, wire: Wire) -> None:
        while True:
            await self._has_outgoing.wait()
            self._has_outgoing.clear()
            packets, self._outgoing = self._outgoing, []
            await wire.send([_encode(packet) for packet in packets])
