"""A blocking bridge for tests: many sessions on one connection, as PROTOCOL.md section 6 has them."""

from typing import Any

from tests.tcp_server.client import Client, Packet

OURS = frozenset({"SUBSCRIBE", "UNSUBSCRIBE", "RESUME"})  # for the bridge, never for a browser


class Bridge(Client):
    """A link. `seen` holds what each browser would have been shown, room packets included.

    Attributes:
        rooms_of: by session, the rooms that it is subscribed to, as the server said.
    """

    def __init__(self, port: int, *, lags: bool = False, **fields: Any) -> None:
        super().__init__(port, lags=lags)
        self.seen: dict[int, list[Packet]] = {}
        self.rooms_of: dict[int, set[str]] = {}
        self._tokens: dict[str, str] = {}
        self.greet()
        self.send("LINK", name="test bridge", **fields)

    def linked(self) -> "Bridge":
        self.expect("READY", link=True)
        return self

    def start(self, session: int) -> None:
        """Open a session and take its HELLO."""
        self.send("OPEN", session=session, address="192.0.2.7")
        self.seen[session] = []
        self.rooms_of[session] = set()
        self.until("HELLO", session=session)

    def enter(self, session: int, nickname: str, **fields: Any) -> Packet:
        """Open a session up to the last ROOM and return its READY."""
        self.start(session)
        self.send("NICK", session=session, nickname=nickname, **fields)
        ready = self.until("READY", session=session)
        for room in ready["rooms"]:
            self.until("ROOM", session=session, room=room)
        return ready

    def until(self, type: str, /, **fields: Any) -> Packet:
        """Deliver what comes up to a packet of this type and with these values, and return it."""
        while True:
            packet = self.deliver()
            if packet["type"] == type and fields.items() <= packet.items():
                return packet

    def deliver(self) -> Packet:
        """Take one packet and give it to the browsers that it is for."""
        packet = self.read()
        session, room = packet.get("session"), packet.get("room")
        if session is not None:
            assert next(iter(packet)) == "session", "it is the first key"
            if packet["type"] == "SUBSCRIBE":
                assert room not in self.rooms_of[session]
                self.rooms_of[session].add(str(room))
            elif packet["type"] == "UNSUBSCRIBE":
                self.rooms_of[session].remove(str(room))
            elif packet["type"] == "BYE":
                self.rooms_of[session].clear()
            elif packet["type"] == "READY":
                self._tokens[packet["nickname"]] = packet["token"]
            if packet["type"] not in OURS:
                self.seen[session].append(_bare(packet))
        elif room is not None:
            for number, rooms in self.rooms_of.items():
                if room in rooms:
                    self.seen[number].append(packet)
        return packet

    def pause(self, session: int) -> None:
        """Say PAUSE, which ends all its subscriptions, and wait until the server has taken it."""
        self.send("PAUSE", session=session)
        self.rooms_of[session].clear()
        self.send("PING", ref=f"paused {session}")
        while True:
            packet = self.deliver()
            if packet["type"] == "PONG" and packet.get("ref") == f"paused {session}":
                return

    def leave(self) -> None:
        """End the link, then let every user leave in order, so that no nickname stays held."""
        if self.sock.fileno() >= 0:
            self._quit()
        for nickname, token in self._tokens.items():
            client = Client(self.port)
            client.ready = {"nickname": nickname, "token": token}
            client.cut()
            client.leave()

    def take(self, session: int) -> list[Packet]:
        """Return what a browser was shown since the last time, once the server has nothing more for it."""
        self.send("PING", session=session, ref="take")
        self.until("PONG", session=session, ref="take")
        shown, self.seen[session] = self.seen[session][:-1], []
        return shown


def _bare(packet: Packet) -> Packet:
    return {key: value for key, value in packet.items() if key != "session"}


def kinds(packets: list[Packet]) -> list[str]:
    """Return the packets' types, with the text of each message."""
    return [f"MSG {packet['message']}" if packet["type"] == "MSG" else packet["type"] for packet in packets]
