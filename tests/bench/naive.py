"""The simplest chat server, to compare with: one write for each member and message.

`python -m tests.bench.naive` speaks enough of the protocol for a load, prints its port, and keeps no log. Its
event loop is uvloop too, and it encodes each message only once.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import resource
import socket
from typing import Any

BACKLOG = 4096


class Naive:
    def __init__(self) -> None:
        self._rooms: dict[str, dict[asyncio.StreamWriter, None]] = {}
        self._ids = itertools.count(1)

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one client until its end."""
        joined: list[str] = []
        nickname = ""
        writer.write(packet({"type": "HELLO", "protocol": 1}))
        try:
            while True:
                size = int.from_bytes(await reader.readexactly(2), "big")
                body = json.loads(await reader.readexactly(size))
                if body["type"] == "NICK":
                    nickname, joined = body["nickname"], body["rooms"]
                    for room in joined:
                        self._rooms.setdefault(room, {})[writer] = None
                    writer.write(packet({"type": "READY", "nickname": nickname, "rooms": joined}))
                elif body["type"] == "MSG":
                    self._broadcast(body["room"], nickname, body["message"])
        except (asyncio.IncompleteReadError, ConnectionError):
            for room in joined:
                del self._rooms[room][writer]
        finally:
            writer.close()

    def _broadcast(self, room: str, nickname: str, message: str) -> None:
        data = packet(
            {
                "type": "MSG",
                "id": next(self._ids),
                "nickname": nickname,
                "message": message,
                "timestamp": "2026-01-01T00:00:00.000Z",
                "room": room,
            }
        )
        for writer in self._rooms[room]:
            self._write(room, writer, data)

    def _write(self, room: str, writer: asyncio.StreamWriter, data: bytes) -> None:
        writer.write(data)


def packet(body: dict[str, Any]) -> bytes:
    data = json.dumps(body, separators=(",", ":")).encode()
    return len(data).to_bytes(2, "big") + data


async def serve() -> None:
    listener = socket.create_server(("127.0.0.1", 0), backlog=BACKLOG)
    server = await asyncio.start_server(Naive().talk, sock=listener, backlog=BACKLOG)
    print(f"listening on 127.0.0.1:{listener.getsockname()[1]}", flush=True)
    async with server:
        await server.serve_forever()


def main() -> None:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    try:
        import uvloop
    except ImportError:
        asyncio.run(serve())
    else:
        uvloop.run(serve())


if __name__ == "__main__":
    main()
