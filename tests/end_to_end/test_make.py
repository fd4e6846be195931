"""`make run`: server and bridge come up together, say where they are, and end together."""

import contextlib
import re
import shlex
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from tcp_server.wordpacket import read_message, send_packet
from tests.end_to_end.programs import ROOT
from tests.end_to_end.terminal import Terminal


def make_run(folder: Path, port: int | str, web_port: int | str) -> list[str]:
    """Return the command, with the Python that runs the tests in the place of `.venv`'s."""
    inherited = (f"--unset={name}" for name in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS"))  # of `make test`
    return [
        "env",
        *inherited,
        "make",
        "--no-print-directory",
        "-C",
        str(ROOT),
        "run",
        "--old-file=.venv/.run",
        f"PY={sys.executable}",
        f"PORT={port}",
        f"WEB_PORT={web_port}",
        f"WORDPACKET_DATA={folder / 'data'}",
    ]


@pytest.fixture
def ports() -> tuple[int, int]:
    """Two ports that nobody has now: `make run` must tell one program the other's."""
    with contextlib.ExitStack() as opened:
        sockets = [opened.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(2)]
        first, second = (sock.getsockname()[1] for sock in sockets)
    return first, second


def run(folder: Path, ports: tuple[int, int]) -> Terminal:
    folder.mkdir()
    return Terminal(make_run(folder.parent, *ports), folder, columns=140, rows=40)


@pytest.mark.slow
def test_run_and_interrupt(ports: tuple[int, int], tmp_path: Path) -> None:
    """Both come up; Ctrl-C warns who is there, ends both, and leaves nothing in the way of a second start."""
    port, web_port = ports
    for start in ("first", "second"):
        terminal = run(tmp_path / start, ports)
        try:
            terminal.wait_for("The chat page is at")
            shown = terminal.wait_for("Ctrl-C ends the chat")
            assert f"http://127.0.0.1:{web_port}/" in shown
            assert f"{shlex.quote(sys.executable)} -m cli_client 127.0.0.1 {port}" in shown
            with urllib.request.urlopen(f"http://127.0.0.1:{web_port}/") as page:
                assert b"<title>Wordpacket</title>" in page.read()
            with socket.create_connection(("127.0.0.1", port)) as sock:
                send_packet(sock, {"type": "NICK", "nickname": f"the-{start}"})
                while read_message(sock)["type"] != "ROOM":
                    pass
                terminal.press("C-c")
                assert read_message(sock)["message"] == "Server shutting down in 5 seconds"
                assert read_message(sock)["reason"] == "shutdown"
            shown = terminal.wait_for("ended: ")
            assert "Traceback" not in shown
            assert "Error" not in shown
        finally:
            terminal.close()


@pytest.mark.parametrize("taken", ["PORT", "WEB_PORT"])
@pytest.mark.parametrize(("family", "host"), [(socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::1")])
def test_port_taken(taken: str, family: socket.AddressFamily, host: str, tmp_path: Path) -> None:
    """A port that is in use, for IPv4 or IPv6, is told in one line before anything starts."""
    try:
        sock = socket.create_server((host, 0), family=family)
    except OSError as error:
        pytest.skip(f"no {family.name} here: {error}")
    with sock:
        port = sock.getsockname()[1]
        ports = (port, 0) if taken == "PORT" else (0, port)
        assert_refused(
            ports,
            f"port {port} is taken already; choose another PORT, see --help (here: make run {taken}=NUMBER)",
            tmp_path,
        )


def test_no_port(tmp_path: Path) -> None:
    """So is what is no port."""
    text = "a port is a number from 0 to 65535, not 'http' (here: make run WEB_PORT=NUMBER)"
    assert_refused((0, "http"), text, tmp_path)


def assert_refused(ports: tuple[int | str, int | str], text: str, tmp_path: Path) -> None:
    """`make run` ends with one line, and make's own."""
    ended = subprocess.run(make_run(tmp_path, *ports), capture_output=True, text=True, check=False)
    assert ended.returncode != 0
    assert ended.stdout == ""
    line, made, rest = ended.stderr.split("\n")
    assert line == text
    assert re.match(r"make: \*\*\*", made)
    assert rest == ""
