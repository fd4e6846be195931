"""The steps that actions share: joining, leaving, departing, and every kind of answer (PROTOCOL.md sections 3 and 4).

`Steps` owns the chat's state beside the sessions: the directory, who is held, what is due, and the outputs that nobody
has taken yet.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from tcp_server.chat import tokens
from tcp_server.chat.directory import Directory
from tcp_server.chat.outputs import Broadcast, End, Output, Send, SendNewest, StartHearing, StopHearing
from tcp_server.chat.phases import Phase
from tcp_server.chat.state import Moment, Room, Session, User
from tcp_server.protocol import server_packets
from tcp_server.protocol.server_packets import LIST_MAX, ByeReason, ErrorCode, LeaveReason, RetryReason, ServerPacket

REFUSALS_MAX = 10  # of NICK before READY, and bad packets on a session: the tenth ends it
OPENING_SECONDS = 60.0
BIG_ROOM = 200  # members; over it, joins and leaves are told as a count, so that N arrivals cost O(N)
COUNT_SECONDS = 1.0  # between two counts of a big room


@dataclass(frozen=True)
class ChatSettings:
    """The settings that are the same wherever the chat is served."""

    epoch: str
    key: bytes
    grace_seconds: float = 60.0


class Steps:
    """The state, and each change of it that several actions need; to be called by the hub and its actions alone.

    Args:
        allowed: the actions of each phase, by packet; a session carries those of its own.
    """

    def __init__(
        self, settings: ChatSettings, rooms: Iterable[Room], allowed: Mapping[Phase, Mapping[type, Any]]
    ) -> None:
        self.settings = settings
        self._allowed = allowed
        self.directory = Directory(rooms)
        self._outputs: list[Output] = []
        self.put = self._outputs.append  # for an output that has no shorter way
        # Each of these has one length of time for all, so the first in is the first due.
        self._opening: dict[Session, float] = {}
        self._held: dict[User, float] = {}
        self._counts_due: dict[Room, float] = {}

    def take_outputs(self) -> list[Output]:
        """Return the outputs so far, in order, and forget them."""
        outputs = self._outputs.copy()  # `put` is bound to the list
        self._outputs.clear()
        return outputs

    # Sessions and users

    def begin(self, session: Session, now: Moment) -> None:
        """Count the time until a session has to be open."""
        self._opening[session] = now.seconds + OPENING_SECONDS
        self._enter(session, Phase.OPENING)

    def admit(self, session: Session, user: User) -> None:
        """Let a session chat as a user."""
        self._held.pop(user, None)
        del self._opening[session]
        session.user = user
        self._enter(session, Phase.CHATTING)
        user.sessions.append(session)

    def turn_into_link(self, session: Session) -> None:
        """End a session before READY without a word: its connection goes on as a link."""
        del self._opening[session]
        self._enter(session, Phase.ENDED)

    def finish(self, session: Session, last: bytes) -> None:
        """End a session, with a last body unless that is empty."""
        self._opening.pop(session, None)
        self._enter(session, Phase.ENDED)
        self.put(End(session, last))

    def close(self, session: Session, reason: ByeReason, message: str) -> None:
        """End a session with a BYE that nobody asked for."""
        self.finish(session, server_packets.format(server_packets.Bye(reason, message)))

    def _enter(self, session: Session, phase: Phase) -> None:
        session.phase, session.allowed = phase, self._allowed[phase]

    def hold(self, user: User, now: Moment) -> None:
        """Keep a user that has no session for the time of grace."""
        self._held[user] = now.seconds + self.settings.grace_seconds

    def depart(self, user: User, reason: LeaveReason, message: str | None, now: Moment) -> None:
        """Take a user out of its rooms and free the nickname: no session is left, or the last one quits."""
        self._held.pop(user, None)
        for room in list(user.rooms):
            self.leave_room(user, room, reason, message, now)
        self.directory.remove_user(user)

    # What time brings

    def expired(self, now: Moment) -> list[User]:
        """Return the users whose grace is over."""
        return _due(self._held, now)

    def unopened(self, now: Moment) -> list[Session]:
        """Return the sessions that had to be open by now."""
        return _due(self._opening, now)

    def send_counts(self, now: Moment) -> None:
        """Tell the members of each big room that changed how many they are."""
        for room in _due(self._counts_due, now):
            del self._counts_due[room]
            self.broadcast(room, server_packets.RoomState(room=room.name, count=len(room.members)))

    def next_due(self) -> float | None:
        """Return the first moment at which something is due."""
        waiting = (self._opening, self._held, self._counts_due)
        if not any(waiting):
            return None
        return min(next(iter(due.values())) for due in waiting if due)

    # Rooms

    def join_room(
        self, user: User, room: Room, now: Moment, asker: Session | None = None, ref: str | None = None
    ) -> None:
        """Make the user a member, unless it is one; its sessions hear the room from here on."""
        if user.key in room.members:
            return
        self.directory.enter(user, room)
        for each in user.sessions:
            self.put(StartHearing(each, room))
        self._tell(room, user, server_packets.Join(room.name, user.nickname, now.timestamp), now)
        body = server_packets.format(describe(room))  # once for all sessions of the user
        for each in user.sessions:
            if each is asker:
                each.owed += len(body) * len(user.sessions)
                self.put(room_state(each, room, ref))
            else:
                self.put(SendNewest(each, body, room, is_asked=False))

    def leave_room(
        self,
        user: User,
        room: Room,
        reason: LeaveReason,
        message: str | None,
        now: Moment,
        asker: Session | None = None,
        ref: str | None = None,
    ) -> None:
        """End a membership, and tell the room of it."""
        leave = server_packets.Leave(room.name, user.nickname, now.timestamp, reason, message, ref)
        self._tell(room, user, leave, now, asker)
        for each in user.sessions:
            self.put(StopHearing(each, room))
        self.directory.leave(user, room)

    def _tell(
        self,
        room: Room,
        user: User,
        packet: server_packets.Join | server_packets.Leave,
        now: Moment,
        asker: Session | None = None,
    ) -> None:
        """Tell of an arrival or a departure: everybody, or in a big room the user alone, and soon a count.

        To sessions of the user that are behind an arrival is told by the fresh ROOM that follows the replay.
        """
        body = server_packets.format(packet)
        if asker is not None:
            asker.owed += len(body) * len(user.sessions)
        if len(room.members) <= BIG_ROOM:
            concerned = tuple(user.sessions) if isinstance(packet, server_packets.Leave) else ()
            self.put(Broadcast(room, body, concerned, asker))
            return
        for each in user.sessions:
            self.put(Send(each, body, each is asker))
        self._counts_due.setdefault(room, now.seconds + COUNT_SECONDS)

    # Answers

    def answer(self, answer: Send | SendNewest) -> None:
        """Put the answer to a packet of its session."""
        answer.session.owed += len(answer.body)
        self.put(answer)

    def send(self, session: Session, packet: ServerPacket) -> None:
        self.answer(Send(session, server_packets.format(packet)))

    def broadcast(self, room: Room, packet: ServerPacket, asker: Session | None = None) -> None:
        """Tell a room something that may be the answer to a session's packet."""
        self.put(Broadcast(room, server_packets.format(packet), () if asker is None else (asker,), asker))

    def error(self, session: Session, code: ErrorCode, text: str, ref: str | None) -> None:
        self.send(session, server_packets.Error(code, text, ref))

    def ready(self, user: User, resumed: bool, ref: str | None, now: Moment) -> bytes:
        """Return READY for a session of the user, with a fresh token and without the `id` that its deliverer knows."""
        return server_packets.format(
            server_packets.Ready(
                nickname=user.nickname,
                token=tokens.issue(self.settings.key, user.uid, user.nickname, now.timestamp),
                epoch=self.settings.epoch,
                rooms=[room.name for room in user.rooms],
                resumed=resumed,
                ref=ref,
            )
        )

    def send_room(self, session: Session, room: Room, ref: str | None) -> None:
        self.answer(room_state(session, room, ref))

    def retry(self, session: Session, asked: str, refusal: tuple[RetryReason, str], ref: str | None) -> None:
        """Refuse a nickname; before READY the tenth refusal ends the session."""
        self.send(session, server_packets.Retry(asked, *refusal, ref))
        self.count_refusal(session)

    def count_refusal(self, session: Session) -> None:
        """Count a refused NICK before READY; the tenth ends the session."""
        if session.phase is Phase.OPENING:
            session.refusals += 1
            if session.refusals >= REFUSALS_MAX:
                self.close(session, "protocol", f"{REFUSALS_MAX} refused nicknames")


def describe(room: Room, ref: str | None = None) -> server_packets.RoomState:
    """Return a room's state, without the `id` that its deliverer knows."""
    users = room.nicknames(limit=LIST_MAX)
    return server_packets.RoomState(room=room.name, count=len(room.members), topic=room.topic, users=users, ref=ref)


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
