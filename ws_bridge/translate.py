"""Translates a browser's bodies into frames of the link, and the server's bodies into bodies for a browser.

Pure: bytes in, bytes out. This module knows the link's `session` key, the packets that only a bridge may send, and
the close code that follows each BYE (PROTOCOL.md section 6). It has no chat rules: only the server knows them.
"""

from typing import Any

import msgspec
from msgspec import UNSET

from tcp_server.wordpacket import LENGTH_BYTES, MAX_BODY, encode

# With these a browser could speak for other browsers, or stop the bridge's own work.
LINK_TYPES = frozenset({"LINK", "OPEN", "CLOSE", "SUBSCRIBE", "UNSUBSCRIBE", "PAUSE", "RESUME"})

REF_MAX = 64  # characters (section 1)

CLOSE_CODES = {"quit": 1000, "shutdown": 1001, "protocol": 1002}
CLOSE_CODE_OTHERWISE = 1008

_WHITE = b" \t\r\n"  # JSON's white space


class NotForwarded(ValueError):
    """The bridge does not forward a browser's packet.

    Attributes:
        reply: the body of the ERROR that answers the browser.
    """

    def __init__(self, code: str, message: str, ref: str | None) -> None:
        super().__init__(message)
        answer = {"type": "ERROR", "code": code, "message": message}
        self.reply = msgspec.json.encode(answer if ref is None else {**answer, "ref": ref})


class Envelope(msgspec.Struct, gc=False):
    """The fields that the bridge reads of each packet of the server; it decodes no others."""

    type: str = ""
    session: int | None = None
    room: str | None = None
    id: int = 0


class KnownSession(msgspec.Struct):
    """The fields of a READY that resume its session on a new link."""

    nickname: str = ""
    token: str | None = None
    epoch: str | None = None
    id: int = 0
    rooms: tuple[str, ...] = ()
    resumed: bool = False
    server_password: str | None = None  # from the NICK; no READY has it


class AskedSession(msgspec.Struct):
    """The fields of the NICK that opened or resumed a session which its READY does not repeat."""

    epoch: str | None = None
    after: int | None = None
    server_password: str | None = None


class _BrowserHead(msgspec.Struct, gc=False):
    # Any, not str: the server answers a key of the wrong type, so the packet must reach it.
    type: Any = None
    session: Any = UNSET


class _Reference(msgspec.Struct):
    ref: Any = None


class _Said(msgspec.Struct):
    message: str = ""
    reason: str = ""
    code: str = ""
    what: str = ""
    after: int = 0
    ref: str | None = None


_envelope = msgspec.json.Decoder(Envelope)
_ready = msgspec.json.Decoder(KnownSession)
_asked = msgspec.json.Decoder(AskedSession)
_head = msgspec.json.Decoder(_BrowserHead)
_reference = msgspec.json.Decoder(_Reference)
_said = msgspec.json.Decoder(_Said)
_raw = msgspec.json.Decoder(dict[str, msgspec.Raw])

# A body of the server -> its Envelope. Raises msgspec.MsgspecError or UnicodeDecodeError.
envelope = _envelope.decode
ready = _ready.decode


def for_server(number: int, body: bytes) -> bytes:
    """Put the session key into a browser's body; return the frame for the link.

    `body` must be UTF-8. A body that is no JSON object becomes a lone session key: the server answers it, and counts
    the fault.

    Raises:
        NotForwarded: a browser may not send this type, or the body with the key is too long.
    """
    try:
        head = _head.decode(body)
    except (msgspec.MsgspecError, RecursionError):
        return encode(b'{"session":%d}' % number)
    if isinstance(head.type, str) and head.type in LINK_TYPES:
        raise NotForwarded("unknown_type", f"only a bridge may send {head.type}", _ref(body))
    if head.session is not UNSET:
        body = _without_session(body)
    rest = body[1:] if body[:1] == b"{" else body.lstrip(_WHITE)[1:]
    if rest[0] in b" \t\r\n}":  # perhaps an object without keys: then no comma may follow ours
        rest = rest.lstrip(_WHITE)
        if rest[:1] == b"}":
            return encode(b'{"session":%d}' % number)
    addressed = b'{"session":%d,%b' % (number, rest)
    if len(addressed) > MAX_BODY:
        raise NotForwarded("too_long", f"with its session key the packet has more than {MAX_BODY} bytes", _ref(body))
    return encode(addressed)


