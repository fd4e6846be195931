"""A link: many sessions on one connection, each with its number (PROTOCOL.md section 6).

The link as a whole may be behind, like a single session. Then all its live sessions are behind, and they are caught up
together: a room's message crosses once. A session whose rooms change meanwhile is caught up alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import msgspec

from tcp_server.chat.outputs import Output
from tcp_server.chat.state import Room, Session
from tcp_server.delivery.connection import Connection
from tcp_server.delivery.fanout import Fanout
from tcp_server.delivery.link_port import LinkPort
from tcp_server.delivery.pace import Pace
from tcp_server.delivery.port import PAGE_FIRST
from tcp_server.net.outlet import Outlet
from tcp_server.protocol import client_packets, server_packets
from tcp_server.protocol.server_packets import ByeReason
from tcp_server.wordpacket import encode

HIGH_WATER = 4 * 1024 * 1024  # bytes; a tick of a thousand rooms is far below it
TURN_SECONDS = 0.008  # of one turn of the loop: a link stands for many connections
RETRY_SECONDS = 1  # until a session whose packets are refused may try again


class LinkHost(Protocol):
    """The server, as far as a link needs it."""

    tick: int

    def open_session(self, port: LinkPort) -> Session: ...
    def receive(self, session: Session, body: bytes) -> None: ...
    def end_session(self, session: Session) -> None: ...
    def want(self, port: LinkPort) -> None: ...
    def wake(self) -> None: ...
    def congested(self, link: Link) -> None: ...
    def relieved(self, link: Link) -> None: ...
    def closed(self, link: Link) -> None: ...
    def defer(self, link: Link) -> None: ...


class _LinkHead(msgspec.Struct, gc=False):
    """The fields that decide where a body on a link goes."""

    session: Any = msgspec.UNSET
    type: Any = None
    ref: Any = None


_read_head = msgspec.json.Decoder(_LinkHead).decode


class Link:
    """A connection's handler once its bridge said LINK.

    Attributes:
        is_behind: the connection took no more bytes; no session on the link hears a room until the link is caught up.
        after: while it is behind, the id up to which it was sent everything.
        page: how many entries are to be read at once, by the size of those before.
        leaving: sessions that the rest of the replay is not for, since they are caught up alone.
    """

    turn_seconds = TURN_SECONDS

    def __init__(self, connection: Connection, name: str, host: LinkHost, fanout: Fanout[Outlet]) -> None:
        self.connection = connection
        self.name = name
        self.is_behind = False
        self.after = 0
        self.page = PAGE_FIRST
        self.leaving: list[LinkPort] = []
        self._host = host
        self._fanout = fanout
        self._ports: dict[int, LinkPort] = {}
        self._used = _Numbers()
        self._listeners: dict[Room, int] = {}  # how many live sessions hear each room
        self._deferred: dict[LinkPort, None] = {}  # have used up their shares of the tick
        self._is_closed = False

    # What the bridge sends

    def receive(self, body: bytes) -> bool:
        if self._is_closed:
            return False
        try:
            body.decode()
        except UnicodeDecodeError as error:
            self.broken(f"body is not UTF-8: {error.reason} at byte {error.start}")
            return False
        try:
            head = _read_head(body)
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            self._refuse(client_packets.Refusal("bad_packet", f"the body is not a JSON object: {error}"))
            return True
        try:
            self._dispatch(head, body)
        except client_packets.Refusal as refusal:
            self._refuse(refusal)
        return not self.is_waiting()

    def _dispatch(self, head: _LinkHead, body: bytes) -> None:
        number = head.session
        if number is msgspec.UNSET:
            self._receive_own(client_packets.parse(body))
        elif not isinstance(number, int) or isinstance(number, bool):
            raise client_packets.Refusal("bad_packet", "session: is not an integer", client_packets.good_ref(head.ref))
        elif isinstance(head.type, str) and head.type in client_packets.SESSION_PACKETS:
            self._receive_about(client_packets.parse(body))
        else:
            port = self._ports.get(number)
            if port is None:
                return  # the session ended while the packet was on its way
            self._look_at_share(port)
            if not (port.inbox or port.is_waiting()):
                self._receive_for(port, body)
            elif not port.keep(body):
                self._refuse_for(port, client_packets.good_ref(head.ref))

    def _look_at_share(self, port: LinkPort) -> None:
        if port.tick != self._host.tick:
            port.renew_share(self._host.tick)

    def _receive_for(self, port: LinkPort, body: bytes) -> None:
        self._host.receive(port.session, body)
        port.share -= 1
        if port.has_used_share():
            self._defer(port)

    def _defer(self, port: LinkPort) -> None:
        """Let a session's next packets wait for the next tick."""
        if not self._deferred:
            self._host.defer(self)
        self._deferred[port] = None

    def _refuse_for(self, port: LinkPort, ref: str | None) -> None:
        """Refuse a packet of a session of which too many wait; the answers to these come later."""
        text = "too many of your packets wait; send it again when they are answered"
        error = server_packets.Error("rate_limited", text, ref, what="queue", retry_after=RETRY_SECONDS)
        port.send(self._fanout, server_packets.format(error))
        self._host.wake()

    def _receive_own(self, request: client_packets.ClientPacket) -> None:
        if isinstance(request, client_packets.Ping):
            self._send(server_packets.Pong(ref=client_packets.given(request.ref)))
        elif isinstance(request, client_packets.Bye):
            self.end(server_packets.Bye("quit", "goodbye", client_packets.given(request.ref)))
        elif not isinstance(request, client_packets.Pong):
            kind, ref = request.__struct_config__.tag, client_packets.given(request.ref)
            raise client_packets.Refusal("unknown_type", f"{kind} needs a session on a link", ref)

    def _receive_about(self, request: client_packets.ClientPacket) -> None:
        if isinstance(request, client_packets.Open):
            number = request.session
            if number < 1 or number in self._used:
                ref = client_packets.given(request.ref)
                raise client_packets.Refusal("bad_packet", f"session: {number} is below 1, or was opened before", ref)
            self._used.add(number)
            opened = LinkPort(self, number)
            self._ports[number] = opened
            opened.session = self._host.open_session(opened)
        elif isinstance(request, client_packets.Close | client_packets.Pause | client_packets.Resume):
            port = self._ports.get(request.session)
            if port is None:
                return  # the session ended while the packet was on its way
            if isinstance(request, client_packets.Close):
                self._host.end_session(port.session)
            elif isinstance(request, client_packets.Pause):
                port.pause(self._fanout)
            else:
                self._resume(port, request.after, client_packets.given(request.ref))

    def _resume(self, port: LinkPort, after: int, ref: str | None) -> None:
        """Catch a paused session up from the id that its browser has."""
        if port.is_pause_due:
            port.is_pause_due = False  # the pause was put off until READY, so nothing was missed
        elif port.resume(after):
            self._host.want(port)
        else:
            return
        port.send(self._fanout, server_packets.format(server_packets.Resume(ref)))
        self._host.wake()

    def proceed(self, port: LinkPort) -> None:
        """Go on with the packets that a session sent while it was busy or behind."""
        self._look_at_share(port)
        while (body := port.next_kept()) is not None:
            self._receive_for(port, body)

    def begin_turn(self) -> None:
        """A link has no share: its sessions have."""

    def go_on(self) -> None:
        """Begin new shares for the sessions that used theirs up, and go on with what they sent."""
        deferred, self._deferred = self._deferred, {}
        for port in deferred:
            self.proceed(port)

    def is_waiting(self) -> bool:
        return self._is_closed or self.is_behind or self.connection.is_congested

    def broken(self, text: str) -> None:
        self.end(server_packets.Bye("protocol", text))

    def lost(self) -> None:
        self.end(None)

    def drop(self, reason: ByeReason, text: str) -> None:
        self.end(server_packets.Bye(reason, text))

    def end(self, bye: server_packets.Bye | None) -> None:
        """End the link and all its sessions, uncleanly, with a last packet for the bridge."""
        if self._is_closed:
            return
        self._is_closed = True
        for port in self.ports:
            self._host.end_session(port.session)
        self._host.closed(self)
        for room in self._listeners:
            self._fanout.unsubscribe(self.connection, room)
        self._listeners.clear()
        if bye is not None:
            self._send(bye)
        self._fanout.flush()
        self.connection.close()

    def congested(self) -> None:
        self.connection.stop_reading()
        self._host.congested(self)

    def relieved(self) -> None:
        self._host.relieved(self)
        self.connection.proceed()

    # What is sent to the bridge

    @property
    def ports(self) -> list[LinkPort]:
        return list(self._ports.values())

    @property
    def rooms(self) -> list[Room]:
        """The rooms that the link hears: each once, however many sessions hear it."""
        return list(self._listeners)

    def hears(self, room: Room) -> bool:
        return room in self._listeners

    def subscribe(self, fanout: Fanout[Outlet], room: Room) -> None:
        count = self._listeners.get(room, 0)
        self._listeners[room] = count + 1
        if not count and not self.is_behind:
            fanout.subscribe(self.connection, room)

    def unsubscribe(self, fanout: Fanout[Outlet], room: Room) -> None:
        if room not in self._listeners:
            return  # the link has closed
        count = self._listeners[room] - 1
        if count:
            self._listeners[room] = count
            return
        del self._listeners[room]
        if not self.is_behind:
            fanout.unsubscribe(self.connection, room)

    def lag(self, fanout: Fanout[Outlet], after: int) -> None:
        """Hear no more rooms: the connection takes no more bytes, and everything up to an id was sent."""
        if self.is_behind:
            return
        for room in self._listeners:
            fanout.unsubscribe(self.connection, room)
        self.is_behind, self.after = True, after

    def to_catch_up(self) -> Sequence[Link | LinkPort]:
        """Return the link if it is behind, or else its sessions that are: they can be caught up now."""
        if self.is_behind:
            return [self]
        return [port for port in self._ports.values() if port.pace is Pace.BEHIND]

    def come_up(self) -> list[Output]:
        """Hear the rooms again: the replay is complete. Return the outputs that waited for this alone."""
        self.is_behind = False
        for room in self._listeners:
            self._fanout.subscribe(self.connection, room)
        return [output for port in self.ports if not port.is_behind for output in port.take_postponed()]

    def proceed_all(self) -> None:
        """Go on with all that waited for the link."""
        for port in self.ports:
            self.proceed(port)
        self.connection.proceed()

    def forget(self, port: LinkPort) -> None:
        """Drop a session that ended."""
        port.inbox.clear()
        self._deferred.pop(port, None)
        self._ports.pop(port.number, None)

    def _send(self, packet: server_packets.ServerPacket) -> None:
        self._fanout.send(self.connection, encode(server_packets.format(packet)))
        self._host.wake()

    def _refuse(self, refusal: client_packets.Refusal) -> None:
        self._send(server_packets.Error(refusal.code, refusal.text, refusal.ref))


class _Numbers:
    """The set of numbers that were used; small as long as the numbers come nearly in order."""

    def __init__(self) -> None:
        self._through = 0  # all numbers up to this one
        self._above: set[int] = set()

    def __contains__(self, number: int) -> bool:
        return number <= self._through or number in self._above

    def add(self, number: int) -> None:
        self._above.add(number)
        while self._through + 1 in self._above:
            self._through += 1
            self._above.remove(self._through)
