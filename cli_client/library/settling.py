"""Waiting until messages are in the log, or refused."""

import asyncio
from weakref import WeakKeyDictionary

from cli_client.library.errors import ConnectionLost, RequestError
from cli_client.library.inbox import Inbox
from cli_client.library.outbox import Outbox, Outgoing, OutgoingState
from tcp_server.protocol.server_packets import Msg


class Settling:
    """The messages of an outbox, each with its future.

    Call `settle` when a message was acknowledged (with the server's MSG) or refused (with None), and `end` when there
    will be no connection any more.
    """

    def __init__(self, outbox: Outbox, inbox: Inbox) -> None:
        self._outbox = outbox
        self._inbox = inbox
        self._futures: WeakKeyDictionary[Outgoing, asyncio.Future[Msg | None]] = WeakKeyDictionary()
        self._changed = asyncio.Event()
        self._ended = False

    def expect(self, outgoing: Outgoing) -> asyncio.Future[Msg | None]:
        """Return the future of a message; a message that is on its way again gets a new one."""
        future = self._futures.get(outgoing)
        if future is None or (future.done() and outgoing.state is OutgoingState.PENDING and not self._ended):
            future = self._futures[outgoing] = asyncio.get_running_loop().create_future()
        return future

    def settle(self, outgoing: Outgoing, message: Msg | None) -> None:
        """End the wait for a message."""
        future = self._futures.get(outgoing)
        if future is not None and not future.done():
            future.set_result(message)
        self._changed.set()

    def end(self) -> None:
        """End every wait: no message settles any more."""
        self._ended = True
        self._changed.set()
        for future in self._futures.values():
            if not future.done():
                future.set_result(None)

    async def sent(self, outgoing: Outgoing) -> Msg:
        """Wait until a message is in the log, and return it.

        Raises:
            RequestError: the server refused it.
            ConnectionLost: the client was closed first.
        """
        with self._inbox.urgent():
            message = await asyncio.shield(self.expect(outgoing))
        if message is not None:
            return message
        if outgoing.state is OutgoingState.FAILED:
            raise RequestError(outgoing.code, outgoing.reason)
        raise ConnectionLost("the client was closed")

    async def drained(self, at_most: int) -> None:
        """Wait until no more than `at_most` messages are pending.

        Raises:
            ConnectionLost: the client was closed first.
        """
        with self._inbox.urgent():
            while self._outbox.pending > at_most:
                if self._ended:
                    raise ConnectionLost("the client was closed")
                self._changed.clear()
                await self._changed.wait()
