"""What the hub does for each packet: one function an action, and one row a packet (PROTOCOL.md sections 3 and 4).

An action takes the steps that it shares with others, a session in the right phase, its checked packet and the moment.
It answers through the outputs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import msgspec

from tcp_server.chat.front import Claim
from tcp_server.chat.outputs import AskLog, Draft, GoLive, Murmur, SendNewest, StartHearing
from tcp_server.chat.phases import Phase
from tcp_server.chat.state import Moment, Room, Session, User, user_of
from tcp_server.chat.steps import Steps
from tcp_server.protocol import client_packets, entries, names, server_packets
from tcp_server.protocol.client_packets import UnsetType, given
from tcp_server.protocol.entries import MessageFields, entry_rest
from tcp_server.protocol.names import Nickname, RoomName
from tcp_server.protocol.server_packets import LIST_MAX, ROOMS_MAX, ErrorCode, fitting

Action: TypeAlias = Callable[[Steps, Session, Any, Moment], None]

LOBBY = names.checked_room(names.LOBBY)

_encode = msgspec.json.Encoder().encode


def _open(steps: Steps, session: Session, claim: Claim, now: Moment) -> None:
    ref = given(claim.ref)
    if not claim.is_admitted:
        steps.retry(session, claim.asked, ("password", "the server's password is missing or wrong"), ref)
        return
    user = steps.directory.users_by_uid.get(claim.uid) if claim.is_proven else None
    nickname = None if user is not None else _free_nickname(steps, session, claim, None)
    if user is None and nickname is None:
        return
    asked = claim.rooms
    if asked is None:
        asked = (LOBBY,) if user is None else ()
    before = [] if user is None else user.rooms
    if len({room.key for room in before}.union([room.key for room in asked])) > ROOMS_MAX:
        steps.error(session, "too_many", f"rooms: more than {ROOMS_MAX}", ref)
        steps.count_refusal(session)
        return
    if nickname is not None:
        user = steps.directory.add_user(claim.uid, nickname)
    if user is None:
        raise AssertionError("a user was found or made")
    for name in asked:
        steps.join_room(user, steps.directory.open_room(name), now)
    steps.admit(session, user)
    resumed = claim.is_proven and claim.after is not None
    steps.put(SendNewest(session, steps.ready(user, resumed, ref, now)))
    for room in user.rooms:
        if not resumed:
            steps.put(StartHearing(session, room))
        steps.send_room(session, room, None)
    if resumed:
        session.busy = True
        steps.put(GoLive(session, claim.after, claim.epoch not in (None, steps.settings.epoch)))
    else:
        steps.put(GoLive(session))


def _free_nickname(steps: Steps, session: Session, claim: Claim, user: User | None) -> Nickname | None:
    """Return the nickname if this user (None: a new one) may have it; if not, RETRY was sent."""
    nickname = claim.nickname
    if nickname is None:
        if claim.fault is None:
            raise AssertionError("a claim has a nickname or a fault")
        steps.retry(session, claim.asked, claim.fault, given(claim.ref))
        return None
    if steps.directory.users.get(nickname.key, user) is not user:
        steps.retry(session, claim.asked, ("taken", f"{claim.asked} is taken"), given(claim.ref))
        return None
    return nickname


def _rename(steps: Steps, session: Session, claim: Claim, now: Moment) -> None:
    user = user_of(session)
    nickname = _free_nickname(steps, session, claim, user)
    if nickname is None:
        return
    old = user.nickname
    steps.directory.rename(user, nickname)
    for room in user.rooms:
        steps.broadcast(room, server_packets.Nick(room.name, old, user.nickname, now.timestamp))
    ready = steps.ready(user, False, None, now)  # once for all other sessions of the user
    for each in user.sessions:
        if each is session:
            each.owed += len(ready) * len(user.sessions)
            steps.put(SendNewest(each, steps.ready(user, False, given(claim.ref), now)))
        else:
            steps.put(SendNewest(each, ready, is_asked=False))


def _quit(steps: Steps, session: Session, packet: client_packets.Bye, now: Moment) -> None:
    user = session.user
    if user is not None:
        if len(user.sessions) == 1:
            steps.depart(user, "quit", given(packet.message), now)  # the leaver is told of it too
        user.sessions.remove(session)
    steps.finish(session, server_packets.format(server_packets.Bye("quit", "goodbye", given(packet.ref))))


def _join(steps: Steps, session: Session, packet: client_packets.Join, now: Moment) -> None:
    user, ref = user_of(session), given(packet.ref)
    room = steps.directory.find_room(packet.room)
    if room is None or user.key not in room.members:
        if len(user.rooms) >= ROOMS_MAX:
            steps.error(session, "too_many", f"room: you are in {ROOMS_MAX} rooms already", ref)
            return
        steps.join_room(user, steps.directory.open_room(packet.room), now, session, ref)
    else:
        steps.send_room(session, room, ref)


def _leave(steps: Steps, session: Session, packet: client_packets.Leave, now: Moment) -> None:
    room = _own_room(steps, session, packet.room, packet.ref)
    if room is not None:
        steps.leave_room(user_of(session), room, "left", given(packet.message), now, session, given(packet.ref))


def _set_topic(steps: Steps, session: Session, packet: client_packets.Topic, now: Moment) -> None:
    room = _own_room(steps, session, packet.room, packet.ref)
    if room is not None:
        steps.directory.set_topic(room, packet.topic)
        nickname = user_of(session).nickname
        topic = server_packets.Topic(room.name, room.topic, nickname, now.timestamp, given(packet.ref))
        steps.broadcast(room, topic, session)


def _say(steps: Steps, session: Session, packet: client_packets.Msg, now: Moment) -> None:
    name = packet.room
    if isinstance(name, UnsetType):
        _say_directly(steps, session, packet, now)
        return
    user, ref = user_of(session), given(packet.ref)
    room = steps.directory.find_room(name)
    if room is None or user.key not in room.members:
        _refuse_message(steps, session, _room_refusal(room, name), ref, now)
        return
    action = packet.action is True or None
    fields = MessageFields(user.nickname, packet.message, now.timestamp, room.name, None, action, ref)
    steps.put(Draft(entries.MSG, session, user, now.millis, entry_rest(fields), room, ref=ref))


def _say_directly(steps: Steps, session: Session, packet: client_packets.Msg, now: Moment) -> None:
    user, ref, to = user_of(session), given(packet.ref), given(packet.to)
    if to is None:
        raise AssertionError("a message has a room or an addressee")
    peer = steps.directory.find_user(to)
    if peer is None:
        _refuse_message(steps, session, _no_such_user(to), ref, now)
        return
    action = packet.action is True or None
    fields = MessageFields(user.nickname, packet.message, now.timestamp, None, peer.nickname, action, ref)
    rest, keys = entry_rest(fields), (user.key, peer.key)
    steps.put(Draft(entries.MSG, session, user, now.millis, rest, None, peer, keys, ref))


def _refuse_message(
    steps: Steps, session: Session, refusal: tuple[ErrorCode, str], ref: str | None, now: Moment
) -> None:
    """Answer ERROR, unless the log has the message already: then its sender left since."""
    if ref is None:
        steps.error(session, *refusal, None)
    else:
        steps.put(Draft(entries.MSG, session, user_of(session), now.millis, b"", ref=ref, refusal=refusal))


def _type(steps: Steps, session: Session, packet: client_packets.Typing, now: Moment) -> None:
    nickname, name, to = user_of(session).nickname, given(packet.room), given(packet.to)
    if name is not None:
        room = _own_room(steps, session, name, packet.ref)
        if room is not None:
            steps.broadcast(room, server_packets.Typing(nickname, room=room.name))
    elif to is not None:
        peer = steps.directory.find_user(to)
        if peer is None:
            steps.error(session, *_no_such_user(to), given(packet.ref))
            return
        body = server_packets.format(server_packets.Typing(nickname, to=peer.nickname))
        session.owed += len(body) * len(peer.sessions)
        for each in peer.sessions:
            steps.put(Murmur(each, body))


def _ask_log(
    steps: Steps, session: Session, packet: client_packets.History | client_packets.Search, now: Moment
) -> None:
    name = given(packet.room)
    if name is None or _own_room(steps, session, name, packet.ref):
        session.busy = True
        steps.put(AskLog(session, packet))


def _list_rooms(steps: Steps, session: Session, packet: client_packets.Rooms, now: Moment) -> None:
    rooms = steps.directory.peopled(given(packet.after) or "", LIST_MAX + 1)
    rows = [server_packets.RoomEntry(room.name, room.topic, len(room.members)) for room in rooms]
    fit = _fitting(rows)
    steps.send(session, server_packets.Rooms(rows[:fit], fit < len(rows), given(packet.ref)))


def _list_users(steps: Steps, session: Session, packet: client_packets.Users, now: Moment) -> None:
    room, ref = steps.directory.find_room(packet.room), given(packet.ref)
    if room is None:
        steps.error(session, *_room_refusal(None, packet.room), ref)
        return
    nicknames = room.nicknames(given(packet.after) or "", LIST_MAX + 1)
    fit = _fitting(nicknames)
    more = fit < len(nicknames)
    steps.send(session, server_packets.Users(room.name, len(room.members), nicknames[:fit], more, ref))


def _answer_ping(steps: Steps, session: Session, packet: client_packets.Ping, now: Moment) -> None:
    ref = given(packet.ref)
    if session.user is None:
        steps.send(session, server_packets.Pong(id=0, ref=ref))  # nothing was sent yet: it must be no client's cursor
    else:
        steps.answer(SendNewest(session, server_packets.format(server_packets.Pong(ref=ref))))


def _hear(steps: Steps, session: Session, packet: client_packets.Pong, now: Moment) -> None:
    """A PONG is a sign of life, which the connection has noticed already."""


def _own_room(steps: Steps, session: Session, name: RoomName, ref: str | UnsetType) -> Room | None:
    """Return the room if the session's user is a member; if not, ERROR was sent."""
    room = steps.directory.find_room(name)
    if room is not None and user_of(session).key in room.members:
        return room
    steps.error(session, *_room_refusal(room, name), given(ref))
    return None


