"""The chat itself: packets and facts in, outputs out (PROTOCOL.md sections 3–5).

Rule 1: no I/O, no await, no clock. Time is an argument, randomness is given, ids come from the log.
Rule 2: outputs are a list in the order in which everybody must see them; take it with `take_outputs`.
What a packet may do in which phase is in `session`, what state there is in `state`.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec

from tcp_server import messages, names, requests, tokens
from tcp_server.directory import Changes, Directory
from tcp_server.messages import BODY_MAX, LIST_MAX, ROOMS_MAX, ByeReason, ErrorCode, LeaveReason, RetryReason
from tcp_server.requests import Refusal, given
from tcp_server.session import REFUSALS, TABLE, Phase
from tcp_server.state import (
    Broadcast,
    Draft,
    End,
    GoLive,
    Moment,
    Murmur,
    Output,
    Read,
    Room,
    Send,
    SendNewest,
    Session,
    Subscribe,
    Unsubscribe,
    User,
)

OPENING_SECONDS = 60.0
REFUSALS_MAX = 10  # of NICK before READY, and bad packets on a session: the tenth ends it
BIG_ROOM = 200  # members; over it, joins and leaves are told as a count, so that N arrivals cost O(N)
ENVELOPE_MAX = 2_000  # bytes of a list's body besides its entries: type, room, query, ref, at their longest
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


class _Rest(msgspec.Struct, omit_defaults=True, gc=False):
    """A MSG without `type` and `id`: what the log keeps."""

    nickname: str
    message: str
    timestamp: str
    room: str | None = None
    to: str | None = None
    action: bool | None = None
    ref: str | None = None


_encode = msgspec.json.Encoder().encode


class Hub:
    """Users, sessions and rooms.

    After calling `connected`, `received`, `answered`, `ended` or `tick`:
    - you must take the outputs and apply them in order;
    - you must store what `take_changes` returns, with the drafts of the same outputs.
    """

    def __init__(self, settings: Settings, rooms: Iterable[Room] = (), newest: int = 0) -> None:
        self.settings = settings
        self.newest = newest  # the newest id that was sent; the deliverer sets it
        self.directory = Directory(rooms)
        self._outputs: list[Output] = []
        # Each of these has one length of time for all, so the first in is the first due.
        self._opening: dict[Session, float] = {}
        self._held: dict[User, float] = {}
        self._counts_due: dict[Room, float] = {}
        self._handlers: dict[Phase, dict[type, Callable[..., None]]] = {phase: {} for phase in Phase}
        for (phase, kind), action in TABLE.items():
            self._handlers[phase][kind] = getattr(self, f"_{action}")
        self._hello = messages.format(
            messages.Hello(
                protocol=messages.PROTOCOL_VERSION,
                server=settings.name,
                version=settings.version,
                limits=messages.Limits(),
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
        outputs, self._outputs = self._outputs, []
        return outputs

    def take_changes(self) -> Changes:
        """Return what is to be stored, and forget it; `directory.give_back` where it could not be stored."""
        return self.directory.take_changes()

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
        self._send(session, messages.Ready(link=True, ref=ref))

    def received(self, session: Session, body: bytes, now: Moment) -> None:
        """Act on one body of a session that is not busy."""
        try:
            request = requests.parse(body)
        except Refusal as refusal:
            self._refuse(session, refusal, now)
            return
        except requests.NotUtf8 as error:
            self.end(session, "protocol", str(error), now)
            return
        handler = session.handlers.get(type(request))
        if handler is not None:
            handler(session, request, now)
        elif session.phase is not Phase.ENDED:
            kind = type(request).__name__.upper()
            self._error(session, REFUSALS[session.phase], f"{kind} is not for now", given(request.ref))

    def answered(self, session: Session, body: bytes) -> None:
        """Take the answer to a Read."""
        session.busy = False
        if session.phase is not Phase.ENDED:
            self._outputs.append(Send(session, body))

    def ended(self, session: Session, now: Moment) -> None:
        """End a session whose connection broke: its user is held for the time of grace."""
        if session.phase is not Phase.ENDED:
            self._hold(session, now)
            self._finish(session, b"")

    def end(self, session: Session, reason: ByeReason, message: str, now: Moment) -> None:
        """Give a session up: BYE, then grace as after any unclean end."""
        if session.phase is not Phase.ENDED:
            self._hold(session, now)
            self._finish(session, messages.format(messages.Bye(reason, message)))

    def tick(self, now: Moment) -> None:
        """Do what is due: forget the held, send away who never opened, count the big rooms."""
        for session in _due(self._opening, now):
            self.end(session, "timeout", f"no READY within {OPENING_SECONDS:.0f} seconds", now)
        for user in _due(self._held, now):
            self._depart(user, "timeout", None, now)
        for room in _due(self._counts_due, now):
            del self._counts_due[room]
            self._broadcast(room, messages.Room(room=room.name, count=len(room.members)))

    def next_tick(self) -> float | None:
        """Return when `tick` has something to do, in seconds of `Moment.seconds`."""
        waiting = (self._opening, self._held, self._counts_due)
        return min((next(iter(due.values())) for due in waiting if due), default=None)

    # Opening, renaming and leaving

    def _open(self, session: Session, request: requests.Nick, now: Moment) -> None:
        password = self.settings.server_password
        said = given(request.server_password) or ""
        if password is not None and not hmac.compare_digest(password.encode(), said.encode()):
            self._retry(session, request, "password", "the server's password is missing or wrong", now)
            return
        token, after = given(request.token), given(request.after)
        uid = tokens.verify(self.settings.key, token) if token else None
        user = self.directory.users_by_uid.get(uid) if uid is not None else None
        if user is None and not self._may_take(session, request, None, now):
            return
        asked = given(request.rooms)
        if asked is None:
            asked = [names.LOBBY] if user is None else []
        before = [] if user is None else user.rooms
        if len({room.key for room in before}.union(map(names.room_key, asked))) > ROOMS_MAX:
            self._error(session, "too_many", f"rooms: more than {ROOMS_MAX}", given(request.ref))
            self._count_refusal(session, now)
            return
        if user is None:
            user = self.directory.add_user(self.settings.new_uid() if uid is None else uid, request.nickname)
        self._held.pop(user, None)
        for name in asked:
            self._join_room(user, self.directory.open_room(name), now)
        del self._opening[session]
        session.user = user
        session.phase, session.handlers = Phase.CHATTING, self._handlers[Phase.CHATTING]
        user.sessions.append(session)
        resumed = uid is not None and after is not None
        self._send_ready(session, resumed, given(request.ref), now)
        for room in user.rooms:
            if not resumed:
                self._outputs.append(Subscribe(session, room))
            self._send_room(session, room, None)
        if after is not None and resumed:
            foreign = given(request.epoch) not in (None, self.settings.epoch) or after > self.newest
            session.busy = True
            self._outputs.append(GoLive(session, after, foreign))
        else:
            self._outputs.append(GoLive(session))

    def _rename(self, session: Session, request: requests.Nick, now: Moment) -> None:
        user = _user_of(session)
        if not self._may_take(session, request, user, now):
            return
        old = user.nickname
        self.directory.rename(user, request.nickname)
        for room in user.rooms:
            self._broadcast(room, messages.Nick(room.name, old, user.nickname, now.timestamp))
        for each in user.sessions:
            self._send_ready(each, False, given(request.ref) if each is session else None, now)

    def _quit(self, session: Session, request: requests.Bye, now: Moment) -> None:
        user = session.user
        if user is not None:
            user.sessions.remove(session)
            if not user.sessions:
                self._depart(user, "quit", given(request.message), now)
        self._finish(session, messages.format(messages.Bye("quit", "goodbye", given(request.ref))))

    def _may_take(self, session: Session, request: requests.Nick, user: User | None, now: Moment) -> bool:
        """Say whether a nickname is free for this user (None: a new one); if not, RETRY was sent."""
        nickname = request.nickname
        try:
            key = names.nickname_key(nickname)
        except names.NameFault as fault:
            self._retry(session, request, "invalid", f"nickname {fault}", now)
            return False
        if key in names.RESERVED:
            self._retry(session, request, "reserved", f"{nickname} is reserved", now)
            return False
        if self.directory.users.get(key, user) is not user:
            self._retry(session, request, "taken", f"{nickname} is taken", now)
            return False
        return True

    def _depart(self, user: User, reason: LeaveReason, message: str | None, now: Moment) -> None:
        """Take a user without sessions out of its rooms and free the nickname."""
        self._held.pop(user, None)
        for room in list(user.rooms):
            self._leave_room(user, room, reason, message, None, now)
        self.directory.remove_user(user)

    def _hold(self, session: Session, now: Moment) -> None:
        user = session.user
        if user is not None:
            user.sessions.remove(session)
            if not user.sessions:
                self._held[user] = now.seconds + self.settings.grace_seconds

    def _finish(self, session: Session, last: bytes) -> None:
        self._opening.pop(session, None)
        session.phase, session.handlers = Phase.ENDED, {}
        self._outputs.append(End(session, last))

    # Rooms

    def _join(self, session: Session, request: requests.Join, now: Moment) -> None:
        user, ref = _user_of(session), given(request.ref)
        room = self.directory.find_room(request.room)
        if room is None or user.key not in room.members:
            if len(user.rooms) >= ROOMS_MAX:
                self._error(session, "too_many", f"room: you are in {ROOMS_MAX} rooms already", ref)
                return
            self._join_room(user, self.directory.open_room(request.room), now, session, ref)
        else:
            self._send_room(session, room, ref)

    def _join_room(
        self, user: User, room: Room, now: Moment, asker: Session | None = None, ref: str | None = None
    ) -> None:
        """Make the user a member, unless it is one; its sessions hear the room from here on."""
        if user.key in room.members:
            return
        self.directory.enter(user, room)
        for each in user.sessions:
            self._outputs.append(Subscribe(each, room))
        self._tell(room, user, messages.Join(room.name, user.nickname, now.timestamp), now)
        for each in user.sessions:
            self._send_room(each, room, ref if each is asker else None)

    def _leave(self, session: Session, request: requests.Leave, now: Moment) -> None:
        room = self._room_of(session, request.room, request.ref)
        if room is not None:
            self._leave_room(_user_of(session), room, "left", given(request.message), given(request.ref), now)

    def _leave_room(
        self, user: User, room: Room, reason: LeaveReason, message: str | None, ref: str | None, now: Moment
    ) -> None:
        leave = messages.Leave(room.name, user.nickname, now.timestamp, reason, message, ref)
        self._tell(room, user, leave, now)
        for each in user.sessions:
            self._outputs.append(Unsubscribe(each, room))
        self.directory.leave(user, room)

    def _tell(self, room: Room, user: User, packet: messages.Join | messages.Leave, now: Moment) -> None:
        """Tell of an arrival or a departure: everybody, or in a big room the user alone, and soon a count."""
        if len(room.members) <= BIG_ROOM:
            self._broadcast(room, packet)
            return
        for each in user.sessions:
            self._send(each, packet)
        self._counts_due.setdefault(room, now.seconds + COUNT_SECONDS)

    def _set_topic(self, session: Session, request: requests.Topic, now: Moment) -> None:
        room = self._room_of(session, request.room, request.ref)
        if room is not None:
            self.directory.set_topic(room, request.topic)
            nickname = _user_of(session).nickname
            topic = messages.Topic(room.name, room.topic, nickname, now.timestamp, given(request.ref))
            self._broadcast(room, topic)

    def _room_of(self, session: Session, name: str, ref: Any) -> Room | None:
        """Return the room if the session's user is in it; if not, ERROR was sent."""
        room = self.directory.find_room(name)
        refusal = _room_refusal(room, name, session)
        if refusal is not None:
            self._error(session, *refusal, given(ref))
            return None
        return room

    # Messages

    def _say(self, session: Session, request: requests.Msg, now: Moment) -> None:
        user, ref = _user_of(session), given(request.ref)
        room = peer = refusal = None
        name, to = given(request.room), given(request.to)
        if name is not None:
            room = self.directory.find_room(name)
            refusal = _room_refusal(room, name, session)
        elif to is not None:
            peer = self.directory.find_user(to)
            if peer is None:
                refusal = ("no_such_user", f"to: nobody is called {to}")
        if refusal is not None:
            if ref is None:
                self._error(session, *refusal, None)
            else:
                self._outputs.append(Draft(session, user, now.millis, b"", ref=ref, refusal=refusal))
            return
        rest = _Rest(
            nickname=user.nickname,
            message=request.message,
            timestamp=now.timestamp,
            room=room.name if room else None,
            to=peer.nickname if peer else None,
            action=request.action is True or None,
            ref=ref,
        )
        keys = (user.key, peer.key) if peer else None
        self._outputs.append(Draft(session, user, now.millis, _encode(rest)[1:], room, peer, keys, ref))

    def _type(self, session: Session, request: requests.Typing, now: Moment) -> None:
        nickname, name, to = _user_of(session).nickname, given(request.room), given(request.to)
        if name is not None:
            room = self._room_of(session, name, request.ref)
            if room is not None:
                self._broadcast(room, messages.Typing(nickname, room=room.name))
        elif to is not None:
            peer = self.directory.find_user(to)
            if peer is None:
                self._error(session, "no_such_user", f"to: nobody is called {to}", given(request.ref))
                return
            for each in peer.sessions:
                self._outputs.append(Murmur(each, messages.format(messages.Typing(nickname, to=peer.nickname))))

    def _read(self, session: Session, request: requests.History | requests.Search, now: Moment) -> None:
        name = given(request.room)
        if name is None or self._room_of(session, name, request.ref):
            session.busy = True
            self._outputs.append(Read(session, request))

    # Lists

    def _list_rooms(self, session: Session, request: requests.Rooms, now: Moment) -> None:
        after = names.fold_text((given(request.after) or "").removeprefix("#"))
        rooms = self.directory.peopled(after, LIST_MAX + 1)
        entries = [messages.RoomEntry(room.name, room.topic, len(room.members)) for room in rooms]
        fit = _fitting(entries)
        self._send(session, messages.Rooms(entries[:fit], fit < len(entries), given(request.ref)))

    def _list_users(self, session: Session, request: requests.Users, now: Moment) -> None:
        room, ref = self.directory.find_room(request.room), given(request.ref)
        if room is None:
            self._error(session, "no_such_room", f"room: {request.room} was never seen", ref)
            return
        nicknames = room.nicknames(names.fold_text(given(request.after) or ""), LIST_MAX + 1)
        fit = _fitting(nicknames)
        more = fit < len(nicknames)
        self._send(session, messages.Users(room.name, len(room.members), nicknames[:fit], more, ref))

    # Answers

    def _answer_ping(self, session: Session, request: requests.Ping, now: Moment) -> None:
        pong = messages.format(messages.Pong(ref=given(request.ref)))
        self._outputs.append(SendNewest(session, pong))

    def _hear(self, session: Session, request: requests.Pong, now: Moment) -> None:
        """A PONG is a sign of life, which the connection has noticed already."""

    def _send_ready(self, session: Session, resumed: bool, ref: str | None, now: Moment) -> None:
        user = _user_of(session)
        ready = messages.Ready(
            nickname=user.nickname,
            token=tokens.issue(self.settings.key, user.uid, user.nickname, now.timestamp),
            epoch=self.settings.epoch,
            rooms=[room.name for room in user.rooms],
            resumed=resumed,
            ref=ref,
        )
        self._outputs.append(SendNewest(session, messages.format(ready)))

    def _send_room(self, session: Session, room: Room, ref: str | None) -> None:
        self._outputs.append(SendNewest(session, messages.format(describe(room, ref)), room))

    def _retry(self, session: Session, request: requests.Nick, reason: RetryReason, text: str, now: Moment) -> None:
        nickname = request.nickname[: names.NICKNAME_MAX]  # it may be of any length
        self._send(session, messages.Retry(nickname, reason, text, given(request.ref)))
        self._count_refusal(session, now)

    def _count_refusal(self, session: Session, now: Moment) -> None:
        if session.phase is Phase.OPENING:
            session.refusals += 1
            if session.refusals >= REFUSALS_MAX:
                self.end(session, "protocol", f"{REFUSALS_MAX} refused nicknames", now)

    def _refuse(self, session: Session, refusal: Refusal, now: Moment) -> None:
        if session.phase is Phase.ENDED:
            return
        self._error(session, refusal.code, refusal.text, refusal.ref)
        if refusal.code == "bad_packet":
            session.bad_packets += 1
            if session.bad_packets >= REFUSALS_MAX:
                self.end(session, "protocol", f"{REFUSALS_MAX} bad packets", now)

    def _send(self, session: Session, packet: messages.Packet) -> None:
        self._outputs.append(Send(session, messages.format(packet)))

    def _broadcast(self, room: Room, packet: messages.Packet) -> None:
        self._outputs.append(Broadcast(room, messages.format(packet)))

    def _error(self, session: Session, code: ErrorCode, text: str, ref: str | None) -> None:
        self._send(session, messages.Error(code, text, ref))


