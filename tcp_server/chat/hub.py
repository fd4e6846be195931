"""The hub: the chat's one door. Packets and facts go in, outputs come out (PROTOCOL.md sections 3–5).

Rule 1: no I/O, no await, no clock, nothing random, no setting that could differ between two machines. Time is an
argument, ids come from the log, and `front` has checked what comes in.
Rule 2: outputs are a list in the order in which everybody must see them; take it with `take_outputs`.
What a packet may do in which phase is in `actions`, with what it does; what actions share is in `steps`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tcp_server.chat.actions import ALLOWED
from tcp_server.chat.directory import Directory
from tcp_server.chat.outputs import Send
from tcp_server.chat.phases import REFUSALS, Phase
from tcp_server.chat.state import Moment, Room, Session
from tcp_server.chat.steps import OPENING_SECONDS, REFUSALS_MAX, ChatSettings, Steps
from tcp_server.protocol import server_packets
from tcp_server.protocol.client_packets import ClientPacket, Refusal, given
from tcp_server.protocol.names import Nickname
from tcp_server.protocol.server_packets import ByeReason


class Hub:
    """Users, sessions and rooms: the `Inlet` of a chat on one machine.

    After calling any of the inlet's methods:
    - you must take the outputs and apply them in order;
    - you must store what `directory.take_changes` returns, with the drafts of the same outputs, or give it back.
    """

    def __init__(self, settings: ChatSettings, rooms: Iterable[Room] = ()) -> None:
        self._steps = Steps(settings, rooms, ALLOWED)
        self.take_outputs = self._steps.take_outputs

    @property
    def directory(self) -> Directory:
        """The users and rooms."""
        return self._steps.directory

    def restore(self, uid: int, nickname: Nickname, rooms: Iterable[str], now: Moment) -> None:
        """Put a user that was present when the server ended into grace."""
        user = self.directory.add_user(uid, nickname)
        self._steps.hold(user, now)
        for key in rooms:
            self.directory.enter(user, self.directory.rooms[key])

    # The inlet

    def connected(self, port: Any, hello: bytes, now: Moment) -> Session:
        session = Session(port)
        self._steps.begin(session, now)
        self._steps.put(Send(session, hello))
        return session

    def linked(self, session: Session, ref: str | None) -> None:
        self._steps.turn_into_link(session)
        self._steps.send(session, server_packets.Ready(link=True, ref=ref))

    def received(self, session: Session, packet: ClientPacket, now: Moment) -> None:
        action = session.allowed.get(type(packet))
        if action is not None:
            action(self._steps, session, packet, now)
        elif session.phase is not Phase.ENDED:
            code, text = REFUSALS[session.phase]
            kind = type(packet).__struct_config__.tag
            self._steps.error(session, code, f"{kind} {text}", given(packet.ref))

    def refused(self, session: Session, refusal: Refusal) -> bool:
        if session.phase is Phase.ENDED:
            return False
        self._steps.error(session, refusal.code, refusal.text, refusal.ref)
        if refusal.code == "too_many":  # rooms of a NICK
            self._steps.count_refusal(session)
        session.bad_packets += refusal.code == "bad_packet"
        return session.bad_packets >= REFUSALS_MAX

    def answered(self, session: Session, body: bytes) -> None:
        session.busy = False
        if session.phase is not Phase.ENDED:
            self._steps.put(Send(session, body))

    def close(self, session: Session, reason: ByeReason | None, message: str = "") -> None:
        if session.phase is Phase.ENDED:
            return
        if reason is None:
            self._steps.finish(session, b"")
        else:
            self._steps.close(session, reason, message)

    def hold(self, session: Session, now: Moment) -> None:
        user = session.user
        if user is not None and session in user.sessions:
            user.sessions.remove(session)
            if not user.sessions:
                self._steps.hold(user, now)

    def run_timers(self, now: Moment) -> None:
        for session in self._steps.unopened(now):
            self.close(session, "timeout", f"no READY within {OPENING_SECONDS:.0f} seconds")
        self._steps.send_counts(now)

    def expire(self, now: Moment) -> None:
        for user in self._steps.expired(now):
            self._steps.depart(user, "timeout", None, now)

    def next_due(self) -> float | None:
        return self._steps.next_due()
