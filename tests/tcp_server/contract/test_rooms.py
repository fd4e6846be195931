"""PROTOCOL.md section 4, held against a running server: coming, going, topics, new names, typing."""

import re

from tests.tcp_server.conftest import Connect, Meet

TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")  # RFC 3339, UTC, milliseconds


def test_join(meet: Meet, connect: Connect, room: str) -> None:
    """All members get the JOIN, the new one too; then it gets the ROOM."""
    (alice,) = meet("alice")
    echo = alice.say("first", room)
    bob = connect("bob")
    bob.send("JOIN", room=room)
    join = bob.expect("JOIN", room=room, nickname="bob")
    assert TIMESTAMP.fullmatch(join["timestamp"])
    bob.expect("ROOM", room=room, topic="", count=2, users=["alice", "bob"], id=echo["id"])
    assert alice.read() == join
    assert alice.sync() == bob.sync() == []


def test_joining_again_is_answered_to_oneself_alone(meet: Meet, room: str) -> None:
    """Already in: only the ROOM."""
    alice, bob = meet("alice", "bob")
    bob.send("JOIN", room=room.upper())
    bob.expect("ROOM", room=room, count=2)
    assert alice.sync() == bob.sync() == []


def test_leave(meet: Meet, room: str) -> None:
    """All members get the LEAVE, the leaver too; afterwards it hears the room no more."""
    alice, bob = meet("alice", "bob")
    bob.send("LEAVE", room=room, message="tea", ref="r")
    leave = bob.expect("LEAVE", room=room, nickname="bob", reason="left", message="tea", ref="r")
    assert TIMESTAMP.fullmatch(leave["timestamp"])
    assert alice.read() == leave
    alice.say("gone?", room)
    assert bob.sync() == []
    assert alice.ask("USERS", room=room)["users"] == ["alice"]


def test_leave_without_a_message(meet: Meet, room: str) -> None:
    """Then there is no such key."""
    alice, bob = meet("alice", "bob")
    bob.send("LEAVE", room=room)
    alice.expect("LEAVE", message=None, ref=None)


def test_leaving_a_room_that_one_is_not_in(connect: Connect, meet: Meet, room: str) -> None:
    """It exists or it was never seen: two codes."""
    meet("alice")
    bob = connect("bob")
    for type, fields in (
        ("LEAVE", {}),
        ("MSG", {"message": "x"}),
        ("TOPIC", {"topic": "x"}),
        ("TYPING", {}),
        ("HISTORY", {}),
        ("SEARCH", {"query": "x"}),
    ):
        assert bob.ask(type, room=room, **fields)["code"] == "not_in_room"
        assert bob.ask(type, room=f"{room}-nowhere", **fields)["code"] == "no_such_room"
    assert bob.ask("USERS", room=f"{room}-nowhere")["code"] == "no_such_room"
    assert bob.ask("USERS", room=room)["users"] == ["alice"]  # lists need no membership


def test_topic(meet: Meet, connect: Connect, room: str) -> None:
    """All members get it, and who joins later sees it; an empty one clears it."""
    alice, bob = meet("alice", "bob")
    alice.send("TOPIC", room=room, topic="Tea & 茶", ref="r")
    topic = alice.expect("TOPIC", room=room, topic="Tea & 茶", nickname="alice", ref="r")
    assert TIMESTAMP.fullmatch(topic["timestamp"])
    assert bob.read() == topic
    assert connect("carol", rooms=[room]).rooms[0]["topic"] == "Tea & 茶"
    assert bob.ask("TOPIC", room=room, topic="")["topic"] == ""
    assert bob.ask("JOIN", room=room)["topic"] == ""


def test_a_topic_outlives_the_members(connect: Connect, room: str) -> None:
    """An empty room leaves ROOMS (USERS: count 0), but its topic and log stay."""
    alice = connect("alice", rooms=[room])
    alice.ask("TOPIC", room=room, topic="still here")
    alice.say("so am I", room)
    alice.ask("LEAVE", room=room)
    assert room not in [entry["room"] for entry in alice.ask("ROOMS")["rooms"]]
    users = alice.ask("USERS", room=room)
    assert (users["count"], users["users"], users["more"]) == (0, [], False)
    assert alice.ask("JOIN", room=room)["topic"] == "still here"
    assert alice.ask("HISTORY", room=room)["messages"][0]["message"] == "so am I"