def describe(room: Room, ref: str | None = None) -> messages.Room:
    """Return a room's state, without the `id` that its deliverer knows."""
    users = room.nicknames(limit=LIST_MAX)
    return messages.Room(room=room.name, count=len(room.members), topic=room.topic, users=users, ref=ref)


def _user_of(session: Session) -> User:
    if session.user is None:
        raise AssertionError("only a session after READY gets here")
    return session.user


def _room_refusal(room: Room | None, name: str, session: Session) -> tuple[ErrorCode, str] | None:
    if room is None:
        return "no_such_room", f"room: {name} was never seen"
    if _user_of(session).key not in room.members:
        return "not_in_room", f"room: you are not in {room.name}"
    return None


def _fitting(entries: list[Any]) -> int:
    """Return how many of these entries one page of a list holds."""
    space = BODY_MAX - ENVELOPE_MAX
    for count, entry in enumerate(entries[:LIST_MAX]):
        space -= len(_encode(entry)) + 1
        if space < 0:
            return count
    return min(len(entries), LIST_MAX)


_Due = TypeVar("_Due")


def _due(waiting: dict[_Due, float], now: Moment) -> list[_Due]:
    """Return what is due: the first entries, since each waits equally long."""
    due = []
    for each, when in waiting.items():
        if when > now.seconds:
            break
        due.append(each)
    return due
