"""Requests and answers find each other by `ref`, over a cut too."""

import asyncio

import pytest

from cli_client.library.asking import ASKED_MAX
from cli_client.library.errors import ConnectionLost
from cli_client.library.events import Lost
from tcp_server.protocol import client_packets, server_packets
from tests.cli_client.library.listening import reopened, until
from tests.cli_client.scripted_server import Open, ScriptedServer, msg


async def test_requests_are_answered_by_ref(opened: Open) -> None:
    """Answers go to who asked, in whatever order they come."""
    client, peer = await opened()
    asked = [
        asyncio.create_task(client.requests.history("@bob", before=7)),
        asyncio.create_task(client.requests.search("word", sender="bob")),
    ]
    history, search = await peer.expect(client_packets.History), await peer.expect(client_packets.Search)
    assert (history.to, history.before, search.sender) == ("bob", 7, "bob")
    peer.say(
        server_packets.Search(query="word", messages=[msg(2)], more=False, ref=search.ref),
        server_packets.History(to="bob", messages=[msg(1, to="alice")], more=True, ref=history.ref),
    )
    first, second = await asyncio.gather(*asked)
    assert [m.id for m in first.messages] == [1]
    assert [m.id for m in second.messages] == [2]


async def test_a_cut_asks_again_what_is_harmless(server: ScriptedServer, opened: Open) -> None:
    """HISTORY is asked again after a cut; a TOPIC, which may have been set, fails."""
    client, peer = await opened()
    asking = asyncio.create_task(client.requests.history("lobby"))
    setting = asyncio.create_task(client.requests.set_topic("lobby", "x"))
    ref = (await peer.expect(client_packets.History)).ref
    await peer.expect(client_packets.Topic)
    peer.cut()
    with pytest.raises(ConnectionLost):
        await setting
    peer = await reopened(server)
    again = await peer.expect(client_packets.History)
    assert again.ref == ref
    peer.say(server_packets.History(room="lobby", messages=[], more=False, ref=ref))
    assert (await asking).messages == []


async def test_a_request_waits_for_the_connection(server: ScriptedServer, opened: Open) -> None:
    """What is asked while there is no connection is asked once it is live."""
    client, peer = await opened()
    peer.cut()
    await until(client, Lost)
    asking = asyncio.create_task(client.rename("carol"))
    peer = await reopened(server)
    nick = await peer.expect(client_packets.Nick)
    peer.say(server_packets.Ready(nickname="carol", ref=nick.ref))
    assert await asking == "carol"


async def test_what_the_queue_refuses_is_asked_again_in_order(opened: Open) -> None:
    """After the time that the server says; nothing else is asked meanwhile."""
    client, peer = await opened()
    asked = [asyncio.create_task(client.requests.history("lobby", before=number)) for number in (1, 2, 3)]
    refs = [(await peer.expect(client_packets.History)).ref for _ in asked]
    for ref in refs:
        peer.say(server_packets.Error(code="rate_limited", message="full", ref=ref, what="queue", retry_after=0.02))
    again = [await peer.expect(client_packets.History) for _ in asked]
    assert [(packet.before, packet.ref) for packet in again] == list(zip((1, 2, 3), refs, strict=True))
    for packet in again:
        peer.say(server_packets.History(room="lobby", messages=[], more=False, ref=packet.ref))
    await asyncio.gather(*asked)


async def test_few_requests_are_unanswered_at_a_time(opened: Open) -> None:
    """The others wait for their turn."""
    client, peer = await opened()
    asked = [
        asyncio.create_task(client.requests.history("lobby", before=number + 1)) for number in range(ASKED_MAX + 2)
    ]
    packets = [await peer.expect(client_packets.History) for _ in range(ASKED_MAX)]
    client.send("lobby", "hello")
    await peer.expect(client_packets.Msg)  # and no request before it
    for number in range(2):
        peer.say(server_packets.History(room="lobby", messages=[], more=False, ref=packets[number].ref))
        packets.append(await peer.expect(client_packets.History))
    for packet in packets[2:]:
        peer.say(server_packets.History(room="lobby", messages=[], more=False, ref=packet.ref))
    await asyncio.gather(*asked)
