"""The index of refs: a pair that was logged is found, in memory, on its way to disk, there, and after a restart."""

import random
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from tcp_server.log import refs as refs_module
from tcp_server.log.interface import Logged, LogUnavailable
from tcp_server.log.refs import ref_hash
from tests.tcp_server.logbook import Logbook


@pytest.fixture
def book(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Logbook]:
    """A log whose memory for refs is small."""
    monkeypatch.setattr(refs_module, "RECENT", 20)
    monkeypatch.setattr(refs_module, "SHARE_MIN", 3)
    monkeypatch.setattr(refs_module, "PAIRS_MAX", 4)
    book = Logbook(tmp_path)
    yield book
    book.close()


def on_disk(book: Logbook) -> int:
    return int(book.writer.database.execute("SELECT count(*) FROM by_ref").fetchone()[0])


def assert_known(book: Logbook, refs: list[str]) -> None:
    """Each ref is found, with the message that it was logged with; and one that was not is not."""
    again = book.append(*[book.draft("again", ref=ref) for ref in refs])
    assert [outcome.id for outcome in again if isinstance(outcome, Logged)] == list(range(1, len(refs) + 1))
    unknown = book.draft("x", ref="never")
    unknown.refusal = ("not_in_room", "no")
    assert book.append(unknown) == [None]


def test_every_ref_is_found_on_every_step_of_its_way(book: Logbook) -> None:
    """After each message and each lookup, all that were logged."""
    refs: list[str] = []
    stages: set[int] = set()
    for number in range(65):
        refs.append(f"ref-{number}")
        assert book.append(book.draft(str(number), ref=refs[-1])) == [number + 1]
        for id, ref in enumerate(refs, 1):
            (known,) = book.append(book.draft("again", ref=ref))
            assert isinstance(known, Logged)
            assert known.id == id
            stages.add(on_disk(book))
    assert stages >= {0, 3, 6, 18, 20, 23, 40, 60}  # in memory, by shares of three, and all but the newest


def test_every_ref_is_found_after_a_restart(book: Logbook) -> None:
    """Wherever it was."""
    refs: list[str] = []
    for number in range(60):
        refs.append(f"ref-{number}")
        book.append(book.draft(str(number), ref=refs[-1]))
        if number % 7 == 0:
            book.reopen()
            assert_known(book, refs)


def noted(book: Logbook) -> int:
    """Return the id from which on a start looks for refs that are not on disk."""
    row = book.writer.database.execute("SELECT value FROM meta WHERE name = 'refs'").fetchone()
    return int(row[0]) if row else 0


def test_a_start_reads_a_short_tail(book: Logbook, monkeypatch: pytest.MonkeyPatch) -> None:
    """However few of the messages have a ref: none at all, or one that grows old."""
    monkeypatch.setattr(refs_module, "TAIL_MAX", 10)
    book.say(*"abcde", ref=None)
    book.writer.sort()
    assert noted(book) == 5
    book.append(book.draft("with a ref", ref="old"))
    book.say(*"abcdefghi", ref=None)
    book.writer.sort()
    assert (noted(book), on_disk(book)) == (5, 0)
    book.say("j", ref=None)
    book.say("k", ref=None)
    assert on_disk(book) == 1
    book.reopen()
    (known,) = book.append(book.draft("again", ref="old"))
    assert isinstance(known, Logged)
    assert known.id == 6


def test_a_batch_that_was_rolled_back_loses_nothing(book: Logbook) -> None:
    """Neither what it was to bring to disk, nor does it leave what it was to append."""
    refs = [f"ref-{number}" for number in range(30)]
    for number, ref in enumerate(refs):
        book.append(book.draft(str(number), ref=ref))
    book.writer.database.execute("CREATE TRIGGER no BEFORE INSERT ON entry BEGIN SELECT raise(ABORT, 'no'); END")
    for _ in range(3):
        with pytest.raises(LogUnavailable):
            book.append(book.draft("x", ref="rolled back"))
    book.writer.database.execute("DROP TRIGGER no")
    assert_known(book, refs)
    assert book.append(book.draft("x", ref="rolled back")) == [31]
    book.append(*[book.draft("y", ref=f"more-{number}") for number in range(40)])
    assert book.append(book.draft("x", ref="ref-0")) == [Logged(1, _body(book, 1))]


def _body(book: Logbook, id: int) -> bytes:
    (body,) = book.writer.database.execute("SELECT body FROM entry WHERE id = ?", (id,)).fetchone()
    return b'{"type":"MSG","id":%d,%b' % (id, body.encode())


def test_any_batches(book: Logbook) -> None:
    """Held against a dict, with restarts between."""
    dice = random.Random(7)
    truth: dict[tuple[str, str], int] = {}
    newest = 0
    for _ in range(120):
        pairs = [(dice.choice(["alice", "bob"]), f"r{dice.randrange(150)}") for _ in range(dice.randrange(1, 12))]
        outcomes = book.append(*[book.draft("x", sender=sender, ref=ref) for sender, ref in pairs])
        for pair, outcome in zip(pairs, outcomes, strict=True):
            if pair in truth:
                assert isinstance(outcome, Logged)
                assert outcome.id == truth[pair]
            else:
                newest += 1
                assert outcome == newest
                truth[pair] = newest
        if dice.random() < 0.05:
            book.reopen()


def test_two_pairs_of_one_hash(book: Logbook, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are not taken for each other while both are in memory's reach: the entry itself is looked at."""
    monkeypatch.setattr(refs_module, "ref_hash", lambda uid, ref: 7)
    assert book.append(book.draft("one", ref="a")) == [1]
    assert book.append(book.draft("two", ref="b")) == [2]


def test_a_hash_is_a_number_of_sqlites() -> None:
    """64 bits, signed, the same in every process."""
    assert ref_hash(1, "r") == ref_hash(1, "r") != ref_hash(2, "r")
    for number in range(100):
        assert -(2**63) <= ref_hash(number, "é😀") < 2**63
    database = sqlite3.connect(":memory:")
    assert database.execute("SELECT ?", (ref_hash(1, "r"),)).fetchone() == (ref_hash(1, "r"),)
    database.close()
