"""The client in a pipe: each line of the input is sent, each message is one line of the output.

Standard output has messages and answers to commands, or with `--json` the server's bodies as they are. News of the
connection and errors go to standard error.
"""

import asyncio
import contextlib
import enum
import signal
from collections.abc import Iterator, Sequence
from typing import assert_never

from cli_client.chat.display import bounded, defuse, defuse_line
from cli_client.chat.effects import FaceEffect, Quit, ScrollUp, Show
from cli_client.chat.face import Conductor, ListAnswer
from cli_client.chat.lines import Kind, Line
from cli_client.library.client import Client
from cli_client.library.connect import describe
from cli_client.library.errors import ConnectionLost
from cli_client.library.events import Event, Failed, Live, Lost, NotLetIn
from cli_client.library.text import escape_json
from cli_client.pipe.pipes import Lines, LineTooLong, OutputPipe, write_whole
from tcp_server.protocol import server_packets

UNSENT_MAX = 1000  # lines that were read and have no echo yet
STDIN, STDOUT, STDERR = 0, 1, 2


class Exit(enum.IntEnum):
    """The program's exit codes."""

    DONE = 0  # the input has ended and all of it was acknowledged
    UNREACHABLE = 1  # no server answers, or the server sent us away
    USAGE = 2
    NICKNAME = 3  # the nickname is taken or not allowed
    REFUSED = 4  # a message or a command was refused; the others went through
    IO_FAULT = 74  # the input can't be read, or the output can't be written
    HUNG_UP = 129
    INTERRUPTED = 130
    BROKEN_PIPE = 141  # the reader of the output has gone away, and not all of the input was acknowledged
    TERMINATED = 143


SIGNALS = {
    signal.SIGINT: Exit.INTERRUPTED,
    signal.SIGTERM: Exit.TERMINATED,
    signal.SIGHUP: Exit.HUNG_UP,
}


