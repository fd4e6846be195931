"""The promises of `LiveLog`, held against the log in SQLite and the log in memory: same inputs, same outcomes."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from tcp_server.chat.directory import Changes, Present
from tcp_server.chat.outputs import Draft
from tcp_server.log.interface import (
    LINK_PAGE_BYTES,
    LOOKED_AT_MAX,
    MISSED_KEPT,
    MISSED_MAX,
    PAGE_BYTES,
    AnyReplay,
    AnyReplayQuery,
    LinkReplay,
    LinkReplayQuery,
    LiveLog,
    Logged,
    LogUnavailable,
    LogUpkeep,
    Outcome,
    Page,
    PageQuery,
    Replay,
    ReplayQuery,
    SearchPage,
    SearchQuery,
    Span,
    Viewer,
)
from tcp_server.log.sqlite_log import SqliteLog
from tcp_server.log.upkeep import open_upkeep
from tcp_server.protocol.entries import MSG, entry_body
from tests.tcp_server.logbook import TIME, Drafts, ids
from tests.tcp_server.memory_log import MemoryLog

ALICE = Viewer(1, ("tea", "coffee"))


class Asker(Drafts):
    """Asks a live log and waits for what it answers."""

    def __init__(self, log: LiveLog) -> None:
        super().__init__()
        self.log = log
        for name in ("alice", "bob", "carol"):
            self.user(name)

    async def append(
        self, *drafts: Draft, changes: Changes | None = None, queries: Sequence[AnyReplayQuery] = ()
    ) -> tuple[list[Outcome], list[AnyReplay]]:
        """Store a batch; exactly one callback may be called."""
        answer: asyncio.Future[tuple[list[Outcome], list[AnyReplay]]] = asyncio.get_running_loop().create_future()
        self.log.append(
            drafts,
            changes,
            queries,
            lambda outcomes, replays: answer.set_result((list(outcomes), list(replays))),
            answer.set_exception,
        )
        return await answer

    async def say(self, *messages: str, room: str | None = "tea", **fields: Any) -> list[Outcome]:
        return (await self.append(*[self.draft(message, room, **fields) for message in messages]))[0]

    async def missed(self, viewer: Viewer, after: int, limit: int = 100, span: Span = Span.ALL) -> Replay:
        _, (replay,) = await self.append(queries=[ReplayQuery(viewer, after, limit, span)])
        assert isinstance(replay, Replay)
        return replay

    async def page(self, **fields: Any) -> tuple[list[int], bool]:
        """Ask for a page; the answer comes in a later turn."""
        answer: asyncio.Future[Page] = asyncio.get_running_loop().create_future()
        self.log.page(PageQuery(**{"through": 10**9, **fields}), answer.set_result, answer.set_exception)
        assert not answer.done()
        bodies, more = await answer
        return ids(bodies), more

    async def find(self, *words: str, viewer: Viewer = ALICE, **fields: Any) -> tuple[list[int], int | None]:
        """Search; the answer comes in a later turn."""
        query = SearchQuery(viewer, words, **{"is_direct": True, "through": 10**9, **fields})
        answer: asyncio.Future[SearchPage] = asyncio.get_running_loop().create_future()
        self.log.search(query, answer.set_result, answer.set_exception)
        assert not answer.done()
        bodies, before = await answer
        return ids(bodies), before


@pytest.fixture(params=["memory", "sqlite"])
async def asker(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Asker]:
    log = MemoryLog() if request.param == "memory" else SqliteLog(tmp_path, asyncio.get_running_loop())
    yield Asker(log)
    log.close()


@pytest.fixture
async def talk(asker: Asker) -> Asker:
    """Ids 1-12: tea, coffee, a room that alice isn't in, and direct messages, three times."""
    for number in range(3):
        await asker.say(f"Tea {number}", room="tea")
        await asker.say(f"coffee {number}", room="coffee", sender="bob")
        await asker.say(f"milk {number}", room="milk", sender="bob")
        await asker.say(f"direct {number}", to="bob", sender=("alice", "carol")[number % 2])
    return asker


# Appending


async def test_ids_grow_by_one(asker: Asker) -> None:
    """In the order of the drafts; an empty log has none."""
    assert asker.log.newest == 0
    assert await asker.say("one", "two") == [1, 2]
    assert await asker.say("three", to="bob") == [3]
    assert await asker.say() == []
    assert asker.log.newest == 3
    assert asker.log.epoch == asker.log.epoch != ""


