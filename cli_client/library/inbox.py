"""Events on their way from the connection to the program's loop, so that neither blocks the other.

A slow program is a cursor at the server, not a queue here (PROTOCOL.md section 5): once `LIMIT` events wait, the
connection is read no further until the program has taken some.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Iterator
from typing import TypeAlias

from cli_client.library.events import Event

Cursor: TypeAlias = tuple[str | None, int | None]  # epoch, and id of the last message

LIMIT = 1000  # events; some 300 KB of ordinary messages


class Inbox:
    """A queue of (event, body) with one reader at a time.

    Before there is a reader, only the newest `LIMIT` events are kept: a program that only sends needs no loop.
    """

    def __init__(self) -> None:
        self._items: deque[tuple[Event, bytes, Cursor]] = deque()
        self._cursor: Cursor = (None, None)  # after the newest item
        self._arrived = asyncio.Event()
        self._eased = asyncio.Event()
        self._is_read = False
        self._closed = False
        self._urgent = 0

    def put(self, event: Event, body: bytes, cursor: Cursor) -> None:
        """Append an event; `body` is the server's, or empty.

        Args:
            cursor: the session's place in the log, this event included.
        """
        if not self._is_read and len(self._items) >= LIMIT:
            self._items.popleft()
        self._items.append((event, body, self._cursor))
        self._cursor = cursor
        self._arrived.set()

    @property
    def unread_from(self) -> Cursor | None:
        """The cursor from which a resume brings every event that waits here; None if none waits."""
        if not self._is_read or not self._items:
            return None
        cursor = self._items[0][2]
        return None if cursor == (None, None) else cursor

    def close(self) -> None:
        """Note that no more events come: the reader gets the events that are left, then the end."""
        self._closed = True
        self._arrived.set()
        self._eased.set()

    @contextlib.contextmanager
    def urgent(self) -> Iterator[None]:
        """Let the connection be read further while the program awaits an answer: it comes no other way."""
        self._urgent += 1
        self._eased.set()
        try:
            yield
        finally:
            self._urgent -= 1

    @property
    def is_full(self) -> bool:
        """Whether the connection is to be read no further for now."""
        return self._is_read and len(self._items) >= LIMIT and not self._urgent and not self._closed

    async def wait_for_room(self) -> None:
        """Wait until the connection may be read further."""
        while self.is_full:
            self._eased.clear()
            await self._eased.wait()

    def __aiter__(self) -> AsyncIterator[tuple[Event, bytes]]:
        self._is_read = True
        return self

    async def __anext__(self) -> tuple[Event, bytes]:
        while not self._items:
            if self._closed:
                raise StopAsyncIteration
            self._arrived.clear()
            await self._arrived.wait()
        event, body, _ = self._items.popleft()
        if len(self._items) < LIMIT:
            self._eased.set()
        return event, body
