"""Users and rooms: two views of a membership in step, sorted pages, and what is to be stored."""

from hypothesis import given
from hypothesis import strategies as st

from tcp_server.chat.directory import Changes, Directory, Present
from tcp_server.chat.state import Room
from tcp_server.protocol.names import checked_nickname, checked_room


def directory(*rooms: str) -> Directory:
    return Directory(Room(name, name) for name in rooms)


def test_a_room_is_found_by_any_of_its_names() -> None:
    """And made once."""
    here = directory()
    tea = here.open_room(checked_room("#Tee-Straße"))
    assert (tea.key, tea.name) == ("tee-strasse", "Tee-Straße")
    assert here.open_room(checked_room("TEE-STRASSE")) is here.find_room(checked_room("tee-straße")) is tea
    assert here.find_room(checked_room("coffee")) is None


def test_a_membership_is_seen_from_both_sides() -> None:
    """Entering, leaving, renaming."""
    here = directory("tea", "coffee")
    tea, coffee = here.rooms["tea"], here.rooms["coffee"]
    zoe = here.add_user(1, checked_nickname("Zoe\u0308"))
    bob = here.add_user(2, checked_nickname("bob"))
    assert (zoe.nickname, zoe.key) == ("Zo\u00eb", "zo\u00eb")
    here.enter(zoe, tea)
    here.enter(bob, tea)
    here.enter(zoe, coffee)
    assert tea.nicknames() == ["bob", "Zoë"]
    assert zoe.rooms == [tea, coffee]
    here.rename(zoe, checked_nickname("Anna"))
    assert tea.nicknames() == ["Anna", "bob"]
    assert here.find_user(checked_nickname("zoë")) is None
    assert here.find_user(checked_nickname("ANNA")) is here.users_by_uid[1] is zoe
    here.leave(zoe, tea)
    assert (tea.nicknames(), zoe.rooms) == (["bob"], [coffee])
    here.leave(zoe, coffee)
    here.remove_user(zoe)
    assert here.find_user(checked_nickname("anna")) is None
    assert 1 not in here.users_by_uid


def test_rooms_with_members_in_order() -> None:
    """A room comes with its first member and goes with its last; `after` need not exist."""
    here = directory("c", "a", "b")
    zoe, bob = here.add_user(1, checked_nickname("zoe")), here.add_user(2, checked_nickname("bob"))
    for key in ("c", "a", "b"):
        here.enter(zoe, here.rooms[key])
    here.enter(bob, here.rooms["b"])
    here.leave(zoe, here.rooms["b"])
    here.leave(zoe, here.rooms["a"])
    assert [room.key for room in here.peopled("", 10)] == ["b", "c"]
    assert [room.key for room in here.peopled("aa", 10)] == ["b", "c"]
    assert [room.key for room in here.peopled("b", 10)] == ["c"]
    assert [room.key for room in here.peopled("", 1)] == ["b"]
    assert here.peopled("c", 10) == []


def test_changes() -> None:
    """Taken once; given back they are as they are then."""
    here = directory("tea")
    assert not here.take_changes()
    zoe = here.add_user(1, checked_nickname("zoe"))
    here.enter(zoe, here.open_room(checked_room("Coffee")))
    here.set_topic(here.rooms["tea"], "leaves")
    changes = here.take_changes()
    assert changes == Changes({"coffee": ("Coffee", ""), "tea": ("tea", "leaves")}, {1: Present("zoe", ["coffee"])})
    assert not here.take_changes()
    here.set_topic(here.rooms["tea"], "milk")
    here.leave(zoe, here.rooms["coffee"])
    here.remove_user(zoe)
    here.give_back(changes)
    assert here.take_changes() == Changes({"coffee": ("Coffee", ""), "tea": ("tea", "milk")}, {1: None})


@given(st.lists(st.tuples(st.integers(0, 9), st.sampled_from("ejln")), max_size=60))
def test_the_views_never_part(steps: list[tuple[int, str]]) -> None:
    """After any steps each room's order is its members, sorted, and each user's rooms are the rooms it is in."""
    here = directory(*"abc")
    for number, step in steps:
        user = here.users_by_uid.get(number)
        room = here.rooms["abc"[number % 3]]
        if user is None:
            here.add_user(number, checked_nickname(f"u{number}"))
        elif step == "n":
            here.rename(user, checked_nickname(f"{'vw'[len(user.rooms) % 2]}{number}"))
        elif room in user.rooms:
            here.leave(user, room)
        else:
            here.enter(user, room)
    for room in here.rooms.values():
        assert room.nicknames() == sorted(room.members)
        assert {user.uid for user in room.members.values()} == {
            user.uid for user in here.users.values() if room in user.rooms
        }
    assert [room.key for room in here.peopled("", 9)] == [key for key in "abc" if here.rooms[key].members]
