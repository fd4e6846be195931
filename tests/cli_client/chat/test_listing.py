"""Answers to questions: older messages, hits, context, members and rooms."""

from datetime import datetime

import pytest
from msgspec import UNSET

from cli_client.chat.effects import (
    Ask,
    Purpose,
)
from cli_client.chat.lines import Kind
from cli_client.chat.listing import snippet
from cli_client.chat.session import ChatSession
from tcp_server.protocol import client_packets, server_packets
from tests.cli_client.chat.sessions import NOW, ZONE, only, texts
from tests.cli_client.scripted_server import NOON, msg


def test_older_messages_go_above(session: ChatSession) -> None:
    """Asked for once at a time, until there are no more; joins stay where they were."""
    session.received(server_packets.RoomState(room="lobby", count=1, topic="", users=[], id=9), NOW)
    session.received(server_packets.Join(room="lobby", nickname="bob", timestamp=NOON), NOW)
    view = session.book.current
    (ask,) = session.look_back()
    assert ask == Ask(client_packets.History(room="lobby", limit=50), "#lobby", Purpose.OLDER)
    assert session.look_back() == []
    early = "2026-11-22T11:00:00.000Z"
    page = [server_packets.Msg(id=n, nickname="bob", message="x", timestamp=early, room="lobby") for n in (7, 9)]
    session.answered(ask, server_packets.History(room="lobby", messages=page, more=True), NOW)
    assert [line.id for line in view.lines] == [7, 9, 0]
    session.received(msg(10), NOW)
    (ask,) = session.look_back()
    assert ask.request.before == 7
    page = [server_packets.Msg(id=n, nickname="bob", message="x", timestamp=early, room="lobby") for n in (2, 3, 7)]
    session.answered(ask, server_packets.History(room="lobby", messages=page, more=False), NOW)
    assert [line.id for line in view.lines] == [2, 3, 7, 9, 0, 10]
    assert session.look_back() == []
    session.book.close("#lobby")
    session.answered(ask, server_packets.History(room="lobby", messages=page, more=False), NOW)


def test_a_refused_page_is_not_asked_for_again(session: ChatSession) -> None:
    """Else the screen would ask without end."""
    view = session.book.current
    view.more = True
    (ask,) = session.look_back()
    session.refused(ask, "no", NOW)
    assert session.look_back() == []


def test_hits_are_numbered_and_lead_to_their_context(session: ChatSession) -> None:
    """A number typed in the list shows what was said around the hit, before and after."""
    (ask,) = session.typed("/search Hello from:@bob in:#dev since:2026-11-01 before:today", NOW)
    wanted = ask.request
    assert (wanted.query, wanted.sender, wanted.room, wanted.limit) == ("Hello", "bob", "dev", 10)
    assert wanted.since == datetime(2026, 11, 1, tzinfo=ZONE)
    assert wanted.until == datetime(2026, 11, 22, tzinfo=ZONE)
    found = [msg(9, "hello you", room="dev"), msg(4, "hello", to="alice")]
    session.answered(ask, server_packets.Search(query="Hello", messages=found, more=True), NOW)
    view = session.book.current
    assert [(line.number, line.target) for line in view.lines if line.kind is Kind.HIT] == [(1, "#dev"), (2, "@bob")]
    (ask,) = session.typed("2", NOW)
    assert ask == Ask(client_packets.History(to="bob", before=5, limit=7), "@bob", Purpose.CONTEXT, number=2)
    before = server_packets.History(to="alice", messages=[msg(3, to="alice"), msg(4, to="alice")], more=True)
    (ask,) = session.answered(ask, before, NOW)
    assert (ask.request.after, ask.request.before) == (4, UNSET)
    shown = session.answered(ask, server_packets.History(to="alice", messages=[msg(6, to="alice")], more=False), NOW)
    assert [show.line.mention for show in shown] == [False, False, True, False]
    assert session.book.current is view
    assert "type the number of one" in only(session.typed("seven", NOW)).line.text
    session.book.close("?")
    assert session.book.current.target == "#lobby"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("short\n\ttext", "short text"),
        ("x" * 200, "x" * 90 + "…"),
        ("a" * 100 + " Needle " + "b" * 100, "…" + "a" * 29 + " Needle " + "b" * 53 + "…"),
        ("a" * 100 + " needle", "…" + "a" * 83 + " needle"),
    ],
)
def test_a_hit_shows_where_the_word_is(text: str, shown: str) -> None:
    """In one line of bounded length, whatever the message was."""
    assert snippet(text, "needle other") == shown


