"""The benchmark's protocols for this chat: word packets over TCP, and WebSocket text frames through the bridge.

A dialect is pure: bytes in, bytes out. `peer_dialects` has the dialects of other servers.
"""

from __future__ import annotations

import json
from collections.abc import Generator
from typing import Protocol

from tcp_server.wordpacket import LENGTH_BYTES, encode

Login = Generator[bytes, bytes, None]  # yields bytes to send, is sent a frame; returns in the room


class Dialect(Protocol):
    """One protocol, as a client of the benchmark speaks it.

    Attributes:
        echoes: a publisher hears its own messages.
        under_way: the number of clients that may be between connect and their room at once; fewer than the server's
            backlog, since the kernel delays a refused client by a second.
    """

    echoes: bool
    under_way: int

    def cut(self, data: bytes, start: int) -> int:
        """Return the end of the frame that begins at `start`, 0 if its rest has not come yet."""

    def login(self, nickname: str, room: str) -> Login:
        """Enter the room."""

    def message(self, room: str, text: bytes) -> bytes:
        """Return the frame that publishes a text."""

    def answer(self, packet: bytes) -> bytes:
        """Return the answer to a frame that is no message: a sign of life, or no bytes."""


class WordPackets:
    """PROTOCOL.md sections 1 to 4, over TCP."""

    echoes = True
    under_way = 100

    def cut(self, data: bytes, start: int) -> int:
        body = start + LENGTH_BYTES
        if body > len(data):
            return 0
        end = body + (data[start] << 8 | data[start + 1])
        return end if end <= len(data) else 0

    def login(self, nickname: str, room: str) -> Login:
        packet = yield b""
        while b'"type":"HELLO"' not in packet:
            packet = yield b""
        packet = yield self.frame(_json({"type": "NICK", "nickname": nickname, "rooms": [room]}))
        while b'"type":"READY"' not in packet:
            if b'"type":"RETRY"' in packet or b'"type":"ERROR"' in packet:
                raise ConnectionRefusedError(packet.decode(errors="replace"))
            packet = yield b""

    def message(self, room: str, text: bytes) -> bytes:
        return self.frame(b'{"type":"MSG","room":"%b","message":"%b"}' % (room.encode(), text))

    def answer(self, packet: bytes) -> bytes:
        return self.frame(b'{"type":"PONG"}') if b'"type":"PING"' in packet else b""

    def frame(self, body: bytes) -> bytes:
        """Put a body into a frame."""
        return encode(body)


class WebSocket(WordPackets):
    """The same bodies in text messages (RFC 6455), as browsers send them to the bridge."""

    def cut(self, data: bytes, start: int) -> int:
        if data[start : start + 4] == b"HTTP":  # the answer to the upgrade comes before all frames
            end = data.find(b"\r\n\r\n", start)
            return 0 if end < 0 else end + 4
        if start + 2 > len(data):
            return 0
        length, payload = data[start + 1], start + 2
        if length == 126:
            payload += 2
            length = int.from_bytes(data[start + 2 : payload], "big")
        elif length == 127:
            payload += 8
            length = int.from_bytes(data[start + 2 : payload], "big")
        end = payload + length
        return end if payload <= len(data) and end <= len(data) else 0

    def login(self, nickname: str, room: str) -> Login:
        answer = yield (
            b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        )
        if not answer.startswith(b"HTTP/1.1 101"):
            raise ConnectionRefusedError(answer.decode(errors="replace"))
        yield from super().login(nickname, room)

    def answer(self, packet: bytes) -> bytes:
        if packet[0] == 0x89:  # a ping: the answer has the same payload, masked with zeros
            return b"\x8a%c\0\0\0\0%b" % (0x80 | packet[1], packet[2:])
        return super().answer(packet)

    def frame(self, body: bytes) -> bytes:
        # A client must mask; the mask of zeros leaves the payload as it is, and saves the loader's time.
        if len(body) < 126:
            return b"\x81%c\0\0\0\0%b" % (0x80 | len(body), body)
        return b"\x81\xfe%b\0\0\0\0%b" % (len(body).to_bytes(2, "big"), body)


def _json(packet: dict[str, object]) -> bytes:
    return json.dumps(packet, separators=(",", ":")).encode()
