"""The session by values: events of the library go in, effects and views come out."""

from datetime import timedelta

from cli_client.chat.display import defuse
from cli_client.chat.effects import (
    Discard,
    Resend,
    SendText,
    Show,
)
from cli_client.chat.lines import Fate, Kind
from cli_client.chat.session import ChatSession
from cli_client.library.events import Failed, Live, Lost, NotLetIn, Postponed, Sent
from cli_client.library.outbox import OutgoingState
from tcp_server.protocol import server_packets
from tests.cli_client.chat.sessions import NOW, entered, only, outgoing, texts
from tests.cli_client.scripted_server import NOON, msg


def test_literal_text_is_sent_whatever_it_begins_with(session: ChatSession) -> None:
    """`say` knows no commands."""
    assert list(session.say("/quit", NOW)) == [SendText("#lobby", "/quit")]


def test_a_pending_line_becomes_the_message(session: ChatSession) -> None:
    """Shown at once, and once: its echo takes its place, after what came before it in the log."""
    session.queued(outgoing(), NOW)
    line = session.book.current.lines[0]
    assert (line.fate, line.text) == (Fate.PENDING, "hello")
    session.received(msg(1), NOW)
    assert [line.fate for line in session.book.current.lines] == [Fate.SENT, Fate.PENDING]
    shown = only(session.received(msg(2, "hello", "alice", ref="r1"), NOW))
    assert isinstance(shown, Show)
    session.received(Sent(outgoing(), msg(2)), NOW)
    assert [(line.id, line.fate) for line in session.book.current.lines] == [(1, Fate.SENT), (2, Fate.SENT)]


def test_sent_alone_takes_the_pending_line_away(session: ChatSession) -> None:
    """When the message itself was shown before without its ref."""
    session.queued(outgoing(), NOW)
    session.received(msg(2, "hello", "alice"), NOW)
    session.received(Sent(outgoing(), msg(2)), NOW)
    assert [line.id for line in session.book.current.lines] == [2]


def test_a_failed_message_says_why(session: ChatSession) -> None:
    """It stays with its reason; /retry and /drop name it; elsewhere a word tells of it."""
    session.queued(outgoing(), NOW)
    failed = outgoing(state=OutgoingState.FAILED, reason="too fast")
    session.received(Postponed(outgoing(reason="wait")), NOW)
    assert (session.book.current.lines[0].fate, session.book.current.lines[0].reason) == (Fate.PENDING, "wait")
    session.received(Failed(failed), NOW)
    assert (session.book.current.lines[0].fate, session.book.current.lines[0].reason) == (Fate.FAILED, "too fast")
    assert list(session.typed("/retry", NOW)) == [Resend(("r1",))]
    session.retried("r1")
    assert session.book.current.lines[0].fate is Fate.PENDING
    session.received(Failed(failed), NOW)
    assert list(session.typed("/drop", NOW)) == [Discard(("r1",))]
    session.discarded("r1")
    assert session.book.current.lines == []
    session.queued(outgoing("r2", to="bob", room=None), NOW)
    session.received(Failed(outgoing("r2", to="bob", room=None, state=OutgoingState.FAILED, reason="nobody")), NOW)
    session.received(Failed(outgoing("r3", room="gone", state=OutgoingState.FAILED, reason="left")), NOW)
    assert texts(session.book.current) == ["not sent to @bob: nobody", "not sent to #gone: left"]


def test_rooms_come_and_go(session: ChatSession) -> None:
    """A room that was asked for is looked at; one that was left is closed."""
    session.typed("/join dev", NOW)
    session.received(server_packets.Join(room="dev", nickname="alice", timestamp=NOON), NOW)
    room = server_packets.RoomState(room="dev", count=2, topic="work", users=["alice", "bob"], id=7)
    session.received(room, NOW)
    view = session.book.current
    assert (view.target, view.roster.topic, view.roster.count, view.more) == ("#dev", "work", 2, True)
    session.received(server_packets.Leave(room="dev", nickname="bob", timestamp=NOON, reason="timeout"), NOW)
    session.received(
        server_packets.Leave(room="dev", nickname="carol", timestamp=NOON, reason="left", message="tea"), NOW
    )
    assert texts(view) == ["joined", "lost the connection", "left: tea"]
    assert view.roster.count == 0
    session.received(server_packets.Leave(room="dev", nickname="alice", timestamp=NOON, reason="kicked"), NOW)
    assert session.book.targets() == ["#lobby"]
    assert texts(session.book.current) == ["you were removed: #dev"]
    leave = server_packets.Leave(room="dev", nickname="bob", timestamp=NOON, reason="left")
    assert session.received(leave, NOW) == []


