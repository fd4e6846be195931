"""Where a message goes, as one string: "lobby" or "#lobby" is a room, "@alice" a person.

No name may hold `#` or `@`, so the two can't be mistaken.
"""

from typing import TypeVar

from msgspec import UNSET, UnsetType

from tcp_server.protocol import names, server_packets
from tcp_server.protocol.names import Nickname, RoomName

_Value = TypeVar("_Value")


def split_target(target: str) -> tuple[str | None, str | None]:
    """Return (room, None) or (None, nickname).

    Raises:
        ValueError: the target is no valid name; the text says why.
    """
    if target.startswith("@"):
        names.nickname_key(target[1:])
        return None, target[1:]
    return room_name(target), None


def is_target(target: str) -> bool:
    """Say whether a target is a valid name."""
    try:
        split_target(target)
    except ValueError:
        return False
    return True


def packet_target(target: str) -> tuple[RoomName | UnsetType, Nickname | UnsetType]:
    """Return a target as the fields `room` and `to` of a packet.

    Raises:
        ValueError: the target is no valid name; the text says why.
    """
    if target.startswith("@"):
        return UNSET, names.checked_nickname(target[1:])
    return names.checked_room(target), UNSET


def known_target(target: str) -> tuple[RoomName | UnsetType, Nickname | UnsetType]:
    """Return a target that the server has told, as the fields `room` and `to` of a packet.

    It isn't held against the rules: a newer server's may allow more names.
    """
    if target.startswith("@"):
        return UNSET, Nickname(target[1:])
    return RoomName(target.removeprefix("#")), UNSET


def optional(value: _Value | None) -> _Value | UnsetType:
    """Return a value as an optional field of a packet: the field is absent where the value is None."""
    return UNSET if value is None else value


def room_name(room: str) -> str:
    """Return a room's name without its `#`.

    Raises:
        ValueError: the name is not valid; the text says why.
    """
    names.room_key(room)
    return names.room_shown(room)


def target_key(target: str) -> str:
    """Return the same key for each spelling of a target: "#Lobby" and "lobby" are "#lobby"."""
    if target.startswith("@"):
        return f"@{names.fold(target[1:])}"
    return f"#{names.fold(target.removeprefix('#'))}"


def message_target(message: server_packets.Msg, nickname: str) -> str:
    """Return the target that a message belongs to, for the user with this nickname."""
    if message.to is None:
        return f"#{message.room}"
    mine = names.fold(message.nickname) == names.fold(nickname)
    return f"@{message.to if mine else message.nickname}"
