"""Search by values: index, half an index and no index give the same hits as looking at every message."""

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from tcp_server.log import search as search_module
from tcp_server.log.interface import SearchQuery, Viewer
from tcp_server.log.search import (
    SearchGivenUp,
    SearchReadings,
    fill_index,
    fold_pieces,
    indexed_text,
    unindexed,
)
from tcp_server.protocol.names import fold_text
from tests.cost import cost
from tests.tcp_server.logbook import TIME, Logbook, ids

TEXTS = [
    "The quick brown fox",
    "a QUICK answer",
    "brownian motion, quickly",
    "Straße 1",
    "小林さん",
    "ﬁnally",
    "no\nline",
    'say "hello"',
    "100% _sure_",
    "NEAR(a b) OR c*",
    "naïve café",
    "аbc",
    "😀 smile",
    "x",
]

ALICE = Viewer(1, ("tea",))


@pytest.fixture(params=[0, 7, 1000], ids=["no index", "half an index", "an index"])
def book(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Logbook]:
    """The texts in a room as ids 1–14, then one elsewhere and one direct message."""
    book = Logbook(tmp_path)
    for name in ("alice", "bob", "carol"):
        book.user(name)
    for number, text in enumerate(TEXTS):
        book.say(text, sender=("alice", "Bob")[number % 2])
    book.say("quick milk", room="milk", sender="bob")
    book.say("quick whisper", to="alice", sender="bob")
    if request.param:
        fill_index(book.writer.database, request.param)
    yield book
    book.close()


@pytest.fixture
def search(book: Logbook) -> Iterator[SearchReadings]:
    search = book.search()
    yield search
    search._database.close()


def find(
    search: SearchReadings,
    text: str,
    viewer: Viewer = ALICE,
    *,
    direct: bool = False,
    through: int = 99,
    **fields: object,
) -> list[int]:
    words = tuple(fold_text(text).split())
    return ids(search.search(SearchQuery(viewer, words, direct, through, **fields))[0])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "query",
    [
        "quick",
        "QUICK brown",
        "ick own",
        "q",
        "qu",
        "o",
        "strasse",
        "小",
        "小林",
        "小林さ",
        "fin",
        "line no",
        '"hello"',
        '"',
        "%",
        "_",
        "_sure_",
        "near(a",
        "c*",
        "or",
        "NAÏVE",
        "cafe\u0301",
        "naive",
        "abc",
        "аbc",
        "😀",
        "x",
        "z",
        "quick z",
        "the quick brown fox jumps",
    ],
)
def test_hits_are_all_texts_that_hold_every_word(search: SearchReadings, query: str) -> None:
    """Newest first, compared folded."""
    words = fold_text(query).split()
    expected = [number for number, text in enumerate(TEXTS, 1) if all(word in fold_text(text) for word in words)]
    assert find(search, query) == expected[::-1]


def test_only_what_one_may_see(search: SearchReadings) -> None:
    """One's rooms, and one's direct messages if asked for."""
    assert find(search, "quick") == [3, 2, 1]
    assert find(search, "quick", direct=True) == [16, 3, 2, 1]
    assert find(search, "quick", Viewer(2, ("milk",)), direct=True) == [16, 15]
    assert find(search, "quick", Viewer(3, ("milk",)), direct=True) == [15]
    assert find(search, "quick", Viewer(3, ()), direct=True) == []
    assert find(search, "quick", Viewer(3, ())) == []
    assert find(search, "q", Viewer(1, ()), direct=True) == [16]


def test_conditions(search: SearchReadings) -> None:
    """Sender, times in milliseconds, cursor, and nothing over `through`."""
    assert find(search, "quick", sender="bob") == [2]
    assert find(search, "quick", since=TIME + 2) == [3, 2]
    assert find(search, "quick", until=TIME + 3) == [2, 1]
    assert find(search, "quick", since=TIME + 2, until=TIME + 3) == [2]
    assert find(search, "q", since=TIME + 2, until=TIME + 3) == [2]
    assert find(search, "quick", since=-(10**15), until=10**15) == [3, 2, 1]
    assert find(search, "quick", before=3) == [2, 1]
    assert find(search, "quick", before=10**40) == [3, 2, 1]
    assert find(search, "quick", through=2) == [2, 1]
    assert find(search, "quick", limit=1) == [3]


def test_pages_join(search: SearchReadings) -> None:
    """Each page says where the next one begins."""
    seen: list[int] = []
    before: int | None = 100
    while before is not None:
        bodies, before = search.search(SearchQuery(ALICE, ("q",), True, 99, before=before, limit=2))
        assert len(bodies) <= 2
        seen += ids(bodies)
    assert seen == [16, 3, 2, 1]


