"""Drafts for a log, as the hub would make them."""

import json
from pathlib import Path
from typing import Any

from tcp_server.chat.outputs import Draft
from tcp_server.chat.state import Room, User
from tcp_server.log.database import FILE_NAME, open_database
from tcp_server.log.interface import Outcome, Page, PageQuery, Replay, ReplayQuery, Span, Viewer
from tcp_server.log.readings import Readings
from tcp_server.log.search import SearchReadings
from tcp_server.log.writer import LogWriter
from tcp_server.protocol.entries import MSG
from tcp_server.protocol.names import fold

TIME = 1_795_341_600_000  # 2026-11-22T10:00:00Z, in milliseconds


class Drafts:
    """Makes drafts; one user and one room for each name."""

    def __init__(self) -> None:
        self.users: dict[str, User] = {}
        self.rooms: dict[str, Room] = {}
        self.time = TIME

    def user(self, nickname: str) -> User:
        key = fold(nickname)
        return self.users.setdefault(key, User(len(self.users) + 1, nickname, key))

    def room(self, name: str) -> Room:
        key = fold(name)
        return self.rooms.setdefault(key, Room(key, name))

    def draft(
        self,
        message: str,
        room: str | None = "tea",
        *,
        sender: str = "alice",
        to: str | None = None,
        ref: str | None = None,
    ) -> Draft:
        self.time += 1
        user, peer = self.user(sender), None if to is None else self.user(to)
        body: dict[str, Any] = {"nickname": user.nickname, "message": message, "timestamp": "2026-11-22T10:00:00.000Z"}
        if peer is not None:
            body["to"] = peer.nickname
        else:
            body["room"] = room
        if ref is not None:
            body["ref"] = ref
        rest = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()[1:]
        keys = (user.key, peer.key) if peer else None
        place = self.room(room) if room is not None and peer is None else None
        return Draft(MSG, None, user, self.time, rest, place, peer, keys, ref)  # type: ignore[arg-type]


class Logbook(Drafts):
    """A log in a folder that is written to, and the rooms and users that its messages are about."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder
        self.writer = LogWriter(folder)

    def close(self) -> None:
        self.writer.close()

    def reopen(self) -> None:
        """As a restarted server would."""
        self.writer.close()
        self.writer = LogWriter(self.folder)

    def append(self, *drafts: Draft) -> list[Outcome]:
        return self.writer.append(drafts)

    def say(self, *messages: str, room: str | None = "tea", **fields: Any) -> list[int]:
        """Log messages in one batch and return their ids."""
        outcomes = self.append(*[self.draft(message, room, **fields) for message in messages])
        assert all(isinstance(outcome, int) for outcome in outcomes)
        return [outcome for outcome in outcomes if isinstance(outcome, int)]

    def search(self) -> SearchReadings:
        """A reader with a connection of its own; close its `database`."""
        return SearchReadings(open_database(self.folder / FILE_NAME))


def ids(bodies: list[bytes]) -> list[int]:
    return [json.loads(body)["id"] for body in bodies]


def missed(readings: Readings, viewer: Viewer, after: int = 0, limit: int = 100, span: Span = Span.ALL) -> Replay:
    """Return a session's replay."""
    replay = readings.replay(ReplayQuery(viewer, after, limit, span))
    assert isinstance(replay, Replay)
    return replay


def room_page(
    readings: Readings, key: str, before: int | None, after: int | None, limit: int, through: int = 99
) -> Page:
    return readings.page(PageQuery(room=key, before=before, after=after, limit=limit, through=through))


def direct_page(readings: Readings, uid: int, nickname: str, after: int | None = None, limit: int = 9) -> Page:
    return readings.page(PageQuery(uid=uid, nickname=nickname, after=after, limit=limit, through=99))
