"""`python -m tcp_server export FILE` and `import FILE`: the whole log as JSON Lines, out of and into a data folder."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import IO

from tcp_server.folder import PRIVATE, add_data_flag, lock_folder, make_folder
from tcp_server.log.interface import LogUpkeep
from tcp_server.log.upkeep import open_upkeep
from tcp_server.net.process import FlagParser, StartError
from tcp_server.protocol.entries import MSG


def run_command(arguments: Sequence[str]) -> None:
    """Run `export FILE` or `import FILE`.

    Raises:
        StartError, LogError, ArchiveError: the text is the line for the user.
    """
    parser = FlagParser("tcp_server", "Write or read the whole log as JSON Lines.")
    parser.add_argument("command", choices=COMMANDS, help="what to do")
    parser.add_argument("file", metavar="FILE", help="the file; - is standard output or input")
    add_data_flag(parser)
    options = parser.parse_args(arguments)
    os.umask(PRIVATE)
    try:
        COMMANDS[options.command](options.data, options.file)
    except OSError as error:
        raise StartError(f"{options.command}: {error}") from None


def _export(folder: Path, file: str) -> None:
    upkeep: LogUpkeep = open_upkeep(folder, must_exist=True)
    with closing(upkeep), _open(file, "wb", sys.stdout) as out:
        count = 0
        for line in upkeep.export_lines():
            out.write(line + b"\n")
            count += line.startswith(MSG.head)
    print(f"exported {count} messages", file=sys.stderr)


def _import(folder: Path, file: str) -> None:
    with ExitStack() as stack:
        make_folder(folder)
        stack.callback(lock_folder(folder).release)
        upkeep: LogUpkeep = stack.enter_context(closing(open_upkeep(folder)))
        count = upkeep.import_lines(stack.enter_context(_open(file, "rb", sys.stdin)))
    print(f"imported {count} messages", file=sys.stderr)


def _open(file: str, mode: str, standard: IO[str]) -> IO[bytes]:
    """Open a file, or for `-` a standard stream, which stays open when the file is closed."""
    return open(standard.fileno() if file == "-" else file, mode, closefd=file != "-")


COMMANDS: dict[str, Callable[[Path, str], None]] = {"export": _export, "import": _import}
