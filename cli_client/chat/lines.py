"""One line of a view: a message, a fact such as a join, or a word of the client's. Pure data."""

import enum
from dataclasses import dataclass
from datetime import datetime


class Kind(enum.Enum):
    MESSAGE = "message"
    ACTION = "action"
    JOIN = "join"
    LEAVE = "leave"
    TOPIC = "topic"
    NICK = "nick"
    NOTICE = "notice"  # the server speaks
    INFO = "info"  # the client answers
    ERROR = "error"
    HIT = "hit"  # a message that a search found


class Fate(enum.Enum):
    """Whether the user's own message is in the log."""

    SENT = "sent"
    PENDING = "pending"
    FAILED = "failed"


@dataclass(slots=True, eq=False)
class Line:
    """One line. Its texts are as the sender wrote them; a face defuses them (`display`)."""

    kind: Kind
    text: str
    at: datetime
    nickname: str = ""
    id: int = 0  # the log's; 0 for a line that is no message
    ref: str = ""
    fate: Fate = Fate.SENT
    reason: str = ""  # why the message failed or is postponed
    mention: bool = False
    number: int = 0  # of a hit
    target: str = ""  # of a hit: the room or person of the message
