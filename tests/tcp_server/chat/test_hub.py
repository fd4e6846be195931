"""The hub by values: who does what, who hears what, in virtual time."""

import pytest

from tcp_server.chat import tokens
from tcp_server.chat.directory import Changes, Present
from tcp_server.chat.outputs import AskLog, Draft, GoLive, Murmur
from tcp_server.chat.phases import Phase
from tcp_server.chat.state import Room, Session, User, user_of
from tcp_server.chat.steps import BIG_ROOM, OPENING_SECONDS
from tcp_server.protocol.names import checked_nickname
from tests.tcp_server.stage import KEY, Stage, assert_sends, moment


def crowd(stage: Stage, count: int, room: str = "arena") -> list[Session]:
    prefix = "guest" if room == "arena" else room
    sessions = [stage.enter(f"{prefix}{number:03}", rooms=[room]) for number in range(count)]
    stage.forget()
    return sessions


def token(session: Session) -> str:
    user = user_of(session)
    return tokens.issue(KEY, user.uid, user.nickname, moment(0).timestamp)


# Opening


def test_60_seconds_without_ready() -> None:
    """BYE timeout, on the second; PINGs and refusals don't put it off."""
    stage = Stage()
    session = stage.connect()
    stage.wait(OPENING_SECONDS - 1)
    stage.receive(session, "PING")
    stage.receive(session, "NICK", nickname="root")
    assert_sends(stage, session, ("PONG", {"id": 0}), ("RETRY", {"reason": "reserved"}))
    stage.wait(0.999)
    assert_sends(stage, session)
    stage.wait(0.001)
    assert_sends(stage, session, ("BYE", {"reason": "timeout"}))
    assert stage.hub.next_due() is None


def test_ready_in_time() -> None:
    """Then the clock of the opening has stopped."""
    stage = Stage()
    session = stage.connect()
    assert stage.hub.next_due() == OPENING_SECONDS
    stage.receive(session, "NICK", nickname="alice")
    assert stage.hub.next_due() is None


def test_a_link_has_no_opening() -> None:
    """Its session turns into nothing."""
    stage = Stage()
    session = stage.connect()
    stage.hub.linked(session, "r")
    stage.apply()
    assert_sends(stage, session, ("READY", {"link": True, "ref": "r", "nickname": None}))
    assert stage.hub.next_due() is None
    stage.receive(session, "PING")
    assert_sends(stage, session)


def test_an_opening_by_its_outputs() -> None:
    """READY, each ROOM behind its subscription, and then it is live."""
    stage = Stage()
    stage.enter("alice", rooms=["one", "two"])
    kinds = [type(output).__name__ for output in stage.outputs if not isinstance(output, GoLive)]
    assert kinds == ["Send", "Broadcast", "Broadcast", "SendNewest"] + ["StartHearing", "SendNewest"] * 2
    assert isinstance(stage.outputs[-1], GoLive)
    assert (stage.outputs[-1].after, stage.outputs[-1].foreign) == (None, False)


@pytest.mark.parametrize(
    ("fields", "after", "foreign"),
    [
        ({"after": 0}, 0, False),
        ({"after": 0, "epoch": "epoch"}, 0, False),
        ({"after": 0, "epoch": "other"}, 0, True),
        ({"after": 1}, 1, False),
        ({"after": 10**30}, 10**30, False),
    ],
)
def test_a_resume_by_its_outputs(fields: dict[str, object], after: int, foreign: bool) -> None:
    """No subscription before the replay, and the session is busy until then."""
    stage = Stage()
    alice = stage.enter("alice", rooms=["one"])
    stage.forget()
    again = stage.connect()
    stage.receive(again, "NICK", nickname="alice", token=token(alice), **fields)
    assert [type(output).__name__ for output in stage.outputs[1:]] == ["SendNewest", "SendNewest", "GoLive"]
    assert stage.outputs[-1] == GoLive(again, after, foreign)
    assert again.busy


def test_a_servers_password() -> None:
    """Asked for before anything else is looked at."""
    stage = Stage(server_password="sesame")
    session = stage.connect()
    for fields in ({}, {"server_password": "Sesame"}):
        stage.receive(session, "NICK", nickname="root", ref="r", **fields)
        assert_sends(stage, session, ("RETRY", {"reason": "password", "ref": "r"}))
    stage.receive(session, "NICK", nickname="alice", server_password="sesame")
    assert session.phase is Phase.CHATTING


def test_the_tenth_refusal() -> None:
    """Of any kind; after READY they are not counted."""
    stage = Stage()
    session = stage.connect()
    for _ in range(9):
        stage.receive(session, "NICK", nickname="root")
    stage.take(session)
    stage.receive(session, "NICK", nickname="alice", rooms=[f"r{number}" for number in range(51)])
    assert_sends(stage, session, ("ERROR", {"code": "too_many"}), ("BYE", {"reason": "protocol"}))
    alice = stage.enter("alice")
    for _ in range(20):
        stage.receive(alice, "NICK", nickname="root")
    assert {packet["type"] for packet in stage.take(alice)} == {"RETRY"}


