"""handlers.py: where `/leave` leads, and what of a command is refused before anything is done."""

from datetime import UTC, datetime

import pytest
from msgspec import UNSET

from cli_client.chat.display import isolate
from cli_client.chat.effects import Ask, Effect, Rename, SendText, Show
from cli_client.chat.lines import Kind
from cli_client.chat.session import ChatSession
from cli_client.library.outbox import OutgoingState
from tcp_server.protocol import client_packets, server_packets
from tests.cli_client.chat.sessions import outgoing

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@pytest.fixture
def session() -> ChatSession:
    """Alice, in #lobby, which she looks at, and #dev."""
    made = ChatSession("alice", NOW)
    made.received(server_packets.Ready(nickname="alice", rooms=["lobby", "dev"]), NOW)
    return made


@pytest.mark.parametrize(
    ("typed", "room", "reason"),
    [
        ("/leave", "lobby", UNSET),
        ("/leave #dev", "dev", UNSET),
        ("/leave dev", "dev", UNSET),
        ("/leave #dev  see you", "dev", "see you"),
        ("/leave DEV see you", "dev", "see you"),
        ("/leave for today", "lobby", "for today"),
        ("/part #elsewhere bye now", "elsewhere", "bye now"),
    ],
)
def test_leave(session: ChatSession, typed: str, room: str, reason: object) -> None:
    """A first word that names a room one is in, or has a `#`, is the room; other words are the reason."""
    assert session.typed(typed, NOW) == [Ask(client_packets.Leave(room=room, message=reason), f"#{room}")]


def test_a_text_with_slashes_is_said(session: ChatSession) -> None:
    """A path is no command, two slashes stand for one, and an indentation stays."""
    for typed, text in [("/usr/bin", "/usr/bin"), ("//me", "/me"), ("  indented\n", "  indented")]:
        assert session.typed(typed, NOW) == [SendText("#lobby", text)]


@pytest.mark.parametrize(
    ("typed", "fault"),
    [
        ("/msg #den hi", "you are not in #den; use /join den"),
        ("/сказать hi", "there is no command /сказать; /help lists them, // sends a text that begins with /"),
        ("/more", "there are no older hits; use /search WORDS"),
    ],
)
def test_a_refusal_is_one_error(session: ChatSession, typed: str, fault: str) -> None:
    """And nothing else comes of the line."""
    effects: list[Effect] = list(session.typed(typed, NOW))
    (shown,) = effects
    assert isinstance(shown, Show)
    assert (shown.line.kind, shown.line.text) == (Kind.ERROR, fault)


def test_help_of_one_command(session: ChatSession) -> None:
    """With an example where there is something to write, and its aliases."""
    for typed, text in [
        ("/help /j", "/join ROOM, …: Enter a room; it is made if there is none, as in /join dev (also /j)"),
        ("/help close", "/close: Close the conversation that is shown, or leave the room"),
    ]:
        session.typed(typed, NOW)
        assert session.book.current.lines[-1].text == text


def test_a_rooms_name_has_no_space(session: ChatSession) -> None:
    """Two words are no list: whoever wants a room "book club" doesn't want two rooms."""
    for typed in ("/join book club", "/join dev, book club"):
        session.typed(typed, NOW)
        assert "a room's name has no space; a list of rooms needs commas" in session.book.current.lines[-1].text
    asked = session.typed("/join dev,#help , books", NOW)
    assert [ask.target for ask in asked] == ["#dev", "#help", "#books"]


def test_the_list_of_views_says_where_something_was_not_sent(session: ChatSession) -> None:
    """One is told in the room that is looked at, and finds the message later."""
    session.queued(outgoing(room="dev", state=OutgoingState.FAILED), NOW)
    session.typed("/switch", NOW)
    assert session.book.current.lines[-1].text == "1 #lobby  2 #dev (1 not sent)"


def test_a_name_may_be_copied_from_a_sentence(session: ChatSession) -> None:
    """With the marks around one that is written from right to left."""
    name = "שלום"
    copied = isolate(name)
    assert copied != name
    (ask,) = session.typed(f"/join {copied}", NOW)
    assert ask.target == f"#{name}"
    session.typed(f"/msg {copied}", NOW)
    assert session.book.current.target == f"@{name}"
    assert session.typed(f"/nick {copied}", NOW) == [Rename(name)]
    session.typed("/switch lobby", NOW)
    session.typed(f"/switch {isolate(f'@{name}')}", NOW)
    assert session.book.current.target == f"@{name}"
