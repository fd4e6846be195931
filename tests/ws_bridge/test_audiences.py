"""The audiences as values: the writes to each browser in a tick."""

import random

from tests.outlets import write_each
from ws_bridge.audiences import Audiences, Hearer
from ws_bridge.stats import Stats


class Browser(Hearer):
    """Keeps all writes."""

    def __init__(self, audiences: Audiences, *rooms: str) -> None:
        super().__init__()
        self.writes: list[bytes] = []
        for room in rooms:
            audiences.subscribe(self, room)
        audiences.flush()

    def write(self, data: bytes) -> None:
        self.writes.append(data)

    def take(self) -> bytes:
        data = b"".join(self.writes)
        self.writes.clear()
        return data


def say(audiences: Audiences, name: str, frame: bytes, id: int = 0) -> None:
    room = audiences.room(name)
    if room is not None:
        audiences.queue(room, frame, id)


def make() -> Audiences:
    return Audiences(Stats(), write_each)


def test_a_tick_is_one_write() -> None:
    """All that a room has in a tick goes to each browser in one write, and the bytes are shared."""
    audiences = make()
    a, b = Browser(audiences, "x"), Browser(audiences, "x")
    for frame in (b"1", b"2", b"3"):
        say(audiences, "x", frame)
    audiences.flush()
    assert a.writes == b.writes == [b"123"]
    assert a.writes[0] is b.writes[0]


def test_sets_of_rooms_share_their_bytes() -> None:
    """Browsers that hear the same rooms get the same joined bytes, in the link's order."""
    audiences = make()
    both, also, one = Browser(audiences, "x", "y"), Browser(audiences, "y", "x"), Browser(audiences, "y")
    for name, frame in [("x", b"1"), ("y", b"2"), ("x", b"3"), ("z", b"-")]:
        say(audiences, name, frame)
    audiences.flush()
    assert both.writes == [b"123"]
    assert both.writes[0] is also.writes[0]
    assert one.writes == [b"2"]
    say(audiences, "y", b"4")
    audiences.flush()
    assert both.writes[1] is one.writes[1]


def test_own_packets_keep_their_place() -> None:
    """A browser's own frame keeps its place among the frames of its rooms, within one write."""
    audiences = make()
    a, b = Browser(audiences, "x", "y"), Browser(audiences, "x")
    say(audiences, "x", b"1")
    audiences.queue_own(a, b"<a>")
    say(audiences, "y", b"2")
    audiences.queue_own(a, b"<A>")
    say(audiences, "x", b"3")
    audiences.flush()
    assert a.writes == [b"1<a>2<A>3"]
    assert b.writes == [b"13"]
    say(audiences, "x", b"4")
    audiences.flush()
    assert a.take() == b"1<a>2<A>34"


def test_subscriptions_take_effect_in_their_place() -> None:
    """A browser hears the frames after its SUBSCRIBE and before its UNSUBSCRIBE."""
    audiences = make()
    a, b = Browser(audiences), Browser(audiences, "x", "y")
    say(audiences, "x", b"1")
    audiences.subscribe(a, "x")
    audiences.subscribe(a, "x")
    say(audiences, "x", b"2")
    audiences.unsubscribe(b, "x")
    audiences.unsubscribe(b, "x")
    say(audiences, "x", b"3")
    say(audiences, "y", b"4")
    audiences.unsubscribe(a, "x")
    say(audiences, "x", b"5")
    audiences.flush()
    assert (a.take(), b.take()) == (b"23", b"124")


def test_cursor_is_the_last_message_sent() -> None:
    """Frames that are no message, and messages before the subscription, don't move it."""
    audiences = make()
    other = Browser(audiences, "x")
    say(audiences, "x", b"1", id=5)
    audiences.flush()
    a = Browser(audiences, "x")
    audiences.silence(a)
    assert a.cursor == 0
    audiences.subscribe(a, "x")
    audiences.subscribe(a, "y")
    say(audiences, "y", b"2", id=6)
    say(audiences, "x", b"3")
    audiences.flush()
    say(audiences, "z", b"4", id=9)
    audiences.flush()
    audiences.silence(a)
    audiences.silence(other)
    assert (a.cursor, other.cursor) == (6, 5)


def test_silence_in_a_tick() -> None:
    """Earlier frames are written at once, and no later ones."""
    audiences = make()
    a = Browser(audiences, "x")
    say(audiences, "x", b"1", id=1)
    audiences.queue_own(a, b"<a>")
    audiences.silence(a)
    assert a.take() == b"1<a>"
    say(audiences, "x", b"2", id=2)
    audiences.flush()
    assert (a.take(), a.cursor) == (b"", 1)


def test_rooms_are_forgotten() -> None:
    """A room that no browser hears is removed, even in the middle of its tick."""
    audiences = make()
    a = Browser(audiences, "x", "y")
    assert audiences.room_count == 2
    say(audiences, "x", b"1")
    audiences.unsubscribe(a, "x")
    assert (audiences.room_count, audiences.room("x")) == (1, None)
    audiences.silence(a)
    audiences.flush()
    assert (audiences.room_count, a.take()) == (0, b"1")


def test_against_a_model() -> None:
    """With any order of frames, subscriptions and ticks each browser gets exactly its frames, in order."""
    for seed in range(300):
        dice = random.Random(seed)
        audiences = make()
        browsers = [Browser(audiences) for _ in range(4)]
        heard: list[list[bytes]] = [[] for _ in browsers]
        cursors = [0] * 4
        rooms: list[set[str]] = [set() for _ in browsers]
        for step in range(1, 60):
            i, name = dice.randrange(4), dice.choice("xyz")
            frame = b"%d;" % step
            match dice.choice(["say", "say", "say", "own", "in", "out", "silence", "flush"]):
                case "say":
                    id = dice.choice([0, step])
                    say(audiences, name, frame, id)
                    for j in range(4):
                        if name in rooms[j]:
                            heard[j].append(frame)
                            cursors[j] = id or cursors[j]
                case "own":
                    audiences.queue_own(browsers[i], frame)
                    heard[i].append(frame)
                case "in":
                    audiences.subscribe(browsers[i], name)
                    rooms[i].add(name)
                case "out":
                    audiences.unsubscribe(browsers[i], name)
                    rooms[i].discard(name)
                case "silence":
                    audiences.silence(browsers[i])
                    rooms[i].clear()
                    assert browsers[i].cursor == cursors[i], seed
                case "flush":
                    audiences.flush()
                    assert all(len(b.writes) <= step for b in browsers)
        audiences.flush()
        for browser, frames, cursor in zip(browsers, heard, cursors, strict=True):
            assert browser.take() == b"".join(frames), seed
            audiences.silence(browser)
            assert browser.cursor == cursor, seed
        assert audiences.room_count == 0
