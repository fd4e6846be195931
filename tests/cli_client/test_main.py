"""The command line: flags, exit codes, and one clear line for what goes wrong."""

import getpass
import logging
import re
import sys
from importlib import metadata
from pathlib import Path

import pytest

from cli_client import __main__ as command
from cli_client.library.errors import NotAdmitted, Unreachable
from cli_client.library.memory import Memory
from cli_client.library.store import Store
from cli_client.opening import Wanted
from cli_client.pipe.plain import Exit


@pytest.fixture(autouse=True)
def aside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Keep the log's set-up and the person's own state out of it."""
    monkeypatch.setattr(logging, "basicConfig", lambda **_: None)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))


@pytest.fixture
def wanted(monkeypatch: pytest.MonkeyPatch) -> list[Wanted]:
    """Collect what the faces are asked for, instead of running them."""
    asked: list[Wanted] = []

    async def run(what: Wanted, **_: object) -> int:
        asked.append(what)
        return Exit.DONE

    monkeypatch.setattr(command, "run_plain", run)
    monkeypatch.setattr(command, "run_terminal", run)
    return asked


@pytest.mark.parametrize(
    ("arguments", "host", "port"),
    [([], "127.0.0.1", 9000), (["h"], "h", 9000), (["h", "7"], "h", 7), (["9001"], "127.0.0.1", 9001)],
)
def test_host_and_port_may_be_left_out(
    wanted: list[Wanted], monkeypatch: pytest.MonkeyPatch, arguments: list[str], host: str, port: int
) -> None:
    """A number alone is a port; the nickname is the login name's."""
    monkeypatch.setattr(getpass, "getuser", lambda: "root")
    monkeypatch.setenv("WORDPACKET_PASSWORD", "secret")
    assert command.main(arguments) == 0
    assert wanted == [Wanted(host, port, "root_", (), "secret", None)]


def test_rooms_and_nickname(wanted: list[Wanted], monkeypatch: pytest.MonkeyPatch) -> None:
    """--room may be given often, with or without its `#`."""

    def nobody() -> str:
        raise KeyError("no such uid")

    monkeypatch.setattr(getpass, "getuser", nobody)
    command.main(["--nick", "alice", "--room", "#dev", "--room", "ops"])
    command.main([])
    assert [(what.nickname, what.rooms) for what in wanted] == [("alice", ("dev", "ops")), ("guest", ())]


@pytest.mark.parametrize(
    "arguments",
    [
        ["--bogus"],
        ["h", "x"],
        ["h", "0"],
        ["h", "65536"],
        ["99999"],
        ["--nick", "a b"],
        ["--nick", ""],
        ["--room", "a!b"],
        ["--room", "x" * 65],
        ["--log-level", "loud"],
        ["h", "1", "extra"],
        [""],
        ["[]", "9000"],
    ],
)
def test_bad_flags_exit_with_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """And the last line says which."""
    with pytest.raises(SystemExit) as ending:
        command.main(arguments)
    assert ending.value.code == Exit.USAGE
    assert "error: " in capsys.readouterr().err.splitlines()[-1]


def test_help_explains_every_flag(capsys: pytest.CaptureFixture[str]) -> None:
    """In a sentence each."""
    with pytest.raises(SystemExit) as ending:
        command.main(["--help"])
    assert ending.value.code == 0
    parser = command.make_parser()
    for action in parser._actions[1:]:
        assert action.help
        assert action.help.endswith(".")
    assert "NO_COLOR" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (Unreachable("refused"), 1, "wordpacket: can't reach a chat server at 127.0.0.1 port 9000: refused\n"),
        (NotAdmitted("bob", "taken", "it is taken"), 3, "wordpacket: bob is not let in: it is taken\n"),
        (EOFError(), 3, ""),
        (KeyboardInterrupt(), 130, ""),
    ],
)
def test_what_goes_wrong_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: BaseException, code: int, line: str
) -> None:
    """No traceback, and an exit code of its own."""

    async def fail(*_: object, **__: object) -> int:
        raise error

    monkeypatch.setattr(command, "run_plain", fail)
    assert command.main([]) == code
    assert capsys.readouterr().err == line


@pytest.mark.parametrize(
    ("both", "flags", "term", "full"),
    [
        (True, [], "xterm", True),
        (False, [], "xterm", False),
        (True, ["--json"], "xterm", False),
        (True, [], "dumb", False),
    ],
)
def test_a_terminal_gets_the_full_one(
    monkeypatch: pytest.MonkeyPatch, both: bool, flags: list[str], term: str, full: bool
) -> None:
    """Unless --json asks for lines, or it can't move its cursor; its log keeps off the screen."""
    monkeypatch.setenv("TERM", term)
    ran: list[bool] = []

    async def terminal(_: Wanted) -> None:
        ran.append(True)

    async def plain(*_: object, **__: object) -> int:
        ran.append(False)
        return Exit.DONE

    monkeypatch.setattr(command, "run_terminal", terminal)
    monkeypatch.setattr(command, "run_plain", plain)
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        monkeypatch.setattr(stream, "isatty", lambda: both, raising=False)
    assert command.main(flags) == Exit.DONE
    assert ran == [full]


def test_the_version(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Of the installed package; run from a bare checkout it is unknown."""

    def not_installed(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    for version in (r"\d+\.\d+", r"0\+unknown\n"):
        with pytest.raises(SystemExit) as ending:
            command.main(["--version"])
        assert ending.value.code == 0
        assert re.match(version, capsys.readouterr().out)
        monkeypatch.setattr(metadata, "version", not_installed)


def test_an_address_in_brackets(monkeypatch: pytest.MonkeyPatch) -> None:
    """IPv6, as it is written where a port follows."""
    parser = command.make_parser()
    assert command._wanted(parser, parser.parse_args(["[::1]", "9001"])).host == "::1"


def test_forgetting(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """--forget removes the file, says if there was none, and leaves an open client alone."""
    flags = ["h", "7", "--nick", "alice", "--forget"]
    assert command.main(flags) == 0
    store = Store.open("h", 7, "alice")
    store.save(Memory("alice"))
    assert command.main(flags) == 1
    store.close()
    assert command.main(flags) == 0
    assert not store.path.exists()
    for file in store.path.parent.iterdir():
        file.unlink()
    store.path.parent.rmdir()
    store.path.parent.write_text("")
    assert command.main(flags) == 1
    out, err = capsys.readouterr()
    assert out.splitlines() == ["nothing was kept for alice at h port 7", "forgot alice at h port 7"]
    assert err.splitlines()[0] == "wordpacket: another client is open as alice; end it first"
    assert "can't forget alice at h port 7: " in err.splitlines()[1]
