"""The log as a file that people can read: JSON Lines, written and read by `export` and `import`.

The first line says which log it is; then come the rooms with their topics, then the messages, oldest first, as
they go over the wire, with the uids of sender and peer.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

import msgspec

from tcp_server import names
from tcp_server.log import MESSAGE_KIND, Log

VERSION = 1
PAGE = 1_000  # messages that are read at once

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(dict[str, Any]).decode


class ArchiveError(ValueError):
    """The file is no archive, or the log can't take it; the text says the line."""


def export_lines(database: sqlite3.Connection) -> Iterator[bytes]:
    """Yield the lines of an archive. The server may run meanwhile: what is logged after the start is left out."""
    database.execute("BEGIN")  # one snapshot for all that follows
    try:
        epoch = database.execute("SELECT value FROM meta WHERE name = 'epoch'").fetchone()[0]
        yield _encode({"type": "ARCHIVE", "version": VERSION, "epoch": epoch})
        for name, topic in database.execute("SELECT name, topic FROM room ORDER BY number").fetchall():
            yield _encode({"type": "ROOM", "room": name, "topic": topic})
        after = 0
        while rows := database.execute(
            "SELECT id, uid, peer, body FROM entry WHERE id > ? ORDER BY id LIMIT ?", (after, PAGE)
        ).fetchall():
            for id, uid, peer, body in rows:
                who = f'"uid":{uid},' if peer is None else f'"uid":{uid},"peer":{peer},'
                yield f'{{"type":"MSG","id":{id},{who}{body}'.encode()
            after = rows[-1][0]
    finally:
        database.execute("COMMIT")


def import_lines(log: Log, lines: Iterable[bytes]) -> int:
    """Fill an empty log from an archive, ids and epoch included, and return the number of messages.

    All or nothing: with an error, the log stays empty.

    Raises:
        ArchiveError: the log is not empty, or a line is not what it should be.
    """
    database = log.database
    if log.newest:
        raise ArchiveError(f"{log.path} has messages already; import into an empty --data folder")
    count = 0
    database.execute("BEGIN IMMEDIATE")
    try:
        rooms: dict[str, int] = {}
        for number, line in enumerate(lines, 1):
            try:
                count += _import_line(database, _decode(line), rooms, first=number == 1)
            except (msgspec.MsgspecError, KeyError, ValueError, TypeError, sqlite3.Error) as error:
                raise ArchiveError(f"line {number}: {error!r}") from None
        database.execute("COMMIT")
    except BaseException:
        if database.in_transaction:
            database.execute("ROLLBACK")
        raise
    log.reload()
    log.sort()
    return count


def _import_line(database: sqlite3.Connection, entry: dict[str, Any], rooms: dict[str, int], *, first: bool) -> int:
    kind = entry.pop("type")
    if first or kind == "ARCHIVE":
        if not first or kind != "ARCHIVE" or entry["version"] != VERSION:
            raise ValueError(f"an archive of version {VERSION} begins with its ARCHIVE line")
        database.execute("UPDATE meta SET value = ? WHERE name = 'epoch'", (str(entry["epoch"]),))
    elif kind == "ROOM":
        _import_room(database, entry["room"], entry["topic"], rooms)
    elif kind == "MSG":
        _import_message(database, entry, rooms)
        return 1
    else:
        raise ValueError(f"there is no type {kind}")
    return 0


def _import_room(database: sqlite3.Connection, name: str, topic: str, rooms: dict[str, int]) -> int:
    key = names.room_key(name)
    row = database.execute(
        "INSERT INTO room (key, name, topic) VALUES (?, ?, ?)"
        " ON CONFLICT (key) DO UPDATE SET topic = excluded.topic RETURNING number",
        (key, name, topic),
    ).fetchone()
    rooms[key] = number = int(row[0])
    return number


def _import_message(database: sqlite3.Connection, entry: dict[str, Any], rooms: dict[str, int]) -> None:
    id, uid, peer = entry.pop("id"), entry.pop("uid"), entry.pop("peer", None)
    if not isinstance(id, int) or not isinstance(uid, int):
        raise ValueError("id and uid are integers")
    room = None
    if peer is None:
        key = names.room_key(entry["room"])
        room = rooms[key] if key in rooms else _import_room(database, entry["room"], "", rooms)
    else:
        database.execute("INSERT INTO direct VALUES (?, ?, ?)", (uid, id, names.fold(entry["to"])))
        if peer != uid:
            database.execute("INSERT INTO direct VALUES (?, ?, ?)", (peer, id, names.fold(entry["nickname"])))
    millis = round(datetime.fromisoformat(entry["timestamp"]).timestamp() * 1000)
    database.execute(
        "INSERT INTO entry VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (id, MESSAGE_KIND, room, uid, peer, millis, entry.get("ref"), _encode(entry).decode()[1:]),
    )
