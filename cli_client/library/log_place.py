"""A client's place in the server's log (PROTOCOL.md section 5). Pure."""

from collections import deque

from tcp_server.protocol.server_packets import Gap

SEEN_MAX = 4096  # ids remembered beside the cursor, since the answer to a resend comes out of order


class LogPlace:
    """The cursor up to which every message of a log was received, and the ids of the last messages before it.

    Attributes:
        epoch: names the log; None: none was met yet.
        after: the id of the newest message that was received; None: nothing was.
    """

    def __init__(self, epoch: str | None = None, after: int | None = None) -> None:
        self.epoch = epoch
        self.after = after
        self._seen: set[int] = set()
        self._seen_order: deque[int] = deque()

    def is_in(self, epoch: str | None) -> bool:
        """Say whether this place may be in the log of that epoch."""
        return self.epoch is None or self.epoch == epoch

    def take(self, message_id: int, *, is_echo: bool) -> bool:
        """Move on to a message; say whether it is new. Only the echo of a message of ours may come out of order."""
        is_next = self.after is None or message_id > self.after
        if is_next:
            self.after = message_id
        elif not is_echo or message_id in self._seen:
            return False
        self._seen.add(message_id)
        self._seen_order.append(message_id)
        if len(self._seen_order) > SEEN_MAX:
            self._seen.discard(self._seen_order.popleft())
        return True

    def reach(self, message_id: int) -> None:
        """Move on to an id up to which the server has sent everything."""
        if self.after is not None:
            self.after = max(self.after, message_id)

    def skip_to(self, message_id: int) -> None:
        """Move on over a hole in the log, which ends before this id."""
        self.after = message_id - 1
        self._forget_seen()

    def resume(self, epoch: str | None) -> None:
        """Stay here, for the server resumes; in another log a GAP follows and sets the place."""
        if not self.is_in(epoch):
            self.after = 0
        self.epoch = epoch

    def begin(self, epoch: str | None, last_id: int) -> Gap | None:
        """Begin at the end of the log, for the server does not resume; return the hole since our last message."""
        is_in, before = self.is_in(epoch), self.after
        self.epoch, self.after = epoch, last_id
        if before is None:
            return None
        self._forget_seen()
        if is_in and before == last_id:
            return None
        return Gap(after=before if is_in else 0, id=last_id + 1)

    def _forget_seen(self) -> None:
        self._seen.clear()
        self._seen_order.clear()
