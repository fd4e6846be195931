"""The numbered hits of the last search, each a message of some room or direct talk. Pure data."""

from cli_client.library.targets import message_target
from tcp_server.protocol import client_packets, server_packets


class Hits:
    """Target and id of each hit, counted from 1.

    Attributes:
        older: the request that asks for older hits; None: there are none.
    """

    def __init__(self) -> None:
        self.older: client_packets.Search | None = None
        self._found: list[tuple[str, int]] = []

    def clear(self) -> None:
        """Begin another search."""
        self._found.clear()

    def add(self, message: server_packets.Msg, nickname: str) -> tuple[int, str]:
        """Add a hit; return its number and its target, for the user with this nickname."""
        target = message_target(message, nickname)
        self._found.append((target, message.id))
        return len(self._found), target

    def end_page(self, older: client_packets.Search | None) -> None:
        """Note how to ask for the hits after this page."""
        self.older = older

    def get(self, number: int) -> tuple[str, int] | None:
        """Return target and id of a hit."""
        return self._found[number - 1] if 0 < number <= len(self._found) else None
