"""What a program may ask of the server, each as a method that returns the answer."""

import abc
from datetime import datetime
from typing import TypeVar

from msgspec import UNSET, UnsetType

from cli_client.library.errors import RequestError
from cli_client.library.outputs import Answered
from cli_client.library.targets import room_name, split_target
from cli_client.library.text import sendable
from tcp_server.protocol import client_packets, server_packets

_Answer = TypeVar("_Answer", bound=server_packets.AnyPacket)
_Given = TypeVar("_Given")


class Questions(abc.ABC):
    """The requests of PROTOCOL.md section 4.

    Each method raises ValueError for a name that can't be one, and what `ask` raises.
    """

    @abc.abstractmethod
    async def ask(self, request: client_packets.Request) -> Answered:
        """Send any request and return its direct answer.

        Raises:
            RequestError: the answer is ERROR or RETRY.
            LinkLost: the connection went before the answer came.
        """

    async def join(self, room: str) -> server_packets.Room:
        """Enter a room."""
        return await self._expect(server_packets.Room, client_packets.Join(room=room_name(room)))

    async def leave(self, room: str, message: str = "") -> None:
        """Leave a room."""
        request = client_packets.Leave(room=room_name(room), message=sendable(message) if message else UNSET)
        await self._expect(server_packets.Leave, request)

    async def set_topic(self, room: str, topic: str) -> None:
        """Set a room's topic; an empty one clears it."""
        await self._expect(server_packets.Topic, client_packets.Topic(room=room_name(room), topic=sendable(topic)))

    async def rename(self, nickname: str) -> str:
        """Take another nickname and return it as the server wrote it."""
        ready = await self._expect(server_packets.Ready, client_packets.Nick(nickname=nickname))
        return ready.nickname or nickname

    async def history(
        self, target: str, *, before: int | None = None, after: int | None = None, limit: int = 50
    ) -> server_packets.History:
        """Return one page of messages, oldest first: the newest, those before an id or those after one."""
        room, to = split_target(target)
        request = client_packets.History(
            room=_given(room), to=_given(to), before=_given(before), after=_given(after), limit=limit
        )
        return await self._expect(server_packets.History, request)

    async def search(
        self,
        query: str,
        *,
        room: str | None = None,
        sender: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        before: int | None = None,
        limit: int = 50,
    ) -> server_packets.Search:
        """Return messages that hold every word of the query, newest first; times need their zone."""
        request = client_packets.Search(
            query=query,
            room=_given(room),
            sender=_given(sender),
            since=_given(since),
            until=_given(until),
            before=_given(before),
            limit=limit,
        )
        return await self._expect(server_packets.Search, request)

    async def users(self, room: str) -> list[str]:
        """Return who is in a room, all of them."""
        users: list[str] = []
        more = True
        while more:
            after = users[-1] if users else UNSET
            page = await self._expect(server_packets.Users, client_packets.Users(room=room_name(room), after=after))
            users += page.users
            more = page.more and bool(page.users)
        return users

    async def rooms(self) -> list[server_packets.RoomEntry]:
        """Return the rooms that have members, all of them."""
        rooms: list[server_packets.RoomEntry] = []
        more = True
        while more:
            after = rooms[-1].room if rooms else UNSET
            page = await self._expect(server_packets.Rooms, client_packets.Rooms(after=after))
            rooms += page.rooms
            more = page.more and bool(page.rooms)
        return rooms

    async def _expect(self, kind: type[_Answer], request: client_packets.Request) -> _Answer:
        answer = (await self.ask(request)).packet
        if not isinstance(answer, kind):
            raise RequestError("bad_packet", f"the server answered with {type(answer).__name__.upper()}")
        return answer


def _given(value: _Given | None) -> _Given | UnsetType:
    return UNSET if value is None else value
