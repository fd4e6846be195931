"""Noise for fuzz tests: bodies and streams from wild to nearly right, by a seeded dice."""

import json
import random
from typing import Any

from tcp_server.wordpacket import MAX_BODY

TYPES = [
    "MSG",
    "JOIN",
    "LEAVE",
    "TOPIC",
    "NICK",
    "TYPING",
    "ROOMS",
    "USERS",
    "HISTORY",
    "SEARCH",
    "PING",
    "PONG",
    "BYE",
    "LINK",
    "OPEN",
    "CLOSE",
    "PAUSE",
    "RESUME",
    "DANCE",
]
TEXTS = [
    "",
    "lobby",
    "#lobby",
    "tea",
    "alice",
    "ALICE",
    "server",
    "a b",
    "\u200b",
    "😀",
    "\ufdfa" * 18,
    "x" * 33,
    "x" * 8001,
    "\n",
    "\0",
    '"',
    "\\",
    "r" * 64,
    "r" * 65,
    "é" * 64,
    "z" * 60_000,
    "2026-11-22T10:00:00Z",
    "9999-12-31T23:59:59+23:59",
    "2026-11-22T10:00:00",
    "..",
    "MTIz.YWJj",
]
WHOLE = [0, 1, 2, 50, 201, -1, 2**31, 2**53, 2**63 - 1, 2**63, 10**30, 10**400]
NUMBERS: list[Any] = [*WHOLE, 1.0, 1.5, 1e308, True, None]
FIELDS = [
    "message",
    "room",
    "to",
    "action",
    "topic",
    "nickname",
    "rooms",
    "server_password",
    "token",
    "epoch",
    "after",
    "before",
    "limit",
    "query",
    "from",
    "since",
    "until",
    "ref",
    "session",
    "address",
    "name",
    "secret",
    "type",
]
USUAL: dict[str, Any] = {
    "message": "hi",
    "room": "lobby",
    "topic": "tea",
    "nickname": "fuzz",
    "query": "tea",
    "session": 1,
    "address": "x",
    "name": "noise",
    "after": 0,
    "to": "alice",
}
NEEDED = {
    "MSG": ["room", "message"],
    "JOIN": ["room"],
    "LEAVE": ["room"],
    "TOPIC": ["room", "topic"],
    "NICK": ["nickname"],
    "TYPING": ["room"],
    "USERS": ["room"],
    "HISTORY": ["room"],
    "SEARCH": ["query"],
    "LINK": ["name"],
    "OPEN": ["session", "address"],
    "CLOSE": ["session"],
    "PAUSE": ["session"],
    "RESUME": ["session", "after"],
}


def value(dice: random.Random) -> Any:
    match dice.randrange(5):
        case 0:
            return dice.choice(NUMBERS)
        case 1:
            return [dice.choice(TEXTS) for _ in range(dice.randrange(4))]
        case 2:
            return {dice.choice(FIELDS): dice.choice(TEXTS)}
        case _:
            return dice.choice(TEXTS)


def packet(dice: random.Random, *, session: int | None = None) -> bytes:
    """Return a body that is mostly a good packet: some fields are wild, missing, or too many."""
    kind = dice.choice(TYPES)
    body: dict[str, Any] = {} if session is None else {"session": session}
    body["type"] = kind
    for field in NEEDED.get(kind, []):
        body[field] = USUAL[field]
    for _ in range(dice.choice([0, 0, 0, 1, 1, 2, 5])):
        body[dice.choice(FIELDS)] = value(dice)
    if dice.random() < 0.1:
        body.pop(dice.choice(list(body)))
    return json.dumps(body, ensure_ascii=dice.random() < 0.1).encode()


def damage(dice: random.Random, data: bytes) -> bytes:
    """Return bytes with a few of them changed, gone or repeated."""
    changed = bytearray(data)
    for _ in range(dice.choice([1, 1, 2, 8])):
        place = dice.randrange(len(changed) + 1)
        match dice.randrange(4):
            case 0:
                changed[place : place + 1] = bytes([dice.randrange(256)])
            case 1:
                del changed[place : place + dice.randrange(1, 9)]
            case 2:
                changed[place:place] = dice.randbytes(dice.randrange(1, 9))
            case 3:
                changed[place:place] = changed[: dice.randrange(30)]
    return bytes(changed)


def body(dice: random.Random, *, session: int | None = None) -> bytes:
    """Return any body, of 1 to 65,535 bytes."""
    match dice.randrange(6):
        case 0:
            data = dice.randbytes(dice.randrange(1, 300))
        case 1:
            data = damage(dice, packet(dice, session=session))
        case _:
            data = packet(dice, session=session)
    return data[:MAX_BODY] or b"x"


def stream(dice: random.Random, *, link: bool = False) -> bytes:
    """Return what a connection may send: mostly well framed, opened more often than not."""
    bodies: list[bytes] = []
    if link:
        bodies.append(b'{"type":"LINK","name":"noise"}')
        bodies += [b'{"type":"OPEN","session":%d,"address":"x"}' % number for number in (1, 2)]
        bodies += [b'{"session":%d,"type":"NICK","nickname":"fuzz%d"}' % (n, dice.randrange(10**9)) for n in (1, 2)]
    elif dice.random() < 0.8:
        bodies.append(b'{"type":"NICK","nickname":"fuzz%d"}' % dice.randrange(10**9))
    for _ in range(dice.randrange(1, 30)):
        bodies.append(body(dice, session=dice.choice([1, 2, 3, None]) if link else None))
    data = b"".join(len(each).to_bytes(2, "big") + each for each in bodies)
    return damage(dice, data) if dice.random() < 0.3 else data
