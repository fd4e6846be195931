"""What the server says: every packet as a typed struct, its parser and its format (PROTOCOL.md sections 3–6).

The server formats these and clients parse them; what a client says is in `client_packets`. Optional fields that
are None are left out of the body. A struct's tag is its packet's type.
"""

from typing import Any, Literal, TypeAlias, Union

import msgspec

from tcp_server.protocol.entries import MessageFields

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
    """The body is no packet of a server."""


class ServerPacket(msgspec.Struct, tag_field="type", tag=str.upper, omit_defaults=True, gc=False):
    """What every packet of the server has in common: a `type`, and the `session` on a link."""


class Limits(msgspec.Struct, frozen=True):
    packet: int = 65_535  # bytes of a body
    message: int = MESSAGE_MAX
    nickname: int = 32
    room: int = 64
    topic: int = TOPIC_MAX
    rooms: int = ROOMS_MAX


class Hello(ServerPacket):
    protocol: int
    server: str
    version: str
    limits: Limits
    server_password: bool
    motd: str | None = None


class Ready(ServerPacket):
    """The session is open. On a link, `link` is true and nothing else is said."""

    nickname: str | None = None
    token: str | None = None
    epoch: str | None = None
    id: int | None = None
    rooms: list[str] | None = None
    resumed: bool | None = None
    link: bool | None = None
    ref: str | None = None


class Retry(ServerPacket):
    nickname: str
    reason: str  # a RetryReason; a newer server may know more
    message: str
    ref: str | None = None


class Msg(ServerPacket, MessageFields, kw_only=True):
    """A message as the log has it; of `room` and `to` it has one."""

    id: int


class Join(ServerPacket):
    room: str
    nickname: str
    timestamp: str


class Leave(ServerPacket):
    room: str
    nickname: str
    timestamp: str
    reason: str  # a LeaveReason
    message: str | None = None
    ref: str | None = None


class Topic(ServerPacket):
    room: str
    topic: str
    nickname: str
    timestamp: str
    ref: str | None = None


class Nick(ServerPacket):
    room: str
    old: str
    nickname: str
    timestamp: str


class Typing(ServerPacket):
    nickname: str
    room: str | None = None
    to: str | None = None
    ref: str | None = None


class RoomState(ServerPacket, tag="ROOM"):
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


class Rooms(ServerPacket):
    rooms: list[RoomEntry]
    more: bool
    ref: str | None = None


class Users(ServerPacket):
    room: str
    count: int
    users: list[str]
    more: bool
    ref: str | None = None


class History(ServerPacket):
    """Messages oldest first; their `type` is there too."""

    messages: list[Msg]
    more: bool
    room: str | None = None
    to: str | None = None
    ref: str | None = None


class Search(ServerPacket):
    """Messages that hold every word of the query, newest first; there may be `more` although a page has none."""

    query: str
    messages: list[Msg]
    more: bool
    ref: str | None = None
    before: int | None = None  # where the next page begins


class Ping(ServerPacket):
    ref: str | None = None


class Pong(ServerPacket):
    """Everything for this session up to `id` has been sent before. On a link there is no `id`."""

    id: int | None = None
    ref: str | None = None


class Notice(ServerPacket):
    message: str
    seconds: int | None = None


class Gap(ServerPacket):
    """Visible messages between `after` and `id`, both excluded, were left out."""

    after: int
    id: int


class Error(ServerPacket):
    code: str  # an ErrorCode
    message: str
    ref: str | None = None
    what: str | None = None  # of rate_limited: the limit that was met
    retry_after: float | None = None  # seconds
    room: str | None = None


class Bye(ServerPacket):
    reason: str  # a ByeReason
    message: str
    ref: str | None = None


class Resume(ServerPacket):
    """To a bridge: the replay of this session follows."""

    ref: str | None = None


class Subscribe(ServerPacket):
    """To a bridge: from here on this session hears the room."""

    room: str


class Unsubscribe(ServerPacket):
    room: str


PACKETS: dict[str, type[ServerPacket]] = {
    str(struct.__struct_config__.tag): struct for struct in ServerPacket.__subclasses__()
}

_encoder = msgspec.json.Encoder(enc_hook=str)  # a name is written as its text
_decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(Union[*PACKETS.values()])

format = _encoder.encode  # a packet -> its body: compact JSON in UTF-8, never longer than the caller made it


def parse(body: bytes) -> ServerPacket:
    """Return the packet of one body that a server sent; unknown keys are ignored.

    Raises:
        MessageError: the body is no packet of a server, or of a type that this version doesn't know. A client ignores
            it.
    """
    try:
        packet: ServerPacket = _decoder.decode(body)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise MessageError(str(error)) from None
    return packet


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