# Grace


def test_grace_to_the_second() -> None:
    """Held for 60 s, seen by nobody; then LEAVE (timeout) to each room."""
    stage = Stage()
    alice = stage.enter("alice", rooms=["one", "two"])
    bob = stage.enter("bob", rooms=["one", "two"])
    stage.forget()
    stage.cut(alice)
    stage.wait(59.9)
    assert_sends(stage, bob)
    stage.wait(0.1)
    leave = {"nickname": "alice", "reason": "timeout", "timestamp": "2026-11-22T10:01:00.000Z"}
    assert_sends(stage, bob, ("LEAVE", {"room": "one", **leave}), ("LEAVE", {"room": "two", **leave}))
    stage.enter("alice")


def test_coming_back_ends_the_grace() -> None:
    """And a further break begins it anew."""
    stage = Stage(grace_seconds=10)
    alice = stage.enter("alice", rooms=["one"])
    bob = stage.enter("bob", rooms=["one"])
    stage.forget()
    ticket = token(alice)
    for _ in range(3):
        stage.cut(alice)
        stage.wait(9)
        alice = stage.enter("alice", token=ticket)
    stage.wait(100)
    assert_sends(stage, bob)
    stage.cut(alice)
    stage.cut(alice)  # twice is once
    stage.wait(10)
    assert_sends(stage, bob, ("LEAVE", {"nickname": "alice", "reason": "timeout"}))


def test_each_is_held_by_its_own_clock() -> None:
    """Users are let go in the order of the breaks."""
    stage = Stage(grace_seconds=10)
    sessions = [stage.enter(f"guest{number}", rooms=["one"]) for number in range(4)]
    stage.forget()
    for session in sessions[:3]:
        stage.cut(session)
        stage.wait(1)
    assert stage.hub.next_due() == 10
    stage.wait(8.5)
    assert [packet["nickname"] for packet in stage.take(sessions[3])] == ["guest0", "guest1"]
    assert stage.hub.next_due() == 12


def test_a_session_given_up_is_in_grace_too() -> None:
    """BYE for a fault; the user is held."""
    stage = Stage()
    alice = stage.enter("alice", rooms=["one"])
    stage.forget()
    stage.receive_body(alice, b"\xff")
    assert_sends(stage, alice, ("BYE", {"reason": "protocol"}))
    stage.end(alice, "slow", "again")
    stage.receive(alice, "PING")
    stage.receive_body(alice, b"{")
    assert_sends(stage, alice)
    assert stage.hub.next_due() == 60
    stage.enter("alice", token=token_of(stage, "alice"))


def token_of(stage: Stage, nickname: str) -> str:
    user = stage.hub.directory.users[nickname]
    return tokens.issue(KEY, user.uid, nickname, "")


def test_the_roster_of_before() -> None:
    """Restored users are in grace; who doesn't come back leaves."""
    stage = Stage((Room("tea", "Tea", "leaves", 7),), grace_seconds=10)
    stage.hub.restore(77, checked_nickname("Zoë"), ["tea"], stage.now)
    bob = stage.enter("bob", rooms=["tea"])
    again = stage.enter("zoë", token=tokens.issue(KEY, 77, "Zoë", ""))
    assert user_of(again).uid == 77
    stage.wait(20)
    assert_sends(stage, bob)
    stage.hub.restore(78, checked_nickname("ghost"), ["tea"], stage.now)
    stage.wait(10)
    assert_sends(stage, bob, ("LEAVE", {"nickname": "ghost", "reason": "timeout"}))


def taken_changes(stage: Stage) -> Changes:
    changes = stage.hub.directory.take_changes()
    assert changes is not None
    return changes


def test_what_is_to_be_stored() -> None:
    """Who is present where, by uid, and rooms with their topics."""
    stage = Stage()
    alice = stage.enter("alice", rooms=["Tea"])
    changes = taken_changes(stage)
    assert changes.rooms == {"tea": ("Tea", "")}
    assert changes.roster == {1: Present("alice", ["tea"])}
    stage.receive(alice, "TOPIC", room="tea", topic="leaves")
    stage.receive(alice, "NICK", nickname="anna")
    changes = taken_changes(stage)
    assert changes.rooms == {"tea": ("Tea", "leaves")}
    assert changes.roster == {1: Present("anna", ["tea"])}
    stage.cut(alice)
    assert stage.hub.directory.take_changes() is None  # in grace it is still present
    stage.wait(60)
    assert taken_changes(stage).roster == {1: None}


# Big rooms


