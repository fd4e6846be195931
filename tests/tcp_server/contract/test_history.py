"""PROTOCOL.md section 4, held against a running server: HISTORY and SEARCH."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from tests.tcp_server.client import Client, Packet, ids_of
from tests.tcp_server.conftest import Connect, Meet
from tests.tcp_server.process import ServerProcess

# HISTORY


@pytest.fixture(scope="module")
def talk(server: ServerProcess) -> Iterator[tuple[Client, list[Packet]]]:
    """A room with 260 messages, its ids with holes, and who may read it."""
    alice, bob = Client(server.port), Client(server.port)
    alice.greet()
    bob.greet()
    alice.open("historian", rooms=["talk"])
    bob.open("herodotus", rooms=["elsewhere"])
    said = []
    for number in range(260):
        said.append(alice.say(f"word{number % 10} number {number}", "talk"))
        if number % 5 == 0:
            bob.say("a hole", "elsewhere")
    yield alice, said
    alice.leave()
    bob.leave()


def test_history_shows_the_newest_50_first(talk: tuple[Client, list[Packet]]) -> None:
    """Oldest first, whole packets; `more` says that there are older ones."""
    alice, said = talk
    page = alice.ask("HISTORY", room="talk")
    assert page["messages"] == said[-50:]
    assert (page["room"], page["more"]) == ("talk", True)


@pytest.mark.parametrize("limit", [1, 7, 200])
def test_history_backwards_joins_without_a_hole(talk: tuple[Client, list[Packet]], limit: int) -> None:
    """`before` is exclusive and pages join; `more` is false at the oldest."""
    alice, said = talk
    seen: list[Packet] = []
    page = alice.ask("HISTORY", room="talk", limit=limit)
    while True:
        assert len(page["messages"]) <= limit
        seen = page["messages"] + seen
        if not page["more"] or len(seen) > 60:
            break
        page = alice.ask("HISTORY", room="talk", before=seen[0]["id"], limit=limit)
    assert seen == said[-len(seen) :]
    oldest = alice.ask("HISTORY", room="talk", before=said[limit]["id"], limit=limit)
    assert (oldest["messages"], oldest["more"]) == (said[:limit], False)


@pytest.mark.parametrize("limit", [1, 60, 200])
def test_history_forwards_joins_without_a_hole(talk: tuple[Client, list[Packet]], limit: int) -> None:
    """`after` is exclusive; `more` speaks of newer ones."""
    alice, said = talk
    first = alice.ask("HISTORY", room="talk", after=0, limit=limit)
    assert (first["messages"], first["more"]) == (said[:limit], True)
    second = alice.ask("HISTORY", room="talk", after=first["messages"][-1]["id"], limit=limit)
    assert second["messages"] == said[limit : 2 * limit]
    last = alice.ask("HISTORY", room="talk", after=said[-limit - 1]["id"], limit=limit)
    assert (last["messages"], last["more"]) == (said[-limit:], False)


def test_historys_edges(talk: tuple[Client, list[Packet]]) -> None:
    """A limit over 200 is clamped; beyond the ends there is nothing, and no more."""
    alice, said = talk
    page = alice.ask("HISTORY", room="talk", limit=10**6)
    assert (page["messages"], page["more"]) == (said[-200:], True)
    for cursor in ({"after": said[-1]["id"]}, {"after": 10**18}, {"before": said[0]["id"]}, {"before": 0}):
        page = alice.ask("HISTORY", room="talk", **cursor)
        assert (page["messages"], page["more"]) == ([], False)
    assert alice.ask("HISTORY", room="talk", before=10**18)["messages"] == said[-50:]
    assert alice.ask("HISTORY", room="talk", after=10**30)["messages"] == []
    assert alice.ask("HISTORY", room="talk", before=10**30)["messages"] == said[-50:]
    assert alice.ask("HISTORY", room="talk", before=5, after=1)["code"] == "bad_packet"
    assert alice.ask("HISTORY", room="talk", to="bob")["code"] == "bad_packet"


def test_a_cut_by_size_drops_the_far_end(meet: Meet, room: str) -> None:
    """Pages join in both directions, whatever the messages weigh."""
    (alice,) = meet("alice")
    said = [alice.say(("😀" * 8000)[: 8000 - number], room)["id"] for number in range(5)]
    backwards = alice.ask("HISTORY", room=room, before=said[4])
    assert ids_of(backwards)[-1] == said[3]
    forwards = alice.ask("HISTORY", room=room, after=said[0])
    assert ids_of(forwards)[0] == said[1]
    seen: list[int] = []
    while len(seen) < 5:
        page = alice.ask("HISTORY", room=room, after=seen[-1] if seen else 0)
        seen += ids_of(page)
        assert page["more"] is (len(seen) < 5)
    assert seen == said


def test_history_of_direct_messages(meet: Meet) -> None:
    """One's own with whoever was shown under that nickname; none: an empty list."""
    alice, bob, carol = meet("alice", "bob", "carol")
    ids = [alice.ask("MSG", to="bob", message=str(number))["id"] for number in range(3)]
    bob.sync()
    ids.append(bob.ask("MSG", to="alice", message="3")["id"])
    alice.sync()
    alice.ask("MSG", to="carol", message="else")
    assert ids_of(alice.ask("HISTORY", to="bob")) == ids
    assert ids_of(bob.ask("HISTORY", to="ALICE", limit=2)) == ids[-2:]
    assert bob.ask("HISTORY", to="alice", limit=2)["more"] is True
    assert ids_of(bob.ask("HISTORY", to="alice", after=ids[0], limit=2)) == ids[1:3]
    assert carol.ask("HISTORY", to="bob")["messages"] == []
    nobody = alice.ask("HISTORY", to="nobody")
    assert (nobody["messages"], nobody["more"], nobody["to"]) == ([], False, "nobody")