def test_older_hits_go_on_counting(session: ChatSession) -> None:
    """/more asks for what is older than the last hit, until there is nothing."""
    (ask,) = session.typed("/find word", NOW)
    session.answered(ask, server_packets.Search(query="word", messages=[msg(9)], more=True), NOW)
    (ask,) = session.typed("/more", NOW)
    assert ask.request.before == 9
    session.answered(ask, server_packets.Search(query="word", messages=[msg(5)], more=False), NOW)
    assert session.book.hits.get(2) == ("#lobby", 5)
    assert session.book.hits.get(3) is session.book.hits.get(0) is None
    assert "no older hits" in only(session.typed("/more", NOW)).line.text
    (ask,) = session.typed("/search other", NOW)
    session.answered(ask, server_packets.Search(query="other", messages=[], more=False), NOW)
    assert texts(session.book.current)[-1] == "nothing was found"
    assert session.book.hits.get(1) is None


def test_a_context_of_nothing_is_shown(session: ChatSession) -> None:
    """A hit that was pruned meanwhile has no neighbours."""
    (ask,) = session.typed("/search word", NOW)
    session.answered(ask, server_packets.Search(query="word", messages=[msg(9)], more=False), NOW)
    (ask,) = session.typed("/c 1", NOW)
    shown = session.answered(ask, server_packets.History(room="lobby", messages=[], more=False), NOW)
    assert [show.line.text for show in shown] == ["around hit 1, in #lobby:"]


def test_lists_are_told_page_by_page(session: ChatSession) -> None:
    """Members and rooms, with another question while there are more."""
    ask = Ask(client_packets.Users(room="dev"), "#dev")
    page = server_packets.Users(room="dev", count=3, users=["a", "b"], more=True)
    shown, again = session.answered(ask, page, NOW)
    assert shown.line.text == "3 in #dev: a, b"
    assert again.request.after == "b"
    session.answered(again, server_packets.Users(room="dev", count=0, users=[], more=False), NOW)
    assert texts(session.book.current)[-1] == "#dev is empty"
    entries = [server_packets.RoomEntry("dev", "work", 1), server_packets.RoomEntry("lobby", "", 2)]
    *shown, again = session.answered(Ask(client_packets.Rooms()), server_packets.Rooms(rooms=entries, more=True), NOW)
    assert [show.line.text for show in shown] == ["#dev, 1 member: work", "#lobby, 2 members"]
    assert again.request.after == "lobby"
    shown = session.answered(again, server_packets.Rooms(rooms=[], more=False), NOW)
    assert only(shown).line.text == "no room has members"


def test_more_follows_the_place_where_the_server_stopped_looking(session: ChatSession) -> None:
    """A page may be empty, and the next one has hits."""
    (ask,) = session.typed("/search rare", NOW)
    session.answered(ask, server_packets.Search(query="rare", messages=[], more=True, before=500), NOW)
    assert texts(session.book.current)[-1] == "nothing was found so far; /more looks at older messages"
    (ask,) = session.typed("/more", NOW)
    assert ask.request.before == 500
    session.answered(ask, server_packets.Search(query="rare", messages=[msg(9)], more=True, before=7), NOW)
    (ask,) = session.typed("/more", NOW)
    assert ask.request.before == 7
    session.answered(ask, server_packets.Search(query="rare", messages=[], more=False), NOW)
    assert texts(session.book.current)[-1] == "nothing was found"
