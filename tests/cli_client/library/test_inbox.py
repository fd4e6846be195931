"""Events on their way to the program: bounded, and no obstacle for answers."""

import asyncio

import pytest

from cli_client.library import inbox
from cli_client.library.events import Live
from tcp_server.protocol import client_packets, server_packets
from tests.cli_client.library.listening import take, until
from tests.cli_client.scripted_server import Open, msg


async def test_a_slow_program_slows_the_server_down(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """With many events unread the connection is read no further, unless somebody awaits an answer."""
    monkeypatch.setattr(inbox, "LIMIT", 10)
    client, peer = await opened()
    await until(client, Live)
    peer.say(*(msg(number) for number in range(1, 11)))
    while len(client._inbox._items) < 10:  # noqa: ASYNC110 - nothing tells of that
        await asyncio.sleep(0)
    peer.say(*(msg(number) for number in range(11, 21)), server_packets.Ping())
    for _ in range(100):  # turns of the loop in which they would be read
        await asyncio.sleep(0)
    asked = asyncio.create_task(client.requests.history("lobby"))
    history = await peer.expect(client_packets.History)  # and no PONG before it
    await peer.expect(client_packets.Pong)  # read for the sake of the answer
    peer.say(server_packets.History(room="lobby", messages=[], more=False, ref=history.ref))
    await asked
    assert [event.id async for event in take(client, 20)] == list(range(1, 21))


async def test_a_program_that_reads_no_events_only_loses_old_ones(
    opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unread events are bounded, and the connection goes on."""
    monkeypatch.setattr(inbox, "LIMIT", 3)
    client, peer = await opened()
    peer.say(*(msg(number) for number in range(1, 9)), server_packets.Ping())
    await peer.expect(client_packets.Pong)
    assert [event.id async for event in take(client, 3)] == [6, 7, 8]
