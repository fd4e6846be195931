"""The client as people run it: real processes, pipes and pseudo-terminals, a real server, real kills."""

import contextlib
import fcntl
import json
import os
import pty
import select
import shlex
import signal
import socket
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cli_client.grid import Grid

ROOT = Path(__file__).parents[2]
SECONDS = 30.0  # for a step; the machine may be busy


class Server:
    """A server process on a port of its own, which can be killed and started again on its data."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self.folder = data.parent
        self.port = 0
        self.start()

    def start(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tcp_server", str(self.port), "--host", "127.0.0.1", "--data", str(self._data)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith("listening on "):
                self.port = int(line.rpartition(":")[2])
                return
        self.kill()
        raise AssertionError("the server did not start")

    def kill(self) -> None:
        self._process.kill()
        self._process.wait(SECONDS)
        assert self._process.stdout is not None
        self._process.stdout.close()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    running = Server(tmp_path / "data")
    yield running
    running.kill()


def command(server: Server, *flags: str) -> list[str]:
    return [sys.executable, "-m", "cli_client", "127.0.0.1", str(server.port), *flags]


def environment(tmp_path: Path, state_of: str = "state") -> dict[str, str]:
    state = {"XDG_STATE_HOME": str(tmp_path / state_of), "PYTHONPATH": str(ROOT)}
    return os.environ | state | {"TERM": "xterm-256color", "PROMPT_TOOLKIT_NO_CPR": "1"}


def pipe(server: Server, text: str, *flags: str, code: int = 0, state_of: str = "pipes") -> list[str]:
    """Run a plain client over some input, check its exit code, and return its output."""
    ended = subprocess.run(
        command(server, *flags),
        cwd=ROOT,
        env=environment(server.folder, state_of),
        input=text,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert ended.returncode == code, ended.stderr
    return ended.stdout.splitlines()


class Screen:
    """A client on a pseudo-terminal of 80x24."""

    def __init__(self, arguments: list[str], env: dict[str, str]) -> None:
        self._master, slave = pty.openpty()
        self._grid = Grid(80, 24)
        self.resize(80, 24)
        self.process = subprocess.Popen(
            arguments, cwd=ROOT, env=env, stdin=slave, stdout=slave, stderr=slave, start_new_session=True
        )
        os.close(slave)

    def resize(self, columns: int, rows: int) -> None:
        self._grid.resize(columns, rows)
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def press(self, keys: str) -> None:
        os.write(self._master, keys.encode())

    def until(self, *texts: str) -> None:
        """Wait until the screen shows all these texts."""
        wait_for(lambda: self._read() or all(text in self.text for text in texts), lambda: self.text)

    @property
    def text(self) -> str:
        return self._grid.text

    def _read(self) -> None:
        readable, _, _ = select.select([self._master], [], [], 0.1)
        if readable:
            with contextlib.suppress(OSError):  # the client has ended
                self._grid.feed(os.read(self._master, 65_536))

    def end(self) -> int:
        """Wait for the client to end while its screen is read, and return its exit code."""
        wait_for(lambda: self._read() or self.process.poll() is not None, lambda: self.text)
        self._read()
        return self.process.returncode

    def close(self) -> None:
        self.process.kill()
        self.process.wait(SECONDS)
        os.close(self._master)


def wait_for(holds: Callable[[], object], shown: Callable[[], str]) -> None:
    """Call `holds`, which waits a little itself, until it is true."""
    deadline = time.monotonic() + SECONDS
    while not holds():
        assert time.monotonic() < deadline, shown()


@pytest.fixture
def screens(server: Server, tmp_path: Path) -> Iterator[Callable[..., Screen]]:
    made: list[Screen] = []

    def make(*flags: str) -> Screen:
        made.append(Screen(command(server, *flags), environment(tmp_path)))
        return made[-1]

    yield make
    for screen in made:
        screen.close()


def said(server: Server, room: str = "lobby") -> list[str]:
    """Return what the log has of a room."""
    bodies = pipe(server, "/history 200\n", "--nick", "reader", "--room", room, "--json")
    (history,) = (body for body in map(json.loads, bodies) if body["type"] == "HISTORY")
    return [message["message"] for message in history["messages"]]


def test_pipes_talk_to_the_server(server: Server) -> None:
    """Everything in is in the log at the end, in order; everything out is one line."""
    lines = [f"line {number}" for number in range(200)]
    out = pipe(server, "\n".join(lines), "--nick", "writer")
    assert [line.partition("> ")[2] for line in out] == lines
    assert said(server) == lines
    bodies = [json.loads(line) for line in pipe(server, "/me waves\n/users\n", "--nick", "other", "--json")]
    assert [body["type"] for body in bodies if body["type"] != "JOIN"] == ["ROOM", "MSG", "USERS"]
    assert "token" not in str(bodies)


def test_a_taken_nickname_is_exit_3(server: Server) -> None:
    """While somebody has it, however it is written; and a bot in ten lines answers."""
    bot = subprocess.Popen(
        [sys.executable, "examples/bot.py", str(server.port)], cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}
    )
    try:
        client = subprocess.Popen(
            command(server, "--nick", "alice"),
            cwd=ROOT,
            env=environment(server.folder, "pipes"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert client.stdin is not None
        assert client.stdout is not None
        client.stdin.write("hello\n")
        client.stdin.flush()
        assert "<alice> hello" in client.stdout.readline()
        assert pipe(server, "", "--nick", "ALICE", code=3, state_of="another person's") == []
        answer = ""
        while "alice said: is anybody there" not in answer:
            client.stdin.write("!echo is anybody there\n")
            client.stdin.flush()
            answer = client.stdout.readline()
        client.send_signal(signal.SIGINT)
        client.communicate(timeout=SECONDS)
        assert client.returncode == 130
    finally:
        bot.kill()
        bot.wait(SECONDS)


def test_a_closed_port_is_exit_1(tmp_path: Path) -> None:
    """In a pipe and on a terminal: one line, no traceback."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        arguments = [sys.executable, "-m", "cli_client", "127.0.0.1", str(free.getsockname()[1])]
        ended = subprocess.run(arguments, cwd=ROOT, capture_output=True, text=True, timeout=SECONDS, check=False)
        assert ended.returncode == 1
        assert len(ended.stderr.splitlines()) == 1
        screen = Screen(arguments, environment(tmp_path))
        try:
            assert screen.end() == 1
            shown = screen.text.split()
            assert " ".join(shown).startswith("wordpacket: can't reach a chat server at 127.0.0.1 port")
        finally:
            screen.close()


