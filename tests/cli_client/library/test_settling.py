"""Waiting for messages to be in the log."""

import asyncio
import itertools

import pytest

from cli_client.library.errors import ConnectionLost, RequestError
from cli_client.library.inbox import Inbox
from cli_client.library.outbox import Outbox
from cli_client.library.settling import Settling
from tests.cli_client.scripted_server import msg


@pytest.fixture
def outbox() -> Outbox:
    numbers = itertools.count(1)
    return Outbox(lambda: f"r{next(numbers)}")


async def test_a_settled_message_ends_its_wait(outbox: Outbox) -> None:
    """With the server's MSG, or with the reason of the refusal; a retry waits anew."""
    settling = Settling(outbox, Inbox())
    outgoing = outbox.add("hello", room="lobby")
    settling.expect(outgoing)
    outbox.refused("r1", "forbidden", "not here", 0)
    settling.settle(outgoing, None)
    with pytest.raises(RequestError, match="not here"):
        await settling.sent(outgoing)
    outbox.retry(outgoing)
    waiting = asyncio.create_task(settling.sent(outgoing))
    await asyncio.sleep(0)
    assert not waiting.done()
    outbox.acknowledged("r1")
    settling.settle(outgoing, msg(1))
    assert (await waiting).id == 1


async def test_the_end_ends_every_wait(outbox: Outbox) -> None:
    """Also one that begins after it."""
    settling = Settling(outbox, Inbox())
    outgoing = outbox.add("hello", room="lobby")
    waiting = [asyncio.create_task(settling.sent(outgoing)), asyncio.create_task(settling.drained(0))]
    await asyncio.sleep(0)
    settling.end()
    for wait in (*waiting, settling.drained(0)):
        with pytest.raises(ConnectionLost):
            await wait
    await settling.drained(1)
