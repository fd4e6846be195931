"""What a client says: every packet as a typed struct, and the parser that refuses (PROTOCOL.md).

A refusal is an exception that *is* the reply: its code, its text and the packet's `ref`. Whether the packet
is allowed now, and whether its room exists, is the hub's business. An optional field that was not sent is
UNSET; `null` is a mistyped field like any other.
"""

import re
import typing
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, TypeAlias, TypeVar

import msgspec
from msgspec import UNSET
from msgspec import UnsetType as UnsetType

from tcp_server.protocol import names
from tcp_server.protocol.fields import Fault, check_id, check_limit, check_name, check_text
from tcp_server.protocol.server_packets import MESSAGE_MAX, QUERY_MAX, REF_MAX, TOPIC_MAX, ErrorCode

SESSION_MAX = 2**53  # what every JSON reader can count to
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


class Request(msgspec.Struct, tag_field="type", tag=str.upper, gc=False, kw_only=True):
    """What every packet of a client has in common."""

    ref: str | UnsetType = UNSET


class Msg(Request):
    message: str
    room: str | UnsetType = UNSET
    to: str | UnsetType = UNSET
    action: bool | UnsetType = UNSET


class Join(Request):
    room: str


class Leave(Request):
    room: str
    message: str | UnsetType = UNSET


class Topic(Request):
    room: str
    topic: str


class Nick(Request):
    nickname: str
    rooms: list[str] | UnsetType = UNSET
    server_password: str | UnsetType = UNSET
    password: str | UnsetType = UNSET
    client: str | UnsetType = UNSET
    token: str | UnsetType = UNSET
    epoch: str | UnsetType = UNSET
    after: int | UnsetType = UNSET


class Typing(Request):
    room: str | UnsetType = UNSET
    to: str | UnsetType = UNSET


class Rooms(Request):
    after: str | UnsetType = UNSET


class Users(Request):
    room: str
    after: str | UnsetType = UNSET


class History(Request):
    room: str | UnsetType = UNSET
    to: str | UnsetType = UNSET
    before: int | UnsetType = UNSET
    after: int | UnsetType = UNSET
    limit: int = PAGE_DEFAULT


class Search(Request):
    query: str
    room: str | UnsetType = UNSET
    sender: str | UnsetType = msgspec.field(default=UNSET, name="from")
    since: Annotated[datetime, msgspec.Meta(tz=True)] | UnsetType = UNSET
    until: Annotated[datetime, msgspec.Meta(tz=True)] | UnsetType = UNSET
    before: int | UnsetType = UNSET
    limit: int = PAGE_DEFAULT


class Ping(Request):
    pass


class Pong(Request):
    pass


class Bye(Request):
    message: str | UnsetType = UNSET


class Link(Request):
    name: str
    secret: str | UnsetType = UNSET


class Open(Request):
    session: int
    address: str


class Close(Request):
    session: int


class Pause(Request):
    session: int


class Resume(Request):
    session: int
    after: int


AnyRequest: TypeAlias = (
    Msg | Join | Leave | Topic | Nick | Typing | Rooms | Users | History | Search | Ping | Pong | Bye | Link
    | Open | Close | Pause | Resume
)  # fmt: skip

LINK_ONLY = (Open, Close, Pause, Resume)  # from a bridge about a session, never from a session

_decoder: msgspec.json.Decoder[AnyRequest] = msgspec.json.Decoder(AnyRequest)
_any_decoder = msgspec.json.Decoder()
_TYPES: dict[str, type[Request]] = {struct.__name__.upper(): struct for struct in typing.get_args(AnyRequest)}


def parse(body: bytes) -> AnyRequest:
    """Read one body that a client sent.

    Raises:
        Refusal: it is answered with ERROR and the connection goes on.
        NotUtf8: the session ends.
    """
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise NotUtf8(f"body is not UTF-8: {error.reason} at byte {error.start}") from None
    try:
        request = _decoder.decode(text)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        request = _parse_unusual(text)
    if request.ref is not UNSET and not 0 < len(request.ref) <= REF_MAX:
        raise Refusal("bad_packet", f"ref: has 1 to {REF_MAX} characters")
    try:
        _CHECKS[type(request)](request)
    except Fault as fault:
        raise Refusal(fault.code, fault.text, given(request.ref)) from None
    return request


_Value = TypeVar("_Value")


def given(value: _Value | UnsetType) -> _Value | None:
    """Return an optional field's value, or None where it was not sent."""
    return None if value is UNSET else value


