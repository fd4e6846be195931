"""Standard input and output by threads."""

import asyncio
import errno
import itertools
import os
import select
import time
import tracemalloc

import pytest

from cli_client.pipe.pipes import LINE_BYTES_MAX, Lines, OutputPipe, write_whole

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


async def test_a_terminal_that_has_gone_is_an_end() -> None:
    """It gives no lines and no fault."""
    master, slave = os.openpty()
    lines = Lines(slave)
    os.close(master)
    assert [line async for line in lines] == []
    os.close(slave)


async def test_a_descriptor_that_cannot_be_read_is_a_fault() -> None:
    """Which is no end: somebody has to hear of it."""
    reading, writing = os.pipe()
    (fault,) = [line async for line in Lines(writing)]
    assert isinstance(fault, OSError)
    assert fault.errno == errno.EBADF
    os.close(reading)
    os.close(writing)


async def test_nothing_to_read_just_now_is_no_end() -> None:
    """Somebody else has made the descriptor non-blocking."""
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    lines = aiter(Lines(reading))
    first = asyncio.ensure_future(anext(lines))
    await asyncio.to_thread(select.select, [], [writing], [])
    os.write(writing, b"one\ntwo")
    async with asyncio.timeout(SECONDS):
        assert await first == "one"
        second = asyncio.ensure_future(anext(lines))
        os.close(writing)
        assert await second == "two"
        assert [line async for line in lines] == []
    os.close(reading)


@pytest.mark.parametrize("cuts", [(), (1,), (2, 3)])
async def test_a_byte_order_mark_is_no_text(cuts: tuple[int, ...]) -> None:
    """At the very start, in however many reads; anywhere else it is text."""
    reading, writing = os.pipe()
    lines = aiter(Lines(reading))
    first = asyncio.ensure_future(anext(lines))
    data = b"\xef\xbb\xbfone\n\xef\xbb\xbftwo"
    for start, end in itertools.pairwise((0, *cuts, len(data))):
        os.write(writing, data[start:end])
        await asyncio.to_thread(_wait_until_read, reading)
    os.close(writing)
    assert await first == "one"
    assert [line async for line in lines] == ["\ufefftwo"]
    os.close(reading)


async def test_a_line_that_is_too_long_is_refused_and_skipped() -> None:
    """Whatever its length nothing of it is kept, and the lines around it go through."""
    reading, writing = os.pipe()
    longest = "x" * LINE_BYTES_MAX

    def write() -> None:
        write_whole(writing, f"one\n{longest}\n{longest}y\n".encode())
        for _ in range(100):
            write_whole(writing, b"z" * 1_000_000)
        write_whole(writing, b"\nlast\n")
        os.close(writing)

    tracemalloc.start()
    writer = asyncio.create_task(asyncio.to_thread(write))
    start = time.thread_time()
    got = [str(line) async for line in Lines(reading)]
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    await writer
    os.close(reading)
    refused = "not sent: a line has more than 65,536 bytes"
    assert got == ["one", longest, refused, refused, "last"]
    assert most < 3_000_000
    assert time.thread_time() - start < 1


async def test_an_outlet_waits_for_a_descriptor_that_takes_nothing_just_now() -> None:
    """Every byte arrives, though the descriptor is non-blocking."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    outlet = OutputPipe(writing)
    outlet.write(b"x" * 1_000_000)
    assert await asyncio.to_thread(_read, reading, 1_000_000) == 1_000_000
    async with asyncio.timeout(SECONDS):
        await outlet.ready(at_most=0)
    assert not outlet.broken.is_set()
    os.close(reading)
    os.close(writing)


@pytest.mark.parametrize("path", ["/dev/full", None])
async def test_what_cannot_be_written_is_told(path: str | None) -> None:
    """A full disk is a fault; a reader that has gone is none."""
    reading, writing = os.pipe()
    os.close(reading)
    full = os.open("/dev/full", os.O_WRONLY)
    outlet = OutputPipe(full if path else writing)
    outlet.write(b"x")
    async with asyncio.timeout(SECONDS):
        await outlet.broken.wait()
        await outlet.ready(at_most=0)
    assert (outlet.fault.errno if outlet.fault else None) == (errno.ENOSPC if path else None)
    outlet.write(b"dropped")
    os.close(full)
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


def _wait_until_read(descriptor: int) -> None:
    """Wait until nothing is left in a pipe."""
    while select.select([descriptor], [], [], 0)[0]:
        pass


def _read(descriptor: int, number: int) -> int:
    got = 0
    while got < number:
        got += len(os.read(descriptor, 65_536))
    return got
