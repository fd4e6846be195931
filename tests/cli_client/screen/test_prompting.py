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
        ("see #d", ["#dev"]),
        ("/join d", ["dev"]),
        ("/switch b", ["Bert", "bob"]),
        ("/msg c", ["carol "]),
        ("ali", []),
        ("", []),
        ("hi ", []),
    ],
)
def test_words_are_completed(session: ChatSession, typed: str, completed: list[str]) -> None:
    """Commands, rooms and people; a nickname at the beginning addresses somebody; oneself is left out."""
    completions = ChatCompleter(session.book).get_completions(Document(typed), CompleteEvent())
    assert [completion.text for completion in completions] == completed


def test_people_are_who_spoke_or_talks_with_us(session: ChatSession) -> None:
    """A room that doesn't list its members knows those who said something."""
    session.received(msg(1, nickname="zoe"), NOW)
    session.received(msg(2, nickname="zack", to="alice"), NOW)
    completions = ChatCompleter(session.book).get_completions(Document("z"), CompleteEvent())
    assert [completion.text for completion in completions] == ["zack: ", "zoe: "]


def test_the_input_line_gives_what_was_typed(session: ChatSession) -> None:
    """Whole, cleaned, and never empty."""
    typed: list[str] = []
    touched: list[None] = []
    buffer = make_buffer(session.book, typed.append, lambda: touched.append(None))
    for entered in ("two\r\nlines\x1b\n", "   "):
        buffer.text = entered
        buffer.validate_and_handle()
    assert typed == ["two\nlines␛"]
    assert touched
    assert NOON