def _room_refusal(room: Room | None, name: RoomName) -> tuple[ErrorCode, str]:
    if room is None:
        return "no_such_room", f"room: there is no room {name}"
    return "not_in_room", f"room: you are not in {room.name}"


def _no_such_user(to: Nickname) -> tuple[ErrorCode, str]:
    return "no_such_user", f"to: there is nobody called {to}"


def _fitting(rows: list[Any]) -> int:
    """Return how many of these rows one page of a list holds."""
    return fitting([_encode(row) for row in rows], LIST_MAX)


# One row a packet: what it does in which phase. A phase that is missing is a refusal.
ROWS: Mapping[type[client_packets.ClientPacket], Mapping[Phase, Action]] = {
    Claim: {Phase.OPENING: _open, Phase.CHATTING: _rename},
    client_packets.Msg: {Phase.CHATTING: _say},
    client_packets.Join: {Phase.CHATTING: _join},
    client_packets.Leave: {Phase.CHATTING: _leave},
    client_packets.Topic: {Phase.CHATTING: _set_topic},
    client_packets.Typing: {Phase.CHATTING: _type},
    client_packets.Rooms: {Phase.CHATTING: _list_rooms},
    client_packets.Users: {Phase.CHATTING: _list_users},
    client_packets.History: {Phase.CHATTING: _ask_log},
    client_packets.Search: {Phase.CHATTING: _ask_log},
    client_packets.Ping: {Phase.OPENING: _answer_ping, Phase.CHATTING: _answer_ping},
    client_packets.Pong: {Phase.OPENING: _hear, Phase.CHATTING: _hear},
    client_packets.Bye: {Phase.OPENING: _quit, Phase.CHATTING: _quit},
}
# The same by phase: a session carries the row of its own.
ALLOWED: Mapping[Phase, Mapping[type[client_packets.ClientPacket], Action]] = {
    phase: {packet: actions[phase] for packet, actions in ROWS.items() if phase in actions} for phase in Phase
}
