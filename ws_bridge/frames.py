"""WebSocket frames as bytes (RFC 6455 section 5); no socket.

Outgoing bodies are framed here: a server's frame is a header and the payload, so a body is framed once for all its
browsers. Incoming bytes are cut into frames here, and whole text messages are read here too. All other frames go
through the `websockets` library: fragments, pings, closing, and all faults.

Why not all frames through the library: it takes 5 µs a message and 1.2 KiB a browser. A message to ten browsers should
cost under 20 µs, and an idle browser under 4 KiB. Read here, a message takes 1 µs.
"""

import logging

from websockets.frames import Frame, Opcode
from websockets.protocol import OPEN, SERVER, Protocol

from tcp_server.wordpacket import MAX_BODY

# Not documented by the library. Where its C extension was not built, its Python function of the same name serves.
try:
    from websockets.speedups import apply_mask
except ImportError:  # pragma: no cover
    from websockets.utils import apply_mask

PING = b"\x89\x00"
UNSUPPORTED_DATA = 1003
INVALID_DATA = 1007

_TEXT = 0x81  # FIN, no reserved bit, opcode 1
_MASKED = 0x80
_LENGTH = 0x7F
_SHORT_MAX = 125  # a longer payload says 126, or 127, and two or eight more bytes of length
_LONG_TEXT = bytes((_TEXT, 126))

# The library logs each opening and closing; the bridge logs these itself.
quiet = logging.getLogger("ws_bridge.websockets")
quiet.setLevel(logging.WARNING)


def text_frame(body: bytes) -> bytes:
    """Frame one body, at most 65,535 bytes, as a text message to a browser."""
    size = len(body)
    if size <= _SHORT_MAX:
        return bytes((_TEXT, size)) + body
    return _LONG_TEXT + size.to_bytes(2, "big") + body


class Receiver:
    """One browser's stream of frames, turned into text messages.

    After calling `receive` or `close`, write the bytes in `data_to_send`, if there are any, and reset it to None. b""
    in it stands for the end of this direction (half-close). Closing always begins with bytes to send.
    """

    __slots__ = ("_fragments", "_library", "_rest", "data_to_send")

    def __init__(self) -> None:
        self.data_to_send: list[bytes] | None = None
        self._rest = b""  # the beginning of a frame
        # Set within a fragmented message, and once closing has begun; it is fed only whole frames.
        self._library: Protocol | None = None
        self._fragments: list[bytes] | None = None

    @property
    def open(self) -> bool:
        """False once a close frame was sent or received: no further frame may be sent to this browser."""
        return self._library is None or self._library.state is OPEN

    def receive(self, data: bytes) -> list[bytes]:
        """Return the messages that `data` completes, also those in front of a fault; a fault begins the closing."""
        if self._rest:
            data = self._rest + data
        messages: list[bytes] = []
        start, size = 0, len(data)
        while start < size:
            payload, end = _measure(data, start)
            too_long = end - payload > MAX_BODY  # the library refuses it by its header
            if end > size and not too_long:
                break  # a frame whose rest has not come yet
            head, is_masked = data[start], data[start + 1] & _MASKED
            if head == _TEXT and is_masked and self._library is None and not too_long:
                self._add(messages, apply_mask(data[payload:end], data[payload - 4 : payload]))
            else:
                self._consult(data[start:end], messages)
            start = end
        self._rest = data[start:]
        return messages

    def close(self, code: int, reason: str) -> None:
        """Begin to close: the browser answers with its own close frame. If closing has begun already, do nothing."""
        if self.open:
            self._library = self._library or _new_library()
            self._library.send_close(code, reason)
            self._collect(self._library)

    def _consult(self, frame: bytes, messages: list[bytes]) -> None:
        """Give one frame to the library."""
        library = self._library or _new_library()
        library.receive_data(frame)
        for event in library.events_received():
            assert isinstance(event, Frame)
            if event.opcode is Opcode.BINARY:
                library.fail(UNSUPPORTED_DATA, "text messages only")
            elif event.opcode is Opcode.TEXT or event.opcode is Opcode.CONT:
                self._fragments = [*(self._fragments or ()), bytes(event.data)]
                if event.fin:
                    message, self._fragments = b"".join(self._fragments), None
                    self._library = library
                    self._add(messages, message)
        self._collect(library)
        # Between messages the library has no state, until closing begins.
        self._library = None if library.state is OPEN and self._fragments is None else library

    def _add(self, messages: list[bytes], message: bytes) -> None:
        """Add a whole message if it is UTF-8; else fail the connection."""
        try:
            message.decode()
        except UnicodeDecodeError as error:
            self._library = self._library or _new_library()
            self._library.fail(INVALID_DATA, f"{error.reason} at byte {error.start}")
            self._collect(self._library)
        else:
            messages.append(message)

    def _collect(self, library: Protocol) -> None:
        data = library.data_to_send()
        if data:
            self.data_to_send = [*(self.data_to_send or ()), *data]


def _measure(data: bytes, start: int) -> tuple[int, int]:
    """Return where the payload of the frame at `start` begins and ends.

    The end is past the data if some of the frame is missing. If its length is missing too, the end is no more
    than that.
    """
    payload = start + 2
    if payload > len(data):
        return payload, payload
    length = data[start + 1] & _LENGTH
    if length > _SHORT_MAX:
        more = 2 if length == _SHORT_MAX + 1 else 8
        if payload + more > len(data):
            return payload + more, payload + more
        length = int.from_bytes(data[payload : payload + more], "big")
        payload += more
    if data[start + 1] & _MASKED:
        payload += 4
    return payload, payload + length


def _new_library() -> Protocol:
    return Protocol(SERVER, state=OPEN, max_size=MAX_BODY, logger=quiet)
