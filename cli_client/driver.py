"""Carries out what the session decides: the glue between it, the client library and a face.

It holds no rules. Nothing here blocks: what has to be awaited runs in a task of its own.
"""

import asyncio
from collections.abc import Coroutine, Iterable
from datetime import datetime
from typing import Any, Protocol, assert_never

from cli_client.chat.effects import Action, Ask, Discard, Export, Purpose, Quit, Rename, Retry, ScrollUp, Send, Show
from cli_client.chat.session import Session
from cli_client.chat.views import Line
from cli_client.library.client import Client
from cli_client.library.connect import LinkState
from cli_client.library.errors import ClientError
from cli_client.library.events import Event
from cli_client.library.export import ExportFault, export
from cli_client.library.targets import target_key
from tcp_server.protocol.server_packets import AnyPacket


class Face(Protocol):
    """What shows the chat to somebody."""

    def happened(self, event: Event, body: bytes) -> None: ...
    def answered(self, packet: AnyPacket, body: bytes) -> None: ...
    def show(self, target: str, line: Line) -> None: ...
    def changed(self) -> None: ...
    async def ready(self) -> None: ...  # until more can be shown
    def scroll_up(self) -> None: ...
    def quit(self, message: str) -> None: ...


def local_now() -> datetime:
    """Return the time in the zone of this machine."""
    return datetime.now().astimezone()


class Driver:
    """Runs one session for one face."""

    def __init__(self, client: Client, session: Session, face: Face) -> None:
        self._client = client
        self._session = session
        self._face = face
        self._tasks: set[asyncio.Task[None]] = set()
        for outgoing in client.outgoing:
            session.queued(outgoing, local_now())
        for peer in client.peers:
            session.open(f"@{peer}")

    async def pump(self) -> None:
        """Hand every event to the session and the face, until the client ends."""
        async for event, body in self._client.received():
            self._face.happened(event, body)
            self.act(self._session.received(event, local_now()))
            self._face.changed()
            await self._face.ready()

    def typed(self, line: str) -> None:
        """Take a line that somebody entered."""
        self.act(self._session.typed(line, local_now()))
        self._face.changed()

    def said(self, text: str) -> None:
        """Take a text that is no command, whatever it begins with."""
        self.act(self._session.say(text, local_now()))
        self._face.changed()

    def act(self, actions: Iterable[Action]) -> None:
        """Carry out actions in order."""
        for action in actions:
            match action:
                case Show():
                    self._face.show(action.target, action.line)
                case Send():
                    self._send(action)
                case Ask():
                    if action.purpose is not Purpose.OLDER:
                        self._tell_if_waiting(f"/{type(action.request).__name__.lower()}")
                    self._start(self._ask(action))
                case Rename():
                    self._tell_if_waiting("/nick")
                    self._start(self._rename(action))
                case Export():
                    self._start(self._export(action))
                case Retry() | Discard():
                    self._settle(action)
                case ScrollUp():
                    self._face.scroll_up()
                case Quit():
                    self._face.quit(action.message)
                case _:
                    assert_never(action)

    def _tell_if_waiting(self, command: str) -> None:
        if self._client.status.state is not LinkState.LIVE:
            self.act(self._session.note(f"{command} has to wait for the link"))

    async def idle(self) -> None:
        """Wait until everything asked so far is answered."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    def stop(self) -> None:
        """Wait for no more answers."""
        for task in self._tasks:
            task.cancel()

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _send(self, action: Send) -> None:
        try:
            outgoing = self._client.send(action.target, action.text, action=action.action)
        except ValueError as error:
            self.act(self._session.fail(str(error)))
        else:
            self._session.queued(outgoing, local_now())

    async def _ask(self, action: Ask) -> None:
        try:
            answered = await self._client.ask(action.request)
        except ClientError as error:
            self.act(self._session.refused(action, str(error), local_now()))
        else:
            self._face.answered(answered.packet, answered.body)
            self.act(self._session.answered(action, answered.packet, local_now()))
        self._face.changed()

    async def _rename(self, action: Rename) -> None:
        try:
            self._session.nickname = await self._client.rename(action.nickname)
        except ClientError as error:
            self.act(self._session.refused(action, str(error), local_now()))
        self._face.changed()

    async def _export(self, action: Export) -> None:
        try:
            peers = (f"@{peer}" for peer in self._client.peers)  # under the names that they had, too
            targets = {target_key(target): target for target in (*action.targets, *peers)}
            number = await export(self._client, action.path, targets.values())
        except (ClientError, ExportFault) as error:
            self.act(self._session.fail(f"nothing was exported: {error}"))
        else:
            self.act(self._session.note(f"{number:,} messages are in {action.path}"))
        self._face.changed()

    def _settle(self, action: Retry | Discard) -> None:
        for outgoing in self._client.outgoing:
            if outgoing.ref not in action.refs:
                continue
            if isinstance(action, Retry):
                self._session.retried(outgoing.ref)
                self._client.retry(outgoing)
            else:
                self._session.discarded(outgoing.ref)
                self._client.discard(outgoing)
