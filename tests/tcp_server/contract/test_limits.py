"""PROTOCOL.md section 2, held against a running server: names, when two are the same, and what has a limit."""

import json
from typing import Any

import pytest

from tests.tcp_server.client import Client
from tests.tcp_server.conftest import Connect, Meet

ZERO_WIDTH = "\u200b"

GOOD_NAMES = [
    "a",
    "n" * 32,
    "小林",
    "مريم",
    "क्षत्रिय",
    "zoë",
    "Ωμέγα",
    "a-_.[]{}^|9",
    "٣٤",  # decimal digits of another script
    "𝒂lice",  # a letter by its category, and NFKC makes it a plain one
]

BAD_NAMES = {
    "": "empty",
    "n" * 33: "33 characters",
    "\ufb03" * 11: "11 characters as sent, 33 after NFKC",
    "two words": "white space",
    "tab\tbed": "control",
    "bell\a": "control",
    "a\u00a0b": "no-break space",
    "a\u3000b": "ideographic space",
    f"alice{ZERO_WIDTH}": "zero-width space",
    "al\u200dice": "zero-width joiner",
    "al\ufe0fice": "variation selector, a mark but invisible",
    "al\u034fice": "combining grapheme joiner, a mark but invisible",
    "al\u115fice": "Hangul filler, a letter but invisible",
    "al\u3164ice": "Hangul filler, a letter but invisible",
    "al\uffa0ice": "half-width Hangul filler",
    "al\u17b4ice": "Khmer vowel inherent AQ, a mark but invisible",
    "al\u00adice": "soft hyphen",
    "al\u202eice": "right-to-left override",
    "al\ufefface": "byte order mark",
    "al\U000e0041ice": "tag letter",
    "al/ice": "slash",
    "al,ice": "comma",
    "al:ice": "colon",
    "@alice": "at",
    "#alice": "number sign",
    "a+b": "plus",
    "a'b": "apostrophe",
    "😀": "symbol",
    "½": "a number, but no decimal digit",
    "Ⅻ²": "a superscript is no decimal digit",
    "al\u2028ice": "line separator",
    "al\ue000ice": "private use",
    "al\u0378ice": "unassigned",
    "\ufdfa": "NFKC has spaces",
}


@pytest.mark.parametrize("nickname", GOOD_NAMES)
def test_a_nickname_of_any_script(connect: Connect, nickname: str) -> None:
    """It is shown as written, in NFC."""
    assert connect(nickname).nickname == nickname


@pytest.mark.parametrize("nickname", BAD_NAMES, ids=BAD_NAMES.values())
def test_a_nickname_that_may_not_be(connect: Connect, bystander: Client, nickname: str) -> None:
    """RETRY invalid, with a text for people; then a better one may come."""
    client = connect()
    client.send("NICK", nickname=nickname)
    assert client.expect("RETRY", nickname=nickname[:32], reason="invalid")["message"]
    client.open("better")


@pytest.mark.parametrize("size", [33, 1000, 30_000, 65_400, 65_500])
def test_a_nickname_of_any_size_is_answered(connect: Connect, bystander: Client, size: int) -> None:
    """The answer never outgrows a packet."""
    client = connect()
    body = json.dumps({"type": "NICK", "nickname": "n" * size}, separators=(",", ":")).encode()
    client.send_body(body)
    client.expect("RETRY", reason="invalid")
    client.open("better")


@pytest.mark.parametrize(
    "nickname", ["server", "system", "admin", "root", "operator", "SERVER", "Root", "ａｄｍｉｎ", "oper\u017ftor"]
)
def test_a_reserved_nickname(connect: Connect, nickname: str) -> None:
    """Reserved however it is written; what only looks alike is another name."""
    client = connect()
    client.send("NICK", nickname=nickname)
    if nickname == "oper\u017ftor":
        client.expect("READY")  # "operstor"
    else:
        client.expect("RETRY", nickname=nickname, reason="reserved")


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("alice", "ALICE"),
        ("alice", "ａｌｉｃｅ"),
        ("Straße", "STRASSE"),
        ("Σίσυφος", "σίσυφοσ"),
        ("é", "e\u0301"),
        ("\ufb01n", "FIN"),
        ("\u212a", "k"),
        ("ſam", "SAM"),
        ("Ꭰ", "ꭰ"),
        ("１２", "12"),
    ],
)
def test_two_names_that_are_the_same(connect: Connect, first: str, second: str) -> None:
    """NFKC + case folding + NFKC makes them equal, so the second one is taken."""
    connect(first)
    client = connect()
    client.send("NICK", nickname=second)
    client.expect("RETRY", nickname=second, reason="taken")


@pytest.mark.parametrize(("first", "second"), [("alice", "alıce"), ("a", "а"), ("o", "0"), ("e", "é"), ("a.b", "a_b")])
def test_two_names_that_are_not_the_same(connect: Connect, first: str, second: str) -> None:
    """Looking alike is not being the same."""
    assert (connect(first).nickname, connect(second).nickname) == (first, second)


def test_a_name_is_shown_in_nfc_as_first_written(connect: Connect, room: str) -> None:
    """Letters beyond NFC are kept: full-width stays full-width."""
    alice = connect("E\u0301lodie")
    assert alice.nickname == "\u00c9lodie"
    bob = connect("ＢＯＢ", rooms=[f"{room}-Ｘ\u0301"])
    assert bob.ready["rooms"] == [f"{room}-Ｘ\u0301"]
    assert bob.rooms[0]["users"] == ["ＢＯＢ"]
    alice.send("JOIN", room=f"{room}-x\u0301")
    alice.expect("JOIN", room=f"{room}-Ｘ\u0301")
    alice.expect("ROOM", room=f"{room}-Ｘ\u0301", count=2)


