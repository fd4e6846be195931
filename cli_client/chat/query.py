"""The words and filters of /search, read into the protocol's SEARCH (PROTOCOL.md section 4).

The page's query.js reads the same (tests/cases/queries.json).
"""

import re
from datetime import datetime, timedelta

from msgspec import UNSET, UnsetType

from tcp_server.protocol import client_packets, names
from tcp_server.protocol.names import Nickname, RoomName
from tcp_server.protocol.server_packets import QUERY_MAX

_DATE = re.compile(
    r"\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?(?:Z|[+-]\d\d:\d\d)?)?", re.ASCII | re.IGNORECASE
)


class SearchFault(ValueError):
    """The typed text is no search; the text of the fault says why."""


def parse_search(typed: str, now: datetime, limit: int) -> client_packets.Search:
    """Read "words from:alice in:room since:2026-11-01 before:2026-12-01".

    `before:` is the protocol's `until`: exclusive. The last filter of a kind counts.

    Raises:
        SearchFault: there are no words, or a filter has no such value.
    """
    words: list[str] = []
    room: RoomName | UnsetType = UNSET
    sender: Nickname | UnsetType = UNSET
    since: datetime | UnsetType = UNSET
    until: datetime | UnsetType = UNSET
    for word in typed.split():
        key, _, value = word.partition(":")
        match key.lower() if value else "":
            case "from":
                sender = _nickname(value)
            case "in":
                room = _room(value)
            case "since" | "after":
                since = parse_date(value, now)
            case "before" | "until":
                until = parse_date(value, now)
            case _:
                words.append(word)
    query = " ".join(words)
    if not query:
        raise SearchFault("a search needs at least one word")
    if len(query) > QUERY_MAX:
        raise SearchFault(f"a search has at most {QUERY_MAX} characters")
    return client_packets.Search(query=query, room=room, sender=sender, since=since, until=until, limit=limit)


def parse_date(value: str, now: datetime) -> datetime:
    """Read `today`, `yesterday`, a date, or a date and time.

    A day means its first moment. Without a zone the time is in that of `now`.

    Raises:
        SearchFault: it is none of them.
    """
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    match value.lower():
        case "today":
            return today
        case "yesterday":
            return today - timedelta(days=1)
    try:
        when = datetime.fromisoformat(value) if _DATE.fullmatch(value) else None
    except ValueError:
        when = None
    if when is None:
        raise SearchFault(f"{value} is no date; write it as {now:%Y-%m-%d}")
    return when if when.tzinfo is not None else when.replace(tzinfo=now.tzinfo)


def _nickname(value: str) -> Nickname:
    try:
        return names.checked_nickname(value.removeprefix("@"))
    except names.NameFault:
        raise SearchFault(f"from: {value} is no nickname") from None


def _room(value: str) -> RoomName:
    try:
        return names.checked_room(value)
    except names.NameFault:
        raise SearchFault(f"in: {value} is no room") from None
