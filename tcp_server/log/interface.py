"""The log's two interfaces, and the values that cross them: all that the floors above know of the log.

`LiveLog` is the log of a running server, `LogUpkeep` is the work on a log besides chatting. An implementation keeps its
own threads, connections and caches. The product's are `sqlite_log` and `upkeep`.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Protocol, TypeAlias

from tcp_server.chat.directory import Changes, Present
from tcp_server.chat.outputs import Draft
from tcp_server.chat.state import Room

MISSED_MAX = 10_000  # missed messages; a session that comes back after more gets a GAP and the newest ones
MISSED_KEPT = 1_000  # messages after such a GAP
PAGE_BYTES = 128 * 1024  # of a page of a replay; a single message may be longer
LINK_PAGE_BYTES = 1024 * 1024  # as that, of a link's: it is for many sessions
LOOKED_AT_MAX = 20_000  # messages that one search looks at; what is found so far is a page then


class LogError(Exception):
    """The log can't be opened; the text says why and what to do."""


class LogUnavailable(Exception):
    """Nothing can be stored at the moment: the disk is full, or fails."""


class ArchiveError(ValueError):
    """The lines are no archive, or the log can't take them; the text names the line."""


@dataclass(frozen=True)
class Logged:
    """The entry that the log had already for a draft's (uid, ref)."""

    id: int
    body: bytes


Outcome: TypeAlias = int | Logged | None
"""A draft's new id; the entry that was logged before; None for a refused draft that was not found."""


@dataclass(frozen=True)
class Viewer:
    """The user for whom the log is read: a uid, and the keys of its rooms."""

    uid: int
    rooms: tuple[str, ...]


# Replays


class Span(Enum):
    """How much a replay has of the messages that a session missed."""

    ALL = "everything after the id, page by page"
    RECENT = "as ALL, but after more than MISSED_MAX messages a GAP and the newest MISSED_KEPT"
    NEWEST = "a GAP with `after` 0 and the newest MISSED_KEPT: the id is of another log"


@dataclass(frozen=True, slots=True)
class ReplayQuery:
    """Asks for the messages that a session missed after an id: at most `limit` and PAGE_BYTES.

    Any span but ALL is for the first page; what follows it is asked for as ALL, after the id that the page says.
    """

    viewer: Viewer
    after: int
    limit: int
    span: Span = Span.ALL


@dataclass(frozen=True, slots=True)
class LinkReplayQuery:
    """Asks for the next entries of everybody after an id, at most `limit` and LINK_PAGE_BYTES.

    The link picks those of its sessions.
    """

    after: int
    limit: int


@dataclass(frozen=True)
class Replay:
    """A page of the messages that a session missed.

    Attributes:
        bodies: the packets to send, oldest first; a GAP may be the first.
        after: the newest id that they cover.
        is_complete: nothing is left after it.
    """

    bodies: list[bytes]
    after: int
    is_complete: bool


@dataclass(frozen=True)
class LinkReplay:
    """A page of the entries that a link missed: of each the room's key (None: direct), both uids, and the body."""

    entries: list[tuple[str | None, tuple[int, int], bytes]]
    after: int
    is_complete: bool


AnyReplayQuery: TypeAlias = ReplayQuery | LinkReplayQuery
AnyReplay: TypeAlias = Replay | LinkReplay

# Pages


@dataclass(frozen=True)
class PageQuery:
    """Asks for a page of history: of a room, or of the direct messages between `uid` and another user.

    Attributes:
        room: a room's key; None: direct messages.
        peer: the uid of the other user; None: of the user that bore `nickname` last in the direct messages of `uid`.
        nickname: the folded name under which the other user was shown.
        before, after: ids that bound the page and are excluded; with neither, the page is the newest.
        through: the newest id that may be shown.
    """

    room: str | None = None
    uid: int = 0
    peer: int | None = None
    nickname: str = ""
    before: int | None = None
    after: int | None = None
    limit: int = 50
    through: int = 0


