"""The log as a file that people can read: JSON Lines, written and read by `export` and `import`.

The first line says which log it is. The rooms with their topics follow, and then the messages, oldest first, as they go
over the wire, with the uids of sender and peer.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Generator, Iterable
from datetime import UTC, datetime
from typing import Annotated, Literal, TypeAlias

import msgspec

from tcp_server.log.interface import ArchiveError
from tcp_server.log.refs import index_refs
from tcp_server.log.search import fill_index
from tcp_server.log.writer import LogWriter
from tcp_server.protocol import client_packets, names
from tcp_server.protocol.entries import KINDS, MSG, MessageFields, entry_rest

VERSION = 1
PAGE = 1_000  # messages that are read at once
INDEX_PAGE = 10_000  # messages that are indexed at once: 25 µs each, a third of the time in small pieces

BYTE_ORDER_MARK = b"\xef\xbb\xbf"  # which some editors and shells put in front of a file

logger = logging.getLogger(__name__)

_encode = msgspec.json.Encoder().encode


def export_lines(database: sqlite3.Connection) -> Generator[bytes, None, None]:
    """Yield the lines of an archive. A server may run meanwhile; messages logged after the start are left out."""
    database.execute("BEGIN")  # one snapshot for all statements below
    try:
        epoch = database.execute("SELECT value FROM meta WHERE name = 'epoch'").fetchone()[0]
        yield _encode({"type": "ARCHIVE", "version": VERSION, "epoch": epoch})
        for name, topic in database.execute("SELECT name, topic FROM room ORDER BY number").fetchall():
            yield _encode({"type": "ROOM", "room": name, "topic": topic})
        after = 0
        while rows := database.execute(
            "SELECT id, kind, uid, peer, body FROM entry WHERE id > ? ORDER BY id LIMIT ?", (after, PAGE)
        ).fetchall():
            for id, kind, uid, peer, body in rows:
                who = f'"uid":{uid},' if peer is None else f'"uid":{uid},"peer":{peer},'
                yield KINDS[kind].head + f"{id},{who}{body}".encode()
            after = rows[-1][0]
    finally:
        database.execute("COMMIT")


def import_lines(writer: LogWriter, lines: Iterable[bytes]) -> int:
    """Fill an empty log from an archive, ids and epoch included, and return the number of messages.

    All or nothing: an error leaves the log empty. The search index is filled as well, so that a server that starts with
    this log finds everything at once.

    Raises:
        ArchiveError: the log is not empty, or a line is wrong.
    """
    if writer.newest:
        raise ArchiveError(f"{writer.path} has messages already; import into an empty --data folder")
    database = writer.database
    database.execute("PRAGMA temp_store = FILE")  # many refs are to be sorted
    database.execute("BEGIN IMMEDIATE")
    try:
        count = _import(database, lines)
        database.execute("COMMIT")
    except BaseException:
        if database.in_transaction:
            database.execute("ROLLBACK")
        raise
    writer.reload()
    writer.sort()
    try:
        while fill_index(database, INDEX_PAGE):
            pass  # an interrupted import leaves the rest to the server
    except sqlite3.Error as error:
        logger.warning("the search index is left to the server: %s", error)
    return count


def _import(database: sqlite3.Connection, lines: Iterable[bytes]) -> int:
    importer = _Importer(database)
    blank = 0
    for number, line in enumerate(lines, 1):
        text = line.removeprefix(BYTE_ORDER_MARK) if number == 1 else line
        if not text.strip():
            blank = blank or number  # only at the end is that no fault
            continue
        if blank:
            raise ArchiveError(f"line {blank}: is empty")
        try:
            importer.take(_read_line(text))
        except (msgspec.MsgspecError, ValueError, sqlite3.IntegrityError) as error:
            reason = _CUT if _is_cut(text, error) else str(error)
            raise ArchiveError(f"line {number}: {reason}") from None
    if not importer.has_begun:
        raise ArchiveError("the file is empty")
    twice = index_refs(database)
    if twice is not None:
        raise ArchiveError("ref {}: two messages have it, {} and {}".format(*twice))
    return importer.count


_CUT = "the file ends within this line, as after a full disk; export again, or remove it to import the lines before it"


def _is_cut(line: bytes, error: Exception) -> bool:
    """Say whether a line that can't be read is one of ours that was not written to its end."""
    return type(error) is msgspec.DecodeError and line.startswith(b"{") and not line.endswith(b"\n")


