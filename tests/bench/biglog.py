"""A log with many messages: the speed of filling it, and of a page, a search and a start with it."""

from __future__ import annotations

import json
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tcp_server.wordpacket import read_message, send_packet
from tests.bench import machine, programs
from tests.bench.measure import measure
from tests.bench.programs import Target
from tests.bench.scenarios import LOG, Figures

ROOMS = 10
WORDS = 5_000  # of the made-up language; the k-th word has a frequency of about 1/k, as in real languages
WORDS_EACH = 12
PAGES = 200
SEARCHES = 50
QUIET_CPU = 0.05  # processors: below it the search index is complete
LOOK_SECONDS = 1.5  # longer than the server's pause between two attempts to index
INDEX_SECONDS, INDEX_SECONDS_EACH = 20.0, 0.0005  # the indexing may take: in any case, and for each message


def run_log(figures: Figures, seconds: float, full: bool) -> None:
    """Fill a log through the server, then question a big one."""
    with programs.server() as target:
        result = figures.check("log", measure(target, LOG, seconds))
    figures.log.append(("messages a second into the log, 8 senders", f"{result.report.messages / result.seconds:,.0f}"))
    figures.log.append(("CPU for each, from socket to log to echo", f"{result.per_message[0]:.1f} µs"))
    count = 1_000_000 if full else 100_000
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        data = Path(folder) / "data"
        fill(data, count)
        started = time.monotonic()
        with programs.server(data) as target:
            figures.log.append((f"start with {count:,} messages", f"{time.monotonic() - started:.2f} s"))
            if not is_quiet_in_time(target, count):
                figures.log.append(("the search index", "still being filled: searches took longer than they will"))
            _ask(figures, target, f"among {count:,}", count)


def fill(data: Path, count: int) -> None:
    """Make a log of this many messages by importing an archive."""
    command = [sys.executable, "-m", "tcp_server", "import", "-", "--data", str(data)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        if process.stdin is None or process.stderr is None:
            raise AssertionError("it was started with pipes")
        for line in archive(count):
            process.stdin.write(line)
        process.stdin.close()
        said = process.stderr.read().decode()
    if process.returncode:
        raise programs.StartError(f"the log could not be filled:\n{said}")


def archive(count: int) -> Iterator[bytes]:
    """Yield the lines of an archive of this many messages of made-up words."""
    chance = random.Random(1)
    words = ["".join(chance.choices("abcdefghijklmnopqrstuvwxyz", k=chance.randint(3, 9))) for _ in range(WORDS)]
    weights = [1 / (rank + 1) for rank in range(WORDS)]
    yield _line({"type": "ARCHIVE", "version": 1, "epoch": "benchmark"})
    for room in range(ROOMS):
        yield _line({"type": "ROOM", "room": f"bench{room}", "topic": ""})
    texts = [" ".join(chance.choices(words, weights, k=WORDS_EACH)) for _ in range(min(count, 10_000))]
    for id in range(1, count + 1):
        yield _line(
            {
                "type": "MSG",
                "id": id,
                "uid": id % 100 + 1,
                "nickname": f"u{id % 100}",
                "message": f"{texts[id % len(texts)]} n{id:07}",  # the last word is in this message alone
                "timestamp": "2026-01-01T00:00:00.000Z",
                "room": f"bench{id % ROOMS}",
            }
        )


def is_quiet_in_time(target: Target, count: int) -> bool:
    """Wait until the server is idle: it fills the search index in quiet times."""
    deadline = time.monotonic() + INDEX_SECONDS + count * INDEX_SECONDS_EACH
    while time.monotonic() < deadline:
        before = machine.usage(target.pids)
        time.sleep(LOOK_SECONDS)
        used = machine.usage(target.pids).since(before)
        if sum(used.processes) / used.at < QUIET_CPU:
            return True
    return False


def _ask(figures: Figures, target: Target, where: str, count: int) -> None:
    chance = random.Random(2)
    with socket.create_connection(("127.0.0.1", target.port), timeout=60) as sock:
        send_packet(sock, {"type": "NICK", "nickname": "reader", "rooms": [f"bench{room}" for room in range(ROOMS)]})
        while read_message(sock)["type"] != "READY":
            pass
        for name, times, questions in (
            ("a page of 50 from the history", PAGES, _pages(chance, count)),
            ("a search for a rare word", SEARCHES, _searches(chance, count)),
            ("a search for a common and a rare word", SEARCHES, _mixed(chance, count)),
        ):
            before = machine.usage(target.pids)
            waits = [_time(sock, next(questions)) for _ in range(times)]
            cpu = sum(machine.usage(target.pids).since(before).processes) / times
            answer = f"{1e3 * cpu:.2f} ms of CPU, {1e3 * statistics.median(waits):.1f} ms until the answer"
            figures.log.append((f"{name} {where}", answer))


def _pages(chance: random.Random, count: int) -> Iterator[dict[str, Any]]:
    while True:
        yield {"type": "HISTORY", "room": f"bench{chance.randrange(ROOMS)}", "before": chance.randint(1_000, count)}


def _searches(chance: random.Random, count: int) -> Iterator[dict[str, Any]]:
    while True:
        yield {"type": "SEARCH", "query": f"n{chance.randint(1, count):07}"}


def _mixed(chance: random.Random, count: int) -> Iterator[dict[str, Any]]:
    common = next(line for line in archive(1) if b'"MSG"' in line)
    word = json.loads(common)["message"].split()[0]
    while True:
        yield {"type": "SEARCH", "query": f"{word} n{chance.randint(1, count):07}"}


def _time(sock: socket.socket, question: dict[str, Any]) -> float:
    """Send a request, and return the seconds until its answer."""
    started = time.monotonic()
    send_packet(sock, question)
    while (answer := read_message(sock))["type"] != question["type"]:
        if answer["type"] == "ERROR":
            raise RuntimeError(f"{question} was answered with {answer}")
    return time.monotonic() - started


def _line(entry: dict[str, Any]) -> bytes:
    return json.dumps(entry, separators=(",", ":")).encode() + b"\n"
