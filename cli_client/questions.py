"""What a program may ask of the server, each as a method that returns the answer."""

import abc
from datetime import datetime
from typing import TypeVar

from msgspec import UNSET, UnsetType

from cli_client.errors import RequestError
from cli_client.outputs import Answered
from cli_client.targets import room_name, split_target
from cli_client.text import sendable
from tcp_server import messages, requests

_Answer = TypeVar("_Answer", bound=messages.AnyPacket)
_Given = TypeVar("_Given")


class Questions(abc.ABC):
    """The requests of PROTOCOL.md section 4.

    Each method raises ValueError for a name that can't be one, and what `ask` raises.
    """

    @abc.abstractmethod
    async def ask(self, request: requests.Request) -> Answered:
        """Send any request and return its direct answer.

        Raises:
            RequestError: the answer is ERROR or RETRY.
            LinkLost: the connection went before the answer came.
        """

    async def join(self, room: str) -> messages.Room:
        """Enter a room."""
        return await self._expect(messages.Room, requests.Join(room=room_name(room)))

    async def leave(self, room: str, message: str = "") -> None:
        """Leave a room."""
        request = requests.Leave(room=room_name(room), message=sendable(message) if message else UNSET)
        await self._expect(messages.Leave, request)

    async def set_topic(self, room: str, topic: str) -> None:
        """Set a room's topic; an empty one clears it."""
        await self._expect(messages.Topic, requests.Topic(room=room_name(room), topic=sendable(topic)))

    async def rename(self, nickname: str) -> str:
        """Take another nickname and return it as the server wrote it."""
        ready = await self._expect(messages.Ready, requests.Nick(nickname=nickname))
        return ready.nickname or nickname

    async def history(
        self, target: str, *, before: int | None = None, after: int | None = None, limit: int = 50
    ) -> messages.History:
        """Return one page of messages, oldest first: the newest, those before an id or those after one."""
        room, to = split_target(target)
        request = requests.History(
            room=_given(room), to=_given(to), before=_given(before), after=_given(after), limit=limit
        )
        return await self._expect(messages.History, request)

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
    ) -> messages.Search:
        """Return messages that hold every word of the query, newest first; times need their zone."""
        request = requests.Search(
            query=query,
            room=_given(room),
            sender=_given(sender),
            since=_given(since),
            until=_given(until),
            before=_given(before),
            limit=limit,
        )
        return await self._expect(messages.Search, request)

    async def users(self, room: str) -> list[str]:
        """Return who is in a room, all of them."""
        users: list[str] = []
        more = True
        while more:
            after = users[-1] if users else UNSET
            page = await self._expect(messages.Users, requests.Users(room=room_name(room), after=after))
            users += page.users
            more = page.more and bool(page.users)
        return users

    async def rooms(self) -> list[messages.RoomEntry]:
        """Return the rooms that have members, all of them."""
        rooms: list[messages.RoomEntry] = []
        more = True
        while more:
            after = rooms[-1].room if rooms else UNSET
            page = await self._expect(messages.Rooms, requests.Rooms(after=after))
            rooms += page.rooms
            more = page.more and bool(page.rooms)
        return rooms

    async def _expect(self, kind: type[_Answer], request: requests.Request) -> _Answer:
        answer = (await self.ask(request)).packet
        if not isinstance(answer, kind):
            raise RequestError("bad_packet", f"the server answered with {type(answer).__name__.upper()}")
        return answer


def _given(value: _Given | None) -> _Given | UnsetType:
    return UNSET if value is None else value
