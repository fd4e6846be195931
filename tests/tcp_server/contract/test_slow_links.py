"""PROTOCOL.md section 6, held against a running server: slow browsers, and a bridge on a bad line."""

import json

import pytest

from tcp_server.wordpacket import encode
from tests.tcp_server.bridge import kinds
from tests.tcp_server.client import pack
from tests.tcp_server.conftest import Connect, Link, Meet

LONG = "x" * 8000


def test_a_paused_session_gets_no_messages(link: Link, connect: Connect, room: str) -> None:
    """RESUME is answered, then the replay as session packets, the SUBSCRIBEs, a ROOM for each; then the PONG."""
    bridge = link()
    bridge.enter(1, "alice", rooms=[room])
    bridge.enter(2, "bob", rooms=[room])
    carol = connect("carol", rooms=[room])
    bridge.take(1)
    bridge.take(2)
    carol.sync()
    first = carol.say("first", room)
    assert bridge.take(1) == bridge.take(2) == [first]
    bridge.pause(1)
    missed = [carol.say(str(number), room) for number in range(300)]
    missed.append(carol.ask("MSG", to="alice", message="direct"))
    carol.ask("TOPIC", room=room, topic="meanwhile")
    assert [packet for packet in bridge.take(2) if packet["type"] == "MSG"] == missed[:-1]
    assert bridge.seen[1] == []
    bridge.send("PING", session=1, ref="p")
    bridge.send("RESUME", session=1, after=first["id"], ref="back")
    assert bridge.deliver() == {"session": 1, "type": "RESUME", "ref": "back"}
    for message in missed:
        assert bridge.deliver() == {"session": 1, **message}
    assert bridge.deliver() == {"session": 1, "type": "SUBSCRIBE", "room": room}
    state = bridge.deliver()
    assert (state["session"], state["type"], state["topic"], state["id"]) == (1, "ROOM", "meanwhile", missed[-2]["id"])
    pong = bridge.deliver()
    assert pong == {"session": 1, "type": "PONG", "id": missed[-1]["id"], "ref": "p"}
    live = carol.say("live", room)
    assert bridge.take(1)[-1] == live


def test_resume_of_who_is_not_paused_is_nothing(link: Link, room: str) -> None:
    """It hears what it hears."""
    bridge = link()
    bridge.enter(1, "alice", rooms=[room])
    bridge.send("MSG", session=1, room=room, message="x")
    bridge.take(1)
    bridge.send("RESUME", session=1, after=0)
    assert bridge.take(1) == []


def test_what_a_paused_session_says_goes_out(link: Link, connect: Connect, room: str) -> None:
    """Its own echo comes with the replay, its rooms as they are then."""
    bridge = link()
    ready = bridge.enter(1, "alice", rooms=[room])
    bob = connect("bob", rooms=[room])
    bridge.take(1)
    bridge.pause(1)
    bridge.send("MSG", session=1, room=room, message="from the dark", ref="r")
    said = bob.find("MSG", message="from the dark")
    bridge.send("JOIN", session=1, room=f"{room}-2", ref="j")
    bridge.send("LEAVE", session=1, room=room, ref="l")
    bob.find("LEAVE", nickname="alice")
    bridge.send("RESUME", session=1, after=ready["id"])
    bridge.until("RESUME", session=1)
    shown = bridge.take(1)
    assert said in shown or room not in bridge.rooms_of[1]
    assert bridge.rooms_of[1] == {f"{room}-2"}
    assert any(packet["type"] == "ROOM" and packet["room"] == f"{room}-2" for packet in shown)


