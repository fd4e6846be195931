"""Answers that are readings of the log: HISTORY and SEARCH, as bodies for the wire."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import assert_never

from tcp_server.log.readings import Paging, Reader
from tcp_server.log.search import Query, Search
from tcp_server.protocol import names, server_packets
from tcp_server.protocol.client_packets import History, given
from tcp_server.protocol.client_packets import Search as SearchRequest

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def answer(request: History | SearchRequest, reader: Reader, room: str | None, through: int, readings: Search) -> bytes:
    """Read the log and return the answer.

    Args:
        room: the shown name of the room that is asked about.
        through: the newest id that the asker was sent, so that nothing is shown before its time.
    """
    match request:
        case History():
            return _history(request, reader, room, through, readings)
        case SearchRequest():
            return _search(request, reader, through, readings)
        case _:
            assert_never(request)


def _history(request: History, reader: Reader, room: str | None, through: int, readings: Search) -> bytes:
    to = given(request.to)
    paging = Paging(given(request.before), given(request.after), request.limit, through)
    if to is not None:
        bodies, more = readings.direct_page(reader.uid, to, paging)
    else:
        bodies, more = readings.room_page(names.room_key(room or ""), paging)
    ref = given(request.ref)
    return _with_messages(server_packets.format(server_packets.History([], more, room, to, ref)), bodies)


def _search(request: SearchRequest, reader: Reader, through: int, readings: Search) -> bytes:
    sender, since, until = given(request.sender), given(request.since), given(request.until)
    query = Query(
        words=tuple(names.fold_text(request.query).split()),
        sender=None if sender is None else names.fold(sender),
        since=None if since is None else _millis(since),
        until=None if until is None else _millis(until),
        before=given(request.before),
        limit=request.limit,
    )
    name = given(request.room)
    if name is not None:
        reader = Reader(reader.uid, (names.room_key(name),))
    bodies, more = readings.search(reader, query, direct=name is None, through=through)
    ref = given(request.ref)
    return _with_messages(server_packets.format(server_packets.Search(request.query, [], more, ref)), bodies)


def _with_messages(body: bytes, bodies: list[bytes]) -> bytes:
    """Put bodies, ready as they are, into the empty list of an answer."""
    return body.replace(b'"messages":[]', b'"messages":[%b]' % b",".join(bodies), 1)


def _millis(time: datetime) -> int:
    """Return the first whole millisecond since 1970 that is not before a time."""
    return -((_EPOCH - time) // timedelta(milliseconds=1))
