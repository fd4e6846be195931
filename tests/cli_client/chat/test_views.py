"""The lines of a view: their order, none twice, a bounded number."""

from cli_client.chat.lines import Kind, Line
from cli_client.chat.session import ChatSession
from cli_client.chat.views import LINES_MAX
from tcp_server.protocol import server_packets
from tests.cli_client.chat.sessions import NOW, outgoing
from tests.cli_client.scripted_server import msg


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


def test_pages_that_overlap_are_merged(session: ChatSession) -> None:
    """A message of a page that belongs among those that are here goes there."""
    view = session.book.current
    for number in (2, 4, 9):
        session.received(msg(number), NOW)
    view.prepend(session.book.message_line(msg(number)) for number in (1, 2, 3, 5))
    assert [line.id for line in view.lines] == [1, 2, 3, 4, 5, 9]


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


def test_a_page_brings_no_message_twice(session: ChatSession) -> None:
    """A message that came meanwhile in another way is passed over."""
    view = session.book.current
    session.received(msg(2), NOW)
    view.end_fetch([session.book.message_line(msg(number)) for number in (1, 2)], more=False)
    assert [line.id for line in view.lines] == [1, 2]
    assert not view.begin_fetch()


def test_a_fetch_is_under_way_once(session: ChatSession) -> None:
    """Until its page has come."""
    view = session.book.current
    assert not view.begin_fetch()
    view.expect_older()
    assert view.begin_fetch()
    assert not view.begin_fetch()
    view.end_fetch([], more=True)
    assert view.begin_fetch()
    view.fail_fetch()
    assert not view.begin_fetch()
