"""What both programs do at their start: flags, the loop, signals, limits, version, ports and secrets."""

import argparse
import asyncio
import gc
import os
import re
import signal
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from tcp_server.net import process


@pytest.mark.parametrize(("is_missing", "kind"), [(True, "asyncio"), (False, "uvloop")])
def test_with_and_without_uvloop(monkeypatch: pytest.MonkeyPatch, is_missing: bool, kind: str) -> None:
    """asyncio's own loop does it too."""
    loops: list[str] = []

    async def main() -> None:
        loops.append(type(asyncio.get_running_loop()).__module__.partition(".")[0])

    if is_missing:
        monkeypatch.setitem(sys.modules, "uvloop", None)
    process.run_loop(main())
    assert loops == [kind]


@pytest.mark.parametrize(
    ("started_as", "shown"),
    [("/srv/bin/wordpacket-server", "wordpacket-server"), ("/srv/tcp_server/__main__.py", "python -m tcp_server")],
)
def test_the_usage_names_what_was_typed(monkeypatch: pytest.MonkeyPatch, started_as: str, shown: str) -> None:
    """The console script, or the module."""
    monkeypatch.setattr(sys, "argv", [started_as])
    assert process.FlagParser("tcp_server", "It serves.").prog == shown


async def test_signals(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first asks for an orderly end, the second for one at once, whichever they are."""
    stop, hurry = process.catch_signals()
    os.kill(os.getpid(), signal.SIGTERM)
    await stop.wait()
    assert not hurry.is_set()
    os.kill(os.getpid(), signal.SIGINT)
    await hurry.wait()

    def not_here(*arguments: object) -> None:
        raise NotImplementedError

    monkeypatch.setattr(asyncio.get_running_loop(), "add_signal_handler", not_here)  # as on Windows
    process.catch_signals()


def test_the_collector() -> None:
    """What is there when it is calmed is looked at no more."""
    thresholds = gc.get_threshold()
    try:
        process.calm_collector()
        assert gc.get_freeze_count() > 10_000
        assert gc.get_threshold() == process.GC_THRESHOLDS
    finally:
        gc.unfreeze()
        gc.set_threshold(*thresholds)


def test_many_files() -> None:
    """As many as the system lets the process ask for."""
    code = (
        "import resource; from tcp_server.net.process import allow_many_files as allow; files = resource.RLIMIT_NOFILE;"
        "resource.setrlimit(files, (64, resource.getrlimit(files)[1])); allow();"
        "soft, hard = resource.getrlimit(files); print(soft == hard)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "True\n"


def test_without_resource_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on Windows: nothing is asked for."""
    monkeypatch.setitem(sys.modules, "resource", None)
    process.allow_many_files()


def test_the_version(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the installed package; run from a bare checkout it is unknown."""
    assert re.match(r"\d+\.\d+", process.version())

    def not_installed(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", not_installed)
    assert process.version() == "0+unknown"


def test_ports() -> None:
    """Numbers from 0 to 65535."""
    assert [process.port_number(text) for text in ("0", "9000", "65535")] == [0, 9000, 65_535]
    for text in ("", "-1", "65536", "http", "٣", "1.0"):
        with pytest.raises(argparse.ArgumentTypeError, match=re.escape(repr(text))):
            process.port_number(text)


def test_a_secret_file(tmp_path: Path) -> None:
    """It must be there and have something in it; white space around the secret is not part of it."""
    file = tmp_path / "secret"
    with pytest.raises(process.StartError, match="No such file"):
        process.read_secret(file)
    for content in (b"", b"\n", b"\xff"):
        file.write_bytes(content)
        with pytest.raises(process.StartError, match="no secret in"):
            process.read_secret(file)
    file.write_text("s3cret\n")
    assert process.read_secret(file) == "s3cret"
