"""The command line: one clear line and an exit status for each mistake; start-up lines; export and import."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import pytest

from tcp_server import __main__ as command
from tcp_server.folder import make_folder
from tcp_server.log.database import FILE_NAME
from tcp_server.log.log import Log
from tests.conftest import StartServer
from tests.tcp_server.conftest import Connect
from tests.tcp_server.logbook import Logbook


def run(*arguments: object, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """Run the real command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "tcp_server", *map(str, arguments)], input=stdin, capture_output=True, timeout=20
    )


def assert_one_line(result: subprocess.CompletedProcess[bytes], text: str) -> None:
    """The command failed with status 1, one clear line on standard error, and nothing else."""
    errors = result.stderr.decode()
    assert (result.returncode, len(errors.splitlines()), result.stdout) == (1, 1, b""), errors
    assert re.search(text, errors), errors


class Fails(Protocol):
    """Run the command in this process: it fails with status 1 and one clear line."""

    def __call__(self, text: str, *arguments: object) -> None: ...


@pytest.fixture
def fails(capsys: pytest.CaptureFixture[str]) -> Iterator[Fails]:
    interval, mask = sys.getswitchinterval(), os.umask(0)

    def fails(text: str, *arguments: object) -> None:
        with pytest.raises(SystemExit) as caught:
            command.main([str(argument) for argument in arguments])
        output = capsys.readouterr()
        assert (caught.value.code, len(output.err.splitlines()), output.out) == (1, 1, ""), output
        assert re.search(text, output.err), output.err

    yield fails
    sys.setswitchinterval(interval)
    os.umask(mask)


# Flags


@pytest.mark.parametrize(
    ("flags", "text"),
    [
        ([], "required: PORT"),
        (["abc"], "PORT"),
        (["65536"], "0 to 65535, not '65536'"),
        (["-1"], "."),
        (["0", "--shutdown-delay", "soon"], "shutdown-delay"),
        (["0", "--shutdown-delay", "-1"], "argument"),
        (["0", "--shutdown-delay", "1e3"], "such as 5 or 0.5, not '1e3'"),
        (["0", "--grace", "nan"], "such as 5 or 0.5, not 'nan'"),
        (["0", "--grace", "1000000000"], "such as 5 or 0.5, not '1000000000'"),
        (["0", "--sync", "never"], "invalid choice"),
        (["0", "--keep", "90"], "such as 90d, not '90'"),
        (["0", "--keep", "0d"], "such as 90d"),
        (["0", "--keep", "x"], "such as 90d"),
        (["0", "--keep", ""], "such as 90d"),
        (["0", "--keep-messages", "0"], "from 1 on, not '0'"),
        (["0", "--keep-messages", "many"], "from 1 on, not 'many'"),
        (["0", "--motd", ""], "1 to 8000 characters"),
        (["0", "--motd", "x" * 8001], "1 to 8000 characters"),
        (["0", "--log-level", "loud"], "invalid choice"),
        (["0", "--nonsense"], "unrecognized arguments: --nonsense"),
        (["export"], "required: FILE"),
        (["import", "x", "y"], "unrecognized arguments"),
    ],
)
def test_a_bad_flag(capsys: pytest.CaptureFixture[str], flags: list[str], text: str) -> None:
    """Exit 2, and one line that names it."""
    with pytest.raises(SystemExit) as caught:
        command.main(flags)
    assert caught.value.code == 2
    errors = capsys.readouterr().err
    assert re.search(text, errors)
    assert errors.startswith("tcp_server: ")
    assert errors.count("\n") == 1


@pytest.mark.parametrize(("age", "seconds"), [("30s", 30), ("5m", 300), ("2h", 7200), ("90d", 7_776_000)])
def test_ages(age: str, seconds: int) -> None:
    """Seconds, minutes, hours, days."""
    assert command._server_parser().parse_args(["0", "--keep", age]).keep == seconds


def test_help_explains_every_flag(capsys: pytest.CaptureFixture[str]) -> None:
    """In a sentence, with the defaults."""
    with pytest.raises(SystemExit) as caught:
        command.main(["--help"])
    assert caught.value.code == 0
    text = capsys.readouterr().out
    for action in command._server_parser()._actions:
        assert action.help
        assert (action.option_strings or ["PORT"])[0] in text
    assert "export FILE" in text


def test_defaults() -> None:
    """As the protocol and the README have them."""
    options = command._server_parser().parse_args(["9000"])
    assert (options.port, options.host, options.name) == (9000, None, "Wordpacket")
    assert (options.shutdown_delay, options.grace, options.sync) == (5.0, 60.0, "normal")
    assert (options.keep, options.keep_messages, options.motd) == (None, None, None)
    assert "wordpacket" in str(options.data)


# What keeps it from starting


