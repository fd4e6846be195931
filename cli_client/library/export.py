"""All messages that a user may see, written to a file of JSON lines: one message a line, as the server sends it."""

import contextlib
import os
from collections.abc import Iterable
from pathlib import Path

from cli_client.library.asking import random_ref
from cli_client.library.client import Client
from tcp_server.protocol import server_packets

FILE_MODE = 0o600  # direct messages are among them
PAGE = server_packets.LIST_MAX


class ExportFault(Exception):
    """The file can't be written; the text says why."""


async def export(client: Client, path: str, targets: Iterable[str]) -> int:
    """Write the whole history of these rooms and conversations, each oldest first, and no message twice.

    The file appears once it is complete; an existing file is never replaced. Two targets may be one person
    under two names.

    Returns:
        The number of messages.

    Raises:
        ExportFault: the file exists or can't be written.
        ClientError: the server refused, or the connection was lost for good.
    """
    written: set[int] = set()
    try:
        with _PartFile(path) as part:
            for target in targets:
                await _write_history(client, target, part, written)
            part.publish()
    except OSError as error:
        raise ExportFault(f"{path}: {(error.strerror or str(error)).lower()}") from None
    return len(written)


async def _write_history(client: Client, target: str, part: "_PartFile", written: set[int]) -> None:
    after = 0
    while True:
        page = await client.requests.history(target, after=after, limit=PAGE)
        for message in page.messages:
            if message.id not in written:
                written.add(message.id)
                part.write(server_packets.format(message) + b"\n")
        if not page.more or not page.messages:
            return
        after = page.messages[-1].id


class _PartFile:
    """A file under another name beside its goal, until it is complete."""

    def __init__(self, path: str) -> None:
        self._goal = Path(path).expanduser()
        if self._goal.exists():
            raise FileExistsError(None, "the file exists")
        self._part = self._goal.with_name(f"{self._goal.name}.{random_ref()[:8]}.part")
        self._file = open(os.open(self._part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE), "wb")  # noqa: SIM115

    def __enter__(self) -> "_PartFile":
        return self

    def write(self, data: bytes) -> None:
        self._file.write(data)

    def publish(self) -> None:
        """Give the file its name. Unlike a rename, a hard link fails if another file took the name meanwhile."""
        self._file.flush()
        os.link(self._part, self._goal)

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._file.close()
        with contextlib.suppress(OSError):
            self._part.unlink()
