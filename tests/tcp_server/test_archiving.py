"""`export` and `import`: through files and pipes, beside a server, and what they refuse."""

import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tcp_server import __main__ as command
from tcp_server.folder import token_key
from tcp_server.log.database import FILE_NAME
from tcp_server.log.upkeep import SqliteUpkeep
from tests.conftest import StartServer
from tests.tcp_server.commands import Fails, assert_one_line, run, run_with_small_files
from tests.tcp_server.conftest import Connect
from tests.tcp_server.logbook import Logbook


@pytest.fixture
def filled(tmp_path: Path) -> Path:
    (tmp_path / "filled").mkdir()
    book = Logbook(tmp_path / "filled")
    book.say("one", "two 😀")
    book.say("psst", to="bob")
    book.close()
    return tmp_path / "filled"


def test_export_and_import(filled: Path, tmp_path: Path) -> None:
    """Through a file and through pipes."""
    archive = tmp_path / "archive.jsonl"
    result = run("export", archive, "--data", filled)
    assert (result.returncode, result.stderr, result.stdout) == (0, b"exported 3 messages\n", b"")
    piped = run("export", "-", "--data", filled)
    assert piped.stdout == archive.read_bytes()
    result = run("import", archive, "--data", tmp_path / "copy")
    assert (result.returncode, result.stderr) == (0, b"imported 3 messages\n")
    result = run("import", "-", "--data", tmp_path / "piped", stdin=piped.stdout)
    assert result.returncode == 0
    for folder in ("copy", "piped"):
        assert run("export", "-", "--data", tmp_path / folder).stdout == piped.stdout


def test_log_and_archive_are_the_owners_alone(start_server: StartServer, tmp_path: Path) -> None:
    """Direct messages are among them; also in a folder that others may look into."""
    (tmp_path / "data").mkdir(mode=0o755)
    server = start_server("--data", str(tmp_path / "data"))
    run("export", tmp_path / "archive", "--data", tmp_path / "data")
    server.stop()
    files = [tmp_path / "archive", *(tmp_path / "data").iterdir()]
    assert {"archive", FILE_NAME} < {file.name for file in files}
    assert all(file.stat().st_mode & 0o077 == 0 for file in files)


def test_export_while_the_server_runs(start_server: StartServer, connect: Connect) -> None:
    """What is acknowledged is in it."""
    server = start_server()
    alice = connect("alice", port=server.port)
    alice.say("hello")
    result = run("export", "-", "--data", server.folder)
    assert result.returncode == 0
    assert b'"message":"hello"' in result.stdout.splitlines()[-1]
    assert alice.say("still here")["id"] == 2


def test_what_export_and_import_refuse(
    fails: Fails, filled: Path, tmp_path: Path, start_server: StartServer, capsys: pytest.CaptureFixture[str]
) -> None:
    """One clear line each."""
    fails("there is no log in", "export", "-", "--data", tmp_path / "nowhere")
    assert not (tmp_path / "nowhere").exists()
    fails("export: ", "export", tmp_path / "no" / "folder", "--data", filled)
    fails("import: ", "import", tmp_path / "missing", "--data", tmp_path / "new")
    archive, nonsense = tmp_path / "archive", tmp_path / "nonsense"
    nonsense.write_text("nonsense\n")
    command.main(["export", str(archive), "--data", str(filled)])
    assert capsys.readouterr().err == "exported 3 messages\n"
    fails("has messages already", "import", archive, "--data", filled)
    fails("line 1", "import", nonsense, "--data", tmp_path / "new")
    server = start_server()
    fails("in use by another server", "import", archive, "--data", server.folder)


def test_import_leaves_no_folder_for_a_missing_file(fails: Fails, tmp_path: Path) -> None:
    """Nothing happened."""
    fails("import: .*missing: No such file", "import", tmp_path / "missing", "--data", tmp_path / "new")
    assert not (tmp_path / "new").exists()


# Where an export goes


@pytest.fixture
def last_night(tmp_path: Path) -> Path:
    """A good archive, in a folder of its own."""
    (tmp_path / "archives").mkdir()
    archive = tmp_path / "archives" / "nightly.jsonl"
    archive.write_text("last night's\n")
    archive.chmod(0o640)
    return archive


def test_an_export_replaces_a_file(filled: Path, last_night: Path, tmp_path: Path) -> None:
    """At its end, with the rights that the file had; a link to it stays one, and nothing else is left."""
    link = tmp_path / "link"
    link.symlink_to(last_night)
    with last_night.open() as before:
        command.main(["export", str(link), "--data", str(filled)])
        assert before.read() == "last night's\n"
    assert last_night.read_text().startswith('{"type":"ARCHIVE"')
    assert (link.is_symlink(), last_night.stat().st_mode & 0o777) == (True, 0o640)
    assert list(last_night.parent.iterdir()) == [last_night]


