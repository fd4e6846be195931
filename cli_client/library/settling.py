"""Who waits for what becomes of a message."""

import asyncio
from weakref import WeakKeyDictionary

from cli_client.library.errors import LinkLost, RequestError
from cli_client.library.outbox import Outbox, Outgoing, State
from tcp_server.protocol.server_packets import Msg


class Settling:
    """Messages of an outbox, each with its future.

    Call `settle` when one was acknowledged (with the message) or refused (with None), and `end` when there will
    be no link any more.
    """

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox
        self._futures: WeakKeyDictionary[Outgoing, asyncio.Future[Msg | None]] = WeakKeyDictionary()
        self._changed = asyncio.Event()
        self._ended = False

    def expect(self, outgoing: Outgoing) -> asyncio.Future[Msg | None]:
        """Return the future of a message, a new one if it is on its way again."""
        future = self._futures.get(outgoing)
        if future is None or (future.done() and outgoing.state is State.PENDING and not self._ended):
            future = self._futures[outgoing] = asyncio.get_running_loop().create_future()
        return future

    def settle(self, outgoing: Outgoing, message: Msg | None) -> None:
        """Tell who waits."""
        future = self._futures.get(outgoing)
        if future is not None and not future.done():
            future.set_result(message)
        self._changed.set()

    def end(self) -> None:
        """Tell everybody that nothing more comes."""
        self._ended = True
        self._changed.set()
        for future in self._futures.values():
            if not future.done():
                future.set_result(None)

    async def sent(self, outgoing: Outgoing) -> Msg:
        """Wait until a message is in the log, and return it.

        Raises:
            RequestError: the server refused it.
            LinkLost: the client was closed first.
        """
        message = await asyncio.shield(self.expect(outgoing))
        if message is not None:
            return message
        if outgoing.state is State.FAILED:
            raise RequestError(outgoing.code, outgoing.reason)
        raise LinkLost("the client was closed")

    async def drained(self, at_most: int) -> None:
        """Wait until no more than so many messages are pending.

        Raises:
            LinkLost: the client was closed first.
        """
        while self._outbox.pending > at_most:
            if self._ended:
                raise LinkLost("the client was closed")
            self._changed.clear()
            await self._changed.wait()