def test_the_port_is_taken(fails: Fails, tmp_path: Path) -> None:
    """By somebody who listens."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        assert_one_line(run(port, "--data", tmp_path), f"port {port} is taken already")
        fails(f"port {port} is taken already", port, "--host", "127.0.0.1", "--data", tmp_path)


@pytest.mark.parametrize("host", ["no-such-host.invalid", "192.0.2.7"])
def test_a_host_that_isnt_here(fails: Fails, tmp_path: Path, host: str) -> None:
    """Unknown, or somebody else's."""
    fails(repr(host), 0, "--host", host, "--data", tmp_path)


def test_a_data_folder_that_cant_be(fails: Fails, tmp_path: Path) -> None:
    """A file stands there, or nothing can be written."""
    (tmp_path / "file").write_text("")
    fails("can't make the data folder .*file", 0, "--data", tmp_path / "file")
    fails("can't make the data folder", 0, "--data", tmp_path / "file" / "below")
    fails("can't make the data folder", 0, "--data", "/proc/self/nothing")


def test_a_data_folder_that_isnt_writable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Said before anything is tried; root may write everywhere, so the system is asked in its place."""
    monkeypatch.setattr("os.access", lambda *_: False)
    with pytest.raises(command.StartError, match="can't write to the data folder"):
        make_folder(tmp_path)


def test_a_lock_that_cant_be_made(fails: Fails, tmp_path: Path) -> None:
    """A folder stands in its place."""
    (tmp_path / "lock").mkdir()
    fails("can't write to the data folder", 0, "--data", tmp_path)


def test_a_second_server_on_the_same_folder(start_server: StartServer, tmp_path: Path) -> None:
    """Refused; the first one isn't disturbed."""
    server = start_server()
    assert_one_line(run(0, "--data", server.folder), "in use by another server; choose another --data")


def test_databases_that_cant_be_opened(fails: Fails, tmp_path: Path) -> None:
    """Newer, damaged, somebody else's: each says the way out."""
    book = Log(tmp_path)
    book.database.execute("PRAGMA user_version = 99")
    book.close()
    fails("newer version", 0, "--data", tmp_path)
    for name in os.listdir(tmp_path):
        (tmp_path / name).unlink()
    (tmp_path / FILE_NAME).write_bytes(b"no database" * 1000)
    fails(r"\.recover", 0, "--data", tmp_path)
    fails(FILE_NAME, "export", "-", "--data", tmp_path)
    (tmp_path / FILE_NAME).write_bytes(b"")
    fails(".", "export", "-", "--data", tmp_path)


def test_a_damaged_key(fails: Fails, tmp_path: Path) -> None:
    """It isn't replaced silently: everybody would lose their nickname."""
    (tmp_path / "token.key").write_bytes(b"short")
    fails(r"token\.key is damaged", 0, "--data", tmp_path)


@pytest.mark.parametrize("flag", ["--link-secret-file", "--server-password-file"])
def test_a_secret_file_that_cant_be_read(fails: Fails, tmp_path: Path, flag: str) -> None:
    """It is missing."""
    fails("can't read .*missing: No such file", 0, "--data", tmp_path, flag, tmp_path / "missing")


# Starting


def test_the_startup_lines(start_server: StartServer, tmp_path: Path) -> None:
    """Where it listens, where the data lies, and the next command to type."""
    server = start_server()
    server.stop()
    lines = server.announced.splitlines()
    assert lines[0] == f"listening on 127.0.0.1:{server.port}"
    assert lines[1] == f"messages are kept in {server.folder / FILE_NAME}"
    assert f"python -m cli_client 127.0.0.1 {server.port}" in lines[2]
    assert f"python -m ws_bridge --server 127.0.0.1:{server.port}" in lines[2]
    assert "shutting down in 0 s" in server.errors


def test_the_key_is_the_owners_alone(start_server: StartServer) -> None:
    """And stays over a restart."""
    server = start_server()
    server.stop()
    key = server.folder / "token.key"
    assert (key.stat().st_mode & 0o777, len(key.read_bytes())) == (0o600, 32)
    before = key.read_bytes()
    start_server().stop()
    assert key.read_bytes() == before


def test_a_new_data_folder_is_the_owners_alone(tmp_path: Path) -> None:
    """Other people's messages lie in it."""
    make_folder(tmp_path / "deep" / "data")
    assert (tmp_path / "deep" / "data").stat().st_mode & 0o777 == 0o700


def test_the_announcement_of_ipv6(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """In brackets where a port follows."""
    if not socket.has_ipv6:
        pytest.skip("this machine has no IPv6")
    try:
        sockets = command.bind("::1", 0)
    except command.StartError:
        pytest.skip("IPv6 is switched off")
    options = command._server_parser().parse_args(["0", "--host", "::1", "--data", str(tmp_path)])
    command._announce(sockets, options)
    port = sockets[0].getsockname()[1]
    sockets[0].close()
    text = capsys.readouterr().out
    assert f"listening on [::1]:{port}" in text
    assert f"cli_client ::1 {port}" in text
    assert f"--server [::1]:{port}" in text


def test_a_signal_right_after_the_start(start_server: StartServer) -> None:
    """Ends it in order."""
    server = start_server()
    server.signal(signal.SIGINT)
    assert server.wait() == 0


# Export and import


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
