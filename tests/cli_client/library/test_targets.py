"""Targets: rooms and people as one string."""

import pytest
from msgspec import UNSET

from cli_client.library.targets import message_target, packet_target, room_name, split_target, target_key
from tcp_server.protocol.names import NameFault
from tests.cli_client.scripted_server import msg


@pytest.mark.parametrize(
    ("target", "split", "fields"),
    [
        ("lobby", ("lobby", None), ("lobby", UNSET)),
        ("#Lobby", ("Lobby", None), ("Lobby", UNSET)),
        ("@bob", (None, "bob"), (UNSET, "bob")),
    ],
)
def test_a_target_is_a_room_or_a_person(target: str, split: tuple[object, ...], fields: tuple[object, ...]) -> None:
    """The field of the other kind is absent from a packet."""
    assert split_target(target) == split
    assert packet_target(target) == fields


@pytest.mark.parametrize("target", ["", "#", "@", "a b", "@a b", "##x", "#@x"])
def test_a_name_that_is_not_valid_is_no_target(target: str) -> None:
    """The text says why."""
    with pytest.raises(NameFault):
        packet_target(target)


def test_spellings_share_a_key() -> None:
    """A room with and without its sign, and either in any case; a person is never a room."""
    assert target_key("#Lobby") == target_key("lobby") == "#lobby"
    assert target_key("@Bob") == target_key("@bob") == "@bob"
    assert room_name("#Dev") == "Dev"


def test_a_direct_message_belongs_to_the_other_person() -> None:
    """Whoever of the two has sent it."""
    assert message_target(msg(1), "alice") == "#lobby"
    assert message_target(msg(1, nickname="bob", to="alice"), "Alice") == "@bob"
    assert message_target(msg(1, nickname="Alice", to="bob"), "alice") == "@bob"