async def test_a_known_ref_gets_no_id(asker: Asker) -> None:
    """In the same batch and later; of another user it is another one."""
    first = asker.draft("once", ref="r")
    logged = Logged(1, entry_body(MSG, 1, first.rest))
    assert (await asker.append(first, asker.draft("twice", ref="r")))[0] == [1, logged]
    assert (await asker.append(asker.draft("again", "coffee", ref="r"), asker.draft("other", ref="s")))[0] == [
        logged,
        2,
    ]
    assert await asker.say("his", sender="bob", ref="r") == [3]
    assert ids((await asker.missed(ALICE, 0)).bodies) == [1, 2, 3]


async def test_a_refused_draft_is_only_looked_up(asker: Asker) -> None:
    """Found, it is what was logged; not found, it is None and leaves nothing."""
    first = asker.draft("once", ref="r")
    await asker.append(first)
    known, unknown = asker.draft("x", ref="r"), asker.draft("x", "new", ref="s")
    known.refusal = unknown.refusal = ("not_in_room", "no")
    assert (await asker.append(known, unknown))[0] == [Logged(1, entry_body(MSG, 1, first.rest)), None]
    assert [room.key for room in asker.log.rooms()] == ["tea"]
    assert await asker.say("now", ref="s") == [2]


async def test_what_the_server_starts_with(asker: Asker) -> None:
    """Rooms with topics and newest ids, a first name that stays, and the users that are present."""
    changes = Changes({"tea": ("Tea", "leaves"), "empty": ("empty", "")}, {7: Present("zoë", ["tea"])})
    await asker.append(asker.draft("one", "tea"), asker.draft("two", "coffee"), changes=changes)
    await asker.append(changes=Changes({"tea": ("ignored", "milk")}, {7: None, 8: Present("bob", [])}))
    rooms = {room.key: (room.name, room.topic, room.newest) for room in asker.log.rooms()}
    assert rooms == {"tea": ("Tea", "milk", 1), "empty": ("empty", "", 0), "coffee": ("coffee", "", 2)}
    assert asker.log.present() == {8: Present("bob", [])}


# Replays


async def test_a_replay_ends_with_its_own_batch(talk: Asker) -> None:
    """So that the next live packet joins it."""
    queries: list[AnyReplayQuery] = [ReplayQuery(ALICE, 9, 100), LinkReplayQuery(11, 100)]
    outcomes, (replay, of_link) = await talk.append(talk.draft("live"), queries=queries)
    assert outcomes == [13]
    assert isinstance(replay, Replay)
    assert isinstance(of_link, LinkReplay)
    assert (ids(replay.bodies), replay.after, replay.is_complete) == ([10, 12, 13], 13, True)
    assert [(key, uids) for key, uids, _ in of_link.entries] == [(None, (1, 2)), ("tea", (1, 0))]


async def test_a_replay_has_what_the_viewer_may_see(talk: Asker) -> None:
    """Its rooms and its direct messages; nothing missed is nothing."""
    assert ids((await talk.missed(ALICE, 0)).bodies) == [1, 2, 4, 5, 6, 9, 10, 12]
    assert ids((await talk.missed(Viewer(2, ("milk",)), 0)).bodies) == [3, 4, 7, 8, 11, 12]
    assert ids((await talk.missed(Viewer(3, ()), 0)).bodies) == [8]
    assert await talk.missed(ALICE, 12) == Replay([], 12, True)


@pytest.mark.parametrize("limit", [1, 3, 8, 9])
async def test_a_replay_page_by_page(talk: Asker, limit: int) -> None:
    """All of it; the last page covers the entries of others too."""
    seen: list[int] = []
    after, is_complete = 0, False
    while not is_complete:
        replay = await talk.missed(ALICE, after, limit)
        assert len(replay.bodies) <= limit
        seen += ids(replay.bodies)
        after, is_complete = replay.after, replay.is_complete
    assert (seen, after) == ([1, 2, 4, 5, 6, 9, 10, 12], 12)


