"""The input line and its completion."""

import pytest
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document

from cli_client.chat.session import ChatSession
from cli_client.screen.prompting import ChatCompleter, Drafts
from tcp_server.protocol import server_packets
from tests.cli_client.screen.rows import NOW
from tests.cli_client.scripted_server import NOON, msg


@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        ("/he", ["/help "]),
        ("/roo", ["/rooms"]),
        ("b", ["Bert: ", "bob: "]),
        ("hi BO", ["bob "]),
        ("hi @bo", ["@bob "]),
        ("see #d", ["#dev "]),
        ("/join d", ["dev "]),
        ("/switch d", ["dev "]),
        ("/msg c", ["carol "]),
        ("alice", []),
        ("", []),
        ("hi ", []),
    ],
)
def test_words_are_completed(session: ChatSession, typed: str, completed: list[str]) -> None:
    """Commands, rooms and people; a nickname at the beginning addresses somebody; oneself is left out."""
    completions = ChatCompleter(session.book).get_completions(Document(typed), CompleteEvent())
    assert [completion.text for completion in completions] == completed


def test_people_are_who_spoke_or_talks_with_us(session: ChatSession) -> None:
    """In a room that doesn't list its members: first those who said something."""
    session.received(msg(1, nickname="zoe"), NOW)
    session.received(msg(2, nickname="zack", to="alice"), NOW)
    completions = ChatCompleter(session.book).get_completions(Document("z"), CompleteEvent())
    assert [completion.text for completion in completions] == ["zoe: ", "zack: "]


def test_the_input_line_gives_what_was_typed(session: ChatSession) -> None:
    """Whole, never empty, and then it is empty again."""
    typed: list[str] = []
    touched: list[None] = []

    def take(text: str) -> bool:
        typed.append(text)
        return True

    buffer = Drafts(session.book, take, lambda: touched.append(None)).current()
    for entered in ("two\r\nlines\x1b\n", "   "):
        buffer.text = entered
        buffer.validate_and_handle()
        assert buffer.text == ""
    assert typed == ["two\r\nlines\x1b\n"]
    assert touched
    assert NOON


@pytest.fixture
def drafts(session: ChatSession) -> Drafts:
    return Drafts(session.book, lambda _: True, lambda: None)


def look(session: ChatSession, target: str) -> None:
    session.book.open(target)
    session.book.switch(target)


def test_a_draft_stays_in_its_room(session: ChatSession, drafts: Drafts) -> None:
    """With its cursor and its undo; it is there again when the person comes back."""
    drafts.current().insert_text("one")
    drafts.current().save_to_undo_stack()
    drafts.current().insert_text(" two")
    drafts.current().cursor_position = 3
    look(session, "#dev")
    assert drafts.current().text == ""
    drafts.current().insert_text("other")
    look(session, "#lobby")
    assert (drafts.current().text, drafts.current().cursor_position) == ("one two", 3)
    drafts.current().undo()
    assert drafts.current().text == "one"
    look(session, "#dev")
    assert drafts.current().text == "other"


def test_the_lines_entered_before_are_common_to_all_rooms(session: ChatSession, drafts: Drafts) -> None:
    """Up brings back a line that was said elsewhere."""
    look(session, "#dev")
    drafts.current().insert_text("said in dev")
    drafts.current().validate_and_handle()
    look(session, "#lobby")
    assert drafts.current().history.get_strings() == ["said in dev"]


def test_a_draft_outlives_a_view(session: ChatSession, drafts: Drafts) -> None:
    """A room that is left and entered again; the first view, where somebody typed before there was a room."""
    look(session, "#dev")
    drafts.current().insert_text("half a ")
    session.book.close("#dev")
    assert drafts.current().text == ""
    look(session, "#DEV")
    assert drafts.current().text == "half a "
    early = ChatSession("alice", NOW)
    begun = Drafts(early.book, lambda _: True, lambda: None)
    begun.current().insert_text("too early")
    early.received(server_packets.Ready(nickname="alice", rooms=["lobby"]), NOW)
    assert early.book.current.target == "#lobby"
    assert begun.current().text == "too early"


def test_a_draft_follows_a_talk_to_its_new_name(session: ChatSession, drafts: Drafts) -> None:
    """Also where there is an older talk under that name already, which the person looks at."""
    session.received(msg(1, nickname="benny", to="alice"), NOW)
    session.received(msg(2, nickname="ben", to="alice"), NOW)
    look(session, "@benny")
    drafts.current().insert_text("half a ")
    session.received(server_packets.Nick(room="lobby", old="ben", nickname="benny", timestamp=NOON), NOW)
    assert session.book.current.target == "@benny"
    assert drafts.current().text == "half a "
