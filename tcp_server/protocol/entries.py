"""Entries: what the log gives an id. One row a kind: the number in the log, the type on the wire, and the fields.

The log keeps an entry without its type and id, since the id comes last: that is the entry's `rest`. Head, id and rest
joined are the body, ready for the wire. Whoever moves a cursor asks whether a packet is an entry, never whether it is
a MSG.
"""

from dataclasses import dataclass, field

import msgspec


class MessageFields(msgspec.Struct, omit_defaults=True, gc=False):
    """A message but for type and id; of `room` and `to` it has one."""

    nickname: str
    message: str
    timestamp: str
    room: str | None = None
    to: str | None = None
    action: bool | None = None
    ref: str | None = None


@dataclass(frozen=True)
class EntryKind:
    """A kind of entry.

    Attributes:
        number: the kind in the log; never given to another kind.
        fields: the struct of all that an entry of this kind holds beside type and id.
        type: the packet's type.
        head: the beginning of a body, up to its id.
    """

    number: int
    fields: type[msgspec.Struct]
    type: str
    head: bytes = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "head", b'{"type":"%b","id":' % self.type.encode())


MSG = EntryKind(0, MessageFields, "MSG")

KINDS = {kind.number: kind for kind in (MSG,)}
TYPES = frozenset(kind.type for kind in KINDS.values())

_ID = b',"id":'
_encode = msgspec.json.Encoder().encode


def entry_rest(fields: msgspec.Struct) -> bytes:
    """Return what the log keeps of an entry: its body after the id."""
    return _encode(fields)[1:]


def entry_body(kind: EntryKind, id: int, rest: bytes) -> bytes:
    """Return the whole body of an entry."""
    return kind.head + str(id).encode() + b"," + rest


def entry_id(body: bytes) -> int:
    """Return the id of an entry's body, as `entry_body` writes it."""
    start = body.index(_ID) + len(_ID)
    return int(body[start : body.index(b",", start)])
