"""The memory on disk: saved before a promise, loaded by the next process."""

import asyncio
import json
from pathlib import Path

import pytest

from cli_client.library.client import Client
from cli_client.library.events import Live
from cli_client.library.store import Store, store_path
from tcp_server.protocol import client_packets, server_packets
from tests.cli_client.library.listening import take, until
from tests.cli_client.scripted_server import Open, ScriptedServer, msg


async def test_another_process_takes_up_the_thread(server: ScriptedServer, opened: Open, tmp_path) -> None:
    """Token, cursor, rooms and unsent messages come back from the store, after a kill too."""
    store = Store.open("127.0.0.1", server.port, "alice", tmp_path)
    client, peer = await opened(store=store)
    peer.say(msg(41, to="alice"), server_packets.Ping())
    await peer.expect(client_packets.Pong)
    outgoing = client.send("lobby", "unsent")  # saved before `send` returns
    kept = json.loads(store.path.read_bytes())
    assert kept["outgoing"][0]["ref"] == outgoing.ref
    await peer.expect(client_packets.Msg)
    await client.close()
    again = Store.open("127.0.0.1", server.port, "alice", tmp_path)
    second = Client("127.0.0.1", server.port, nickname="alice", rooms=["dev"], store=again)
    assert (second.unsent, second.peers, second.is_kept) == (1, ["bob"], True)
    connecting = asyncio.create_task(second.connect())
    peer = await server.accepted()
    nick = await peer.open(resumed=True, last=41)
    assert (nick.token, nick.after, nick.rooms) == ("token-of-alice", 41, ["lobby", "dev"])
    assert (await peer.echo(42)).ref == outgoing.ref
    await connecting
    await second.drained()
    await second.close()
    assert json.loads(store.path.read_bytes()).get("outgoing", []) == []


async def test_what_was_not_looked_at_comes_again(server: ScriptedServer, opened: Open, tmp_path: Path) -> None:
    """A program that was killed with events unread gets them from the log when it comes back."""
    client, peer = await opened(last=3, store=Store.open("127.0.0.1", server.port, "alice", tmp_path))
    await until(client, Live)
    peer.say(msg(4), msg(5), msg(6), server_packets.Ping())
    await peer.expect(client_packets.Pong)
    assert [event.id async for event in take(client, 1)] == [4]
    client.send("lobby", "done with 4")  # saves
    kept = json.loads(store_path("127.0.0.1", server.port, "alice", tmp_path).read_bytes())
    assert kept["after"] == 4
    assert [event.id async for event in take(client, 2)] == [5, 6]
    client.send("lobby", "done with 6")
    kept = json.loads(store_path("127.0.0.1", server.port, "alice", tmp_path).read_bytes())
    assert kept["after"] == 6


async def test_a_store_that_cannot_be_written_is_no_reason_to_end(
    server: ScriptedServer, opened: Open, tmp_path, caplog: pytest.LogCaptureFixture
) -> None:
    """A full disk here is logged, and the chat goes on."""
    folder = tmp_path / "state"
    client, peer = await opened(store=Store.open("127.0.0.1", server.port, "alice", folder))
    for file in folder.iterdir():
        file.unlink()
    folder.rmdir()
    client.send("lobby", "hello")
    assert "can't save" in caplog.text
    await peer.echo(1)
    await client.drained()
