"""One user's session with the server, over as many connections as it takes (PROTOCOL.md sections 3-5).

Pure: bodies and the time go in, outputs come out; no socket, no clock, no await. It owns the token, the resume
cursor, the outbox and the rule which message was seen before, so that nothing is lost and nothing comes twice.

The owner calls `connected`, then `received` with each body, `ended` when the connection is gone, and `wake` at
`wake_at()`; it applies every output in order.
"""

import enum
from collections.abc import Iterable, Iterator

from msgspec import UNSET

from cli_client.library.codes import Then, after_bye, after_retry
from cli_client.library.events import Failed, Live, NotLetIn, Postponed, Sent, Unanswered
from cli_client.library.identity import Identity
from cli_client.library.log_place import LogPlace
from cli_client.library.memory import Memory, Secrets
from cli_client.library.outbox import Outbox, OutgoingState
from cli_client.library.outputs import Answered, Hangup, Happened, Output, Write
from cli_client.library.targets import optional
from tcp_server.protocol import client_packets, server_packets

OPENING_SECONDS = 15.0  # from connecting to READY
PING_SECONDS = 25.0  # of silence; less than the server's 30: a quiet connection costs one exchange, not two
# While an answer is expected, by seconds in which nothing at all came:
ASK_SECONDS = 2.0  # a PING asks whether the server is there
TELL_SECONDS = 5.0  # the program is told
DEAD_SECONDS = 10.0  # the connection is given up


class SessionPhase(enum.Enum):
    AWAY = "away"  # no connection
    OPENING = "opening"  # waiting for HELLO
    NAMING = "naming"  # NICK was sent
    CATCHING_UP = "catching up"  # READY has come, the missed messages are coming
    LIVE = "live"


