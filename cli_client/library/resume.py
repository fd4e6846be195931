"""One user's conversation with the server, over as many connections as it takes (PROTOCOL.md sections 3–5).

Pure: bodies and the time go in, outputs come out; no socket, no clock, no await. It owns the token, the
resume cursor, the outbox and the rule which message has been seen, so that nothing is lost and nothing comes
twice.

The owner calls `connected`, then `received` with each body, `ended` when the connection is gone, and `wake`
at `wake_at()`; it applies every output in order.
"""

import enum
from collections import deque
from collections.abc import Iterable, Iterator

import msgspec
from msgspec import UNSET

from cli_client.library.events import Failed, Held, Live, Refused, Sent
from cli_client.library.memory import Memory, Secrets
from cli_client.library.outbox import Outbox
from cli_client.library.outputs import Answered, Hangup, Happened, Output, Write
from tcp_server.protocol import client_packets, server_packets
from tcp_server.protocol.names import fold
from tcp_server.protocol.server_packets import AnyPacket

OPENING_SECONDS = 15.0  # from connecting to READY
PING_SECONDS = 25.0  # of silence; less than the server's 30: a quiet link costs one exchange, not two
DEAD_SECONDS = 50.0  # of silence although pinged: a dead link is noticed within a minute
SEEN_MAX = 4096  # ids remembered beside the cursor; only the answer to a resend comes out of order
PEERS_MAX = 200

format_request = msgspec.json.Encoder().encode


class Phase(enum.Enum):
    AWAY = "away"  # no connection
    OPENING = "opening"  # waiting for HELLO
    NAMING = "naming"  # NICK was sent
    CATCHING_UP = "catching up"  # READY has come, what was missed is coming
    LIVE = "live"