def test_two_terminals_and_a_dead_server(server: Server, screens: Callable[..., Screen]) -> None:
    """They see each other; what is typed while the server is dead is sent once when it is back."""
    alice, bob = screens("--nick", "alice"), screens("--nick", "bob")
    alice.until("#lobby", "live")
    bob.until("#lobby", "live")
    bob.press("hi alice, half typ")
    alice.press("hello bob\r")
    bob.until("hello bob")
    bob.press("ed\r")
    alice.until("hi alice, half typed")
    server.kill()
    alice.until("reconnecting since")
    alice.press("said into the dark\r")
    alice.until("said into the dark", "1 unsent")
    server.start()
    bob.until("said into the dark")
    alice.until("live")
    alice.resize(40, 12)
    alice.press("still here, 日本\r")
    bob.until("alice │ still here, 日本")
    alice.until("alice still here, 日本\n ● live │ 2 members\n#lobby›")
    alice.press("/quit so long\r")
    assert alice.end() == 0
    bob.press("\x03\x03")
    assert bob.end() == 0
    assert [text for text in said(server) if "dark" in text] == ["said into the dark"]


def test_a_killed_terminal_comes_back_with_everything(
    server: Server, screens: Callable[..., Screen], tmp_path: Path
) -> None:
    """Typed while the server is dead, then killed: sent once by the next start, which also shows what it missed."""
    alice = screens("--nick", "alice", "--room", "dev")
    alice.until("#dev", "live")
    second = Screen(command(server, "--nick", "alice"), environment(tmp_path, "somebody else's"))
    second.until("taken", "Another nickname:")
    second.press("carol\r")
    second.until("live")
    second.close()
    server.kill()
    alice.until("reconnecting since")
    alice.press("kept in a file\r")
    alice.until("kept in a file", "1 unsent")
    alice.process.kill()
    alice.process.wait(SECONDS)
    (unsent,) = [file for file in (tmp_path / "state" / "wordpacket").glob("*.json") if "kept" in file.read_text()]
    assert unsent.stat().st_mode & 0o777 == 0o600
    server.start()
    pipe(server, "missed by alice\n", "--nick", "dave", "--room", "dev")
    again = screens("--nick", "alice")
    again.until("missed by alice", "live", "kept in a file")
    again.press("/quit\r")
    assert again.end() == 0
    assert said(server, "dev") == ["missed by alice", "kept in a file"]
    forgetting = subprocess.run(
        command(server, "--nick", "alice", "--forget"),
        cwd=ROOT,
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert forgetting.stdout.startswith("forgot alice")
    assert not unsent.exists()


def test_a_server_killed_in_mid_send_has_everything_once(server: Server) -> None:
    """Lines stream in while the server is killed and started: each is in the log once, and in order."""
    lines = [f"line {number}" for number in range(3000)]
    client = subprocess.Popen(
        command(server, "--nick", "writer", "--json"),
        cwd=ROOT,
        env=environment(server.folder),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert client.stdin is not None
    assert client.stdout is not None
    client.stdin.write("\n".join(lines))
    client.stdin.close()
    echoed: list[str] = []
    with client.stdout as bodies:
        for body in map(json.loads, bodies):
            if body["type"] != "MSG":
                continue
            echoed.append(body["message"])
            if len(echoed) in (200, 1200):
                server.kill()
                server.start()
    assert client.wait(SECONDS) == 0
    assert echoed == lines


def test_two_terminals_of_one_person(server: Server, screens: Callable[..., Screen]) -> None:
    """Both are let in, each hears what the other says, and a pipe of the same person speaks, too."""
    first, second = screens("--nick", "alice"), screens("--nick", "alice")
    first.until("live")
    second.until("live")
    first.press("from the first\r")
    second.until("from the first")
    second.press("from the second\r")
    first.until("from the second")
    pipe(server, "from a pipe\n", "--nick", "alice", state_of="state")
    first.until("from a pipe")
    second.press("/quit\r")
    assert second.end() == 0
    first.press("still here\r")
    first.until("still here", "1 member")


def test_a_killed_pipe_is_let_in_at_once(server: Server) -> None:
    """Its nickname is held for a minute after a kill, for whoever has its token."""
    client = subprocess.Popen(
        command(server, "--nick", "logger"),
        cwd=ROOT,
        env=environment(server.folder, "pipes"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert client.stdin is not None
    assert client.stdout is not None
    with client.stdin, client.stdout:
        client.stdin.write("one\n")
        client.stdin.flush()
        assert "<logger> one" in client.stdout.readline()
        client.kill()
        client.wait(SECONDS)
    assert pipe(server, "two\n", "--nick", "logger")[-1].endswith("<logger> two")
    assert said(server) == ["one", "two"]


def test_a_terminal_shows_what_was_kept_without_a_server(server: Server, screens: Callable[..., Screen]) -> None:
    """And sends it once there is one."""
    first = screens("--nick", "alice", "--room", "dev")
    first.until("#dev", "live")
    server.kill()
    first.until("reconnecting since")
    first.press("kept\r")
    first.until("kept", "1 unsent")
    first.press("/quit\r")
    assert first.end() == 0
    again = screens("--nick", "alice")
    again.until("there is no server yet", "#dev", "kept", "1 unsent")
    server.start()
    again.until("live")
    again.press("/quit\r")
    assert again.end() == 0
    assert said(server, "dev") == ["kept"]


def test_a_closed_terminal_says_bye(server: Server) -> None:
    """A pipe gets SIGHUP, too: others hear that its person has left, and not that a connection was lost."""
    client = subprocess.Popen(
        command(server, "--nick", "carol"),
        cwd=ROOT,
        env=environment(server.folder, "pipes"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert client.stdin is not None
    assert client.stdout is not None
    with client.stdin, client.stdout:
        client.stdin.write("hello\n")
        client.stdin.flush()
        assert "<carol> hello" in client.stdout.readline()
        client.send_signal(signal.SIGHUP)
        assert client.wait(SECONDS) == 129
    assert pipe(server, "/users\n", "--nick", "reader", "--room", "lobby") == ["1 in #lobby: reader"]


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_closed_standard_stream_is_the_null_device(server: Server, closed: str) -> None:
    """As cron and service managers start programs."""
    line = shlex.join(command(server, "--nick", "cron"))
    started = f"printf 'hello\\n' | {line}" if "<&-" not in closed else line
    ended = subprocess.run(
        ["bash", "-c", f"{started} {closed}"],
        cwd=ROOT,
        env=environment(server.folder),
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    assert said(server) == ([] if "<&-" in closed else ["hello"])


def test_a_full_disk_is_told(server: Server) -> None:
    """What was said is not where it should be, so the exit code is not 0."""
    with open("/dev/full", "w") as full:
        ended = subprocess.run(
            command(server, "--nick", "writer"),
            cwd=ROOT,
            env=environment(server.folder),
            input="hello\n",
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=SECONDS,
            check=False,
        )
    assert ended.returncode == 74
    assert ended.stderr == "wordpacket: can't write standard output: no space left on device\n"
