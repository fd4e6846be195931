"""Carries out the session's effects: the glue between the session, the client library and a face.

It holds no rules. Nothing here blocks: an effect that has to wait for an answer runs in a task of its own.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Coroutine, Iterable
from datetime import datetime
from typing import Any, assert_never

from cli_client.chat.display import defuse_line
from cli_client.chat.effects import (
    Ask,
    Discard,
    Effect,
    Export,
    FaceEffect,
    Purpose,
    Quit,
    Rename,
    Resend,
    ScrollUp,
    SendText,
    Show,
)
from cli_client.chat.face import Face, ListAnswer
from cli_client.chat.lines import Kind
from cli_client.chat.session import ChatSession
from cli_client.library.client import Client
from cli_client.library.connect import ConnectionState
from cli_client.library.errors import ClientError
from cli_client.library.events import Event
from cli_client.library.export import ExportFault, export
from cli_client.library.targets import is_target, target_key
from cli_client.local_zone import LOCAL


def local_now() -> datetime:
    """Return the time in the zone of this machine."""
    return datetime.now(LOCAL)


class Driver:
    """Runs one session for one face, as its `Conductor`."""

    _face: Face

    def __init__(self, client: Client, session: ChatSession) -> None:
        self._client = client
        self._session = session
        self._tasks: set[asyncio.Task[None]] = set()
        for outgoing in client.outgoing:
            session.queued(outgoing, local_now())
        for peer in client.peers:
            session.book.open(f"@{defuse_line(peer)}")

    def attach(self, face: Face) -> None:
        """Show the chat on this face; to be called before anything else."""
        self._face = face

    async def events(self) -> AsyncIterator[Event]:
        """Hand each event to the face and the session, then yield it, until the client ends."""
        async for event, body in self._client.received():
            self._face.received(event, body)
            self._carry_out(self._session.received(event, local_now()))
            yield event

    def typed(self, line: str) -> bool:
        """Take a line that the person entered; return False if it was refused, and nothing was done."""
        return self._carry_out(self._session.typed(line, local_now()))

    def said(self, text: str) -> None:
        """Take a text that is no command, whatever its first character is."""
        self._carry_out(self._session.say(text, local_now()))

    def look_back(self) -> None:
        """Fetch the messages above the current view's first line."""
        if self._client.status.state is ConnectionState.LIVE:
            effects = self._session.look_back()
            if effects:  # a change is drawn, and each drawing looks back
                self._carry_out(effects)

    def now(self) -> datetime:
        """Return the time in the zone of this machine."""
        return local_now()

    async def idle(self) -> None:
        """Wait until every request is answered."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    def stop(self) -> None:
        """Wait for no more answers."""
        for task in self._tasks:
            task.cancel()

    # -- effects ---------------------------------------------------------------------------------

    def _carry_out(self, effects: Iterable[Effect]) -> bool:
        """Carry out effects in order, and hand those that are the face's to it; return False if one is an error."""
        waiting = deque(effects)
        for_face: list[FaceEffect] = []
        while waiting:
            effect = waiting.popleft()
            match effect:
                case SendText():
                    waiting.extendleft(reversed(self._send(effect)))
                case Ask():
                    if effect.purpose is not Purpose.OLDER:
                        waiting.extendleft(self._waits(f"/{type(effect.request).__name__.lower()}"))
                    self._start(self._ask(effect))
                case Rename():
                    waiting.extendleft(self._waits("/nick"))
                    self._start(self._rename(effect))
                case Export():
                    self._start(self._export(effect))
                case Resend():
                    self._resend(effect)
                case Discard():
                    self._discard(effect)
                case Show() | ScrollUp() | Quit():
                    for_face.append(effect)
                case _:
                    assert_never(effect)
        self._face.changed(for_face)
        return not any(isinstance(effect, Show) and effect.line.kind is Kind.ERROR for effect in for_face)

    def _waits(self, command: str) -> list[Effect]:
        """Tell the person why there is no answer yet."""
        if self._client.status.state is ConnectionState.LIVE:
            return []
        return self._session.book.note(f"{command} has to wait for the connection")

    def _send(self, effect: SendText) -> list[Effect]:
        try:
            outgoing = self._client.send(effect.target, effect.text, action=effect.action)
        except ValueError as error:
            return self._session.book.fail(str(error))
        self._session.queued(outgoing, local_now())
        return []

    def _resend(self, effect: Resend) -> None:
        for outgoing in self._client.outgoing:
            if outgoing.ref in effect.refs:
                self._session.retried(outgoing.ref)
                self._client.retry(outgoing)

    def _discard(self, effect: Discard) -> None:
        for outgoing in self._client.outgoing:
            if outgoing.ref in effect.refs:
                self._session.discarded(outgoing.ref)
                self._client.discard(outgoing)

    # -- effects that wait -----------------------------------------------------------------------

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _ask(self, effect: Ask) -> None:
        try:
            answered = await self._client.requests.ask(effect.request)
        except ClientError as error:
            self._carry_out(self._session.refused(effect, str(error), local_now()))
            return
        if isinstance(answered.packet, ListAnswer):
            self._face.received(answered.packet, answered.body)
        self._carry_out(self._session.answered(effect, answered.packet, local_now()))

    async def _rename(self, effect: Rename) -> None:
        try:
            self._session.renamed(await self._client.rename(effect.nickname))
        except ClientError as error:
            self._carry_out(self._session.refused(effect, str(error), local_now()))
        else:
            self._carry_out(())

    async def _export(self, effect: Export) -> None:
        book = self._session.book
        try:
            peers = (f"@{peer}" for peer in self._client.peers)  # under their earlier names, too
            targets = {target_key(target): target for target in (*effect.targets, *peers) if is_target(target)}
            number = await export(self._client, effect.path, targets.values())
        except (ClientError, ExportFault) as error:
            self._carry_out(book.fail(f"nothing was exported: {error}"))
        else:
            self._carry_out(book.note(f"{number:,} messages are in {effect.path}"))
