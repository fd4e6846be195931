"""What is said on the link and what is said to a browser, turned into each other (PROTOCOL.md section 6).

Pure: bytes in, bytes out. It knows the link's `session` key, the packets that only a bridge may send, and
the close code for each end. It has no chat rules: what a packet means is the server's business.
"""

from typing import Any

import msgspec
from msgspec import UNSET

from tcp_server.wordpacket import MAX_BODY, encode

# A browser that could say these could speak for others or stop the bridge's own work.
LINK_TYPES = frozenset({"LINK", "OPEN", "CLOSE", "SUBSCRIBE", "UNSUBSCRIBE", "PAUSE", "RESUME"})

REF_MAX = 64  # characters (section 1)

CLOSE_CODES = {"quit": 1000, "shutdown": 1001, "protocol": 1002}
CLOSE_CODE_OTHERWISE = 1008

_WHITE = b" \t\r\n"  # what JSON takes for white space


class Refused(ValueError):
    """A browser's packet that is not forwarded.

    Attributes:
        reply: the body of the ERROR that the browser gets instead.
    """

    def __init__(self, code: str, message: str, ref: str | None) -> None:
        super().__init__(message)
        answer = {"type": "ERROR", "code": code, "message": message}
        self.reply = msgspec.json.encode(answer if ref is None else {**answer, "ref": ref})


class Envelope(msgspec.Struct, gc=False):
    """The little that the bridge must know of each packet of the server; the rest is never decoded."""

    type: str = ""
    session: int | None = None
    room: str | None = None
    id: int = 0


class Ready(msgspec.Struct):
    """What is remembered of a session to resume it."""

    nickname: str = ""
    token: str | None = None
    epoch: str | None = None
    id: int = 0
    rooms: tuple[str, ...] = ()
    resumed: bool = False
    server_password: str | None = None  # what the NICK had; no READY has it


class Asked(msgspec.Struct):
    """What is needed of a NICK that opened or resumed a session."""

    epoch: str | None = None
    after: int | None = None
    server_password: str | None = None


class _Head(msgspec.Struct, gc=False):
    # Any, not str: a mistyped key is the server's to answer, not a reason to hide the packet from it.
    type: Any = None
    session: Any = UNSET


class _Reference(msgspec.Struct):
    ref: Any = None


class _Said(msgspec.Struct):
    message: str = ""
    reason: str = ""
    after: int = 0
    ref: str | None = None


_envelope = msgspec.json.Decoder(Envelope)
_ready = msgspec.json.Decoder(Ready)
_asked = msgspec.json.Decoder(Asked)
_head = msgspec.json.Decoder(_Head)
_reference = msgspec.json.Decoder(_Reference)
_said = msgspec.json.Decoder(_Said)
_raw = msgspec.json.Decoder(dict[str, msgspec.Raw])

# A body from the server -> its Envelope. Raises msgspec.MsgspecError or UnicodeDecodeError.
envelope = _envelope.decode
ready = _ready.decode


def for_server(number: int, body: bytes) -> bytes:
    """Address what a browser sent: return the word packet for the link.

    `body` must be UTF-8. What is no JSON object becomes a lone session key: the server answers and counts.

    Raises:
        Refused: it may not cross the link, or no longer fits with the key.
    """
    try:
        head = _head.decode(body)
    except (msgspec.MsgspecError, RecursionError):
        return encode(b'{"session":%d}' % number)
    if isinstance(head.type, str) and head.type in LINK_TYPES:
        raise Refused("unknown_type", f"{head.type} is for bridges alone", _ref(body))
    if head.session is not UNSET:
        body = _without_session(body)
    rest = body[1:] if body[:1] == b"{" else body.lstrip(_WHITE)[1:]
    if rest[0] in b" \t\r\n}":  # perhaps no key at all, and then no comma may follow ours
        rest = rest.lstrip(_WHITE)
        if rest[:1] == b"}":
            return encode(b'{"session":%d}' % number)
    addressed = b'{"session":%d,%b' % (number, rest)
    if len(addressed) > MAX_BODY:
        raise Refused("too_long", f"the packet has more than {MAX_BODY} bytes on the link", _ref(body))
    return encode(addressed)


