"""WebSocket frames as bytes (RFC 6455 section 5); no socket.

Outgoing bodies are framed here: a server's frame is a header and the payload, so a body is framed once for all its
browsers. Incoming bytes are turned into text messages here, and pings and the closing handshake are answered.

Why the `websockets` library does none of this: it takes 5 µs a message, 39 µs a ping and 1.2 KiB a browser. A message
to ten browsers should cost under 20 µs, and an idle browser under 4 KiB. Read here, a message or a ping takes 1 µs.
"""

import enum
import time
from collections.abc import Callable

from websockets.exceptions import ProtocolError
from websockets.frames import Close

from tcp_server.wordpacket import MAX_BODY

# Not documented by the library. Where its C extension was not built, its Python function of the same name serves.
try:
    from websockets.speedups import apply_mask
except ImportError:  # pragma: no cover
    from websockets.utils import apply_mask

PING = b"\x89\x00"

# PROTOCOL.md section 6. Browsers send no fragments, and a control frame every 30 seconds.
FRAGMENTS_MAX = 64  # of a message; none of them is empty, except the last
CONTROLS_PER_SECOND = 20
CONTROLS_BURST = 100

PROTOCOL_ERROR = 1002
UNSUPPORTED_DATA = 1003
INVALID_DATA = 1007
POLICY_VIOLATION = 1008
MESSAGE_TOO_BIG = 1009

_FIN = 0x80
_RESERVED = 0x70
_OPCODE = 0x0F
_MASKED = 0x80
_LENGTH = 0x7F

_CONTINUATION = 0
_TEXT = 1
_BINARY = 2
_CLOSE = 8
_PING = 9
_PONG = 10
_CONTROL = 8  # a bit of the opcode
_OPCODES = frozenset({_CONTINUATION, _TEXT, _BINARY, _CLOSE, _PING, _PONG})

_WHOLE_TEXT = _FIN | _TEXT
_SHORT_MAX = 125  # a longer payload says 126, or 127, and two or eight more bytes of length
_LONG_TEXT = bytes((_WHOLE_TEXT, 126))


def text_frame(body: bytes) -> bytes:
    """Frame one body, at most 65,535 bytes, as a text message to a browser."""
    size = len(body)
    if size <= _SHORT_MAX:
        return bytes((_WHOLE_TEXT, size)) + body
    return _LONG_TEXT + size.to_bytes(2, "big") + body


class _StreamPhase(enum.Enum):
    OPEN = "messages are read"
    CLOSING = "a close frame was sent; only the browser's own is awaited"
    CLOSED = "nothing more is read"


