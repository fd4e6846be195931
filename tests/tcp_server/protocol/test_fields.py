"""The fields of a client's packets: each check accepts up to its bound, and names the field beyond it."""

from collections.abc import Callable
from typing import Any

import pytest

from tcp_server.protocol import fields, names
from tcp_server.protocol.fields import Fault


@pytest.mark.parametrize(
    ("check", "text", "code"),
    [
        (lambda: fields.check_text("topic", "", 1, 3), "topic: is empty", "bad_packet"),
        (lambda: fields.check_text("topic", "abcd", 1, 3), "topic: has more than 3 characters", "too_long"),
        (lambda: fields.check_text("topic", "a\x7f", 1, 3), "topic: may not hold U+007F", "bad_packet"),
        (lambda: fields.check_text("topic", "\x1b", 1, 3), "topic: may not hold U+001B", "bad_packet"),
        (
            lambda: fields.check_text("topic", "x" + "\u0301" * 31, 1, 99),
            "topic: has more than 30 marks in a row",
            "bad_packet",
        ),
        (lambda: fields.check_place("x" * 65), "after: has more than 64 characters", "too_long"),
        (lambda: fields.check_id("before", -1), "before: is negative", "bad_packet"),
        (lambda: fields.check_limit(0), "limit: is less than 1", "bad_packet"),
    ],
)
def test_a_fault_names_the_field(check: Callable[[], None], text: str, code: str) -> None:
    """Its code is that of the ERROR."""
    with pytest.raises(Fault) as caught:
        check()
    assert (caught.value.text, caught.value.code) == (text, code)


def test_the_bounds_themselves_are_allowed() -> None:
    """Newline, tab and the longest run of marks too."""
    fields.check_text("topic", "", 0, 3)
    fields.check_text("topic", "a\n\t", 1, 3)
    fields.check_text("topic", "x" + "\u0301" * 30, 1, 31)
    fields.check_place("x" * 64)
    fields.check_id("before", 0)
    fields.check_limit(1)


def test_a_name_gets_its_key() -> None:
    """By the kind that the field is to hold."""
    room = fields.decode_name(names.RoomName, "#Tea")
    assert (type(room), room, room.key) == (names.RoomName, "Tea", "tea")
    nickname = fields.decode_name(names.Nickname, "Zoe\u0308")
    assert (type(nickname), nickname, nickname.key) == (names.Nickname, "Zo\u00eb", "zo\u00eb")
    with pytest.raises(names.NameFault):
        fields.decode_name(names.Nickname, "#tea")


@pytest.mark.parametrize(
    ("value", "kind"), [(None, "null"), (True, "bool"), (1, "int"), (1.5, "float"), ([], "array"), ({}, "object")]
)
def test_a_name_that_is_no_string(value: Any, kind: str) -> None:
    """In the words of msgspec's own errors."""
    with pytest.raises(Fault, match=f"Expected `str`, got `{kind}`"):
        fields.decode_name(names.RoomName, value)
