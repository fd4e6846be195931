"""The user as the server knows it: nickname, rooms, and the people it talks with. Pure."""

from collections.abc import Iterable

from tcp_server.protocol import server_packets
from tcp_server.protocol.names import fold
from tcp_server.protocol.server_packets import ServerPacket

PEERS_MAX = 200


class Identity:
    """One user's nickname, rooms and peers, each as the server wrote it last."""

    def __init__(self, nickname: str, rooms: Iterable[str]) -> None:
        self.nickname = nickname
        self._rooms = {fold(room.removeprefix("#")): room.removeprefix("#") for room in rooms}
        self._peers: dict[str, str] = {}

    @property
    def rooms(self) -> list[str]:
        """The rooms that the user is in, or will be in once the server lets it in."""
        return list(self._rooms.values())

    @property
    def peers(self) -> list[str]:
        """The people that direct messages were exchanged with, the latest last."""
        return list(self._peers.values())

    def is_me(self, nickname: str) -> bool:
        """Say whether this nickname is the user's."""
        return fold(nickname) == fold(self.nickname)

    def restore(self, nickname: str, rooms: Iterable[str], peers: Iterable[str]) -> None:
        """Take up the memory of an earlier process; rooms that were asked for this time are added."""
        self.nickname = nickname
        self._rooms = {fold(room): room for room in rooms} | self._rooms
        self._peers = {fold(peer): peer for peer in peers}

    def rename(self, nickname: str) -> None:
        """Take another nickname."""
        self.nickname = nickname

    def admit(self, ready: server_packets.Ready) -> None:
        """Take the nickname and the rooms of a READY."""
        self.nickname = ready.nickname or self.nickname
        if ready.rooms is not None:
            self._rooms = {fold(room): room for room in ready.rooms}

    def follow(self, packet: ServerPacket) -> None:
        """Keep the list of rooms that the next NICK will ask for."""
        match packet:
            case server_packets.Join() if self.is_me(packet.nickname):
                self._rooms[fold(packet.room)] = packet.room
            case server_packets.RoomState() if packet.id is not None:
                self._rooms[fold(packet.room)] = packet.room
            case server_packets.Leave(reason="left" | "kicked") if self.is_me(packet.nickname):
                self._rooms.pop(fold(packet.room), None)  # after quit and timeout the user comes back to them

    def note_peer(self, message: server_packets.Msg) -> None:
        """Remember the other person of a direct message."""
        if message.to is None:
            return
        peer = message.to if self.is_me(message.nickname) else message.nickname
        self._peers.pop(fold(peer), None)
        self._peers[fold(peer)] = peer
        if len(self._peers) > PEERS_MAX:
            del self._peers[next(iter(self._peers))]