def test_up_to_200_members_everybody_hears_a_join() -> None:
    """The 201st arrival is told to itself alone."""
    stage = Stage()
    guests = crowd(stage, BIG_ROOM - 1)
    stage.enter("last", rooms=["arena"])
    assert_sends(stage, guests[0], ("JOIN", {"nickname": "last"}))
    over = stage.enter("over", rooms=[])
    stage.receive(over, "JOIN", room="arena", ref="r")
    assert_sends(
        stage, over, ("JOIN", {"nickname": "over"}), ("ROOM", {"count": BIG_ROOM + 1, "ref": "r", "room": "arena"})
    )
    assert_sends(stage, guests[0])


def test_the_count_comes_at_most_once_a_second() -> None:
    """However many come and go; nothing comes if nobody did."""
    stage = Stage()
    guests = crowd(stage, BIG_ROOM + 5)
    stage.wait(5)
    stage.forget()
    for number in range(10):
        stage.enter(f"more{number}", rooms=["arena"])
        stage.wait(0.0625)  # exact in binary
    assert_sends(stage, guests[0])
    stage.wait(0.375)
    assert_sends(stage, guests[0], ("ROOM", {"count": BIG_ROOM + 15, "users": None, "topic": None, "id": None}))
    stage.receive(guests[1], "LEAVE", room="arena", ref="r")
    assert_sends(stage, guests[1], ("ROOM", {"count": BIG_ROOM + 15}), ("LEAVE", {"nickname": "guest001", "ref": "r"}))
    stage.receive(guests[2], "BYE")
    left = ("LEAVE", {"nickname": "guest002", "reason": "quit"})
    assert_sends(stage, guests[2], ("ROOM", {"count": BIG_ROOM + 15}), left, ("BYE", {"reason": "quit"}))
    stage.wait(10)
    assert_sends(stage, guests[0], ("ROOM", {"count": BIG_ROOM + 13}))


def test_a_big_room_that_shrinks() -> None:
    """With 200 members everybody hears of everybody again."""
    stage = Stage()
    guests = crowd(stage, BIG_ROOM + 1)
    stage.wait(2)
    stage.forget()
    stage.receive(guests[1], "LEAVE", room="arena")
    stage.receive(guests[2], "LEAVE", room="arena")
    assert_sends(stage, guests[0], ("LEAVE", {"nickname": "guest002"}))


def test_arrivals_cost_the_same_however_big_the_room_is() -> None:
    """Outputs per arrival, and bytes, don't grow with the members."""
    stage = Stage()
    crowd(stage, 300)
    stage.enter("one", rooms=["arena"])
    first = sum(len(getattr(output, "body", b"")) for output in stage.outputs)
    crowd(stage, 600, "arena2")
    stage.forget()
    stage.enter("two", rooms=["arena2"])  # longer by a digit in each of 200 names
    second = sum(len(getattr(output, "body", b"")) for output in stage.outputs)
    assert second < first * 1.2


# Messages


def test_a_draft_is_what_the_log_keeps() -> None:
    """The body without type and id, with the server's nickname and time."""
    stage = Stage()
    alice = stage.enter("alice", rooms=["tea"])
    stage.enter("bob")
    stage.seconds = 1.5
    stage.forget()
    stage.receive(alice, "MSG", room="#TEA", message="hi", ref="r", action=True)
    stage.receive(alice, "MSG", to="BOB", message="psst")
    room, direct = [output for output in stage.outputs if isinstance(output, Draft)]
    assert room.rest == (
        b'"nickname":"alice","message":"hi","timestamp":"2026-11-22T10:00:01.500Z","room":"tea","action":true,"ref":"r"}'
    )
    assert (room.millis, room.ref, room.keys) == (moment(1.5).millis, "r", None)
    assert room.room is stage.hub.directory.rooms["tea"]
    assert direct.rest == (b'"nickname":"alice","message":"psst","timestamp":"2026-11-22T10:00:01.500Z","to":"bob"}')
    assert isinstance(direct.peer, User)
    assert (direct.peer.nickname, direct.keys, direct.room) == ("bob", ("alice", "bob"), None)


def test_a_refused_message_with_a_ref_is_looked_up() -> None:
    """Without one it is refused at once."""
    stage = Stage()
    alice = stage.enter("alice")
    stage.forget()
    stage.receive(alice, "MSG", room="nowhere", message="x")
    assert not any(isinstance(output, Draft) for output in stage.outputs)
    stage.receive(alice, "MSG", room="nowhere", message="x", ref="r")
    draft = stage.outputs[-1]
    assert isinstance(draft, Draft)
    assert draft.refusal is not None
    assert (draft.refusal[0], draft.ref, draft.room) == ("no_such_room", "r", None)
    assert [packet["code"] for packet in stage.take(alice)] == ["no_such_room"] * 2