def test_an_export_that_finds_the_disk_full(filled: Path, last_night: Path) -> None:
    """One line; last night's file stays, and no part of the new one."""
    book = Logbook(filled)
    book.say(*["long " * 1_000] * 20)
    book.close()
    result = run_with_small_files(40, "export", last_night, "--data", filled)
    assert_one_line(result, f"export: {last_night}: File too large")
    assert last_night.read_text() == "last night's\n"
    assert list(last_night.parent.iterdir()) == [last_night]


def test_an_export_whose_log_fails(filled: Path, last_night: Path, fails: Fails) -> None:
    """A damaged page is met only on the way."""
    book = Logbook(filled)
    book.writer.database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    page = book.writer.database.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'entry'").fetchone()[0]
    book.close()
    with (filled / FILE_NAME).open("r+b") as file:
        file.seek(4096 * (page - 1))
        file.write(bytes(4096))
    fails("is damaged", "export", last_night, "--data", filled)
    assert last_night.read_text() == "last night's\n"
    assert list(last_night.parent.iterdir()) == [last_night]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_export_that_is_ended(
    filled: Path, last_night: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    """By a signal: nothing is left of it, and no traceback is shown."""

    def lines(self: SqliteUpkeep) -> Iterator[bytes]:
        yield b"first"
        signal.raise_signal(number)
        raise AssertionError("the signal ends the program")

    monkeypatch.setattr(SqliteUpkeep, "export_lines", lines)
    handlers = signal.getsignal(number)
    with pytest.raises(SystemExit) as caught:
        command.main(["export", str(last_night), "--data", str(filled)])
    assert (caught.value.code, signal.getsignal(number)) == (128 + number, handlers)
    assert last_night.read_text() == "last night's\n"
    assert list(last_night.parent.iterdir()) == [last_night]


def test_an_export_into_streams(filled: Path, tmp_path: Path) -> None:
    """Pipes, devices and descriptors are written to as they are."""
    archive = run("export", "-", "--data", filled).stdout
    assert run("export", "/dev/stdout", "--data", filled).stdout == archive
    os.mkfifo(tmp_path / "pipe")
    with subprocess.Popen(["cat", tmp_path / "pipe"], stdout=subprocess.PIPE) as reader:
        assert run("export", tmp_path / "pipe", "--data", filled).returncode == 0
        assert reader.communicate()[0] == archive
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)
    (tmp_path / "appended").write_bytes(b"before\n")
    with (tmp_path / "appended").open("ab") as file:
        subprocess.run([sys.executable, "-m", "tcp_server", "export", "-", "--data", filled], stdout=file, check=True)
    assert (tmp_path / "appended").read_bytes() == b"before\n" + archive
    for device in ("/dev/full", "-"):
        with open("/dev/full", "wb") as full:
            result = subprocess.run(
                [sys.executable, "-m", "tcp_server", "export", device, "--data", filled],
                stdout=full,
                stderr=subprocess.PIPE,
            )
        assert (result.returncode, result.stderr.decode().splitlines()) == (
            1,
            [f"tcp_server: export: {device}: No space left on device"],
        )


def test_an_export_spares_the_data_folder(filled: Path, tmp_path: Path, fails: Fails) -> None:
    """Its own files are never written to: by their names, through links, or as standard output."""
    token_key(filled)
    before = {file: file.read_bytes() for file in filled.iterdir()}
    (tmp_path / "folder").symlink_to(filled)
    (tmp_path / "soft").symlink_to(filled / FILE_NAME)
    (tmp_path / "hard").hardlink_to(filled / FILE_NAME)
    names = [FILE_NAME, f"{FILE_NAME}-wal", f"{FILE_NAME}-shm", f"{FILE_NAME}-journal", "token.key", "lock"]
    outputs = [*(filled / name for name in names), *(tmp_path / "folder" / name for name in names)]
    for output in (*outputs, tmp_path / "soft", tmp_path / "hard", filled / ".." / filled.name / FILE_NAME):
        for data in (filled, tmp_path / "folder"):
            fails("is the data folder's own .*; choose another FILE", "export", output, "--data", data)
    for output in ("-", "/dev/stdout"):
        with (filled / FILE_NAME).open("ab") as log:
            result = subprocess.run(
                [sys.executable, "-m", "tcp_server", "export", output, "--data", filled],
                stdout=log,
                stderr=subprocess.PIPE,
            )
        assert b"is the data folder's own chat.sqlite3" in result.stderr
    assert {file: file.read_bytes() for file in filled.iterdir()} == before
    command.main(["export", str(filled / "backup.jsonl"), "--data", str(filled)])
    assert (filled / "backup.jsonl").exists()
