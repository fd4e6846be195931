"""A small chat that speaks PROTOCOL.md to one page, deterministic and under the test's thumb.

It is no second server: one process, no log on disk, no limits, tokens that are not signed. It does what the page relies on
(sections 3, 4 and 5) and can be told to misbehave: to keep echoes back, to refuse, to vanish, to stand behind a bridge.
"""

import asyncio
import json
import mimetypes
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

Packet = dict[str, Any]
WEB = Path(__file__).parents[2] / "web"
CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self' ws: wss:; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
FIRST_MESSAGE = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


@dataclass(eq=False)
class Session:
    """One socket, and the user behind it once READY was sent."""

    socket: ServerConnection
    user: "User | None" = None
    seen: int = 0  # the last id that it was sent
    tasks: set[asyncio.Task[None]] = field(default_factory=set)


@dataclass(eq=False)
class User:
    uid: int
    nickname: str
    rooms: set[str] = field(default_factory=set)


class FakeServer:
    """Start it with `with FakeServer() as server`; every method may be called from the test's own thread."""

    def __init__(self) -> None:
        self.epoch = "epoch-1"
        self.log: list[Packet] = []
        self.users: dict[str, User] = {}
        self.sessions: list[Session] = []
        self.topics: dict[str, str] = {}
        self.extra_members: dict[str, list[str]] = {}
        self.received: list[Packet] = []
        self.hello: Packet = {}
        self.up = True
        self.hold_echo = False
        self.away = False
        self.refuse: dict[str, str] = {}
        self.retry: Packet | None = None
        self.answers_pings = True
        self._uid = 0
        self._changed = threading.Condition()

    # --- the thread that it runs in

    def __enter__(self) -> "FakeServer":
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="fake server")
        self._thread.start()
        self._server: Server = self.call(self._listen)
        self.port = next(iter(self._server.sockets)).getsockname()[1]
        return self

    def __exit__(self, *_: object) -> None:
        self.call(self._stop)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def call(self, work: Callable[..., Any], *args: Any) -> Any:
        """Run a function or coroutine function in the server's loop and return what it returns."""

        async def run() -> Any:
            result = work(*args)
            return await result if asyncio.iscoroutine(result) else result

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result(timeout=10)

    async def _listen(self) -> Server:
        return await serve(self._serve, "127.0.0.1", 0, process_request=self._http, compression=None, logger=None)

    async def _stop(self) -> None:
        self._server.close(close_connections=True)
        await self._server.wait_closed()

    def wait_for(self, condition: Callable[[], bool]) -> None:
        """Block until the condition holds; it is looked at after each packet that comes in and each session that goes."""
        with self._changed:
            assert self._changed.wait_for(condition, timeout=10), "the page never did that"

    # --- what a test may do to the chat

    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def ws_url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/"

    def say(self, nickname: str, room: str, message: str, **more: Any) -> int:
        """Another member says something in a room; returns its id."""
        return int(self.call(self._log, {"room": room, "nickname": nickname, "message": message, **more}))

    def tell(self, nickname: str, to: str, message: str) -> int:
        return int(self.call(self._log, {"to": to, "nickname": nickname, "message": message}))

    def fill(self, room: str, count: int, nickname: str = "bob") -> None:
        """Give a room a past of so many messages, in one go and unheard."""

        def write() -> None:
            for number in range(count):
                self._append({"room": room, "nickname": nickname, "message": f"line {number} of {room}"})

        self.call(write)

    def broadcast(self, packet: Packet) -> None:
        """Send a packet as it is to every session."""
        self.call(lambda: [self._send(session, packet) for session in self.sessions])

    def drop(self) -> None:
        """Reset every connection."""
        self.call(lambda: [session.socket.transport.abort() for session in self.sessions])

    def stop_serving(self) -> None:
        """The server is gone: connections break and new ones fail, until `resume_serving`. (The page is still served.)"""
        self.up = False
        self.drop()
        self.wait_for(lambda: not self.sessions)

    def resume_serving(self) -> None:
        self.up = True

    def lose_server_behind_bridge(self) -> None:
        """The socket stays, as with a bridge whose server is gone: a NOTICE, and then nothing gets an answer."""
        self.away = True
        self.broadcast({"type": "NOTICE", "message": "The server is away; trying again"})

    def find_server_behind_bridge(self) -> None:
        """The bridge resumes each session by itself: a fresh READY, ROOMs and what was missed (section 6)."""

        def resume() -> None:
            self.away = False
            for session in self.sessions:
                if session.user is not None:
                    self._ready(session, session.user, resumed=True, after=session.seen)

        self.call(resume)

    def packets(self, kind: str) -> list[Packet]:
        return [packet for packet in self.received if packet["type"] == kind]

    # --- the door

    def _http(self, connection: ServerConnection, request: Request) -> Response | None:
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return None if self.up else connection.respond(HTTPStatus.SERVICE_UNAVAILABLE, "down\n")
        name = request.path.split("?")[0].lstrip("/") or "index.html"
        path = WEB / name
        if ".." in name or not path.is_file():
            return connection.respond(HTTPStatus.NOT_FOUND, "no such page\n")
        body = path.read_bytes()
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        headers = Headers(
            {
                "Content-Type": kind,
                "Content-Length": str(len(body)),
                "Content-Security-Policy": CSP,
                "Cache-Control": "no-store",
            }
        )
        return Response(200, "OK", headers, body)

    async def _serve(self, socket: ServerConnection) -> None:
        session = Session(socket)
        self.sessions.append(session)
        limits = {"packet": 65535, "message": 8000, "nickname": 32, "room": 64, "topic": 300, "rooms": 50}
        hello = {
            "type": "HELLO",
            "protocol": 1,
            "server": "Fake",
            "version": "0",
            "limits": limits,
            "server_password": False,
        }
        self._send(session, {**hello, **self.hello})
        try:
            async for body in socket:
                packet = json.loads(body)
                if not self.away:
                    self._answer(session, packet)
                with self._changed:
                    self.received.append(packet)
                    self._changed.notify_all()
        except ConnectionClosed:
            pass
        finally:
            self.sessions.remove(session)
            with self._changed:
                self._changed.notify_all()

    def _send(self, session: Session, packet: Packet) -> None:
        body = json.dumps({key: value for key, value in packet.items() if value is not None}, ensure_ascii=False)
        if packet["type"] == "MSG" and packet.get("timestamp") is not None:
            session.seen = max(session.seen, packet["id"])
        # The loop writes in the order of these tasks, so packets keep theirs.
        task = self._loop.create_task(self._write(session.socket, body))
        session.tasks.add(task)
        task.add_done_callback(session.tasks.discard)

    async def _write(self, socket: ServerConnection, body: str) -> None:
        try:
            await socket.send(body)
        except ConnectionClosed:
            return

    # --- the chat

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
        ready = {"type": "READY", "nickname": user.nickname, "token": f"token-{user.uid}", "epoch": self.epoch, "id": newest,
                 "rooms": sorted(user.rooms), "resumed": resumed, "ref": ref}  # fmt: skip
        self._send(session, ready)
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
                ready = {"type": "READY", "nickname": nickname, "token": f"token-{user.uid}", "epoch": self.epoch, "ref": ref,
                         "id": len(self.log), "rooms": sorted(user.rooms), "resumed": False}  # fmt: skip
                self._send(session, ready)

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
        if self.answers_pings:
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
        target = {key: packet[key] for key in ("room", "to") if key in packet}
        self._send(session, {"type": "HISTORY", **target, "messages": page, "more": more, "ref": packet.get("ref")})

    def _belongs(self, message: Packet, packet: Packet) -> bool:
        if "room" in packet:
            return bool(message.get("room") == packet["room"])
        return "to" in message and packet["to"] in (message["to"], message["nickname"])

    def _on_search(self, session: Session, packet: Packet) -> None:
        assert session.user is not None
        words = packet["query"].casefold().split()
        found = [
            one
            for one in reversed(self.log)
            if self._visible(session.user, one)
            and all(word in one["message"].casefold() for word in words)
            and packet.get("from", one["nickname"]).casefold() == one["nickname"].casefold()
            and packet.get("room", one.get("room")) == one.get("room")
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