@pytest.mark.parametrize("type", ["MSG", "JOIN", "LEAVE", "TOPIC", "NICK", "USERS", "HISTORY", "PING"])
def test_no_direct_answer_is_lost_between_pause_and_resume(link: Link, room: str, type: str) -> None:
    """Asked, paused and resumed in one segment: what the bridge may drop in between is not the answer."""
    bridge = link()
    ready = bridge.enter(1, f"alice-{room}", rooms=[room])
    bridge.take(1)
    fields = {"room": f"{room}-2" if type == "JOIN" else room, "message": "x", "topic": "x", "nickname": f"rob-{room}"}
    bridge.send_bytes(
        encode(pack(type, {"session": 1, "ref": "asked", **fields}))
        + encode(pack("PAUSE", {"session": 1}))
        + encode(pack("RESUME", {"session": 1, "after": ready["id"]}))
    )
    bridge.rooms_of[1].clear()  # by its own PAUSE
    answer = {"JOIN": "ROOM", "NICK": "READY", "PING": "PONG"}.get(type, type)
    assert [packet["type"] for packet in bridge.take(1) if packet.get("ref") == "asked"] == [answer]


def test_a_session_may_resume_over_10000(link: Link, connect: Connect, room: str) -> None:
    """RESUME has no such rule: everything comes."""
    bridge = link()
    bridge.enter(1, "alice", rooms=[room])
    bob = connect("bob", rooms=[room])
    bridge.take(1)
    bridge.pause(1)
    packet = encode(json.dumps({"room": room, "message": "x"}).encode())
    ids: list[int] = []
    for _ in range(11):
        bob.send_bytes(packet * 1000)
        ids += [bob.find("MSG")["id"] for _ in range(1000)]
    bridge.send("RESUME", session=1, after=ids[0] - 1)
    bridge.until("RESUME", session=1)
    shown = bridge.take(1)
    assert [message["id"] for message in shown if message["type"] == "MSG"] == ids


def test_a_session_that_resumes_on_a_link(link: Link, connect: Connect, room: str) -> None:
    """READY, ROOM, the missed ones as session packets, then the SUBSCRIBE: no hole, no repeat."""
    bridge = link()
    ready = bridge.enter(1, "alice", rooms=[room])
    bob = connect("bob", rooms=[room])
    bridge.send("CLOSE", session=1)
    bridge.send("PING", ref="p")
    bridge.until("PONG", ref="p")
    missed = [bob.say(str(number), room) for number in range(300)]
    bridge.rooms_of[1] = set()
    bridge.seen[2], bridge.rooms_of[2] = [], set()
    bridge.send("OPEN", session=2, address="x")
    bridge.send("NICK", session=2, nickname="alice", token=ready["token"], after=ready["id"])
    kinds = []
    while True:
        packet = bridge.deliver()
        kinds.append(packet["type"])
        if packet["type"] == "SUBSCRIBE":
            break
    assert kinds == ["HELLO", "READY", "ROOM"] + ["MSG"] * 300 + ["SUBSCRIBE"]
    assert [packet for packet in bridge.seen[2] if packet["type"] == "MSG"] == missed
    live = bob.say("live", room)
    assert bridge.take(2)[-1] == live


# A bridge on a bad line


def test_a_lagging_link_is_caught_up_as_one(link: Link, meet: Meet, room: str) -> None:
    """Room packets cross once, and every browser sees all, in order."""
    alice, bob = meet("alice", "bob")
    bridge = link(lags=True)
    for session in (1, 2, 3):
        bridge.enter(session, f"browser{session}", rooms=[room, f"{room}-{session}"])
    for session in (1, 2, 3):
        bridge.take(session)
    ids = []
    direct = 0
    for number in range(1500):  # 12 MB, more than a link may have waiting and the kernel buffers
        ids.append(alice.say(LONG[:7900], room)["id"])
        if number == 700:
            direct = alice.ask("MSG", to="browser2", message="direct")["id"]
    crossed = 0
    while True:
        packet = bridge.deliver()
        crossed += packet["type"] == "MSG" and packet.get("room") == room
        if packet.get("id") == ids[-1] and packet["type"] == "MSG":
            break
    assert crossed == len(ids)
    for session in (1, 2, 3):
        shown = [packet["id"] for packet in bridge.take(session) if packet["type"] == "MSG"]
        assert shown == (sorted([*ids, direct]) if session == 2 else ids)
    live = alice.say("live", room)
    bridge.until("MSG", id=live["id"])
    bob.find("MSG", id=live["id"])