class ResumingSession:
    """One user's session: its phase, its place in the log and its unsent messages.

    Attributes:
        identity: nickname, rooms and peers.
        limits, motd: from the server's HELLO.
    """

    def __init__(
        self,
        nickname: str,
        rooms: Iterable[str] = (),
        *,
        outbox: Outbox,
        program: str = "wordpacket-client",
        passwords: Secrets | None = None,
    ) -> None:
        self.identity = Identity(nickname, rooms)
        self.phase = SessionPhase.AWAY
        self.limits = server_packets.Limits()
        self.motd: str | None = None
        self.outbox = outbox
        self._program = program
        self._passwords = passwords or Secrets()
        self._token: str | None = None
        self._place = LogPlace()
        self._resumed = False
        self._openings = 0  # the number of connections, so that each opening's refs are its own
        self._heard_at = 0.0
        self._expects_since: float | None = None  # since when an answer is expected and nothing came
        self._pinged = False  # since then
        self._told = False

    @property
    def was_here(self) -> bool:
        """Whether the server has let this user in before, in this process or an earlier one."""
        return self._token is not None

    @property
    def cursor(self) -> tuple[str | None, int | None]:
        """The epoch of the log, and the id of the last message that was received from it."""
        return self._place.epoch, self._place.after

    def remember(self) -> Memory:
        """Return the part of the session that has to outlive this process."""
        return Memory(
            nickname=self.identity.nickname,
            rooms=self.identity.rooms,
            token=self._token,
            epoch=self._place.epoch,
            after=self._place.after,
            outgoing=list(self.outbox),
            peers=self.identity.peers,
        )

    def restore(self, memory: Memory) -> None:
        """Take up the memory of an earlier process; rooms that were asked for this time are added."""
        self.identity.restore(memory.nickname, memory.rooms, memory.peers)
        self._token = memory.token
        self._place = LogPlace(memory.epoch, memory.after)
        self.outbox.restore(memory.outgoing)

    # -- facts from the connection ---------------------------------------------------------------

    def connected(self, now: float) -> None:
        """Note that a connection was made; the server speaks first."""
        self.phase = SessionPhase.OPENING
        self._openings += 1
        self._hear(now)

    def ended(self) -> None:
        """Note that the connection is gone."""
        self.phase = SessionPhase.AWAY
        self.outbox.connection_lost()

    def wake_at(self, now: float) -> float | None:
        """Return when `wake` is to be called next; None while there is no connection."""
        if self.phase is SessionPhase.AWAY:
            return None
        if self.phase in (SessionPhase.OPENING, SessionPhase.NAMING):
            return self._heard_at + OPENING_SECONDS
        due = self.outbox.next_due(now) if self.phase is SessionPhase.LIVE else None
        return self._silent_until() if due is None else min(self._silent_until(), due)

    def _silent_until(self) -> float:
        """Return when something is to be done about the server's silence."""
        if self._expects_since is None:
            return self._heard_at + PING_SECONDS
        if not self._pinged:
            return self._expects_since + ASK_SECONDS
        return self._expects_since + (DEAD_SECONDS if self._told else min(TELL_SECONDS, DEAD_SECONDS))

    def wake(self, now: float) -> Iterator[Output]:
        """Do what is due at this time: a PING, the end of a dead connection, postponed messages."""
        if self.phase in (SessionPhase.OPENING, SessionPhase.NAMING):
            if now - self._heard_at >= OPENING_SECONDS:
                yield Hangup("the server does not answer")
        elif self.phase is not SessionPhase.AWAY:
            silence = self._silence(now)
            if silence >= DEAD_SECONDS:
                yield Hangup(f"the server has been silent for {DEAD_SECONDS:.0f} seconds")
                return
            if silence >= TELL_SECONDS and not self._told:
                self._told = True
                yield Happened(Unanswered(silence))
            if not self._pinged and (silence >= ASK_SECONDS or now - self._heard_at >= PING_SECONDS):
                yield from self._ping(now)
            yield from self.flush(now)

    def check(self, now: float) -> Iterator[Write]:
        """Ask at once whether the server is there; the earlier silence is not the server's, for we were away."""
        self._hear(now)
        if self.phase in (SessionPhase.CATCHING_UP, SessionPhase.LIVE):
            yield from self._ping(now)

    def expect(self, now: float) -> None:
        """Note that an answer is expected from now on, if it is not already."""
        if self._expects_since is None:
            self._expects_since = now

    def unanswered(self, now: float) -> float:
        """Return the seconds for which the server owes an answer and has said nothing; 0 if that is not long."""
        silence = self._silence(now) if self.phase in (SessionPhase.CATCHING_UP, SessionPhase.LIVE) else 0.0
        return silence if silence >= TELL_SECONDS else 0.0

    def flush(self, now: float) -> Iterator[Write]:
        """Write the messages that are due, if the connection is live."""
        if self.phase is SessionPhase.LIVE:
            for entry in self.outbox.due(now):
                self.expect(now)
                yield _write(entry.request())

    def _ping(self, now: float) -> Iterator[Write]:
        self._pinged = True
        self.expect(now)
        yield _write(client_packets.Ping())

    def _hear(self, now: float) -> None:
        """Begin to count the server's silence."""
        self._heard_at = now
        self._expects_since = now if self.outbox.is_flying else None
        self._pinged = self._told = False

    def _settle(self) -> None:
        """Expect no answer any more if this packet was the last one that a message waited for."""
        if not self.outbox.is_flying:
            self._expects_since = None

    def _silence(self, now: float) -> float:
        return 0.0 if self._expects_since is None else now - self._expects_since

    # -- packets from the server -----------------------------------------------------------------

    def received(self, body: bytes, now: float) -> Iterator[Output]:
        """Take one body from the server.

        Raises:
            MessageError: the body is no packet that this version knows; the session goes on.
        """
        self._hear(now)
        packet = server_packets.parse(body)
        match packet:
            case server_packets.Hello():
                yield from self._greeted(packet)
            case server_packets.Ping():
                yield _write(client_packets.Pong())
            case server_packets.Pong():
                yield from self._ponged(packet, body, now)
            case server_packets.Bye():
                then = after_bye(packet.reason)
                # Whom the server logged out everywhere comes back by hand, not by an attempt of this loop.
                yield Hangup(packet.message or packet.reason, packet.reason, Then.STOP if then is Then.ASK else then)
            case server_packets.Ready():
                yield from self._ready(packet, body)
            case server_packets.Retry() | server_packets.Error():
                yield from self._refused(packet, body, now)
            case server_packets.Msg():
                yield from self._message(packet, body, now)
            case server_packets.Gap():
                self._place.skip_to(packet.id)
                yield Happened(packet, body)
            case (
                server_packets.Join()
                | server_packets.Leave()
                | server_packets.Topic()
                | server_packets.Nick()
                | server_packets.RoomState()
                | server_packets.Typing()
                | server_packets.Notice()
            ):
                self.identity.follow(packet)
                yield Happened(packet, body)
                ref = getattr(packet, "ref", None)
                if ref:
                    yield Answered(ref, packet, body)
            case server_packets.Rooms() | server_packets.Users() | server_packets.History() | server_packets.Search():
                if packet.ref:
                    yield Answered(packet.ref, packet, body)
            case _:
                pass  # packets for a bridge

    def _greeted(self, hello: server_packets.Hello) -> Iterator[Output]:
        if hello.protocol != server_packets.PROTOCOL_VERSION:
            yield Hangup(f"the server speaks version {hello.protocol} of the protocol", "version", Then.STOP)
            return
        self.limits, self.motd = hello.limits, hello.motd
        self.phase = SessionPhase.NAMING
        wants_password = hello.server_password and self._passwords.server_password is not None
        yield _write(
            client_packets.Nick(
                nickname=self.identity.nickname,
                rooms=self.identity.rooms or UNSET,
                client=self._program,
                password=optional(self._passwords.password),
                server_password=optional(self._passwords.server_password if wants_password else None),
                token=optional(self._token),
                epoch=optional(self._place.epoch if self._token else None),
                after=optional(self._place.after if self._token else None),
                ref=self._opening_ref,
            )
        )

    def _ready(self, ready: server_packets.Ready, body: bytes) -> Iterator[Output]:
        """Take READY: the end of the opening or, later, a new name of ours with its token."""
        self.identity.admit(ready)
        self._token = ready.token or self._token
        if self.phase is not SessionPhase.NAMING:
            self._place.epoch = ready.epoch or self._place.epoch
            yield Happened(ready, body)
            if ready.ref:
                yield Answered(ready.ref, ready, body)
            return
        self.phase = SessionPhase.CATCHING_UP
        self._resumed = bool(ready.resumed)
        yield Happened(ready, body)
        yield from self._take_up_the_log(ready)
        self.expect(self._heard_at)
        yield _write(client_packets.Ping(ref=self._opening_ref))

    def _take_up_the_log(self, ready: server_packets.Ready) -> Iterator[Output]:
        """Set the place in the log at which this connection goes on; a part that we will never get is a GAP."""
        if self._resumed:
            self._place.resume(ready.epoch)
            return
        was_here = self._place.after is not None and self._place.is_in(ready.epoch)
        gap = self._place.begin(ready.epoch, ready.id or 0)
        for entry in self.outbox.disown() if was_here else ():
            yield Happened(Failed(entry))
        if gap is not None:
            yield Happened(gap)

    def _ponged(self, pong: server_packets.Pong, body: bytes, now: float) -> Iterator[Output]:
        if pong.id is not None:
            self._place.reach(pong.id)
        if self.phase is SessionPhase.CATCHING_UP and pong.ref == self._opening_ref:
            self.phase = SessionPhase.LIVE
            yield Happened(Live(self._resumed))
            yield from self.flush(now)
        elif pong.ref:
            yield Answered(pong.ref, pong, body)

    def _refused(
        self, packet: server_packets.Retry | server_packets.Error, body: bytes, now: float
    ) -> Iterator[Output]:
        reason = packet.reason if isinstance(packet, server_packets.Retry) else packet.code
        if self.phase is SessionPhase.NAMING:
            then = after_retry(reason) if isinstance(packet, server_packets.Retry) else Then.ASK
            if then is Then.ASK:
                yield Happened(NotLetIn(self.identity.nickname, reason, packet.message), body)
            yield Hangup(packet.message, reason, then)
            return
        retry_after = packet.retry_after if isinstance(packet, server_packets.Error) else None
        entry = self.outbox.refused(packet.ref, reason, packet.message, now, retry_after)
        self._settle()
        if entry is not None:
            is_pending = entry.state is OutgoingState.PENDING
            yield Happened(Postponed(entry) if is_pending else Failed(entry), body)
            yield from self.flush(now)
        elif packet.ref:
            yield Answered(packet.ref, packet, body)
        elif isinstance(packet, server_packets.Error):
            yield Happened(packet, body)

    def _message(self, message: server_packets.Msg, body: bytes, now: float) -> Iterator[Output]:
        """Take a MSG: a new one, a repetition, or the echo of ours, which may be new or a repetition."""
        entry = self.outbox.acknowledged(message.ref)
        self._settle()
        if self._place.take(message.id, is_echo=entry is not None):
            self.identity.note_peer(message)
            yield Happened(message, body)
        if entry is not None:
            yield Happened(Sent(entry, message))
            yield from self.flush(now)

    # -- bookkeeping -----------------------------------------------------------------------------

    @property
    def _opening_ref(self) -> str:
        return f"opening-{self._openings}"


def _write(request: client_packets.ClientPacket) -> Write:
    return Write(client_packets.format(request))