_Id: TypeAlias = Annotated[int, msgspec.Meta(ge=1, lt=2**53)]
_Uid: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
_Time: TypeAlias = Annotated[datetime, msgspec.Meta(tz=True)]


class _ArchiveLine(msgspec.Struct, tag_field="type", tag="ARCHIVE"):
    version: Literal[1]
    epoch: str


class _RoomLine(msgspec.Struct, tag_field="type", tag="ROOM"):
    room: str
    topic: str


class _MessageLine(MessageFields, tag_field="type", tag=MSG.type, kw_only=True):
    id: _Id
    uid: _Uid
    peer: _Uid | None = None

    def fields(self, timestamp: str) -> MessageFields:
        """Return the message as the log keeps it, with its time written in the log's way."""
        kept = {name: getattr(self, name) for name in MessageFields.__struct_fields__}
        return MessageFields(**{**kept, "timestamp": timestamp, "action": self.action or None})


_read_line = msgspec.json.Decoder(_ArchiveLine | _RoomLine | _MessageLine).decode


class _Importer:
    """Takes the lines of an archive in order; a line that no client could have sent is refused."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self.count = 0
        self._database = database
        self._rooms: dict[str, int] | None = None  # numbers by key, once the ARCHIVE line was there
        self._newest = 0

    @property
    def has_begun(self) -> bool:
        """Whether the ARCHIVE line was there."""
        return self._rooms is not None

    def take(self, line: _ArchiveLine | _RoomLine | _MessageLine) -> None:
        if isinstance(line, _ArchiveLine) is self.has_begun:
            raise ValueError("an archive begins with its one ARCHIVE line")
        match line:
            case _ArchiveLine():
                self._rooms = {}
                self._database.execute("UPDATE meta SET value = ? WHERE name = 'epoch'", (line.epoch,))
            case _RoomLine():
                _check({"type": "TOPIC", "room": line.room, "topic": line.topic})
                self._store_room(line.room, line.topic)
            case _MessageLine():
                self._store_message(line)

    def _store_room(self, name: str, topic: str) -> int:
        key = names.room_key(name)
        row = self._database.execute(
            "INSERT INTO room (key, name, topic) VALUES (?, ?, ?)"
            " ON CONFLICT (key) DO UPDATE SET topic = excluded.topic RETURNING number",
            (key, names.room_shown(name), topic),
        ).fetchone()
        number = int(row[0])
        if self._rooms is not None:
            self._rooms[key] = number
        return number

    def _store_message(self, line: _MessageLine) -> None:
        names.nickname_key(line.nickname)
        target = {"room": line.room} if line.to is None else {"to": line.to}
        _check({"type": MSG.type, "message": line.message, **target, **({"ref": line.ref} if line.ref else {})})
        if line.id <= self._newest:
            raise ValueError(f"id {line.id} does not grow")
        self._newest = line.id
        self.count += 1
        time = msgspec.convert(line.timestamp, _Time).astimezone(UTC)
        timestamp = time.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        millis, rest = round(time.timestamp() * 1000), entry_rest(line.fields(timestamp)).decode()
        entry = (line.id, MSG.number, self._room_number(line), line.uid, line.peer, millis, line.ref, rest)
        self._database.execute("INSERT INTO entry VALUES (?, ?, ?, ?, ?, ?, ?, ?)", entry)
        if line.to is not None:
            if line.peer is None:
                raise ValueError("a direct message has a peer")
            shown = {line.peer: names.fold(line.nickname), line.uid: names.fold(line.to)}  # one's own: one row
            rows = [(uid, line.id, name) for uid, name in shown.items()]
            self._database.executemany("INSERT INTO direct VALUES (?, ?, ?)", rows)

    def _room_number(self, line: _MessageLine) -> int | None:
        if line.room is None or self._rooms is None:
            return None
        number = self._rooms.get(names.room_key(line.room))
        return self._store_room(line.room, "") if number is None else number


def _check(request: dict[str, str | None]) -> None:
    """Hold a line to the rules for packets from clients."""
    try:
        client_packets.parse(_encode(request))
    except client_packets.Refusal as refusal:
        raise ValueError(refusal.text) from None
