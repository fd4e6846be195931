"""A process that loads a server: raw sockets and one epoll, so that a delivery costs less here than in the server.

`python -m tests.bench.loader` takes its orders from standard input and answers on standard output, a JSON value a
line: `Task` -> `Arrived`, `Run` -> `Sent`, `Sent` (of all processes) -> `Report`. It ends with its standard input.
"""

from __future__ import annotations

import gc
import math
import os
import resource
import select
import socket
import sys
import time
from array import array
from collections import deque
from typing import TypeVar

import msgspec

from tests.bench import payload
from tests.bench.dialects import Login
from tests.bench.load import DIALECTS, Arrived, Report, Run, Sent, Task
from tests.bench.payload import Stamp
from tests.bench.transcript import Receiver, Transcript

READ_BYTES = 64 * 1024
PATIENCE_SECONDS = 60.0  # for all clients to arrive
STALL_SECONDS = 5.0  # without a message: the missing ones are lost
QUIET_SECONDS = 0.2  # after the last message, for duplicates
SAMPLE_MAX = 100_000  # latencies in a report; of more, an even sample

_Order = TypeVar("_Order", Task, Run, Sent)


class Client:
    """One connection; perhaps a publisher."""

    __slots__ = ("login", "receiver", "rest", "room", "sent", "slot", "sock", "unsent", "waiting", "watched")

    def __init__(self, sock: socket.socket, room: int, slot: int, receiver: Receiver, login: Login) -> None:
        self.sock = sock
        self.room = room
        self.slot = slot  # as a publisher of the room; -1: it only listens
        self.receiver = receiver
        self.login: Login | None = login
        self.rest = b""  # of a frame, during the log-in
        self.unsent = b""
        self.sent = 0  # messages
        self.waiting = 0  # messages that have not been seen to arrive
        self.watched: Client | None = None  # the publisher whose messages are seen to arrive here


