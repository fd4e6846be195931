"""The phases of a session. What a packet does in which phase is a row of `actions.ROWS`; a missing phase refuses it.

LINK, OPEN, CLOSE, PAUSE and RESUME are in no row: the connection takes them out before the hub sees them.
"""

from enum import Enum

from tcp_server.protocol.server_packets import ErrorCode


class Phase(Enum):
    OPENING = "before READY"
    CHATTING = "after READY"
    ENDED = "after BYE, or after the end of the connection"


REFUSALS: dict[Phase, tuple[ErrorCode, str]] = {
    Phase.OPENING: ("not_ready", "is not allowed before READY"),
    Phase.CHATTING: ("unknown_type", "is not allowed in a session"),
}
