"""Replays with a hub and ports by themselves: what the log is asked, and what becomes of its replay."""

import pytest

from tcp_server.chat.outputs import Send
from tcp_server.chat.state import Session
from tcp_server.delivery.direct import DirectPort
from tcp_server.delivery.fanout import Fanout
from tcp_server.delivery.pace import Pace, PaceEvent
from tcp_server.delivery.replays import CATCH_UPS_MAX, PAGE, CatchUp, Replays
from tcp_server.log.interface import LinkReplay, Replay, ReplayQuery, Span, Viewer
from tcp_server.net.outlet import Outlet
from tests.tcp_server.delivery.ports import KeptConnection, make_fanout
from tests.tcp_server.stage import Stage


class Scene:
    """Alice on a port, and the replays under test."""

    def __init__(self) -> None:
        self.stage = Stage()
        self.fanout: Fanout[Outlet] = make_fanout()
        self.wakes = 0
        self.replays = Replays(self.stage.hub, self.fanout, self._wake)
        self.connection = KeptConnection()
        self.port = self.enter("alice", self.connection)

    def _wake(self) -> None:
        self.wakes += 1

    def enter(self, nickname: str, connection: KeptConnection) -> DirectPort:
        """Return the live port of a user that is in the lobby."""
        session = self.stage.enter(nickname, rooms=["lobby"])
        port = DirectPort(connection, SessionHost(session, self.replays))  # type: ignore[arg-type]
        session.port = port
        port.move(PaceEvent.OPENED)
        port.subscribe(self.fanout, self.stage.hub.directory.rooms["lobby"])
        return port

    def congest(self, newest: int = 0) -> None:
        self.connection.is_congested = True
        self.port.congested()
        self.replays.fall_behind(newest)

    def relieve(self) -> CatchUp:
        """Let the connection take bytes again, and return what the log is asked for."""
        self.connection.is_congested = False
        self.port.relieved()
        (catch_up,) = self.replays.take()
        assert isinstance(catch_up, CatchUp)
        return catch_up


class SessionHost:
    """Gives a port a session that is open already, and passes on what it reports."""

    def __init__(self, session: Session, replays: Replays) -> None:
        self._session = session
        self.congested = replays.congested
        self.relieved = replays.relieved

    def open_session(self, port: DirectPort) -> Session:
        return self._session


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_congested_and_relieved(scene: Scene) -> None:
    """From the id at which it fell behind; it hears its rooms again at the end."""
    scene.congest(newest=41)
    assert (scene.port.pace, scene.port.rooms) == (Pace.BEHIND, ())
    assert scene.replays.take() == []
    catch_up = scene.relieve()
    assert catch_up.query == ReplayQuery(Viewer(1, ("lobby",)), 41, scene.port.page)
    following = scene.replays.send(catch_up, Replay([b'{"id":42}'], 42, True))
    assert following is not None
    assert [type(output).__name__ for output in following] == ["SendNewest"]
    scene.replays.finish(catch_up)
    scene.fanout.flush()
    assert (scene.port.pace, [room.key for room in scene.port.rooms]) == (Pace.LIVE, ["lobby"])
    assert (scene.connection.bodies(), scene.connection.told) == (['{"id":42}'], ["stop reading", "proceed", "proceed"])


def test_relieved_before_the_tick_ends(scene: Scene) -> None:
    """It never was behind."""
    scene.replays.congested(scene.port)
    scene.replays.relieved(scene.port)
    scene.replays.fall_behind(0)
    assert (scene.port.pace, scene.replays.take()) == (Pace.LIVE, [])


def test_page_after_page(scene: Scene) -> None:
    """The next one is wanted with the next tick, from where the last one ended, and as long as suits the messages."""
    scene.congest()
    catch_up = scene.relieve()
    wakes = scene.wakes
    assert scene.replays.send(catch_up, Replay([b"x" * 100] * 16, 16, False)) is None
    assert (scene.wakes, scene.port.after) == (wakes + 1, 16)
    (following,) = scene.replays.take()
    assert (following.query.after, following.query.limit) == (16, PAGE)


def test_congested_again_between_two_pages(scene: Scene) -> None:
    """Nothing is read for it then."""
    scene.congest()
    scene.replays.send(scene.relieve(), Replay([b"x"], 1, False))
    scene.congest()
    assert scene.replays.take() == []
    assert scene.relieve().query.after == 1


@pytest.mark.parametrize(("is_foreign", "span"), [(False, Span.RECENT), (True, Span.NEWEST)])
def test_a_session_that_comes_back(scene: Scene, is_foreign: bool, span: Span) -> None:
    """The first page follows the rules of a resume, later ones have everything; the session is busy until the end."""
    port, session = scene.port, scene.port.session
    port.unsubscribe_all(scene.fanout)
    port.pace, session.busy = Pace.OPENING, True
    scene.replays.begin(session, 5, is_foreign)
    (first,) = scene.replays.take()
    assert isinstance(first.query, ReplayQuery)
    assert first.query.span is span
    assert scene.replays.send(first, Replay([b"x"], 9, False)) is None
    (second,) = scene.replays.take()
    assert isinstance(second.query, ReplayQuery)
    assert (second.query.span, second.query.after, session.busy) == (Span.ALL, 9, True)
    assert scene.replays.send(second, Replay([], 9, True)) == []
    scene.replays.finish(second)
    assert not session.busy


def test_held_answers_follow_the_replay(scene: Scene) -> None:
    """In their order."""
    scene.congest()
    answers = [Send(scene.port.session, b"1"), Send(scene.port.session, b"2")]
    for answer in answers:
        scene.port.postpone(answer)
    following = scene.replays.send(scene.relieve(), Replay([], 0, True))
    assert following is not None
    assert following[-2:] == answers


def test_a_replay_that_comes_too_late(scene: Scene) -> None:
    """Of a session that has ended, or that stands elsewhere by now."""
    scene.congest()
    catch_up = scene.relieve()
    scene.port.after = 3
    assert scene.replays.send(catch_up, Replay([b"x"], 1, True)) is None
    scene.port.after = catch_up.query.after
    scene.port.close(scene.fanout, b"")
    scene.replays.forget(scene.port)
    assert scene.replays.send(catch_up, Replay([b"x"], 1, True)) is None
    assert scene.connection.bodies() == []
    scene.replays.want(scene.port)
    assert scene.replays.take() == []


def test_a_crowd_is_read_for_in_turns(scene: Scene) -> None:
    """Few in a tick, and all in the end."""
    ports = [scene.enter(f"guest{number}", KeptConnection()) for number in range(CATCH_UPS_MAX + 3)]
    for port in ports:
        scene.replays.congested(port)
    scene.replays.fall_behind(0)
    for port in ports:
        scene.replays.relieved(port)
    first, second = scene.replays.take(), scene.replays.take()
    assert [catch_up.end for catch_up in first + second] == ports
    assert len(first) == CATCH_UPS_MAX


def test_a_replay_of_the_wrong_kind(scene: Scene) -> None:
    """The log never does that."""
    scene.congest()
    with pytest.raises(AssertionError):
        scene.replays.send(scene.relieve(), LinkReplay([], 0, True))
