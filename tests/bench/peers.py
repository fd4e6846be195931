"""Other servers to compare with: ngIRCd, mosquitto and NATS, each in its own protocol.

`python -m tests.bench.peers` installs the missing ones from Debian, and runs scenarios A and B against all three. None
of them keeps a message on disk here.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.bench.programs import START_SECONDS, StartError, Target, program
from tests.bench.scenarios import Program

PEER_SCENARIOS = ("A", "B")
PACKAGES = {"ngircd": "ngircd", "mosquitto": "mosquitto", "nats-server": "nats-server"}  # program, Debian package

NGIRCD = """\
[Global]
Name = bench.example
Info = benchmark
AdminInfo1 = nobody
Listen = 127.0.0.1
Ports = {port}
MotdPhrase = hello
[Limits]
MaxConnections = 0
MaxConnectionsIP = 0
MaxJoins = 0
MaxNickLength = 30
MaxPenaltyTime = 0
PingTimeout = 300
[Options]
DNS = no
Ident = no
PAM = no
"""
MOSQUITTO = """\
listener {port} 127.0.0.1
allow_anonymous true
persistence false
log_type none
user root
"""


def _path(name: str) -> str | None:
    """Return a program's path; Debian keeps servers in folders that are not in every PATH."""
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")


def installed() -> list[Program]:
    """Return a function for each installed peer that runs it."""
    return [run for name, run in PROGRAMS.items() if _path(name) is not None]


@contextmanager
def _peer(name: str, dialect: str, command: Callable[[int, Path], Sequence[str]]) -> Iterator[Target]:
    """Run a peer on a port that was free a moment ago: peers can't choose one themselves."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        words = [_path(name) or name, *command(port, Path(folder))]
        with program(words, "()") as (process, _):
            _wait_until_it_listens(process, port)
            yield Target(name, dialect, port, (process.pid,))


def _wait_until_it_listens(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            time.sleep(0.02)
        else:
            return
    raise StartError(f"{process.args!r} did not start")


@contextmanager
def ngircd() -> Iterator[Target]:
    with _peer("ngircd", "irc", lambda port, folder: ["-n", "-f", _file(folder, NGIRCD, port)]) as target:
        yield target


@contextmanager
def mosquitto() -> Iterator[Target]:
    with _peer("mosquitto", "mqtt", lambda port, folder: ["-c", _file(folder, MOSQUITTO, port)]) as target:
        yield target


@contextmanager
def nats() -> Iterator[Target]:
    with _peer("nats-server", "nats", lambda port, folder: ["-a", "127.0.0.1", "-p", str(port)]) as target:
        yield target


PROGRAMS: dict[str, Program] = {"ngircd": ngircd, "mosquitto": mosquitto, "nats-server": nats}


def _file(folder: Path, settings: str, port: int) -> str:
    path = folder / "settings"
    path.write_text(settings.format(port=port))
    return str(path)


def install() -> None:
    """Install the missing peers from Debian, as root."""
    missing = [package for name, package in PACKAGES.items() if _path(name) is None]
    if missing:
        subprocess.run(["apt-get", "install", "-y", "--no-install-recommends", *missing], check=True)


def main() -> int:
    from tests.bench.__main__ import main as bench

    try:
        install()
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"the other servers could not be installed ({error}); going on with the installed ones", file=sys.stderr)
    return bench(["--peers", *sys.argv[1:]])


if __name__ == "__main__":
    sys.exit(main())
