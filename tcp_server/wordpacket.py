"""The word packet: two bytes of length, then one JSON object (PROTOCOL.md section 1).

This module owns the framing and nothing else: what a packet means is in `messages` and `requests`.
It holds the course library's four functions for a plain blocking socket, and the `Decoder` and
`encode` that server, bridge and client run on. It must stay free of asyncio, socket and threading,
so that anything with `recv` and `sendall`, a fake included, can chat.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Protocol

LENGTH_BYTES = 2
MAX_BODY = 65_535  # what an unsigned 16-bit length can say


class PacketError(ValueError):
    """The bytes are not a word packet, or the value does not fit into one."""


class TruncatedError(PacketError):
    """The stream ended although more bytes were due.

    Attributes:
        received: bytes that came before the end.
        expected: bytes that were asked for.
    """

    def __init__(self, received: int, expected: int) -> None:
        super().__init__(received, expected)
        self.received = received
        self.expected = expected

    def __str__(self) -> str:
        return f"stream ends after {self.received} of {self.expected} bytes"


class Readable(Protocol):
    """What `really_read` needs of a socket."""

    def recv(self, size: int, /) -> bytes: ...


class Writable(Protocol):
    """What `send_message` needs of a socket."""

    def sendall(self, data: bytes, /) -> object: ...


def encode(body: bytes) -> bytes:
    """Put the length before a body of 1 to 65,535 bytes.

    Raises:
        PacketError: the body is empty or too long.
    """
    size = len(body)
    if not 0 < size <= MAX_BODY:
        raise PacketError(f"a body has 1 to {MAX_BODY} bytes, not {size}")
    return size.to_bytes(LENGTH_BYTES, "big") + body


class Decoder:
    """Cuts a stream of bytes into bodies.

    After calling `feed`, iterate over the decoder: it yields each complete body as bytes and stops where
    more data is needed. Good packets in front of a bad one are yielded before the error is raised. At the
    end of the stream call `end`.
    """

    __slots__ = ("_data", "_position")

    def __init__(self) -> None:
        self._data = b""
        self._position = 0

    def feed(self, data: bytes) -> None:
        """Append bytes as they came from the stream."""
        self._data = self._data[self._position :] + data if self._position < len(self._data) else data
        self._position = 0

    def __iter__(self) -> Iterator[bytes]:
        """Yield the complete bodies that were fed.

        Raises:
            PacketError: a packet says that it has no body; the stream can't be read further.
        """
        data = self._data
        available = len(data)
        start = self._position + LENGTH_BYTES
        while start <= available:
            end = start + data[start - 2] * 256 + data[start - 1]
            if end == start:
                raise PacketError("packet of length zero")
            if end > available:
                return
            self._position = end
            yield data[start:end]
            start = end + LENGTH_BYTES

    @property
    def pending(self) -> int:
        """How many bytes were fed that are in no body yet."""
        return len(self._data) - self._position

    def end(self) -> None:
        """Say that the stream ended.

        Raises:
            PacketError: it ended inside a packet.
        """
        if self.pending:
            raise PacketError(f"stream ends after {self.pending} bytes of a packet")


def make_word_packet(nickname: str, message: str) -> bytes:
    """Return the classic word packet: `{"timestamp", "nickname", "message"}` with its length.

    The timestamp is now, in UTC (RFC 3339, milliseconds). A server of this project puts its own nickname
    and timestamp into what it passes on: only the server says who and when.

    Raises:
        PacketError: the text does not fit into a packet, or is not valid Unicode.
    """
    timestamp = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return _dump({"timestamp": timestamp, "nickname": nickname, "message": message})


def really_read(sock: Readable, n: int) -> bytes:
    """Read exactly `n` bytes from a blocking socket, however many calls of `recv` that takes.

    Raises:
        TruncatedError: the stream ended first; it says how many bytes came.
    """
    if n < 0:
        raise ValueError(f"can't read {n} bytes")
    chunks = []
    missing = n
    while missing:
        chunk = sock.recv(missing)
        if not chunk:
            raise TruncatedError(n - missing, n)
        chunks.append(chunk)
        missing -= len(chunk)
    return b"".join(chunks)


def read_message(sock: Readable) -> dict[str, Any]:
    """Read one packet from a blocking socket and return its body.

    Raises:
        EOFError: the stream ended between two packets, as it does when the other side is done.
        TruncatedError: it ended inside a packet.
        PacketError: the packet has no body, or its body is not a JSON object in UTF-8.
    """
    try:
        head = really_read(sock, LENGTH_BYTES)
    except TruncatedError as error:
        if error.received == 0:
            raise EOFError("the stream has ended") from None
        raise
    size = int.from_bytes(head, "big")
    if size == 0:
        raise PacketError("packet of length zero")
    return _load(really_read(sock, size))


def send_message(sock: Writable, nickname: str, message: str, **fields: object) -> None:
    """Send one classic word packet on a blocking socket.

    Further fields go into the body as they are, so that a plain socket can say everything that the
    protocol has: `send_message(sock, "alice", "hello", room="lobby", ref="1f0c…")`. `send_packet` sends a
    body without a message.

    Raises:
        PacketError: the text does not fit into a packet, or is not valid Unicode.
    """
    if fields:
        send_packet(sock, {"nickname": nickname, "message": message, **fields})
    else:
        sock.sendall(make_word_packet(nickname, message))


def send_packet(sock: Writable, body: dict[str, Any]) -> None:
    """Send any body, such as `{"type": "NICK", "nickname": "alice"}`, on a blocking socket.

    Raises:
        PacketError: the body does not fit into a packet, or is not valid JSON in Unicode.
    """
    sock.sendall(_dump(body))


def _dump(body: dict[str, Any]) -> bytes:
    try:
        text = json.dumps(body, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        return encode(text.encode())
    except UnicodeEncodeError as error:
        raise PacketError(f"the body is not valid Unicode: {error.reason}") from None


def _load(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body.decode(), parse_constant=_no_constant)
    except UnicodeDecodeError as error:
        raise PacketError(f"the body is not UTF-8: {error.reason} at byte {error.start}") from None
    except (ValueError, RecursionError) as error:
        raise PacketError(f"the body is not JSON: {error}") from None
    if not isinstance(value, dict):
        raise PacketError("the body is not a JSON object")
    return value


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
