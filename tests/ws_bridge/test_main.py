"""The command line: the real program in a process of its own, and its flags."""

import asyncio
import os
import re
import signal
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from websockets.asyncio.client import connect

from tests.small import shrink
from tests.ws_bridge.rig import HELLO, FakeBrowser, FakeServer, msg, ready
from ws_bridge import __main__ as command
from ws_bridge.origins import Origin
from ws_bridge.timing import Timing

START_PATIENCE = 20.0  # seconds; a loaded machine starts Python slowly


class Program:
    """`python -m ws_bridge` with these flags."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.port = 0
        self.lines: list[str] = []

    async def started(self) -> None:
        """Read the start-up lines."""
        assert self.process.stdout is not None
        async with asyncio.timeout(START_PATIENCE):
            self.lines = [(await self.process.stdout.readline()).decode() for _ in range(2)]
        found = re.search(r"http://127\.0\.0\.1:(\d+)/", self.lines[0])
        assert found is not None, self.lines
        self.port = int(found[1])

    async def takes_connections(self) -> bool:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", self.port)
        except ConnectionRefusedError:
            return False
        except ConnectionResetError:  # it was in the queue of the listening socket when that was closed
            return True
        writer.close()
        return True

    async def ended(self) -> tuple[int, str]:
        """Wait for the end; return exit code and stderr."""
        async with asyncio.timeout(START_PATIENCE):
            _, errors = await self.process.communicate()
        assert self.process.returncode is not None
        return self.process.returncode, errors.decode()


async def run(*flags: str) -> Program:
    return Program(
        await asyncio.create_subprocess_exec(
            sys.executable, "-m", "ws_bridge", *flags, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
    )


@pytest.fixture
async def program(server: FakeServer) -> AsyncIterator[Program]:
    program = await run("--server", f"127.0.0.1:{server.port}", "--port", "0", "--log-level", "warning")
    await program.started()
    yield program
    if program.process.returncode is None:
        program.process.kill()
        await program.process.communicate()


async def test_from_start_to_sigterm(program: Program, server: FakeServer) -> None:
    """It prints its address and serves; browsers are closed with 1001, and the exit code is 0 with an empty stderr."""
    assert f"127.0.0.1:{server.port}" in program.lines[1]
    link = await server.link()
    async with connect(f"ws://127.0.0.1:{program.port}/ws", compression=None, proxy=None) as connection:
        browser = FakeBrowser(connection)
        await link.expect("OPEN", session=1, address="127.0.0.1")
        link.session(1, **HELLO)
        await browser.expect("HELLO")
        await browser.say(type="NICK", nickname="u1")
        await link.expect("NICK")
        link.say(ready(1, "a"), {"session": 1, "type": "SUBSCRIBE", "room": "a"}, msg("a", 1), msg("a", 2))
        for kind in ("READY", "MSG", "MSG"):
            await browser.expect(kind)
        program.process.send_signal(signal.SIGTERM)
        assert await browser.closed() == 1001
    await link.end()
    assert await program.ended() == (0, "")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_second_signal_ends_at_once(program: Program, server: FakeServer, number: int) -> None:
    """A second signal ends the bridge without waiting for a stubborn browser."""
    link = await server.link()
    async with connect(f"ws://127.0.0.1:{program.port}", compression=None, proxy=None) as connection:
        await link.expect("OPEN")
        connection.transport.pause_reading()
        begin = asyncio.get_running_loop().time()
        program.process.send_signal(number)
        while await program.takes_connections():
            pass  # until the first signal was seen
        program.process.send_signal(number)
        assert await program.ended() == (0, "")
        assert asyncio.get_running_loop().time() - begin < Timing().close
        connection.transport.abort()


@pytest.mark.parametrize(
    ("closed", "numbers"), [("<&-", [0]), (">&-", [1]), ("2>&-", [2]), ("<&- >&- 2>&-", [0, 1, 2])]
)
async def test_closed_standard_streams(server: FakeServer, closed: str, numbers: list[int]) -> None:
    """As cron and service managers start it: no socket gets the number of a standard stream, and it ends in order."""
    flags = f"--server 127.0.0.1:{server.port} --host 127.0.0.1 --port 0"
    process = await asyncio.create_subprocess_shell(
        f"exec {sys.executable} -m ws_bridge {flags} {closed}",
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        link = await server.link()
        opened = [os.readlink(f"/proc/{process.pid}/fd/{number}") for number in numbers]
        await link.nothing()
        process.send_signal(signal.SIGTERM)  # once: a second one may meet it when it handles no signals any more
        await link.end()
        _, errors = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert opened == ["/dev/null"] * len(numbers)
    assert process.returncode == 0
    assert b"Traceback" not in errors


async def test_the_log_has_no_raw_escapes(server: FakeServer) -> None:
    """Whatever a server or a page says: it is written as \\x1b, and makes no line of its own."""
    program = await run("--server", f"127.0.0.1:{server.port}", "--port", "0")
    await program.started()
    link = await server.link()
    hostile = "a\x1b[31mb\x9b1mc\u202ed\u2028e\r\nf"
    link.say({"type": "ERROR", "code": "bad_packet", "message": hostile})
    await link.nothing()
    reader, writer = await asyncio.open_connection("127.0.0.1", program.port)
    writer.write(
        b"GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nOrigin: http://\x9b31mx\r\n\r\n"
    )
    assert (await reader.readline()).startswith(b"HTTP/1.1 403")
    writer.close()
    link.say({"type": "BYE", "reason": hostile, "message": hostile})
    await link.end()
    program.process.send_signal(signal.SIGTERM)
    _, errors = await program.ended()
    assert not set("\x1b\x9b\u202e\u2028\r") & set(errors)
    assert errors.count("a\\x1b[31mb\\x9b1mc\\u202ed\\u2028e\\r\\nf") == 3
    assert "refused a page from http://\\x9b31mx" in errors
    assert "\nf" not in errors


async def test_slow_browser_on_the_real_loop(program: Program, server: FakeServer) -> None:
    """On uvloop too a slow browser is paused, and goes on from its cursor."""
    link = await server.link()
    sock = socket.socket()
    shrink(sock)
    sock.setblocking(False)
    await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", program.port))
    async with connect(
        f"ws://127.0.0.1:{program.port}", sock=sock, max_queue=1, compression=None, proxy=None
    ) as connection:
        browser = FakeBrowser(connection)
        await link.expect("OPEN")
        await browser.say(type="NICK", nickname="u1")
        await link.expect("NICK")
        link.say({"session": 1, **HELLO}, ready(1, "a"), {"session": 1, "type": "SUBSCRIBE", "room": "a"})
        await browser.expect("HELLO")
        await browser.expect("READY")
        id = 0
        while True:
            link.say(*[msg("a", id := id + 1, message="x" * 4000) for _ in range(20)], {"type": "PING"})
            if (await link.hear())["type"] == "PAUSE":
                await link.expect("PONG")
                break
        resumed = asyncio.create_task(link.expect("RESUME", session=1))
        seen = 0
        while not resumed.done() or seen < resumed.result()["after"]:
            seen += 1
            await browser.expect("MSG", id=seen)
        link.session(1, type="RESUME")
        link.session(1, **msg("a", seen + 1))
        await browser.expect("MSG", id=seen + 1)


@pytest.mark.parametrize(
    ("flags", "complaint"),
    [
        (["--port", "x"], "a port is a number"),
        (["--port", "65536"], "a port is a number"),
        (["--port", "-1"], "a port is a number"),
        (["--server", ":9000"], "HOST:PORT"),
        (["--server", "host:0"], "HOST:PORT"),
        (["--server", "host:x"], "HOST:PORT"),
        (["--server", "host/path"], "HOST:PORT"),
        (["--server", "u@host:1"], "HOST:PORT"),
        (["--origin", "chat.example"], "an origin looks like"),
        (["--origin", "https://chat.example/path"], "an origin looks like"),
        (["--origin", "https://chat.example:x"], "an origin looks like"),
        (["--log-level", "loud"], "--log-level"),
        (["--nonsense"], "--nonsense"),
        (["9000"], "9000"),
    ],
)
def test_bad_flags(flags: list[str], complaint: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit 2 and one line that says what is wrong."""
    with pytest.raises(SystemExit) as end:
        command.main(flags)
    errors = capsys.readouterr().err
    assert end.value.code == 2
    assert complaint in errors
    assert errors.startswith("ws_bridge: ")
    assert errors.count("\n") == 1


