"""Standard input and output by threads."""

import asyncio
import os

from cli_client.pipe.pipes import Lines, OutputPipe

SECONDS = 10


async def test_lines_are_cut_whatever_the_reads() -> None:
    """Across reads, without a last newline, and with bytes that are no UTF-8."""
    reading, writing = os.pipe()
    lines = Lines(reading)
    os.write(writing, b"one\ntw")
    got = []
    async with asyncio.timeout(SECONDS):
        async for line in lines:
            got.append(line)
            if line == "one":
                os.write(writing, b"o\r\n\xff\nlast")
                os.close(writing)
    os.close(reading)
    assert got == ["one", "two", "\ufffd", "last"]


async def test_a_descriptor_that_cannot_be_read_is_an_end() -> None:
    """A terminal that has gone gives no lines and no traceback."""
    reading, writing = os.pipe()
    os.close(reading)
    assert [line async for line in Lines(writing)] == []
    os.close(writing)


async def test_an_outlet_waits_for_a_slow_reader() -> None:
    """`ready` holds back while much is unread, and everything arrives in order."""
    reading, writing = os.pipe()
    outlet = OutputPipe(writing)
    for _ in range(1000):
        outlet.write(b"x" * 1000)
    waiting = asyncio.create_task(outlet.ready(at_most=0))
    got = await asyncio.to_thread(_read, reading, 1_000_000)
    async with asyncio.timeout(SECONDS):
        await waiting
    assert got == 1_000_000
    os.close(reading)
    os.close(writing)


def _read(descriptor: int, number: int) -> int:
    got = 0
    while got < number:
        got += len(os.read(descriptor, 65_536))
    return got
