"""A client's memory in a small file, so that quitting or being killed loses nothing.

The files of a (host, port, nickname) lie in the platform's folder for state, readable by their owner alone: they hold
the token. An open `Store` holds the lock of one file, so that two clients never resend each other's messages. Several
clients of one person share the token of the first file and have an outbox each. What one of them left unsent is taken
over by the next that is started.
"""

import contextlib
import enum
import hashlib
import os
from pathlib import Path

import filelock
import msgspec
import platformdirs

from cli_client.library.memory import Memory
from tcp_server.protocol.names import fold

PROGRAM = "wordpacket"
FILE_MODE = 0o600
FOLDER_MODE = 0o700
SHARED_MAX = 16  # clients of one person; the server lets no more in
_NAME_DIGITS = 16


class Role(enum.Enum):
    """What a file is for. A pipe begins at the present end of the log, in the rooms of its flags; a person goes on."""

    PERSON = ""
    PIPE = "-pipe"


class StoreBusy(Exception):
    """Another client on this machine is open as this user."""


class Store:
    """The memory of one user at one server, on disk.

    Open it with `Store.open` or `Store.share`, call `save` after each change and `close` at the end.
    """

    def __init__(
        self, who: tuple[str, int, str], path: Path, lock: filelock.BaseFileLock, role: Role, *, shared: bool
    ) -> None:
        self._who = who
        self.path = path
        self._lock = lock
        self._role = role
        self._shared = shared

    @classmethod
    def open(cls, host: str, port: int, nickname: str, folder: Path | None = None) -> "Store":
        """Take the lock on this user's file, which need not exist yet.

        Raises:
            StoreBusy: another client has the lock.
            OSError: the folder can't be written.
        """
        path = store_path(host, port, nickname, folder)
        lock = _lock(path)
        if lock is None:
            raise StoreBusy(f"another client is open as {nickname}")
        return cls((host, port, nickname), path, lock, Role.PERSON, shared=False)

    @classmethod
    def share(
        cls, host: str, port: int, nickname: str, folder: Path | None = None, *, role: Role = Role.PERSON
    ) -> "Store":
        """Take the lock on the first file of this user that no other client has.

        Raises:
            StoreBusy: there are too many clients of this user.
            OSError: the folder can't be written.
        """
        first = store_path(host, port, nickname, folder)
        for number in range(1, SHARED_MAX + 1):
            path = first.with_stem(f"{first.stem}{role.value}{f'-{number}' if number > 1 else ''}")
            lock = _lock(path)
            if lock is not None:
                return cls((host, port, nickname), path, lock, role, shared=True)
        raise StoreBusy(f"{SHARED_MAX} other clients are open as {nickname}")

    def renamed(self, nickname: str) -> "Store":
        """Return the store of this user under another nickname, and leave nothing under the old one.

        If the other store can't be opened, since another client has its lock, everything stays where it is.
        """
        host, port, present = self._who
        if fold(nickname) == fold(present):
            return self
        try:
            if self._shared:
                store = Store.share(host, port, nickname, self.path.parent, role=self._role)
            else:
                store = Store.open(host, port, nickname, self.path.parent)
        except (StoreBusy, OSError):
            return self
        with contextlib.suppress(OSError):
            if self.path.exists():
                self.path.replace(store.path)
        self.close()
        return store

    def load(self) -> Memory | None:
        """Return the memory that was saved last. A file that can't be read counts as none and is moved aside.

        A client that shares has the token of the first file, and the messages that another left unsent.
        """
        memory = _read(self.path)
        if not self._shared:
            return memory
        first = self._first()
        if first is not None and self._role is Role.PIPE:
            first = Memory(first.nickname, token=first.token)
        if first is not None:
            first.outgoing = memory.outgoing if memory is not None else []
            memory = first
        return self._take_over(memory)

    def _first(self) -> Memory | None:
        """Return the memory of the first file that has a token: a person's, else a pipe's."""
        first = store_path(*self._who, self.path.parent)
        for role in Role:
            memory = _read(first.with_stem(f"{first.stem}{role.value}"))
            if memory is not None and memory.token is not None:
                if role is Role.PIPE:
                    memory = Memory(memory.nickname, token=memory.token)
                return memory
        return None

    def _take_over(self, memory: Memory | None) -> Memory | None:
        """Add the messages in the files that no client has open; they are in this file before they leave the other."""
        for path in self._others():
            lock = _lock(path)
            if lock is None:
                continue
            left = _read(path)
            if left is not None and left.outgoing:
                memory = memory or Memory(left.nickname, token=left.token)
                memory.outgoing += left.outgoing
                self.save(memory)
            with contextlib.suppress(OSError):
                path.unlink()
            lock.release()
        return memory

    def _others(self) -> list[Path]:
        """Return the numbered files of this role, but for this one; the first of a role has more than messages."""
        first = store_path(*self._who, self.path.parent)
        found = self.path.parent.glob(f"{first.stem}{self._role.value}-[0-9]*.json")
        return sorted(path for path in found if path != self.path)

    def save(self, memory: Memory) -> None:
        """Replace the file in one step, so that a kill at any moment leaves the old or the new.

        Raises:
            OSError: the file can't be written; the memory that was saved before is still there.
        """
        fresh = self.path.with_suffix(".new")
        file = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, FILE_MODE)
        with open(file, "wb") as stream:
            stream.write(msgspec.json.encode(memory))
        fresh.replace(self.path)

    def forget(self) -> bool:
        """Remove this file, and those of this user that no client has open; say whether there was one."""
        found = 0
        for path in sorted(self.path.parent.glob(f"{store_path(*self._who, self.path.parent).stem}*.json")):
            lock = None if path == self.path else _lock(path)
            if lock is not None or path == self.path:
                path.unlink()
                found += 1
            if lock is not None:
                lock.release()
        return found > 0

    def close(self) -> None:
        """Give the lock back."""
        self._lock.release()


def _lock(path: Path) -> filelock.BaseFileLock | None:
    """Take the lock of a file, which need not exist yet; return None if another client has it."""
    path.parent.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    lock = filelock.FileLock(path.with_suffix(".lock"), mode=FILE_MODE)
    try:
        lock.acquire(blocking=False)
    except filelock.Timeout:
        return None
    return lock


def _read(path: Path) -> Memory | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=Memory)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        with contextlib.suppress(OSError):
            path.replace(path.with_suffix(".damaged"))
        return None


def store_path(host: str, port: int, nickname: str, folder: Path | None = None) -> Path:
    """Return the path of this user's file. Its name is a digest, since not every nickname can be a file's name."""
    key = f"{host.lower()}\n{port}\n{fold(nickname)}".encode(errors="surrogatepass")
    name = hashlib.sha256(key).hexdigest()[:_NAME_DIGITS]
    return (folder or state_folder()) / f"{name}.json"


def state_folder() -> Path:
    """Return the platform's folder for the state that a program keeps between its runs."""
    return Path(platformdirs.user_state_dir(PROGRAM, appauthor=False))