def test_typing_to_a_user_may_be_left_out() -> None:
    """It is a murmur; it goes to all of the user's sessions, and is nothing for one in grace."""
    stage = Stage()
    alice, bob = stage.enter("alice"), stage.enter("bob")
    second = stage.enter("bob", token=token(bob))
    stage.forget()
    stage.receive(alice, "TYPING", to="bob")
    assert [(type(output), output.session) for output in stage.outputs if isinstance(output, Murmur)] == [
        (Murmur, bob),
        (Murmur, second),
    ]
    stage.cut(bob)
    stage.cut(second)
    stage.forget()
    stage.receive(alice, "TYPING", to="bob")
    assert stage.outputs == []


def test_readings_make_a_session_busy() -> None:
    """Until the answer was told; an answer for one that ended is dropped."""
    stage = Stage()
    alice = stage.enter("alice", rooms=["tea"])
    stage.forget()
    stage.receive(alice, "HISTORY", room="tea")
    assert isinstance(stage.outputs[-1], AskLog)
    assert alice.busy
    stage.hub.answered(alice, b'{"type":"HISTORY"}')
    stage.apply()
    assert_sends(stage, alice, ("HISTORY", {}))
    assert not alice.busy
    stage.receive(alice, "SEARCH", query="x")
    assert alice.busy
    stage.cut(alice)
    stage.forget()
    stage.hub.answered(alice, b'{"type":"SEARCH"}')
    assert stage.hub.take_outputs() == []


@pytest.mark.parametrize("type", ["HISTORY", "SEARCH"])
def test_a_refused_reading_leaves_it_free(type: str) -> None:
    """ERROR at once."""
    stage = Stage()
    alice = stage.enter("alice")
    stage.receive(alice, type, room="nowhere", query="x", ref="r")
    assert_sends(stage, alice, ("ERROR", {"code": "no_such_room", "ref": "r"}))
    assert not alice.busy


# Users with several sessions


def test_joining_and_leaving_moves_all_sessions() -> None:
    """Each is subscribed before the JOIN and unsubscribed behind the LEAVE."""
    stage = Stage()
    alice = stage.enter("alice", rooms=["one"])
    second = stage.enter("alice", token=token(alice))
    stage.forget()
    stage.receive(alice, "JOIN", room="two", ref="r")
    for session, ref in ((alice, "r"), (second, None)):
        assert_sends(stage, session, ("JOIN", {"room": "two"}), ("ROOM", {"room": "two", "ref": ref}))
    stage.receive(second, "LEAVE", room="two", ref="r")
    for session in (alice, second):
        assert_sends(stage, session, ("LEAVE", {"room": "two", "ref": "r"}))
    kinds = [type(output).__name__ for output in stage.outputs]
    assert kinds == ["StartHearing"] * 2 + ["Broadcast"] + ["SendNewest"] * 2 + ["Broadcast"] + ["StopHearing"] * 2


def test_quitting_by_the_last_session() -> None:
    """The LEAVEs come before the BYE."""
    stage = Stage()
    alice = stage.enter("alice", rooms=["one"])
    second = stage.enter("alice", token=token(alice))
    bob = stage.enter("bob", rooms=["one"])
    stage.forget()
    stage.receive(second, "BYE")
    assert_sends(stage, second, ("BYE", {"reason": "quit"}))
    assert_sends(stage, bob)
    stage.receive(alice, "BYE", message="night", ref="r")
    assert_sends(
        stage, alice, ("LEAVE", {"reason": "quit", "message": "night"}), ("BYE", {"reason": "quit", "ref": "r"})
    )
    assert_sends(stage, bob, ("LEAVE", {"reason": "quit", "message": "night", "ref": None}))
    assert stage.hub.next_due() is None


# Lists


def test_a_page_of_users_ends_where_the_packet_is_full() -> None:
    """200 names of the longest kind fit; 200 rooms with topics don't."""
    stage = Stage()
    sessions = [
        stage.enter(f"{'𒀀' * 28}{number:03}x", rooms=[f"{'𒀀' * 60}{number:03}", "arena"]) for number in range(220)
    ]
    for number, session in enumerate(sessions):
        stage.receive(session, "TOPIC", room=f"{'𒀀' * 60}{number:03}", topic='"' * 300)
    stage.forget()
    stage.receive(sessions[0], "USERS", room="arena")
    stage.receive(sessions[0], "ROOMS")
    users, rooms = stage.take(sessions[0])
    assert (len(users["users"]), users["more"]) == (200, True)
    assert 0 < len(rooms["rooms"]) < 200
    assert rooms["more"] is True
    assert all(len(getattr(output, "body", b"")) <= 65_500 for output in stage.outputs)


def test_only_ready_sessions_are_users() -> None:
    """Anything else would be a bug, and says so."""
    with pytest.raises(AssertionError, match="after READY"):
        user_of(Session(None))