def good_ref(value: object) -> str | None:
    """Return what a refused packet had for its `ref`, if the answer may carry it back."""
    return value if isinstance(value, str) and 0 < len(value) <= REF_MAX else None


def _parse_unusual(text: str) -> Any:
    """Read what the typed decoder refused: the classic packet, a key given twice, or an error to name."""
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
        if value.keys() == {"session"}:  # what a bridge makes of a body that it can't read
            raise Refusal("bad_packet", "type: is missing, or the body is not a JSON object")
        if "message" not in value:
            raise Refusal("bad_packet", "type: is missing", ref)
        kind = "MSG"
        if "to" not in value:
            value.setdefault("room", names.LOBBY)
    if not isinstance(kind, str):
        raise Refusal("bad_packet", "type: is not a string", ref)
    struct = _TYPES.get(kind)
    if struct is None:
        raise Refusal("unknown_type", f"there is no type {kind[:REF_MAX]}", ref)
    try:
        return msgspec.convert({**value, "type": kind}, struct)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise Refusal("bad_packet", _name_field(str(error)), ref) from None


def _name_field(error: str) -> str:
    """Turn msgspec's "Expected `str`, got `int` - at `$.room`" into "room: expected `str`, got `int`"."""
    reason, _, place = error.partition(" - at `$.")
    if place:
        return f"{place.rstrip('`')}: {reason[0].lower()}{reason[1:]}"
    missing = re.fullmatch(r"Object missing required field `(\w+)`", error)
    return f"{missing[1]}: is missing" if missing else error


def _check_optional_message(request: Leave | Bye) -> None:
    if request.message is not UNSET:
        check_text("message", request.message, 1, MESSAGE_MAX)


def _check_optional_id(field: str, value: int | UnsetType) -> None:
    if value is not UNSET:
        check_id(field, value)


def _check_target(request: Msg | Typing | History) -> None:
    if request.room is not UNSET:
        if request.to is not UNSET:
            raise Fault("to: can't go with room")
        check_name("room", request.room, names.room_key)
    elif request.to is not UNSET:
        check_name("to", request.to, names.nickname_key)
    else:
        raise Fault("room: is missing")


def _check_msg(request: Msg) -> None:
    _check_target(request)
    check_text("message", request.message, 1, MESSAGE_MAX)


def _check_leave(request: Leave) -> None:
    check_name("room", request.room, names.room_key)
    _check_optional_message(request)


def _check_topic(request: Topic) -> None:
    check_name("room", request.room, names.room_key)
    check_text("topic", request.topic, 0, TOPIC_MAX)


def _check_nick(request: Nick) -> None:
    _check_optional_id("after", request.after)
    for room in request.rooms if request.rooms is not UNSET else ():
        check_name("rooms", room, names.room_key)


def _check_history(request: History) -> None:
    _check_target(request)
    _check_optional_id("before", request.before)
    _check_optional_id("after", request.after)
    if request.before is not UNSET and request.after is not UNSET:
        raise Fault("after: can't go with before")
    check_limit(request.limit)


def _check_search(request: Search) -> None:
    check_text("query", request.query, 1, QUERY_MAX)
    if request.query.isspace():
        raise Fault("query: is all white space")
    if request.room is not UNSET:
        check_name("room", request.room, names.room_key)
    if request.sender is not UNSET:
        check_name("from", request.sender, names.nickname_key)
    _check_optional_id("before", request.before)
    check_limit(request.limit)


def _check_session(request: Open | Close | Pause | Resume) -> None:
    if not 0 < request.session <= SESSION_MAX:
        raise Fault("session: is out of range")


def _check_resume(request: Resume) -> None:
    _check_session(request)
    check_id("after", request.after)


def _check_nothing(request: Request) -> None:
    """All that it may hold is right by its type."""


_CHECKS: dict[type[Request], Callable[[Any], None]] = {
    **dict.fromkeys(_TYPES.values(), _check_nothing),
    Msg: _check_msg,
    Join: lambda request: check_name("room", request.room, names.room_key),
    Leave: _check_leave,
    Topic: _check_topic,
    Nick: _check_nick,
    Typing: _check_target,
    Users: lambda request: check_name("room", request.room, names.room_key),
    History: _check_history,
    Search: _check_search,
    Bye: _check_optional_message,
    Open: _check_session,
    Close: _check_session,
    Pause: _check_session,
    Resume: _check_resume,
}
