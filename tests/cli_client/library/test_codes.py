"""What a client does after a BYE or RETRY, by the table in codes.py; the table itself is in test_cases.py."""

import asyncio

import pytest

from cli_client.library.client import Client
from cli_client.library.connect import ConnectionState
from cli_client.library.errors import NotAdmitted
from cli_client.library.events import Live, Lost, NotLetIn
from tcp_server.protocol import server_packets
from tests.cli_client.scripted_server import Open, ScriptedServer

SECONDS = 10


async def until(client: Client, kind: type) -> object:
    """Return the first event of this kind."""
    async with asyncio.timeout(SECONDS):
        async for event in client.events():
            if isinstance(event, kind):
                return event
    raise AssertionError(f"no {kind.__name__} came")


@pytest.mark.parametrize("reason", ["protocol", "banned", "logout", "forbidden"])
async def test_it_stays_away(opened: Open, reason: str) -> None:
    """Where the server doesn't want the client back, or the token is void."""
    client, peer = await opened()
    peer.say(server_packets.Bye(reason=reason, message="go"))
    lost = await until(client, Lost)
    assert isinstance(lost, Lost)
    assert (lost.reason, lost.retry_seconds) == ("go", None)
    assert client.status.state is ConnectionState.OFFLINE


@pytest.mark.parametrize(("reason", "is_at_once"), [("timeout", True), ("full", False), ("next-year", False)])
async def test_it_comes_back(server: ScriptedServer, opened: Open, reason: str, is_at_once: bool) -> None:
    """After a timeout at once, otherwise after a pause."""
    client, peer = await opened()
    peer.say(server_packets.Bye(reason=reason, message="go"))
    lost = await until(client, Lost)
    assert isinstance(lost, Lost)
    assert lost.retry_seconds is not None
    assert (lost.retry_seconds == 0) is is_at_once
    peer = await server.accepted()
    await peer.open(resumed=True)
    await until(client, Live)


@pytest.mark.parametrize("reason", ["banned", "full"])
async def test_a_first_opening_that_no_other_nickname_helps(server: ScriptedServer, reason: str) -> None:
    """Connecting fails with the server's reason."""
    client = Client("127.0.0.1", server.port, nickname="alice")
    connecting = asyncio.create_task(client.connect())
    peer = await server.accepted()
    await peer.greet()
    peer.say(server_packets.Retry(nickname="alice", reason=reason, message="not you"))
    with pytest.raises(NotAdmitted, match="not you") as refused:
        await connecting
    assert refused.value.reason == reason
    await client.close()


async def test_retries_while_the_chat_goes_on(server: ScriptedServer, opened: Open) -> None:
    """Full: it tries again by itself; taken: it asks; banned: it ends."""
    client, peer = await opened()
    peer.cut()
    for reason in ("full", "taken", "banned"):
        peer = await server.accepted()
        await peer.greet()
        peer.say(server_packets.Retry(nickname="alice", reason=reason, message=f"it is {reason}"))
    seen = [event async for event in client.events() if isinstance(event, NotLetIn | Lost)]
    assert [type(event).__name__ for event in seen] == ["Lost", "Lost", "NotLetIn", "Lost", "Lost"]
    assert [event.retry_seconds is None for event in seen if isinstance(event, Lost)] == [False, False, False, True]
    assert client.status.reason == "it is banned"
