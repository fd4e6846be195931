"""PROTOCOL.md section 4, held against a running server: messages to rooms and to users, their order, resending."""

from datetime import UTC, datetime, timedelta

from tcp_server.wordpacket import encode
from tests.tcp_server.client import Packet, fresh_ref, ids_of, pack
from tests.tcp_server.conftest import Connect, Meet


def test_a_message_comes_back_to_its_sender(meet: Meet, room: str) -> None:
    """The echo is the acknowledgement; every member gets the same packet."""
    alice, bob = meet("alice", "bob")
    before = datetime.now(UTC)
    alice.send("MSG", room=room, message="hello", ref="r")
    echo = alice.expect("MSG", room=room, nickname="alice", message="hello", ref="r", to=None, action=None)
    assert isinstance(echo["id"], int)
    assert bob.read() == echo
    assert echo["timestamp"].endswith("Z")
    said = datetime.fromisoformat(echo["timestamp"])
    assert abs(said - before) < timedelta(seconds=5)
    assert alice.sync() == bob.sync() == []


def test_an_action(meet: Meet, room: str) -> None:
    """`action` is there when it is true."""
    alice, _ = meet("alice", "bob")
    assert alice.say("waves", room, action=True)["action"] is True
    assert "action" not in alice.say("waves", room, action=False)


def test_what_a_client_says_of_itself_is_ignored(meet: Meet, room: str) -> None:
    """Only the server says who and when, and gives the id."""
    (alice,) = meet("alice")
    echo = alice.say("hi", room, nickname="bob", timestamp="1999-12-31T23:59:59Z", id=1, uid=7)
    assert (echo["nickname"], "uid" in echo) == ("alice", False)
    assert echo["timestamp"] > "2026"


def test_other_rooms_dont_hear_it(meet: Meet, connect: Connect, room: str) -> None:
    """Not even of it."""
    (alice,) = meet("alice")
    carol = connect("carol", rooms=[f"{room}-other"])
    alice.say("between us", room)
    assert carol.sync() == []


def test_a_direct_message(meet: Meet, connect: Connect, room: str) -> None:
    """It goes to all sessions of both users, and to nobody else."""
    alice, bob, carol = meet("alice", "bob", "carol")
    bob_too = connect("bob", token=bob.ready["token"])
    alice_too = connect("alice", token=alice.ready["token"])
    alice.send("MSG", to="BOB", message="psst", ref="r")
    echo = alice.expect("MSG", to="bob", nickname="alice", message="psst", ref="r", room=None)
    assert bob.read() == bob_too.read() == alice_too.read() == echo
    assert carol.sync() == alice.sync() == bob.sync() == bob_too.sync() == []


def test_a_direct_message_to_oneself(meet: Meet) -> None:
    """It comes once."""
    (alice,) = meet("alice")
    alice.send("MSG", to="alice", message="note to self")
    alice.expect("MSG", to="alice", nickname="alice")
    assert alice.sync() == []
    assert len(alice.ask("HISTORY", to="alice")["messages"]) == 1


def test_a_direct_message_to_nobody(meet: Meet) -> None:
    """`to` must be known, else no_such_user."""
    alice, bob = meet("alice", "bob")
    assert alice.ask("MSG", to="nobody", message="x")["code"] == "no_such_user"
    bob.leave()
    assert alice.ask("MSG", to="bob", message="x")["code"] == "no_such_user"


def test_a_direct_message_to_who_is_in_grace(meet: Meet, connect: Connect) -> None:
    """The user is still known, and finds it on coming back."""
    alice, bob = meet("alice", "bob")
    newest = bob.ask("PING")["id"]
    bob.cut()
    echo = alice.ask("MSG", to="bob", message="hurry")
    assert echo["type"] == "MSG"
    again = connect("bob", token=bob.ready["token"], after=newest)
    assert again.expect("MSG")["id"] == echo["id"]


def test_direct_messages_belong_to_the_uids(meet: Meet, connect: Connect, room: str) -> None:
    """Not to the names: a later owner of the name sees nothing, and a rename loses nothing."""
    alice, bob = meet("alice", "bob")
    first = alice.ask("MSG", to="bob", message="one")
    alice.ready = alice.ask("NICK", nickname="alicia")
    bob.sync()
    second = alice.ask("MSG", to="bob", message="two")
    impostor = connect("alice")
    assert impostor.ask("HISTORY", to="bob")["messages"] == []
    assert impostor.ask("SEARCH", query="one")["messages"] == []
    assert ids_of(bob.ask("HISTORY", to="alice")) == []  # that is the impostor now
    assert ids_of(bob.ask("HISTORY", to="ALICIA")) == [first["id"], second["id"]]
    assert ids_of(alice.ask("HISTORY", to="bob")) == [first["id"], second["id"]]