def test_a_new_nickname(meet: Meet, connect: Connect, room: str) -> None:
    """Each of the user's rooms gets the NICK, the user a READY with a new token; the old name is free at once."""
    alice, bob = meet("alice", "bob")
    alice.ask("JOIN", room=f"{room}-2")
    alice.send("NICK", nickname="Alicia", ref="r")
    nick = alice.expect("NICK", room=room, old="alice", nickname="Alicia")
    assert TIMESTAMP.fullmatch(nick["timestamp"])
    alice.expect("NICK", room=f"{room}-2", old="alice", nickname="Alicia")
    ready = alice.expect("READY", nickname="Alicia", ref="r", rooms=[room, f"{room}-2"])
    assert ready["token"] != alice.ready["token"]
    assert ready["epoch"] == alice.ready["epoch"]
    assert bob.read() == nick
    assert alice.sync() == bob.sync() == []
    assert bob.ask("USERS", room=room)["users"] == ["Alicia", "bob"]
    another = connect("alice", rooms=[room])
    assert another.rooms[0]["users"] == ["alice", "Alicia", "bob"]
    assert alice.say("it's me", room)["nickname"] == "Alicia"
    alice.ready = ready


def test_a_new_nickname_may_be_refused(meet: Meet, room: str) -> None:
    """RETRY to the one session, and nobody else hears of it."""
    alice, bob = meet("alice", "bob")
    for nickname, reason in (("BOB", "taken"), ("root", "reserved"), ("two words", "invalid"), ("n" * 33, "invalid")):
        alice.send("NICK", nickname=nickname, ref="r")
        alice.expect("RETRY", nickname=nickname[:32], reason=reason, ref="r")
    assert alice.sync() == bob.sync() == []
    assert alice.say("unchanged", room)["nickname"] == "alice"


def test_the_same_nickname_written_otherwise(meet: Meet, room: str) -> None:
    """One's own name isn't taken."""
    (alice,) = meet("alice")
    alice.send("NICK", nickname="ALICE")
    alice.expect("NICK", old="alice", nickname="ALICE")
    alice.ready = alice.expect("READY", nickname="ALICE")
    assert alice.ask("USERS", room=room)["users"] == ["ALICE"]


def test_a_rename_reaches_all_sessions(meet: Meet, connect: Connect, room: str) -> None:
    """All of the user's sessions get a new READY; the `ref` is the asker's."""
    (alice,) = meet("alice")
    second = connect("alice", token=alice.ready["token"])
    alice.send("NICK", nickname="alicia", ref="r")
    second.expect("NICK", room=room, nickname="alicia")
    second.ready = second.expect("READY", nickname="alicia", ref=None)
    alice.expect("NICK", room=room, nickname="alicia")
    alice.ready = alice.expect("READY", nickname="alicia", ref="r")
    assert alice.sync() == second.sync() == []


def test_typing_in_a_room(meet: Meet, room: str) -> None:
    """It goes to the room and never into the log."""
    alice, bob = meet("alice", "bob")
    alice.send("TYPING", room=room)
    bob.expect("TYPING", room=room, nickname="alice", to=None)
    assert bob.ask("HISTORY", room=room)["messages"] == []


def test_typing_to_somebody(meet: Meet) -> None:
    """Only that user's sessions get it."""
    alice, bob, carol = meet("alice", "bob", "carol")
    alice.send("TYPING", to="BOB")
    bob.expect("TYPING", to="bob", nickname="alice", room=None)
    assert carol.sync() == []
    assert alice.ask("TYPING", to="nobody")["code"] == "no_such_user"


def test_bye(meet: Meet, room: str) -> None:
    """LEAVE (quit) to the rooms, BYE quit to the client, and the nickname is free."""
    alice, bob = meet("alice", "bob")
    bob.send("BYE", message="good night", ref="r")
    bob.find("BYE", reason="quit", ref="r")
    assert bob.read_to_end() == []
    alice.expect("LEAVE", room=room, nickname="bob", reason="quit", message="good night")
    assert alice.ask("NICK", nickname="bob")["type"] == "READY"


