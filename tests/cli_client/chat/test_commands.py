"""Commands by values: a typed line goes in, effects and lines come out."""

import pytest

from cli_client.chat.commands import COMMANDS, TABLE
from cli_client.chat.effects import (
    Ask,
    Effect,
    Export,
    Purpose,
    Quit,
    Rename,
    ScrollUp,
    SendText,
    Show,
)
from cli_client.chat.keys import KEYS
from cli_client.chat.lines import Kind
from cli_client.chat.session import ChatSession
from tcp_server.protocol import client_packets, server_packets
from tests.cli_client.chat.sessions import NOW, entered, only, texts
from tests.cli_client.scripted_server import NOON, msg


@pytest.mark.parametrize(
    ("typed", "actions"),
    [
        ("hello", [SendText("#lobby", "hello")]),
        ("two\nlines", [SendText("#lobby", "two\nlines")]),
        ("//etc/hosts", [SendText("#lobby", "/etc/hosts")]),
        ("   ", []),
        ("/me waves", [SendText("#lobby", "waves", action=True)]),
        ("/ME waves", [SendText("#lobby", "waves", action=True)]),
        ("/join dev", [Ask(client_packets.Join(room="dev"), "#dev")]),
        ("/j #a,b", [Ask(client_packets.Join(room="a"), "#a"), Ask(client_packets.Join(room="b"), "#b")]),
        ("/leave", [Ask(client_packets.Leave(room="lobby"), "#lobby")]),
        ("/part #dev see you", [Ask(client_packets.Leave(room="dev", message="see you"), "#dev")]),
        ("/leave lobby", [Ask(client_packets.Leave(room="lobby"), "#lobby")]),
        ("/leave for today", [Ask(client_packets.Leave(room="lobby", message="for today"), "#lobby")]),
        ("/nick bob", [Rename("bob")]),
        ("/topic new one", [Ask(client_packets.Topic(room="lobby", topic="new one"), "#lobby")]),
        ("/topic -", [Ask(client_packets.Topic(room="lobby", topic=""), "#lobby")]),
        ("/names", [Ask(client_packets.Users(room="lobby"), "#lobby")]),
        ("/users #dev", [Ask(client_packets.Users(room="dev"), "#dev")]),
        ("/list", [Ask(client_packets.Rooms())]),
        ("/history", [ScrollUp()]),
        ("/history 7", [ScrollUp()]),
        ("/export ~/a b", [Export("~/a b", ("#lobby",))]),
        ("/export", [Export("wordpacket-2026-11-22.jsonl", ("#lobby",))]),
        ("/quit so long", [Quit("so long")]),
        ("/q", [Quit()]),
    ],
)
def test_what_is_typed_is_done(session: ChatSession, typed: str, actions: list[Effect]) -> None:
    """A text is sent, a command is what the table says, a doubled slash is a slash."""
    assert list(session.typed(typed, NOW)) == actions


@pytest.mark.parametrize(
    ("typed", "complaint"),
    [
        ("/bogus", "there is no command /bogus"),
        ("/", "there is no command /"),
        ("/join", "usage: /join ROOM, …"),
        ("/join a!b", "the name may not hold U+0021; usage: /join ROOM, …"),
        ("/me", "usage: /me TEXT"),
        ("/nick", "usage: /nick NICKNAME"),
        ("/nick a b", "the name may not hold U+0020; usage: /nick NICKNAME"),
        ("/msg", "usage: /msg NICKNAME [TEXT]"),
        ("/history x", "usage: /history [NUMBER]"),
        ("/history 0", "usage: /history [NUMBER]"),
        ("/search from:bob", "a search needs at least one word"),
        ("/search a since:never", "never is no date; write it as 2026-11-22"),
        ("/search a from:b!", "from: b! is no nickname"),
        ("/search " + "a" * 101, "a search has at most 100 characters"),
        ("/context", "usage: /context NUMBER"),
        ("/context x", "usage: /context NUMBER"),
        ("/context 1", "there is no hit 1; use /search WORDS"),
        ("/switch nowhere", "nowhere is not open"),
        ("/retry", "no failed message is shown here"),
        ("/drop", "no failed message is shown here"),
        ("/help bogus", "there is no command /bogus"),
    ],
)
def test_what_is_wrong_is_explained(session: ChatSession, typed: str, complaint: str) -> None:
    """A clear line with the usage, and nothing is sent."""
    shown = only(session.typed(typed, NOW))
    assert isinstance(shown, Show)
    assert shown.line.kind is Kind.ERROR
    assert shown.line.text.startswith(complaint)
    assert session.book.current.lines[-1] is shown.line


