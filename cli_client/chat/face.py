"""The seam between the two faces and the driver above them: each side knows the other by these methods alone."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Protocol, TypeAlias

from cli_client.chat.effects import FaceEffect
from cli_client.library.events import Event
from tcp_server.protocol.server_packets import History, Rooms, Search, Users

ListAnswer: TypeAlias = Users | Rooms | History | Search  # the answers that are no events


class Face(Protocol):
    """Shows the chat to a person or a program."""

    def received(self, packet: Event | ListAnswer, body: bytes) -> None:
        """Take an event or an answer before the session does; `body` is the server's, or empty."""

    def changed(self, effects: Sequence[FaceEffect]) -> None:
        """Note that the session has changed, and carry out the effects that are the face's."""


class Conductor(Protocol):
    """Runs the session for a face: the driver, as a face sees it."""

    def attach(self, face: Face) -> None:
        """Show the chat on this face; to be called before anything else."""

    def events(self) -> AsyncIterator[Event]:
        """Hand each event to the face and the session, then yield it; the face asks for the next one."""

    def typed(self, line: str) -> bool:
        """Take a line that the person entered; return False if it was refused, and nothing was done."""

    def said(self, text: str) -> None:
        """Take a text that is no command, whatever its first character is."""

    def look_back(self) -> None:
        """Fetch the messages above the current view's first line."""

    def now(self) -> datetime:
        """Return the time in the zone of this machine."""

    async def idle(self) -> None:
        """Wait until every request is answered."""

    def stop(self) -> None:
        """Wait for no more answers."""
