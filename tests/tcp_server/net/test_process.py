"""What both programs do at their start: flags, the loop, signals, limits, version, ports and secrets."""

import argparse
import asyncio
import gc
import logging
import os
import re
import signal
import subprocess
import sys
import unicodedata
from importlib import metadata
from pathlib import Path

import pytest

from tcp_server.net import process

FORMAT = process.LineFormatter("%(levelname)s %(name)s: %(message)s")


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
    """It must be there and hold UTF-8; a byte order mark and white space around the secret are not part of it."""
    file = tmp_path / "secret"
    with pytest.raises(process.StartError, match="No such file"):
        process.read_secret(file)
    mark = b"\xef\xbb\xbf"
    for content, text in (
        (b"", "no secret in"),
        (b"\n", "no secret in"),
        (mark, "no secret in"),
        (b"\xff\xfes\0", "is not UTF-8 text"),
        (b"x" * (process.SECRET_MAX + 1), "has more than 4096 characters"),
    ):
        file.write_bytes(content)
        with pytest.raises(process.StartError, match=text):
            process.read_secret(file)
    for content in (b"s\xc3\xa9cret\n", b"s\xc3\xa9cret", mark + b"s\xc3\xa9cret\r\n", mark + b" \ts\xc3\xa9cret "):
        file.write_bytes(content)
        assert process.read_secret(file) == "sécret"


@pytest.mark.parametrize("closed", [(0,), (1,), (2,), (0, 1, 2)])
def test_closed_standard_streams(closed: tuple[int, ...]) -> None:
    """The null device takes their places; the open ones, and the numbers that come next, stay as they are."""
    code = (
        "import os, sys; from tcp_server.net.process import open_standard_streams; open_standard_streams();"
        "null = [os.path.samestat(os.fstat(number), os.stat(os.devnull)) for number in range(3)];"
        "print('out'); print('error', file=sys.stderr); sys.stdin.read(); sys.stdout.flush(); sys.stderr.flush();"
        "os.write(3, repr(null).encode())"
    )
    redirections = " ".join(f"{number}<&-" for number in closed)
    shell = f'exec {sys.executable} -c "{code}" 3>&1 {redirections}'
    done = subprocess.run(shell, shell=True, input=b"", capture_output=True)
    assert done.returncode == 0, done.stderr
    nulls = repr([number in closed for number in range(3)])
    assert done.stdout.decode() == ("" if 1 in closed else "out\n") + nulls
    assert done.stderr == (b"" if 2 in closed else b"error\n")


def test_a_stream_whose_number_is_above_a_free_one(tmp_path: Path) -> None:
    """A library was first to open a file: it has the number of another closed stream, and keeps it."""
    code = (
        "import os, sys; from tcp_server.net.process import open_standard_streams;"
        f"number = os.open({str(tmp_path / 'file')!r}, os.O_CREAT | os.O_WRONLY); open_standard_streams();"
        "print('lost', flush=True); os.write(number, b'kept %d' % number)"
    )
    subprocess.run(f'exec {sys.executable} -c "{code}" <&- >&-', shell=True, check=True)
    assert (tmp_path / "file").read_bytes() == b"kept 0"


def test_the_log_is_defused() -> None:
    """Every record that goes to standard error, whoever logs it."""
    code = (
        "import logging; from tcp_server.net.process import start_log; start_log('info');"
        "logging.getLogger('asyncio').warning('a%sb', chr(27))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.endswith("WARNING asyncio: a\\x1bb\n")


def line(message: str, *arguments: object, name: str = "chat") -> str:
    """Return a warning as it is written."""
    return FORMAT.format(logging.LogRecord(name, logging.WARNING, "", 0, message, arguments, None))


def test_what_is_harmless_stays() -> None:
    """Text of any script, and pictures."""
    text = "grüße, 你好, \u0645\u0631\u062d\u0628\u0627, 👩\u200d🚀"
    assert line("%s", text) == f"WARNING chat: {text}"


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("\x1b[2J", r"\x1b[2J"),
        ("\x9b2J", r"\x9b2J"),
        ("\x7f", r"\x7f"),
        ("a\nERROR chat: forged", r"a\nERROR chat: forged"),
        ("a\r\tb", r"a\r\tb"),
        ("\u202eevil\u2066", r"\u202eevil\u2066"),
        ("a\u2028b", r"a\u2028b"),
    ],
)
def test_what_is_harmful_is_escaped(text: str, written: str) -> None:
    """In an argument, in the message itself and in the logger's name."""
    assert line("%s", text) == f"WARNING chat: {written}"
    assert line(text) == f"WARNING chat: {written}"
    assert line("", name=text) == f"WARNING {written}: "


def test_no_line_has_a_control_character() -> None:
    """None of Unicode's, and none that changes the direction of text."""
    every = "".join(map(chr, range(0x3000)))
    written = line("%s", every)
    assert "Cc" not in set(map(unicodedata.category, written))
    assert not {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"} & set(
        map(unicodedata.bidirectional, written)
    )
    assert len(written.splitlines()) == 1


def test_a_traceback_keeps_its_lines() -> None:
    """And nothing else."""
    try:
        raise ValueError("\x1b[31m")
    except ValueError:
        record = logging.LogRecord("chat", logging.ERROR, "", 0, "broken", (), sys.exc_info(), sinfo="at\n\x1b")
    lines = FORMAT.format(record).split("\n")
    assert lines[:2] == ["ERROR chat: broken", "Traceback (most recent call last):"]
    assert lines[-3:] == [r"ValueError: \x1b[31m", "at", r"\x1b"]


def test_a_wrong_flag_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """Also if it holds control characters."""
    with pytest.raises(SystemExit):
        process.FlagParser("tcp_server", "It serves.").parse_args(["--\x1b[2J\n"])
    assert capsys.readouterr().err == (
        "tcp_server: unrecognized arguments: --\\x1b[2J\\n (--help explains the flags)\n"
    )
