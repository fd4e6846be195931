"""The data folder: made for its owner, locked against a second server, with a key that stays."""

import argparse
import errno
import os
from pathlib import Path

import pytest

from tcp_server.folder import add_data_flag, lock_folder, make_folder, token_key
from tcp_server.net.process import StartError


def test_a_new_folder_is_the_owners_alone(tmp_path: Path) -> None:
    """Other people's messages lie in it; one that exists stays as it is."""
    folder = tmp_path / "deep" / "data"
    make_folder(folder)
    assert folder.stat().st_mode & 0o777 == 0o700
    folder.chmod(0o755)
    make_folder(folder)
    assert folder.stat().st_mode & 0o777 == 0o755


def test_a_folder_that_cant_be_made(tmp_path: Path) -> None:
    """A file stands in its place."""
    (tmp_path / "file").write_text("")
    with pytest.raises(StartError, match=r"can't make the data folder .*file: File exists"):
        make_folder(tmp_path / "file")


def test_a_folder_that_isnt_writable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Said before anything is tried; root may write everywhere, so the system is asked in its place."""
    monkeypatch.setattr("os.access", lambda *_: False)
    with pytest.raises(StartError, match="can't write to the data folder"):
        make_folder(tmp_path)


def test_the_lock_keeps_a_second_server_out(tmp_path: Path) -> None:
    """Until it is released."""
    lock = lock_folder(tmp_path)
    with pytest.raises(StartError, match="in use by another server; choose another --data"):
        lock_folder(tmp_path)
    lock.release()
    lock_folder(tmp_path).release()


def test_a_lock_that_cant_be_made(tmp_path: Path) -> None:
    """A folder stands in its place."""
    (tmp_path / "lock").mkdir()
    with pytest.raises(StartError, match="can't write to the data folder"):
        lock_folder(tmp_path)


def test_the_key_is_made_once(tmp_path: Path) -> None:
    """Readable by the owner alone, and different in another folder."""
    key = token_key(tmp_path)
    path = tmp_path / "token.key"
    assert (len(key), path.read_bytes(), path.stat().st_mode & 0o777) == (32, key, 0o600)
    assert token_key(tmp_path) == key
    (tmp_path / "other").mkdir()
    assert token_key(tmp_path / "other") != key


def test_a_damaged_key(tmp_path: Path) -> None:
    """It isn't replaced silently: everybody would lose their nickname."""
    (tmp_path / "token.key").write_bytes(b"short")
    with pytest.raises(StartError, match=r"token\.key is damaged"):
        token_key(tmp_path)
    assert (tmp_path / "token.key").read_bytes() == b"short"


def test_a_key_that_cant_be_read(tmp_path: Path) -> None:
    """A folder stands in its place."""
    (tmp_path / "token.key").mkdir()
    with pytest.raises(StartError, match=r"can't read .*token\.key: Is a directory"):
        token_key(tmp_path)


def test_a_key_that_cant_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a full disk nothing is left of it; a key that is cut short would count as damaged at the next start."""

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", full)
        with pytest.raises(StartError, match=r"can't write .*token\.key: No space left on device"):
            token_key(tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert len(token_key(tmp_path)) == 32


def test_the_flag(tmp_path: Path) -> None:
    """A path; by default the user's data folder."""
    parser = argparse.ArgumentParser()
    add_data_flag(parser)
    assert parser.parse_args(["--data", str(tmp_path)]).data == tmp_path
    assert "wordpacket" in str(parser.parse_args([]).data)
