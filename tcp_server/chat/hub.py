"""The chat itself: packets and facts in, outputs out (PROTOCOL.md sections 3–5).

Rule 1: no I/O, no await, no clock. Time is an argument, randomness is given, ids come from the log.
Rule 2: outputs are a list in the order in which everybody must see them; take it with `take_outputs`.
What a packet may do in which phase is in `session`, what it does in `actions`, what state there is in `state`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

from tcp_server.chat import tokens
from tcp_server.chat.actions import HANDLERS, Handler
from tcp_server.chat.directory import Directory
from tcp_server.chat.phases import REFUSALS, TABLE, Phase
from tcp_server.chat.state import (
    Broadcast,
    End,
    Moment,
    Output,
    Room,
    Send,
    SendNewest,
    Session,
    Subscribe,
    Unsubscribe,
    User,
    user_of,
)
from tcp_server.protocol import client_packets, names, server_packets
from tcp_server.protocol.client_packets import Refusal, given
from tcp_server.protocol.server_packets import LIST_MAX, ByeReason, ErrorCode, LeaveReason, RetryReason

OPENING_SECONDS = 60.0
REFUSALS_MAX = 10  # of NICK before READY, and bad packets on a session: the tenth ends it
BIG_ROOM = 200  # members; over it, joins and leaves are told as a count, so that N arrivals cost O(N)
COUNT_SECONDS = 1.0  # between two counts of a big room


@dataclass(frozen=True)
class Settings:
    """What the hub is told at its start."""

    name: str
    version: str
    epoch: str
    key: bytes
    new_uid: Callable[[], int]
    motd: str | None = None
    server_password: str | None = None
    grace_seconds: float = 60.0


class Hub:
    """Users, sessions and rooms.

    After calling `connected`, `received`, `answered`, `ended` or `tick`:
    - you must take the outputs and apply them in order;
    - you must store what `directory.take_changes` returns, with the drafts of the same outputs, or give it back.
    """

    def __init__(self, settings: Settings, rooms: Iterable[Room] = (), newest: int = 0) -> None:
        self.settings = settings
        self.newest = newest  # the newest id that was sent; the deliverer sets it
        self.directory = Directory(rooms)
        self._outputs: list[Output] = []
        self.put = self._outputs.append  # for an output that has no shorter way
        # Each of these has one length of time for all, so the first in is the first due.
        self._opening: dict[Session, float] = {}
        self._held: dict[User, float] = {}
        self._counts_due: dict[Room, float] = {}
        self._handlers: dict[Phase, dict[type, Handler]] = {phase: {} for phase in Phase}
        for (phase, kind), action in TABLE.items():
            self._handlers[phase][kind] = HANDLERS[action]
        self._hello = server_packets.format(
            server_packets.Hello(
                protocol=server_packets.PROTOCOL_VERSION,
                server=settings.name,
                version=settings.version,
                limits=server_packets.Limits(),
                server_password=settings.server_password is not None,
                motd=settings.motd,
            )
        )

    def restore(self, uid: int, nickname: str, rooms: Iterable[str], now: Moment) -> None:
        """Put a user that was present when the server ended into grace."""
        user = self.directory.add_user(uid, nickname)
        self._held[user] = now.seconds + self.settings.grace_seconds
        for key in rooms:
            self.directory.enter(user, self.directory.rooms[key])

    def take_outputs(self) -> list[Output]:
        """Return what is to be done, in order, and forget it."""
        outputs = self._outputs.copy()  # `put` is bound to the list
        self._outputs.clear()
        return outputs

    # What happens to a session

    def connected(self, port: Any, now: Moment) -> Session:
        """Begin a session; it is greeted."""
        session = Session(port, self._handlers[Phase.OPENING])
        self._opening[session] = now.seconds + OPENING_SECONDS
        self._outputs.append(Send(session, self._hello))
        return session

    def linked(self, session: Session, ref: str | None) -> None:
        """Turn a session before READY into nothing: its connection is a link from here on."""
        del self._opening[session]
        session.phase, session.handlers = Phase.ENDED, {}
        self.send(session, server_packets.Ready(link=True, ref=ref))

    def received(self, session: Session, body: bytes, now: Moment) -> None:
        """Act on one body of a session that is not busy."""
        try:
            request = client_packets.parse(body)
        except Refusal as refusal:
            self._refuse(session, refusal, now)
            return
        except client_packets.NotUtf8 as error:
            self.end(session, "protocol", str(error), now)
            return
        handler = session.handlers.get(type(request))
        if handler is not None:
            handler(self, session, request, now)
        elif session.phase is not Phase.ENDED:
            kind = type(request).__name__.upper()
            self.error(session, REFUSALS[session.phase], f"{kind} is not for now", given(request.ref))

    def answered(self, session: Session, body: bytes) -> None:
        """Take the answer to a Read."""
        session.busy = False
        if session.phase is not Phase.ENDED:
            self._outputs.append(Send(session, body))

    def ended(self, session: Session, now: Moment) -> None:
        """End a session whose connection broke: its user is held for the time of grace."""
        if session.phase is not Phase.ENDED:
            self._hold(session, now)
            self.finish(session, b"")

    def end(self, session: Session, reason: ByeReason, message: str, now: Moment) -> None:
        """Give a session up: BYE, then grace as after any unclean end."""
        if session.phase is not Phase.ENDED:
            self._hold(session, now)
            self.finish(session, server_packets.format(server_packets.Bye(reason, message)))

    def tick(self, now: Moment) -> None:
        """Do what is due: forget the held, send away who never opened, count the big rooms."""
        for session in _due(self._opening, now):
            self.end(session, "timeout", f"no READY within {OPENING_SECONDS:.0f} seconds", now)
        for user in _due(self._held, now):
            self.depart(user, "timeout", None, now)
        for room in _due(self._counts_due, now):
            del self._counts_due[room]
            self.broadcast(room, server_packets.Room(room=room.name, count=len(room.members)))

    def next_tick(self) -> float | None:
        """Return when `tick` has something to do, in seconds of `Moment.seconds`."""
        waiting = (self._opening, self._held, self._counts_due)
        if not any(waiting):
            return None
        return min(next(iter(due.values())) for due in waiting if due)

    # Steps that actions share

    def admit(self, session: Session, user: User) -> None:
        """Let a session chat as a user."""
        self._held.pop(user, None)
        del self._opening[session]
        session.user = user
        session.phase, session.handlers = Phase.CHATTING, self._handlers[Phase.CHATTING]
        user.sessions.append(session)

    def depart(self, user: User, reason: LeaveReason, message: str | None, now: Moment) -> None:
        """Take a user out of its rooms and free the nickname: no session is left, or the last one quits."""
        self._held.pop(user, None)
        for room in list(user.rooms):
            self.leave_room(user, room, reason, message, None, now)
        self.directory.remove_user(user)

    def _hold(self, session: Session, now: Moment) -> None:
        user = session.user
        if user is not None:
            user.sessions.remove(session)
            if not user.sessions:
                self._held[user] = now.seconds + self.settings.grace_seconds

    def finish(self, session: Session, last: bytes) -> None:
        self._opening.pop(session, None)
        session.phase, session.handlers = Phase.ENDED, {}
        self._outputs.append(End(session, last))

    def join_room(
        self, user: User, room: Room, now: Moment, asker: Session | None = None, ref: str | None = None
    ) -> None:
        """Make the user a member, unless it is one; its sessions hear the room from here on."""
        if user.key in room.members:
            return
        self.directory.enter(user, room)
        for each in user.sessions:
            self._outputs.append(Subscribe(each, room))
        self._tell(room, user, server_packets.Join(room.name, user.nickname, now.timestamp), now)
        for each in user.sessions:
            self.send_room(each, room, ref if each is asker else None)

    def leave_room(
        self, user: User, room: Room, reason: LeaveReason, message: str | None, ref: str | None, now: Moment
    ) -> None:
        leave = server_packets.Leave(room.name, user.nickname, now.timestamp, reason, message, ref)
        self._tell(room, user, leave, now)
        for each in user.sessions:
            self._outputs.append(Unsubscribe(each, room))
        self.directory.leave(user, room)

    def _tell(self, room: Room, user: User, packet: server_packets.Join | server_packets.Leave, now: Moment) -> None:
        """Tell of an arrival or a departure: everybody, or in a big room the user alone, and soon a count."""
        if len(room.members) <= BIG_ROOM:
            self.broadcast(room, packet, user.sessions)
            return
        for each in user.sessions:
            self.send(each, packet)
        self._counts_due.setdefault(room, now.seconds + COUNT_SECONDS)

    def send_ready(self, session: Session, resumed: bool, ref: str | None, now: Moment) -> None:
        user = user_of(session)
        ready = server_packets.Ready(
            nickname=user.nickname,
            token=tokens.issue(self.settings.key, user.uid, user.nickname, now.timestamp),
            epoch=self.settings.epoch,
            rooms=[room.name for room in user.rooms],
            resumed=resumed,
            ref=ref,
        )
        self._outputs.append(SendNewest(session, server_packets.format(ready)))

    def send_room(self, session: Session, room: Room, ref: str | None) -> None:
        self._outputs.append(room_state(session, room, ref))

    def retry(
        self, session: Session, request: client_packets.Nick, reason: RetryReason, text: str, now: Moment
    ) -> None:
        nickname = request.nickname[: names.NICKNAME_MAX]  # it may be of any length
        self.send(session, server_packets.Retry(nickname, reason, text, given(request.ref)))
        self.count_refusal(session, now)

    def count_refusal(self, session: Session, now: Moment) -> None:
        if session.phase is Phase.OPENING:
            session.refusals += 1
            if session.refusals >= REFUSALS_MAX:
                self.end(session, "protocol", f"{REFUSALS_MAX} refused nicknames", now)

    def _refuse(self, session: Session, refusal: Refusal, now: Moment) -> None:
        if session.phase is Phase.ENDED:
            return
        self.error(session, refusal.code, refusal.text, refusal.ref)
        if refusal.code == "bad_packet":
            session.bad_packets += 1
            if session.bad_packets >= REFUSALS_MAX:
                self.end(session, "protocol", f"{REFUSALS_MAX} bad packets", now)

    def send(self, session: Session, packet: server_packets.Packet) -> None:
        self._outputs.append(Send(session, server_packets.format(packet)))

    def broadcast(self, room: Room, packet: server_packets.Packet, answered: Iterable[Session] = ()) -> None:
        self._outputs.append(Broadcast(room, server_packets.format(packet), tuple(answered)))

    def error(self, session: Session, code: ErrorCode, text: str, ref: str | None) -> None:
        self.send(session, server_packets.Error(code, text, ref))


def describe(room: Room, ref: str | None = None) -> server_packets.Room:
    """Return a room's state, without the `id` that its deliverer knows."""
    users = room.nicknames(limit=LIST_MAX)
    return server_packets.Room(room=room.name, count=len(room.members), topic=room.topic, users=users, ref=ref)


def room_state(session: Session, room: Room, ref: str | None = None) -> SendNewest:
    """Return the ROOM for one session."""
    return SendNewest(session, server_packets.format(describe(room, ref)), room, ref)


_Due = TypeVar("_Due")


def _due(waiting: dict[_Due, float], now: Moment) -> list[_Due]:
    """Return what is due: the first entries, since each waits equally long."""
    due = []
    for each, when in waiting.items():
        if when > now.seconds:
            break
        due.append(each)
    return due
