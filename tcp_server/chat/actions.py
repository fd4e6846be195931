"""What the hub does for each packet: one function an action, and the table of them (PROTOCOL.md sections 3 and 4).

Each takes the hub, a session in the right phase, its request and the moment; each answers through the hub's
outputs. Shared steps (joining, leaving, answers) are the hub's own methods.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec

from tcp_server.chat import tokens
from tcp_server.chat.phases import Action
from tcp_server.chat.state import (
    Draft,
    GoLive,
    Moment,
    Murmur,
    Read,
    Room,
    SendNewest,
    Session,
    Subscribe,
    User,
    user_of,
)
from tcp_server.protocol import client_packets, names, server_packets
from tcp_server.protocol.client_packets import given
from tcp_server.protocol.server_packets import LIST_MAX, ROOMS_MAX, ErrorCode, Stored, fitting, store

if TYPE_CHECKING:
    from tcp_server.chat.hub import Hub

Handler: TypeAlias = Callable[["Hub", Session, Any, Moment], None]


_encode = msgspec.json.Encoder().encode


def _open(hub: Hub, session: Session, request: client_packets.Nick, now: Moment) -> None:
    password = hub.settings.server_password
    said = given(request.server_password) or ""
    if password is not None and not hmac.compare_digest(password.encode(), said.encode()):
        hub.retry(session, request, "password", "the server's password is missing or wrong", now)
        return
    token, after = given(request.token), given(request.after)
    uid = tokens.verify(hub.settings.key, token) if token else None
    user = hub.directory.users_by_uid.get(uid) if uid is not None else None
    if user is None and not _may_take(hub, session, request, None, now):
        return
    asked = given(request.rooms)
    if asked is None:
        asked = [names.LOBBY] if user is None else []
    before = [] if user is None else user.rooms
    if len({room.key for room in before}.union(map(names.room_key, asked))) > ROOMS_MAX:
        hub.error(session, "too_many", f"rooms: more than {ROOMS_MAX}", given(request.ref))
        hub.count_refusal(session, now)
        return
    if user is None:
        user = hub.directory.add_user(hub.settings.new_uid() if uid is None else uid, request.nickname)
    for name in asked:
        hub.join_room(user, hub.directory.open_room(name), now)
    hub.admit(session, user)
    resumed = uid is not None and after is not None
    hub.send_ready(session, resumed, given(request.ref), now)
    for room in user.rooms:
        if not resumed:
            hub.put(Subscribe(session, room))
        hub.send_room(session, room, None)
    if after is not None and resumed:
        foreign = given(request.epoch) not in (None, hub.settings.epoch) or after > hub.newest
        session.busy = True
        hub.put(GoLive(session, after, foreign))
    else:
        hub.put(GoLive(session))


def _may_take(hub: Hub, session: Session, request: client_packets.Nick, user: User | None, now: Moment) -> bool:
    """Say whether a nickname is free for this user (None: a new one); if not, RETRY was sent."""
    nickname = request.nickname
    try:
        key = names.nickname_key(nickname)
    except names.NameFault as fault:
        hub.retry(session, request, "invalid", f"nickname {fault}", now)
        return False
    if key in names.RESERVED:
        hub.retry(session, request, "reserved", f"{nickname} is reserved", now)
        return False
    if hub.directory.users.get(key, user) is not user:
        hub.retry(session, request, "taken", f"{nickname} is taken", now)
        return False
    return True


def _rename(hub: Hub, session: Session, request: client_packets.Nick, now: Moment) -> None:
    user = user_of(session)
    if not _may_take(hub, session, request, user, now):
        return
    old = user.nickname
    hub.directory.rename(user, request.nickname)
    for room in user.rooms:
        hub.broadcast(room, server_packets.Nick(room.name, old, user.nickname, now.timestamp))
    for each in user.sessions:
        hub.send_ready(each, False, given(request.ref) if each is session else None, now)


def _quit(hub: Hub, session: Session, request: client_packets.Bye, now: Moment) -> None:
    user = session.user
    if user is not None:
        if len(user.sessions) == 1:
            hub.depart(user, "quit", given(request.message), now)  # who goes is told of it too
        user.sessions.remove(session)
    hub.finish(session, server_packets.format(server_packets.Bye("quit", "goodbye", given(request.ref))))


def _join(hub: Hub, session: Session, request: client_packets.Join, now: Moment) -> None:
    user, ref = user_of(session), given(request.ref)
    room = hub.directory.find_room(request.room)
    if room is None or user.key not in room.members:
        if len(user.rooms) >= ROOMS_MAX:
            hub.error(session, "too_many", f"room: you are in {ROOMS_MAX} rooms already", ref)
            return
        hub.join_room(user, hub.directory.open_room(request.room), now, session, ref)
    else:
        hub.send_room(session, room, ref)


def _leave(hub: Hub, session: Session, request: client_packets.Leave, now: Moment) -> None:
    room = _room_of(hub, session, request.room, request.ref)
    if room is not None:
        hub.leave_room(user_of(session), room, "left", given(request.message), given(request.ref), now)


def _set_topic(hub: Hub, session: Session, request: client_packets.Topic, now: Moment) -> None:
    room = _room_of(hub, session, request.room, request.ref)
    if room is not None:
        hub.directory.set_topic(room, request.topic)
        nickname = user_of(session).nickname
        topic = server_packets.Topic(room.name, room.topic, nickname, now.timestamp, given(request.ref))
        hub.broadcast(room, topic, [session])


def _say(hub: Hub, session: Session, request: client_packets.Msg, now: Moment) -> None:
    name = request.room
    if isinstance(name, client_packets.UnsetType):
        _say_directly(hub, session, request, now)
        return
    user, ref = user_of(session), given(request.ref)
    room = hub.directory.find_room(name)
    if room is None or user.key not in room.members:
        _refuse_message(hub, session, _room_refusal(room, name), ref, now)
        return
    action = request.action is True or None
    stored = Stored(user.nickname, request.message, now.timestamp, room.name, None, action, ref)
    hub.put(Draft(session, user, now.millis, store(stored), room, ref=ref))


def _say_directly(hub: Hub, session: Session, request: client_packets.Msg, now: Moment) -> None:
    user, ref, to = user_of(session), given(request.ref), given(request.to) or ""
    peer = hub.directory.find_user(to)
    if peer is None:
        _refuse_message(hub, session, _no_such_user(to), ref, now)
        return
    stored = Stored(
        user.nickname, request.message, now.timestamp, None, peer.nickname, request.action is True or None, ref
    )
    draft = Draft(session, user, now.millis, store(stored), None, peer, (user.key, peer.key), ref)
    hub.put(draft)


def _refuse_message(hub: Hub, session: Session, refusal: tuple[ErrorCode, str], ref: str | None, now: Moment) -> None:
    """Answer ERROR, unless the log has the message already: then its sender left since."""
    if ref is None:
        hub.error(session, *refusal, None)
    else:
        hub.put(Draft(session, user_of(session), now.millis, b"", ref=ref, refusal=refusal))


def _type(hub: Hub, session: Session, request: client_packets.Typing, now: Moment) -> None:
    nickname, name, to = user_of(session).nickname, given(request.room), given(request.to)
    if name is not None:
        room = _room_of(hub, session, name, request.ref)
        if room is not None:
            hub.broadcast(room, server_packets.Typing(nickname, room=room.name))
    elif to is not None:
        peer = hub.directory.find_user(to)
        if peer is None:
            hub.error(session, *_no_such_user(to), given(request.ref))
            return
        for each in peer.sessions:
            hub.put(Murmur(each, server_packets.format(server_packets.Typing(nickname, to=peer.nickname))))


def _read(hub: Hub, session: Session, request: client_packets.History | client_packets.Search, now: Moment) -> None:
    name = given(request.room)
    if name is None or _room_of(hub, session, name, request.ref):
        session.busy = True
        hub.put(Read(session, request))


def _list_rooms(hub: Hub, session: Session, request: client_packets.Rooms, now: Moment) -> None:
    after = names.fold_text((given(request.after) or "").removeprefix("#"))
    rooms = hub.directory.peopled(after, LIST_MAX + 1)
    entries = [server_packets.RoomEntry(room.name, room.topic, len(room.members)) for room in rooms]
    fit = _fitting(entries)
    hub.send(session, server_packets.Rooms(entries[:fit], fit < len(entries), given(request.ref)))


def _list_users(hub: Hub, session: Session, request: client_packets.Users, now: Moment) -> None:
    room, ref = hub.directory.find_room(request.room), given(request.ref)
    if room is None:
        hub.error(session, "no_such_room", f"room: {request.room} was never seen", ref)
        return
    nicknames = room.nicknames(names.fold_text(given(request.after) or ""), LIST_MAX + 1)
    fit = _fitting(nicknames)
    more = fit < len(nicknames)
    hub.send(session, server_packets.Users(room.name, len(room.members), nicknames[:fit], more, ref))


def _answer_ping(hub: Hub, session: Session, request: client_packets.Ping, now: Moment) -> None:
    ref = given(request.ref)
    if session.user is None:
        hub.send(session, server_packets.Pong(id=0, ref=ref))  # nothing was sent yet: it must not be taken for a cursor
    else:
        hub.put(SendNewest(session, server_packets.format(server_packets.Pong(ref=ref))))


def _hear(hub: Hub, session: Session, request: client_packets.Pong, now: Moment) -> None:
    """A PONG is a sign of life, which the connection has noticed already."""


def _room_of(hub: Hub, session: Session, name: str, ref: str | client_packets.UnsetType) -> Room | None:
    """Return the room if the session's user is in it; if not, ERROR was sent."""
    room = hub.directory.find_room(name)
    if room is not None and user_of(session).key in room.members:
        return room
    hub.error(session, *_room_refusal(room, name), given(ref))
    return None


def _room_refusal(room: Room | None, name: str) -> tuple[ErrorCode, str]:
    if room is None:
        return "no_such_room", f"room: {name} was never seen"
    return "not_in_room", f"room: you are not in {room.name}"


def _no_such_user(to: str) -> tuple[ErrorCode, str]:
    return "no_such_user", f"to: nobody is called {to}"


def _fitting(entries: list[Any]) -> int:
    """Return how many of these entries one page of a list holds."""
    return fitting([_encode(entry) for entry in entries], LIST_MAX)


HANDLERS: dict[Action, Handler] = {
    Action.OPEN: _open,
    Action.RENAME: _rename,
    Action.SAY: _say,
    Action.JOIN: _join,
    Action.LEAVE: _leave,
    Action.SET_TOPIC: _set_topic,
    Action.TYPE: _type,
    Action.LIST_ROOMS: _list_rooms,
    Action.LIST_USERS: _list_users,
    Action.READ: _read,
    Action.ANSWER_PING: _answer_ping,
    Action.HEAR: _hear,
    Action.QUIT: _quit,
}
