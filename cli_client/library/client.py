"""One user of the chat, for bots, scripts and the faces of this package.

The client reconnects, resumes and resends by itself: a message that `send` took is in the server's log exactly once in
the end, or its `Outgoing` says why not. A target is a room ("lobby", "#lobby") or a person ("@alice").
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable
from types import TracebackType
from typing import Self

from msgspec import UNSET

from cli_client.library.admission import Admission
from cli_client.library.asking import Asking, random_ref
from cli_client.library.autosave import Autosave
from cli_client.library.codes import RETRY
from cli_client.library.connect import ConnectionStatus, Reconnector
from cli_client.library.errors import NotAdmitted, Unreachable
from cli_client.library.events import Event, Failed, Live, Lost, NotLetIn, Sent
from cli_client.library.inbox import Inbox
from cli_client.library.memory import Secrets
from cli_client.library.outbox import Outbox, Outgoing
from cli_client.library.outputs import Answered, Hangup, Happened
from cli_client.library.requests import Requests
from cli_client.library.resume import ResumingSession, SessionPhase
from cli_client.library.settling import Settling
from cli_client.library.store import Store
from cli_client.library.targets import known_target, message_target, split_target
from cli_client.library.text import sendable
from tcp_server.protocol import client_packets, server_packets
from tcp_server.protocol.server_packets import Gap, Limits, Msg, Ready

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 9000
SAVED_AT_ONCE_MAX = 16  # unsent messages; each save writes all of them, so those of a flood are saved together
TYPING_SECONDS = 4.0  # between two TYPINGs
BYE_SECONDS = 3.0  # for the server to answer BYE


class Client:
    """One user of the chat.

    Use it as `async with Client(...) as chat`, or call `connect` and, at the end, `close`. Iterate over `events` or
    `messages`, one of them at a time. A program that reads no events may still send and ask.

    Args:
        nickname: the user's nickname.
        rooms: the rooms to enter; none: the lobby, or the rooms where the user was.
        password: of a registered nickname.
        server_password: of a server that wants one.
        store: keeps unsent messages and the place in the log beyond the end of the process; the client closes it.
        program: the name of the program, for the server's log.

    Attributes:
        requests: history, search, users, rooms and the other requests of the protocol.
    """

    def __init__(
        self,
        host: str = DEFAULT_HOST,
        port: int = DEFAULT_PORT,
        *,
        nickname: str,
        rooms: Iterable[str] = (),
        password: str | None = None,
        server_password: str | None = None,
        store: Store | None = None,
        program: str = "wordpacket-client",
    ) -> None:
        self.host, self.port = host, port
        passwords = Secrets(password, server_password)
        self._session = ResumingSession(
            nickname, rooms, outbox=Outbox(random_ref), program=program, passwords=passwords
        )
        self._inbox = Inbox()
        self._autosave = Autosave(store, self._session, self._inbox)
        self._reconnector = Reconnector(
            host, port, self._session, self._inbox, happened=self._happened, lost=self._lost
        )
        self._running: asyncio.Task[None] | None = None
        self._admission = Admission()
        self._is_refused = False
        self._asking = Asking(self._reconnector, self._inbox)
        self.requests = Requests(self._asking)
        self._settling = Settling(self._session.outbox, self._inbox)
        self._typing_at = float("-inf")

    # -- coming and going ------------------------------------------------------------------------

    async def connect(self) -> None:
        """Connect and wait until the server has let us in; from then on the client stays connected.

        Raises:
            Unreachable: no chat server answers.
            NotAdmitted: the nickname is taken or not allowed, or a room's name is not valid.
        """
        self._admission.ask()
        self._run()
        try:
            await self._admission.wait()
        except BaseException:
            await self.close()
            raise

    def start(self) -> None:
        """Connect as soon as there is a server, and stay connected; until then `send` keeps what is written."""
        self._admission.ask()
        self._admission.let_in()
        self._run()

    async def close(self, message: str = "") -> None:
        """Say BYE and end the connection. Unsent messages stay in the store, if there is one."""
        self._reconnector.close()
        if self._running is not None and not self._running.done():
            if self._session.phase in (SessionPhase.CATCHING_UP, SessionPhase.LIVE):
                bye = client_packets.Bye(message=sendable(message) if message else UNSET)
                self._reconnector.write(client_packets.format(bye))
                self._inbox.close()
                await asyncio.wait([self._running], timeout=BYE_SECONDS)
            self._running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._running
        self._end()
        self._autosave.close()

    def _run(self) -> None:
        if self._running is not None:
            raise ValueError("this client was connected before")
        self._running = asyncio.create_task(self._reconnector.run(), name=f"connection of {self.nickname}")
        self._running.add_done_callback(self._finished)

    async def __aenter__(self) -> Self:
        await self.connect()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    # -- the user --------------------------------------------------------------------------------

    @property
    def status(self) -> ConnectionStatus:
        """The state of the connection."""
        return self._reconnector.status

    @property
    def nickname(self) -> str:
        """Our nickname; the server may have changed it."""
        return self._session.identity.nickname

    @property
    def joined(self) -> list[str]:
        """The rooms that we are in, and will be in again after a cut."""
        return self._session.identity.rooms

    @property
    def peers(self) -> list[str]:
        """The people that direct messages were exchanged with, the latest last."""
        return self._session.identity.peers

    @property
    def limits(self) -> Limits:
        """The limits that the server announced in its HELLO."""
        return self._session.limits

    @property
    def is_kept(self) -> bool:
        """Whether unsent messages outlive the process."""
        return self._autosave.is_kept

    @property
    def was_here(self) -> bool:
        """Whether the server has let this user in before, in this process or an earlier one."""
        return self._session.was_here

    @property
    def motd(self) -> str | None:
        """The server's message of the day."""
        return self._session.motd

    @property
    def outgoing(self) -> list[Outgoing]:
        """The messages that are pending or failed, oldest first."""
        return list(self._session.outbox)

    @property
    def unsent(self) -> int:
        """The number of pending messages."""
        return self._session.outbox.pending

    # -- hearing ---------------------------------------------------------------------------------

    async def events(self) -> AsyncIterator[Event]:
        """Yield every event, until the client is closed or the server sends us away for good."""
        async for event, _ in self._inbox:
            yield event

    async def received(self) -> AsyncIterator[tuple[Event, bytes]]:
        """Yield every event with the server's body, which is empty for the client's own events."""
        async for item in self._inbox:
            yield item

    async def messages(self) -> AsyncIterator[Msg]:
        """Yield the messages of others, each once and in order."""
        async for event, _ in self._inbox:
            if isinstance(event, Msg) and not self._session.identity.is_me(event.nickname):
                yield event

    # -- saying ----------------------------------------------------------------------------------

    def send(self, target: str, text: str, *, action: bool = False) -> Outgoing:
        """Send a message, now or as soon as there is a connection; this never waits.

        Raises:
            ValueError: the text is empty or too long, or the target's name is not valid.
        """
        room, to = split_target(target)
        text = sendable(text)
        if not 0 < len(text) <= self.limits.message:
            raise ValueError(f"a message has 1 to {self.limits.message:,} characters, not {len(text):,}")
        outgoing = self._session.outbox.add(text, room=room, to=to, action=action)
        self._settling.expect(outgoing)
        if self.unsent <= SAVED_AT_ONCE_MAX:
            self._autosave.save()
        else:
            self._autosave.save_soon()
        self._reconnector.flush()
        return outgoing

    def reply(self, message: Msg, text: str) -> Outgoing:
        """Send a message to the room or person that another message came from."""
        return self.send(message_target(message, self.nickname), text)

    def show_typing(self, target: str) -> None:
        """Tell the others that the user is typing; said at most every few seconds, and never kept."""
        now = asyncio.get_running_loop().time()
        if self._session.phase is SessionPhase.LIVE and now >= self._typing_at + TYPING_SECONDS:
            self._typing_at = now
            room, to = known_target(target)
            self._reconnector.write(client_packets.format(client_packets.Typing(room=room, to=to)))

    async def sent(self, outgoing: Outgoing) -> Msg:
        """Wait until a message of this client is in the log, and return it.

        Raises:
            RequestError: the server refused it.
            ConnectionLost: the client was closed first.
        """
        return await self._settling.sent(outgoing)

    async def drained(self, at_most: int = 0) -> None:
        """Wait until every message, or all but `at_most`, is acknowledged or refused.

        Raises:
            ConnectionLost: the client was closed first.
        """
        await self._settling.drained(at_most)

    def retry(self, outgoing: Outgoing) -> None:
        """Send a failed message again."""
        self._session.outbox.retry(outgoing)
        self._autosave.save()
        self._reconnector.flush()

    def discard(self, outgoing: Outgoing) -> None:
        """Forget a failed message."""
        self._session.outbox.discard(outgoing)
        self._autosave.save()

    async def rename(self, nickname: str) -> str:
        """Take another nickname and return it as the server wrote it.

        While the server refuses the present nickname, the new one is only tried at once, and returned as it is.

        Raises:
            RequestError: the nickname is taken or not allowed.
            ConnectionLost: the connection ended before the answer came.
        """
        if self._is_refused:
            self._session.identity.rename(nickname)
            self._reconnector.reconnect_now()
            return nickname
        ready = await self.requests.expect(server_packets.Ready, client_packets.Nick(nickname=nickname))
        return ready.nickname or nickname

    def check_now(self) -> None:
        """Ask the server at once whether it is there, or try to connect at once: this machine has just woken up."""
        self._reconnector.check_now()

    @property
    def unanswered(self) -> float:
        """The seconds for which the server owes an answer and has said nothing; 0 if that is not long."""
        return self._reconnector.unanswered

    def reconnect_now(self) -> None:
        """Try to connect at once, if there is no connection."""
        self._reconnector.reconnect_now()

    # -- reports of the connection ---------------------------------------------------------------

    def _happened(self, output: Happened | Answered) -> None:
        if isinstance(output, Answered):
            self._asking.answered(output)
            return
        match output.event:
            case Ready():
                self._is_refused = False
                self._autosave.renamed(self.nickname)
                self._autosave.save()
                self._admission.let_in()
            case Live():
                self._asking.live()
            case Sent(outgoing, message):
                self._settling.settle(outgoing, message)
                self._autosave.save_soon()
            case Failed(outgoing):
                self._settling.settle(outgoing, None)
                self._autosave.save_soon()
            case NotLetIn(nickname, reason, text):
                self._is_refused = True
                self._admission.fail(NotAdmitted(nickname, reason, text))
            case Msg() | Gap():
                self._autosave.save_soon()
        self._inbox.put(output.event, output.body, self._session.cursor)

    def _lost(self, hangup: Hangup, retry_seconds: float | None) -> bool:
        """Take the end of a connection, or of an attempt at one; say whether to go on."""
        self._asking.lost()
        is_refusal = hangup.code in RETRY
        error = NotAdmitted(self.nickname, hangup.code, hangup.reason) if is_refusal else Unreachable(hangup.reason)
        self._admission.fail(error)
        if self._admission.has_failed:
            return False  # `connect` says why
        self._inbox.put(Lost(hangup.reason, retry_seconds), b"", self._session.cursor)
        if retry_seconds is None:
            self._end()
        return True

    def _finished(self, running: asyncio.Task[None]) -> None:
        """Take the end of the connection for good; if a bug ended it, `connect` must not wait on."""
        if not running.cancelled():
            self._admission.fail(running.exception() or Unreachable("the connection has ended"))
        self._end()

    def _end(self) -> None:
        """End every wait: there will be no connection any more."""
        self._asking.close()
        self._settling.end()
        self._inbox.close()