def for_browser(body: bytes) -> bytes:
    """Take the session key off a packet of the server."""
    comma = body.find(b",")
    if body.startswith(b'{"session":') and body[11:comma].isdigit():
        return b"{" + body[comma + 1 :]
    return _without_session(body)


def open_session(number: int, address: str) -> bytes:
    return _packet({"session": number, "type": "OPEN", "address": address})


def close_session(number: int) -> bytes:
    return encode(b'{"session":%d,"type":"CLOSE"}' % number)


def pause(number: int) -> bytes:
    return encode(b'{"session":%d,"type":"PAUSE"}' % number)


def resume(number: int, after: int) -> bytes:
    """`after`: id of the last MSG that the browser was sent."""
    return encode(b'{"session":%d,"type":"RESUME","after":%d}' % (number, after))


def come_back(number: int, known: Ready, after: int) -> bytes:
    """The NICK that resumes a session on a new link in the browser's name."""
    nick = {
        "session": number,
        "type": "NICK",
        "nickname": known.nickname,
        "token": known.token,
        "epoch": known.epoch,
        "rooms": known.rooms,
        "after": after,
    }
    return _packet(nick if known.server_password is None else {**nick, "server_password": known.server_password})


def ping_again(number: int, pong: bytes) -> bytes:
    """The PING whose PONG had to be dropped, with the same ref."""
    ref = _said.decode(pong).ref
    ping = {"session": number, "type": "PING"}
    return _packet(ping if ref is None else {**ping, "ref": ref})


def link(name: str, secret: str | None) -> bytes:
    packet = {"type": "LINK", "name": name}
    return _packet(packet if secret is None else {**packet, "secret": secret})


def link_ping(ref: str) -> bytes:
    return _packet({"type": "PING", "ref": ref})


def link_pong(ping: bytes) -> bytes:
    ref = _said.decode(ping).ref
    return _packet({"type": "PONG"} if ref is None else {"type": "PONG", "ref": ref})


def notice(message: str) -> bytes:
    """The body of a NOTICE of the bridge's own."""
    return msgspec.json.encode({"type": "NOTICE", "message": message})


def said(body: bytes) -> tuple[str, str]:
    """Return the `reason` and the `message` of a packet, "" where it has none."""
    packet = _said.decode(body)
    return packet.reason, packet.message


def ref(body: bytes) -> str | None:
    """Return the `ref` of a packet of the server."""
    return _said.decode(body).ref


def close_code(reason: str) -> int:
    """Return the WebSocket close code that follows a BYE (section 6)."""
    return CLOSE_CODES.get(reason, CLOSE_CODE_OTHERWISE)


def first_cursor(answer: Ready, asked: Asked) -> int:
    """Return the id up to which a session has everything when its READY comes (section 5).

    A good resume goes on from what was asked. If the log is another one, old ids mean nothing in it, and the
    replay (a GAP, then the newest) begins at 0.
    """
    if not answer.resumed:
        return answer.id
    other_log = asked.epoch is not None and asked.epoch != answer.epoch
    if asked.after is None or other_log or asked.after > answer.id:
        return 0
    return asked.after


def asked(nick: bytes | None) -> Asked:
    """Read a word packet for the link as a NICK; what is no good one asks for nothing."""
    try:
        return _asked.decode(nick[2:]) if nick else Asked()
    except msgspec.MsgspecError:
        return Asked()  # the server refuses such a NICK


def is_answered(packet: bytes) -> bool:
    """Say whether the server answers this word packet for the link before READY; all but PONG."""
    return bool(_head.decode(packet[2:]).type != "PONG")


def _packet(fields: dict[str, Any]) -> bytes:
    return encode(msgspec.json.encode(fields))


def _without_session(body: bytes) -> bytes:
    """Remove every `session` key; the other values stay byte for byte, of a key given twice the last."""
    fields = _raw.decode(body)
    fields.pop("session", None)
    return msgspec.json.encode(fields)


def _ref(body: bytes) -> str | None:
    ref = _reference.decode(body).ref
    return ref if isinstance(ref, str) and 0 < len(ref) <= REF_MAX else None
