"""`export` and `import`: through files and pipes, beside a server, and what they refuse."""

from pathlib import Path

import pytest

from tcp_server import __main__ as command
from tcp_server.log.database import FILE_NAME
from tests.conftest import StartServer
from tests.tcp_server.commands import Fails, run
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