def test_a_lagging_link_with_changing_rooms(link: Link, meet: Meet, connect: Connect, room: str) -> None:
    """Users who come, go and leave rooms from elsewhere meanwhile: nobody on the link misses or doubles a message."""
    (alice,) = meet("alice")
    bridge = link(lags=True)
    readies = {session: bridge.enter(session, f"browser{session}", rooms=[room]) for session in (1, 2, 3)}
    for session in (1, 2, 3):
        bridge.take(session)
    second = connect("browser1", token=readies[1]["token"])  # another session of browser 1, elsewhere
    other = f"{room}-other"
    ids: list[int] = []
    others: list[int] = []
    for number in range(1400):
        ids.append(alice.say(LONG[:7900], room)["id"])
        if number == 1000:
            assert second.ask("JOIN", room=other)["type"] == "ROOM"
            alice.ask("JOIN", room=other)
        elif number == 1300:
            second.ask("LEAVE", room=room)
        elif number > 1000 and number % 100 == 0:
            others.append(alice.say("other", other)["id"])
    before = ids[:1301]
    bridge.send("PING", ref="end")
    bridge.until("PONG", ref="end")
    shown = {session: [p["id"] for p in bridge.take(session) if p["type"] == "MSG"] for session in (1, 2, 3)}
    assert shown[2] == shown[3] == ids
    mine = [id for id in shown[1] if id not in others]
    assert mine == sorted(set(mine))
    assert set(mine) <= set(before)
    assert [id for id in shown[1] if id in others] == others
    assert shown[1] == sorted(shown[1])
    assert bridge.rooms_of[1] == {other}
    live = alice.say("live", other)
    assert live in bridge.take(1)
    second.leave()


@pytest.mark.parametrize("type", ["TOPIC", "LEAVE"])
def test_a_direct_answer_that_crosses_a_pause(link: Link, room: str, type: str) -> None:
    """The bridge drops what comes for the room, since its PAUSE is on its way, but not what comes for the session."""
    bridge = link()
    ready = bridge.enter(1, f"alice-{room}", rooms=[room])
    bridge.enter(2, f"bob-{room}", rooms=[room])
    bridge.take(1)
    bridge.take(2)
    bridge.send(type, session=1, room=room, topic="x", ref="asked")
    bridge.send("PING", session=2, ref="answered")
    answers = []
    while True:
        packet = bridge.read()
        if packet["type"] == type:
            answers.append((packet.get("session"), packet["ref"]))
        if packet.get("ref") == "answered":
            break
    assert answers == [(None, "asked"), (1, "asked")]
    bridge.send("PAUSE", session=1)
    bridge.send("RESUME", session=1, after=ready["id"])
    bridge.rooms_of[1].clear()
    bridge.take(1)
    assert bridge.rooms_of[1] == ({room} if type == "TOPIC" else set())


@pytest.mark.parametrize("type", ["TOPIC", "LEAVE"])
def test_an_answer_by_a_room_comes_once(link: Link, room: str, type: str) -> None:
    """To the asker as to everybody."""
    bridge = link()
    for session, nickname in ((1, "alice"), (2, "bob")):
        bridge.enter(session, f"{nickname}-{room}", rooms=[room])
    bridge.take(1)
    bridge.take(2)
    bridge.send(type, session=1, room=room, topic="x", ref="asked")
    for session in (1, 2):
        assert [packet["type"] for packet in bridge.take(session)] == [type]
    assert bridge.rooms_of[1] == ({room} if type == "TOPIC" else set())
    bridge.send("MSG", session=2, room=room, message="still there?")
    assert kinds(bridge.take(1)) == (["MSG still there?"] if type == "TOPIC" else [])
