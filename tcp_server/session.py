"""What a session may do in which phase: a table of (phase, packet) -> action; a missing key is the refusal.

Rule 1: everything that decides whether a packet is allowed *now* is in this file. What an action does is in
`hub`.
"""

from enum import Enum, StrEnum

from tcp_server import requests
from tcp_server.messages import ErrorCode


class Phase(Enum):
    OPENING = "before READY"
    CHATTING = "after READY"
    ENDED = "after BYE, or after the end of the connection"


class Action(StrEnum):
    """What the hub does; each is the name of one of its handlers."""

    OPEN = "open"
    RENAME = "rename"
    SAY = "say"
    JOIN = "join"
    LEAVE = "leave"
    SET_TOPIC = "set_topic"
    TYPE = "type"
    LIST_ROOMS = "list_rooms"
    LIST_USERS = "list_users"
    READ = "read"
    ANSWER_PING = "answer_ping"
    HEAR = "hear"
    QUIT = "quit"


TABLE: dict[tuple[Phase, type[requests.Request]], Action] = {
    (Phase.OPENING, requests.Nick): Action.OPEN,
    (Phase.OPENING, requests.Ping): Action.ANSWER_PING,
    (Phase.OPENING, requests.Pong): Action.HEAR,
    (Phase.OPENING, requests.Bye): Action.QUIT,
    (Phase.CHATTING, requests.Nick): Action.RENAME,
    (Phase.CHATTING, requests.Msg): Action.SAY,
    (Phase.CHATTING, requests.Join): Action.JOIN,
    (Phase.CHATTING, requests.Leave): Action.LEAVE,
    (Phase.CHATTING, requests.Topic): Action.SET_TOPIC,
    (Phase.CHATTING, requests.Typing): Action.TYPE,
    (Phase.CHATTING, requests.Rooms): Action.LIST_ROOMS,
    (Phase.CHATTING, requests.Users): Action.LIST_USERS,
    (Phase.CHATTING, requests.History): Action.READ,
    (Phase.CHATTING, requests.Search): Action.READ,
    (Phase.CHATTING, requests.Ping): Action.ANSWER_PING,
    (Phase.CHATTING, requests.Pong): Action.HEAR,
    (Phase.CHATTING, requests.Bye): Action.QUIT,
}

# LINK, OPEN, CLOSE, PAUSE and RESUME are for the connection, which takes them out before the hub sees them.
REFUSALS: dict[Phase, ErrorCode] = {Phase.OPENING: "not_ready", Phase.CHATTING: "unknown_type"}