def test_bye_of_one_of_two_sessions(meet: Meet, connect: Connect, room: str) -> None:
    """Nobody hears of it: the user is still there."""
    alice, bob = meet("alice", "bob")
    second = connect("bob", token=bob.ready["token"])
    second.send("BYE")
    second.assert_ends("quit")
    assert alice.sync() == bob.sync() == []
    assert bob.say("still here", room)["nickname"] == "bob"


def test_rooms_belong_to_the_user(meet: Meet, connect: Connect, room: str) -> None:
    """All its sessions hear them, whichever joined or left."""
    (alice,) = meet("alice")
    second = connect("alice", token=alice.ready["token"])
    assert second.ready["rooms"] == [room]
    second.send("JOIN", room=f"{room}-2", ref="r")
    second.expect("JOIN", room=f"{room}-2", nickname="alice")
    second.expect("ROOM", room=f"{room}-2", count=1, ref="r")
    alice.expect("JOIN", room=f"{room}-2", nickname="alice")
    alice.expect("ROOM", room=f"{room}-2", count=1, ref=None)
    alice.send("LEAVE", room=room)
    alice.expect("LEAVE", room=room)
    second.expect("LEAVE", room=room)
    third = connect("alice", token=alice.ready["token"], rooms=[f"{room}-3"])
    assert third.ready["rooms"] == [f"{room}-2", f"{room}-3"]
    alice.expect("JOIN", room=f"{room}-3")
    alice.expect("ROOM", room=f"{room}-3")
    assert alice.sync() == third.sync() == []


def test_a_further_session_must_prove_the_user(meet: Meet, connect: Connect) -> None:
    """With a good token; without one, or with another's, RETRY taken."""
    alice, bob = meet("alice", "bob")
    stranger = connect()
    token = alice.ready["token"]
    claim, _, signature = token.partition(".")
    for bad in (f"{claim}.{signature[:-2]}AA", f"{claim}.", f".{signature}", claim, "", "x.y", "é.ü", "...."):
        stranger.send("NICK", nickname="alice", token=bad)
        stranger.expect("RETRY", reason="taken")
    stranger.send("NICK", nickname="alice", token=bob.ready["token"])
    ready = stranger.expect("READY", nickname="bob")  # bob's own token opens bob, whatever the nickname says
    stranger.ready = ready


def test_a_token_opens_the_renamed_user(meet: Meet, connect: Connect) -> None:
    """READY says its nickname."""
    (alice,) = meet("alice")
    token = alice.ready["token"]
    alice.ready = alice.ask("NICK", nickname="alicia")
    second = connect("alice", token=token)
    assert second.nickname == "alicia"


def test_a_token_opens_a_user_that_had_gone(meet: Meet, connect: Connect, room: str) -> None:
    """Only the uid is the same again: who left by BYE is in no room."""
    alice, bob = meet("alice", "bob")
    alice.ask("MSG", to="bob", message="secret")
    bob.find("MSG")
    token = alice.ready["token"]
    alice.leave()
    impostor = connect("alice")
    assert impostor.ask("HISTORY", to="bob")["messages"] == []
    impostor.leave()
    again = connect("alice", token=token, rooms=[room])
    assert [message["message"] for message in again.ask("HISTORY", to="bob")["messages"]] == ["secret"]


def test_who_is_nobody_is_refused(connect: Connect) -> None:
    """A good token doesn't make a taken nickname free."""
    alice = connect("alice")
    token = alice.ready["token"]
    alice.leave()
    connect("alice")
    second = connect()
    second.send("NICK", nickname="alice", token=token)
    second.expect("RETRY", reason="taken")


def test_ping_speaks_of_all_that_was_sent(meet: Meet, room: str) -> None:
    """PONG has the id of the newest message sent before it."""
    alice, bob = meet("alice", "bob")
    alice.send("MSG", room=room, message="x")
    alice.send("PING", ref="p")
    echo = alice.expect("MSG")
    assert alice.expect("PONG", ref="p")["id"] == echo["id"]
    assert bob.expect("MSG")["id"] == echo["id"]
    assert bob.ask("PING")["id"] == echo["id"]


def test_a_users_own_pong_is_taken_silently(connect: Connect) -> None:
    """It is a sign of life."""
    alice = connect("alice")
    alice.send("PONG", id=7)
    assert alice.sync() == []
