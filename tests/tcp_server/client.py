"""A blocking client for tests. It knows PROTOCOL.md and `tcp_server.wordpacket`, and takes nothing for granted."""

import itertools
import json
import socket
from collections import deque
from typing import Any

from tcp_server.wordpacket import Decoder, encode
from tests.small import shrink

SECONDS = 5.0  # until a test that waits in vain fails

Packet = dict[str, Any]

_refs = itertools.count(1)


def pack(type: str | None, fields: Packet) -> bytes:
    """Return a body; a keyword that Python doesn't allow ends in an underscore."""
    body: Packet = {} if type is None else {"type": type}
    body.update({key.rstrip("_"): value for key, value in fields.items()})
    return json.dumps(body, ensure_ascii=False).encode()


class Client:
    """One connection.

    Args:
        lags: let the kernel take little for it.

    Attributes:
        ready: the newest READY that `open` got.
        rooms: the ROOMs that came with it.
    """

    def __init__(self, port: int, *, lags: bool = False) -> None:
        self.port = port
        self.sock = socket.socket()
        if lags:
            shrink(self.sock)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock.settimeout(SECONDS)
        try:
            self.sock.connect(("127.0.0.1", port))
        except OSError:
            self.sock.close()
            raise
        self.ready: Packet = {}
        self.rooms: list[Packet] = []
        self._decoder = Decoder()
        self._bodies: deque[bytes] = deque()

    # Sending

    def send_bytes(self, data: bytes) -> None:
        self.sock.sendall(data)

    def send_body(self, body: bytes) -> None:
        self.send_bytes(encode(body))

    def send(self, type: str | None, /, **fields: Any) -> None:
        self.send_body(pack(type, fields))

    # Receiving

    def read_body(self) -> bytes:
        """Return the next body.

        Raises:
            EOFError: the server closed the connection.
        """
        while not self._bodies:
            data = self.sock.recv(1 << 18)
            if not data:
                self._decoder.end()
                raise EOFError
            self._decoder.feed(data)
            self._bodies.extend(self._decoder)
        return self._bodies.popleft()

    def read(self) -> Packet:
        packet = json.loads(self.read_body())
        assert isinstance(packet, dict)
        return packet

    def expect(self, type: str, /, **fields: Any) -> Packet:
        """Return the next packet, which must be of this type and have these values."""
        packet = self.read()
        assert_packet(packet, type, **fields)
        return packet

    def find(self, type: str, /, **fields: Any) -> Packet:
        """Return the next packet of this type and with these values, whatever comes before it."""
        wanted = {"type": type, **{key.rstrip("_"): value for key, value in fields.items()}}
        while True:
            packet = self.read()
            if wanted.items() <= packet.items():
                return packet

    def ask(self, type: str, /, **fields: Any) -> Packet:
        """Send a packet with a `ref` and return the answer that carries it."""
        ref = f"ask-{next(_refs)}"
        self.send(type, ref=ref, **fields)
        while True:
            packet = self.read()
            if packet.get("ref") == ref:
                return packet

    def sync(self) -> list[Packet]:
        """Return what the server has sent up to now: all before the answer to a PING."""
        ref = f"sync-{next(_refs)}"
        self.send("PING", ref=ref)
        packets = []
        while (packet := self.read()).get("ref") != ref:
            packets.append(packet)
        return packets

    def read_to_end(self) -> list[Packet]:
        """Return all that comes until the server closes the connection."""
        packets = []
        try:
            while True:
                packets.append(self.read())
        except EOFError:
            return packets

    def assert_ends(self, reason: str, **fields: Any) -> None:
        """The server says BYE for this reason, nothing more, and closes."""
        self.expect("BYE", reason=reason, **fields)
        assert self.read_to_end() == []

    # The chat

    def greet(self) -> Packet:
        return self.expect("HELLO")

    def open(self, nickname: str, **fields: Any) -> Packet:
        """Send NICK and take READY and the ROOMs."""
        self.send("NICK", nickname=nickname, **fields)
        self.ready = self.expect("READY")
        self.rooms = [self.expect("ROOM", room=room) for room in self.ready["rooms"]]
        return self.ready

    @property
    def nickname(self) -> str:
        return str(self.ready["nickname"])

    def say(self, message: str, room: str = "lobby", **fields: Any) -> Packet:
        """Send a message and return its echo, whatever comes before it."""
        return self.ask("MSG", room=room, message=message, **fields)

    def shut(self) -> None:
        """Send no more; what the server still sends can be read."""
        self.sock.shutdown(socket.SHUT_WR)

    def cut(self) -> None:
        """End the connection without a word, as a broken one does."""
        self.sock.close()

    def leave(self) -> None:
        """Say BYE and wait until the server has closed; after an unclean end come back for it: no user stays held."""
        try:
            quit = self.sock.fileno() >= 0 and self._quit()
            if not quit and self.ready:
                again = Client(self.port)
                again.send("NICK", nickname=self.nickname, token=self.ready["token"])
                again._quit()
        except OSError:
            pass  # the server is gone
        finally:
            self.sock.close()

    def _quit(self) -> bool:
        try:
            self.send("BYE")
            return any(packet["type"] == "BYE" and packet["reason"] == "quit" for packet in self.read_to_end())
        except OSError:
            return False  # the server was faster
        finally:
            self.sock.close()


def assert_packet(packet: Packet, type: str, /, **fields: Any) -> None:
    """The packet is of this type and has these values; None says that the key is not there."""
    wanted = {"type": type, **{key.rstrip("_"): value for key, value in fields.items()}}
    assert {key: packet.get(key) for key in wanted} == wanted, packet


def fresh_ref() -> str:
    """Return a `ref` that was not used before in this run."""
    return f"ref-{next(_refs)}"


def ids_of(packet: Packet) -> list[int]:
    """Return the ids of an answer's messages."""
    return [message["id"] for message in packet["messages"]]
