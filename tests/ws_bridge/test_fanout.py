"""The fan-out as values: what each browser is written in a tick."""

import random

from tests.outlets import write_each
from ws_bridge.fanout import Fanout, Hearer
from ws_bridge.stats import Stats


class Browser(Hearer):
    """Keeps what was written."""

    def __init__(self, fanout: Fanout, *rooms: str) -> None:
        super().__init__()
        self.writes: list[bytes] = []
        for room in rooms:
            fanout.subscribe(self, room)
        fanout.flush()

    def write(self, data: bytes) -> None:
        self.writes.append(data)

    def take(self) -> bytes:
        data = b"".join(self.writes)
        self.writes.clear()
        return data


def say(fanout: Fanout, name: str, frame: bytes, id: int = 0) -> None:
    room = fanout.room(name)
    if room is not None:
        fanout.packet(room, frame, id)


def make() -> Fanout:
    return Fanout(Stats(), write_each)


def test_a_tick_is_one_write() -> None:
    """All that a room has in a tick goes to each browser in one write, and the bytes are shared."""
    fanout = make()
    a, b = Browser(fanout, "x"), Browser(fanout, "x")
    for frame in (b"1", b"2", b"3"):
        say(fanout, "x", frame)
    fanout.flush()
    assert a.writes == b.writes == [b"123"]
    assert a.writes[0] is b.writes[0]


def test_sets_of_rooms_share_their_bytes() -> None:
    """Who hears the same rooms gets the same merged bytes, in the link's order."""
    fanout = make()
    both, also, one = Browser(fanout, "x", "y"), Browser(fanout, "y", "x"), Browser(fanout, "y")
    for name, frame in [("x", b"1"), ("y", b"2"), ("x", b"3"), ("z", b"-")]:
        say(fanout, name, frame)
    fanout.flush()
    assert both.writes == [b"123"]
    assert both.writes[0] is also.writes[0]
    assert one.writes == [b"2"]
    say(fanout, "y", b"4")
    fanout.flush()
    assert both.writes[1] is one.writes[1]


def test_own_packets_keep_their_place() -> None:
    """A session packet in the middle of a tick comes in the middle; still one write."""
    fanout = make()
    a, b = Browser(fanout, "x", "y"), Browser(fanout, "x")
    say(fanout, "x", b"1")
    fanout.own(a, b"<a>")
    say(fanout, "y", b"2")
    fanout.own(a, b"<A>")
    say(fanout, "x", b"3")
    fanout.flush()
    assert a.writes == [b"1<a>2<A>3"]
    assert b.writes == [b"13"]
    say(fanout, "x", b"4")
    fanout.flush()
    assert a.take() == b"1<a>2<A>34"


def test_subscriptions_take_effect_in_their_place() -> None:
    """A browser hears what comes after its SUBSCRIBE and before its UNSUBSCRIBE."""
    fanout = make()
    a, b = Browser(fanout), Browser(fanout, "x", "y")
    say(fanout, "x", b"1")
    fanout.subscribe(a, "x")
    fanout.subscribe(a, "x")
    say(fanout, "x", b"2")
    fanout.unsubscribe(b, "x")
    fanout.unsubscribe(b, "x")
    say(fanout, "x", b"3")
    say(fanout, "y", b"4")
    fanout.unsubscribe(a, "x")
    say(fanout, "x", b"5")
    fanout.flush()
    assert (a.take(), b.take()) == (b"23", b"124")


def test_cursor_is_the_last_message_sent() -> None:
    """Packets that are no message, and messages from before the subscription, don't count."""
    fanout = make()
    other = Browser(fanout, "x")
    say(fanout, "x", b"1", id=5)
    fanout.flush()
    a = Browser(fanout, "x")
    fanout.silence(a)
    assert a.cursor == 0
    fanout.subscribe(a, "x")
    fanout.subscribe(a, "y")
    say(fanout, "y", b"2", id=6)
    say(fanout, "x", b"3")
    fanout.flush()
    say(fanout, "z", b"4", id=9)
    fanout.flush()
    fanout.silence(a)
    fanout.silence(other)
    assert (a.cursor, other.cursor) == (6, 5)


def test_silence_in_a_tick() -> None:
    """What was before it is written at once, nothing after it."""
    fanout = make()
    a = Browser(fanout, "x")
    say(fanout, "x", b"1", id=1)
    fanout.own(a, b"<a>")
    fanout.silence(a)
    assert a.take() == b"1<a>"
    say(fanout, "x", b"2", id=2)
    fanout.flush()
    assert (a.take(), a.cursor) == (b"", 1)


def test_rooms_are_forgotten() -> None:
    """A room that nobody hears any more costs nothing, even in the middle of its tick."""
    fanout = make()
    a = Browser(fanout, "x", "y")
    assert fanout.room_count == 2
    say(fanout, "x", b"1")
    fanout.unsubscribe(a, "x")
    assert (fanout.room_count, fanout.room("x")) == (1, None)
    fanout.silence(a)
    fanout.flush()
    assert (fanout.room_count, a.take()) == (0, b"1")


def test_against_a_model() -> None:
    """Whatever the order of packets, subscriptions and ticks: each browser gets exactly what it heard, in order."""
    for seed in range(300):
        dice = random.Random(seed)
        fanout = make()
        browsers = [Browser(fanout) for _ in range(4)]
        heard: list[list[bytes]] = [[] for _ in browsers]
        cursors = [0] * 4
        rooms: list[set[str]] = [set() for _ in browsers]
        for step in range(1, 60):
            i, name = dice.randrange(4), dice.choice("xyz")
            frame = b"%d;" % step
            match dice.choice(["say", "say", "say", "own", "in", "out", "silence", "flush"]):
                case "say":
                    id = dice.choice([0, step])
                    say(fanout, name, frame, id)
                    for j in range(4):
                        if name in rooms[j]:
                            heard[j].append(frame)
                            cursors[j] = id or cursors[j]
                case "own":
                    fanout.own(browsers[i], frame)
                    heard[i].append(frame)
                case "in":
                    fanout.subscribe(browsers[i], name)
                    rooms[i].add(name)
                case "out":
                    fanout.unsubscribe(browsers[i], name)
                    rooms[i].discard(name)
                case "silence":
                    fanout.silence(browsers[i])
                    rooms[i].clear()
                    assert browsers[i].cursor == cursors[i], seed
                case "flush":
                    fanout.flush()
                    assert all(len(b.writes) <= step for b in browsers)
        fanout.flush()
        for browser, frames, cursor in zip(browsers, heard, cursors, strict=True):
            assert browser.take() == b"".join(frames), seed
            fanout.silence(browser)
            assert browser.cursor == cursor, seed
        assert fanout.room_count == 0
