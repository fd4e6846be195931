"""Requests that wait for their answer, by `ref` (PROTOCOL.md section 1)."""

import asyncio
from collections.abc import Callable

from cli_client.library.errors import LinkLost, RequestError
from cli_client.library.outbox import random_ref
from cli_client.library.outputs import Answered
from cli_client.library.resume import format_request
from tcp_server.protocol import client_packets, server_packets

# Asked again after a cut; the others change something, and whether they did can't be known.
HARMLESS = (
    client_packets.History,
    client_packets.Search,
    client_packets.Users,
    client_packets.Rooms,
    client_packets.Join,
)


class _Asked:
    def __init__(self, request: client_packets.Request) -> None:
        self.request = request
        self.answer: asyncio.Future[Answered] = asyncio.get_running_loop().create_future()
        self.written = False


class Asking:
    """What was asked and not answered.

    `write` puts a body on the connection. The owner calls `live` and `lost` as the link comes and goes, and
    `answered` with each answer.
    """

    def __init__(self, write: Callable[[bytes], None]) -> None:
        self._write = write
        self._asked: dict[str, _Asked] = {}
        self._is_live = False
        self._closed = False

    async def ask(self, request: client_packets.Request) -> Answered:
        """Send a request, once there is a link, and return its answer.

        Raises:
            RequestError: the answer is ERROR or RETRY.
            LinkLost: the connection went before the answer came, and asking again might do it twice.
        """
        if self._closed:
            raise LinkLost("the client was closed")
        ref = request.ref = random_ref()
        asked = self._asked[ref] = _Asked(request)
        self._say(asked)
        try:
            answered = await asked.answer
        finally:
            del self._asked[ref]
        match answered.packet:
            case server_packets.Error(code=code, message=text) | server_packets.Retry(reason=code, message=text):
                raise RequestError(code, text)
        return answered

    def answered(self, answered: Answered) -> None:
        """Hand an answer to who waits for it."""
        asked = self._asked.get(answered.ref)
        if asked is not None and not asked.answer.done():
            asked.answer.set_result(answered)

    def live(self) -> None:
        """Note that the link is live: what waits is asked now."""
        self._is_live = True
        for asked in tuple(self._asked.values()):
            self._say(asked)

    def lost(self) -> None:
        """Note that the link is gone: what is harmless will be asked again, the rest has failed."""
        self._is_live = False
        for asked in self._asked.values():
            if asked.written and not isinstance(asked.request, HARMLESS):
                _fail(asked, "the connection was lost before the answer came")

    def close(self) -> None:
        """Note that there will be no link any more."""
        self._closed = True
        for asked in self._asked.values():
            _fail(asked, "the client was closed")

    def _say(self, asked: _Asked) -> None:
        if self._is_live and not asked.answer.done():
            asked.written = True
            self._write(format_request(asked.request))


def _fail(asked: _Asked, reason: str) -> None:
    if not asked.answer.done():
        asked.answer.set_exception(LinkLost(reason))
