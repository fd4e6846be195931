"""A client's memory in a small file, so that quitting or being killed loses nothing.

One file per (host, port, nickname) in the platform's folder for state, readable by its owner alone: it holds the
token. An open `Store` holds a lock, so that two clients never resend each other's messages.
"""

import contextlib
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
_NAME_DIGITS = 16


class StoreBusy(Exception):
    """Another client on this machine is open as this user."""


class Store:
    """The memory of one user at one server, on disk.

    Open it with `Store.open`, call `save` after each change and `close` at the end.
    """

    def __init__(self, who: tuple[str, int, str], path: Path, lock: filelock.BaseFileLock) -> None:
        self._who = who
        self.path = path
        self._lock = lock

    @classmethod
    def open(cls, host: str, port: int, nickname: str, folder: Path | None = None) -> "Store":
        """Take the lock on this user's file, which need not exist yet.

        Raises:
            StoreBusy: another client has the lock.
            OSError: the folder can't be written.
        """
        path = store_path(host, port, nickname, folder)
        path.parent.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        lock = filelock.FileLock(path.with_suffix(".lock"), mode=FILE_MODE)
        try:
            lock.acquire(blocking=False)
        except filelock.Timeout:
            raise StoreBusy(f"another client is open as {nickname}") from None
        return cls((host, port, nickname), path, lock)

    def renamed(self, nickname: str) -> "Store":
        """Return the store of this user under another nickname, and leave nothing under the old one.

        If the other store can't be opened, since another client has its lock, everything stays where it is.
        """
        host, port, present = self._who
        if fold(nickname) == fold(present):
            return self
        try:
            store = Store.open(host, port, nickname, self.path.parent)
        except (StoreBusy, OSError):
            return self
        with contextlib.suppress(OSError):
            if self.path.exists():
                self.path.replace(store.path)
        self.close()
        return store

    def load(self) -> Memory | None:
        """Return the memory that was saved last. A file that can't be read counts as none and is moved aside."""
        try:
            return msgspec.json.decode(self.path.read_bytes(), type=Memory)
        except FileNotFoundError:
            return None
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
            with contextlib.suppress(OSError):
                self.path.replace(self.path.with_suffix(".damaged"))
            return None

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
        """Remove the file; say whether there was one."""
        try:
            self.path.unlink()
        except FileNotFoundError:
            return False
        return True

    def close(self) -> None:
        """Give the lock back."""
        self._lock.release()


def store_path(host: str, port: int, nickname: str, folder: Path | None = None) -> Path:
    """Return the path of this user's file. Its name is a digest, since not every nickname can be a file's name."""
    key = f"{host.lower()}\n{port}\n{fold(nickname)}".encode(errors="surrogatepass")
    name = hashlib.sha256(key).hexdigest()[:_NAME_DIGITS]
    return (folder or state_folder()) / f"{name}.json"


def state_folder() -> Path:
    """Return the platform's folder for the state that a program keeps between its runs."""
    return Path(platformdirs.user_state_dir(PROGRAM, appauthor=False))
