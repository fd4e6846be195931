"""What a client remembers of one user, so that it can come back as the same user, also in another process."""

import msgspec

from cli_client.library.outbox import Outgoing


class Memory(msgspec.Struct):
    """One user's identity, place in the log and unsent messages."""

    nickname: str
    rooms: list[str] = []
    token: str | None = None
    epoch: str | None = None
    after: int | None = None
    outgoing: list[Outgoing] = []
    peers: list[str] = []  # the people that direct messages were exchanged with


class Secrets(msgspec.Struct, frozen=True):
    """Passwords for NICK; the server's is sent only where HELLO asks for it."""

    password: str | None = None
    server_password: str | None = None