def test_the_answer_to_join_and_leave_is_enough(session: ChatSession) -> None:
    """What is typed next need not wait for the events."""
    (ask,) = session.typed("/join dev", NOW)
    session.answered(ask, server_packets.RoomState(room="dev", count=1, topic="", users=["alice"], id=0), NOW)
    assert session.book.current.target == "#dev"
    (ask,) = session.typed("/leave", NOW)
    left = server_packets.Leave(room="dev", nickname="alice", timestamp=NOON, reason="left")
    session.answered(ask, left, NOW)
    assert session.book.current.target == "#lobby"
    assert session.answered(ask, server_packets.Pong(), NOW) == []


def test_a_room_that_is_refused_is_not_waited_for(session: ChatSession) -> None:
    """It doesn't take the screen when it opens later for another reason."""
    (ask,) = session.typed("/join dev", NOW)
    session.refused(ask, "no such luck", NOW)
    session.received(server_packets.RoomState(room="dev", count=1, topic="", users=[], id=0), NOW)
    assert session.book.current.target == "#lobby"


def test_ready_says_where_we_are() -> None:
    """Rooms that are not ours any more are closed, conversations stay."""
    session = entered("lobby", "dev")
    session.book.open("@bob")
    session.received(server_packets.Ready(nickname="Alice", rooms=["dev"]), NOW)
    assert session.book.targets() == ["#dev", "@bob"]
    assert (session.book.nickname, session.book.current.target) == ("Alice", "#dev")


def test_a_rename_is_followed(session: ChatSession) -> None:
    """Members, conversations and we ourselves go on under the new name."""
    session.received(server_packets.Join(room="lobby", nickname="bob", timestamp=NOON), NOW)
    session.received(msg(1, to="alice"), NOW)
    session.received(server_packets.Nick(room="lobby", old="bob", nickname="rob", timestamp=NOON), NOW)
    assert session.book.targets() == ["#lobby", "@rob"]
    assert list(session.book.find("#lobby").roster.users) == ["rob"]
    session.received(server_packets.Nick(room="lobby", old="alice", nickname="al", timestamp=NOON), NOW)
    assert session.book.nickname == "al"


def test_the_rest_is_told(session: ChatSession) -> None:
    """Notices, errors and refusals are lines; the connection is shown elsewhere."""
    session.received(server_packets.Notice(message="going down"), NOW)
    session.received(server_packets.Error(code="forbidden", message="no"), NOW)
    for _ in range(3):
        session.received(NotLetIn("alice", "taken", "alice is taken"), NOW)
    session.received(Live(True), NOW)
    session.received(Lost("gone", 1.0), NOW)
    assert [(line.kind, line.text) for line in session.book.current.lines] == [
        (Kind.NOTICE, "going down"),
        (Kind.ERROR, "no"),
        (Kind.ERROR, "alice is taken; /nick NAME tries another nickname"),
    ]


def test_the_words_of_a_reason_stay_as_they_are(session: ChatSession) -> None:
    """Only the client's own sentence is turned to the person."""
    for reason, message, shown in [
        ("left", "it was fun", "you left: it was fun: #dev"),
        ("kicked", "it was time", "you were removed: it was time: #dev"),
        ("kicked", None, "you were removed: #dev"),
    ]:
        session.book.open("#dev")
        leave = server_packets.Leave(room="dev", nickname="alice", timestamp=NOON, reason=reason, message=message)
        session.received(leave, NOW)
        assert session.book.current.lines[-1].text == shown


def test_a_notice_that_is_repeated_is_shown_once(session: ChatSession) -> None:
    """A bridge without a server says so every two seconds; another text, and the same much later, is news."""
    for seconds, text in [(0, "no server"), (2, "no server"), (4, "no server"), (5, "soon"), (7, "no server")]:
        session.received(server_packets.Notice(message=text), NOW + timedelta(seconds=seconds))
    session.received(server_packets.Notice(message="no server"), NOW + timedelta(seconds=30))
    assert texts(session.book.current) == ["no server", "soon", "no server", "no server"]


def test_names_from_right_to_left_turn_no_sentence_around(session: ChatSession) -> None:
    """The marks around them keep the words in their order, whatever the terminal does."""
    old, new = "שלום", "مرحبا"
    session.received(server_packets.Nick(room="lobby", old=old, nickname=new, timestamp=NOON), NOW)
    session.received(server_packets.Nick(room="lobby", old="bob", nickname="rob", timestamp=NOON), NOW)
    assert texts(session.book.current) == [f"is now \u200e{new}\u200e", "is now rob"]


def test_what_a_server_says_is_harmless_where_it_enters(session: ChatSession) -> None:
    """Names, topics and reasons too, and no longer than the protocol allows."""
    evil = "\x1b[31m\x9b\u202e"
    state = server_packets.RoomState(room=evil, count=1, topic=evil, users=[evil, "x" * 999], id=0)
    session.received(state, NOW)
    view = session.book.views[-1]
    assert view.target == f"#{defuse(evil)}"
    assert view.roster.topic == defuse(evil)
    assert list(map(len, view.roster.users.values())) == [len(evil), 64]
    session.book.switch(view.target)
    assert session.book.current is view
    view.more = True
    assert session.look_back()
