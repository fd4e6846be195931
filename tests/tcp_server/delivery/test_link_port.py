"""A session's port on a link: its number, what the bridge is told, and where things wait while the link is behind."""

import pytest

from tcp_server.chat.outputs import Send, StartHearing
from tcp_server.chat.state import Room
from tcp_server.delivery.fanout import Fanout
from tcp_server.delivery.link_port import INBOX_BYTES, INBOX_PACKETS, NEWEST, LinkPort
from tcp_server.delivery.pace import Pace, PaceEvent
from tcp_server.delivery.postponed import ANSWERS_MAX
from tcp_server.net.outlet import Outlet
from tests.tcp_server.delivery.ports import KeptConnection, chatting, make_fanout

TEA, MILK = Room("tea", "Tea"), Room("milk", "milk")


class NotingCarrier:
    """A link that notes what its port asks of it."""

    def __init__(self) -> None:
        self.connection = KeptConnection()
        self.is_behind = False
        self.after = 7
        self.leaving: list[LinkPort] = []
        self.told: list[str] = []

    def subscribe(self, fanout: Fanout[Outlet], room: Room) -> None:
        self.told.append(f"+{room.key}")

    def unsubscribe(self, fanout: Fanout[Outlet], room: Room) -> None:
        self.told.append(f"-{room.key}")

    def forget(self, port: LinkPort) -> None:
        self.told.append(f"forget {port.number}")

    def proceed(self, port: LinkPort) -> None:
        self.told.append(f"proceed {port.number}")


@pytest.fixture
def link() -> NotingCarrier:
    return NotingCarrier()


@pytest.fixture
def port(link: NotingCarrier) -> LinkPort:
    port = LinkPort(link, 3)  # type: ignore[arg-type]
    chatting(port)
    port.renew_share(1)
    return port


@pytest.fixture
def fanout() -> Fanout[Outlet]:
    return make_fanout()


def sent(link: NotingCarrier, fanout: Fanout[Outlet]) -> list[str]:
    fanout.flush()
    return link.connection.bodies()


def test_packets_carry_the_number(link: NotingCarrier, port: LinkPort, fanout: Fanout[Outlet]) -> None:
    """As their first key."""
    port.send(fanout, b'{"type":"PONG"}')
    assert sent(link, fanout) == ['{"session":3,"type":"PONG"}']


def test_the_bridge_is_told_of_subscriptions(link: NotingCarrier, port: LinkPort, fanout: Fanout[Outlet]) -> None:
    """By the name that is shown."""
    port.subscribe(fanout, TEA)
    port.unsubscribe(fanout, TEA)
    assert sent(link, fanout) == [
        '{"session":3,"type":"SUBSCRIBE","room":"Tea"}',
        '{"session":3,"type":"UNSUBSCRIBE","room":"Tea"}',
    ]
    assert (link.told, port.rooms) == (["+tea", "-tea"], ())


def test_who_is_behind(link: NotingCarrier, port: LinkPort) -> None:
    """The link as a whole, or the session alone."""
    link.is_behind = True
    assert (port.is_behind, port.is_connection_behind) == (True, True)
    link.is_behind = False
    port.move(PaceEvent.RETURNED)
    assert (port.is_behind, port.is_connection_behind) == (True, False)


def test_packets_that_wait(port: LinkPort) -> None:
    """So many, in order; with more, all are refused until none waits."""
    port.session.busy = True
    kept = [b"%d" % number for number in range(INBOX_PACKETS)]
    assert all(map(port.keep, kept))
    assert not port.keep(b"too many")
    assert port.next_kept() is None
    port.session.busy = False
    taken = [port.next_kept() for _ in kept[:-1]]
    assert not port.keep(b"still one waits")
    assert [*taken, port.next_kept()] == kept
    assert (port.next_kept(), port.inbox_bytes, port.keep(b"again")) == (None, 0, True)


