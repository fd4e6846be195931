"""WebSocket frames as bytes (RFC 6455 section 5); no socket.

What goes out is framed here: a server's frame is a header and the payload, so a message is framed once for
all its readers. What comes in goes through the `websockets` library, which knows the rules of masking,
fragments, control frames and closing.
"""

import logging

from websockets.frames import Frame, Opcode
from websockets.protocol import OPEN, SERVER, Protocol

from tcp_server.wordpacket import MAX_BODY

PING = b"\x89\x00"
UNSUPPORTED_DATA = 1003
INVALID_DATA = 1007

_TEXT = 0x81  # FIN, opcode 1
_SHORT_MAX = 125  # longer payloads say 126 and two more bytes of length

# The library tells of each opening and closing; that is the bridge's own to tell.
quiet = logging.getLogger("ws_bridge.websockets")
quiet.setLevel(logging.WARNING)


def text_frame(body: bytes) -> bytes:
    """Frame one body, at most 65,535 bytes, as a text message to a browser."""
    size = len(body)
    if size <= _SHORT_MAX:
        return b"%c%c%b" % (_TEXT, size, body)
    return b"%c\x7e%b%b" % (_TEXT, size.to_bytes(2, "big"), body)


class Receiver:
    """One browser's stream of frames, turned into text messages.

    After calling `receive`, `receive_eof` or `close`, send `data_to_send`.
    """

    __slots__ = ("_fragments", "_library")

    def __init__(self) -> None:
        self._library = Protocol(SERVER, state=OPEN, max_size=MAX_BODY, logger=quiet)
        self._fragments: list[bytes] = []

    @property
    def open(self) -> bool:
        """False once a close frame was sent or received: nothing more may be framed for this browser."""
        return self._library.state is OPEN

    def receive(self, data: bytes) -> list[bytes]:
        """Return the messages that `data` completes, also those in front of a fault; a fault closes."""
        library = self._library
        library.receive_data(data)
        messages: list[bytes] = []
        for event in library.events_received():
            assert isinstance(event, Frame)
            if event.opcode is Opcode.BINARY:
                self._fail(UNSUPPORTED_DATA, "text messages only")
                break
            if event.opcode is Opcode.TEXT or event.opcode is Opcode.CONT:
                payload = bytes(event.data)
                if self._fragments or not event.fin:
                    self._fragments.append(payload)
                    if not event.fin:
                        continue
                    payload = b"".join(self._fragments)
                    self._fragments.clear()
                try:
                    payload.decode()
                except UnicodeDecodeError as error:
                    self._fail(INVALID_DATA, f"{error.reason} at byte {error.start}")
                    break
                messages.append(payload)
        return messages

    def receive_eof(self) -> None:
        self._library.receive_eof()

    def close(self, code: int, reason: str) -> None:
        """Begin to close: the browser answers with its own close frame. Does nothing if that has begun."""
        if self.open:
            self._library.send_close(code, reason)

    def data_to_send(self) -> list[bytes]:
        """Return what must be written; b"" means the end of this direction (half-close)."""
        return self._library.data_to_send()

    def _fail(self, code: int, reason: str) -> None:
        if self.open:
            self._library.fail(code, reason)
