"""Export and import: a log goes out as lines and comes back as it was; a bad line leaves nothing behind."""

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tcp_server.chat.directory import Changes
from tcp_server.log.archive import export_lines, import_lines
from tcp_server.log.database import FILE_NAME, open_database
from tcp_server.log.interface import ArchiveError, Logged, Viewer
from tcp_server.log.search import unindexed
from tests.tcp_server.logbook import Logbook, direct_page, ids, missed

HEAD = {"type": "ARCHIVE", "version": 1, "epoch": "e"}
MESSAGE: dict[str, Any] = {
    "type": "MSG",
    "id": 1,
    "uid": 1,
    "nickname": "alice",
    "message": "hi",
    "timestamp": "2026-11-22T10:00:00.000Z",
    "room": "tea",
}


@pytest.fixture
def source(tmp_path: Path) -> Iterator[Logbook]:
    """A log with rooms, direct messages, refs, a topic, and a pruned start."""
    (tmp_path / "source").mkdir()
    book = Logbook(tmp_path / "source")
    book.writer.append([], Changes({"tea": ("Tea", "leaves & 茶"), "empty": ("empty", "")}, {}))
    book.say("line\nbreak", '"quoted" 😀', room="Tea", ref=None)
    book.append(book.draft("with a ref", "coffee", ref="r"))
    book.say("psst", to="bob")
    book.say("to myself", to="alice")
    yield book
    book.close()


@pytest.fixture
def target(tmp_path: Path) -> Iterator[Logbook]:
    (tmp_path / "target").mkdir()
    book = Logbook(tmp_path / "target")
    yield book
    book.close()


def lines(*entries: object) -> list[bytes]:
    return [json.dumps(entry).encode() for entry in entries]


def test_an_archive_is_lines_of_json(source: Logbook) -> None:
    """Which log, its rooms, its messages as they go over the wire with the uids."""
    entries = [json.loads(line) for line in export_lines(source.writer.database)]
    assert entries[0] == {"type": "ARCHIVE", "version": 1, "epoch": source.writer.epoch}
    assert entries[1:3] == [
        {"type": "ROOM", "room": "Tea", "topic": "leaves & 茶"},
        {"type": "ROOM", "room": "empty", "topic": ""},
    ]
    messages = [entry for entry in entries if entry["type"] == "MSG"]
    assert [(entry["id"], entry["uid"], entry.get("peer")) for entry in messages] == [
        (1, 1, None),
        (2, 1, None),
        (3, 1, None),
        (4, 1, 2),
        (5, 1, 1),
    ]
    assert messages[0]["message"] == "line\nbreak"


def test_there_and_back(source: Logbook, target: Logbook) -> None:
    """The same epoch, ids, rooms, refs and readings; and the same archive again."""
    archive = list(export_lines(source.writer.database))
    assert import_lines(target.writer, archive) == 5
    assert list(export_lines(target.writer.database)) == archive
    for _ in range(2):
        assert (target.writer.epoch, target.writer.newest) == (source.writer.epoch, 5)
        rooms = [(room.key, room.name, room.topic, room.newest) for room in target.writer.rooms()]
        assert rooms == [(room.key, room.name, room.topic, room.newest) for room in source.writer.rooms()]
        viewer = Viewer(1, ("tea", "coffee"))
        assert missed(target.writer.readings, viewer) == missed(source.writer.readings, viewer)
        search = target.search()
        assert ids(direct_page(search, 2, "alice")[0]) == [4]
        assert ids(direct_page(search, 1, "alice")[0]) == [5]
        search._database.close()
        target.reopen()
    assert isinstance(target.append(target.draft("x", "coffee", ref="r"))[0], Logged)
    assert target.say("next") == [6]


