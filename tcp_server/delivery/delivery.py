"""Delivery: a tick's outputs, in order, to the ports, and one write per connection.

A tick, which `Server.wake` began, ends here in `Delivery.deliver`, after the log gave the drafts their ids.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from typing import assert_never

from tcp_server.chat.outputs import (
    AskLog,
    Broadcast,
    Draft,
    End,
    GoLive,
    Murmur,
    Output,
    Send,
    SendNewest,
    StartHearing,
    StopHearing,
)
from tcp_server.delivery.answers import Answers
from tcp_server.delivery.fanout import Fanout
from tcp_server.delivery.pace import Pace, PaceEvent
from tcp_server.delivery.port import Port
from tcp_server.delivery.replays import Caught, Replays
from tcp_server.log.interface import Logged, LogUnavailable, Outcome
from tcp_server.net.outlet import Outlet
from tcp_server.protocol import server_packets
from tcp_server.protocol.entries import entry_body
from tcp_server.wordpacket import encode

logger = logging.getLogger(__name__)


class Delivery:
    """Applies outputs: which session hears which room *now* is decided here. The hub is a tick ahead.

    Attributes:
        newest: the newest id that was sent.
    """

    def __init__(self, fanout: Fanout[Outlet], replays: Replays, answers: Answers, newest: int) -> None:
        self.newest = newest
        self._fanout = fanout
        self._replays = replays
        self._answers = answers

    # A tick's end

    def deliver(self, outputs: Sequence[Output], outcomes: Sequence[Outcome], caught: Sequence[Caught]) -> None:
        """Apply outputs, with an outcome for each draft, then replays; and write."""
        self._apply(outputs, iter(outcomes))
        for catch_up, replay in caught:
            following = self._replays.send(catch_up, replay)
            if following is not None:
                self._apply(following, iter(()))
                self._replays.finish(catch_up)
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

    def send_all(self, outlets: Sequence[Outlet], body: bytes) -> None:
        """Send one body on every connection; a bridge passes it on to every session of its link."""
        frame = encode(body)
        for outlet in outlets:
            self._fanout.send(outlet, frame)
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
                case Broadcast():
                    self._broadcast(output)
                case Send(session, body):
                    self._send(session.port, output, body)
                case SendNewest(session, body, room):
                    newest = self.newest if room is None else room.newest
                    self._send(session.port, output, b'%b,"id":%d}' % (body[:-1], newest))
                case StartHearing() | StopHearing():
                    output.session.port.change_rooms(self._fanout, output)
                case GoLive():
                    self._go_live(output)
                case AskLog():
                    self._answers.ask(output, self.newest)
                case End(session, body):
                    self._answers.forget(session)
                    self._replays.forget(session.port)
                    if session.port.pace is not Pace.CLOSED:
                        session.port.close(self._fanout, body)
                case _:
                    assert_never(output)

    def _broadcast(self, output: Broadcast) -> None:
        room, body, asker = output.room, output.body, output.asker
        room.told += 1
        is_apart = asker is not None and asker.port.begin_apart(self._fanout, room)
        self._fanout.broadcast(room, encode(body))
        if asker is not None and is_apart:
            asker.port.end_apart(self._fanout, room, body)
        for session in output.concerned:
            if session.port.is_behind:
                session.port.postpone(Send(session, body, session is asker))

    def _deliver_draft(self, draft: Draft, outcome: Outcome) -> None:
        if isinstance(outcome, int):
            self.newest = outcome
            body = entry_body(draft.kind, outcome, draft.rest)
            if draft.room is not None:
                draft.room.newest = outcome
                self._fanout.broadcast(draft.room, encode(body))
            else:
                self._send_direct(draft, body)
        elif isinstance(outcome, Logged):
            self._apply([Send(draft.session, outcome.body)], iter(()))
        elif draft.refusal is not None:
            code, text = draft.refusal
            body = server_packets.format(server_packets.Error(code, text, draft.ref))
            self._apply([Send(draft.session, body)], iter(()))

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
            port.postpone(output)

    def _go_live(self, output: GoLive) -> None:
        port: Port = output.session.port
        if port.pace is not Pace.OPENING:
            return
        if port.is_connection_behind:
            port.postpone(output)
            return
        oldest = self.newest
        if output.after is None:
            port.move(PaceEvent.OPENED)
        else:
            is_foreign = output.foreign or output.after > self.newest  # only now it is known how far the log is
            self._replays.begin(output.session, output.after, is_foreign)
            oldest = 0 if is_foreign else output.after
        port.opened(self._fanout, oldest)