class Conversation:
    """Where one user stands with the server."""

    def __init__(
        self,
        nickname: str,
        rooms: Iterable[str] = (),
        *,
        program: str = "wordpacket-client",
        passwords: Secrets | None = None,
        outbox: Outbox | None = None,
    ) -> None:
        self.nickname = nickname
        self.phase = Phase.AWAY
        self.limits = server_packets.Limits()
        self.server = ""
        self.motd: str | None = None
        self.outbox = outbox or Outbox()
        self.peers: dict[str, str] = {}
        self._program = program
        self._passwords = passwords or Secrets()
        self._rooms = {fold(room.removeprefix("#")): room.removeprefix("#") for room in rooms}
        self._token: str | None = None
        self._epoch: str | None = None
        self._after: int | None = None
        self._resumed = False
        self._seen: set[int] = set()
        self._seen_order: deque[int] = deque()
        self._openings = 0  # how often connected, so that each opening's refs are its own
        self._heard_at = 0.0
        self._pinged = False

    @property
    def rooms(self) -> list[str]:
        """The rooms that the user is in, or will be once it is let in."""
        return list(self._rooms.values())

    @property
    def cursor(self) -> tuple[str | None, int | None]:
        """Epoch of the log, and id of the last message that has been received from it."""
        return self._epoch, self._after

    def remember(self) -> Memory:
        """Return what has to outlive this process."""
        return Memory(
            nickname=self.nickname,
            rooms=self.rooms,
            token=self._token,
            epoch=self._epoch,
            after=self._after,
            outgoing=list(self.outbox),
            peers=list(self.peers.values()),
        )

    def restore(self, memory: Memory) -> None:
        """Take up what an earlier process remembered; rooms that were asked for this time are added."""
        self.nickname = memory.nickname
        self._rooms = {fold(room): room for room in memory.rooms} | self._rooms
        self._token, self._epoch, self._after = memory.token, memory.epoch, memory.after
        self.outbox.restore(memory.outgoing)
        self.peers = {fold(peer): peer for peer in memory.peers}

    # -- facts from the connection ---------------------------------------------------------------

    def connected(self, now: float) -> None:
        """Note that a connection stands; the server speaks first."""
        self.phase = Phase.OPENING
        self._openings += 1
        self._heard_at = now
        self._pinged = False

    def ended(self) -> None:
        """Note that the connection is gone."""
        self.phase = Phase.AWAY
        self.outbox.link_lost()

    def wake_at(self, now: float) -> float | None:
        """Return when `wake` is to be called next; None while there is no connection."""
        if self.phase is Phase.AWAY:
            return None
        if self.phase in (Phase.OPENING, Phase.NAMING):
            return self._heard_at + OPENING_SECONDS
        silent = self._heard_at + (DEAD_SECONDS if self._pinged else PING_SECONDS)
        due = self.outbox.next_due(now) if self.phase is Phase.LIVE else None
        return silent if due is None else min(silent, due)

    def wake(self, now: float) -> Iterator[Output]:
        """Do what the time asks for: a PING, giving the link up, trying a held message again."""
        silence = now - self._heard_at
        if self.phase in (Phase.OPENING, Phase.NAMING):
            if silence >= OPENING_SECONDS:
                yield Hangup("the server does not answer")
        elif self.phase is not Phase.AWAY:
            if silence >= DEAD_SECONDS:
                yield Hangup(f"the server has been silent for {DEAD_SECONDS:.0f} seconds")
                return
            if silence >= PING_SECONDS and not self._pinged:
                self._pinged = True
                yield _write(client_packets.Ping())
            yield from self.flush(now)

    def flush(self, now: float) -> Iterator[Write]:
        """Write the messages that are due, if the link is live."""
        if self.phase is Phase.LIVE:
            for entry in self.outbox.due(now):
                yield _write(entry.request())

    # -- packets from the server -----------------------------------------------------------------

    def received(self, body: bytes, now: float) -> Iterator[Output]:
        """Take one body from the server.

        Raises:
            messages.MessageError: it is no packet that this version knows; the conversation goes on.
        """
        self._heard_at = now
        self._pinged = False
        packet = server_packets.parse(body)
        match packet:
            case server_packets.Hello():
                yield from self._greeted(packet)
            case server_packets.Ping():
                yield _write(client_packets.Pong())
            case server_packets.Pong():
                yield from self._ponged(packet, body, now)
            case server_packets.Bye():
                yield Hangup(packet.message or packet.reason, packet.reason)
            case server_packets.Ready():
                yield from self._ready(packet, body)
            case server_packets.Retry() | server_packets.Error():
                yield from self._refused(packet, body, now)
            case server_packets.Msg():
                yield from self._message(packet, body, now)
            case server_packets.Gap():
                self._after = packet.id - 1
                self._forget_seen()
                yield Happened(packet, body)
            case (
                server_packets.Join()
                | server_packets.Leave()
                | server_packets.Topic()
                | server_packets.Nick()
                | server_packets.Room()
                | server_packets.Typing()
                | server_packets.Notice()
            ):
                self._follow_rooms(packet)
                yield Happened(packet, body)
                ref = getattr(packet, "ref", None)
                if ref:
                    yield Answered(ref, packet, body)
            case server_packets.Rooms() | server_packets.Users() | server_packets.History() | server_packets.Search():
                if packet.ref:
                    yield Answered(packet.ref, packet, body)
            case _:
                pass  # a bridge's packets; none of them is for a client

    def _greeted(self, hello: server_packets.Hello) -> Iterator[Output]:
        if hello.protocol != server_packets.PROTOCOL_VERSION:
            yield Hangup(f"the server speaks version {hello.protocol} of the protocol", "version")
            return
        self.limits, self.server, self.motd = hello.limits, hello.server, hello.motd
        self.phase = Phase.NAMING
        wants_password = hello.server_password and self._passwords.server_password is not None
        yield _write(
            client_packets.Nick(
                nickname=self.nickname,
                rooms=self.rooms if self._rooms else UNSET,
                client=self._program,
                password=_optional(self._passwords.password),
                server_password=_optional(self._passwords.server_password if wants_password else None),
                token=_optional(self._token),
                epoch=_optional(self._epoch if self._token else None),
                after=UNSET if self._after is None or not self._token else self._after,
                ref=self._opening_ref,
            )
        )

    def _ready(self, ready: server_packets.Ready, body: bytes) -> Iterator[Output]:
        """Take READY: the end of the opening, or, later, a new name of ours and a token for it."""
        self.nickname = ready.nickname or self.nickname
        self._token = ready.token or self._token
        if ready.rooms is not None:
            self._rooms = {fold(room): room for room in ready.rooms}
        if self.phase is not Phase.NAMING:
            self._epoch = ready.epoch or self._epoch
            yield Happened(ready, body)
            if ready.ref:
                yield Answered(ready.ref, ready, body)
            return
        self.phase = Phase.CATCHING_UP
        self._resumed = bool(ready.resumed)
        yield Happened(ready, body)
        yield from self._place_cursor(ready)
        yield _write(client_packets.Ping(ref=self._opening_ref))

    def _place_cursor(self, ready: server_packets.Ready) -> Iterator[Output]:
        """Say where this connection takes up the log.

        READY's id comes before the replay, so it is the cursor only when nothing was resumed. Then whatever
        came since our last message is missed, and a GAP says so, as the server would.
        """
        same_log = self._epoch is None or self._epoch == ready.epoch
        before, self._epoch = self._after, ready.epoch
        if self._resumed:
            if not same_log:
                self._after = 0  # a GAP follows, and puts it right
            return
        self._after = ready.id or 0
        if before is None:
            return
        self._forget_seen()
        if same_log:
            for entry in self.outbox.disown():
                yield Happened(Failed(entry))
        if not same_log or before != self._after:
            yield Happened(server_packets.Gap(after=before if same_log else 0, id=self._after + 1))

    def _ponged(self, pong: server_packets.Pong, body: bytes, now: float) -> Iterator[Output]:
        if pong.id is not None and self._after is not None:
            self._after = max(self._after, pong.id)
        if self.phase is Phase.CATCHING_UP and pong.ref == self._opening_ref:
            self.phase = Phase.LIVE
            yield Happened(Live(self._resumed))
            yield from self.flush(now)
        elif pong.ref:
            yield Answered(pong.ref, pong, body)

    def _refused(
        self, packet: server_packets.Retry | server_packets.Error, body: bytes, now: float
    ) -> Iterator[Output]:
        reason = packet.reason if isinstance(packet, server_packets.Retry) else packet.code
        if self.phase is Phase.NAMING:
            yield Happened(Refused(self.nickname, reason, packet.message), body)
            yield Hangup(packet.message, reason)
            return
        entry = self.outbox.refused(packet.ref, reason, packet.message, now)
        if entry is not None:
            yield Happened(Held(entry) if entry.state is entry.state.PENDING else Failed(entry), body)
            yield from self.flush(now)
        elif packet.ref:
            yield Answered(packet.ref, packet, body)
        elif isinstance(packet, server_packets.Error):
            yield Happened(packet, body)

    def _message(self, message: server_packets.Msg, body: bytes, now: float) -> Iterator[Output]:
        """Take a MSG: a new one, one that we have, or the echo of ours, which may be either."""
        entry = self.outbox.acknowledged(message.ref)
        is_next = self._after is None or message.id > self._after
        if is_next:
            self._after = message.id
        if is_next or (entry is not None and message.id not in self._seen):
            self._note_seen(message.id)
            self._note_peer(message)
            yield Happened(message, body)
        if entry is not None:
            yield Happened(Sent(entry, message))
            yield from self.flush(now)

    # -- bookkeeping -----------------------------------------------------------------------------

    @property
    def _opening_ref(self) -> str:
        return f"opening-{self._openings}"

    def _note_seen(self, message_id: int) -> None:
        self._seen.add(message_id)
        self._seen_order.append(message_id)
        if len(self._seen_order) > SEEN_MAX:
            self._seen.discard(self._seen_order.popleft())

    def _forget_seen(self) -> None:
        self._seen.clear()
        self._seen_order.clear()

    def _note_peer(self, message: server_packets.Msg) -> None:
        if message.to is None:
            return
        peer = message.to if self.is_me(message.nickname) else message.nickname
        self.peers.pop(fold(peer), None)
        self.peers[fold(peer)] = peer
        if len(self.peers) > PEERS_MAX:
            del self.peers[next(iter(self.peers))]

    def is_me(self, nickname: str) -> bool:
        """Say whether this nickname is ours."""
        return fold(nickname) == fold(self.nickname)

    def _follow_rooms(self, packet: AnyPacket) -> None:
        """Keep the list of rooms that the next NICK will ask for."""
        match packet:
            case server_packets.Join() if self.is_me(packet.nickname):
                self._rooms[fold(packet.room)] = packet.room
            case server_packets.Room() if packet.id is not None:
                self._rooms[fold(packet.room)] = packet.room
            case server_packets.Leave(reason="left" | "kicked") if self.is_me(packet.nickname):
                self._rooms.pop(fold(packet.room), None)  # who quits comes back to the same rooms


def _write(request: client_packets.Request) -> Write:
    return Write(format_request(request))


def _optional(value: str | None) -> str | msgspec.UnsetType:
    return UNSET if value is None else value