async def test_a_link_page_by_page(talk: Asker) -> None:
    """Entries of everybody."""
    _, (page,) = await talk.append(queries=[LinkReplayQuery(2, 3)])
    assert isinstance(page, LinkReplay)
    assert [(key, uids) for key, uids, _ in page.entries] == [("milk", (2, 0)), (None, (1, 2)), ("tea", (1, 0))]
    assert (ids([body for *_, body in page.entries]), page.after, page.is_complete) == ([3, 4, 5], 5, False)


async def test_the_newest_after_a_gap(talk: Asker) -> None:
    """For any id of another log; a viewer without messages gets the GAP alone."""
    replay = await talk.missed(ALICE, 7, span=Span.NEWEST)
    assert json.loads(replay.bodies[0]) == {"type": "GAP", "after": 0, "id": 1}
    assert (ids(replay.bodies[1:]), replay.after) == ([1, 2, 4, 5, 6, 9, 10, 12], 12)
    (gap,) = (await talk.missed(Viewer(99, ()), 3, span=Span.NEWEST)).bodies
    assert json.loads(gap) == {"type": "GAP", "after": 0, "id": 13}


async def test_too_many_missed_messages(asker: Asker) -> None:
    """A GAP and the newest ones, but only if the span is RECENT; entries of others don't count."""
    await asker.say(*["x"] * MISSED_MAX)
    await asker.say(*["x"] * 50, room="milk")
    assert len((await asker.missed(ALICE, 0, span=Span.RECENT)).bodies) == 100
    await asker.say("one more")
    replay = await asker.missed(ALICE, 0, span=Span.RECENT)
    first = MISSED_MAX - MISSED_KEPT + 2
    assert json.loads(replay.bodies[0]) == {"type": "GAP", "after": 0, "id": first}
    assert ids(replay.bodies[1:]) == [*range(first, first + 100)]
    assert (replay.after, replay.is_complete) == (first + 99, False)
    following = await asker.missed(ALICE, replay.after, 1000)
    assert ids(following.bodies) == [*range(first + 100, MISSED_MAX + 1), MISSED_MAX + 51]
    assert (following.after, following.is_complete) == (MISSED_MAX + 51, True)
    assert ids((await asker.missed(ALICE, 1, 2, Span.RECENT)).bodies) == [2, 3]
    assert ids((await asker.missed(ALICE, 0, 2)).bodies) == [1, 2]


# Pages


async def test_a_page_of_a_room(talk: Asker) -> None:
    """The newest, before, after; more in the direction of paging; nothing over `through`."""
    assert await talk.page(room="tea", limit=2) == ([5, 9], True)
    assert await talk.page(room="tea", limit=3) == ([1, 5, 9], False)
    assert await talk.page(room="tea", before=9, limit=1) == ([5], True)
    assert await talk.page(room="tea", after=0, limit=2) == ([1, 5], True)
    assert await talk.page(room="tea", after=1, limit=2) == ([5, 9], False)
    assert await talk.page(room="tea", through=8) == ([1, 5], False)
    assert await talk.page(room="tea", after=10**40) == await talk.page(room="nowhere") == ([], False)
    assert await talk.page(room="tea", before=10**40, limit=1) == ([9], True)


async def test_a_page_of_direct_messages(talk: Asker) -> None:
    """By the name under which the other user was shown."""
    assert await talk.page(uid=2, nickname="alice") == ([4, 12], False)
    assert await talk.page(uid=2, nickname="carol") == ([8], False)
    assert await talk.page(uid=1, nickname="bob", limit=1) == ([12], True)
    assert await talk.page(uid=1, nickname="carol") == ([], False)
    await talk.say("to myself", to="alice")
    assert await talk.page(uid=1, nickname="alice") == ([13], False)


async def test_a_page_fits_into_a_packet(asker: Asker) -> None:
    """However long the messages are."""
    await asker.say(*["x" * 8000] * 20)
    page, more = await asker.page(room="tea", limit=20)
    assert more
    assert page == list(range(21 - len(page), 21))
    assert await asker.find("xxx", limit=20) == (page[::-1], page[0])


