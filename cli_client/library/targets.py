"""Where a message goes, as one string: "lobby" or "#lobby" is a room, "@alice" a person.

No name may hold `#` or `@`, so the two can't be mistaken.
"""

from tcp_server.protocol import names, server_packets


def split_target(target: str) -> tuple[str | None, str | None]:
    """Return (room, None) or (None, nickname).

    Raises:
        ValueError: it is no valid name; the text says why.
    """
    if target.startswith("@"):
        names.nickname_key(target[1:])
        return None, target[1:]
    return room_name(target), None


def room_name(room: str) -> str:
    """Return a room's name without its `#`.

    Raises:
        ValueError: it is no valid name; the text says why.
    """
    names.room_key(room)
    return names.room_shown(room)


def target_key(target: str) -> str:
    """Return what two spellings of one target share: "#Lobby" and "lobby" are "#lobby"."""
    if target.startswith("@"):
        return f"@{names.fold(target[1:])}"
    return f"#{names.fold(target.removeprefix('#'))}"


def message_target(message: server_packets.Msg, nickname: str) -> str:
    """Return the target that a message belongs to, for the user with this nickname."""
    if message.to is None:
        return f"#{message.room}"
    mine = names.fold(message.nickname) == names.fold(nickname)
    return f"@{message.to if mine else message.nickname}"
