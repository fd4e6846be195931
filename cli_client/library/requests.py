"""The questions and orders of PROTOCOL.md section 4, each as a method that returns the answer."""

from datetime import datetime
from typing import TypeVar

from msgspec import UNSET

from cli_client.library.asking import Asking
from cli_client.library.errors import RequestError
from cli_client.library.outputs import Answered
from cli_client.library.targets import optional, packet_target
from cli_client.library.text import sendable
from tcp_server.protocol import client_packets, server_packets
from tcp_server.protocol.names import Nickname, RoomName, checked_room

_Answer = TypeVar("_Answer", bound=server_packets.ServerPacket)


class Requests:
    """What a program may ask of the server; a client has it as `requests`.

    Each method raises ValueError for a name that is not valid, RequestError if the server refuses, and ConnectionLost
    if the connection ended before the answer came.
    """

    def __init__(self, asking: Asking) -> None:
        self._asking = asking

    async def join(self, room: str) -> server_packets.RoomState:
        """Enter a room."""
        return await self.expect(server_packets.RoomState, client_packets.Join(room=checked_room(room)))

    async def leave(self, room: str, message: str = "") -> None:
        """Leave a room."""
        request = client_packets.Leave(room=checked_room(room), message=sendable(message) if message else UNSET)
        await self.expect(server_packets.Leave, request)

    async def set_topic(self, room: str, topic: str) -> None:
        """Set a room's topic; an empty one clears it."""
        await self.expect(server_packets.Topic, client_packets.Topic(room=checked_room(room), topic=sendable(topic)))

    async def history(
        self, target: str, *, before: int | None = None, after: int | None = None, limit: int = 50
    ) -> server_packets.History:
        """Return one page of messages, oldest first: the newest, those before an id or those after one."""
        room, to = packet_target(target)
        request = client_packets.History(room=room, to=to, before=optional(before), after=optional(after), limit=limit)
        return await self.expect(server_packets.History, request)

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
        """Return messages that hold every word of the query, newest first; times need their zone.

        The answer is empty only if there are none: where the server has looked at a part of the log, the next is asked.
        The page after this one begins at the answer's `before`.
        """
        request = client_packets.Search(
            query=query,
            room=optional(None if room is None else RoomName(room)),
            sender=optional(None if sender is None else Nickname(sender)),
            since=optional(since),
            until=optional(until),
            before=optional(before),
            limit=limit,
        )
        while True:
            page = await self.expect(server_packets.Search, request)
            if page.before is None and page.messages:
                page.before = page.messages[-1].id
            if page.messages or not page.more or page.before is None:
                return page
            request.before = page.before

    async def users(self, room: str) -> list[str]:
        """Return all members of a room."""
        users: list[str] = []
        more = True
        while more:
            after = users[-1] if users else UNSET
            page = await self.expect(server_packets.Users, client_packets.Users(room=checked_room(room), after=after))
            users += page.users
            more = page.more and bool(page.users)
        return users

    async def rooms(self) -> list[server_packets.RoomEntry]:
        """Return all rooms that have members."""
        rooms: list[server_packets.RoomEntry] = []
        more = True
        while more:
            after = rooms[-1].room if rooms else UNSET
            page = await self.expect(server_packets.Rooms, client_packets.Rooms(after=after))
            rooms += page.rooms
            more = page.more and bool(page.rooms)
        return rooms

    async def ask(self, request: client_packets.ClientPacket) -> Answered:
        """Send any request and return its direct answer; while there is no connection, wait for one.

        A request that only asks, or joins, is asked again after a cut.
        """
        return await self._asking.ask(request)

    async def expect(self, kind: type[_Answer], request: client_packets.ClientPacket) -> _Answer:
        """Send any request and return its answer, which has to be a packet of this kind."""
        answer = (await self.ask(request)).packet
        if not isinstance(answer, kind):
            raise RequestError("bad_packet", f"the server answered with {type(answer).__name__.upper()}")
        return answer