def test_ids_only_grow_over_all_rooms(meet: Meet, connect: Connect, room: str) -> None:
    """And a session sees its messages, of rooms and direct ones, in that order."""
    alice, bob = meet("alice", "bob")
    alice.ask("JOIN", room=f"{room}-2")
    bob.ask("JOIN", room=f"{room}-2")
    alice.sync()
    targets: list[Packet] = [{"room": room}, {"room": f"{room}-2"}, {"to": "bob"}]
    count = 300
    alice.send_bytes(
        b"".join(encode(pack("MSG", {"message": str(number), **targets[number % 3]})) for number in range(count))
    )
    bob.send_bytes(
        b"".join(encode(pack("MSG", {"message": str(number), **targets[number % 2]})) for number in range(count))
    )
    seen = [[client.find("MSG") for _ in range(2 * count)] for client in (alice, bob)]
    ids = [message["id"] for message in seen[0]]
    assert ids == sorted(set(ids))
    assert seen[0] == seen[1]
    for nickname in ("alice", "bob"):
        said = [int(message["message"]) for message in seen[0] if message["nickname"] == nickname]
        assert said == list(range(count))


def test_everybody_sees_a_room_in_one_order(meet: Meet, room: str) -> None:
    """Messages, topics, joins and leaves of many at once."""
    members = meet("alice", "bob", "carol", "dave")
    for round_ in range(20):
        for member in members:
            member.send("MSG", room=room, message=str(round_))
            member.send("TOPIC", room=room, topic=str(round_))
            member.send("TYPING", room=room)
    seen = [[client.read() for _ in range(3 * 20 * len(members))] for client in members]
    assert all(packets == seen[0] for packets in seen)


def test_a_resend_is_logged_once(meet: Meet, room: str) -> None:
    """The second time only that session gets the MSG as logged."""
    alice, bob = meet("alice", "bob")
    ref = fresh_ref()
    echo = alice.say("once", room)
    alice.send("MSG", room=room, message="twice?", ref=echo["ref"])
    assert alice.read() == echo
    alice.send("MSG", room=room, message="new", ref=ref)
    alice.send("MSG", room=room, message="new", ref=ref)
    new = alice.expect("MSG", message="new")
    assert alice.read() == new
    assert bob.find("MSG") == echo
    assert bob.read() == new
    assert bob.sync() == []
    assert ids_of(bob.ask("HISTORY", room=room)) == [echo["id"], new["id"]]


def test_a_resend_is_looked_up_before_room_and_to(meet: Meet, connect: Connect, room: str) -> None:
    """It may be of a room that one has left since, or to somebody who has gone."""
    alice, bob = meet("alice", "bob")
    in_room = alice.say("once", room)
    direct = alice.ask("MSG", to="bob", message="psst")
    alice.ask("LEAVE", room=room)
    bob.leave()
    for echo in (in_room, direct):
        target = {key: echo[key] for key in ("room", "to") if key in echo}
        alice.send("MSG", message=echo["message"], ref=echo["ref"], **target)
        assert alice.read() == echo
    alice.send("MSG", message="new", room=room, ref="fresh")
    alice.expect("ERROR", code="not_in_room", ref="fresh")
    alice.send("MSG", message="new", room=f"{room}-nowhere", ref=in_room["ref"])
    assert alice.read() == in_room
    alice.send("MSG", message="new", to="bob", ref="fresh")
    alice.expect("ERROR", code="no_such_user", ref="fresh")
    assert alice.sync() == []


def test_a_refused_message_may_be_resent(meet: Meet, room: str) -> None:
    """A refusal is not in the log: after joining the same `ref` goes through."""
    (alice,) = meet("alice")
    ref = fresh_ref()
    alice.send("MSG", room=f"{room}-2", message="x", ref=ref)
    alice.expect("ERROR", code="no_such_room", ref=ref)
    alice.ask("JOIN", room=f"{room}-2")
    alice.send("MSG", room=f"{room}-2", message="x", ref=ref)
    alice.expect("MSG", room=f"{room}-2", ref=ref)


def test_a_ref_is_the_users_own(meet: Meet, room: str) -> None:
    """Two users may choose the same; two sessions of one user share it."""
    alice, bob = meet("alice", "bob")
    ref = fresh_ref()
    alice.send("MSG", room=room, message="mine", ref=ref)
    bob.send("MSG", room=room, message="mine too", ref=ref)
    packets = {alice.find("MSG")["nickname"], alice.find("MSG")["nickname"]}
    assert packets == {"alice", "bob"}


def test_a_resend_from_another_session(meet: Meet, connect: Connect, room: str) -> None:
    """The pair is (uid, ref): a rename or a new connection changes nothing."""
    (alice,) = meet("alice")
    echo = alice.say("once", room)
    token = alice.ready["token"]
    second = connect("alice", token=token)
    second.send("MSG", room=room, message="once", ref=echo["ref"])
    assert second.read() == echo
    second.ready = second.ask("NICK", nickname="alicia")
    second.send("MSG", room=room, message="once", ref=echo["ref"])
    assert second.read() == echo
    alice.find("READY")
    assert alice.sync() == []


def test_refs_of_other_packets_are_not_remembered(meet: Meet, room: str) -> None:
    """Only MSG is looked up."""
    (alice,) = meet("alice")
    alice.send("TOPIC", room=room, topic="x", ref="same")
    alice.expect("TOPIC", ref="same")
    alice.send("MSG", room=room, message="x", ref=(ref := fresh_ref()))
    alice.expect("MSG", ref=ref)
    alice.send("TOPIC", room=room, topic="y", ref=ref)
    alice.expect("TOPIC", topic="y", ref=ref)
