"""A WebSocket server around `FakeChat`, in a thread, that serves the page too and can be told to misbehave:
to break connections, to vanish, to stand as a bridge whose server is away.
"""

import asyncio
import json
import mimetypes
import threading
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import Any

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from tests.web.fake_chat import FakeChat, Packet, Session

WEB = Path(__file__).parents[2] / "web"
CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self' ws: wss:; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


class FakeServer(FakeChat):
    """Start it with `with FakeServer() as server`; every method may be called from the test's own thread."""

    def __init__(self) -> None:
        super().__init__()
        self.received: list[Packet] = []
        self.hello: Packet = {}
        self.up = True
        self.away = False
        self.folder = "/"  # where the page and its socket are, as behind a proxy
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
        # A connection that was accepted a moment ago has a task that the server doesn't wait for.
        late = asyncio.all_tasks() - {asyncio.current_task()}
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
        for _ in range(2):  # turns of the loop in which closing transports let go of their sockets
            await asyncio.sleep(0)

    def wait_for(self, condition: Callable[[], bool]) -> None:
        """Block until the condition holds; it is looked at after each packet and each end of a session."""
        with self._changed:
            assert self._changed.wait_for(condition, timeout=10), "the page never did that"

    # --- what a test may do to the chat

    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}{self.folder}"

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

        def send() -> None:
            for session in self.sessions:
                self._send(session, packet)

        self.call(send)

    def drop(self) -> None:
        """Reset every connection."""

        def abort() -> None:
            for session in self.sessions:
                session.socket.transport.abort()

        self.call(abort)

    def stop_serving(self) -> None:
        """Connections break and new ones fail, until `resume_serving`. (The page is still served.)"""
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
                if session.hello:
                    self._greet(session)
                elif session.user is not None:
                    self._ready(session, session.user, resumed=True, after=session.seen)

        self.call(resume)

    def _greet(self, session: Session) -> None:
        self._send(session, session.hello)
        session.hello = {}

    def packets(self, kind: str) -> list[Packet]:
        return [packet for packet in self.received if packet["type"] == kind]

    # --- the door

    def _http(self, connection: ServerConnection, request: Request) -> Response | None:
        if not request.path.startswith(self.folder):
            return connection.respond(HTTPStatus.NOT_FOUND, "outside of the chat\n")
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return None if self.up else connection.respond(HTTPStatus.SERVICE_UNAVAILABLE, "down\n")
        name = request.path.removeprefix(self.folder).split("?")[0] or "index.html"
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
        session.hello = {**hello, **self.hello}
        if not self.away:
            self._greet(session)
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
