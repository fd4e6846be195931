"""Fan-out with fakes: in order for everybody, once per connection, and shared where it can be."""

from hypothesis import given
from hypothesis import strategies as st

from tcp_server.chat.state import Room
from tcp_server.delivery.fanout import Fanout
from tests.outlets import KeptOutlet, write_each


def room(name: str) -> Room:
    return Room(name, name)


def test_one_write_a_connection() -> None:
    """Outlets that hear one room share the same bytes object."""
    fanout, tea = Fanout(write_each), room("tea")
    outlets = [KeptOutlet() for _ in range(3)]
    for outlet in outlets:
        fanout.subscribe(outlet, tea)
    fanout.broadcast(tea, b"a")
    fanout.broadcast(tea, b"b")
    fanout.flush()
    assert [outlet.writes for outlet in outlets] == [[b"ab"]] * 3
    assert outlets[0].writes[0] is outlets[1].writes[0]


def test_several_rooms_are_merged_in_the_order_of_sending() -> None:
    """Once per set of rooms."""
    fanout, tea, coffee, milk = Fanout(write_each), room("tea"), room("coffee"), room("milk")
    both, also_both, one = KeptOutlet(), KeptOutlet(), KeptOutlet()
    for outlet in (both, also_both):
        fanout.subscribe(outlet, coffee)
        fanout.subscribe(outlet, tea)
    fanout.subscribe(one, tea)
    for number, where in enumerate((tea, coffee, tea, milk, coffee)):
        fanout.broadcast(where, str(number).encode())
    fanout.flush()
    assert (both.text, also_both.text, one.text) == ("0124", "0124", "02")
    assert both.writes[0] is also_both.writes[0]


def test_what_is_for_one_stands_in_its_place() -> None:
    """A PONG never overtakes a MSG."""
    fanout, tea = Fanout(write_each), room("tea")
    alice, bob, carol = KeptOutlet(), KeptOutlet(), KeptOutlet()
    fanout.subscribe(alice, tea)
    fanout.subscribe(bob, tea)
    fanout.broadcast(tea, b"1")
    fanout.send(alice, b"a")
    fanout.broadcast(tea, b"2")
    fanout.send(carol, b"c")
    fanout.send(alice, b"b")
    fanout.flush()
    assert (alice.text, bob.text, carol.text) == ("1a2b", "12", "c")
    assert [len(outlet.writes) for outlet in (alice, bob, carol)] == [1, 1, 1]


def test_who_comes_and_goes_hears_what_is_between() -> None:
    """Within one tick."""
    fanout, tea, coffee = Fanout(write_each), room("tea"), room("coffee")
    alice, bob = KeptOutlet(), KeptOutlet()
    fanout.subscribe(alice, tea)
    fanout.broadcast(tea, b"1")
    fanout.subscribe(bob, tea)
    fanout.broadcast(tea, b"2")
    fanout.unsubscribe(alice, tea)
    fanout.broadcast(tea, b"3")
    fanout.unsubscribe(bob, tea)
    fanout.broadcast(tea, b"4")
    fanout.unsubscribe(bob, coffee)  # never heard it
    fanout.flush()
    assert (alice.text, bob.text) == ("12", "23")


def test_nothing_to_write() -> None:
    """Nobody is called."""
    fanout, tea = Fanout(write_each), room("tea")
    outlet = KeptOutlet()
    fanout.subscribe(outlet, tea)
    fanout.flush()
    assert outlet.writes == []
    fanout.broadcast(room("empty"), b"x")
    fanout.flush()
    assert outlet.writes == []


STEPS = st.tuples(st.sampled_from(["sub", "un", "room", "own", "flush"]), st.integers(0, 2), st.integers(0, 2))


@given(st.lists(STEPS))
def test_any_steps_give_each_what_was_for_it_in_order(steps: list[tuple[str, int, int]]) -> None:
    """Held against writing every frame at once."""
    fanout = Fanout(write_each)
    rooms = [room(str(number)) for number in range(3)]
    outlets = [KeptOutlet() for _ in range(3)]
    heard: list[set[int]] = [set(), set(), set()]
    expected = ["", "", ""]
    for count, (step, who, where) in enumerate(steps):
        frame = f"<{count}>"
        if step == "sub" and where not in heard[who]:
            fanout.subscribe(outlets[who], rooms[where])
            heard[who].add(where)
        elif step == "un":
            fanout.unsubscribe(outlets[who], rooms[where])
            heard[who].discard(where)
        elif step == "room":
            fanout.broadcast(rooms[where], frame.encode())
            for number in range(3):
                expected[number] += frame if where in heard[number] else ""
        elif step == "own":
            fanout.send(outlets[who], frame.encode())
            expected[who] += frame
        elif step == "flush":
            fanout.flush()
    fanout.flush()
    assert [outlet.text for outlet in outlets] == expected
