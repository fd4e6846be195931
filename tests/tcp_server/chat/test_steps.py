"""The steps that actions share: what is due when, and bodies that are made once for many sessions."""

from collections import Counter

from tcp_server.chat.outputs import Send, SendNewest
from tcp_server.chat.state import Session, user_of
from tcp_server.chat.steps import BIG_ROOM, COUNT_SECONDS
from tests.tcp_server.stage import Stage

SESSIONS = 20


def sessions_of_one_user(stage: Stage) -> list[Session]:
    first = stage.connect()
    stage.receive(first, "NICK", nickname="many", rooms=["lobby"])
    token = next(packet["token"] for packet in stage.take(first) if packet["type"] == "READY")
    sessions = [first]
    for _ in range(SESSIONS - 1):
        session = stage.connect()
        stage.receive(session, "NICK", nickname="many", token=token)
        sessions.append(session)
    stage.forget()
    return sessions


def test_a_rooms_state_is_encoded_once_for_all_sessions() -> None:
    """A user may have a thousand; only the asker's answer, with its `ref`, is another body."""
    stage = Stage()
    sessions = sessions_of_one_user(stage)
    stage.receive_body(sessions[0], b'{"type":"JOIN","room":"tea","ref":"r"}')
    states = [output for output in stage.outputs if isinstance(output, SendNewest) and output.room is not None]
    assert len(states) == SESSIONS
    assert sorted(Counter(id(state.body) for state in states).values()) == [1, SESSIONS - 1]


def test_a_renamed_user_is_told_by_one_body() -> None:
    """READY, with one token for all other sessions."""
    stage = Stage()
    sessions = sessions_of_one_user(stage)
    stage.receive_body(sessions[0], b'{"type":"NICK","nickname":"few","ref":"r"}')
    ready = [output for output in stage.outputs if isinstance(output, SendNewest) and output.room is None]
    assert sorted(Counter(id(one.body) for one in ready).values()) == [1, SESSIONS - 1]


def test_a_big_room_tells_its_count_once_for_many_arrivals() -> None:
    """One body for each arrival's own sessions, and after a while one count for all."""
    stage = Stage()
    members = [stage.enter(f"guest{number}", rooms=["arena"]) for number in range(BIG_ROOM)]
    sessions = sessions_of_one_user(stage)
    stage.receive(sessions[0], "JOIN", room="arena")
    joins = [output for output in stage.outputs if isinstance(output, Send) and b'"JOIN"' in output.body]
    assert len(joins) == SESSIONS
    assert len({id(join.body) for join in joins}) == 1
    stage.forget()
    stage.wait(COUNT_SECONDS)
    counts = [packet for packet in stage.take(members[0]) if packet["type"] == "ROOM"]
    assert [packet["count"] for packet in counts] == [BIG_ROOM + 1]


def test_what_is_due_first() -> None:
    """Of openings, graces and counts."""
    stage = Stage(grace_seconds=7)
    alice = stage.enter("alice")
    assert stage.hub.next_due() is None
    stage.cut(alice)
    assert stage.hub.next_due() == 7
    stage.wait(1)
    stage.connect()
    assert stage.hub.next_due() == 7
    stage.wait(6)
    assert stage.hub.next_due() == 61
    assert user_of(stage.enter("alice")).nickname == "alice"
