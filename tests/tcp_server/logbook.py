"""Drafts for a log, as the hub would make them."""

import json
from pathlib import Path
from typing import Any

from tcp_server.chat.state import Draft, Room, User
from tcp_server.log.database import FILE_NAME, open_database
from tcp_server.log.log import Log, Outcome
from tcp_server.log.search import Search
from tcp_server.protocol.names import fold

TIME = 1_795_341_600_000  # 2026-11-22T10:00:00Z, in milliseconds


class Logbook:
    """A log in a folder, and the rooms and users that its messages are about."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = Log(folder)
        self.users: dict[str, User] = {}
        self.rooms: dict[str, Room] = {}
        self.time = TIME

    def close(self) -> None:
        self.log.close()

    def reopen(self) -> None:
        """As a restarted server would."""
        self.log.close()
        self.log = Log(self.folder)

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
        return Draft(None, user, self.time, rest, place, peer, keys, ref)  # type: ignore[arg-type]

    def append(self, *drafts: Draft) -> list[Outcome]:
        return self.log.append(drafts)

    def say(self, *messages: str, room: str | None = "tea", **fields: Any) -> list[int]:
        """Log messages in one batch and return their ids."""
        outcomes = self.append(*[self.draft(message, room, **fields) for message in messages])
        assert all(isinstance(outcome, int) for outcome in outcomes)
        return [outcome for outcome in outcomes if isinstance(outcome, int)]

    def search(self) -> Search:
        """A reader with a connection of its own; close its `database`."""
        return Search(open_database(self.folder / FILE_NAME))


def ids(bodies: list[bytes]) -> list[int]:
    return [json.loads(body)["id"] for body in bodies]
