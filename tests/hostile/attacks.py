"""`python -m tests.hostile.attacks NAME TCP_PORT WEB_PORT SECONDS`: one attack, in a process of its own.

Each attack goes on for the given time and is bounded in what it sends; it speaks to this machine alone.
"""

from __future__ import annotations

import itertools
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tests.hostile.wire import CONTINUATION, PING, TEXT, Hostile, body, web_frame

LONG = "x" + "\u0301\u0316" * 15_000  # 60 KB of combining marks
WIDE = "\U0001f4a5" * 8_000  # the longest message: 32 KB
SENT_MAX = 64 * 1024 * 1024  # bytes of one attack on memory


@dataclass
class Scene:
    """Where an attack takes place, and until when."""

    tcp_port: int
    web_port: int
    deadline: float

    def tcp(self, **how: bool) -> Hostile:
        return Hostile(self.tcp_port, **how)

    def web(self, **how: bool) -> Hostile:
        return Hostile(self.web_port, web=True, **how)

    def goes_on(self) -> Iterator[int]:
        """Count as long as there is time."""
        for number in itertools.count():
            if time.monotonic() >= self.deadline:
                return
            yield number


Attack = Callable[[Scene], None]


def marks_in_names(scene: Scene) -> None:
    """Every name of every packet, as long as a body may be."""
    bodies = [
        body("NICK", nickname=LONG),
        body("NICK", nickname="x", rooms=[LONG]),
        body("JOIN", room=LONG),
        body("MSG", room=LONG, message="x"),
        body("MSG", to=LONG, message="x"),
        body("ROOMS", after=LONG),
        body("USERS", room="lobby", after=LONG),
        body("SEARCH", query=LONG),
    ]
    for number in scene.goes_on():
        for connect in (scene.tcp, scene.web):
            hostile = connect()
            hostile.send(bodies[0], bodies[1])
            hostile.open(f"marks{number}")
            hostile.send(*bodies[2:])
            hostile.read_some()
            hostile.close()


def marks_in_messages(scene: Scene) -> None:
    """Messages that are dear to fold, and searches that would fold them."""
    hostile = scene.tcp()
    hostile.open("folder")
    text = ("x" + "\u0301\u0316" * 15) * 250
    for _ in scene.goes_on():
        hostile.send(body("MSG", room="lobby", message=text), body("SEARCH", query="zz"))
        hostile.read_some()


def empty_fragments(scene: Scene) -> None:
    """A message of 60,000 fragments that hold nothing."""
    fragment = web_frame(b"", CONTINUATION)
    for _ in scene.goes_on():
        hostile = scene.web()
        hostile.send_bytes(web_frame(b"", TEXT) + fragment * 60_000)
        hostile.read_some()
        hostile.close()


def web_pings(scene: Scene) -> None:
    """A hundred thousand pings of a WebSocket, whose pongs are read."""
    ping = web_frame(b"", 0x80 | PING)
    for _ in scene.goes_on():
        hostile = scene.web()
        for _ in range(100):
            hostile.send_bytes(ping * 1_000)
            hostile.read_some()
            if hostile.is_dead:
                break
        hostile.close()


def _unread(scene: Scene, hostile: Hostile, data: bytes) -> None:
    """Send the same again and again, and read nothing."""
    hostile.sock.settimeout(0.5)
    sent = 0
    for _ in scene.goes_on():
        if hostile.is_dead or sent >= SENT_MAX:
            time.sleep(0.1)
            continue
        hostile.send_bytes(data)
        sent += len(data)


def web_pings_unread(scene: Scene) -> None:
    """Pings with the longest payload, from a browser that reads nothing."""
    _unread(scene, scene.web(reads_little=True), web_frame(b"p" * 125, 0x80 | PING) * 500)


def refusals_unread(scene: Scene) -> None:
    """Packets that are refused, from a browser that reads nothing."""
    hostile = scene.web(reads_little=True)
    hostile.open("refused")
    _unread(scene, hostile, web_frame(body("DANCE", ref="r" * 64)) * 500)


def pings_before_ready_unread(scene: Scene) -> None:
    """PINGs over TCP from a client that never opens, and reads nothing."""
    ping = body("PING", ref="r" * 64)
    _unread(scene, scene.tcp(reads_little=True), (len(ping).to_bytes(2, "big") + ping) * 500)


def searches_of_one_browser(scene: Scene) -> None:
    """9,000 searches at once, on the link that all browsers share."""
    hostile = scene.web()
    hostile.open("searcher")
    hostile.send(*[body("SEARCH", query=f"zz{number}") for number in range(9_000)])
    for _ in scene.goes_on():
        hostile.read_some()


def foreign_resumes_unread(scene: Scene) -> None:
    """Thirty resumes with another log's epoch, of a room full of long messages; none is read."""
    first = scene.tcp()
    token = first.open("resumer", rooms=["wide"])
    hostiles = [scene.tcp(reads_little=True) for _ in range(30)]
    for hostile in hostiles:
        hostile.send(body("NICK", nickname="resumer", token=token, epoch="another", after=5))
    for _ in scene.goes_on():
        time.sleep(0.05)


