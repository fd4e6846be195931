"""The server: start -> serve -> shutdown, and the tick: collect, commit, deliver.

The hub acts at once on everything that arrives in one turn of the event loop; its outputs gather. The first arrival
begins the tick (`wake`). One `call_soon` then takes the outputs: with drafts to the log (`committer`), without drafts
straight to `Delivery.deliver`, where the tick ends with one write per connection. While a large fan-out or a commit is
under way, the next tick gathers by itself: the busier the server, the more each commit and each write carries, and a
lone message never waits for a timer.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Sequence

from tcp_server.chat.front import Front
from tcp_server.chat.hub import Hub
from tcp_server.chat.inlet import Inlet
from tcp_server.chat.outputs import Draft
from tcp_server.chat.state import Session
from tcp_server.chat.steps import REFUSALS_MAX, ChatSettings
from tcp_server.clock import Clock
from tcp_server.committer import Batch, Committer
from tcp_server.delivery.answers import Answers
from tcp_server.delivery.connection import Connection, Handler, Waiting
from tcp_server.delivery.delivery import Delivery
from tcp_server.delivery.direct import HIGH_WATER, DirectPort
from tcp_server.delivery.fanout import Fanout
from tcp_server.delivery.keepalive import Keepalive
from tcp_server.delivery.link import HIGH_WATER as LINK_HIGH_WATER
from tcp_server.delivery.link import Link
from tcp_server.delivery.link_admission import may_link
from tcp_server.delivery.port import Port
from tcp_server.delivery.replays import AnyCatchUp, Caught, Replays
from tcp_server.log.interface import LiveLog, LogUnavailable, Outcome
from tcp_server.net.listening import accept
from tcp_server.net.outlet import Outlet, write_all
from tcp_server.protocol import client_packets, server_packets
from tcp_server.protocol.client_packets import NotUtf8, Refusal
from tcp_server.protocol.names import checked_nickname
from tcp_server.protocol.server_packets import ByeReason

logger = logging.getLogger(__name__)

RETRY_SECONDS = 1.0  # until changes of rooms and roster that could not be stored are tried again
DRAIN_SECONDS = 1.0  # at shutdown, for packets that have come already
FLUSH_SECONDS = 5.0  # at shutdown, for all connections to take their last bytes


class Server:
    """Owns the connections and the tick.

    After making one, `listen` on sockets; `shutdown` ends it in order. To be made and used on the loop. The log is the
    caller's, to be closed after the shutdown.

    Attributes:
        tick: the number of the tick that gathers now.
    """

    def __init__(self, log: LiveLog, front: Front, settings: ChatSettings, *, link_secret: str | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        self._clock = Clock()
        self._front = front
        self._hub = Hub(settings, log.rooms())
        self._inlet: Inlet = self._hub
        self._now = self._clock.now()  # when the current tick began
        for uid, present in log.present().items():
            self._hub.restore(uid, checked_nickname(present.nickname), present.rooms, self._now)
        self._fanout: Fanout[Outlet] = Fanout(write_all)
        self._replays = Replays(self._hub, self._fanout, self.wake)
        self._delivery = Delivery(self._fanout, self._replays, Answers(self._hub, log, self.wake), log.newest)
        self._committer = Committer(log, self)
        self._link_secret = link_secret
        self._connections: dict[Connection, None] = {}
        self._keepalive = Keepalive(self._connections, self._fanout, self.wake, self._loop)
        self._listeners: list[asyncio.Server] = []
        self._is_scheduled = False
        self.tick = 0
        self._deferred: list[Waiting] = []  # have used up their shares of the tick
        self._retry_at = 0.0
        self._is_retrying = False  # a timer is set for it
        self._failed_catch_ups: list[AnyCatchUp] = []  # of batches that could not be stored
        self._timer: asyncio.TimerHandle | None = None
        self._timer_due: float | None = None  # uvloop's handle may not tell
        self._empty = asyncio.Event()  # no connection is left
        self._idle: asyncio.Event | None = None  # set when nothing gathers and nothing is with the log
        self._drain_until = 0.0  # the time until which `_idle` waits for those that have used up their shares
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
        self._keepalive.stop()
        if self._timer is not None:
            self._timer.cancel()

    async def _drain(self) -> None:
        """Wait until everything that was received is in the log and delivered; a flood is cut off after a while."""
        self._drain_until = self._loop.time() + DRAIN_SECONDS
        self._idle = self._idle or asyncio.Event()
        self.wake()
        await self._idle.wait()

    # The tick

    def wake(self) -> None:
        """Begin a tick if none has begun: the hub or the fan-out is given something. A tick has one moment of time."""
        if not self._is_scheduled:
            self._is_scheduled = True
            self._now = self._clock.now()
            self._loop.call_soon(self._end_tick)

    def _end_tick(self) -> None:
        """Take the outputs: drafts and changes go to the log, one batch at a time; then everything is delivered."""
        self._is_scheduled = False
        if self._committer.is_busy:
            return  # it wakes us when it is done
        self.tick += 1
        outputs = self._hub.take_outputs()
        drafts = [output for output in outputs if type(output) is Draft]
        changes = None
        if drafts or self._loop.time() >= self._retry_at:  # a message's room must not be stored after it
            changes = self._hub.directory.take_changes()
        catch_ups = self._replays.take()
        batch = Batch(outputs, drafts, changes, catch_ups)
        if drafts or changes is not None or catch_ups:
            self._committer.commit(batch)
        else:
            self.stored(batch, (), ())
        deferred, self._deferred = self._deferred, []
        for waiting in deferred:
            self._loop.call_soon(waiting.go_on)  # in the next turn: first come those that had no share yet
        if self._idle is not None:
            self._look_whether_idle(bool(deferred))
        self._set_timer()

    def _look_whether_idle(self, is_anybody_deferred: bool) -> None:
        if is_anybody_deferred and self._loop.time() < self._drain_until:
            self._loop.call_soon(self.wake)
        elif self._idle is not None and not self._is_scheduled and not self._committer.is_busy:
            self._idle.set()
            self._idle = None

    def stored(self, batch: Batch, outcomes: Sequence[Outcome], caught: Sequence[Caught]) -> None:
        """Deliver a batch that is in the log."""
        self._replays.fall_behind(self._delivery.newest)
        self._delivery.deliver(batch.outputs, outcomes, caught)

    def not_stored(self, batch: Batch, error: LogUnavailable) -> None:
        """Deliver a batch without its drafts; their senders are told why."""
        if batch.changes is not None:
            self._hub.directory.give_back(batch.changes)
        if not self._is_retrying:
            self._is_retrying = True
            self._loop.call_later(RETRY_SECONDS, self._try_again)
        self._retry_at = self._loop.time() + RETRY_SECONDS
        self._failed_catch_ups += batch.catch_ups
        self._replays.fall_behind(self._delivery.newest)
        self._delivery.refuse(batch.outputs, error)

    def _try_again(self) -> None:
        """Store the changes of the batches that failed, and read their replays, with the next tick."""
        self._is_retrying, self._retry_at = False, 0.0
        catch_ups, self._failed_catch_ups = self._failed_catch_ups, []
        for catch_up in catch_ups:
            self._replays.want(catch_up.end)
        self.wake()

    def _set_timer(self) -> None:
        """See that the hub hears in time that something is due; hearing of it too early does no harm."""
        due = self._inlet.next_due()
        if due is None or (self._timer_due is not None and self._timer_due <= due):
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer_due = due
        self._timer = self._loop.call_at(due, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = self._timer_due = None
        self.wake()
        now = self._clock.now()
        self._inlet.run_timers(now)
        self._inlet.expire(now)

    # What connections, sessions and links report

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
        return self._inlet.connected(port, self._front.hello, self._now)

    def receive(self, session: Session, body: bytes) -> None:
        if not self._is_scheduled:  # asked here too: that spares a call for most bodies of a busy turn
            self.wake()
        try:
            packet = self._front.read(body)
        except Refusal as refusal:
            if self._inlet.refused(session, refusal):
                self.drop_session(session, "protocol", f"{REFUSALS_MAX} bad packets")
        except NotUtf8 as error:
            self.drop_session(session, "protocol", str(error))
        else:
            self._inlet.received(session, packet, self._now)

    def receive_opening(self, port: DirectPort, body: bytes) -> None:
        """Act on a body of a session before READY: the connection may become a link."""
        if b"LINK" in body or b"\\u" in body:  # spelled out or in escapes; else it needn't be parsed twice
            try:
                request = client_packets.parse(body)
            except ValueError:
                pass  # the hub says what is wrong with it
            else:
                if isinstance(request, client_packets.LinkRequest):
                    self._open_link(port, request)
                    return
        self.receive(port.session, body)

    def end_session(self, session: Session) -> None:
        self.drop_session(session, None)
        self._replays.forget(session.port)

    def break_session(self, session: Session, text: str) -> None:
        self.drop_session(session, "protocol", text)

    def drop_session(self, session: Session, reason: ByeReason | None, text: str = "") -> None:
        """End a session, with a BYE unless its connection broke; its user is held if that was the last one."""
        self.wake()
        self._inlet.close(session, reason, text)
        self._inlet.hold(session, self._now)

    def defer(self, waiting: Waiting) -> None:
        """Let this one go on when the tick's outputs are taken."""
        self._deferred.append(waiting)
        self.wake()

    def congested(self, end: DirectPort | Link) -> None:
        self._replays.congested(end)

    def relieved(self, end: DirectPort | Link) -> None:
        self._replays.relieved(end)

    def want(self, port: Port) -> None:
        self._replays.want(port)

    def closed(self, link: Link) -> None:
        self._replays.forget(link)

    def _open_link(self, port: DirectPort, request: client_packets.LinkRequest) -> None:
        self.wake()
        connection = port.connection
        if not may_link(connection, client_packets.given(request.secret), self._link_secret):
            self.drop_session(port.session, "forbidden", "a link needs the secret")
            return
        connection.limit_writing(LINK_HIGH_WATER)
        connection.handler = Link(connection, request.name, self, self._fanout)
        self._inlet.linked(port.session, client_packets.given(request.ref))
        logger.info("link from %.64r", request.name)


async def _wait_for_any(events: Sequence[asyncio.Event], seconds: float) -> None:
    """Wait until one of the events is set, but not longer than that."""
    waiting = [asyncio.ensure_future(event.wait()) for event in events]
    await asyncio.wait(waiting, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    for task in waiting:
        task.cancel()