@pytest.mark.parametrize("span", [Span.ALL, Span.NEWEST])
async def test_a_page_of_a_replay_has_a_size(asker: Asker, span: Span) -> None:
    """However long the messages are, and the next page follows; that of a link may be longer."""
    await asker.say(*["x" * 8000] * 200)
    seen: list[int] = []
    after, is_complete = 0, False
    while not is_complete:
        replay = await asker.missed(ALICE, after, 250, span)
        assert sum(map(len, replay.bodies)) <= PAGE_BYTES + 50
        if span is Span.NEWEST:
            assert json.loads(replay.bodies.pop(0)) == {"type": "GAP", "after": 0, "id": 1}
        span = Span.ALL
        seen += ids(replay.bodies)
        after, is_complete = replay.after, replay.is_complete
    assert seen == [*range(1, 201)]
    _, (page,) = await asker.append(queries=[LinkReplayQuery(0, 250)])
    assert isinstance(page, LinkReplay)
    assert 100 < len(page.entries) < 200
    assert (page.after, page.is_complete) == (len(page.entries), False)
    assert sum(len(body) for _, _, body in page.entries) <= LINK_PAGE_BYTES


async def test_hits(talk: Asker) -> None:
    """Every word, folded; what the viewer may see; newest first."""
    assert await talk.find("tea") == ([9, 5, 1], None)
    assert await talk.find("t") == ([12, 9, 5, 4, 1], None)
    assert await talk.find("direct", "2") == ([12], None)
    assert await talk.find("direct", is_direct=False) == ([], None)
    assert await talk.find("milk") == ([], None)
    assert await talk.find("milk", viewer=Viewer(3, ("milk",))) == ([11, 7, 3], None)


async def test_conditions_on_hits(talk: Asker) -> None:
    """Sender, times, cursor, limit, and nothing over `through`."""
    assert await talk.find("0", sender="bob") == ([2], None)
    assert await talk.find("tea", since=TIME + 5) == ([9, 5], None)
    assert await talk.find("tea", until=TIME + 5) == ([1], None)
    assert await talk.find("tea", before=9) == ([5, 1], None)
    assert await talk.find("tea", limit=2) == ([9, 5], 5)
    assert await talk.find("tea", through=8) == ([5, 1], None)


async def test_a_search_that_finds_nothing_for_long(asker: Asker) -> None:
    """It stops, and says where to go on."""
    await asker.say("needle")
    await asker.say(*["hay"] * (LOOKED_AT_MAX + 10))
    assert await asker.find("needle") == ([], 12)
    assert await asker.find("needle", before=12) == ([1], None)
    assert await asker.find("ne", sender="alice") == ([], 12)
    assert await asker.find("hay", until=0) == ([], 12)


async def test_a_search_that_is_given_up(talk: Asker) -> None:
    """Nothing is called any more, and the next one is answered."""
    called: list[object] = []
    query = SearchQuery(ALICE, ("tea",), True, 99)
    for _ in range(3):
        talk.log.search(query, called.append, called.append)()
    assert await talk.find("tea") == ([9, 5, 1], None)
    assert called == []


# The end, and upkeep


async def test_a_batch_that_was_given_is_stored_at_the_end(tmp_path: Path) -> None:
    """`close` waits for it, wherever it is."""
    log = SqliteLog(tmp_path, asyncio.get_running_loop(), full_sync=True)
    drafts = Drafts()
    log.append([drafts.draft("last words")], None, [], lambda *_: None, lambda _: None)
    log.close()
    again = SqliteLog(tmp_path, asyncio.get_running_loop())
    assert again.newest == 1
    again.close()


async def test_a_log_that_fails(asker: Asker, monkeypatch: pytest.MonkeyPatch) -> None:
    """The batch is refused as a whole, and the next one gets its ids."""
    if isinstance(asker.log, MemoryLog):
        asker.log.error = LogUnavailable("full")
    else:
        assert isinstance(asker.log, SqliteLog)
        asker.log._writer.database.execute("PRAGMA query_only = 1")
    with pytest.raises(LogUnavailable):
        await asker.say("lost", "too", ref=None)
    if isinstance(asker.log, MemoryLog):
        asker.log.error = None
    else:
        assert isinstance(asker.log, SqliteLog)
        asker.log._writer.database.execute("PRAGMA query_only = 0")
    assert await asker.say("stored") == [1]


def test_the_upkeep_of_a_folder(tmp_path: Path) -> None:
    """It has the interface."""
    upkeep: LogUpkeep = open_upkeep(tmp_path)
    assert (upkeep.unindexed(), upkeep.index(10), upkeep.prune(2**62, 1, 10)) == (0, 0, False)
    upkeep.close()
