"""What a client says: every packet as a typed struct with its checks, and the parser that refuses (PROTOCOL.md).

A parsed packet is a checked packet: its names carry their keys, and its texts, ids and numbers are within bounds. The
hub decides whether the packet is allowed now and whether its room exists. A refusal is an exception that *is* the
reply: its code, its text and the packet's `ref`. An optional field that was not sent is UNSET; `null` is a mistyped
field like any other. A struct's tag is its packet's type.
"""

import re
from datetime import datetime
from functools import lru_cache
from typing import Annotated, Any, TypeVar, Union

import msgspec
from msgspec import UNSET
from msgspec import UnsetType as UnsetType

from tcp_server.protocol import names
from tcp_server.protocol.fields import Fault, check_id, check_limit, check_place, check_text, decode_name
from tcp_server.protocol.names import Nickname, RoomName
from tcp_server.protocol.server_packets import MESSAGE_MAX, QUERY_MAX, REF_MAX, ROOMS_MAX, TOPIC_MAX, ErrorCode

SESSION_MAX = 2**53  # what every JSON reader can count to
SPELLINGS_MAX = 4 * ROOMS_MAX  # of the rooms in a NICK; the hub counts rooms, but more than these are not folded
PAGE_DEFAULT = 50  # messages in an answer to HISTORY or SEARCH that names no limit


class NotUtf8(ValueError):
    """The body is not UTF-8, which ends the session."""


class Refusal(ValueError):
    """A packet that gets ERROR.

    Attributes:
        code: the ERROR's code.
        text: for people; it names the field.
        ref: the packet's own, if it had a good one.
    """

    def __init__(self, code: ErrorCode, text: str, ref: str | None = None) -> None:
        super().__init__(code, text, ref)
        self.code = code
        self.text = text
        self.ref = ref


class ClientPacket(msgspec.Struct, tag_field="type", tag=str.upper, gc=False, kw_only=True):
    """What every packet of a client has in common."""

    ref: str | UnsetType = UNSET

    def check(self) -> None:
        """Hold the fields to more than their types say.

        Raises:
            Fault: one of them is out of bounds.
        """


class Msg(ClientPacket):
    message: str
    room: RoomName | UnsetType = UNSET
    to: Nickname | UnsetType = UNSET
    action: bool | UnsetType = UNSET

    def check(self) -> None:
        _check_target(self.room, self.to)
        check_text("message", self.message, 1, MESSAGE_MAX)


class Join(ClientPacket):
    room: RoomName


class Leave(ClientPacket):
    room: RoomName
    message: str | UnsetType = UNSET

    def check(self) -> None:
        _check_optional_message(self.message)


class Topic(ClientPacket):
    room: RoomName
    topic: str

    def check(self) -> None:
        check_text("topic", self.topic, 0, TOPIC_MAX)


class Nick(ClientPacket):
    """A nickname is wanted, before READY or instead of the present one.

    The names are not checked here but in `front`, where the packet becomes a claim: a bad nickname is answered by
    RETRY, and a body holds more rooms than may be folded in a turn.
    """

    nickname: str
    rooms: list[str] | UnsetType = UNSET
    server_password: str | UnsetType = UNSET
    password: str | UnsetType = UNSET
    client: str | UnsetType = UNSET
    token: str | UnsetType = UNSET
    epoch: str | UnsetType = UNSET
    after: int | UnsetType = UNSET

    def check(self) -> None:
        _check_optional_id("after", self.after)
        if self.rooms is not UNSET and len(set(self.rooms)) > SPELLINGS_MAX:
            raise Fault(f"rooms: more than {ROOMS_MAX}", "too_many")


class Typing(ClientPacket):
    room: RoomName | UnsetType = UNSET
    to: Nickname | UnsetType = UNSET

    def check(self) -> None:
        _check_target(self.room, self.to)


class Rooms(ClientPacket):
    """The rooms are listed from the first one behind `after`, which is folded once it was checked."""

    after: str | UnsetType = UNSET

    def check(self) -> None:
        if self.after is not UNSET:
            check_place(self.after)
            self.after = names.fold_text(self.after.removeprefix("#"))


class Users(ClientPacket):
    """The members are listed from the first one behind `after`, which is folded once it was checked."""

    room: RoomName
    after: str | UnsetType = UNSET

    def check(self) -> None:
        if self.after is not UNSET:
            check_place(self.after)
            self.after = names.fold_text(self.after)


class History(ClientPacket):
    room: RoomName | UnsetType = UNSET
    to: Nickname | UnsetType = UNSET
    before: int | UnsetType = UNSET
    after: int | UnsetType = UNSET
    limit: int = PAGE_DEFAULT

    def check(self) -> None:
        _check_target(self.room, self.to)
        _check_optional_id("before", self.before)
        _check_optional_id("after", self.after)
        if self.before is not UNSET and self.after is not UNSET:
            raise Fault("after: can't go with before")
        check_limit(self.limit)


class Search(ClientPacket):
    query: str
    room: RoomName | UnsetType = UNSET
    sender: Nickname | UnsetType = msgspec.field(default=UNSET, name="from")
    since: Annotated[datetime, msgspec.Meta(tz=True)] | UnsetType = UNSET
    until: Annotated[datetime, msgspec.Meta(tz=True)] | UnsetType = UNSET
    before: int | UnsetType = UNSET
    limit: int = PAGE_DEFAULT

    def check(self) -> None:
        check_text("query", self.query, 1, QUERY_MAX)
        if self.query.isspace():
            raise Fault("query: is all white space")
        _check_optional_id("before", self.before)
        check_limit(self.limit)