def for_browser(body: bytes) -> bytes:
    """Take the session key off a body of the server."""
    comma = body.find(b",")
    if body.startswith(b'{"session":') and body[11:comma].isdigit():
        return b"{" + body[comma + 1 :]
    return _without_session(body)


def open_session(number: int, address: str) -> bytes:
    return _frame({"session": number, "type": "OPEN", "address": address})


def close_session(number: int) -> bytes:
    return encode(b'{"session":%d,"type":"CLOSE"}' % number)


def pause(number: int) -> bytes:
    return encode(b'{"session":%d,"type":"PAUSE"}' % number)


def resume(number: int, after: int) -> bytes:
    """Ask for the entries after the last one that the browser was sent."""
    return encode(b'{"session":%d,"type":"RESUME","after":%d}' % (number, after))


def come_back(number: int, known: KnownSession, after: int) -> bytes:
    """Return the NICK that resumes a session on a new link, in the browser's name."""
    nick = {
        "session": number,
        "type": "NICK",
        "nickname": known.nickname,
        "token": known.token,
        "epoch": known.epoch,
        "rooms": known.rooms,
        "after": after,
    }
    return _frame(nick if known.server_password is None else {**nick, "server_password": known.server_password})


def ping_again(number: int, pong: bytes) -> bytes:
    """Return the PING, with its `ref`, of a PONG that was dropped."""
    ref = _said.decode(pong).ref
    ping = {"session": number, "type": "PING"}
    return _frame(ping if ref is None else {**ping, "ref": ref})


def link(name: str, secret: str | None) -> bytes:
    packet = {"type": "LINK", "name": name}
    return _frame(packet if secret is None else {**packet, "secret": secret})


def link_ping(ref: str) -> bytes:
    return _frame({"type": "PING", "ref": ref})


def link_pong(ping: bytes) -> bytes:
    ref = _said.decode(ping).ref
    return _frame({"type": "PONG"} if ref is None else {"type": "PONG", "ref": ref})


def notice(message: str) -> bytes:
    """Return the body of a NOTICE from the bridge itself."""
    return msgspec.json.encode({"type": "NOTICE", "message": message})


def said(body: bytes) -> tuple[str, str]:
    """Return the `reason` and the `message` of a body, "" where it has none."""
    fields = _said.decode(body)
    return fields.reason, fields.message


def is_queue_full(body: bytes) -> bool:
    """Say whether an ERROR refuses a packet because others of its session wait in the server's queue (section 6)."""
    error = _said.decode(body)
    return error.code == "rate_limited" and error.what == "queue"


def ref(body: bytes) -> str | None:
    """Return the `ref` of a body of the server."""
    return _said.decode(body).ref


def close_code(reason: str) -> int:
    """Return the WebSocket close code that follows a BYE (section 6)."""
    return CLOSE_CODES.get(reason, CLOSE_CODE_OTHERWISE)


def first_cursor(answer: KnownSession, asked: AskedSession) -> int:
    """Return the id up to which a session has every entry when its READY comes (section 5).

    A resumed session goes on from the `after` of its NICK. In another log old ids mean nothing: there the replay (a
    GAP, then the newest entries) begins at 0.
    """
    if not answer.resumed:
        return answer.id
    other_log = asked.epoch is not None and asked.epoch != answer.epoch
    if asked.after is None or other_log or asked.after > answer.id:
        return 0
    return asked.after


def asked(frame: bytes | None) -> AskedSession:
    """Read a frame for the link as a NICK; a frame that is no valid NICK gives the defaults."""
    try:
        return _asked.decode(frame[LENGTH_BYTES:]) if frame else AskedSession()
    except msgspec.MsgspecError:
        return AskedSession()  # the server refuses such a NICK


def is_answered(frame: bytes) -> bool:
    """Say whether the server answers this frame before READY: each but a PONG."""
    return bool(_head.decode(frame[LENGTH_BYTES:]).type != "PONG")


def _frame(fields: dict[str, Any]) -> bytes:
    return encode(msgspec.json.encode(fields))


def _without_session(body: bytes) -> bytes:
    """Remove every `session` key. The other values stay byte for byte; of a key that stands twice, the last one."""
    fields = _raw.decode(body)
    fields.pop("session", None)
    return msgspec.json.encode(fields)


def _ref(body: bytes) -> str | None:
    ref = _reference.decode(body).ref
    return ref if isinstance(ref, str) and 0 < len(ref) <= REF_MAX else None
