"""What the tests of the library have in common: reading events up to one of a kind, and letting a client back in."""

import asyncio

from cli_client.library.client import Client
from cli_client.library.events import Event, Live
from tcp_server.protocol import server_packets
from tests.cli_client.scripted_server import Peer, ScriptedServer


async def until(client: Client, kind: type[Event]) -> tuple[list[Event], Event]:
    """Read events up to the first of a kind; return those before it, and it."""
    before: list[Event] = []
    async with asyncio.timeout(5):
        async for event in client.events():
            if isinstance(event, kind):
                return before, event
            before.append(event)
    raise AssertionError(f"the client ended before {kind}")


async def ids_until_live(client: Client) -> list[int]:
    before, _ = await until(client, Live)
    return [event.id for event in before if isinstance(event, server_packets.Msg)]


async def reopened(server: ScriptedServer, **arguments: object) -> Peer:
    peer = await server.accepted()
    await peer.open(resumed=True, **arguments)
    return peer


async def take(client: Client, number: int):
    async with asyncio.timeout(5):
        async for event in client.events():
            yield event
            number -= 1
            if not number:
                return
