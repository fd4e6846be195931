"""What is kept between two runs: whole, private, and for one client at a time."""

import stat
from pathlib import Path

import msgspec
import pytest

from cli_client.library.memory import Memory
from cli_client.library.outbox import Outgoing
from cli_client.library.store import Store, StoreBusy, state_folder, store_path

MEMORY = Memory("alice", ["lobby"], "token", "e1", 7, [Outgoing("r1", "hi", room="lobby")], ["bob"])


def test_what_was_saved_is_loaded(tmp_path: Path) -> None:
    """Nothing at first, then all of it, readable by its owner alone."""
    store = Store.open("h", 1, "alice", tmp_path / "state")
    assert store.load() is None
    store.save(MEMORY)
    loaded = store.load()
    assert loaded is not None
    assert msgspec.json.encode(loaded) == msgspec.json.encode(MEMORY)
    assert stat.S_IMODE(store.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(store.path.parent.stat().st_mode) == 0o700
    assert [file.suffix for file in sorted(store.path.parent.iterdir())] == [".json", ".lock"]
    store.close()


def test_one_client_at_a_time(tmp_path: Path) -> None:
    """A second client of the same user gets no store; another user, and a later one, do."""
    store = Store.open("h", 1, "alice", tmp_path)
    with pytest.raises(StoreBusy, match="ALICE"):
        Store.open("h", 1, "ALICE", tmp_path)
    Store.open("h", 2, "alice", tmp_path).close()
    store.close()
    Store.open("h", 1, "alice", tmp_path).close()


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'{"nickname": 5}', b"\xff\xfe"])
def test_a_damaged_file_is_moved_aside(tmp_path: Path, damage: bytes) -> None:
    """It counts as nothing kept, and is not thrown away."""
    store = Store.open("h", 1, "alice", tmp_path)
    store.path.write_bytes(damage)
    assert store.load() is None
    assert store.path.with_suffix(".damaged").read_bytes() == damage
    store.close()


def test_a_rename_moves_it(tmp_path: Path) -> None:
    """To the new nickname's file, unless somebody has that open."""
    store = Store.open("h", 1, "alice", tmp_path)
    store.save(MEMORY)
    old = store.path
    assert store.renamed("ALICE") is store
    other = Store.open("h", 1, "bob", tmp_path)
    assert store.renamed("bob") is store
    other.close()
    store = store.renamed("bob")
    assert store.load() is not None
    assert not old.exists()
    Store.open("h", 1, "alice", tmp_path).close()
    with pytest.raises(StoreBusy):
        Store.open("h", 1, "bob", tmp_path)
    store.close()


def test_forgetting_removes_it(tmp_path: Path) -> None:
    """And says whether there was anything."""
    store = Store.open("h", 1, "alice", tmp_path)
    assert not store.forget()
    store.save(MEMORY)
    assert store.forget()
    assert store.load() is None
    store.close()


def test_names_make_good_file_names(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """One file per (host, port, nickname as compared), in the platform's folder for state."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert state_folder().parent == tmp_path
    path = store_path("Host", 1, "Ａlice")
    assert path == store_path("host", 1, "alice")
    assert path.parent == state_folder()
    assert path.name.isascii()
