"""Each request, and its answer."""

import asyncio
from pathlib import Path

import pytest
from msgspec import UNSET

from cli_client.library.errors import RequestError
from cli_client.library.store import Store, store_path
from tcp_server.protocol import client_packets, server_packets
from tests.cli_client.scripted_server import NOON, Open, ScriptedServer, msg


async def test_lists_are_read_to_their_end(opened: Open) -> None:
    """USERS and ROOMS are asked for page by page."""
    client, peer = await opened()
    asked = asyncio.create_task(client.requests.users("#lobby"))
    page = await peer.expect(client_packets.Users)
    peer.say(server_packets.Users(room="lobby", count=3, users=["alice", "bob"], more=True, ref=page.ref))
    page = await peer.expect(client_packets.Users)
    assert page.after == "bob"
    peer.say(server_packets.Users(room="lobby", count=3, users=["carol"], more=False, ref=page.ref))
    assert await asked == ["alice", "bob", "carol"]
    asked = asyncio.create_task(client.requests.rooms())
    page = await peer.expect(client_packets.Rooms)
    entry = server_packets.RoomEntry("dev", "", 1)
    peer.say(server_packets.Rooms(rooms=[entry], more=True, ref=page.ref))
    page = await peer.expect(client_packets.Rooms)
    assert page.after == "dev"
    peer.say(server_packets.Rooms(rooms=[], more=False, ref=page.ref))
    assert await asked == [entry]


async def test_rooms_are_entered_and_left(server: ScriptedServer, opened: Open) -> None:
    """JOIN's answer is the ROOM, LEAVE's the broadcast; the next NICK asks for the rooms as they are."""
    client, peer = await opened()
    joining = asyncio.create_task(client.requests.join("#dev"))
    join = await peer.expect(client_packets.Join)
    peer.say(
        server_packets.Join(room="dev", nickname="alice", timestamp=NOON),
        server_packets.RoomState(room="dev", count=1, topic="", users=["alice"], id=0, ref=join.ref),
    )
    assert (await joining).room == "dev"
    setting = asyncio.create_task(client.requests.set_topic("dev", "work"))
    topic = await peer.expect(client_packets.Topic)
    peer.say(server_packets.Topic(room="dev", topic="work", nickname="alice", timestamp=NOON, ref=topic.ref))
    await setting
    leaving = asyncio.create_task(client.requests.leave("lobby", "bye"))
    leave = await peer.expect(client_packets.Leave)
    assert leave.message == "bye"
    peer.say(server_packets.Leave(room="lobby", nickname="alice", timestamp=NOON, reason="left", ref=leave.ref))
    await leaving
    assert client.joined == ["dev"]
    peer.cut()
    assert (await (await server.accepted()).open(resumed=True, rooms=("dev",))).rooms == ["dev"]


async def test_a_rename_brings_a_new_name_and_token(server: ScriptedServer, opened: Open, tmp_path: Path) -> None:
    """READY in the middle renames, the store too; RETRY is an error of the request."""
    client, peer = await opened(store=Store.open("127.0.0.1", server.port, "alice", tmp_path))
    renaming = asyncio.create_task(client.rename("bob"))
    nick = await peer.expect(client_packets.Nick)
    peer.say(server_packets.Retry(nickname="bob", reason="taken", message="bob is taken", ref=nick.ref))
    with pytest.raises(RequestError, match="bob is taken"):
        await renaming
    renaming = asyncio.create_task(client.rename("carol"))
    nick = await peer.expect(client_packets.Nick)
    ready = server_packets.Ready(nickname="carol", token="new", epoch="e1", id=9, rooms=["lobby"], ref=nick.ref)
    peer.say(ready)
    assert await renaming == client.nickname == "carol"
    peer.cut()
    nick = await (await server.accepted()).open(resumed=True)
    assert (nick.nickname, nick.token, nick.after) == ("carol", "new", 0)
    assert store_path("127.0.0.1", server.port, "carol", tmp_path).exists()
    assert not store_path("127.0.0.1", server.port, "alice", tmp_path).exists()


async def test_an_unexpected_answer_is_an_error(opened: Open) -> None:
    """An answer of another type does not pass for the one that was asked for."""
    client, peer = await opened()
    asked = asyncio.create_task(client.requests.history("lobby"))
    history = await peer.expect(client_packets.History)
    peer.say(server_packets.Users(room="lobby", count=0, users=[], more=False, ref=history.ref))
    with pytest.raises(RequestError, match="USERS"):
        await asked


async def test_a_search_goes_on_where_the_server_stopped_looking(opened: Open) -> None:
    """An empty page with more behind it is no answer."""
    client, peer = await opened()
    searching = asyncio.create_task(client.requests.search("rare"))
    for wanted, page, before in ((UNSET, [], 70), (70, [], 30), (30, [msg(7)], None)):
        search = await peer.expect(client_packets.Search)
        assert search.before == wanted
        answer = server_packets.Search(query="rare", messages=page, more=True, before=before, ref=search.ref)
        peer.say(answer)
    found = await searching
    assert ([message.id for message in found.messages], found.before) == ([7], 7)
