"""The input line and its completion."""

import pytest
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document

from cli_client.chat.session import ChatSession
from cli_client.screen.prompting import ChatCompleter, make_buffer
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

    buffer = make_buffer(session.book, take, lambda: touched.append(None))
    for entered in ("two\r\nlines\x1b\n", "   "):
        buffer.text = entered
        buffer.validate_and_handle()
        assert buffer.text == ""
    assert typed == ["two\r\nlines\x1b\n"]
    assert touched
    assert NOON