class _Breach(Exception):
    """The browser broke a rule: the connection fails with this close code."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class Receiver:
    """One browser's stream of frames, turned into text messages.

    After calling `receive`, call `next_message` until it returns None, at once or later. After calling `next_message`
    or `close`, write the bytes in `data_to_send`, if there are any, and reset it to None. b"" in it stands for the end
    of this direction (half-close).
    """

    __slots__ = ("_clock", "_controls_until", "_data", "_fragments", "_phase", "_start", "data_to_send")

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.data_to_send: list[bytes] | None = None
        self._clock = clock
        self._controls_until = 0.0  # when the control frames so far would have come at the allowed pace
        self._data = b""
        self._start = 0  # of the first byte in `_data` that is not read yet
        self._phase = _StreamPhase.OPEN
        self._fragments: list[bytes] | None = None

    @property
    def open(self) -> bool:
        """False once a close frame was sent or received: no further frame may be sent to this browser."""
        return self._phase is _StreamPhase.OPEN

    @property
    def has_more(self) -> bool:
        """Say whether bytes wait behind the message that `next_message` returned last."""
        return self._start < len(self._data)

    def receive(self, data: bytes) -> None:
        """Take bytes of the stream."""
        if self._phase is not _StreamPhase.CLOSED:
            self._data = self._data[self._start :] + data if self._data else data
            self._start = 0

    def next_message(self) -> bytes | None:
        """Return the next message, those in front of a fault too; a fault begins the closing."""
        data, start = self._data, self._start
        size = len(data)
        try:
            while size - start >= 2:
                payload, end = _measure(data, start)
                length = end - payload
                if (
                    end <= size
                    and data[start] == _WHOLE_TEXT
                    and data[start + 1] & _MASKED
                    and length <= MAX_BODY
                    and self._fragments is None
                    and self._phase is _StreamPhase.OPEN
                ):
                    self._start = end
                    return _checked(apply_mask(data[payload:end], data[payload - 4 : payload]))
                _check_header(data[start], data[start + 1], length)
                if self._phase is _StreamPhase.OPEN and payload <= size:
                    self._check_place(data[start], length)
                if end > size:
                    break  # a frame whose rest has not come yet
                message = self._take(data[start], apply_mask(data[payload:end], data[payload - 4 : payload]))
                start = end
                if message is not None:
                    self._start = end
                    return _checked(message)
                if self._phase is _StreamPhase.CLOSED:
                    return None
        except _Breach as breach:
            self._fail(breach)
            return None
        self._data, self._start = data[start:], 0
        return None

    def close(self, code: int, reason: str) -> None:
        """Begin to close: the browser answers with its own close frame. If closing has begun already, do nothing."""
        if self._phase is _StreamPhase.OPEN:
            self._send(_control_frame(_CLOSE, Close(code, reason).serialize()))
            self._phase = _StreamPhase.CLOSING

    def end(self) -> None:
        """Read nothing more."""
        self._phase = _StreamPhase.CLOSED
        self._data, self._start, self._fragments = b"", 0, None

    def _check_place(self, head: int, length: int) -> None:
        """Judge a frame by the frames before it.

        Raises:
            _Breach: the frame may not come here.
        """
        opcode = head & _OPCODE
        if opcode & _CONTROL:
            return
        fragments = self._fragments
        if (opcode == _CONTINUATION) is (fragments is None):
            raise _Breach(PROTOCOL_ERROR, "a message begins with text and goes on with continuations")
        if fragments is not None:
            if len(fragments) == FRAGMENTS_MAX:
                raise _Breach(POLICY_VIOLATION, f"more than {FRAGMENTS_MAX} fragments")
            if sum(map(len, fragments)) + length > MAX_BODY:
                raise _Breach(MESSAGE_TOO_BIG, f"over {MAX_BODY} bytes")
        if not length and not head & _FIN:
            raise _Breach(POLICY_VIOLATION, "an empty fragment")

    def _take(self, head: int, payload: bytes) -> bytes | None:
        """Take one frame; return the message that it completes."""
        opcode = head & _OPCODE
        if self._phase is _StreamPhase.CLOSING:
            if opcode == _CLOSE:
                self._half_close()
        elif opcode == _CLOSE:
            self._check_close(payload)
            self._send(_control_frame(_CLOSE, payload))
            self._half_close()
        elif opcode & _CONTROL:
            self._count_control()
            if opcode == _PING:
                self._send(_control_frame(_PONG, payload))
        else:
            if self._fragments is None:
                self._fragments = []
            self._fragments.append(payload)
            if head & _FIN:
                message, self._fragments = b"".join(self._fragments), None
                return message
        return None

    def _count_control(self) -> None:
        now = self._clock()
        self._controls_until = max(self._controls_until, now) + 1 / CONTROLS_PER_SECOND
        if self._controls_until - now > CONTROLS_BURST / CONTROLS_PER_SECOND + 1e-6:
            raise _Breach(POLICY_VIOLATION, "too many control frames")

    @staticmethod
    def _check_close(payload: bytes) -> None:
        try:
            Close.parse(payload)
        except ProtocolError as error:
            raise _Breach(PROTOCOL_ERROR, str(error)) from None
        except UnicodeDecodeError:
            raise _Breach(INVALID_DATA, "the reason is not UTF-8") from None

    def _fail(self, breach: _Breach) -> None:
        """Fail the connection (RFC 6455 section 7.1.7)."""
        self.close(breach.code, breach.reason)
        self._half_close()

    def _half_close(self) -> None:
        self._send(b"")
        self.end()

    def _send(self, data: bytes) -> None:
        if self.data_to_send is None:
            self.data_to_send = []
        self.data_to_send.append(data)


def _measure(data: bytes, start: int) -> tuple[int, int]:
    """Return where the payload of the frame at `start` begins and ends; its first two bytes must be there.

    The end is past the data if some of the frame is missing. If its length is missing too, the end is no more
    than that.
    """
    payload = start + 2
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


def _check_header(head: int, second: int, length: int) -> None:
    """Judge a frame by itself, as soon as its header is there.

    Raises:
        _Breach: no browser may send such a frame.
    """
    opcode = head & _OPCODE
    if head & _RESERVED or opcode not in _OPCODES:
        raise _Breach(PROTOCOL_ERROR, "reserved bits or a reserved opcode")
    if not second & _MASKED:
        raise _Breach(PROTOCOL_ERROR, "a frame without a mask")
    if opcode & _CONTROL and (not head & _FIN or second & _LENGTH > _SHORT_MAX):
        raise _Breach(PROTOCOL_ERROR, "a control frame in fragments or over 125 bytes")
    if length > MAX_BODY:
        raise _Breach(MESSAGE_TOO_BIG, f"over {MAX_BODY} bytes")
    if opcode == _BINARY:
        raise _Breach(UNSUPPORTED_DATA, "text messages only")


def _checked(message: bytes) -> bytes:
    """Return a whole message.

    Raises:
        _Breach: it is not UTF-8.
    """
    try:
        message.decode()
    except UnicodeDecodeError as error:
        raise _Breach(INVALID_DATA, f"{error.reason} at byte {error.start}") from None
    return message


def _control_frame(opcode: int, payload: bytes) -> bytes:
    return bytes((_FIN | opcode, len(payload))) + payload