def test_history_of_direct_messages_follows_a_rename(meet: Meet) -> None:
    """By the uid that bears the nickname now; a nickname that nobody bears means its last bearer."""
    alice, bob = meet("alice", "bob")
    ids = [bob.ask("MSG", to="alice", message="as bob")["id"]]
    bob.send("NICK", nickname="benny")
    bob.find("READY", nickname="benny")
    ids.append(alice.ask("MSG", to="benny", message="to benny")["id"])
    bob.sync()
    alice.sync()
    assert ids_of(alice.ask("HISTORY", to="benny")) == ids
    assert ids_of(alice.ask("HISTORY", to="bob")) == ids
    (other,) = meet("bob")
    assert ids_of(alice.ask("HISTORY", to="bob")) == []
    said = other.ask("MSG", to="alice", message="another bob")["id"]
    alice.sync()
    assert ids_of(alice.ask("HISTORY", to="bob")) == [said]
    assert ids_of(alice.ask("HISTORY", to="benny")) == ids
    assert ids_of(other.ask("HISTORY", to="alice")) == [said]
    note = alice.ask("MSG", to="alice", message="note to self")["id"]
    assert ids_of(alice.ask("HISTORY", to="alice")) == [note]


# SEARCH


def test_search_finds_every_word_as_a_part(meet: Meet, room: str) -> None:
    """Newest first, compared folded, short words too."""
    (alice,) = meet("alice")
    texts = [
        "The quick brown fox",
        "a QUICK answer",
        "brownian motion, quickly",
        "Straße 1",
        "小林さん",
        "ﬁnally",
        "no\nline",
    ]
    ids = {text: alice.say(text, room)["id"] for text in texts}

    def found(query: str) -> list[str]:
        messages = alice.ask("SEARCH", query=query, room=room)["messages"]
        assert [message["id"] for message in messages] == sorted((m["id"] for m in messages), reverse=True)
        assert all(ids[message["message"]] == message["id"] for message in messages)
        return [message["message"] for message in messages]

    assert found("quick") == [texts[2], texts[1], texts[0]]
    assert found("BROWN  quick") == [texts[2], texts[0]]
    assert found("ick own") == [texts[2], texts[0]]
    assert found("q") == [texts[2], texts[1], texts[0]]
    assert found("STRASSE") == ["Straße 1"]
    assert found("小") == found("小林") == ["小林さん"]
    assert found("FIN") == ["ﬁnally"]
    assert found("line\tno") == ["no\nline"]
    assert found("slow") == found("quick slow") == []


