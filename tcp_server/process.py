"""What the server's process and the bridge's have in common: the loop, the limit of files, the version, secrets."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
from collections.abc import Coroutine
from importlib import metadata
from pathlib import Path
from typing import Any


class StartError(Exception):
    """The program can't start; the text is the line for the user."""


def run_loop(main: Coroutine[Any, Any, None]) -> None:
    """Run the event loop: uvloop's where it is installed, 15-25 % less CPU for each delivery."""
    try:
        import uvloop
    except ImportError:
        asyncio.run(main)
    else:
        uvloop.run(main)


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
        argparse.ArgumentTypeError: it is none; the text says what one is.
    """
    if not (text.isascii() and text.isdigit() and int(text) <= 65_535):
        raise argparse.ArgumentTypeError(f"a port is a number from 0 to 65535, not {text!r}")
    return int(text)


def read_secret(path: Path) -> str:
    """Return the secret in a file, without the white space around it.

    Raises:
        StartError: it can't be read, or has none.
    """
    try:
        secret = path.read_text().strip()
    except OSError as error:
        raise StartError(f"can't read {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        secret = ""
    if not secret:
        raise StartError(f"no secret in {path}")
    return secret
