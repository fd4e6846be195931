"""Requests that wait for their answer, by `ref` (PROTOCOL.md section 1)."""

import asyncio
import secrets

from cli_client.library.connect import Reconnector
from cli_client.library.errors import ConnectionLost, RequestError
from cli_client.library.inbox import Inbox
from cli_client.library.outbox import bounded
from cli_client.library.outputs import Answered
from tcp_server.protocol import client_packets, server_packets

ASKED_MAX = 14  # requests that wait for their answer at a time; see `outbox.WINDOW_MAX`
QUEUE = "queue"  # the ERROR's `what` where the server keeps no more packets of this session for now
QUEUE_SECONDS = 1.0  # until a request that got it is sent again, where the server doesn't say

REF_BYTES = 16  # the protocol asks for 64 random bits at least; these are 128
# Asked again after a cut. Every other request changes something, and whether it did can't be known.
HARMLESS = (
    client_packets.History,
    client_packets.Search,
    client_packets.Users,
    client_packets.Rooms,
    client_packets.Join,
)


def random_ref() -> str:
    """Return a `ref` that nobody used before."""
    return secrets.token_hex(REF_BYTES)


class _Question:
    def __init__(self, request: client_packets.ClientPacket) -> None:
        self.request = request
        self.answer: asyncio.Future[Answered] = asyncio.get_running_loop().create_future()
        self.written = False


class Asking:
    """The requests that were not answered yet.

    The owner calls `live` and `lost` as the connection comes and goes, and `answered` with each answer.
    """

    def __init__(self, reconnector: Reconnector, inbox: Inbox) -> None:
        self._reconnector = reconnector
        self._inbox = inbox
        self._questions: dict[str, _Question] = {}
        self._is_live = False
        self._closed = False
        self._timer: asyncio.TimerHandle | None = None  # while the server wants us to wait

    async def ask(self, request: client_packets.ClientPacket) -> Answered:
        """Send a request, once there is a connection, and return its answer.

        Raises:
            RequestError: the answer is ERROR or RETRY.
            ConnectionLost: the connection ended before the answer came, and asking again might do it twice.
        """
        if self._closed:
            raise ConnectionLost("the client was closed")
        ref = request.ref = random_ref()
        question = self._questions[ref] = _Question(request)
        self._write()
        try:
            with self._inbox.urgent():
                answered = await question.answer
        finally:
            del self._questions[ref]
            self._write()
        match answered.packet:
            case server_packets.Error(code=code, message=text) | server_packets.Retry(reason=code, message=text):
                raise RequestError(code, text)
        return answered

    def answered(self, answered: Answered) -> None:
        """Hand an answer to the caller that waits for it."""
        question = self._questions.get(answered.ref)
        if question is None or question.answer.done():
            return
        match answered.packet:
            case server_packets.Error(what=what, retry_after=seconds) if what == QUEUE:
                question.written = False
                if self._timer is None:
                    wait = QUEUE_SECONDS if seconds is None else bounded(seconds)
                    self._timer = asyncio.get_running_loop().call_later(wait, self._waited)
            case _:
                question.answer.set_result(answered)
                self._write()

    def live(self) -> None:
        """Note that the connection is live: write every request that waits."""
        self._is_live = True
        for question in self._questions.values():
            question.written = False
        self._waited()

    def lost(self) -> None:
        """Note that the connection is lost: harmless requests will be asked again, the others have failed."""
        self._is_live = False
        for question in self._questions.values():
            if question.written and not isinstance(question.request, HARMLESS):
                _fail(question, "the connection was lost before the answer came")

    def close(self) -> None:
        """Note that there will be no connection any more."""
        self._closed = True
        self._is_live = False
        self._waited()
        for question in self._questions.values():
            _fail(question, "the client was closed")

    def _waited(self) -> None:
        """End the wait that the server wanted."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._write()

    def _write(self) -> None:
        """Write the requests that wait, oldest first, as many as may be unanswered."""
        if not self._is_live or self._timer is not None:
            return
        waiting = [question for question in self._questions.values() if not question.answer.done()]
        for question in waiting[:ASKED_MAX]:
            if not question.written:
                question.written = True
                self._reconnector.ask(client_packets.format(question.request))


def _fail(question: _Question, reason: str) -> None:
    if not question.answer.done():
        question.answer.set_exception(ConnectionLost(reason))
