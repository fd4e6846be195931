"""The messages that somebody wrote and the server has not acknowledged yet.

Pure: no socket, no clock; `now` is any monotonic number of seconds. A message stays here until its echo,
which comes only once it is in the server's log (PROTOCOL.md section 5). It is sent again with the same `ref`
as often as it takes: the server logs a (uid, ref) pair once.
"""

import enum
import secrets
from collections.abc import Callable, Iterable, Iterator

import msgspec
from msgspec import UNSET

from tcp_server.protocol import client_packets

REF_BYTES = 16  # the protocol asks for 64 random bits at least; these are 128
WINDOW_MAX = 64  # messages that wait for their echo at a time: a cut link has little to send again
HOLD_MIN_SECONDS = 1.0  # until a message that the server can't take now is tried again; doubles
HOLD_MAX_SECONDS = 30.0
TRY_LATER = frozenset({"rate_limited", "log_unavailable", "not_ready"})  # the message itself is fine
UNSURE = "unsure"  # the code of what the server may have logged for somebody that it no longer knows us as


class State(enum.Enum):
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
    state: State = State.PENDING
    code: str = ""  # why it failed: the ERROR's code, and its text for people
    reason: str = ""
    tried: bool = False  # written to a connection at least once, so that the log may have it

    def request(self) -> client_packets.Msg:
        """Return the packet that says it."""
        return client_packets.Msg(
            message=self.message,
            room=self.room if self.room is not None else UNSET,
            to=self.to if self.to is not None else UNSET,
            action=True if self.action else UNSET,
            ref=self.ref,
        )


def random_ref() -> str:
    """Return a `ref` that nobody used before."""
    return secrets.token_hex(REF_BYTES)


class Outbox:
    """Messages in the order in which they were written.

    Call `due` whenever the link is live and something has changed, and write what it returns; call it again
    at `next_due`.
    """

    def __init__(self, new_ref: Callable[[], str] = random_ref) -> None:
        self._new_ref = new_ref
        self._entries: dict[str, Outgoing] = {}
        self._failed = 0  # how many of them are FAILED
        self._flying: set[str] = set()  # refs written to the present connection and not answered
        self._window = WINDOW_MAX
        self._hold_seconds = HOLD_MIN_SECONDS
        self._held_until = float("-inf")

    def __iter__(self) -> Iterator[Outgoing]:
        """Yield what is pending or failed, oldest first."""
        return iter(tuple(self._entries.values()))

    @property
    def pending(self) -> int:
        """How many messages have neither been acknowledged nor refused."""
        return len(self._entries) - self._failed

    def add(self, message: str, *, room: str | None = None, to: str | None = None, action: bool = False) -> Outgoing:
        """Append a message to a room or, with `to`, to a person."""
        if (room is None) == (to is None):
            raise ValueError("a message goes to a room or to a person")
        entry = Outgoing(self._new_ref(), message, room, to, action)
        self._entries[entry.ref] = entry
        return entry

    def restore(self, entries: Iterable[Outgoing]) -> None:
        """Take over what an earlier run of the program had not got acknowledged."""
        self._entries = {entry.ref: entry for entry in entries} | self._entries
        self._failed = sum(entry.state is State.FAILED for entry in self)

    def due(self, now: float) -> list[Outgoing]:
        """Return the messages to write now. From here on they are flying: due again once the link is lost."""
        if now < self._held_until:
            return []
        found = []
        for entry in self._entries.values():
            if len(self._flying) >= self._window:
                break
            if entry.state is State.PENDING and entry.ref not in self._flying:
                self._flying.add(entry.ref)
                entry.tried = True
                found.append(entry)
        return found

    def next_due(self, now: float) -> float | None:
        """Return when messages that the server could not take are due again, if there are any."""
        return self._held_until if now < self._held_until and self.pending else None

    def acknowledged(self, ref: str | None) -> Outgoing | None:
        """Remove the message with this ref, which the log has; None if there is no such."""
        entry = self._entries.pop(ref, None) if ref else None
        if entry is None:
            return None
        self._flying.discard(entry.ref)
        self._failed -= entry.state is State.FAILED
        entry.state, entry.code, entry.reason = State.SENT, "", ""
        self._window = min(2 * self._window, WINDOW_MAX)
        self._hold_seconds = HOLD_MIN_SECONDS
        return entry

    def refused(self, ref: str | None, code: str, reason: str, now: float) -> Outgoing | None:
        """Note the server's ERROR for a message: it is FAILED or, if it is to be tried later, PENDING.

        Order is kept as well as it can be: after a refusal that will pass, messages go one by one, the
        refused one first, and only what is acknowledged opens the window again.
        """
        entry = self._entries.get(ref) if ref else None
        if entry is None:
            return None
        self._flying.discard(entry.ref)
        entry.code, entry.reason = code, reason
        if code not in TRY_LATER:
            self._failed += entry.state is not State.FAILED
            entry.state = State.FAILED
            return entry
        self._window = 1
        if now >= self._held_until:  # others that were refused in the same breath don't count again
            self._held_until = now + self._hold_seconds
            self._hold_seconds = min(2 * self._hold_seconds, HOLD_MAX_SECONDS)
        return entry

    def link_lost(self) -> None:
        """Note that what was written and not answered has to be written again."""
        self._flying.clear()
        self._held_until = float("-inf")

    def disown(self) -> list[Outgoing]:
        """Fail what was tried as a user that the server has forgotten: sent again, it might be said twice."""
        failed = []
        for entry in self._entries.values():
            if entry.tried and entry.state is State.PENDING:
                self._failed += 1
                entry.state, entry.code = State.FAILED, UNSURE
                entry.reason = "it may have been sent before; the server has forgotten this user"
                failed.append(entry)
        return failed

    def retry(self, entry: Outgoing) -> None:
        """Make a failed message pending again, at its old place."""
        if entry.ref in self._entries and entry.state is State.FAILED:
            self._failed -= 1
            entry.state, entry.code, entry.reason = State.PENDING, "", ""

    def discard(self, entry: Outgoing) -> None:
        """Forget a failed message."""
        if entry.ref in self._entries and entry.state is State.FAILED:
            self._failed -= 1
            del self._entries[entry.ref]
