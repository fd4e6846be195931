"""The server: start -> serve -> shutdown, and the tick: collect, commit, deliver.

Whatever arrives in one turn of the event loop goes to the hub at once; its outputs gather. The first of it begins the
tick (`wake`). One `call_soon` then takes them: with drafts into the log (`committer`), without any straight to
`Delivery.deliver`, where the tick ends with one write per connection. While a large fan-out or a commit in the thread
is under way the next tick gathers by itself: the busier the server, the more each commit and each write carries, and a
lone message never waits for a timer.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import socket
from collections.abc import Sequence
from functools import partial
from ipaddress import ip_address

from tcp_server.chat.hub import Hub, Settings
from tcp_server.chat.state import Draft, Read, Session
from tcp_server.clock import Clock
from tcp_server.committer import Batch, Committer
from tcp_server.delivery.connection import Connection, Handler
from tcp_server.delivery.delivery import CatchUp, Caught, Delivery
from tcp_server.delivery.direct import HIGH_WATER, DirectPort
from tcp_server.delivery.fanout import Fanout
from tcp_server.delivery.keepalive import Keeper
from tcp_server.delivery.link import HIGH_WATER as LINK_HIGH_WATER
from tcp_server.delivery.link import Link
from tcp_server.delivery.port import LinkPort, Port
from tcp_server.log.answers import answer
from tcp_server.log.database import open_database
from tcp_server.log.log import Log, LogUnavailable, Outcome
from tcp_server.log.readings import Reader
from tcp_server.log.search import Search
from tcp_server.log.upkeep import Upkeep
from tcp_server.log.worker import Worker
from tcp_server.net.listening import accept
from tcp_server.net.outlet import write_all
from tcp_server.protocol import client_packets, server_packets
from tcp_server.protocol.server_packets import ByeReason
from tcp_server.wordpacket import encode

logger = logging.getLogger(__name__)

RETRY_SECONDS = 1.0  # until changes of rooms and roster that could not be stored are tried again
FLUSH_SECONDS = 5.0  # at shutdown, for everybody to take their last bytes


class Server:
    """Owns the loop's side of everything: connections, the tick, and the threads of the log.

    After making one, `listen` on sockets; `shutdown` ends it in order. To be made and used on the loop.
    """

    def __init__(self, log: Log, settings: Settings, upkeep: Upkeep, *, link_secret: str | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        self._clock = Clock()
        self._link_secret = link_secret
        self._hub = Hub(settings, log.rooms(), log.newest)
        self._now = self._clock.now()  # when the tick began that is gathering
        for uid, present in log.present().items():
            self._hub.restore(uid, present.nickname, present.rooms, self._now)
        self._fanout = Fanout(write_all)
        self._delivery = Delivery(self._hub, self._fanout, self._read, self._proceed, self.wake)
        self._committer = Committer(log, self, self._loop)
        self._reader = Worker("log-reader", self._loop)
        self._searcher = Worker("log-searcher", self._loop)
        self._databases = [open_database(log.path), open_database(log.path)]
        self._history, self._search = map(Search, self._databases)
        self._upkeep = upkeep
        self._connections: dict[Connection, None] = {}
        self._congested: dict[DirectPort | Link, None] = {}
        self._listeners: list[asyncio.Server] = []
        self._is_scheduled = False
        self._retry_at = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._timer_due: float | None = None  # uvloop's handle may not tell
        self._keeper = Keeper(self._connections, self._ping, self._drop, self._loop)
        self._empty = asyncio.Event()  # no connection is left
        self._idle: asyncio.Event | None = None  # for who waits until nothing gathers and nothing is with the log
        upkeep.start(self._committer.worker, self._loop)
        self.wake()

    # Start and shutdown

    async def listen(self, sockets: Sequence[socket.socket]) -> None:
        """Accept connections on listening sockets."""
        self._listeners = await accept(sockets, lambda: Connection(self, self._loop))

    async def shutdown(self, delay: float, hurry: asyncio.Event) -> None:
        """Take no new connection, warn, let the chat go on for the delay (or until `hurry`), and end it."""
        for listener in self._listeners:
            listener.close()
        if not hurry.is_set() and delay > 0:
            seconds = round(delay)
            text = f"Server shutting down in {seconds} second{'' if seconds == 1 else 's'}"
            self._delivery.send_all(
                list(self._connections), server_packets.format(server_packets.Notice(text, seconds))
            )
            await _wait_for_any((hurry,), delay)
        await self._drain()
        bye = server_packets.format(server_packets.Bye("shutdown", "the server is shutting down"))
        connections = list(self._connections)
        self._delivery.send_all(connections, bye)
        for connection in connections:
            connection.close()
        if connections:
            await _wait_for_any((self._empty, hurry), FLUSH_SECONDS)
        await self._drain()
        self._keeper.stop()
        self._upkeep.stop()
        if self._timer is not None:
            self._timer.cancel()
        for database in self._databases:
            database.interrupt()  # nobody waits for these answers any more
        for worker in (self._searcher, self._reader, self._committer):
            worker.stop()
        for database in self._databases:
            database.close()

    async def _drain(self) -> None:
        """Wait until everything that was received is in the log and on its way."""
        self._idle = self._idle or asyncio.Event()
        self.wake()
        await self._idle.wait()

    # The tick

    def wake(self) -> None:
        """Begin a tick if none has: something is given to the hub or to the fan-out. All of a tick has one moment."""
        if not self._is_scheduled:
            self._is_scheduled = True
            self._now = self._clock.now()
            self._loop.call_soon(self._end_tick)

    def _end_tick(self) -> None:
        """Take what gathered: into the log what is for it, one batch at a time, and then out."""
        self._is_scheduled = False
        if self._committer.is_busy:
            return  # it wakes us for what gathers until then
        outputs = self._hub.take_outputs()
        drafts = [output for output in outputs if type(output) is Draft]
        changes = None
        if drafts or self._loop.time() >= self._retry_at:  # a message goes with the room that it may be the first of
            changes = self._hub.directory.take_changes()
        catch_ups = self._delivery.take_catch_ups()
        batch = Batch(outputs, drafts, changes, catch_ups)
        if drafts or changes is not None or catch_ups:
            self._committer.commit(batch)
        else:
            self.stored(batch, (), ())
        if self._idle is not None and not self._is_scheduled and not self._committer.is_busy:
            self._idle.set()
            self._idle = None
        self._set_timer()

    def stored(self, batch: Batch, outcomes: Sequence[Outcome], caught: Sequence[Caught]) -> None:
        """Deliver a batch that is in the log."""
        if self._congested:
            self._fall_behind()
        self._delivery.deliver(batch.outputs, outcomes, caught)

    def not_stored(self, batch: Batch, error: LogUnavailable) -> None:
        """Deliver a batch without its drafts, whose senders are told why."""
        if batch.changes is not None:
            self._hub.directory.give_back(batch.changes)
        self._retry_at = self._loop.time() + RETRY_SECONDS
        self._loop.call_later(RETRY_SECONDS, self.wake)
        for catch_up in batch.catch_ups:
            self._delivery.want(catch_up.port if isinstance(catch_up, CatchUp) else catch_up.link)
        self._fall_behind()
        self._delivery.refuse(batch.outputs, error)

    def _fall_behind(self) -> None:
        """Take out who took no more since the last delivery: they were sent all of that, and get none of this."""
        for end in self._congested:
            if isinstance(end, Link):
                if not end.is_behind:
                    end.fall_behind(self._hub.newest)
            else:
                self._delivery.fall_behind(end)

    def _set_timer(self) -> None:
        """See that the hub gets its `tick` in time; too early, when what was due is gone, does no harm."""
        due = self._hub.next_tick()
        if due is None or (self._timer_due is not None and self._timer_due <= due):
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer_due = due
        self._timer = self._loop.call_at(due, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = self._timer_due = None
        self._hub.tick(self._clock.now())
        self.wake()

    # Readings

    def _read(self, read: Read) -> None:
        """Answer HISTORY or SEARCH in a thread of its kind, with nothing that was not sent to all yet."""
        session, request = read.session, read.request
        user = session.user
        if user is None or not isinstance(request, client_packets.History | client_packets.Search):
            raise AssertionError("only a session after READY can ask, and only these")
        name = client_packets.given(request.room)
        room = None if name is None else self._hub.directory.find_room(name)
        reader = Reader(user.uid, tuple(room.key for room in user.rooms))
        is_search = isinstance(request, client_packets.Search)
        readings = self._search if is_search else self._history
        worker = self._searcher if is_search else self._reader
        worker.submit(
            partial(answer, request, reader, None if room is None else room.name, self._hub.newest, readings),
            partial(self._answered, session),
            partial(self._not_answered, session, client_packets.given(request.ref)),
        )

    def _answered(self, session: Session, body: bytes) -> None:
        self._hub.answered(session, body)
        self.wake()
        self._proceed(session.port)

    def _not_answered(self, session: Session, ref: str | None, error: Exception) -> None:
        logger.error("a reading failed", exc_info=error)
        text = "the log can't be read now; try again later"
        self._answered(session, server_packets.format(server_packets.Error("log_unavailable", text, ref)))

    def _proceed(self, port: Port) -> None:
        if isinstance(port, LinkPort):
            port.link.proceed(port)
        else:
            port.connection.proceed()

    # What connections and links report

    def accepted(self, connection: Connection) -> Handler:
        self._connections[connection] = None
        self._empty.clear()
        connection.limit_writing(HIGH_WATER)
        return DirectPort(connection, self)

    def lost(self, connection: Connection) -> None:
        del self._connections[connection]
        if not self._connections:
            self._empty.set()

    def open_session(self, port: Port) -> Session:
        self.wake()
        return self._hub.connected(port, self._now)

    def receive(self, session: Session, body: bytes) -> None:
        if not self._is_scheduled:  # asked here too: for most of a busy turn's bodies that spares a call
            self.wake()
        self._hub.received(session, body, self._now)

    def receive_opening(self, port: DirectPort, body: bytes) -> None:
        """Act on a body of a session before READY: the connection may become a link."""
        if b"LINK" in body or b"\\u" in body:  # spelled out or in escapes; else it needn't be parsed twice
            try:
                request = client_packets.parse(body)
            except ValueError:
                pass  # the hub says what is wrong with it
            else:
                if isinstance(request, client_packets.Link):
                    self._open_link(port, request)
                    return
        self.receive(port.session, body)

    def end_session(self, session: Session) -> None:
        self.wake()
        self._hub.ended(session, self._now)
        self._congested.pop(session.port, None)

    def break_session(self, session: Session, text: str) -> None:
        self.wake()
        self._hub.end(session, "protocol", text, self._now)

    def congested(self, end: DirectPort | Link) -> None:
        self._congested[end] = None

    def relieved(self, end: DirectPort | Link) -> None:
        self._congested.pop(end, None)
        if isinstance(end, Link):
            for port in end.ports:
                self._delivery.want(port)
        if end.is_behind:
            self._delivery.want(end)

    def want(self, port: Port) -> None:
        self._delivery.want(port)

    def closed(self, link: Link) -> None:
        self._congested.pop(link, None)

    def _open_link(self, port: DirectPort, request: client_packets.Link) -> None:
        self.wake()
        connection = port.connection
        if not self._may_link(connection, client_packets.given(request.secret)):
            self._hub.end(port.session, "forbidden", "a link needs the secret", self._now)
            return
        connection.limit_writing(LINK_HIGH_WATER)
        connection.handler = Link(connection, request.name, self, self._fanout)
        self._hub.linked(port.session, client_packets.given(request.ref))
        logger.info("link from %.64r", request.name)

    def _may_link(self, connection: Connection, secret: str | None) -> bool:
        if self._link_secret is not None and secret is not None:
            return hmac.compare_digest(secret.encode(), self._link_secret.encode())
        peer = connection.transport.get_extra_info("peername")
        return peer is not None and _is_loopback(peer[0])

    # What the keeper asks for

    def _ping(self, connection: Connection) -> None:
        self._fanout.send(connection, encode(server_packets.format(server_packets.Ping())))
        self.wake()

    def _drop(self, connection: Connection, reason: ByeReason) -> None:
        handler = connection.handler
        text = "nothing was heard from you" if reason == "timeout" else "you took nothing"
        if isinstance(handler, Link):
            handler.end(server_packets.Bye(reason, text))
        elif isinstance(handler, DirectPort):
            self.wake()
            self._hub.end(handler.session, reason, text, self._now)


def _is_loopback(address: str) -> bool:
    ip = ip_address(address.partition("%")[0])
    mapped = getattr(ip, "ipv4_mapped", None)
    return (mapped or ip).is_loopback


async def _wait_for_any(events: Sequence[asyncio.Event], seconds: float) -> None:
    """Wait until one of the events is set, but not longer than that."""
    waiting = [asyncio.ensure_future(event.wait()) for event in events]
    await asyncio.wait(waiting, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    for task in waiting:
        task.cancel()