def test_good_flags() -> None:
    """What each flag means."""
    read = command.make_parser().parse_args
    assert read([]).server == ("127.0.0.1", 9000)
    assert (read([]).host, read([]).port, read([]).origin) == (None, 8765, [])
    assert read(["--server", "chat.example"]).server == ("chat.example", 9000)
    assert read(["--server", "[::1]:7"]).server == ("::1", 7)
    assert read(["--origin", "https://A.example/", "--origin", "http://b:1"]).origin == [
        Origin("https", "a.example", 443),
        Origin("http", "b", 1),
    ]
    assert read(["--link-secret-file", "f"]).link_secret_file == Path("f")


def test_help_explains_each_flag(capsys: pytest.CaptureFixture[str]) -> None:
    """Every flag has a sentence."""
    with pytest.raises(SystemExit) as end:
        command.main(["--help"])
    assert end.value.code == 0
    text = capsys.readouterr().out
    for flag in ("--server", "--host", "--port", "--origin", "--link-secret-file", "--log-level", "--version"):
        assert re.search(rf"^  {flag}[^\n]*\s+\w+ \w+", text, re.MULTILINE), flag


def fails(flags: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """Run the program, which must end with 1; return its one line."""
    assert command.main(flags) == 1
    errors = capsys.readouterr().err
    assert errors.count("\n") == 1
    assert errors.startswith("ws_bridge: ")
    return errors


def test_port_taken(capsys: pytest.CaptureFixture[str]) -> None:
    """One clear line, also when the port is taken on one of the two protocols only."""
    with socket.create_server(("0.0.0.0", 0)) as taken:
        port = taken.getsockname()[1]
        assert f"port {port} is taken" in fails(["--port", str(port)], capsys)
        assert f"port {port} is taken" in fails(["--port", str(port), "--host", "localhost"], capsys)


def test_no_address_of_ours(capsys: pytest.CaptureFixture[str]) -> None:
    """A name that nobody knows, an address of another machine."""
    for host in ("no-such-host.invalid", "203.0.113.1"):
        assert repr(host) in fails(["--port", "0", "--host", host], capsys)


def test_secret_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A secret file that is missing or empty is one line."""
    assert "No such file" in fails(["--link-secret-file", str(tmp_path / "secret")], capsys)
