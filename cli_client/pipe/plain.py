"""The client in a pipe: lines in are sent, messages come out, one a line.

Standard output has messages and answers to commands, or with `--json` the server's bodies as they are; what
concerns the link and what went wrong goes to standard error.
"""

import asyncio
import contextlib
import enum
import signal
import sys
from collections.abc import Iterator

from cli_client.chat.session import Session
from cli_client.chat.views import Kind, Line
from cli_client.driver import Driver, local_now
from cli_client.library.client import Client
from cli_client.library.errors import LinkLost
from cli_client.library.events import Event, Failed, Live, Lost, Refused
from cli_client.library.text import defuse, defuse_line
from cli_client.pipe.pipes import Lines, Outlet
from tcp_server.protocol import server_packets

UNSENT_MAX = 1000  # lines read ahead of their echoes
STDIN, STDOUT = 0, 1


class Exit(enum.IntEnum):
    """What the program's exit code says."""

    DONE = 0  # the input has ended and all of it was acknowledged
    UNREACHABLE = 1  # no server, or it sent us away
    USAGE = 2
    NICKNAME = 3  # the nickname is taken or not allowed
    REFUSED = 4  # a message or a command was refused; the others went through
    INTERRUPTED = 130
    BROKEN_PIPE = 141  # nobody reads the output any more, and not all of the input was acknowledged
    TERMINATED = 143


class Plain:
    """One client between two pipes. `run` returns the program's exit code.

    Args:
        as_json: write bodies instead of lines for people.
        literal: send each line, whatever it begins with.
    """

    def __init__(self, client: Client, session: Session, *, as_json: bool, literal: bool) -> None:
        self._client = client
        self._driver = Driver(client, session, self)
        self._as_json = as_json
        self._literal = literal
        self._out = Outlet(STDOUT)
        self._exit = Exit.DONE
        self._is_lost = False
        self._farewell: str | None = None
        self._over = asyncio.Event()

    async def run(self) -> Exit:
        """Pass lines to and fro until the input ends, somebody quits, or the server sends us away."""
        pump = asyncio.create_task(self._driver.pump())
        feed = asyncio.create_task(self._feed())
        over = [asyncio.create_task(event.wait()) for event in (self._over, self._out.broken)]
        with self._signals():
            await asyncio.wait([pump, feed, *over], return_when=asyncio.FIRST_COMPLETED)
            sent_away = pump.done()
            for task in over if feed.done() else (feed, *over):
                task.cancel()
            if self._exit in (Exit.INTERRUPTED, Exit.TERMINATED):
                pump.cancel()  # what nobody reads is not waited for
            self._driver.stop()
            await self._client.close(self._farewell or "")
            for task in (pump, feed):
                with contextlib.suppress(asyncio.CancelledError):
                    await task
            if not pump.cancelled():
                await self._out.ready(at_most=0)
        if sent_away:
            self._complain(f"the server sent us away: {self._client.status.reason}")
            return Exit.UNREACHABLE
        return Exit.BROKEN_PIPE if self._out.broken.is_set() and self._client.unsent else self._exit

    async def _feed(self) -> None:
        """Send the input, and wait until everything that was sent or asked has its answer."""
        with contextlib.suppress(LinkLost):  # the server sent us away: `run` says so
            async for line in Lines(STDIN):
                if self._literal:
                    self._driver.said(line)
                else:
                    self._driver.typed(line)
                    await self._driver.idle()  # a line after /join is for that room
                if self._farewell is not None:
                    break
                await self._client.drained(at_most=UNSENT_MAX)
            await self._driver.idle()
            await self._client.drained()

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        """Have Ctrl-C and SIGTERM end the program with a BYE."""
        loop = asyncio.get_running_loop()
        exits = {signal.SIGINT: Exit.INTERRUPTED, signal.SIGTERM: Exit.TERMINATED}
        for number, code in exits.items():
            loop.add_signal_handler(number, self._stop, code)
        try:
            yield
        finally:
            for number in exits:
                loop.remove_signal_handler(number)

    def _stop(self, code: Exit) -> None:
        self._exit = code
        self._over.set()

    # -- what the driver tells a face ------------------------------------------------------------

    def happened(self, event: Event, body: bytes) -> None:
        """Write a body; say what happened to the link, and to a message that was refused."""
        if self._as_json and body and not isinstance(event, server_packets.Ready):  # READY has the token
            self._out.write(body + b"\n")
        match event:
            case Failed(outgoing):
                self._exit = self._exit or Exit.REFUSED
                self._complain(f"not sent: {outgoing.reason}: {outgoing.message}")
            case Refused(nickname, _, text):  # somebody took it while the link was down
                self._complain(f"{nickname} is not let in: {text}")
                self._stop(Exit.NICKNAME)
            case Lost(reason, retry_seconds) if retry_seconds is not None and not self._is_lost:
                self._is_lost = True
                self._complain(f"the link is lost, trying again: {reason}")
            case Live() if self._is_lost:
                self._is_lost = False
                self._complain("the link is back")

    def answered(self, packet: server_packets.AnyPacket, body: bytes) -> None:
        """Write the body of an answer that is no event as well."""
        answers = (server_packets.Users, server_packets.Rooms, server_packets.History, server_packets.Search)
        if self._as_json and isinstance(packet, answers):
            self._out.write(body + b"\n")

    def show(self, target: str, line: Line) -> None:
        """Write a line for people: messages and answers to standard output, troubles to standard error."""
        if line.kind is Kind.ERROR:
            self._exit = self._exit or Exit.REFUSED
        if line.kind in (Kind.ERROR, Kind.NOTICE):
            self._complain(line.text)
        elif not self._as_json and line.kind in (Kind.MESSAGE, Kind.ACTION, Kind.HIT, Kind.INFO):
            self._out.write(f"{format_line(target, line)}\n".encode())

    def changed(self) -> None:
        """Nothing: lines were written as they came."""

    async def ready(self) -> None:
        await self._out.ready()

    def scroll_up(self) -> None:
        """Nothing: there is no screen."""

    def quit(self, message: str) -> None:
        """Read no further; what was said before is waited for."""
        self._farewell = message

    @staticmethod
    def _complain(text: str) -> None:
        print(f"wordpacket: {defuse_line(text)}", file=sys.stderr, flush=True)


def format_line(target: str, line: Line) -> str:
    r"""Return a line as text: when, where, who, what. A newline in a message is written as `\n`."""
    text = defuse(line.text).replace("\n", "\\n")
    if line.kind is Kind.INFO:
        return text
    where = line.target or target
    said = f"* {line.nickname} {text}" if line.kind is Kind.ACTION else f"<{line.nickname}> {text}"
    number = f"{line.number} " if line.kind is Kind.HIT else ""
    return f"{number}{line.at:%Y-%m-%d %H:%M:%S} {where} {said}"


def make_plain(client: Client, *, as_json: bool, literal: bool) -> Plain:
    """Return the plain face of a client that is connected."""
    session = Session(client.nickname, local_now(), paged=False)
    return Plain(client, session, as_json=as_json, literal=literal)
