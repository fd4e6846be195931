"""A plain client between two real pipes."""

import asyncio
import os

import pytest

from cli_client.library.client import Client
from cli_client.opening import make_plain
from cli_client.pipe import plain
from cli_client.pipe.plain import Exit
from tests.cli_client.scripted_server import Peer

SECONDS = 10


class Pipes:
    """A plain client that runs between two pipes; the test holds their other ends."""

    def __init__(self, client: Client, peer: Peer, monkeypatch: pytest.MonkeyPatch, **flags: bool) -> None:
        self.client, self.peer = client, peer
        self._stdin, self._typing = os.pipe()
        self._reading, self._stdout = os.pipe()
        monkeypatch.setattr(plain, "STDIN", self._stdin)
        monkeypatch.setattr(plain, "STDOUT", self._stdout)
        face = make_plain(client, **({"as_json": False, "literal": False} | flags))
        self.face = face
        self._run = asyncio.create_task(face.run())
        self._open = {self._stdin, self._typing, self._reading, self._stdout}

    def type(self, text: str) -> None:
        os.write(self._typing, text.encode())

    def end_input(self) -> None:
        self._close(self._typing)

    def end_output(self) -> None:
        self._close(self._reading)

    async def exit(self) -> Exit:
        """Let the server answer BYE, and return the exit code."""
        async with asyncio.timeout(SECONDS):
            return await self._run

    def output(self) -> list[str]:
        """Return what was written, once the client has ended."""
        self._close(self._stdout)
        with os.fdopen(self._reading, closefd=False) as stream:
            return stream.read().splitlines()

    def _close(self, descriptor: int) -> None:
        if descriptor in self._open:
            self._open.remove(descriptor)
            os.close(descriptor)

    def close(self) -> None:
        for descriptor in tuple(self._open):
            self._close(descriptor)
