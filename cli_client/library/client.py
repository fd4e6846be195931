"""The client library: one user of the chat, for bots, scripts and the faces of this package.

    async with Client(nickname="echo-bot") as chat:
        async for message in chat.messages():
            chat.reply(message, f"{message.nickname} said: {message.message}")

It reconnects, resumes and resends by itself: what `send` took is in the server's log exactly once in the end,
or its `Outgoing` says why not. A target is a room ("lobby", "#lobby") or a person ("@alice").
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable
from types import TracebackType
from typing import Self

from msgspec import UNSET

from cli_client.library.asking import Asking
from cli_client.library.autosave import Keeper
from cli_client.library.connect import Link, LinkState, LinkStatus
from cli_client.library.errors import NotAdmitted, Unreachable
from cli_client.library.events import Event, Failed, Live, Lost, Refused, Sent
from cli_client.library.inbox import Inbox
from cli_client.library.memory import Memory, Secrets
from cli_client.library.outbox import Outgoing
from cli_client.library.outputs import Answered, Hangup, Happened
from cli_client.library.questions import Questions
from cli_client.library.resume import Conversation, Phase, format_request
from cli_client.library.settling import Settling
from cli_client.library.store import Store
from cli_client.library.targets import message_target, split_target
from cli_client.library.text import sendable
from tcp_server.protocol import client_packets
from tcp_server.protocol.server_packets import Gap, Limits, Msg, Ready

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 9000
TYPING_SECONDS = 4.0  # between two TYPINGs
BYE_SECONDS = 3.0  # for the server to answer BYE


class Client(Questions):
    """One user of the chat.

    Use it as `async with Client(...) as chat`, or call `connect` and, at the end, `close`. Iterate over
    `events` or `messages`, one of them at a time. A program that reads no events may still send and ask.

    Args:
        nickname: who to be.
        rooms: where to be; none: the lobby, or where the user was.
        password: of a registered nickname.
        server_password: of a server that wants one.
        store: where unsent messages and the place in the log outlive the process; the client closes it.
        program: what the server is told that we are.
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
        self.status = LinkStatus(LinkState.OFFLINE, "not connected yet")
        self._conversation = Conversation(
            nickname, rooms, program=program, passwords=Secrets(password, server_password)
        )
        self._keeper = Keeper(store, self._remember)
        self._inbox = Inbox()
        memory = self._keeper.load()
        if memory is not None:
            self._conversation.restore(memory)
        self._link = Link(
            host,
            port,
            self._conversation,
            happened=self._happened,
            lost=self._lost,
            may_read=self._inbox.wait_for_room,
        )
        self._running: asyncio.Task[None] | None = None
        self._admitted: asyncio.Future[None] | None = None
        self._refused = False
        self._asking = Asking(self._link.write)
        self._settling = Settling(self._conversation.outbox)
        self._typing_at = float("-inf")

    # -- coming and going ------------------------------------------------------------------------

    async def connect(self) -> None:
        """Connect and wait until the server has let us in; from then on the link is kept.

        Raises:
            Unreachable: no chat server answers.
            NotAdmitted: the nickname is taken or not allowed, or a room's name is bad.
        """
        if self._running is not None:
            raise ValueError("this client was connected before")
        self._admitted = asyncio.get_running_loop().create_future()
        self._running = asyncio.create_task(self._link.run(), name=f"chat link of {self.nickname}")
        self._running.add_done_callback(self._finished)
        try:
            await self._admitted
        except BaseException:
            await self.close()
            raise

    async def close(self, message: str = "") -> None:
        """Say BYE and end the connection. What is unsent stays in the store, if there is one."""
        self._link.closing = True
        if self._running is not None and not self._running.done():
            if self._conversation.phase in (Phase.CATCHING_UP, Phase.LIVE):
                bye = client_packets.Bye(message=sendable(message) if message else UNSET)
                self._link.write(format_request(bye))
                self._inbox.close()
                await asyncio.wait([self._running], timeout=BYE_SECONDS)
            self._running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._running
        self._end()
        self._keeper.close()

    async def __aenter__(self) -> Self:
        await self.connect()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    # -- who and where ---------------------------------------------------------------------------

    @property
    def nickname(self) -> str:
        """Our nickname; the server may have changed it."""
        return self._conversation.nickname

    @property
    def joined(self) -> list[str]:
        """The rooms that we are in, and will be in again after a cut."""
        return self._conversation.rooms

    @property
    def peers(self) -> list[str]:
        """With whom direct messages went to and fro, the latest last."""
        return list(self._conversation.peers.values())

    @property
    def limits(self) -> Limits:
        """What the server announced in its HELLO."""
        return self._conversation.limits

    @property
    def is_kept(self) -> bool:
        """Whether what is unsent outlives the process."""
        return self._keeper.is_kept

    @property
    def motd(self) -> str | None:
        """The server's message of the day."""
        return self._conversation.motd

    @property
    def outgoing(self) -> list[Outgoing]:
        """Messages that are pending or failed, oldest first."""
        return list(self._conversation.outbox)

    @property
    def unsent(self) -> int:
        """How many messages are pending."""
        return self._conversation.outbox.pending

    # -- hearing ---------------------------------------------------------------------------------

    async def events(self) -> AsyncIterator[Event]:
        """Yield all that happens, until the client is closed or the server sends us away for good."""
        async for event, _ in self._inbox:
            yield event

    async def received(self) -> AsyncIterator[tuple[Event, bytes]]:
        """Yield events with the body that the server wrote, empty for the client's own events."""
        async for item in self._inbox:
            yield item

    async def messages(self) -> AsyncIterator[Msg]:
        """Yield the messages of others, each once and in order."""
        async for event, _ in self._inbox:
            if isinstance(event, Msg) and not self._conversation.is_me(event.nickname):
                yield event

    # -- saying ----------------------------------------------------------------------------------

    def send(self, target: str, text: str, *, action: bool = False) -> Outgoing:
        """Send a message, now or as soon as there is a link; this never waits.

        Raises:
            ValueError: the text is empty or too long, or the target is no name.
        """
        room, to = split_target(target)
        text = sendable(text)
        if not 0 < len(text) <= self.limits.message:
            raise ValueError(f"a message has 1 to {self.limits.message:,} characters, not {len(text):,}")
        outgoing = self._conversation.outbox.add(text, room=room, to=to, action=action)
        self._settling.expect(outgoing)
        self._keeper.save()
        self._link.flush()
        return outgoing

    def reply(self, message: Msg, text: str) -> Outgoing:
        """Send a message to where another one came from."""
        return self.send(message_target(message, self.nickname), text)

    def show_typing(self, target: str) -> None:
        """Tell the others that somebody is typing here; said at most every few seconds, and never kept."""
        now = asyncio.get_running_loop().time()
        if self._conversation.phase is Phase.LIVE and now >= self._typing_at + TYPING_SECONDS:
            self._typing_at = now
            room, to = split_target(target)
            typing = client_packets.Typing(room=UNSET if room is None else room, to=UNSET if to is None else to)
            self._link.write(format_request(typing))

    async def sent(self, outgoing: Outgoing) -> Msg:
        """Wait until a message of this client is in the log, and return it.

        Raises:
            RequestError: the server refused it.
            LinkLost: the client was closed first.
        """
        with self._inbox.urgent():
            return await self._settling.sent(outgoing)

    async def drained(self, at_most: int = 0) -> None:
        """Wait until every message, or all but so many, is acknowledged or refused.

        Raises:
            LinkLost: the client was closed first.
        """
        with self._inbox.urgent():
            await self._settling.drained(at_most)

    def retry(self, outgoing: Outgoing) -> None:
        """Send a failed message again."""
        self._conversation.outbox.retry(outgoing)
        self._keeper.save()
        self._link.flush()

    def discard(self, outgoing: Outgoing) -> None:
        """Forget a failed message."""
        self._conversation.outbox.discard(outgoing)
        self._keeper.save()

    # -- asking ----------------------------------------------------------------------------------

    async def ask(self, request: client_packets.Request) -> Answered:
        """Send any request and return its direct answer; while there is no link this waits for one.

        A request that only asks, or joins, is asked again after a cut.

        Raises:
            RequestError: the answer is ERROR or RETRY.
            LinkLost: the connection went before the answer came.
        """
        with self._inbox.urgent():
            return await self._asking.ask(request)

    def reconnect_now(self) -> None:
        """Try at once, if there is no connection."""
        self._link.reconnect_now()

    async def rename(self, nickname: str) -> str:
        """Take another nickname and return it; while the present one is refused, try the new one at once."""
        if not self._refused:
            return await super().rename(nickname)
        self._conversation.nickname = nickname
        self._link.reconnect_now()
        return nickname

    # -- what the link reports -------------------------------------------------------------------

    def _happened(self, output: Happened | Answered) -> None:
        if isinstance(output, Answered):
            self._asking.answered(output)
            return
        match output.event:
            case Ready():
                self._refused = False
                self._keeper.renamed(self.nickname)
                self._keeper.save()
                if self._admitted is not None and not self._admitted.done():
                    self._admitted.set_result(None)
            case Live():
                self.status = LinkStatus(LinkState.LIVE)
                self._asking.live()
            case Sent(outgoing, message):
                self._settling.settle(outgoing, message)
                self._keeper.save_soon()
            case Failed(outgoing):
                self._settling.settle(outgoing, None)
                self._keeper.save_soon()
            case Refused(nickname, reason, text):
                self._refused = True
                if self._admitted is not None and not self._admitted.done():
                    self._admitted.set_exception(NotAdmitted(nickname, reason, text))
            case Msg() | Gap():
                self._keeper.save_soon()
        self._inbox.put(output.event, output.body, self._conversation.cursor)

    def _remember(self) -> Memory:
        """Return what the next process needs: it gets again what this one has received and not looked at."""
        memory = self._conversation.remember()
        unread_from = self._inbox.unread_from
        if unread_from is not None:
            memory.epoch, memory.after = unread_from
        return memory

    def _lost(self, hangup: Hangup, retry_seconds: float | None) -> bool:
        """Take the end of a connection, or of an attempt at one; say whether to go on."""
        self._asking.lost()
        if self._admitted is not None and not self._admitted.done():
            self._admitted.set_exception(Unreachable(hangup.reason))
        if self._admitted is None or self._admitted.cancelled() or self._admitted.exception():
            return False  # `connect` has failed, and says why
        state = LinkState.OFFLINE if retry_seconds is None else LinkState.RECONNECTING
        if self.status.state is state:  # the first cut says since when
            self.status = LinkStatus(state, hangup.reason, self.status.since)
        else:
            self.status = LinkStatus(state, hangup.reason)
        self._inbox.put(Lost(hangup.reason, retry_seconds), b"", self._conversation.cursor)
        if retry_seconds is None:
            self._end()
        return True

    def _finished(self, running: asyncio.Task[None]) -> None:
        """Take the end of the link; if a bug ended it, `connect` must not wait on."""
        if self._admitted is not None and not self._admitted.done() and not running.cancelled():
            self._admitted.set_exception(running.exception() or Unreachable("the link has ended"))
        self._end()

    def _end(self) -> None:
        """Tell everybody who waits that there will be no link any more."""
        self._asking.close()
        self._settling.end()
        self._inbox.close()