def test_help_prints_the_table(session: ChatSession) -> None:
    """Every command has a line; one alone is explained with its aliases."""
    session.typed("/help", NOW)
    shown = texts(session.book.current)
    rows = [(command.synopsis, command.help) for command in TABLE] + [(key.keys, key.does) for key in KEYS]
    for (first, second), line in zip(rows, shown, strict=True):
        assert line.startswith(first)
        assert line.endswith(second)
    session.typed("/help /msg", NOW)
    assert texts(session.book.current)[-1].endswith("(also /query, /w, /whisper)")
    session.typed("/help nick", NOW)
    assert texts(session.book.current)[-1] == "/nick NICKNAME: Take another nickname, as in /nick alice-2"
    assert len(COMMANDS) == sum(1 + len(command.aliases) for command in TABLE)  # no name twice


def test_a_text_needs_somebody_to_hear_it() -> None:
    """Before any room, and in the list of hits, a text is not sent."""
    session = ChatSession("alice", NOW)
    for typed in ("hello", "/me waves", "/history 3"):
        assert "you are not in a room; use /join ROOM" in only(session.typed(typed, NOW)).line.text
    assert "only a room has a topic" in only(session.typed("/topic x", NOW)).line.text
    assert "usage: /users ROOM" in only(session.typed("/users", NOW)).line.text
    assert session.say("hello", NOW)
    assert session.say("  ", NOW) == []


def test_a_topic_is_shown(session: ChatSession) -> None:
    """/topic alone says what it is."""
    session.typed("/topic", NOW)
    session.received(server_packets.Topic(room="lobby", topic="work", nickname="bob", timestamp=NOON), NOW)
    session.typed("/topic", NOW)
    assert texts(session.book.current) == ["#lobby has no topic", "set the topic: work", "the topic is: work"]


def test_msg_opens_a_conversation(session: ChatSession) -> None:
    """With a text it is sent and one stays; without, one goes there."""
    send, note = session.typed("/msg bob hi there", NOW)
    assert send == SendText("@bob", "hi there")
    assert isinstance(note, Show)
    assert session.book.current.target == "#lobby"
    assert session.typed("/w @bob", NOW) == []
    assert session.book.current.target == "@bob"
    assert list(session.typed("/msg bob again", NOW)) == [SendText("@bob", "again")]
    assert next(iter(session.typed("/msg #lobby hi", NOW))) == SendText("#lobby", "hi")
    assert session.typed("/leave", NOW) == []
    assert session.book.targets() == ["#lobby"]


def test_what_is_open_is_listed_with_its_number() -> None:
    """The number is the one that Alt and a digit lead to."""
    session = entered()
    session.typed("/msg bob", NOW)
    (shown,) = session.typed("/switch", NOW)
    assert isinstance(shown, Show)
    assert shown.line.text == "1 #lobby  2 @bob"


def test_without_a_screen_things_are_listed() -> None:
    """In a pipe /history lists messages, and a list of hits does not become the place where one is."""
    session = entered(paged=False)
    for typed, limit in (("/history 7", 7), ("/history 999", 200)):
        assert session.typed(typed, NOW) == [
            Ask(client_packets.History(room="lobby", limit=limit), "#lobby", Purpose.PRINT)
        ]
    (ask,) = session.typed("/history", NOW)
    assert ask == Ask(client_packets.History(room="lobby"), "#lobby", Purpose.PRINT)
    shown = session.answered(ask, server_packets.History(room="lobby", messages=[msg(1), msg(2)], more=False), NOW)
    assert [show.line.id for show in shown] == [1, 2]
    (ask,) = session.typed("/search word", NOW)
    shown = session.answered(ask, server_packets.Search(query="word", messages=[msg(1)], more=False), NOW)
    assert shown[-1].line.text.startswith("/context NUMBER")
    assert session.book.current.target == "#lobby"
    assert list(session.typed("/msg bob hi", NOW)) == [SendText("@bob", "hi")]
    session.received(server_packets.Gap(after=1, id=9), NOW)
    assert "/history lists some" in texts(session.book.current)[-1]


def test_switching_takes_names_and_numbers() -> None:
    """A view is found by number, name, or target."""
    session = entered("lobby", "dev")
    session.book.open("@bob")
    for typed, target in [("2", "#dev"), ("bob", "@bob"), ("#Lobby", "#lobby"), ("dev", "#dev"), ("@bob", "@bob")]:
        assert session.typed(f"/switch {typed}", NOW) == []
        assert session.book.current.target == target
    assert session.typed("/close", NOW) == []
    assert session.book.current.target == "#dev"
    assert list(session.typed("/close", NOW)) == [Ask(client_packets.Leave(room="dev"), "#dev")]
    session.book.close("*")  # the first view is always there
    session.book.close("#nowhere")
    session.book.switch("#nowhere")
    assert session.book.current.target == "#dev"
    for target in ("#dev", "#lobby"):
        session.book.close(target)
    assert session.book.targets() == ["*"]
    session.book.step(+1)
