"""`python -m tcp_server export FILE` and `import FILE`: the whole log as JSON Lines, out of and into a data folder."""

from __future__ import annotations

import os
import signal
import stat
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import IO, NoReturn

from tcp_server.folder import PRIVATE, add_data_flag, lock_folder, make_folder, own_files
from tcp_server.log.interface import LogUpkeep
from tcp_server.log.upkeep import open_upkeep
from tcp_server.net.process import FlagParser, StartError
from tcp_server.protocol.entries import MSG

STANDARD = "-"  # as FILE: standard output or input
PART_PREFIX, PART_SUFFIX = ".wordpacket-", ".part"  # of the name of an export that isn't whole yet
DESCRIPTORS = ("/dev/std", "/dev/fd/", "/proc/")  # whoever opened what they name also reads it


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
    with _ended_in_order():
        try:
            COMMANDS[options.command](options.data, options.file)
        except OSError as error:
            raise StartError(f"{options.command}: {options.file}: {error.strerror}") from None


@contextmanager
def _ended_in_order() -> Iterator[None]:
    """Let signals end the command by an exception, so that no part of an export stays behind."""
    previous = {number: signal.signal(number, _end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _end(number: int, frame: FrameType | None) -> NoReturn:
    sys.exit(128 + number)


def _export(folder: Path, file: str) -> None:
    upkeep: LogUpkeep = open_upkeep(folder, must_exist=True)
    with ExitStack() as stack:
        stack.enter_context(closing(upkeep))
        _spare(file, [*upkeep.files(), *own_files(folder)])
        out = stack.enter_context(_open_output(file))
        lines = stack.enter_context(closing(upkeep.export_lines()))
        count = 0
        for line in lines:
            out.write(line + b"\n")
            count += line.startswith(MSG.head)
    print(f"exported {count} messages", file=sys.stderr)


def _import(folder: Path, file: str) -> None:
    with ExitStack() as stack:
        lines = stack.enter_context(_open_input(file))
        make_folder(folder)
        stack.callback(lock_folder(folder).release)
        upkeep: LogUpkeep = stack.enter_context(closing(open_upkeep(folder)))
        count = upkeep.import_lines(lines)
    print(f"imported {count} messages", file=sys.stderr)


def _spare(file: str, files: Iterable[Path]) -> None:
    """Refuse an output that is one of these files, by whatever name or link."""
    output = os.path.realpath(file)
    try:
        known = os.fstat(sys.stdout.fileno()) if file == STANDARD else os.stat(file)
    except FileNotFoundError:
        known = None
    for each in files:
        is_same = known is not None and each.exists() and os.path.samestat(known, each.stat())
        if is_same or (file != STANDARD and output == os.path.realpath(each)):
            raise StartError(f"export: {file} is the data folder's own {each.name}; choose another FILE")


def _open_output(file: str) -> AbstractContextManager[IO[bytes]]:
    """Open what an export goes to: a file is replaced at the end, a device or a pipe is written to."""
    if file == STANDARD:
        return _open_standard(sys.stdout, "wb")
    is_stream = os.path.exists(file) and not os.path.isfile(file)
    if is_stream or file.startswith(DESCRIPTORS):
        return open(file, "wb")
    return _replacing(Path(os.path.realpath(file)))  # a link stays a link


def _open_input(file: str) -> IO[bytes]:
    return _open_standard(sys.stdin, "rb") if file == STANDARD else open(file, "rb")


def _open_standard(stream: IO[str], mode: str) -> IO[bytes]:
    """Open a standard stream for bytes; it stays open when the result is closed."""
    return open(stream.fileno(), mode, closefd=False)


@contextmanager
def _replacing(path: Path) -> Iterator[IO[bytes]]:
    """Open a new file, which takes the place of `path` once all of it is on the disk; an error removes it."""
    descriptor, part = tempfile.mkstemp(PART_SUFFIX, PART_PREFIX, path.parent)
    try:
        with open(descriptor, "wb") as out:
            if path.exists():
                os.chmod(part, stat.S_IMODE(path.stat().st_mode))
            yield out
            out.flush()
            os.fsync(descriptor)
        os.replace(part, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(part)
        raise


COMMANDS: dict[str, Callable[[Path, str], None]] = {"export": _export, "import": _import}
