"""The bars and the prompt."""

from cli_client.chat.session import ChatSession
from cli_client.library.connect import ConnectionState, ConnectionStatus
from cli_client.library.outbox import Outgoing, OutgoingState
from cli_client.screen.status import input_prompt, status_bar, topic_bar
from tcp_server.protocol import server_packets
from tests.cli_client.screen.rows import NOW, text
from tests.cli_client.scripted_server import msg


def test_the_bar_says_how_the_connection_is(session: ChatSession) -> None:
    """Live, reconnecting since when and with how much unsent, or offline and why."""
    live = ConnectionStatus(ConnectionState.LIVE)
    assert text(status_bar(session.book, live, 0, 0, NOW, 80)) == " ● live │ alice │ 4 members"
    assert text(status_bar(session.book, live, 2, 7, NOW, 80)) == " ● live, 2 unsent │ alice │ 4 members │ ↓ 7 more"
    lost = ConnectionStatus(ConnectionState.RECONNECTING, "reset", NOW)
    assert text(status_bar(session.book, lost, 3, 0, NOW, 80)).startswith(" ○ reconnecting since 12:30:00, 3 unsent │")
    gone = ConnectionStatus(ConnectionState.OFFLINE, "kicked\x1b", NOW)
    assert text(status_bar(session.book, gone, 0, 0, NOW, 80)).startswith(" × offline: kicked␛ │")
    assert text(status_bar(session.book, lost, 3, 0, NOW, 30)) == " ○ reconnecting since 12:30:0…"


def test_the_bar_says_what_is_unread_and_who_types(session: ChatSession) -> None:
    """With the number that leads there, and a mark where one was named."""
    session.received(msg(1, "alice?", room="dev"), NOW)
    session.received(msg(2, "hi", room="dev"), NOW)
    session.received(server_packets.Typing(room="lobby", nickname="bob"), NOW)
    bar = text(status_bar(session.book, ConnectionStatus(ConnectionState.LIVE), 0, 0, NOW, 80))
    assert bar.endswith("│ 2:#dev +2! │ bob typing …")


def test_the_top_bar_and_the_prompt_say_where_we_are(session: ChatSession) -> None:
    """Room and topic above, the room before what is typed, and further rows below it."""
    assert text(topic_bar(session.book.current, 80)) == " #lobby │ the topic"
    assert text(topic_bar(session.book.current, 10)) == " #lobby │…"
    session.book.current.roster.topic = "❤️ of 🇩🇪"
    assert text(topic_bar(session.book.current, 80)) == " #lobby │ ❤ of DE"
    assert text(input_prompt(session.book, 0, 0)) == "#lobby› "
    assert text(input_prompt(session.book, 1, 0)) == text(input_prompt(session.book, 0, 1)) == " " * 8
    session.book.open("?")
    session.book.switch("?")
    assert text(topic_bar(session.book.current, 80)) == " search"
    assert text(input_prompt(session.book, 0, 0)) == "hit› "


def test_the_bar_says_that_the_server_is_silent(session: ChatSession) -> None:
    """For how long, and what Ctrl-C would do now."""
    live = ConnectionStatus(ConnectionState.LIVE)
    bar = text(status_bar(session.book, live, 1, 0, NOW, 80, unanswered=6.4, hint="Ctrl-C again leaves the chat"))
    assert bar.startswith(" ○ no answer for 6 s, 1 unsent │ Ctrl-C again leaves the chat │ alice")


def test_the_bar_says_where_something_was_not_sent(session: ChatSession) -> None:
    """In a room that isn't shown; in the one that is, its line says so."""
    session.queued(Outgoing("r1", "hello", room="dev", state=OutgoingState.FAILED), NOW)
    bar = status_bar(session.book, ConnectionStatus(ConnectionState.LIVE), 0, 0, NOW, 80)
    assert text(bar).endswith("│ 2:#dev ×1 not sent")
    session.received(msg(1, "hi", room="dev"), NOW)
    assert text(status_bar(session.book, ConnectionStatus(ConnectionState.LIVE), 0, 0, NOW, 80)).endswith(
        "│ 2:#dev +1 ×1 not sent"
    )
    session.book.switch("#dev")
    assert "not sent" not in text(status_bar(session.book, ConnectionStatus(ConnectionState.LIVE), 0, 0, NOW, 80))
