"""The words and filters of /search, read into the protocol's SEARCH (PROTOCOL.md section 4)."""

from datetime import datetime, timedelta

from msgspec import UNSET, UnsetType

from tcp_server.protocol import client_packets, names
from tcp_server.protocol.server_packets import QUERY_MAX


class SearchFault(ValueError):
    """What was typed is no search; the text says why."""


def parse_search(typed: str, now: datetime, limit: int) -> client_packets.Search:
    """Read "words from:alice in:room since:2026-11-01 before:2026-12-01".

    A date without a time is the beginning of that day in `now`'s zone; `today` and `yesterday` are dates too.
    `before:` is the protocol's `until`: exclusive.

    Raises:
        SearchFault: there are no words, or a filter has no such value.
    """
    words: list[str] = []
    room: str | UnsetType = UNSET
    sender: str | UnsetType = UNSET
    since: datetime | UnsetType = UNSET
    until: datetime | UnsetType = UNSET
    for word in typed.split():
        name, colon, value = word.partition(":")
        try:
            match name.lower() if colon and value else "":
                case "from":
                    names.nickname_key(value.removeprefix("@"))
                    sender = value.removeprefix("@")
                case "in":
                    names.room_key(value)
                    room = value.removeprefix("#")
                case "since" | "after":
                    since = parse_date(value, now)
                case "before" | "until":
                    until = parse_date(value, now)
                case _:
                    words.append(word)
        except ValueError as error:
            raise SearchFault(f"{name}: {error}") from None
    query = " ".join(words)
    if not query:
        raise SearchFault("a search needs at least one word")
    if len(query) > QUERY_MAX:
        raise SearchFault(f"a search has at most {QUERY_MAX} characters")
    return client_packets.Search(query=query, room=room, sender=sender, since=since, until=until, limit=limit)


def parse_date(value: str, now: datetime) -> datetime:
    """Read a date or a date and time; without a zone it is in that of `now`.

    Raises:
        ValueError: it is neither.
    """
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    if value in ("today", "yesterday"):
        return midnight - timedelta(days=value == "yesterday")
    try:
        when = datetime.fromisoformat(value)
    except ValueError:
        raise ValueError(f"{value} is no date such as {midnight:%Y-%m-%d}") from None
    return when if when.tzinfo is not None else when.replace(tzinfo=now.tzinfo)
