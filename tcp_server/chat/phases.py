"""What a session may do in which phase: a table of (phase, packet) -> action; a missing key is the refusal.

Rule 1: everything that decides whether a packet is allowed *now* is in this file. What an action does is in
`hub`.
"""

from enum import Enum, StrEnum

from tcp_server.protocol import client_packets
from tcp_server.protocol.server_packets import ErrorCode


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


TABLE: dict[tuple[Phase, type[client_packets.Request]], Action] = {
    (Phase.OPENING, client_packets.Nick): Action.OPEN,
    (Phase.OPENING, client_packets.Ping): Action.ANSWER_PING,
    (Phase.OPENING, client_packets.Pong): Action.HEAR,
    (Phase.OPENING, client_packets.Bye): Action.QUIT,
    (Phase.CHATTING, client_packets.Nick): Action.RENAME,
    (Phase.CHATTING, client_packets.Msg): Action.SAY,
    (Phase.CHATTING, client_packets.Join): Action.JOIN,
    (Phase.CHATTING, client_packets.Leave): Action.LEAVE,
    (Phase.CHATTING, client_packets.Topic): Action.SET_TOPIC,
    (Phase.CHATTING, client_packets.Typing): Action.TYPE,
    (Phase.CHATTING, client_packets.Rooms): Action.LIST_ROOMS,
    (Phase.CHATTING, client_packets.Users): Action.LIST_USERS,
    (Phase.CHATTING, client_packets.History): Action.READ,
    (Phase.CHATTING, client_packets.Search): Action.READ,
    (Phase.CHATTING, client_packets.Ping): Action.ANSWER_PING,
    (Phase.CHATTING, client_packets.Pong): Action.HEAR,
    (Phase.CHATTING, client_packets.Bye): Action.QUIT,
}

# LINK, OPEN, CLOSE, PAUSE and RESUME are for the connection, which takes them out before the hub sees them.
REFUSALS: dict[Phase, ErrorCode] = {Phase.OPENING: "not_ready", Phase.CHATTING: "unknown_type"}