def test_a_rooms_number_sign_is_dropped(connect: Connect, room: str) -> None:
    """One of them, wherever a room is named."""
    alice = connect("alice", rooms=[f"#{room}"])
    assert alice.ready["rooms"] == [room]
    alice.say("hi", f"#{room}")
    assert alice.ask("HISTORY", room=f"#{room}")["room"] == room
    assert alice.ask("USERS", room=f"#{room.upper()}")["room"] == room
    assert alice.ask("TOPIC", room=f"#{room}", topic="x")["room"] == room
    assert alice.ask("SEARCH", room=f"#{room}", query="hi")["messages"][0]["room"] == room
    alice.send("LEAVE", room=f"#{room}")
    alice.expect("LEAVE", room=room)


@pytest.mark.parametrize("name", ["r" * 64, "#" + "r" * 64, "部屋", "a-_.[]{}^|9"])
def test_a_room_that_may_be(connect: Connect, name: str) -> None:
    """1–64 characters without the number sign."""
    assert connect("alice", rooms=[name]).ready["rooms"] == [name.removeprefix("#")]


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("", "bad_packet"),
        ("#", "bad_packet"),
        ("##x", "bad_packet"),
        ("r" * 65, "too_long"),
        ("\ufb03" * 22, "too_long"),
        ("a room", "bad_packet"),
        (f"a{ZERO_WIDTH}b", "bad_packet"),
        ("a/b", "bad_packet"),
        ("😀", "bad_packet"),
    ],
)
def test_a_room_that_may_not_be(connect: Connect, bystander: Client, name: str, code: str) -> None:
    """Wherever it is named: the ERROR names the field."""
    alice = connect("alice")
    for type, fields in (
        ("JOIN", {}),
        ("LEAVE", {}),
        ("MSG", {"message": "x"}),
        ("TOPIC", {"topic": "x"}),
        ("TYPING", {}),
        ("USERS", {}),
        ("HISTORY", {}),
        ("SEARCH", {"query": "x"}),
    ):
        error = alice.ask(type, room=name, **fields)
        assert (error["type"], error["code"]) == ("ERROR", code)
        assert error["message"].startswith("room")


def test_the_longest_message_topic_and_query(meet: Meet, room: str) -> None:
    """Counted in code points, whatever they weigh in bytes."""
    (alice,) = meet("alice")
    for character in ("x", "é", "😀", "\n"):
        assert alice.say(character * 8000, room)["message"] == character * 8000
        error = alice.ask("MSG", room=room, message=character * 8001)
        assert (error["code"], error["message"][:7]) == ("too_long", "message")
    assert alice.ask("TOPIC", room=room, topic="😀" * 300)["topic"] == "😀" * 300
    assert alice.ask("TOPIC", room=room, topic="x" * 301)["code"] == "too_long"
    assert alice.ask("TOPIC", room=room, topic="a\nb\tc")["topic"] == "a\nb\tc"
    assert len(alice.ask("SEARCH", query="é" * 100, room=room)["messages"]) == 1
    assert alice.ask("SEARCH", query="é" * 101)["code"] == "too_long"


@pytest.mark.parametrize("code", [*range(0, 9), *range(11, 32), *range(127, 160)])
def test_no_other_control_character_is_let_through(code: int, meet: Meet, room: str) -> None:
    """C0 without newline and tab, DEL, and C1."""
    (alice,) = meet("alice")
    error = alice.ask("MSG", room=room, message=f"a{chr(code)}b")
    assert (error["code"], error["message"][:7]) == ("bad_packet", "message")
    error = alice.ask("TOPIC", room=room, topic=f"a{chr(code)}b")
    assert (error["code"], error["message"][:5]) == ("bad_packet", "topic")


def test_fifty_rooms_a_user(connect: Connect, room: str) -> None:
    """The fifty-first is too many, by JOIN and by NICK; leaving one makes place."""
    rooms = [f"{room}-{number}" for number in range(50)]
    alice = connect("alice", rooms=rooms)
    assert alice.ready["rooms"] == rooms
    assert alice.ask("JOIN", room=f"{room}-50")["code"] == "too_many"
    assert alice.ask("JOIN", room=f"{room}-49")["type"] == "ROOM"
    alice.ask("LEAVE", room=f"{room}-0")
    assert alice.ask("JOIN", room=f"{room}-50")["type"] == "ROOM"

    bob = connect()
    bob.send("NICK", nickname="bob", rooms=[*rooms, f"{room}-50"], ref="r")
    bob.expect("ERROR", code="too_many", ref="r")
    bob.open("bob", rooms=rooms[:1])


def test_the_same_room_twice_counts_once(connect: Connect, room: str) -> None:
    """However it is written."""
    alice = connect("alice", rooms=[room, f"#{room}", room.upper()] * 20)
    assert alice.ready["rooms"] == [room]


def test_no_body_is_filled_beyond_65500_bytes(meet: Meet, room: str) -> None:
    """Pages end where the next message would not fit."""
    (alice,) = meet("alice")
    for _ in range(5):
        alice.say("😀" * 8000, room)
    sizes: list[tuple[int, int]] = []
    for type, fields in (
        ("HISTORY", {"room": room}),
        ("HISTORY", {"room": room, "after": 0}),
        ("SEARCH", {"query": "😀"}),
    ):
        sizes.append(_answer_size(alice, type, fields))
    assert [count for _, count in sizes] == [1, 1, 1]
    assert all(size <= 65_500 for size, _ in sizes)


def _answer_size(client: Client, type: str, fields: dict[str, Any]) -> tuple[int, int]:
    client.send(type, **fields)
    body = client.read_body()
    packet = json.loads(body)
    assert packet["more"]
    return len(body), len(packet["messages"])