class Ping(ClientPacket):
    pass


class Pong(ClientPacket):
    pass


class Bye(ClientPacket):
    message: str | UnsetType = UNSET

    def check(self) -> None:
        _check_optional_message(self.message)


class LinkRequest(ClientPacket, tag="LINK"):
    name: str
    secret: str | UnsetType = UNSET


class SessionPacket(ClientPacket):
    """What a bridge says about a session; a session itself may not say it."""

    session: int

    def check(self) -> None:
        if not 0 < self.session <= SESSION_MAX:
            raise Fault("session: is out of range")


class Open(SessionPacket):
    address: str


class Close(SessionPacket):
    pass


class Pause(SessionPacket):
    pass


class Resume(SessionPacket):
    after: int

    def check(self) -> None:
        super().check()
        check_id("after", self.after)


SESSION_PACKETS: dict[str, type[ClientPacket]] = {
    struct.__name__.upper(): struct for struct in SessionPacket.__subclasses__()
}
PACKETS: dict[str, type[ClientPacket]] = {
    str(struct.__struct_config__.tag): struct for struct in ClientPacket.__subclasses__() if struct is not SessionPacket
} | SESSION_PACKETS

NAMES_CACHED = 4_096  # a call in C while a chat has no more names than that

_decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(
    Union[*PACKETS.values()], dec_hook=lru_cache(NAMES_CACHED)(decode_name)
)
_any_decoder = msgspec.json.Decoder()

format = msgspec.json.Encoder(enc_hook=str).encode  # a packet -> its body: compact JSON in UTF-8


def parse(body: bytes) -> ClientPacket:
    """Return the packet of one body that a client sent, checked.

    Raises:
        Refusal: the body is answered with ERROR and the connection goes on.
        NotUtf8: the session ends.
    """
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise NotUtf8(f"body is not UTF-8: {error.reason} at byte {error.start}") from None
    packet: ClientPacket
    try:
        packet = _decoder.decode(text)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        packet = _parse_unusual(text)
    if packet.ref is not UNSET and not 0 < len(packet.ref) <= REF_MAX:
        raise Refusal("bad_packet", f"ref: has 1 to {REF_MAX} characters")
    try:
        packet.check()
    except Fault as fault:
        raise Refusal(fault.code, fault.text, given(packet.ref)) from None
    return packet


_Value = TypeVar("_Value")


def given(value: _Value | UnsetType) -> _Value | None:
    """Return an optional field's value, or None where the field was not sent."""
    return None if value is UNSET else value


def good_ref(value: object) -> str | None:
    """Return the `ref` of a refused packet, if the answer may carry it back."""
    return value if isinstance(value, str) and 0 < len(value) <= REF_MAX else None


def _parse_unusual(text: str) -> Any:
    """Read what the typed decoder refused: the classic packet, a key given twice, or a fault to name."""
    try:
        value = _any_decoder.decode(text)
    except RecursionError:
        raise Refusal("bad_packet", "the body is nested too deeply") from None
    except (msgspec.MsgspecError, ValueError) as error:
        raise Refusal("bad_packet", f"the body is not a JSON object: {error}") from None
    if not isinstance(value, dict):
        raise Refusal("bad_packet", "the body is not a JSON object")
    ref = good_ref(value.get("ref"))
    kind = value.pop("type", UNSET)
    if kind is UNSET:
        if value.keys() == {"session"}:  # a bridge sends this for a body that it can't read
            raise Refusal("bad_packet", "type: is missing, or the body is not a JSON object")
        if "message" not in value:
            raise Refusal("bad_packet", "type: is missing", ref)
        kind = "MSG"
        if "to" not in value:
            value.setdefault("room", names.LOBBY)
    if not isinstance(kind, str):
        raise Refusal("bad_packet", "type: is not a string", ref)
    struct = PACKETS.get(kind)
    if struct is None:
        raise Refusal("unknown_type", f"there is no type {kind[:REF_MAX]}", ref)
    try:
        return msgspec.convert({**value, "type": kind}, struct, dec_hook=decode_name)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        cause = error.__cause__
        is_too_long = isinstance(cause, names.NameFault) and cause.too_long
        raise Refusal("too_long" if is_too_long else "bad_packet", _name_field(str(error)), ref) from None


def _name_field(error: str) -> str:
    """Turn msgspec's "Expected `str`, got `int` - at `$.room`" into "room: expected `str`, got `int`"."""
    reason, _, place = error.partition(" - at `$.")
    if place:
        return f"{place.rstrip('`')}: {reason[0].lower()}{reason[1:]}"
    missing = re.fullmatch(r"Object missing required field `(\w+)`", error)
    return f"{missing[1]}: is missing" if missing else error


def _check_target(room: RoomName | UnsetType, to: Nickname | UnsetType) -> None:
    if room is UNSET:
        if to is UNSET:
            raise Fault("room: is missing")
    elif to is not UNSET:
        raise Fault("to: can't go with room")


def _check_optional_message(message: str | UnsetType) -> None:
    if message is not UNSET:
        check_text("message", message, 1, MESSAGE_MAX)


def _check_optional_id(field: str, value: int | UnsetType) -> None:
    if value is not UNSET:
        check_id(field, value)
