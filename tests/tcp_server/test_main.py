"""The command line: one clear line and an exit status for each mistake; start-up lines."""

import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tcp_server import __main__ as command
from tcp_server.log.database import FILE_NAME, open_database
from tcp_server.net.listening import bind
from tcp_server.net.process import StartError
from tests.conftest import StartServer
from tests.tcp_server.commands import Fails, assert_one_line, run, run_with_small_files
from tests.tcp_server.logbook import Logbook
from tests.tcp_server.process import ServerProcess

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
        (["0", "--keep", "9" * 400 + "d"], "such as 90d"),
        (["0", "--keep-messages", "9" * 5000], "from 1 on, not '9"),
        (["0", "--motd", ""], "argument --motd: is empty"),
        (["0", "--motd", "x" * 8001], "argument --motd: has more than 8000 characters"),
        (["0", "--motd", "\x1b[2J"], r"argument --motd: may not hold U\+001B"),
        (["0", "--motd", "a" + "\u0301" * 31], "argument --motd: has more than 30 marks in a row"),
        (["0", "--motd", "caf\udce9"], "argument --motd: is not UTF-8 text"),
        (["0", "--name", ""], "argument --name: is empty"),
        (["0", "--name", "x" * 65], "argument --name: has more than 64 characters"),
        (["0", "--name", "two\nlines"], "argument --name: has more than one line"),
        (["0", "--name", "tab\there"], "argument --name: has more than one line or column"),
        (["0", "--name", "\x9b2J"], r"argument --name: may not hold U\+009B"),
        (["0", "--name", "caf\udce9"], "argument --name: is not UTF-8 text"),
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


@pytest.mark.parametrize("flags", [["--name", "é" * 64], ["--motd", "茶\n\t" + "x" * 7_997], ["--name", "👩\u200d🚀"]])
def test_texts_that_clients_show(flags: list[str]) -> None:
    """Of any script, up to their lengths."""
    options = command._server_parser().parse_args(["0", *flags])
    assert vars(options)[flags[0].removeprefix("--")] == flags[1]


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


# Mistakes that keep it from starting


def test_the_port_is_taken(fails: Fails, tmp_path: Path) -> None:
    """Another program listens there."""
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


def test_a_lock_that_cant_be_made(fails: Fails, tmp_path: Path) -> None:
    """A folder stands in its place."""
    (tmp_path / "lock").mkdir()
    fails("can't write to the data folder", 0, "--data", tmp_path)


def test_a_full_disk(tmp_path: Path) -> None:
    """One line, however far the start came; with room the same folder serves."""
    for kibibytes in (0, 8, 30):  # of each file
        assert_one_line(run_with_small_files(kibibytes, 0, "--data", tmp_path), "the disk is full or fails")
    ServerProcess(tmp_path).stop()


def test_a_log_that_another_program_holds(fails: Fails, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It isn't called damaged."""
    monkeypatch.setattr("tcp_server.log.database.BUSY_MSEC", 0)
    Logbook(tmp_path).close()
    other = open_database(tmp_path / FILE_NAME)
    other.execute("PRAGMA locking_mode = EXCLUSIVE")
    other.execute("INSERT INTO meta VALUES ('mine', '1')")
    fails("is locked by another program; end that program", 0, "--data", tmp_path)
    fails("is locked by another program", "export", "-", "--data", tmp_path)
    other.close()


def test_a_second_server_on_the_same_folder(start_server: StartServer, tmp_path: Path) -> None:
    """Refused; the first one isn't disturbed."""
    server = start_server()
    assert_one_line(run(0, "--data", server.folder), "in use by another server; choose another --data")


def test_databases_that_cant_be_opened(fails: Fails, tmp_path: Path) -> None:
    """Newer, damaged, somebody else's: each says the way out."""
    book = Logbook(tmp_path)
    book.writer.database.execute("PRAGMA user_version = 99")
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


# Standard streams


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_standard_streams(tmp_path: Path, closed: str) -> None:
    """The server runs until it is told to end, and no socket has the number of a stream."""
    command_line = f"{sys.executable} -m tcp_server 0 --host 127.0.0.1 --data {tmp_path}/data --shutdown-delay 0"
    server = subprocess.Popen(
        ["bash", "-c", f"exec {command_line} {closed}"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    while server.poll() is None and not (tmp_path / "data" / "token.key").exists():
        os.sched_yield()  # the streams and the sockets are open when the key is made
    for number in range(3):
        assert not os.readlink(f"/proc/{server.pid}/fd/{number}").startswith("socket:")
    server.terminate()
    output, errors = server.communicate()
    assert output.count(b"\n") in ((0,) if " >&-" in f" {closed}" else (0, 3))  # 0: the signal came before the lines
    assert b"Traceback" not in errors


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_standard_streams_of_export_and_import(tmp_path: Path, closed: str) -> None:
    """One line at most; `-` is nothing."""
    book = Logbook(tmp_path)
    book.close()
    for words in (f"export - --data {tmp_path}", f"import - --data {tmp_path}/new"):
        shell = f"exec {sys.executable} -m tcp_server {words} {closed}"
        result = subprocess.run(["bash", "-c", shell], capture_output=True, stdin=subprocess.DEVNULL)
        assert len(result.stderr.splitlines()) == (0 if "2>&-" in closed else 1), result.stderr
        assert result.returncode == ("import" in words)


@pytest.mark.parametrize("output", ["/dev/full", ">(true)"])
def test_a_standard_output_that_takes_nothing(tmp_path: Path, output: str) -> None:
    """It is said in the log, and the server runs."""
    shell = f"exec {sys.executable} -m tcp_server 0 --data {tmp_path} --shutdown-delay 0 > {output}"
    server = subprocess.Popen(["bash", "-c", shell], stderr=subprocess.PIPE, text=True)
    assert server.stderr is not None
    assert "standard output takes nothing: " in server.stderr.readline()
    server.terminate()
    errors = server.communicate()[1]
    assert (server.returncode, len(errors.splitlines())) == (0, 1), errors


def test_a_folder_whose_name_is_no_text(tmp_path: Path) -> None:
    """Its bytes are shown, and the server runs."""
    server = ServerProcess(tmp_path / "caf\udce9")
    server.stop()
    assert r"messages are kept in" in server.announced
    assert r"caf\udce9" in server.announced


def test_a_strangers_text_in_an_error(fails: Fails, tmp_path: Path) -> None:
    """An archive's escape sequences don't reach the terminal."""
    archive = tmp_path / "archive"
    archive.write_text('{"type":"\\u001b[2J"}\n')
    fails(r"line 1: .*\\x1b\[2J", "import", archive, "--data", tmp_path / "new")


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


def test_the_announcement_of_ipv6(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """In brackets where a port follows."""
    if not socket.has_ipv6:
        pytest.skip("this machine has no IPv6")
    try:
        sockets = bind("::1", 0)
    except StartError:
        pytest.skip("IPv6 is switched off")
    options = command._server_parser().parse_args(["0", "--host", "::1", "--data", str(tmp_path)])
    command._announce(sockets, options, tmp_path / FILE_NAME)
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