def test_search_by_sender_and_time(meet: Meet, room: str) -> None:
    """`since` is inclusive, `until` exclusive, `from` is compared folded."""
    alice, bob = meet("alice", "Bob")
    first = alice.say("one word", room)
    bob.sync()
    middle = bob.say("two word", room)
    alice.sync()
    last = alice.say("three word", room)

    def found(**fields: object) -> list[int]:
        return ids_of(alice.ask("SEARCH", query="word", room=room, **fields))

    assert found() == [last["id"], middle["id"], first["id"]]
    assert found(from_="BOB") == [middle["id"]]
    assert found(from_="nobody") == []
    assert set(found(since=middle["timestamp"])) >= {middle["id"], last["id"]}
    assert middle["id"] not in found(until=middle["timestamp"])
    assert found(since=first["timestamp"], until=_later(last["timestamp"])) == [last["id"], middle["id"], first["id"]]
    zone = datetime.fromisoformat(first["timestamp"]).astimezone().isoformat(timespec="milliseconds")
    assert first["id"] in found(since=zone.replace("+00:00", "-00:00"))
    assert found(since="0001-01-01T00:00:00+14:00", until="9999-12-31T23:59:59.999999-12:00") == found()
    assert found(since=_later(last["timestamp"])) == found(until="1999-12-31T23:59:59Z") == []


def test_search_in_pages(talk: tuple[Client, list[Packet]]) -> None:
    """`before` is exclusive; `more` speaks of older ones; at most 200."""
    alice, said = talk
    hits = [message for message in said if "word3" in message["message"]][::-1]
    seen: list[Packet] = []
    more = True
    cursor: Packet = {}
    while more:
        page = alice.ask("SEARCH", query="word3", room="talk", limit=7, **cursor)
        seen += page["messages"]
        more, cursor = page["more"], {"before": page["messages"][-1]["id"]}
    assert seen == hits
    everything = alice.ask("SEARCH", query="number", limit=10**9)
    assert (len(everything["messages"]), everything["more"]) == (200, True)
    assert alice.ask("SEARCH", query="number")["messages"] == said[::-1][:50]
    assert alice.ask("SEARCH", query="number", before=0)["messages"] == []
    assert alice.ask("SEARCH", query="number", limit=0)["code"] == "bad_packet"


def test_search_shows_what_one_may_see(meet: Meet, connect: Connect, room: str) -> None:
    """One's rooms and one's direct messages; with `room` that room alone."""
    alice, bob, carol = meet("alice", "bob", "carol")
    word = f"needle{room}"
    direct = alice.ask("MSG", to="bob", message=word)["id"]
    public = alice.say(word, room)["id"]
    alice.ask("JOIN", room=f"{room}-2")
    other = alice.say(word, f"{room}-2")["id"]
    assert ids_of(alice.ask("SEARCH", query=word)) == [other, public, direct]
    assert ids_of(bob.ask("SEARCH", query=word)) == [public, direct]
    assert ids_of(carol.ask("SEARCH", query=word)) == [public]
    assert ids_of(bob.ask("SEARCH", query=word, room=room)) == [public]
    assert carol.ask("SEARCH", query=word, room=f"{room}-2")["code"] == "not_in_room"
    nobody = connect("nobody", rooms=[])
    assert nobody.ask("SEARCH", query=word)["messages"] == []
    assert ids_of(nobody.ask("JOIN", room=room) and nobody.ask("SEARCH", query=word)) == [public]


@pytest.mark.parametrize(
    "query", ['"', '""', "' OR 1=1 --", "NEAR(a b)", "a*", "^a", "%", "_", "a AND", "-word", "{x}:", "\\", "*", "(("]
)
def test_a_query_is_only_text(meet: Meet, room: str, query: str) -> None:
    """Nothing in it is an operator."""
    (alice,) = meet("alice")
    alice.say("an innocent word", room)
    hit = alice.say(f"<{query}>", room)
    found = alice.ask("SEARCH", query=query, room=room)
    assert found["messages"][0]["id"] == hit["id"]
    assert found["query"] == query
    assert len(found["messages"]) == 1


def _later(timestamp: str) -> str:
    later = datetime.fromisoformat(timestamp) + timedelta(milliseconds=1)
    return later.isoformat(timespec="milliseconds").replace("+00:00", "Z")
