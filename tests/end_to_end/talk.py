"""An evening's talk for the pictures, and the people in its rooms."""

import json
import socket
from datetime import UTC, datetime, timedelta

from tcp_server.wordpacket import read_message, send_packet

TOPICS = {
    "observatory": "Star night on Saturday, from eight",
    "lobby": "Say hello",
    "workshop": "Mirror grinding, Tuesdays",
}
PEOPLE = {
    "ines": ["observatory", "lobby", "workshop"],
    "yusuf": ["observatory", "lobby"],
    "小林": ["observatory", "lobby", "workshop"],
    "gate": ["observatory"],
}
# (minutes ago, room, nickname, text); an underscore begins an action
TALK = (
    (1510, "lobby", "ines", "Good evening from the hill"),
    (1508, "lobby", "yusuf", "evening!"),
    (1451, "observatory", "ines", "The forecast has turned: clear from seven on, hardly any wind."),
    (1449, "observatory", "yusuf", "Then we open the dome. I'll oil the shutter, it squeaked last time."),
    (1442, "observatory", "小林", "土星も見えますね。 Saturn will be up until ten."),
    (64, "observatory", "tom", "The list is at https://observatory.example/saturday"),
    (64, "observatory", "tom", "41 of 60 places are taken"),
    (52, "observatory", "mira", "Lovely. Who takes the children's group at half past eight?"),
    (51, "observatory", "yusuf", "Me, if somebody lends me red torches"),
    (50, "observatory", "ines", "_brings a box of eight"),
    (31, "workshop", "小林", "The new blank has arrived, 200 mm"),
    (9, "observatory", "小林", "I made a chart for the little ones:\nfirst the Moon, then Saturn, then the Pleiades."),
)


def archive(now: datetime) -> str:
    """Return the talk as `python -m tcp_server import` reads it."""
    lines: list[dict[str, object]] = [{"type": "ARCHIVE", "version": 1, "epoch": "pictures"}]
    lines += [{"type": "ROOM", "room": room, "topic": topic} for room, topic in TOPICS.items()]
    for id, (minutes, room, nickname, text) in enumerate(TALK, 1):
        timestamp = (now - timedelta(minutes=minutes)).astimezone(UTC).isoformat(timespec="milliseconds")
        line = {
            "type": "MSG",
            "id": id,
            "uid": sum(nickname.encode()),
            "room": room,
            "nickname": nickname,
            "message": text.removeprefix("_"),
            "timestamp": timestamp.replace("+00:00", "Z"),
        }
        lines.append(line | {"action": True} if text.startswith("_") else line)
    return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)


def come_in(port: int, nickname: str) -> socket.socket:
    """Connect one of the people, who stays in the rooms until the socket is closed."""
    sock = socket.create_connection(("127.0.0.1", port))
    rooms = PEOPLE[nickname]
    send_packet(sock, {"type": "NICK", "nickname": nickname, "rooms": rooms})
    for _ in ("HELLO", "READY", *rooms):
        read_message(sock)
    return sock
