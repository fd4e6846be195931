"""Starts the measured programs on free ports, with their data in a temporary folder, and ends them."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
START_SECONDS = 30.0  # a server with a log of a million messages takes longer than an empty one
END_SECONDS = 20.0


class Target(NamedTuple):
    """A program under load: its port, its dialect, and the processes whose CPU time counts."""

    name: str
    dialect: str
    port: int
    pids: tuple[int, ...]


class StartError(RuntimeError):
    """A program did not start; the text has its output."""


def environment(root: Path) -> dict[str, str]:
    """Return the environment in which Python, started in `root`, takes the packages that lie there."""
    return os.environ | {"PYTHONPATH": str(root)}


@contextmanager
def program(command: Sequence[str], announced: str, root: Path = ROOT) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """Run a command in the tree `root` until the block ends; yield it and the match of the pattern's group."""
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            command,
            cwd=root,
            env=environment(root),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            yield process, _announcement(process, output.fileno(), announced)
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(END_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _announcement(process: subprocess.Popen[bytes], output: int, pattern: str) -> str:
    deadline = time.monotonic() + START_SECONDS
    while True:
        said = Path(f"/proc/self/fd/{output}").read_text(errors="replace")
        found = re.search(pattern, said)
        if found is not None:
            return found[1]
        if process.poll() is not None or time.monotonic() > deadline:
            raise StartError(f"{process.args!r} did not start:\n{said}")
        time.sleep(0.01)


@contextmanager
def server(data: Path | None = None, root: Path = ROOT) -> Iterator[Target]:
    """Run the chat server of the tree `root`, with a data folder or with an empty log in a temporary one."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        command = [sys.executable, "-m", "tcp_server", "0", "--host", "127.0.0.1", "--data", str(data or folder)]
        command += ["--shutdown-delay", "0", "--log-level", "warning"]
        with program(command, r"listening on 127\.0\.0\.1:(\d+)", root) as (process, port):
            yield Target("server", "wp", int(port), (process.pid,))


@contextmanager
def server_with_bridges(count: int = 1, root: Path = ROOT) -> Iterator[list[Target]]:
    """Run the server and bridges linked to it. In each target's pids the server comes first."""
    with server(root=root) as chat:
        yield from _with_bridges(chat, count, root, [])


def _with_bridges(chat: Target, count: int, root: Path, running: list[Target]) -> Iterator[list[Target]]:
    if not count:
        yield running
        return
    command = [sys.executable, "-m", "ws_bridge", "--server", f"127.0.0.1:{chat.port}", "--host", "127.0.0.1"]
    command += ["--port", "0", "--log-level", "warning"]
    with program(command, r"127\.0\.0\.1:(\d+)/", root) as (process, port):
        bridge = Target("server and bridge", "ws", int(port), (*chat.pids, process.pid))
        yield from _with_bridges(chat, count - 1, root, [*running, bridge])


@contextmanager
def naive() -> Iterator[Target]:
    """Run the naive server."""
    with program([sys.executable, "-m", "tests.bench.naive"], r"listening on 127\.0\.0\.1:(\d+)") as (process, port):
        yield Target("naive", "wp", int(port), (process.pid,))