def test_long_packets_that_wait(port: LinkPort) -> None:
    """Their bytes count too."""
    long = b"x" * (INBOX_BYTES // 4)
    assert [port.keep(long) for _ in range(5)] == [True] * 4 + [False]
    assert port.inbox_bytes == INBOX_BYTES


@pytest.mark.parametrize("reason", ["share", "answers", "postponed", "busy", "behind"])
def test_why_packets_wait(port: LinkPort, reason: str) -> None:
    """Each reason by itself."""
    assert not port.is_waiting()
    if reason == "share":
        port.share = 0
    elif reason == "answers":
        port.session.owed = ANSWERS_MAX + 1
    elif reason == "postponed":
        port.postpone(Send(port.session, b"x" * (ANSWERS_MAX + 1)))
    elif reason == "busy":
        port.session.busy = True
    else:
        port.move(PaceEvent.RETURNED)
    assert port.is_waiting()


def test_an_answer_by_a_room(link: NotingCarrier, port: LinkPort, fanout: Fanout[Outlet]) -> None:
    """Goes past the subscription, under the session's number: a PAUSE that is on its way doesn't swallow it."""
    port.move(PaceEvent.OPENED)
    assert not port.begin_apart(fanout, TEA)
    port.subscribe(fanout, TEA)
    sent(link, fanout)
    assert port.begin_apart(fanout, TEA)
    port.end_apart(fanout, TEA, b'{"type":"TOPIC"}')
    assert sent(link, fanout) == [
        '{"session":3,"type":"UNSUBSCRIBE","room":"Tea"}',
        '{"session":3,"type":"TOPIC"}',
        '{"session":3,"type":"SUBSCRIBE","room":"Tea"}',
    ]
    assert (link.told, port.rooms) == (["+tea"], (TEA,))
    link.is_behind = True
    assert not port.begin_apart(fanout, TEA)


def test_rooms_change_while_the_link_is_behind(link: NotingCarrier, port: LinkPort, fanout: Fanout[Outlet]) -> None:
    """An opening session waits with the link; a live one leaves the link's replay, once."""
    link.is_behind = True
    change = StartHearing(port.session, TEA)
    port.change_rooms(fanout, change)
    assert (port.take_postponed(), link.leaving) == ([change], [])
    port.move(PaceEvent.OPENED)
    port.change_rooms(fanout, change)
    port.change_rooms(fanout, change)
    assert (link.leaving, port.pace, port.after) == ([port], Pace.BEHIND, 7)
    assert link.told == []


def test_rooms_change_while_only_the_session_is_behind(
    link: NotingCarrier, port: LinkPort, fanout: Fanout[Outlet]
) -> None:
    """As of any port: it learns of them when it has caught up."""
    port.move(PaceEvent.RETURNED)
    port.change_rooms(fanout, StartHearing(port.session, TEA))
    assert (link.told, port.rooms) == ([], ())


def test_a_pause_and_what_follows(link: NotingCarrier, port: LinkPort, fanout: Fanout[Outlet]) -> None:
    """No word of it to the bridge; caught up from what the browser has, but not from before where the port stood."""
    port.move(PaceEvent.OPENED)
    port.subscribe(fanout, TEA)
    sent(link, fanout)
    port.pause(fanout)
    port.pause(fanout)
    assert (port.pace, port.after, port.rooms, port.is_behind) == (Pace.PAUSED, NEWEST, (), True)
    assert (sent(link, fanout), link.told) == ([], ["+tea", "-tea"])
    assert port.resume(5)
    assert (port.pace, port.after) == (Pace.BEHIND, 5)
    port.pause(fanout)
    assert port.resume(9)
    assert port.after == 5
    assert not port.resume(1)


def test_a_resume_before_what_was_sent(port: LinkPort, fanout: Fanout[Outlet]) -> None:
    """The replay begins where the session began."""
    port.move(PaceEvent.OPENED)
    port.opened(fanout, 100)
    port.pause(fanout)
    assert port.resume(0)
    assert port.after == 100


def test_a_pause_before_ready(port: LinkPort, fanout: Fanout[Outlet]) -> None:
    """It is put off until the session goes live."""
    port.pause(fanout)
    assert (port.pace, port.is_pause_due) == (Pace.OPENING, True)
    port.move(PaceEvent.OPENED)
    port.opened(fanout, 5)
    assert (port.pace, port.is_pause_due) == (Pace.PAUSED, False)
    port.opened(fanout, 5)
    assert port.pace is Pace.PAUSED


def test_the_end(link: NotingCarrier, port: LinkPort, fanout: Fanout[Outlet]) -> None:
    """The last body, and no UNSUBSCRIBE; the connection is the link's and stays."""
    port.move(PaceEvent.OPENED)
    port.subscribe(fanout, MILK)
    sent(link, fanout)
    port.close(fanout, b'{"type":"BYE"}')
    assert (sent(link, fanout), link.told) == (['{"session":3,"type":"BYE"}'], ["+milk", "-milk", "forget 3"])
    assert (port.pace, link.connection.told) == (Pace.CLOSED, [])


def test_waiting_packets_go_on_by_the_link(link: NotingCarrier, port: LinkPort) -> None:
    """It has them."""
    port.proceed()
    assert link.told == ["proceed 3"]
