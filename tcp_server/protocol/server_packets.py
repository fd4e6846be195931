"""What the server says: every packet as a typed struct, its parser and its format (PROTOCOL.md sections 3–6).

The server formats these and clients parse them; what a client says is in `requests`. Optional fields that
are None are left out of the body. A struct's name is its packet's type.
"""

from typing import Literal, TypeAlias

import msgspec

PROTOCOL_VERSION = 1
BODY_MAX = 65_500  # bytes; what the server fills, so that a link's `session` key still fits (section 2)
ENVELOPE_MAX = 2_000  # bytes of a list's body besides its entries: type, room, query, ref, at their longest
LIST_MAX = 200  # entries in one packet of USERS, ROOMS, HISTORY or SEARCH, and in a ROOM's `users`
MESSAGE_MAX = 8_000  # code points
TOPIC_MAX = 300
ROOMS_MAX = 50  # rooms a user
QUERY_MAX = 100
REF_MAX = 64

RetryReason: TypeAlias = Literal["taken", "invalid", "reserved", "registered", "password"]
LeaveReason: TypeAlias = Literal["left", "quit", "timeout", "kicked"]
ByeReason: TypeAlias = Literal["quit", "shutdown", "kicked", "timeout", "slow", "flood", "protocol", "forbidden"]
ErrorCode: TypeAlias = Literal[
    "bad_packet",
    "unknown_type",
    "not_ready",
    "not_in_room",
    "no_such_room",
    "no_such_user",
    "too_long",
    "too_many",
    "rate_limited",
    "forbidden",
    "log_unavailable",
]


class MessageError(ValueError):
    """The body is not a packet that a server sends."""


class Packet(msgspec.Struct, tag_field="type", tag=str.upper, omit_defaults=True, gc=False):
    """What every packet of the server has in common: a `type`, and the `session` on a link."""


class Limits(msgspec.Struct, frozen=True):
    packet: int = 65_535  # bytes of a body
    message: int = MESSAGE_MAX
    nickname: int = 32
    room: int = 64
    topic: int = TOPIC_MAX
    rooms: int = ROOMS_MAX


class Hello(Packet):
    protocol: int
    server: str
    version: str
    limits: Limits
    server_password: bool
    motd: str | None = None


class Ready(Packet):
    """The session is open. On a link, `link` is true and nothing else is said."""

    nickname: str | None = None
    token: str | None = None
    epoch: str | None = None
    id: int | None = None
    rooms: list[str] | None = None
    resumed: bool | None = None
    link: bool | None = None
    ref: str | None = None


class Retry(Packet):
    nickname: str
    reason: str  # a RetryReason; a newer server may know more
    message: str
    ref: str | None = None


class Msg(Packet):
    """A message as the log has it; of `room` and `to` it has one."""

    id: int
    nickname: str
    message: str
    timestamp: str
    room: str | None = None
    to: str | None = None
    action: bool | None = None
    ref: str | None = None


class Stored(msgspec.Struct, omit_defaults=True, gc=False):
    """A MSG without `type` and `id`: what the log keeps, since its id comes later."""

    nickname: str
    message: str
    timestamp: str
    room: str | None = None
    to: str | None = None
    action: bool | None = None
    ref: str | None = None


class Join(Packet):
    room: str
    nickname: str
    timestamp: str


class Leave(Packet):
    room: str
    nickname: str
    timestamp: str
    reason: str  # a LeaveReason
    message: str | None = None
    ref: str | None = None


class Topic(Packet):
    room: str
    topic: str
    nickname: str
    timestamp: str
    ref: str | None = None


class Nick(Packet):
    room: str
    old: str
    nickname: str
    timestamp: str


class Typing(Packet):
    nickname: str
    room: str | None = None
    to: str | None = None
    ref: str | None = None


class Room(Packet):
    """A room's state on joining; in a big room, later, only its new `count`."""

    room: str
    count: int
    topic: str | None = None
    users: list[str] | None = None
    id: int | None = None
    ref: str | None = None


class RoomEntry(msgspec.Struct, frozen=True):
    room: str
    topic: str
    count: int


class Rooms(Packet):
    rooms: list[RoomEntry]
    more: bool
    ref: str | None = None


class Users(Packet):
    room: str
    count: int
    users: list[str]
    more: bool
    ref: str | None = None


class History(Packet):
    """Messages oldest first; their `type` is there too."""

    messages: list[Msg]
    more: bool
    room: str | None = None
    to: str | None = None
    ref: str | None = None


class Search(Packet):
    """Messages that hold every word of the query, newest first."""

    query: str
    messages: list[Msg]
    more: bool
    ref: str | None = None


class Ping(Packet):
    ref: str | None = None


class Pong(Packet):
    """Everything for this session up to `id` has been sent before. On a link there is no `id`."""

    id: int | None = None
    ref: str | None = None


class Notice(Packet):
    message: str
    seconds: int | None = None


class Gap(Packet):
    """Visible messages between `after` and `id`, both excluded, were left out."""

    after: int
    id: int


class Error(Packet):
    code: str  # an ErrorCode
    message: str
    ref: str | None = None


class Bye(Packet):
    reason: str  # a ByeReason
    message: str
    ref: str | None = None


class Resume(Packet):
    """To a bridge: the replay of this session follows."""

    ref: str | None = None


class Subscribe(Packet):
    """To a bridge: from here on this session hears the room."""

    room: str


class Unsubscribe(Packet):
    room: str


AnyPacket: TypeAlias = (
    Hello | Ready | Retry | Msg | Join | Leave | Topic | Nick | Typing | Room | Rooms | Users | History
    | Search | Ping | Pong | Notice | Gap | Error | Bye | Resume | Subscribe | Unsubscribe
)  # fmt: skip

_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[AnyPacket] = msgspec.json.Decoder(AnyPacket)

format = _encoder.encode  # a packet -> its body: compact JSON in UTF-8, never longer than the caller made it


def parse(body: bytes) -> AnyPacket:
    """Read one body that a server sent; unknown keys are ignored.

    Raises:
        MessageError: it is not such a body, or of a type that this version doesn't know. A client ignores it.
    """
    try:
        return _decoder.decode(body)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise MessageError(str(error)) from None


def store(message: Stored) -> bytes:
    """Return what the log keeps of a message: its body after `{"type":"MSG","id":…,`."""
    return _encoder.encode(message)[1:]


def address_session(number: int, body: bytes) -> bytes:
    """Put a link's `session` key in front of a body (section 6)."""
    return b'{"session":%d,%b' % (number, body[1:])


def fitting(entries: list[bytes], limit: int) -> int:
    """Return how many of these encoded entries one packet holds."""
    space = BODY_MAX - ENVELOPE_MAX
    for count, entry in enumerate(entries[:limit]):
        space -= len(entry) + 1
        if space < 0:
            return count
    return min(len(entries), limit)
