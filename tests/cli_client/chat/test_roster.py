"""The topic, the members and the typists of a room."""

from datetime import timedelta

from cli_client.chat.roster import Roster
from cli_client.chat.session import ChatSession
from tcp_server.protocol import server_packets
from tests.cli_client.chat.sessions import NOW
from tests.cli_client.scripted_server import msg


def test_big_rooms_tell_only_numbers(session: ChatSession) -> None:
    """A ROOM with a count alone keeps topic and users."""
    session.received(server_packets.RoomState(room="lobby", count=2, topic="t", users=["alice", "bob"], id=0), NOW)
    session.received(server_packets.RoomState(room="lobby", count=500), NOW)
    assert (
        session.book.current.roster.count,
        session.book.current.roster.topic,
        len(session.book.current.roster.users),
    ) == (500, "t", 2)


def test_typing_shows_for_a_while(session: ChatSession) -> None:
    """Who types is named until the message comes or some seconds have gone; one's own is dropped."""
    for who in ("bob", "carol", "alice"):
        session.received(server_packets.Typing(room="lobby", nickname=who), NOW)
    assert session.book.current.roster.typists(NOW) == ["bob", "carol"]
    session.received(msg(1), NOW)
    assert session.book.current.roster.typists(NOW) == ["carol"]
    assert session.book.current.roster.typists(NOW + timedelta(seconds=7)) == []
    session.received(server_packets.Typing(to="alice", nickname="dave"), NOW)  # nobody looks: not shown


def test_members_are_counted_also_where_they_are_not_listed() -> None:
    """A member of a big room counts down when it leaves, and nobody counts twice."""
    roster = Roster()
    roster.enter("bob")
    roster.enter("BOB")
    assert (roster.count, list(roster.users.values())) == (1, ["bob"])
    roster.describe(server_packets.RoomState(room="big", count=500))
    roster.leave("carol")
    roster.leave("bob")
    assert (roster.count, roster.users) == (498, {})
    empty = Roster()
    empty.leave("dave")
    assert empty.count is None