def test_the_index_grows_by_pages(tmp_path: Path) -> None:
    """Each message once; `unindexed` says how many are left."""
    book = Logbook(tmp_path)
    assert fill_index(book.writer.database, 10) == 0
    book.say(*["some words"] * 25)
    counts = []
    left = []
    while count := fill_index(book.writer.database, 10):
        counts.append(count)
        left.append(unindexed(book.writer.database))
    assert (counts, left) == ([10, 10, 5], [15, 5, 0])
    search = book.search()
    assert find(search, "words", Viewer(1, ("tea",))) == list(range(25, 0, -1))
    search._database.close()
    book.close()


def test_long_searches_read_page_after_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Scanned or from the index, a hit far back is found behind many that only look like one."""
    monkeypatch.setattr(search_module, "LOOK_FIRST", 10)
    monkeypatch.setattr(search_module, "LOOK_MAX", 10)
    book = Logbook(tmp_path)
    (first,) = book.say("needle thread", sender="bob")
    book.say(*["needle"] * 65)
    search = book.search()
    for count in (0, 40, 60):
        if count:
            fill_index(book.writer.database, count)
        assert find(search, "needle", Viewer(1, ("tea",)), sender="bob") == [first]
        assert find(search, "th", Viewer(1, ("tea",))) == [first]
        assert find(search, "thread needle", Viewer(1, ("tea",)), since=0) == [first]
    search._database.close()
    book.close()


@pytest.mark.parametrize("indexed", [0, 30, 100])
@pytest.mark.parametrize(("name", "value"), [("LOOKED_AT_MAX", 20), ("LOOKED_AT_BYTES", 500)])
def test_a_search_looks_at_so_much(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, indexed: int, name: str, value: int
) -> None:
    """A page may be empty; those behind it have all hits, each once. Messages of other rooms count in the index."""
    monkeypatch.setattr(search_module, "LOOK_FIRST", 7)
    monkeypatch.setattr(search_module, "LOOK_MAX", 7)
    monkeypatch.setattr(search_module, name, value)
    book = Logbook(tmp_path)
    hits = book.say("needle one", "needle two")
    book.say(*["needle"] * 40)
    book.say(*["needle"] * 30, room="milk")
    hits += book.say("needle one, again")
    fill_index(book.writer.database, indexed)
    search = book.search()
    pages: list[list[int]] = []
    before: int | None = 100
    while before is not None:
        bodies, before = search.search(SearchQuery(ALICE, ("needle", "o"), False, 99, before=before))
        pages.append(ids(bodies))
    assert [id for page in pages for id in page] == hits[::-1]
    assert len(pages) > 1
    assert [] in pages or name == "LOOKED_AT_BYTES"
    search._database.close()
    book.close()


def test_a_search_is_given_up_between_two_messages(tmp_path: Path) -> None:
    """By a question before each."""
    book = Logbook(tmp_path)
    book.say(*["hay"] * 10)
    search = book.search()
    answers = iter([False, False, True])
    with pytest.raises(SearchGivenUp):
        search.search(SearchQuery(ALICE, ("needle",), False, 99), lambda: next(answers))
    assert list(answers) == []
    search._database.close()
    book.close()


@pytest.mark.parametrize(
    "text",
    [
        "Straße, naïve café, ﬁnally. " * 200,
        "e\u0301\u0316\u0302" * 2_000,
        "\u1112\u1161\u11ab" * 2_000,  # Hangul in pieces
        "か\u3099" * 3_000,
        "\u0995\u09c7\u09be" * 2_000,  # Bengali: two signs that become one
        "\U0001f4a5" * 5_000,
        "x" + "\u0301" * 300 + "y" * 1_000,
    ],
)
def test_a_text_is_folded_in_pieces(text: str) -> None:
    """As it is folded at once, wherever the pieces end; but for runs of more marks than any message may have now."""
    for start in range(4):
        if "\u0301" * 300 in text:
            assert fold_pieces(text[start:]).endswith("y" * 1_000)
        else:
            assert fold_pieces(text[start:]) == fold_text(text[start:])


def test_no_text_is_dear_to_fold() -> None:
    """A text of marks alone, as older logs may have, costs less than 15 ms; at once it costs 60."""
    text = "x" + "\u0301\u0316" * 3_999
    assert cost(lambda: fold_pieces(text), 0.015) < 0.015


def test_a_failed_filling_changes_nothing(tmp_path: Path) -> None:
    """It is tried again later."""
    book = Logbook(tmp_path)
    book.say("words")
    book.writer.database.execute("CREATE TRIGGER no BEFORE INSERT ON meta BEGIN SELECT raise(ABORT, 'no'); END")
    with pytest.raises(sqlite3.IntegrityError, match="no"):
        fill_index(book.writer.database, 10)
    book.writer.database.execute("DROP TRIGGER no")
    assert fill_index(book.writer.database, 10) == 1
    book.close()


def test_what_the_index_holds() -> None:
    """The text alone, folded."""
    assert indexed_text(json.dumps({"nickname": "x", "message": "Straße"})[1:]) == "strasse"