class Plain:
    """One client between two pipes. `run` returns the program's exit code.

    Args:
        as_json: write bodies instead of lines for people.
        literal: send each line, whatever its first character is.
    """

    def __init__(self, client: Client, conductor: Conductor, *, as_json: bool, literal: bool) -> None:
        self._client = client
        self._conductor = conductor
        conductor.attach(self)
        self._as_json = as_json
        self._literal = literal
        self._out = OutputPipe(STDOUT)
        self._exit = Exit.DONE
        self._is_lost = False
        self._farewell: str | None = None
        self._over = asyncio.Event()

    async def run(self) -> Exit:
        """Pass lines in both directions until the input ends, a /quit is read, or the server sends us away."""
        pump = asyncio.create_task(self._pump())
        feed = asyncio.create_task(self._feed())
        over = [asyncio.create_task(event.wait()) for event in (self._over, self._out.broken)]
        with self._signals():
            await asyncio.wait([pump, feed, *over], return_when=asyncio.FIRST_COMPLETED)
            sent_away = pump.done()
            for task in over if feed.done() else (feed, *over):
                task.cancel()
            if self._exit in SIGNALS.values():
                pump.cancel()  # nobody waits for the output
            self._conductor.stop()
            await self._client.close(self._farewell or "")
            for task in (pump, feed):
                with contextlib.suppress(asyncio.CancelledError):
                    await task
            if not pump.cancelled():
                await self._out.ready(at_most=0)
        if sent_away:
            self._complain(f"the server sent us away: {self._client.status.reason}")
            return Exit.UNREACHABLE
        if self._out.fault is not None:
            self._complain(f"can't write standard output: {describe(self._out.fault)}")
            return Exit.IO_FAULT
        return Exit.BROKEN_PIPE if self._out.broken.is_set() and self._client.unsent else self._exit

    async def _pump(self) -> None:
        """Take events no faster than the output is read."""
        async for _ in self._conductor.events():
            await self._out.ready()

    async def _feed(self) -> None:
        """Send the input, and wait until every message and every request has its answer."""
        with contextlib.suppress(ConnectionLost):  # the server sent us away: `run` says so
            async for line in Lines(STDIN):
                if isinstance(line, Exception):
                    self._take_fault(line)
                elif self._literal:
                    self._conductor.said(line)
                else:
                    self._conductor.typed(line)
                    await self._conductor.idle()  # a line after /join is for that room
                if self._farewell is not None:
                    break
                await self._client.drained(at_most=UNSENT_MAX)
            await self._conductor.idle()
            await self._client.drained()

    def _take_fault(self, fault: LineTooLong | OSError) -> None:
        if isinstance(fault, OSError):
            self._complain(f"can't read standard input: {describe(fault)}")
            self._exit = Exit.IO_FAULT
        else:
            self._complain(str(fault))
            self._exit = self._exit or Exit.REFUSED

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        """Have Ctrl-C, SIGTERM and SIGHUP end the program with a BYE; one that nohup had ignored stays so."""
        loop = asyncio.get_running_loop()
        heard = [number for number in SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
        for number in heard:
            loop.add_signal_handler(number, self._stop, SIGNALS[number])
        loop.add_signal_handler(signal.SIGCONT, self._client.check_now)
        try:
            yield
        finally:
            for number in (*heard, signal.SIGCONT):
                loop.remove_signal_handler(number)

    def _stop(self, code: Exit) -> None:
        self._exit = code
        self._over.set()

    # -- the face --------------------------------------------------------------------------------

    def received(self, packet: Event | ListAnswer, body: bytes) -> None:
        """Write the body; tell of a lost connection and of a refused message."""
        if self._as_json and body and not isinstance(packet, server_packets.Ready):  # READY has the token
            self._out.write(escape_json(body) + b"\n")
        match packet:
            case Failed(outgoing):  # told once: the next run of the program doesn't begin with it
                self._exit = self._exit or Exit.REFUSED
                self._complain(f"not sent: {outgoing.reason}: {outgoing.message}")
                self._client.discard(outgoing)
            case NotLetIn(nickname, _, text):  # somebody took it while the connection was down
                self._complain(f"{nickname} is not let in: {text}")
                self._stop(Exit.NICKNAME)
            case Lost(reason, retry_seconds) if retry_seconds is not None and not self._is_lost:
                self._is_lost = True
                self._complain(f"the connection is lost, trying again: {reason}")
            case Live() if self._is_lost:
                self._is_lost = False
                self._complain("the connection is back")

    def changed(self, effects: Sequence[FaceEffect]) -> None:
        """Write the new lines; after a /quit, read no further, but wait for the answers to earlier lines."""
        for effect in effects:
            match effect:
                case Show(target, line):
                    self._show(target, line)
                case Quit(message):
                    self._farewell = message
                case ScrollUp():
                    raise AssertionError("a pipe is not paged: its session never asks to scroll")
                case _:
                    assert_never(effect)

    def _show(self, target: str, line: Line) -> None:
        """Write a line for people: messages and answers to standard output, errors to standard error."""
        if line.kind is Kind.ERROR:
            self._exit = self._exit or Exit.REFUSED
        if line.kind in (Kind.ERROR, Kind.NOTICE):
            self._complain(line.text)
        elif not self._as_json and line.kind in (Kind.MESSAGE, Kind.ACTION, Kind.HIT, Kind.INFO):
            self._out.write(f"{format_line(target, line)}\n".encode())

    @staticmethod
    def _complain(text: str) -> None:
        with contextlib.suppress(OSError):  # nobody reads the complaints
            write_whole(STDERR, f"wordpacket: {defuse_line(bounded(text))}\n".encode(errors="replace"))


def format_line(target: str, line: Line) -> str:
    r"""Return a line as text: time, target, nickname and text. A newline in a message is written as `\n`."""
    text = defuse(line.text).replace("\n", "\\n")
    if line.kind is Kind.INFO:
        return text
    where = line.target or target
    said = f"* {line.nickname} {text}" if line.kind is Kind.ACTION else f"<{line.nickname}> {text}"
    number = f"{line.number} " if line.kind is Kind.HIT else ""
    return f"{number}{line.at:%Y-%m-%d %H:%M:%S} {where} {said}"
