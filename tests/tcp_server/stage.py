"""A hub on a stage: virtual time, and what each session hears, by values.

`Stage` applies a hub's outputs in the simplest way that keeps the contract: drafts get ids at once, everybody is
fast. So a test says who does what and asserts who hears what.
"""

import itertools
import json
from datetime import UTC, datetime, timedelta
from typing import Any, assert_never

from tcp_server.chat.front import Front, LocalSettings
from tcp_server.chat.hub import Hub
from tcp_server.chat.outputs import (
    AskLog,
    Broadcast,
    Draft,
    End,
    GoLive,
    Output,
    Send,
    SendNewest,
    StartHearing,
    StopHearing,
)
from tcp_server.chat.state import Moment, Room, Session
from tcp_server.chat.steps import ChatSettings
from tcp_server.protocol.client_packets import NotUtf8, Refusal
from tcp_server.protocol.entries import entry_body
from tcp_server.protocol.server_packets import ByeReason
from tests.tcp_server.client import Packet, assert_packet, pack

START = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
KEY = bytes(32)


def moment(seconds: float) -> Moment:
    """Return the moment some seconds after the stage's start."""
    now = START + timedelta(seconds=seconds)
    timestamp = now.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return Moment(seconds, round(now.timestamp() * 1000), timestamp)


class Stage:
    """Plays the shell's part.

    Attributes:
        seconds: the time; a test moves it.
        outputs: all that the hub gave since the last `forget`.
    """

    def __init__(self, rooms: tuple[Room, ...] = (), *, grace_seconds: float = 60.0, **local: Any) -> None:
        self.front = Front(LocalSettings("Stage", "1", itertools.count(1).__next__, **local), KEY)
        self.hub = Hub(ChatSettings("epoch", KEY, grace_seconds), rooms)
        self.newest = 0
        self.seconds = 0.0
        self.outputs: list[Output] = []
        self._heard: dict[Session, list[Packet]] = {}
        self._rooms: dict[Room, list[Session]] = {}

    @property
    def now(self) -> Moment:
        return moment(self.seconds)

    def connect(self) -> Session:
        """Begin a session and take its HELLO."""
        session = self.hub.connected(None, self.front.hello, self.now)
        self.apply()
        assert_sends(self, session, ("HELLO", {}))
        return session

    def enter(self, nickname: str, **fields: Any) -> Session:
        """Open a session up to READY and the ROOMs."""
        session = self.connect()
        self.receive(session, "NICK", nickname=nickname, **fields)
        heard = self.take(session)
        assert heard[0]["type"] == "READY", heard
        return session

    def receive(self, session: Session, type: str | None, **fields: Any) -> None:
        self.receive_body(session, pack(type, fields))

    def receive_body(self, session: Session, body: bytes) -> None:
        """Take a body as the server does."""
        try:
            self.hub.received(session, self.front.read(body), self.now)
        except Refusal as refusal:
            if self.hub.refused(session, refusal):
                self.end(session, "protocol", "10 bad packets")
        except NotUtf8 as error:
            self.end(session, "protocol", str(error))
        self.apply()

    def end(self, session: Session, reason: ByeReason | None, message: str = "") -> None:
        """Close a session, and put its user on hold."""
        self.hub.close(session, reason, message)
        self.hub.hold(session, self.now)
        self.apply()

    def cut(self, session: Session) -> None:
        self.end(session, None)

    def wait(self, seconds: float) -> None:
        """Let time pass, and the hub do what was due on the way."""
        until = self.seconds + seconds
        while (due := self.hub.next_due()) is not None and due <= until:
            self.seconds = max(self.seconds, due)
            self._time_passed()
        self.seconds = until
        self._time_passed()

    def _time_passed(self) -> None:
        self.hub.run_timers(self.now)
        self.hub.expire(self.now)
        self.apply()

    def take(self, session: Session) -> list[Packet]:
        """Return what a session has heard since the last time."""
        return self._heard.pop(session, [])

    def forget(self) -> None:
        """Forget what everybody heard."""
        self._heard.clear()
        self.outputs.clear()

    def apply(self) -> None:
        for output in self.hub.take_outputs():
            self.outputs.append(output)
            self._apply(output)

    def _apply(self, output: Output) -> None:
        match output:
            case Draft():
                self._log(output)
            case Broadcast(room, body):
                for session in self._rooms.get(room, []):
                    self._hear(session, body)
            case SendNewest(session, body, room):
                newest = self.newest if room is None else room.newest
                self._hear(session, b'%b,"id":%d}' % (body[:-1], newest))
            case Send(session, body):
                self._hear(session, body)
            case StartHearing(session, room):
                assert session not in self._rooms.setdefault(room, [])
                self._rooms[room].append(session)
            case StopHearing(session, room):
                self._rooms[room].remove(session)
            case End(session, body):
                for sessions in self._rooms.values():
                    if session in sessions:
                        sessions.remove(session)
                if body:
                    self._hear(session, body)
            case GoLive() | AskLog():
                pass
            case _:
                assert_never(output)

    def _log(self, draft: Draft) -> None:
        if draft.refusal is not None:
            body = json.dumps(
                {"type": "ERROR", "code": draft.refusal[0], "message": draft.refusal[1], "ref": draft.ref}
            )
            self._hear(draft.session, body.encode())
            return
        self.newest += 1
        body_ = entry_body(draft.kind, self.newest, draft.rest)
        if draft.room is not None:
            draft.room.newest = self.newest
            self._apply(Broadcast(draft.room, body_))
        elif draft.peer is not None:
            for user in {draft.sender: None, draft.peer: None}:
                for session in user.sessions:
                    self._hear(session, body_)

    def _hear(self, session: Session, body: bytes) -> None:
        self._heard.setdefault(session, []).append(json.loads(body))


def assert_sends(stage: Stage, session: Session, *packets: tuple[str, Packet]) -> None:
    """The session has heard exactly these packets: of these types, and with these values."""
    heard = stage.take(session)
    assert [packet["type"] for packet in heard] == [type for type, _ in packets], heard
    for packet, (type, fields) in zip(heard, packets, strict=True):
        assert_packet(packet, type, **fields)
