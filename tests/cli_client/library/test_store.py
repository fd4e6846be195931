"""What is kept between two runs: whole, private, and for one client at a time."""

import stat
from pathlib import Path

import msgspec
import pytest

from cli_client.library.memory import Memory
from cli_client.library.outbox import Outgoing
from cli_client.library.store import SHARED_MAX, Role, Store, StoreBusy, state_folder, store_path

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


def share(folder: Path, role: Role = Role.PERSON) -> Store:
    return Store.share("h", 1, "alice", folder, role=role)


def test_several_share_the_token_and_not_the_messages(tmp_path: Path) -> None:
    """The second goes on from the first one's place in the log; each keeps what it has not sent."""
    first, second = share(tmp_path), share(tmp_path)
    assert second.load() is None
    first.save(MEMORY)
    memory = second.load()
    assert memory is not None
    assert (memory.token, memory.rooms, memory.after, memory.outgoing) == ("token", ["lobby"], 7, [])
    memory.outgoing.append(Outgoing("r2", "the second one's", room="lobby"))
    second.save(memory)
    assert [entry.ref for entry in load(first).outgoing] == ["r1"]
    first.close()
    second.close()


def test_what_another_left_unsent_is_taken_over(tmp_path: Path) -> None:
    """By the next client that is started, and only once its own file has it."""
    first, second = share(tmp_path), share(tmp_path)
    first.save(MEMORY)
    memory = load(second)
    memory.outgoing.append(Outgoing("r2", "the second one's", room="lobby"))
    second.save(memory)
    assert [entry.ref for entry in load(first).outgoing] == ["r1"]
    second.close()
    first.close()
    again = share(tmp_path)
    assert [entry.ref for entry in load(again).outgoing] == ["r1", "r2"]
    assert [entry.ref for entry in load(again).outgoing] == ["r1", "r2"]
    assert not second.path.exists()
    again.close()


def test_a_pipe_has_the_token_alone(tmp_path: Path) -> None:
    """It neither hears what a person has missed nor enters a person's rooms; without a person it has its own token."""
    person, pipe = share(tmp_path), share(tmp_path, Role.PIPE)
    assert pipe.load() is None
    pipe.save(MEMORY)
    for saved in (None, Memory("alice", ["books"], "of the person", "e1", 9)):
        if saved is not None:
            person.save(saved)
        memory = load(pipe)
        assert (memory.rooms, memory.epoch, memory.after) == ([], None, None)
        assert memory.token == ("token" if saved is None else "of the person")
        assert [entry.ref for entry in memory.outgoing] == ["r1"]
    pipe.close()
    person.close()


def test_a_person_after_a_pipe_has_its_token(tmp_path: Path) -> None:
    """And nothing else of it."""
    pipe = share(tmp_path, Role.PIPE)
    pipe.save(MEMORY)
    person = share(tmp_path)
    memory = load(person)
    assert (memory.token, memory.rooms, memory.after, memory.outgoing) == ("token", [], None, [])
    person.close()
    pipe.close()


def test_too_many_clients_are_refused(tmp_path: Path) -> None:
    """More than the server lets in."""
    stores = [share(tmp_path) for _ in range(SHARED_MAX)]
    with pytest.raises(StoreBusy, match="16 other clients"):
        share(tmp_path)
    for store in stores:
        store.close()


def test_a_rename_moves_each_to_a_file_of_its_own(tmp_path: Path) -> None:
    """All clients of the person hear of it."""
    stores = [share(tmp_path), share(tmp_path)]
    for store in stores:
        store.save(MEMORY)
    renamed = [store.renamed("bob") for store in stores]
    assert len({store.path for store in renamed}) == 2
    assert all(not store.path.exists() for store in stores)
    assert all(store.path.exists() for store in renamed)
    for store in renamed:
        store.close()


def test_forgetting_removes_what_all_have_left(tmp_path: Path) -> None:
    """But not the file of a client that is open."""
    stores = [share(tmp_path), share(tmp_path), share(tmp_path, Role.PIPE)]
    for store in stores:
        store.save(MEMORY)
    stores[0].close()
    stores[1].close()
    last = Store.open("h", 1, "alice", tmp_path)
    assert last.forget()
    assert [store.path.exists() for store in stores] == [False, False, True]
    last.close()
    stores[2].close()


def load(store: Store) -> Memory:
    memory = store.load()
    assert memory is not None
    return memory
