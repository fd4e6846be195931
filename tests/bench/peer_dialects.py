"""The benchmark's protocols for other servers: IRC, MQTT 3.1.1 and NATS, each in its plainest form."""

from __future__ import annotations

from tests.bench.dialects import Login


class Irc:
    """RFC 1459, as ngIRCd speaks it. A sender does not get its own messages."""

    echoes = False
    under_way = 8

    def cut(self, data: bytes, start: int) -> int:
        return data.find(b"\n", start) + 1

    def login(self, nickname: str, room: str) -> Login:
        line = yield f"NICK {nickname}\r\nUSER {nickname} 0 * :{nickname}\r\n".encode()
        while _word(line, 1) != b"001":
            self._complain(line)
            line = yield self.answer(line)
        line = yield f"JOIN #{room}\r\n".encode()
        while _word(line, 1) != b"366":  # the end of the list of names
            self._complain(line)
            line = yield self.answer(line)

    def message(self, room: str, text: bytes) -> bytes:
        return b"PRIVMSG #%b :%b\r\n" % (room.encode(), text)

    def answer(self, packet: bytes) -> bytes:
        return b"PONG" + packet[4:] if packet.startswith(b"PING") else b""

    def _complain(self, line: bytes) -> None:
        if line.startswith(b"ERROR") or _word(line, 1) == b"433":
            raise ConnectionRefusedError(line.decode(errors="replace"))


def _word(line: bytes, place: int) -> bytes:
    words = line.split(b" ", place + 1)
    return words[place] if place < len(words) else b""


class Mqtt:
    """MQTT 3.1.1 with quality of service 0: a room is a topic."""

    echoes = True
    under_way = 64

    CONNACK, SUBACK = 0x20, 0x90

    def cut(self, data: bytes, start: int) -> int:
        length, place = 0, start + 1
        while place < len(data):  # seven bits a byte, the lowest first
            length |= (data[place] & 0x7F) << 7 * (place - start - 1)
            place += 1
            if data[place - 1] < 0x80:
                return place + length if place + length <= len(data) else 0
        return 0

    def login(self, nickname: str, room: str) -> Login:
        client = nickname.encode()
        connect = b"\0\4MQTT\4\2\0\0" + len(client).to_bytes(2, "big") + client  # clean session, no keep-alive
        packet = yield self._packet(0x10, connect)
        if packet[0] != self.CONNACK or packet[3] != 0:
            raise ConnectionRefusedError(f"CONNACK {packet!r}")
        topic = room.encode()
        packet = yield self._packet(0x82, b"\0\1" + len(topic).to_bytes(2, "big") + topic + b"\0")
        while packet[0] != self.SUBACK:
            packet = yield b""

    def message(self, room: str, text: bytes) -> bytes:
        topic = room.encode()
        return self._packet(0x30, len(topic).to_bytes(2, "big") + topic + text)

    def answer(self, packet: bytes) -> bytes:
        return b""  # without keep-alive there are no pings

    def _packet(self, head: int, rest: bytes) -> bytes:
        length, size = len(rest), b""
        while length > 0x7F:
            size += bytes([length & 0x7F | 0x80])
            length >>= 7
        return bytes([head]) + size + bytes([length]) + rest


class Nats:
    """The text protocol of core NATS: a room is a subject."""

    echoes = True
    under_way = 64

    def cut(self, data: bytes, start: int) -> int:
        end = data.find(b"\n", start) + 1
        if end and data.startswith(b"MSG ", start):
            end += int(data[data.rindex(b" ", start, end) : end]) + 2
        return end if end <= len(data) else 0

    def login(self, nickname: str, room: str) -> Login:
        line = yield b""
        while not line.startswith(b"INFO"):
            line = yield b""
        line = yield f'CONNECT {{"verbose":false,"pedantic":false}}\r\nSUB {room} 1\r\nPING\r\n'.encode()
        while not line.startswith(b"PONG"):
            if line.startswith(b"-ERR"):
                raise ConnectionRefusedError(line.decode(errors="replace"))
            line = yield self.answer(line)

    def message(self, room: str, text: bytes) -> bytes:
        return b"PUB %b %d\r\n%b\r\n" % (room.encode(), len(text), text)

    def answer(self, packet: bytes) -> bytes:
        return b"PONG\r\n" if packet.startswith(b"PING") else b""
