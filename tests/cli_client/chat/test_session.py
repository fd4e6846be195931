"""The session by values: what is typed or received goes in, actions and views come out."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from msgspec import UNSET

from cli_client.chat.book import mentions
from cli_client.chat.commands import COMMANDS, KEYS, TABLE
from cli_client.chat.effects import (
    Ask,
    Discard,
    Effect,
    Export,
    Purpose,
    Quit,
    Rename,
    Resend,
    ScrollUp,
    SendText,
    Show,
)
from cli_client.chat.lines import Fate, Kind, Line
from cli_client.chat.listing import snippet
from cli_client.chat.session import ChatSession
from cli_client.chat.views import LINES_MAX, View
from cli_client.library.events import Failed, Live, Lost, NotLetIn, Postponed, Sent
from cli_client.library.outbox import Outgoing, OutgoingState
from tcp_server.protocol import client_packets, server_packets
from tests.cli_client.scripted_server import NOON, msg

ZONE = timezone(timedelta(hours=1))
NOW = datetime(2026, 11, 22, 13, 30, tzinfo=ZONE)


@pytest.fixture
def session() -> ChatSession:
    return entered()


def entered(*rooms: str, paged: bool = True) -> ChatSession:
    """Return a session that is in these rooms, else in the lobby."""
    made = ChatSession("alice", NOW, paged=paged)
    made.received(server_packets.Ready(nickname="alice", rooms=list(rooms) or ["lobby"]), NOW)
    return made


def texts(view: View) -> list[str]:
    return [line.text for line in view.lines]


def only(actions: object) -> Effect:
    (action,) = actions  # type: ignore[misc]
    return action


def outgoing(ref: str = "r1", **fields: object) -> Outgoing:
    return Outgoing(ref, "hello", **({"room": "lobby"} | fields))


# -- what is typed ---------------------------------------------------------------------------------


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
        ("/join", "usage: /join ROOM …"),
        ("/join a!b", "the name may not hold U+0021; usage: /join ROOM …"),
        ("/me", "usage: /me TEXT"),
        ("/nick", "usage: /nick NAME"),
        ("/nick a b", "the name may not hold U+0020; usage: /nick NAME"),
        ("/msg", "usage: /msg NICKNAME [TEXT]"),
        ("/history x", "usage: /history [NUMBER]"),
        ("/history 0", "usage: /history [NUMBER]"),
        ("/search from:bob", "a search needs at least one word; usage: /search WORDS"),
        ("/search a since:never", "since: never is no date such as 2026-11-22; usage: /search WORDS"),
        ("/search a from:b!", "from: may not hold U+0021; usage: /search WORDS"),
        ("/search " + "a" * 101, "a search has at most 100 characters; usage: /search WORDS"),
        ("/context", "usage: /context NUMBER"),
        ("/context x", "usage: /context NUMBER"),
        ("/context 1", "there is no hit 1; /search finds some"),
        ("/export", "usage: /export FILE"),
        ("/switch nowhere", "nowhere is not open"),
        ("/retry", "no message has failed here"),
        ("/drop", "no message has failed here"),
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
    assert shown.pop() == KEYS
    for command, line in zip(TABLE, shown, strict=True):
        assert line.startswith(command.synopsis)
        assert line.endswith(command.help)
    session.typed("/help /msg", NOW)
    assert texts(session.book.current)[-1].endswith("(also /query, /w, /whisper)")
    session.typed("/help nick", NOW)
    assert texts(session.book.current)[-1] == "/nick NAME: take another nickname"
    assert len(COMMANDS) == sum(1 + len(command.aliases) for command in TABLE)  # no name twice


def test_a_text_needs_somebody_to_hear_it() -> None:
    """Before any room, and in the list of hits, a text is not sent."""
    session = ChatSession("alice", NOW)
    for typed in ("hello", "/me waves", "/history 3"):
        assert isinstance(only(session.typed(typed, NOW)), Show)
        assert session.book.current.lines[-1].kind is Kind.ERROR
    assert "only a room has a topic" in only(session.typed("/topic x", NOW)).line.text
    assert "usage: /users ROOM" in only(session.typed("/users", NOW)).line.text
    assert session.say("hello", NOW)
    assert session.say("  ", NOW) == []


def test_literal_text_is_sent_whatever_it_begins_with(session: ChatSession) -> None:
    """`say` knows no commands."""
    assert list(session.say("/quit", NOW)) == [SendText("#lobby", "/quit")]


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


# -- messages --------------------------------------------------------------------------------------


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


def test_a_message_is_shown_once(session: ChatSession) -> None:
    """Live, replayed or as history, by its id."""
    assert session.received(msg(5), NOW)
    assert not session.received(msg(5), NOW)
    assert [line.id for line in session.book.current.lines] == [5]


def test_a_late_message_goes_to_its_place(session: ChatSession) -> None:
    """The answer to a resend may be older than what is shown."""
    for number in (3, 9, 7):
        session.received(msg(number), NOW)
    assert [line.id for line in session.book.current.lines] == [3, 7, 9]


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


@pytest.mark.parametrize(
    ("text", "named"),
    [("alice", True), ("hi ALICE!", True), ("malice", False), ("alices", False), ("malice alice", True), ("", False)],
)
def test_a_name_is_a_word_of_its_own(text: str, named: bool) -> None:
    """A part of another word does not count."""
    assert mentions(text, "Alice") is named


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


# -- rooms -----------------------------------------------------------------------------------------


def test_rooms_come_and_go(session: ChatSession) -> None:
    """A room that was asked for is looked at; one that was left is closed."""
    session.typed("/join dev", NOW)
    session.received(server_packets.Join(room="dev", nickname="alice", timestamp=NOON), NOW)
    room = server_packets.Room(room="dev", count=2, topic="work", users=["alice", "bob"], id=7)
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
    session.answered(ask, server_packets.Room(room="dev", count=1, topic="", users=["alice"], id=0), NOW)
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
    session.received(server_packets.Room(room="dev", count=1, topic="", users=[], id=0), NOW)
    assert session.book.current.target == "#lobby"


def test_big_rooms_tell_only_numbers(session: ChatSession) -> None:
    """A ROOM with a count alone keeps topic and users."""
    session.received(server_packets.Room(room="lobby", count=2, topic="t", users=["alice", "bob"], id=0), NOW)
    session.received(server_packets.Room(room="lobby", count=500), NOW)
    assert (
        session.book.current.roster.count,
        session.book.current.roster.topic,
        len(session.book.current.roster.users),
    ) == (500, "t", 2)


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


def test_typing_shows_for_a_while(session: ChatSession) -> None:
    """Who types is named until the message comes or some seconds have gone; one's own is dropped."""
    for who in ("bob", "carol", "alice"):
        session.received(server_packets.Typing(room="lobby", nickname=who), NOW)
    assert session.book.current.roster.typists(NOW) == ["bob", "carol"]
    session.received(msg(1), NOW)
    assert session.book.current.roster.typists(NOW) == ["carol"]
    assert session.book.current.roster.typists(NOW + timedelta(seconds=7)) == []
    session.received(server_packets.Typing(to="alice", nickname="dave"), NOW)  # nobody looks: not shown


