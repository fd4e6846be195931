"""Replays: which sessions and links are behind, and how they are sent the entries that they missed.

A connection that takes no more bytes is sent nothing more once the next tick is delivered. When it takes bytes again,
each tick has the log read a page for it, right after the tick's own entries and up to the same id: so a replay joins
the live packets without a hole and without a repeat. Sessions that come back, or that their bridge had paused, are
caught up in the same way.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from tcp_server.chat.hub import Hub
from tcp_server.chat.outputs import Output, SendNewest
from tcp_server.chat.state import Room, Session
from tcp_server.chat.steps import describe, room_state
from tcp_server.delivery.direct import DirectPort
from tcp_server.delivery.fanout import Fanout
from tcp_server.delivery.link import Link
from tcp_server.delivery.pace import Pace
from tcp_server.delivery.port import PAGE_FIRST, Port
from tcp_server.log.interface import (
    LINK_PAGE_BYTES,
    PAGE_BYTES,
    AnyReplay,
    LinkReplay,
    LinkReplayQuery,
    Replay,
    ReplayQuery,
    Span,
    Viewer,
)
from tcp_server.net.outlet import Outlet
from tcp_server.protocol import server_packets
from tcp_server.wordpacket import encode

PAGE = 256  # messages of a replay that are read at once, at most
PAGE_LEAST = 4  # that are read at once where all are as long as can be; what is more than PAGE_BYTES is read again
CATCH_UPS_MAX = 16  # ports that are read for in one tick, so that a crowd that comes back holds up no commit


@dataclass(slots=True)
class CatchUp:
    """A port that is behind, its rooms, and the query for its replay; the port stands at `query.after`."""

    end: Port
    query: ReplayQuery
    rooms: tuple[Room, ...]


@dataclass(slots=True)
class LinkCatchUp:
    """A link that is behind, and the query for its replay."""

    end: Link
    query: LinkReplayQuery


AnyCatchUp: TypeAlias = CatchUp | LinkCatchUp
Caught: TypeAlias = tuple[AnyCatchUp, AnyReplay]


class Replays:
    """Catches up ports and links.

    With each tick call `take` and give its queries to the log; call `fall_behind` before the tick's outputs are
    applied. For each replay that the log returns call `send`; if that returns outputs, apply them, then call `finish`.
    """

    def __init__(self, hub: Hub, fanout: Fanout[Outlet], wake: Callable[[], None]) -> None:
        self._hub = hub
        self._fanout = fanout
        self._wake = wake  # begins a tick
        self._congested: dict[DirectPort | Link, None] = {}  # takes no more bytes
        self._wanting: dict[Port | Link, None] = {}  # is behind, and can be sent a page
        self._returning: dict[Port, tuple[int, Span]] = {}  # came back with an id; what its first page has

    # What connections report

    def congested(self, end: DirectPort | Link) -> None:
        """The connection takes no more bytes."""
        self._congested[end] = None

    def relieved(self, end: DirectPort | Link) -> None:
        """The connection takes bytes again."""
        self._congested.pop(end, None)
        for each in end.to_catch_up():
            self.want(each)

    def forget(self, end: Port | Link) -> None:
        """The session or the link has ended."""
        if isinstance(end, DirectPort | Link):
            self._congested.pop(end, None)
        if isinstance(end, Port):
            self._returning.pop(end, None)

    # What a tick does

    def fall_behind(self, newest: int) -> None:
        """Move congested ports and links to catch-up: they have all up to `newest`, and get none of this tick."""
        for end in self._congested:
            end.lag(self._fanout, newest)

    def begin(self, session: Session, after: int, is_foreign: bool) -> None:
        """Begin the replay for a session that comes back with an id, which may be a foreign log's."""
        session.port.return_behind(after, session.user.rooms if session.user else [])
        self._returning[session.port] = after, Span.NEWEST if is_foreign else Span.RECENT
        self.want(session.port)

    def want(self, end: Port | Link) -> None:
        """Read a page for this port or link, which is behind, with the next tick."""
        self._wanting[end] = None
        self._wake()

    def take(self) -> list[AnyCatchUp]:
        """Return the catch-ups whose queries go to the log with this tick's drafts."""
        catch_ups: list[AnyCatchUp] = []
        while self._wanting and len(catch_ups) < CATCH_UPS_MAX:
            end = next(iter(self._wanting))
            del self._wanting[end]
            if end.connection.is_congested:
                continue  # `relieved` will want it again
            if isinstance(end, Link):
                catch_ups.append(LinkCatchUp(end, LinkReplayQuery(end.after, end.page)))
            elif end.pace is Pace.BEHIND and not end.is_connection_behind:
                catch_ups.append(self._catch_up(end))
        return catch_ups

    def _catch_up(self, port: Port) -> CatchUp:
        user = port.session.user
        if user is None:
            raise AssertionError("only a session after READY can be behind")
        rooms = tuple(user.rooms)
        viewer = Viewer(user.uid, tuple(room.key for room in rooms))
        after, span = self._returning.get(port, (None, Span.ALL))
        if after != port.after:
            span = Span.ALL
        return CatchUp(port, ReplayQuery(viewer, port.after, port.page, span), rooms)

    # What the log returned

    def send(self, catch_up: AnyCatchUp, replay: AnyReplay) -> list[Output] | None:
        """Send a replay; return the outputs that follow the last one, or None while there is more to come."""
        if isinstance(catch_up, CatchUp) and isinstance(replay, Replay):
            return self._send_to_port(catch_up, replay)
        if isinstance(catch_up, LinkCatchUp) and isinstance(replay, LinkReplay):
            return self._send_to_link(catch_up.end, replay)
        raise AssertionError("the log answers each query with a replay of its kind")

    def finish(self, catch_up: AnyCatchUp) -> None:
        """Go on after the last replay: with packets that waited, and with sessions that waited for their link."""
        if isinstance(catch_up, LinkCatchUp):
            for end in catch_up.end.to_catch_up():
                self.want(end)
            catch_up.end.proceed_all()
            return
        port = catch_up.end
        if self._returning.pop(port, None) is not None:
            port.session.busy = False
        port.proceed()

    def _send_to_port(self, catch_up: CatchUp, replay: Replay) -> list[Output] | None:
        port = catch_up.end
        if port.pace is not Pace.BEHIND or port.after != catch_up.query.after:
            return None  # it ended or was paused meanwhile
        if port.is_connection_behind:
            return None  # its link has to come up first
        for body in replay.bodies:
            port.send(self._fanout, body)
        port.after = replay.after
        port.page = _next_page(replay.bodies, PAGE_BYTES)
        if not replay.is_complete:
            self.want(port)
            return None
        skipped, postponed = port.catch_up(self._fanout, catch_up.rooms)
        return [*[room_state(port.session, room) for room in skipped], *map(_renewed, postponed)]

    def _send_to_link(self, link: Link, replay: LinkReplay) -> list[Output] | None:
        leaving, link.leaving = link.leaving, []
        for port in leaving:
            port.unsubscribe_all(self._fanout)
        for key, uids, body in replay.entries:
            if key is None:
                self._send_direct(link, uids, body)
            elif link.hears(self._hub.directory.rooms[key]):
                self._fanout.send(link.connection, encode(body))
        link.page = _next_page([body for _, _, body in replay.entries], LINK_PAGE_BYTES)
        link.after = replay.after
        if not replay.is_complete:
            self.want(link)
            return None
        postponed = link.come_up()
        for room in link.rooms:
            body = b'%b,"id":%d}' % (server_packets.format(describe(room))[:-1], room.newest)
            self._fanout.send(link.connection, encode(body))
        return list(map(_renewed, postponed))

    def _send_direct(self, link: Link, uids: tuple[int, int], body: bytes) -> None:
        """Send a direct message to the sessions of both users that are live on this link."""
        for uid in set(uids):
            user = self._hub.directory.users_by_uid.get(uid)
            for session in user.sessions if user is not None else ():
                port: Port = session.port
                if port.connection is link.connection and port.pace is Pace.LIVE:
                    port.send(self._fanout, body)


def _next_page(bodies: Sequence[bytes], size: int) -> int:
    """Return how many messages to read next, so that they have about this size if they are as long as the last ones."""
    if not bodies:
        return PAGE_FIRST
    return min(PAGE, max(PAGE_LEAST, size * len(bodies) // sum(map(len, bodies))))


def _renewed(output: Output) -> Output:
    """Return a postponed answer; a ROOM as the room is now, since later arrivals were not told to this session."""
    if isinstance(output, SendNewest) and output.room is not None:
        return room_state(output.session, output.room, output.ref)
    return output