def thousand_sessions(scene: Scene) -> None:
    """One user with a thousand sessions that leaves and enters a room."""
    hostile = scene.tcp()
    token = hostile.open("many")
    others = [scene.tcp() for _ in range(999)]
    for other in others:
        other.send(body("NICK", nickname="many", token=token))
    for _ in scene.goes_on():
        hostile.send(body("LEAVE", room="lobby"), body("JOIN", room="lobby"))
        for other in (hostile, *others):
            other.sock.setblocking(False)
            other.read_some()
            other.sock.settimeout(1.0)


def _flood(*bodies: bytes, rooms: list[str] | None = None) -> Attack:
    def flood(scene: Scene) -> None:
        """One client, as fast as it can; it reads what comes."""
        hostile = scene.tcp()
        hostile.open("flooder", rooms=rooms or ["lobby"])
        hostile.sock.settimeout(0.2)
        for _ in scene.goes_on():
            hostile.send(*bodies * 20)
            hostile.sock.setblocking(False)
            while hostile.read_some():
                pass
            hostile.is_dead = False
            hostile.sock.settimeout(0.2)

    return flood


def searches_that_nobody_waits_for(scene: Scene) -> None:
    """Searches whose asker leaves at once."""
    for number in scene.goes_on():
        hostile = scene.tcp()
        hostile.open(f"leaver{number}", rooms=["wide"])
        hostile.send(body("SEARCH", query="zz"))
        hostile.close()
        time.sleep(0.02)


def history_of_long_messages(scene: Scene) -> None:
    """Pages of 200 of which a packet holds two."""
    hostile = scene.tcp()
    hostile.open("historian", rooms=["wide"])
    for _ in scene.goes_on():
        hostile.send(*[body("HISTORY", room="wide", limit=200)] * 5)
        hostile.read_some()


def history_of_new_rooms(scene: Scene) -> None:
    """Pages of rooms in which nothing was ever said."""
    hostile = scene.tcp()
    hostile.open("founder")
    for number in scene.goes_on():
        room = f"new{number}"
        hostile.send(body("JOIN", room=room), body("HISTORY", room=room), body("LEAVE", room=room))
        hostile.read_some()


def answers_of_a_paused_session(scene: Scene) -> None:
    """A bridge of its own pauses a session, and goes on asking in its name."""
    hostile = scene.tcp()
    hostile.send(body("LINK", name="hostile"), b'{"session":1,"type":"OPEN","address":"x"}')
    hostile.send(b'{"session":1,"type":"NICK","nickname":"paused"}')
    hostile.read_some()
    hostile.send(b'{"session":1,"type":"PAUSE"}')
    topic = b'{"session":1,"type":"TOPIC","room":"lobby","topic":"%b"}' % (b"x" * 300)
    sent = 0
    for _ in scene.goes_on():
        if sent < SENT_MAX:
            hostile.send(*[topic, b'{"session":1,"type":"ROOMS"}'] * 20)
            sent += 20 * len(topic)
        hostile.sock.settimeout(0.01)
        hostile.read_some()
        hostile.sock.settimeout(1.0)


def pipelined_requests(scene: Scene) -> None:
    """The page, asked for a thousand times in one write."""
    request = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    for _ in scene.goes_on():
        hostile = Hostile(scene.web_port)
        hostile.send_bytes(request * 1_000)
        while hostile.read_some():
            pass
        hostile.close()


ATTACKS: dict[str, Attack] = {
    "marks in names": marks_in_names,
    "marks in messages": marks_in_messages,
    "empty fragments": empty_fragments,
    "WebSocket pings": web_pings,
    "WebSocket pings, unread": web_pings_unread,
    "refused packets, unread": refusals_unread,
    "PINGs before READY, unread": pings_before_ready_unread,
    "9,000 searches of one browser": searches_of_one_browser,
    "foreign resumes, unread": foreign_resumes_unread,
    "a user of 1,000 sessions": thousand_sessions,
    "flood of PING": _flood(body("PING")),
    "flood of ROOMS": _flood(body("ROOMS")),
    "flood of USERS": _flood(body("USERS", room="lobby")),
    "flood of TYPING": _flood(body("TYPING", room="lobby")),
    "flood of TOPIC": _flood(body("TOPIC", room="lobby", topic="x" * 300)),
    "flood of JOIN": _flood(body("LEAVE", room="other"), body("JOIN", room="other"), rooms=["lobby", "other"]),
    "flood of long MSGs": _flood(body("MSG", room="lobby", message=WIDE)),
    "searches of the departed": searches_that_nobody_waits_for,
    "HISTORY of long messages": history_of_long_messages,
    "HISTORY of new rooms": history_of_new_rooms,
    "answers of a paused session": answers_of_a_paused_session,
    "pipelined requests": pipelined_requests,
}


def main(name: str, tcp_port: str, web_port: str, seconds: str) -> None:
    """Carry out one attack."""
    ATTACKS[name](Scene(int(tcp_port), int(web_port), time.monotonic() + float(seconds)))


if __name__ == "__main__":
    main(*sys.argv[1:])
