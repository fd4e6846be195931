"""Rooms: members by key, and pages of nicknames in the order of the keys."""

from hypothesis import given
from hypothesis import strategies as st

from tcp_server.chat.state import Room, User

KEYS = st.lists(st.text("abcdefgh", min_size=1, max_size=3), unique=True)


@given(KEYS, st.data())
def test_nicknames_are_pages_of_the_sorted_keys(keys: list[str], data: st.DataObject) -> None:
    """Whatever came and went; `after` need not be a member."""
    room = Room("tea", "Tea")
    users = {key: User(number, key.upper(), key) for number, key in enumerate(keys)}
    for user in users.values():
        room.add(user)
    gone = data.draw(st.sets(st.sampled_from(keys))) if keys else set()
    for key in gone:
        room.remove(users[key])
    left = sorted(set(keys) - gone)
    after, limit = data.draw(st.text("abcdefgh", max_size=3)), data.draw(st.integers(0, 5))
    assert set(room.members) == set(left)
    assert room.nicknames() == [key.upper() for key in left]
    assert room.nicknames(after, limit) == [key.upper() for key in left if key > after][:limit]
