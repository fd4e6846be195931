"""The messages that the user wrote and the server has not acknowledged yet.

Pure: no socket, no clock, no randomness; `now` is any monotonic number of seconds. A message stays here until its
echo, which comes only once the message is in the server's log (PROTOCOL.md section 5). Each time it is sent, it has
the same `ref`: the server logs a (uid, ref) pair once.
"""

import enum
from collections.abc import Callable, Iterable, Iterator

import msgspec
from msgspec import UNSET

from cli_client.library.codes import is_held
from cli_client.library.targets import optional
from tcp_server.protocol import client_packets
from tcp_server.protocol.names import Nickname, RoomName

# Messages that wait for their echo at a time: after a cut there is little to send again. With the requests of `asking`,
# a PING and a TYPING they are the 64 packets that a client may have unanswered (PROTOCOL.md section 6).
WINDOW_MAX = 48
POSTPONE_MIN_SECONDS = 1.0  # until a message that the server can't take now is sent again; doubles
POSTPONE_MAX_SECONDS = 30.0
UNSURE = "unsure"  # the code of a message that the server may have logged under our earlier, forgotten uid


def bounded(retry_after: float) -> float:
    """Return how long to wait where the server says so, within reason."""
    return min(max(retry_after, 0.0), POSTPONE_MAX_SECONDS)


class OutgoingState(enum.Enum):
    """Where a message is on its way: PENDING -> SENT or FAILED, and from FAILED by hand to PENDING."""

    PENDING = "pending"
    SENT = "sent"
    FAILED = "failed"


class Outgoing(msgspec.Struct, eq=False, omit_defaults=True, weakref=True):
    """One message on its way. Its fields are for reading; the outbox alone changes them."""

    ref: str
    message: str
    room: str | None = None
    to: str | None = None
    action: bool = False
    state: OutgoingState = OutgoingState.PENDING
    code: str = ""  # of the ERROR that refused it; `reason` is the ERROR's text
    reason: str = ""
    tried: bool = False  # written to a connection at least once, so that the log may have it

    def request(self) -> client_packets.Msg:
        """Return the MSG that carries it."""
        return client_packets.Msg(
            message=self.message,
            room=optional(None if self.room is None else RoomName(self.room)),
            to=optional(None if self.to is None else Nickname(self.to)),
            action=True if self.action else UNSET,
            ref=self.ref,
        )


class Outbox:
    """Messages in the order in which they were written; `new_ref` makes a `ref` that nobody used before.

    Call `due` whenever the connection is live and something has changed, write the messages that it returns, and call
    it again at `next_due`.
    """

    def __init__(self, new_ref: Callable[[], str]) -> None:
        self._new_ref = new_ref
        self._entries: dict[str, Outgoing] = {}
        self._failed = 0  # the number of entries that are FAILED
        self._flying: set[str] = set()  # refs written to the present connection and not answered
        self._window = WINDOW_MAX
        self._postpone_seconds = POSTPONE_MIN_SECONDS
        self._postponed_until = float("-inf")

    def __iter__(self) -> Iterator[Outgoing]:
        """Yield the pending and failed messages, oldest first."""
        return iter(tuple(self._entries.values()))

    @property
    def pending(self) -> int:
        """The number of messages that were neither acknowledged nor refused."""
        return len(self._entries) - self._failed

    def add(self, message: str, *, room: str | None = None, to: str | None = None, action: bool = False) -> Outgoing:
        """Append a message to a room or, with `to`, to a person."""
        if (room is None) == (to is None):
            raise ValueError("a message goes to a room or to a person")
        entry = Outgoing(self._new_ref(), message, room, to, action)
        self._entries[entry.ref] = entry
        return entry

    def restore(self, entries: Iterable[Outgoing]) -> None:
        """Take over the messages that no earlier run of the program got acknowledged."""
        self._entries = {entry.ref: entry for entry in entries} | self._entries
        self._failed = sum(entry.state is OutgoingState.FAILED for entry in self)

    def due(self, now: float) -> list[Outgoing]:
        """Return the messages to write now. From here on they are flying: due again once the connection is lost."""
        if now < self._postponed_until:
            return []
        found = []
        for entry in self._entries.values():
            if len(self._flying) >= self._window:
                break
            if entry.state is OutgoingState.PENDING and entry.ref not in self._flying:
                self._flying.add(entry.ref)
                entry.tried = True
                found.append(entry)
        return found

    @property
    def is_flying(self) -> bool:
        """Whether a message waits for its echo."""
        return bool(self._flying)

    def next_due(self, now: float) -> float | None:
        """Return when postponed messages are due again; None if there are none."""
        return self._postponed_until if now < self._postponed_until and self.pending else None

    def acknowledged(self, ref: str | None) -> Outgoing | None:
        """Remove the message with this ref, which is in the log; return None if there is no such message."""
        entry = self._entries.pop(ref, None) if ref else None
        if entry is None:
            return None
        self._flying.discard(entry.ref)
        self._failed -= entry.state is OutgoingState.FAILED
        entry.state, entry.code, entry.reason = OutgoingState.SENT, "", ""
        self._window = min(2 * self._window, WINDOW_MAX)
        self._postpone_seconds = POSTPONE_MIN_SECONDS
        return entry

    def refused(
        self, ref: str | None, code: str, reason: str, now: float, retry_after: float | None = None
    ) -> Outgoing | None:
        """Note the server's ERROR for a message: it is FAILED or, if the message itself is fine, still PENDING.

        Order is kept as well as it can be: after a refusal that will pass, messages go one by one, the refused one
        first, and only an acknowledgement opens the window again.

        Args:
            retry_after: the seconds that the server wants us to wait; None: it didn't say.
        """
        entry = self._entries.get(ref) if ref else None
        if entry is None:
            return None
        self._flying.discard(entry.ref)
        entry.code, entry.reason = code, reason
        if not is_held(code):
            self._failed += entry.state is not OutgoingState.FAILED
            entry.state = OutgoingState.FAILED
            return entry
        self._window = 1
        if now >= self._postponed_until:  # refusals of the other flying messages don't count again
            self._postponed_until = now + (self._postpone_seconds if retry_after is None else bounded(retry_after))
            self._postpone_seconds = min(2 * self._postpone_seconds, POSTPONE_MAX_SECONDS)
        return entry

    def connection_lost(self) -> None:
        """Note that every message that was written and not answered has to be written again."""
        self._flying.clear()
        self._postponed_until = float("-inf")

    def disown(self) -> list[Outgoing]:
        """Fail the messages that were tried under an identity that the server has forgotten.

        Sent again, they might be logged twice.
        """
        failed = []
        for entry in self._entries.values():
            if entry.tried and entry.state is OutgoingState.PENDING:
                self._failed += 1
                entry.state, entry.code = OutgoingState.FAILED, UNSURE
                entry.reason = "it may have been sent before: the server has forgotten this user"
                failed.append(entry)
        return failed

    def retry(self, entry: Outgoing) -> None:
        """Make a failed message pending again, at its old place."""
        if entry.ref in self._entries and entry.state is OutgoingState.FAILED:
            self._failed -= 1
            entry.state, entry.code, entry.reason = OutgoingState.PENDING, "", ""

    def discard(self, entry: Outgoing) -> None:
        """Forget a failed message."""
        if entry.ref in self._entries and entry.state is OutgoingState.FAILED:
            self._failed -= 1
            del self._entries[entry.ref]
