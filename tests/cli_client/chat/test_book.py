"""The views that are open, and the one that the person looks at."""

from cli_client.chat.session import ChatSession
from tcp_server.protocol import server_packets
from tests.cli_client.chat.sessions import NOW, entered, texts
from tests.cli_client.scripted_server import NOON, msg


def test_times_are_in_the_persons_zone(session: ChatSession) -> None:
    """The server writes UTC; a timestamp that can't be read counts as now."""
    session.received(msg(1), NOW)
    assert session.book.current.lines[0].at.hour == 13
    session.received(server_packets.Msg(id=2, nickname="bob", message="x", timestamp="?", room="lobby"), NOW)
    assert session.book.current.lines[1].at == NOW


def test_what_is_unread_is_counted() -> None:
    """Elsewhere, and apart where one is named; looking there reads it; one's own is never unread."""
    session = entered("lobby", "dev")
    session.received(msg(1, room="dev"), NOW)
    session.received(msg(2, "Alice: look", room="dev"), NOW)
    session.received(msg(3, "mine", "alice", room="dev"), NOW)
    session.received(msg(4, "psst", to="alice"), NOW)
    session.received(msg(5), NOW)
    counts = [(view.target, view.attention.unread, view.attention.mentions) for view in session.book.views]
    assert counts == [("#lobby", 0, 0), ("#dev", 2, 1), ("@bob", 1, 1)]
    session.book.step(+1, unread=True)
    assert (session.book.current.target, session.book.current.attention.unread) == ("#dev", 0)
    session.book.step(-1)
    session.book.step(-1)
    assert session.book.current.target == "@bob"
    session.book.step(+1, unread=True)  # nothing is: one stays
    assert session.book.current.target == "@bob"


def test_what_is_new_is_marked() -> None:
    """Below the last line that was seen before one looked away; not where nothing came, nor for long."""
    session = entered("lobby", "dev")
    session.received(msg(1), NOW)
    session.book.switch("#dev")
    session.received(msg(2), NOW)
    session.book.switch("#lobby")
    lobby = session.book.current
    assert lobby.attention.marker is lobby.lines[0]
    session.book.switch("#dev")
    session.book.switch("#lobby")
    assert lobby.attention.marker is None


def test_words_before_the_first_room_move_there() -> None:
    """The message of the day is not left behind on a screen that nobody sees."""
    session = ChatSession("alice", NOW)
    session.book.note("welcome")
    session.received(server_packets.Ready(nickname="alice", rooms=["lobby"]), NOW)
    assert texts(session.book.current) == ["welcome"]


def renamed(old: str, nickname: str) -> server_packets.Nick:
    return server_packets.Nick(room="lobby", old=old, nickname=nickname, timestamp=NOON)


def test_a_talk_takes_over_an_earlier_one_under_its_new_name() -> None:
    """Whichever of the two the person looks at: it is read and answered where it is on the screen."""
    for looked_at in ("@ben", "@benny", "#lobby"):
        session = entered("lobby")
        session.received(msg(1, "from the first benny", "benny", to="alice"), NOW)
        session.received(msg(2, "from ben", "ben", to="alice"), NOW)
        session.book.switch(looked_at)
        session.received(renamed("ben", "benny"), NOW)
        assert session.book.targets() == ["#lobby", "@benny"]
        session.received(msg(3, "can you read me", "benny", to="alice"), NOW)
        view = session.book.find("@benny")
        assert view is not None
        assert texts(view) == ["from the first benny", "from ben", "can you read me"]
        assert (session.book.current is view) == (looked_at != "#lobby")
        assert view.attention.unread == (0 if looked_at != "#lobby" else 3)
        assert view.oldest_id == 2  # the first benny's are of another history
        session.received(msg(1, "from the first benny", "benny", to="alice"), NOW)
        assert len(view.lines) == 3


def test_a_room_that_was_asked_for_is_looked_at_first() -> None:
    """Among those that the person is in already."""
    session = ChatSession("alice", NOW)
    session.book.expect_room("Dev")
    session.received(server_packets.Ready(nickname="alice", rooms=["books", "dev", "lobby"]), NOW)
    assert session.book.current.target == "#dev"
    session.book.switch("#books")
    session.received(server_packets.RoomState(room="dev", count=1, topic="", users=["alice"], id=0), NOW)
    assert session.book.current.target == "#books"