def test_the_rest_is_told(session: ChatSession) -> None:
    """Notices, errors and refusals are lines; the link is shown elsewhere."""
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


# -- looking back ----------------------------------------------------------------------------------


def test_older_messages_go_above(session: ChatSession) -> None:
    """Asked for once at a time, until there are no more; joins stay where they were."""
    session.received(server_packets.Room(room="lobby", count=1, topic="", users=[], id=9), NOW)
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


def test_pages_that_overlap_are_merged(session: ChatSession) -> None:
    """A message of a page that belongs among those that are here goes there."""
    view = session.book.current
    for number in (2, 4, 9):
        session.received(msg(number), NOW)
    view.prepend(session.book.message_line(msg(number)) for number in (1, 2, 3, 5))
    assert [line.id for line in view.lines] == [1, 2, 3, 4, 5, 9]


def test_a_refused_page_is_not_asked_for_again(session: ChatSession) -> None:
    """Else the screen would ask without end."""
    view = session.book.current
    view.more = True
    (ask,) = session.look_back()
    session.refused(ask, "no", NOW)
    assert session.look_back() == []


def test_a_hole_in_the_log_cuts_the_views(session: ChatSession) -> None:
    """After a GAP a view begins anew, so that going back has no hole; what is unsent stays."""
    session.received(msg(5), NOW)
    session.queued(outgoing(), NOW)
    session.received(server_packets.Gap(after=5, id=90), NOW)
    session.received(msg(90), NOW)
    view = session.book.current
    assert [line.id for line in view.lines] == [0, 90, 0]
    (ask,) = session.look_back()
    assert ask.request.before == 90


def test_long_views_are_cut_above(session: ChatSession) -> None:
    """Memory is bounded; whoever scrolls up there fetches it again, and nobody loses what they look at."""
    view = session.book.current
    for number in range(1, LINES_MAX + 2):
        session.received(msg(number), NOW)
    assert len(view.lines) < LINES_MAX
    assert view.more
    assert view.oldest_id > 1
    view.attention.anchor = view.lines[0]
    for number in range(LINES_MAX + 2, LINES_MAX + 1500):
        session.received(msg(number), NOW)
    assert view.attention.anchor in view.lines
    view.remove(view.attention.anchor)
    view.remove(Line(Kind.INFO, "not there", NOW))
    assert view.attention.anchor is None


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
    assert "a hit's number" in only(session.typed("seven", NOW)).line.text
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
    assert "no more hits" in only(session.typed("/more", NOW)).line.text
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


@pytest.mark.parametrize(
    ("typed", "when"),
    [
        ("2026-11-01", datetime(2026, 11, 1, tzinfo=ZONE)),
        ("2026-11-01T10:30", datetime(2026, 11, 1, 10, 30, tzinfo=ZONE)),
        ("2026-11-01T10:30Z", datetime(2026, 11, 1, 10, 30, tzinfo=UTC)),
        ("today", datetime(2026, 11, 22, tzinfo=ZONE)),
        ("yesterday", datetime(2026, 11, 21, tzinfo=ZONE)),
    ],
)
def test_dates_are_in_the_persons_zone(session: ChatSession, typed: str, when: datetime) -> None:
    """A date is the beginning of its day here; a zone that is given counts."""
    (ask,) = session.typed(f"/search a after:{typed} until:{typed} x: :y", NOW)
    assert ask.request.since == ask.request.until == when
    assert ask.request.query == "a x: :y"