@dataclass(frozen=True)
class SearchQuery:
    """Asks for a page of hits that a viewer may see; times are in milliseconds since 1970.

    Attributes:
        words, sender: folded; a hit's text has each of the words.
        is_direct: the viewer's direct messages are searched too.
        since, until: the first time that counts, and the first that does not any more.
        before: the id before which hits are wanted.
        through: the newest id that may be shown.
    """

    viewer: Viewer
    words: tuple[str, ...]
    is_direct: bool
    through: int
    sender: str | None = None
    since: int | None = None
    until: int | None = None
    before: int | None = None
    limit: int = 50


Page: TypeAlias = tuple[list[bytes], bool]
"""Bodies that fit into one packet, and whether there are more of them in the direction of paging."""

SearchPage: TypeAlias = tuple[list[bytes], int | None]
"""Hits that fit into one packet, and the id before which the next page begins; None: there is nothing left to find."""


class LiveLog(Protocol):
    """The log of a running server. It is used on the event loop, which it never keeps waiting for a disk.

    Attributes:
        epoch: which log this is; it never changes.
        newest: the newest id that was ever given; 0 in a new log.
    """

    @property
    def epoch(self) -> str: ...
    @property
    def newest(self) -> int: ...

    def rooms(self) -> list[Room]:
        """Return every room, with its topic and its newest id; asked once, at the start."""

    def present(self) -> dict[int, Present]:
        """Return the users that were present when the server ended, by uid; asked once, at the start."""

    def append(
        self,
        drafts: Sequence[Draft],
        changes: Changes | None,
        queries: Sequence[AnyReplayQuery],
        stored: Callable[[Sequence[Outcome], Sequence[AnyReplay]], None],
        failed: Callable[[LogUnavailable], None],
    ) -> None:
        """Store a batch, all or nothing, and read replays right after it.

        Exactly one of the callbacks is called, on the loop and maybe before this returns; until then no other batch may
        be given. Ids grow by one from `newest` on, in the order of the drafts. A draft whose (uid, ref) is known gets
        no id and leaves nothing; nor does one with a `refusal`, which is looked up alone. Once `stored` is called, the
        batch survives the end of the process. The replays end at the newest id of this batch, so live packets follow
        them without a hole and without a repeat.
        """

    def page(self, query: PageQuery, answered: Callable[[Page], None], failed: Callable[[Exception], None]) -> None:
        """Read a page of history, oldest first; one of the callbacks is called in a later turn of the loop."""

    def search(
        self, query: SearchQuery, answered: Callable[[SearchPage], None], failed: Callable[[Exception], None]
    ) -> Callable[[], None]:
        """Read a page of hits, newest first; as `page`.

        A page ends when LOOKED_AT_MAX messages were looked at, at the latest, and may be empty then. A search holds up
        no page, and searches of one user hold up no other user's by more than one search.

        Returns:
            Gives the search up: no callback is called any more.
        """

    def close(self) -> None:
        """Finish the batch that was given, and give up pages and searches; nothing may be asked any more."""


class LogUpkeep(Protocol):
    """The work on a log besides chatting. Each call may wait for the disk; one thread at a time may call."""

    def unindexed(self) -> int:
        """Return about how many messages the search index doesn't have yet; `search` finds these, too, but slower."""

    def index(self, limit: int) -> int:
        """Put the next messages into the search index, at most `limit`, and return how many there were."""

    def prune(self, oldest_time: int, keep_messages: int | None, limit: int) -> bool:
        """Take out the oldest messages, at most `limit`, and say whether more are due.

        Due are messages from before `oldest_time` (milliseconds since 1970), and all but the newest `keep_messages`. A
        viewer that missed one of them gets a GAP.
        """

    def checkpoint(self) -> int:
        """Bring new entries into the log's main file, as far as no commit has to wait; return their pages."""

    def export_lines(self) -> Generator[bytes, None, None]:
        """Yield the lines of an archive: one moment's log, however long it takes. Close the generator before the log.

        Raises:
            LogError: the log can't be read.
        """

    def import_lines(self, lines: Iterable[bytes]) -> int:
        """Fill an empty log from an archive, all or nothing, and return the number of messages.

        Raises:
            ArchiveError: the log is not empty, or a line is wrong.
            LogError: the log can't be written.
        """

    def files(self) -> list[Path]:
        """Return the log's own files, whether they are there or not; nothing else may write to them."""

    def close(self) -> None:
        """Let go of the log."""