class Loader:
    """Carries out one task: `arrive`, then `run`, then `drain`; and `close`."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self._load = task.load
        self._dialect = DIALECTS[task.dialect]
        self._poll = select.epoll()
        self._clients: dict[int, Client] = {}
        self._publishers: list[Client] = []
        self._transcripts: dict[int, Transcript] = {}
        self._last_of_room: dict[int, Client] = {}
        self._logging_in = 0
        self._ready_to_publish: list[Client] = []
        self._begin = self._stop = 0  # nanoseconds of time.monotonic_ns
        self._latencies = array("q")
        self._heard = 0  # messages over the whole run
        self._report = Report()

    # Arriving

    def arrive(self) -> Arrived:
        """Connect every client of this part and bring it into its room."""
        started = time.monotonic()
        todo = deque(
            (room, place)
            for place in range(-(-self._load.clients // self._load.rooms))
            if place % self._task.parts == self._task.part
            for room in range(min(self._load.rooms, self._load.clients - place * self._load.rooms))
        )
        while todo or self._logging_in:
            while todo and self._logging_in < self._dialect.under_way:
                self._connect(*todo.popleft())
            self._serve(0.1)
            if time.monotonic() - started > PATIENCE_SECONDS:
                raise TimeoutError(f"{len(todo) + self._logging_in} clients could not enter their rooms")
        return Arrived(clients=len(self._clients), seconds=time.monotonic() - started)

    def _connect(self, room: int, place: int) -> None:
        sock = socket.create_connection(("127.0.0.1", self._task.port), timeout=PATIENCE_SECONDS)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setblocking(False)
        slot = place if place < self._load.publishers else -1
        if slot < 0 or self._dialect.echoes:
            transcript = self._transcripts.setdefault(room, Transcript(room, self._dialect.cut))
        else:
            transcript = Transcript(room, self._dialect.cut)  # no other client hears the same: all messages but its own
        login = self._dialect.login(f"{self._task.nick}{room}-{place}", f"bench{room}")
        client = Client(sock, room, slot, Receiver(transcript), login)
        self._clients[sock.fileno()] = client
        self._poll.register(sock, select.EPOLLIN)
        self._logging_in += 1
        self._send(client, next(login))
        if self._dialect.echoes:
            client.watched = client if slot >= 0 else None
        elif (before := self._last_of_room.get(room)) is not None and before.slot >= 0:
            client.watched = before  # no echo: the next member is the witness
        self._last_of_room[room] = client
        if slot >= 0:
            self._publishers.append(client)

    def _log_in(self, client: Client, login: Login, data: bytes) -> None:
        data = client.rest + data
        start = 0
        while end := self._dialect.cut(data, start):
            packet, start = data[start:end], end
            try:
                self._send(client, login.send(packet))
            except StopIteration:
                client.login = None
                self._logging_in -= 1
                if start < len(data):
                    self._take(client, data[start:])
                return
        client.rest = data[start:]

    # Running

    def run(self, order: Run) -> Sent:
        """Publish and measure, until it is time to stop."""
        self._begin, self._stop = int(order.begin * 1e9), int(order.stop * 1e9)
        self._serve_until(order.start)
        if self._load.rate:
            self._publish_evenly(order)
        else:
            self._ready_to_publish = list(self._publishers)
            self._publish_by_window(order)
        counts: dict[int, dict[int, int]] = {}
        for publisher in self._publishers:
            counts.setdefault(publisher.room, {})[publisher.slot] = publisher.sent
        return Sent(counts=counts)

    def _publish_by_window(self, order: Run) -> None:
        for until in (order.begin, order.stop):
            cpu, messages = time.process_time(), sum(publisher.sent for publisher in self._publishers)
            while time.monotonic() < until:
                for publisher in self._ready_to_publish:
                    self._publish(publisher, self._load.window - publisher.waiting, time.monotonic_ns())
                self._ready_to_publish = []
                self._serve(0.02)
            self._note(cpu, messages)

    def _publish_evenly(self, order: Run) -> None:
        share = len(self._publishers) / (self._load.publishers * self._load.rooms)
        step, due = (1 / (self._load.rate * share), order.start) if share else (0.0, math.inf)
        turn = 0
        for until in (order.begin, order.stop):
            cpu, messages = time.process_time(), sum(publisher.sent for publisher in self._publishers)
            while (now := time.monotonic()) < until:
                if now >= due:
                    self._publish(self._publishers[turn % len(self._publishers)], 1, int(due * 1e9))
                    due, turn = due + step, turn + 1
                # epoll rounds up to milliseconds: the last one before a message is due is a busy wait.
                self._serve(max(0.0, int((min(due, until) - time.monotonic()) * 1000) / 1000))
            self._note(cpu, messages)

    def _note(self, cpu: float, messages: int) -> None:
        """Note the cost of a phase; the last phase is the measured one."""
        self._report.cpu = time.process_time() - cpu
        self._report.messages = sum(publisher.sent for publisher in self._publishers) - messages

    def _publish(self, publisher: Client, count: int, sent: int) -> None:
        room = f"bench{publisher.room}"
        packets = []
        for number in range(publisher.sent, publisher.sent + count):
            text = payload.write(Stamp(publisher.room, publisher.slot, number, sent))
            packets.append(self._dialect.message(room, text))
        publisher.sent += count
        publisher.waiting += count
        self._send(publisher, b"".join(packets))

    # The end

    def drain(self, sent: Sent) -> Report:
        """Wait for messages under way, and check that each client heard all of its messages once and in order."""
        expected = sum(sum(self._due_to(client, sent).values()) for client in self._clients.values())
        heard, moved = self._heard, time.monotonic()
        while self._heard < expected and time.monotonic() - moved < STALL_SECONDS:
            self._serve(0.05)
            if self._heard > heard:
                heard, moved = self._heard, time.monotonic()
        self._serve_until(time.monotonic() + QUIET_SECONDS)
        report = self._report
        report.expected = expected
        for client in self._clients.values():
            receiver, order = client.receiver, client.receiver.order()
            report.lost += order.lost(self._due_to(client, sent))
            report.duplicated += order.duplicates
            report.reordered += order.reordered
            report.misrouted += receiver.misrouted
            report.damaged += receiver.damaged
            report.apart += receiver.is_alone
        stride = 1 + len(self._latencies) // SAMPLE_MAX
        report.latencies = sorted(nanoseconds / 1e9 for nanoseconds in self._latencies[::stride])
        return report

    def _due_to(self, client: Client, sent: Sent) -> dict[int, int]:
        """Return the number of messages of each slot that a client had to hear."""
        counts = sent.counts.get(client.room, {})
        if client.slot >= 0 and not self._dialect.echoes:
            return {slot: count for slot, count in counts.items() if slot != client.slot}
        return counts

    def close(self) -> None:
        for client in self._clients.values():
            client.sock.close()
        self._poll.close()

    # Sockets

    def _serve_until(self, until: float) -> None:
        while (left := until - time.monotonic()) > 0:
            self._serve(left)

    def wait_for(self, stdin: int) -> None:
        """Serve the sockets until something can be read from standard input."""
        self._poll.register(stdin, select.EPOLLIN)
        while not self._serve(1.0, stdin):
            pass
        self._poll.unregister(stdin)

    def _serve(self, timeout: float, stdin: int = -1) -> bool:
        """Read once from every readable socket; say whether standard input is readable."""
        called = False
        for descriptor, events in self._poll.poll(timeout):
            if descriptor == stdin:
                called = True
                continue
            client = self._clients[descriptor]
            if events & select.EPOLLOUT:
                self._send(client, b"")
            if not events & ~select.EPOLLOUT:
                continue
            try:
                data = client.sock.recv(READ_BYTES)
            except BlockingIOError:
                continue
            except OSError:
                data = b""
            if not data:
                self._lose(client)
            elif client.login is None:
                self._take(client, data)
            else:
                self._log_in(client, client.login, data)
        return called

    def _take(self, client: Client, data: bytes) -> None:
        receiver = client.receiver
        sent, slots = receiver.take(data)
        if sent:
            now = time.monotonic_ns()
            self._heard += len(sent)
            if self._begin <= now < self._stop:
                self._report.deliveries += len(sent)
                self._report.reads += 1
                self._latencies.extend([now - then for then in sent])
            publisher = client.watched
            if publisher is not None and (arrived := slots.count(publisher.slot)):
                publisher.waiting -= arrived
                self._ready_to_publish.append(publisher)
        if receiver.others:
            self._send(client, b"".join(map(self._dialect.answer, receiver.others)))
            receiver.others.clear()

    def _send(self, client: Client, data: bytes) -> None:
        """Send the bytes that the socket takes; keep the rest until it takes more."""
        had = bool(client.unsent)
        data = client.unsent + data
        if not data:
            return
        try:
            client.unsent = data[client.sock.send(data) :]
        except BlockingIOError:
            client.unsent = data
        except OSError:
            return  # the next read finds the end
        if bool(client.unsent) != had:
            self._poll.modify(client.sock, select.EPOLLIN | (select.EPOLLOUT if client.unsent else 0))

    def _lose(self, client: Client) -> None:
        """Leave a connection that the server ended. Its client stays in the checks."""
        if client.login is not None:
            raise ConnectionRefusedError("the server closed a connection before its client was in its room")
        self._poll.unregister(client.sock)
        self._report.closed += 1


def main() -> None:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    gc.disable()  # the tables only grow; a pause would be taken for the server's latency
    loader = Loader(_read(Task))
    _write(loader.arrive())
    loader.wait_for(sys.stdin.fileno())
    _write(loader.run(_read(Run)))
    loader.wait_for(sys.stdin.fileno())
    _write(loader.drain(_read(Sent)))


def _read(kind: type[_Order]) -> _Order:
    line = b""
    while not line.endswith(b"\n"):
        data = os.read(sys.stdin.fileno(), READ_BYTES)
        if not data:
            sys.exit()
        line += data
    return msgspec.json.decode(line, type=kind)


def _write(answer: Arrived | Sent | Report) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(answer) + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
