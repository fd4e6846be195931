"""What the processes of server and bridge share: flags, log, loop, signals, limits, version, secrets."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import logging
import os
import signal
import sys
from collections.abc import Coroutine
from importlib import metadata
from pathlib import Path
from typing import Any, NoReturn

GC_THRESHOLDS = (10_000, 20, 20)  # messages leave no cycles, closed connections do: look for them rarely
SECRET_MAX = 4_096  # characters; a packet holds as many, however they are escaped

# Control characters drive a terminal, bidirectional ones turn what stands beside them around, and a line break forges a
# line of the log. Each is written as Python would write it, such as \x1b.
_CONTROLS = [*map(chr, range(0x20)), *map(chr, range(0x7F, 0xA0)), "\u2028", "\u2029"]
_BIDIRECTIONAL = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
_ESCAPES = {ord(char): char.encode("unicode_escape").decode() for char in [*_CONTROLS, *_BIDIRECTIONAL]}
_ESCAPES_IN_TRACEBACKS = {code: escape for code, escape in _ESCAPES.items() if code != ord("\n")}


class StartError(Exception):
    """The program can't start; the text is the line for the user."""


class FlagParser(argparse.ArgumentParser):
    """Reports a wrong flag in one line, and keeps the line breaks of its texts.

    Args:
        module: what `python -m` runs; the usage names the console script if that was started.
    """

    def __init__(self, module: str, description: str, epilog: str | None = None) -> None:
        self._module = module
        script = Path(sys.argv[0]).name
        prog = script if script.startswith("wordpacket-") else f"python -m {module}"
        form = argparse.RawDescriptionHelpFormatter
        super().__init__(prog, description=description, epilog=epilog, formatter_class=form)

    def add_usual_flags(self) -> None:
        """Add the flags that both programs have."""
        levels = ("debug", "info", "warning", "error")
        text = "how much is written to standard error (default: %(default)s)"
        self.add_argument("--log-level", choices=levels, default="info", help=text)
        self.add_argument("--version", action="version", version=version(), help="print the version and exit")

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self._module}: {escape_controls(message)} (--help explains the flags)\n")


def escape_controls(text: str) -> str:
    """Return a text as one line that is safe to show in a terminal, whoever the text is from."""
    return text.translate(_ESCAPES)


class LineFormatter(logging.Formatter):
    """Writes each record as one line, whoever its texts are from; only a traceback has several."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        return escape_controls(super().formatMessage(record))

    def formatException(self, ei: tuple[type[BaseException], BaseException, object] | tuple[None, None, None]) -> str:
        return super().formatException(ei).translate(_ESCAPES_IN_TRACEBACKS)  # type: ignore[arg-type]

    def formatStack(self, stack_info: str) -> str:
        return super().formatStack(stack_info).translate(_ESCAPES_IN_TRACEBACKS)


def start_log(level: str) -> None:
    """Write the log from this level on to standard error."""
    handler = logging.StreamHandler()
    handler.setFormatter(LineFormatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=level.upper(), handlers=[handler])


def open_standard_streams() -> None:
    """Open the null device for each standard stream that is closed; call it before anything else opens a file.

    Else the first socket gets the number of the closed stream, and whoever writes to that stream writes to the socket.
    """
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        try:
            os.fstat(number)
        except OSError:
            opened = os.open(os.devnull, os.O_RDWR)  # the lowest free number
            if opened != number:  # a library was first to open a file, with a number above this one's
                os.dup2(opened, number)
                os.close(opened)
            os.set_inheritable(number, True)
            stream = os.fdopen(number, mode, encoding="utf-8", errors="backslashreplace", closefd=False)
            setattr(sys, name, stream)


def run_loop(main: Coroutine[Any, Any, None]) -> None:
    """Run the event loop: uvloop's where it is installed, 15-25 % less CPU for each delivery."""
    try:
        import uvloop
    except ImportError:
        asyncio.run(main)
    else:
        uvloop.run(main)


def catch_signals() -> tuple[asyncio.Event, asyncio.Event]:
    """Return two events: the first SIGINT or SIGTERM sets one (end in order), the second the other (end at once)."""
    stop, hurry = asyncio.Event(), asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):  # Windows: Ctrl-C ends at once
            asyncio.get_running_loop().add_signal_handler(number, lambda: (hurry if stop.is_set() else stop).set())
    return stop, hurry


def calm_collector() -> None:
    """Keep the garbage collector's pauses out of the latency; call it when all lasting objects are made."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)


def allow_many_files() -> None:
    """Let the process have as many connections as the system lets it ask for; the usual soft limit is 1,024."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(OSError, ValueError):  # macOS says "infinite" and takes less
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def version() -> str:
    """Return the version of the installed project; a checkout that was never installed has none."""
    try:
        return metadata.version("wordpacket")
    except metadata.PackageNotFoundError:
        return "0+unknown"


def port_number(text: str) -> int:
    """Read a flag's port.

    Raises:
        argparse.ArgumentTypeError: the text is no port.
    """
    if not (text.isascii() and text.isdigit() and int(text) <= 65_535):
        raise argparse.ArgumentTypeError(f"a port is a number from 0 to 65535, not {text!r}")
    return int(text)


def read_secret(path: Path) -> str:
    """Return the secret in a file, without the white space around it.

    Raises:
        StartError: the file can't be read, has no secret, or one that is no UTF-8 text or over SECRET_MAX characters.
    """
    try:
        secret = path.read_text("utf-8-sig").strip()  # without the byte order mark that some editors write
    except OSError as error:
        raise StartError(f"can't read {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise StartError(f"the secret in {path} is not UTF-8 text") from None
    if not secret:
        raise StartError(f"no secret in {path}")
    if len(secret) > SECRET_MAX:
        raise StartError(f"the secret in {path} has more than {SECRET_MAX} characters")
    return secret
