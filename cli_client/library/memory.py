"""What a client remembers of one user, so that it can come back as the same."""

import msgspec

from cli_client.library.outbox import Outgoing


class Memory(msgspec.Struct):
    """All that a client needs to come back as who it was, also in another process."""

    nickname: str
    rooms: list[str] = []
    token: str | None = None
    epoch: str | None = None
    after: int | None = None
    outgoing: list[Outgoing] = []
    peers: list[str] = []  # with whom direct messages went to and fro


class Secrets(msgspec.Struct, frozen=True):
    """Passwords for NICK, each only where it is asked for."""

    password: str | None = None
    server_password: str | None = None
