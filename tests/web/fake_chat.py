"""A small chat that speaks PROTOCOL.md to a page: deterministic, and under the test's thumb.

It is no second server: no log on disk, no limits, tokens that are not signed. It does what the page relies on
(sections 3, 4 and 5), and can be told to keep echoes back and to refuse.
"""

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from websockets.asyncio.server import ServerConnection

Packet = dict[str, Any]
FIRST_MESSAGE = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


@dataclass(eq=False)
class Session:
    """One socket, and the user behind it once READY was sent."""

    socket: ServerConnection
    user: "User | None" = None
    seen: int = 0  # the last id that it was sent
    hello: Packet = field(default_factory=dict)  # that it is still to be sent
    tasks: set[asyncio.Task[None]] = field(default_factory=set)


@dataclass(eq=False)
class User:
    uid: int
    nickname: str
    rooms: set[str] = field(default_factory=set)


class FakeChat:
    """Users, rooms and the log. `_send` is the owner's to write.

    Attributes:
        hold_echo: messages are logged, and nobody hears of them.
        refuse: packet type -> code of the ERROR that the next such packet gets.
        retry: the RETRY that the next NICK gets.
        extra_members: room -> members who are shown and do nothing.
    """

    def __init__(self) -> None:
        self.epoch = "epoch-1"
        self.log: list[Packet] = []
        self.users: dict[str, User] = {}
        self.sessions: list[Session] = []
        self.topics: dict[str, str] = {}
        self.extra_members: dict[str, list[str]] = {}
        self.hold_echo = False
        self.refuse: dict[str, str] = {}
        self.retry: Packet | None = None
        self._uid = 0

    def _send(self, session: Session, packet: Packet) -> None:
        raise NotImplementedError

    def _answer(self, session: Session, packet: Packet) -> None:
        handler = getattr(self, f"_on_{packet['type'].lower()}", None)
        if packet["type"] in self.refuse:
            code = self.refuse.pop(packet["type"])
            self._send(
                session, {"type": "ERROR", "code": code, "message": f"refused: {code}", "ref": packet.get("ref")}
            )
        elif handler is not None:
            handler(session, packet)

    def _on_nick(self, session: Session, packet: Packet) -> None:
        ref, nickname = packet.get("ref"), packet["nickname"]
        if self.retry is not None:
            retry, self.retry = self.retry, None
            self._send(session, {"type": "RETRY", "nickname": nickname, "message": "not this one", **retry, "ref": ref})
            return
        if session.user is not None:
            self._rename(session.user, nickname, ref)
            return
        user = next((one for one in self.users.values() if packet.get("token") == f"token-{one.uid}"), None)
        known = user is not None
        if user is None and nickname.casefold() in self.users:
            answer = {
                "type": "RETRY",
                "nickname": nickname,
                "reason": "taken",
                "message": f"{nickname} is taken.",
                "ref": ref,
            }
            self._send(session, answer)
            return
        if user is None:
            self._uid += 1
            user = self.users[nickname.casefold()] = User(self._uid, nickname)
        rooms = packet.get("rooms", [] if user.rooms else ["lobby"])
        joined = [room for room in rooms if room not in user.rooms]
        user.rooms.update(rooms)
        session.user = user
        self._ready(
            session,
            user,
            resumed=known and "after" in packet,
            after=packet.get("after", 0),
            ref=ref,
            epoch=packet.get("epoch"),
        )
        for room in joined:
            self._to_room(
                room, {"type": "JOIN", "room": room, "nickname": user.nickname, "timestamp": self._now()}, but=session
            )

    def _ready(
        self,
        session: Session,
        user: User,
        *,
        resumed: bool,
        after: int,
        ref: str | None = None,
        epoch: str | None = None,
    ) -> None:
        newest = len(self.log)
        self._send(session, self._ready_packet(user, resumed=resumed, ref=ref))
        for room in sorted(user.rooms):
            self._send(session, self._room(room))
        if not resumed:
            return
        if epoch not in (None, self.epoch) or after > newest:
            after = max(0, newest - 1000)
            self._send(session, {"type": "GAP", "after": 0, "id": after + 1})
        elif newest - after > 10_000:
            self._send(session, {"type": "GAP", "after": after, "id": newest - 999})
            after = newest - 1000
        for message in self.log[after:]:
            if self._visible(user, message):
                self._send(session, message)

    def _rename(self, user: User, nickname: str, ref: str | None) -> None:
        old = user.nickname
        del self.users[old.casefold()]
        user.nickname = nickname
        self.users[nickname.casefold()] = user
        for room in user.rooms:
            self._to_room(
                room, {"type": "NICK", "room": room, "old": old, "nickname": nickname, "timestamp": self._now()}
            )
        for session in self.sessions:
            if session.user is user:
                self._send(session, self._ready_packet(user, resumed=False, ref=ref))

    def _ready_packet(self, user: User, *, resumed: bool, ref: str | None) -> Packet:
        who = {"nickname": user.nickname, "token": f"token-{user.uid}", "rooms": sorted(user.rooms)}
        return {"type": "READY", **who, "epoch": self.epoch, "id": len(self.log), "resumed": resumed, "ref": ref}

    def _on_msg(self, session: Session, packet: Packet) -> None:
        user, ref = session.user, packet.get("ref")
        assert user is not None
        logged = next((one for one in self.log if one.get("ref") == ref and one["uid"] == user.uid), None)
        if logged is not None:
            self._send(session, logged)
        elif "room" in packet and packet["room"] not in user.rooms:
            self._send(
                session, {"type": "ERROR", "code": "not_in_room", "message": "You are not in this room", "ref": ref}
            )
        else:
            keys = ("room", "to", "message", "action", "ref")
            self._log(
                {**{key: packet[key] for key in keys if key in packet}, "nickname": user.nickname, "uid": user.uid}
            )

    def _append(self, message: Packet) -> Packet:
        identity = len(self.log) + 1
        timestamp = (
            (FIRST_MESSAGE + timedelta(minutes=identity)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        )
        logged = {"type": "MSG", "id": identity, "uid": 0, **message}
        logged.setdefault("timestamp", timestamp)
        self.log.append(logged)
        return logged

    def _log(self, message: Packet) -> int:
        logged = self._append(message)
        if not self.hold_echo:
            for session in self.sessions:
                if session.user is not None and self._visible(session.user, logged):
                    self._send(session, logged)
        return int(logged["id"])

    def _visible(self, user: User, message: Packet) -> bool:
        if "room" in message:
            return message["room"] in user.rooms
        return user.nickname in (message["to"], message["nickname"])

    def _on_ping(self, session: Session, packet: Packet) -> None:
        self._send(session, {"type": "PONG", "id": len(self.log), "ref": packet.get("ref")})

    def _on_join(self, session: Session, packet: Packet) -> None:
        assert session.user is not None
        room = packet["room"]
        if room not in session.user.rooms:
            session.user.rooms.add(room)
            self._to_room(
                room, {"type": "JOIN", "room": room, "nickname": session.user.nickname, "timestamp": self._now()}
            )
        self._send(session, {**self._room(room), "ref": packet.get("ref")})

    def _on_leave(self, session: Session, packet: Packet) -> None:
        user, room = session.user, packet["room"]
        assert user is not None
        leave = {"type": "LEAVE", "room": room, "nickname": user.nickname, "timestamp": self._now(), "reason": "left"}
        self._to_room(room, {**leave, "message": packet.get("message"), "ref": packet.get("ref")})
        user.rooms.discard(room)

    def _on_topic(self, session: Session, packet: Packet) -> None:
        assert session.user is not None
        self.topics[packet["room"]] = packet["topic"]
        self._to_room(packet["room"], {**packet, "nickname": session.user.nickname, "timestamp": self._now()})

    def _on_typing(self, session: Session, packet: Packet) -> None:
        assert session.user is not None
        if "room" in packet:
            self._to_room(packet["room"], {"type": "TYPING", "room": packet["room"], "nickname": session.user.nickname})

    def _on_rooms(self, session: Session, packet: Packet) -> None:
        names = sorted({room for user in self.users.values() for room in user.rooms} | set(self.extra_members))
        rooms = [
            {"room": room, "topic": self.topics.get(room, ""), "count": len(self._members(room))} for room in names
        ]
        self._send(session, {"type": "ROOMS", "rooms": rooms, "more": False, "ref": packet.get("ref")})

    def _on_users(self, session: Session, packet: Packet) -> None:
        members = self._members(packet["room"])
        rest = [name for name in members if name.casefold() > packet.get("after", "").casefold()]
        answer = {
            "type": "USERS",
            "room": packet["room"],
            "count": len(members),
            "users": rest[:200],
            "more": len(rest) > 200,
        }
        self._send(session, {**answer, "ref": packet.get("ref")})

    def _on_history(self, session: Session, packet: Packet) -> None:
        assert session.user is not None
        limit = min(packet.get("limit", 50), 200)
        mine = [one for one in self.log if self._visible(session.user, one) and self._belongs(one, packet)]
        if "after" in packet:
            found = [one for one in mine if one["id"] > packet["after"]]
            page, more = found[:limit], len(found) > limit
        else:
            found = [one for one in mine if one["id"] < packet.get("before", 1 << 50)]
            page, more = found[-limit:], len(found) > limit
        target: Packet = {key: packet[key] for key in ("room", "to") if key in packet}
        self._send(session, {"type": "HISTORY", **target, "messages": page, "more": more, "ref": packet.get("ref")})

    def _belongs(self, message: Packet, packet: Packet) -> bool:
        if "room" in packet:
            return bool(message.get("room") == packet["room"])
        return "to" in message and packet["to"] in (message["to"], message["nickname"])

    def _on_search(self, session: Session, packet: Packet) -> None:
        assert session.user is not None
        words = packet["query"].casefold().split()
        sender, room = packet.get("from"), packet.get("room")
        found = [
            one
            for one in reversed(self.log)
            if self._visible(session.user, one)
            and all(word in one["message"].casefold() for word in words)
            and (sender is None or sender.casefold() == one["nickname"].casefold())
            and (room is None or room == one.get("room"))
            and one["id"] < packet.get("before", 1 << 50)
            and packet.get("since", "") <= one["timestamp"] < packet.get("until", "9")
        ]
        limit = packet.get("limit", 50)
        answer = {"type": "SEARCH", "query": packet["query"], "messages": found[:limit], "more": len(found) > limit}
        self._send(session, {**answer, "ref": packet.get("ref")})

    def _on_bye(self, session: Session, packet: Packet) -> None:
        self._send(session, {"type": "BYE", "reason": "quit", "message": "Bye", "ref": packet.get("ref")})

    def _room(self, room: str) -> Packet:
        members = self._members(room)
        newest = max((one["id"] for one in self.log if one.get("room") == room), default=0)
        return {
            "type": "ROOM",
            "room": room,
            "topic": self.topics.get(room, ""),
            "count": len(members),
            "users": members[:200],
            "id": newest,
        }

    def _members(self, room: str) -> list[str]:
        present = [user.nickname for user in self.users.values() if room in user.rooms]
        return sorted(present + self.extra_members.get(room, []), key=str.casefold)

    def _to_room(self, room: str, packet: Packet, but: Session | None = None) -> None:
        for session in self.sessions:
            if session.user is not None and room in session.user.rooms and session is not but:
                self._send(session, packet)

    def _now(self) -> str:
        return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