def test_an_import_can_be_searched_at_once(source: Logbook, target: Logbook, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its search index is whole, however many pages it took."""
    monkeypatch.setattr("tcp_server.log.archive.INDEX_PAGE", 2)
    assert import_lines(target.writer, export_lines(source.writer.database)) > 2
    assert unindexed(target.writer.database) == 0


def test_a_snapshot(source: Logbook) -> None:
    """What is logged after the start of the export is left out."""
    database = open_database(source.folder / FILE_NAME)
    export = export_lines(database)
    first = next(export)
    source.say("later")
    rest = list(export)
    assert json.loads(first)["type"] == "ARCHIVE"
    assert [entry["id"] for entry in map(json.loads, rest) if entry["type"] == "MSG"] == [1, 2, 3, 4, 5]
    database.close()


def test_a_room_that_has_no_line(target: Logbook) -> None:
    """Its messages name it."""
    assert import_lines(target.writer, lines(HEAD, MESSAGE, {**MESSAGE, "id": 2, "room": "TEA"})) == 2
    assert [(room.name, room.newest) for room in target.writer.rooms()] == [("tea", 2)]


def test_only_into_an_empty_log(source: Logbook) -> None:
    """Nothing is mixed."""
    with pytest.raises(ArchiveError, match="has messages already"):
        import_lines(source.writer, lines(HEAD, MESSAGE))


@pytest.mark.parametrize(
    ("bad", "number"),
    [
        (lines(MESSAGE), 1),
        (lines({**HEAD, "version": 2}), 1),
        (lines({"type": "ARCHIVE", "version": 1}), 1),
        (lines(HEAD, HEAD), 2),
        ([*lines(HEAD), b"nonsense"], 2),
        ([*lines(HEAD), b"[1]"], 2),
        ([*lines(HEAD), b"\xff"], 2),
        ([*lines(HEAD), b"", *lines(MESSAGE)], 2),
        ([b"\n", *lines(HEAD)], 1),
        ([*lines(HEAD), b"\xef\xbb\xbf" + lines(MESSAGE)[0]], 2),
        (lines(HEAD, {}), 2),
        (lines(HEAD, {"type": "DANCE"}), 2),
        (lines(HEAD, {"type": "ROOM", "room": "two words", "topic": ""}), 2),
        (lines(HEAD, {"type": "ROOM", "room": "tea"}), 2),
        (lines(HEAD, {"type": "ROOM", "room": 7, "topic": ""}), 2),
        (lines(HEAD, MESSAGE, MESSAGE), 3),
        (lines(HEAD, {**MESSAGE, "id": "1"}), 2),
        (lines(HEAD, {**MESSAGE, "id": 2**63}), 2),
        (lines(HEAD, {**MESSAGE, "id": 0}), 2),
        (lines(HEAD, {**MESSAGE, "uid": None}), 2),
        (lines(HEAD, {**MESSAGE, "uid": 2**70}), 2),
        (lines(HEAD, {**MESSAGE, "peer": "bob"}), 2),
        (lines(HEAD, {**MESSAGE, "timestamp": "yesterday"}), 2),
        (lines(HEAD, {**MESSAGE, "timestamp": 7}), 2),
        (lines(HEAD, {**MESSAGE, "room": "two words"}), 2),
        (lines(HEAD, {key: value for key, value in MESSAGE.items() if key != "room"}), 2),
        (lines(HEAD, {key: value for key, value in MESSAGE.items() if key != "nickname"}), 2),
        (lines(HEAD, {key: value for key, value in MESSAGE.items() if key != "message"}), 2),
        (lines(HEAD, {**MESSAGE, "message": 7}), 2),
        (lines(HEAD, {**MESSAGE, "message": "x" * 70_000}), 2),
        (lines(HEAD, {**MESSAGE, "ref": 7}), 2),
    ],
    ids=lambda value: value if isinstance(value, int) else value[-1].decode("ascii", "replace")[:60],
)
def test_all_or_nothing(target: Logbook, bad: list[bytes], number: int) -> None:
    """The error names the line; the log stays empty, with its own epoch, and takes a good archive afterwards."""
    epoch = target.writer.epoch
    with pytest.raises(ArchiveError, match=f"line {number}:"):
        import_lines(target.writer, bad)
    target.reopen()
    assert (target.writer.epoch, target.writer.newest, target.writer.rooms()) == (epoch, 0, [])
    assert import_lines(target.writer, lines(HEAD, MESSAGE)) == 1


def test_a_ref_of_two_messages(target: Logbook) -> None:
    """It is named with both; the same ref of another user is another one."""
    same = [{**MESSAGE, "id": id, "uid": uid, "ref": "r"} for id, uid in ((1, 1), (2, 2), (5, 1))]
    with pytest.raises(ArchiveError, match="ref r: two messages have it, 1 and 5"):
        import_lines(target.writer, lines(HEAD, *same))
    target.reopen()
    assert (target.writer.newest, target.writer.rooms()) == (0, [])
    assert import_lines(target.writer, lines(HEAD, *same[:2])) == 2


def test_an_archive_without_messages(target: Logbook) -> None:
    """A chat in which nobody has said anything has its epoch and its rooms."""
    assert import_lines(target.writer, lines(HEAD, {"type": "ROOM", "room": "tea", "topic": "leaves"})) == 0
    target.reopen()
    assert (target.writer.epoch, [room.topic for room in target.writer.rooms()]) == ("e", ["leaves"])
    assert target.say("first", ref="r") == [1]


@pytest.mark.parametrize("empty", [[], [b"\n"], [b"\xef\xbb\xbf"], [b"", b"\r\n"]])
def test_an_empty_file(target: Logbook, empty: list[bytes]) -> None:
    """It is no archive."""
    with pytest.raises(ArchiveError, match="the file is empty"):
        import_lines(target.writer, empty)


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n", b"\n\n", b"\n \t\n\n", b"\r\n\r\n"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_what_editors_add(target: Logbook, mark: bytes, end: bytes) -> None:
    """A byte order mark in front, other line ends, empty lines at the end."""
    file = mark + b"\n".join(lines(HEAD, MESSAGE)) + end
    assert import_lines(target.writer, file.splitlines(keepends=True)) == 1


def test_a_file_that_was_cut_short(source: Logbook, target: Logbook) -> None:
    """Wherever its end is missing: the line is named, and what to do; without that line the rest goes in."""
    archive = [line + b"\n" for line in export_lines(source.writer.database)]
    last = archive[-1]
    for length in range(1, len(last) - 1):
        with pytest.raises(ArchiveError, match=rf"^line {len(archive)}: the file ends within this line.*export again"):
            import_lines(target.writer, [*archive[:-1], last[:length]])
    with pytest.raises(ArchiveError, match=r"^line 1: the file ends within this line"):
        import_lines(target.writer, [archive[0][:9]])
    assert target.writer.newest == 0
    assert import_lines(target.writer, archive[:-1]) == 4


def test_a_bad_line_that_was_not_cut(target: Logbook) -> None:
    """The fault in it is named."""
    for bad in (b'{"type":"ROOM"\n', b'{"type":"ROOM"}', b'"type'):
        with pytest.raises(ArchiveError, match=r"^line 2: (?!the file ends)"):
            import_lines(target.writer, [*lines(HEAD), bad])


def test_a_full_disk(source: Logbook, target: Logbook) -> None:
    """The log stays empty, and no line is blamed."""
    target.writer.database.execute("PRAGMA max_page_count = 60")
    many = [{**MESSAGE, "id": id, "message": "x" * 4_000} for id in range(1, 100)]
    with pytest.raises(sqlite3.OperationalError, match="full"):
        import_lines(target.writer, lines(HEAD, *many))
    target.reopen()
    assert (target.writer.newest, target.writer.rooms()) == (0, [])


def test_an_index_that_cant_be_filled(
    source: Logbook, target: Logbook, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The messages are in; the server fills it."""

    def full(database: sqlite3.Connection, limit: int) -> int:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr("tcp_server.log.archive.fill_index", full)
    assert import_lines(target.writer, export_lines(source.writer.database)) == 5
    assert caplog.messages == ["the search index is left to the server: database or disk is full"]
    assert unindexed(target.writer.database) == 5
