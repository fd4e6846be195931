"""The hostile side of the wire: plain blocking sockets, which send what they like and read only if told to."""

from __future__ import annotations

import json
import socket
import struct
from typing import Any

HOST = "127.0.0.1"
TIMEOUT_SECONDS = 5.0
UPGRADE = (
    b"GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
FIN, TEXT, CONTINUATION, PING = 0x80, 0x1, 0x0, 0x9


def body(kind: str, **fields: Any) -> bytes:
    return json.dumps({"type": kind, **fields}, ensure_ascii=False).encode()


def word_packet(body: bytes) -> bytes:
    return struct.pack(">H", len(body)) + body


def web_frame(payload: bytes, first: int = FIN | TEXT) -> bytes:
    """Return a client's frame; the mask of zeros leaves the payload as it is."""
    if len(payload) < 126:
        return bytes((first, 0x80 | len(payload))) + b"\0\0\0\0" + payload
    return bytes((first, 0x80 | 126)) + struct.pack(">H", len(payload)) + b"\0\0\0\0" + payload


class Hostile:
    """One connection. After any failed send it is dead, and further sends do nothing."""

    def __init__(self, port: int, *, web: bool = False, reads_little: bool = False) -> None:
        self.sock = socket.socket()
        if reads_little:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.sock.settimeout(TIMEOUT_SECONDS)
        self.sock.connect((HOST, port))
        self.is_dead = False
        self._frame = web_frame if web else word_packet
        if web:
            self.send_bytes(UPGRADE)
            self._read_until(b"\r\n\r\n")

    def send_bytes(self, data: bytes) -> None:
        if self.is_dead:
            return
        try:
            self.sock.sendall(data)
        except OSError:
            self.is_dead = True

    def send(self, *bodies: bytes) -> None:
        self.send_bytes(b"".join(map(self._frame, bodies)))

    def open(self, nickname: str, **fields: Any) -> str:
        """Send NICK and return the token of READY; "" if none came."""
        self.send(body("NICK", nickname=nickname, **fields))
        said = self._read_until(b'"type":"READY"', b'"type":"RETRY"', b'"type":"BYE"')
        said += self._read_until(b'"resumed":') if b'"token"' not in said else b""
        _, found, rest = said.partition(b'"token":"')
        return rest.partition(b'"')[0].decode() if found else ""

    def read_some(self) -> bytes:
        if self.is_dead:
            return b""
        try:
            data = self.sock.recv(1 << 20)
        except OSError:
            return b""
        self.is_dead = not data
        return data

    def close(self) -> None:
        self.sock.close()

    def _read_until(self, *marks: bytes) -> bytes:
        said = b""
        while not self.is_dead and not any(mark in said for mark in marks):
            data = self.read_some()
            if not data:
                break
            said += data
        return said
