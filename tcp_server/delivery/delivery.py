"""Delivery: a tick's outputs, in order, to the ports; and the one way to catch up whoever is behind.

A tick, which `Server.wake` began, ends here in `Delivery.deliver`, with one write per connection. Before that
the log gave the drafts their ids and read what those who are behind missed, up to the same id, in the same
thread: so a replay joins the live packets without a hole and without a repeat.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias, assert_never

from tcp_server.chat.hub import Hub, describe, room_state
from tcp_server.chat.state import (  # fmt: skip
    Broadcast,
    Draft,
    End,
    GoLive,
    Murmur,
    Output,
    Read,
    Room,
    Send,
    SendNewest,
    Subscribe,
    Unsubscribe,
)
from tcp_server.delivery.fanout import Fanout
from tcp_server.delivery.link import Link
from tcp_server.delivery.port import PAGE_FIRST, LinkPort, Pace, Port
from tcp_server.log.log import Logged, LogUnavailable, Outcome, wire_body
from tcp_server.log.readings import LinkReplay, Reader, Readings, Replay
from tcp_server.protocol import server_packets
from tcp_server.wordpacket import encode

logger = logging.getLogger(__name__)

PAGE = 256  # messages of a replay that are read at once, at most
PAGE_BYTES = 128 * 1024  # that a page should have, judged by the one before it
CATCH_UPS_MAX = 16  # ports that are read for in one tick, so that a crowd that comes back holds up no commit


@dataclass(slots=True)
class CatchUp:
    """A port that is behind, and how to read what it missed."""

    port: Port
    after: int  # where the port stood; if it stands elsewhere by then, the replay is not for it
    rooms: tuple[Room, ...]
    read: Callable[[Readings], Replay]


@dataclass(slots=True)
class LinkCatchUp:
    link: Link
    read: Callable[[Readings], LinkReplay]


AnyCatchUp: TypeAlias = CatchUp | LinkCatchUp
Caught: TypeAlias = tuple[AnyCatchUp, Replay | LinkReplay]


class Delivery:
    """Applies outputs. It owns who hears what *now*; the hub is ahead of it by the tick that is gathering."""

    def __init__(
        self,
        hub: Hub,
        fanout: Fanout,
        read: Callable[[Read], None],
        proceed: Callable[[Port], None],
        wake: Callable[[], None],
    ) -> None:
        self._hub = hub
        self._fanout = fanout
        self._read = read  # starts a reading of the log
        self._proceed = proceed  # the session's next packet may be acted on
        self._wake = wake  # a tick is to end soon
        self._wanting: dict[Port | Link, None] = {}  # who is behind and can take a page
        self._first: dict[Port, GoLive] = {}  # whose first page follows the rules of a resume

    # A tick's end

    def deliver(self, outputs: Sequence[Output], outcomes: Sequence[Outcome], caught: Sequence[Caught]) -> None:
        """Apply outputs, with an outcome for each draft, then replays; and write."""
        self._apply(outputs, iter(outcomes))
        for catch_up, replay in caught:
            if isinstance(catch_up, CatchUp) and isinstance(replay, Replay):
                self._catch_up_port(catch_up, replay)
            elif isinstance(catch_up, LinkCatchUp) and isinstance(replay, LinkReplay):
                self._catch_up_link(catch_up.link, replay)
        self._fanout.flush()

    def refuse(self, outputs: Sequence[Output], error: LogUnavailable) -> None:
        """Apply outputs whose drafts could not be stored: their senders are told, nobody else."""
        text = f"message: can't be stored now ({error}); try again later"
        refused: list[Output] = []
        for output in outputs:
            if isinstance(output, Draft):
                body = server_packets.format(server_packets.Error("log_unavailable", text, output.ref))
                refused.append(Send(output.session, body))
            else:
                refused.append(output)
        self.deliver(refused, (), ())

    def send_all(self, connections: Sequence[object], body: bytes) -> None:
        """Send one body to every connection; on a link to every session."""
        packet = encode(body)
        for connection in connections:
            self._fanout.send(connection, packet)  # type: ignore[arg-type]
        self._fanout.flush()

    def _apply(self, outputs: Iterable[Output], outcomes: Iterator[Outcome]) -> None:
        """Apply outputs in order; one that can't be delivered is a bug of ours, and takes no other with it."""
        rest = iter(outputs)
        while True:
            try:
                self._apply_all(rest, outcomes)
                return
            except Exception:
                logger.exception("an output could not be delivered")

    def _apply_all(self, outputs: Iterator[Output], outcomes: Iterator[Outcome]) -> None:
        for output in outputs:
            match output:
                case Draft():
                    self._deliver_draft(output, next(outcomes))
                case Broadcast(room, body, answered):
                    room.told += 1
                    self._fanout.broadcast(room, encode(body))
                    for session in answered:
                        if session.port.is_behind:
                            self._hold(session.port, Send(session, body))
                case Send(session, body):
                    self._send(session.port, output, body)
                case SendNewest(session, body, room):
                    newest = self._hub.newest if room is None else room.newest
                    self._send(session.port, output, b'%b,"id":%d}' % (body[:-1], newest))
                case Subscribe() | Unsubscribe():
                    self._change_rooms(output)
                case GoLive():
                    self._go_live(output)
                case Read():
                    self._read(output)
                case End(session, body):
                    self._first.pop(session.port, None)
                    if session.port.pace is not Pace.CLOSED:
                        session.port.close(self._fanout, body)
                case _:
                    assert_never(output)

    def _deliver_draft(self, draft: Draft, outcome: Outcome) -> None:
        if isinstance(outcome, int):
            self._hub.newest = outcome
            packet = wire_body(outcome, draft.rest)
            if draft.room is not None:
                draft.room.newest = outcome
                self._fanout.broadcast(draft.room, encode(packet))
            else:
                self._send_direct(draft, packet)
        elif isinstance(outcome, Logged):
            self._apply([Send(draft.session, outcome.body)], iter(()))
        elif draft.refusal is not None:
            code, text = draft.refusal
            self._apply(
                [Send(draft.session, server_packets.format(server_packets.Error(code, text, draft.ref)))], iter(())
            )

    def _send_direct(self, draft: Draft, body: bytes) -> None:
        users = {draft.sender: None, draft.peer: None}
        for user in users:
            for session in user.sessions if user is not None else ():
                port: Port = session.port
                if port.pace is Pace.LIVE and not port.is_behind:
                    port.send(self._fanout, body)

    def _send(self, port: Port, output: Output, body: bytes) -> None:
        if port.pace is Pace.CLOSED:
            return
        if not port.is_behind:
            port.send(self._fanout, body)
        elif not isinstance(output, Murmur):
            self._hold(port, output)

    def _hold(self, port: Port, output: Output) -> None:
        if isinstance(port, LinkPort) and port.link.is_behind:
            port.link.held.append(output)
        else:
            port.hold(output)

    def _change_rooms(self, output: Subscribe | Unsubscribe) -> None:
        port: Port = output.session.port
        if isinstance(port, LinkPort) and port.link.is_behind:
            if port.pace is Pace.OPENING:
                port.link.held.append(output)
            elif port.pace is Pace.LIVE:
                port.link.leaving.append(port)
                port.pace, port.after = Pace.BEHIND, port.link.after
        elif port.pace is Pace.LIVE or port.pace is Pace.OPENING:
            if isinstance(output, Subscribe):
                port.subscribe(self._fanout, output.room)
            else:
                port.unsubscribe(self._fanout, output.room)

    def _go_live(self, output: GoLive) -> None:
        port: Port = output.session.port
        if port.pace is not Pace.OPENING:
            return
        if isinstance(port, LinkPort) and port.link.is_behind:
            port.link.held.append(output)
        elif output.after is None:
            port.pace = Pace.LIVE
        else:
            rooms = output.session.user.rooms if output.session.user else []
            port.pace, port.after = Pace.BEHIND, output.after
            port.told = {room: room.told for room in rooms}
            self._first[port] = output
            self.want(port)
        if isinstance(port, LinkPort) and port.is_pause_due:
            port.is_pause_due = False
            port.pause(self._fanout)

    # Being behind

    def fall_behind(self, port: Port) -> None:
        """Send a live port nothing more until it was caught up: its connection takes no more."""
        if port.pace is Pace.LIVE:
            port.fall_behind(self._fanout, self._hub.newest)
            port.connection.stop_reading()

    def want(self, end: Port | Link) -> None:
        """Read a page for this port or link, which is behind, with the next tick."""
        self._wanting[end] = None
        self._wake()

    def take_catch_ups(self) -> list[AnyCatchUp]:
        """Return what the log is to read with this tick's drafts."""
        catch_ups: list[AnyCatchUp] = []
        while self._wanting and len(catch_ups) < CATCH_UPS_MAX:
            end = next(iter(self._wanting))
            del self._wanting[end]
            if end.connection.is_congested:
                continue  # it will be wanted when it is relieved
            if isinstance(end, Link):
                read = partial(Readings.missed_by_link, after=end.after, limit=PAGE)
                catch_ups.append(LinkCatchUp(end, read))
            elif end.pace is Pace.BEHIND and not (isinstance(end, LinkPort) and end.link.is_behind):
                catch_ups.append(self._catch_up(end))
        return catch_ups

    def _catch_up(self, port: Port) -> CatchUp:
        user = port.session.user
        if user is None:
            raise AssertionError("only a session after READY can be behind")
        rooms = tuple(user.rooms)
        reader = Reader(user.uid, tuple(room.key for room in rooms))
        limit = min(PAGE, port.page)
        first = self._first.get(port)
        if first is None or first.after != port.after:
            read = partial(Readings.missed, reader=reader, after=port.after, limit=limit)
        elif first.foreign:
            read = partial(Readings.newest, reader=reader)
        else:
            read = partial(Readings.missed_of_late, reader=reader, after=port.after, limit=limit)
        return CatchUp(port, port.after, rooms, read)

    def _catch_up_port(self, catch_up: CatchUp, replay: Replay) -> None:
        port, rooms = catch_up.port, catch_up.rooms
        if port.pace is not Pace.BEHIND or port.after != catch_up.after:
            return  # it ended or was paused meanwhile
        if isinstance(port, LinkPort) and port.link.is_behind:
            return  # its link has to come up first
        for body in replay.bodies:
            port.send(self._fanout, body)
        port.after = replay.after
        if replay.bodies:
            port.page = max(PAGE_FIRST, PAGE_BYTES * len(replay.bodies) // sum(map(len, replay.bodies)))
        if not replay.complete:
            self.want(port)
            return
        port.pace = Pace.LIVE
        for room in rooms:
            port.subscribe(self._fanout, room)
        told, port.told = port.told, None
        skipped = [room for room in rooms if told is None or told.get(room) != room.told]
        held, port.held = port.held or [], None
        self._apply([room_state(port.session, room) for room in skipped] + list(map(_renewed, held)), iter(()))
        if self._first.pop(port, None) is not None:
            port.session.busy = False
        self._proceed(port)

    def _catch_up_link(self, link: Link, replay: LinkReplay) -> None:
        leaving, link.leaving = link.leaving, []
        for port in leaving:
            port.fall_behind(self._fanout, port.after)
        for key, uids, body in replay.entries:
            if key is None:
                self._send_direct_on(link, uids, body)
            elif link.hears(self._hub.directory.rooms[key]):
                self._fanout.send(link.connection, encode(body))
        link.after = replay.after
        if not replay.complete:
            self.want(link)
            return
        link.come_up()
        for room in link.rooms:
            body = b'%b,"id":%d}' % (server_packets.format(describe(room))[:-1], room.newest)
            self._fanout.send(link.connection, encode(body))
        held, link.held = link.held, []
        self._apply(map(_renewed, held), iter(()))
        for port in link.ports:
            if port.pace is Pace.BEHIND:
                self.want(port)
        link.connection.proceed()

    def _send_direct_on(self, link: Link, uids: tuple[int, int], body: bytes) -> None:
        for uid in set(uids):
            user = self._hub.directory.users_by_uid.get(uid)
            for session in user.sessions if user is not None else ():
                port: Port = session.port
                if port.connection is link.connection and port.pace is Pace.LIVE:
                    port.send(self._fanout, body)


def _renewed(held: Output) -> Output:
    """Return a direct answer that waited; a ROOM as the room is now, for who came since was not told of then."""
    if isinstance(held, SendNewest) and held.room is not None:
        return room_state(held.session, held.room, held.ref)
    return held
