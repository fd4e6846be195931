"""Answers that come from the log: HISTORY and SEARCH, from the question to the body for the wire."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import assert_never

from tcp_server.chat.hub import Hub
from tcp_server.chat.outputs import AskLog
from tcp_server.chat.state import Session, User, user_of
from tcp_server.log.interface import LiveLog, Page, PageQuery, SearchPage, SearchQuery, Viewer
from tcp_server.protocol import client_packets, names, server_packets
from tcp_server.protocol.client_packets import given

logger = logging.getLogger(__name__)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Answers:
    """Asks the log for sessions, which are busy meanwhile; nothing is shown that was not sent to all yet."""

    def __init__(self, hub: Hub, log: LiveLog, wake: Callable[[], None]) -> None:
        self._hub = hub
        self._log = log
        self._wake = wake  # begins a tick
        self._searches: dict[Session, Callable[[], None]] = {}  # each gives its search up

    def ask(self, question: AskLog, newest: int) -> None:
        """Ask the log, up to the newest id that was sent; the session has its answer, or an ERROR, in a later tick."""
        session, request = question.session, question.question
        user = user_of(session)
        failed = partial(self._failed, session, given(request.ref))
        match request:
            case client_packets.History():
                room = self._shown_name(request)
                query = page_query(request, user.uid, self._peer(request), newest)
                self._log.page(query, partial(self._answer_history, session, request, room), failed)
            case client_packets.Search():
                answered = partial(self._answer_search, session, request)
                self._searches[session] = self._log.search(search_query(request, user, newest), answered, failed)
            case _:
                assert_never(request)

    def forget(self, session: Session) -> None:
        """The session has ended: nobody waits for what it searched."""
        give_up = self._searches.pop(session, None)
        if give_up is not None:
            give_up()

    def _shown_name(self, request: client_packets.History) -> str | None:
        name = given(request.room)
        room = None if name is None else self._hub.directory.find_room(name)
        return None if room is None else room.name

    def _peer(self, request: client_packets.History) -> int | None:
        to = given(request.to)
        user = None if to is None else self._hub.directory.find_user(to)
        return None if user is None else user.uid

    def _answer_history(self, session: Session, request: client_packets.History, room: str | None, page: Page) -> None:
        bodies, more = page
        to = given(request.to)
        packet = server_packets.History([], more, room, None if to is None else str(to), given(request.ref))
        self._answer(session, _with_messages(server_packets.format(packet), bodies))

    def _answer_search(self, session: Session, request: client_packets.Search, page: SearchPage) -> None:
        bodies, before = page
        packet = server_packets.Search(request.query, [], before is not None, given(request.ref), before)
        self._answer(session, _with_messages(server_packets.format(packet), bodies))

    def _failed(self, session: Session, ref: str | None, error: Exception) -> None:
        logger.error("the log could not be read", exc_info=error)
        text = "the log can't be read now; try again later"
        self._answer(session, server_packets.format(server_packets.Error("log_unavailable", text, ref)))

    def _answer(self, session: Session, body: bytes) -> None:
        self._searches.pop(session, None)
        self._hub.answered(session, body)
        self._wake()
        session.port.proceed()


def page_query(request: client_packets.History, uid: int, peer: int | None, through: int) -> PageQuery:
    """Return a HISTORY's query to the log; `peer` bears the nickname now that is asked for."""
    room, to = given(request.room), given(request.to)
    return PageQuery(
        room=None if room is None else room.key,
        uid=uid,
        peer=peer,
        nickname="" if to is None else to.key,
        before=given(request.before),
        after=given(request.after),
        limit=request.limit,
        through=through,
    )


def search_query(request: client_packets.Search, user: User, through: int) -> SearchQuery:
    """Return a SEARCH's query to the log: in one room, or in all that the user may read."""
    name = given(request.room)
    sender, since, until = given(request.sender), given(request.since), given(request.until)
    rooms = tuple(room.key for room in user.rooms) if name is None else (name.key,)
    return SearchQuery(
        viewer=Viewer(user.uid, rooms),
        words=tuple(names.fold_text(request.query).split()),
        is_direct=name is None,
        through=through,
        sender=None if sender is None else sender.key,
        since=None if since is None else _millis(since),
        until=None if until is None else _millis(until),
        before=given(request.before),
        limit=request.limit,
    )


def _with_messages(body: bytes, bodies: list[bytes]) -> bytes:
    """Put bodies, which are JSON already, into the empty list of an answer."""
    return body.replace(b'"messages":[]', b'"messages":[%b]' % b",".join(bodies), 1)


def _millis(time: datetime) -> int:
    """Return the first whole millisecond since 1970 that is not before a time."""
    return -((_EPOCH - time) // timedelta(milliseconds=1))
