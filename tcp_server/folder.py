"""The data folder: its flag, how it is made and locked, and the key in it that signs tokens; the log in it is `log`'s.

All functions raise StartError if the folder can't be used.
"""

from __future__ import annotations

import argparse
import os
import secrets
from contextlib import suppress
from pathlib import Path

from filelock import FileLock, Timeout
from platformdirs import user_data_path

from tcp_server.chat import tokens
from tcp_server.net.process import StartError

LOCK_NAME = "lock"
KEY_NAME = "token.key"
PRIVATE = 0o077  # as umask: everybody's direct messages are in the files that we write


def add_data_flag(parser: argparse.ArgumentParser) -> None:
    """Add --data."""
    text = "where the log and the key are kept (default: %(default)s)"
    parser.add_argument("--data", type=Path, metavar="FOLDER", default=user_data_path("wordpacket"), help=text)


def make_folder(folder: Path) -> None:
    """Make the folder, for its owner alone, unless it exists."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StartError(f"can't make the data folder {folder}: {error.strerror}") from None
    if not os.access(folder, os.W_OK | os.X_OK):
        raise StartError(f"can't write to the data folder {folder}")


def lock_folder(folder: Path) -> FileLock:
    """Keep every other server out, until the lock is released or this process ends."""
    held = FileLock(folder / LOCK_NAME)
    try:
        held.acquire(timeout=0)
    except Timeout:
        raise StartError(f"the data folder {folder} is in use by another server; choose another --data") from None
    except OSError as error:
        raise StartError(f"can't write to the data folder {folder}: {error.strerror}") from None
    return held


def token_key(folder: Path) -> bytes:
    """Return the key that signs tokens, made at the first start and readable by the owner alone.

    The folder must be locked.
    """
    path = folder / KEY_NAME
    try:
        known = path.read_bytes()
    except FileNotFoundError:
        return _new_key(path)
    except OSError as error:
        raise StartError(f"can't read {path}: {error.strerror}") from None
    if len(known) != tokens.KEY_BYTES:
        raise StartError(f"{path} is damaged; remove it, and everybody takes a new nickname")
    return known


def _new_key(path: Path) -> bytes:
    """Make a key; either all of it is on the disk, or none."""
    fresh = secrets.token_bytes(tokens.KEY_BYTES)
    part = path.with_suffix(".part")
    try:
        with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(fresh)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    except OSError as error:
        with suppress(OSError):
            part.unlink()
        raise StartError(f"can't write {path}: {error.strerror}") from None
    return fresh


def own_files(folder: Path) -> list[Path]:
    """Return the files of the folder that the server keeps beside the log, whether they are there or not."""
    return [folder / name for name in (LOCK_NAME, KEY_NAME)]
