"""PROTOCOL.md section 4, held against a running server: ROOMS, USERS, HISTORY, SEARCH, and big rooms."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from tcp_server.names import fold
from tests.tcp_server.client import Client, Packet
from tests.tcp_server.conftest import Connect, Meet
from tests.tcp_server.process import ServerProcess

CROWD = 230  # members of the big room; a few more than 200


# ROOMS and USERS


def test_rooms_shows_rooms_with_members(meet: Meet, connect: Connect, room: str) -> None:
    """With topic and count, whether one is in them or not."""
    alice, _ = meet("alice", "bob")
    alice.ask("TOPIC", room=room, topic="tea")
    stranger = connect("stranger", rooms=[])
    rooms = stranger.ask("ROOMS")
    assert {"room": room, "topic": "tea", "count": 2} in rooms["rooms"]
    assert rooms["more"] is False


def test_rooms_are_sorted_by_their_folded_names(connect: Connect, room: str) -> None:
    """By code points, not by the length of their UTF-8 or UTF-16; `after` is exclusive and need not exist."""
    endings = ["Zoë", "a", "B", "é", "ｃ", "\U00010400", "小", "\ufb00", "_", "|"]
    names = [f"{room}{ending}" for ending in endings]
    alice = connect("alice", rooms=names)
    expected = sorted(names, key=fold)
    listed = alice.ask("ROOMS", after=room)
    assert [entry["room"] for entry in listed["rooms"]][: len(names)] == expected
    for number, name in enumerate(expected):
        after = alice.ask("ROOMS", after=f"#{name.upper()}" if number % 2 else name)
        assert [entry["room"] for entry in after["rooms"]][: len(names) - number - 1] == expected[number + 1 :]
    between = alice.ask("ROOMS", after=f"{room}azzz")
    assert between["rooms"][0]["room"] == f"{room}B"


def test_rooms_come_in_pages_of_200(connect: Connect, room: str) -> None:
    """Paging by the last name of each shows each once."""
    names = [f"{room}-{number:03}" for number in range(250)]
    crowd = [connect(f"guest{start}", rooms=names[start : start + 50]) for start in range(0, 250, 50)]
    seen: list[str] = []
    pages = 0
    more = True
    after = f"{room}-"
    while more:
        page = crowd[0].ask("ROOMS", after=after)
        assert len(page["rooms"]) <= 200
        seen += [entry["room"] for entry in page["rooms"]]
        after, more, pages = seen[-1], page["more"], pages + 1
    assert [name for name in seen if name.startswith(f"{room}-")] == names
    assert pages == 2


def test_rooms_come_in_pages_of_one_packet(connect: Connect, room: str) -> None:
    """Long names and topics make a page end before 200."""
    names = [f"{'𝒛' * 50}{room}{number:03}" for number in range(100)]
    for start in (0, 50):
        client = connect(f"guest{start}", rooms=names[start : start + 50])
        for name in client.ready["rooms"]:
            client.send("TOPIC", room=name, topic='"' * 300)
        client.sync()
    page = client.ask("ROOMS", after="y")
    assert 0 < len(page["rooms"]) < 100
    assert page["more"] is True
    rest = client.ask("ROOMS", after=page["rooms"][-1]["room"])
    assert rest["rooms"]
    listed = [entry["room"] for entry in [*page["rooms"], *rest["rooms"]]]
    assert listed[:50] == sorted(names, key=fold)[:50]


def test_users_are_sorted_and_paged(meet: Meet, room: str) -> None:
    """As rooms are."""
    clients = meet("Zoë", "alice", "Bob", "é", "小林", "_x")
    expected = sorted(["Zoë", "alice", "Bob", "é", "小林", "_x"], key=fold)
    users = clients[0].ask("USERS", room=room)
    assert (users["users"], users["count"], users["more"]) == (expected, 6, False)
    for number, name in enumerate(expected):
        after = clients[0].ask("USERS", room=room, after=name.upper())
        assert (after["users"], after["count"], after["more"]) == (expected[number + 1 :], 6, False)
    assert clients[0].ask("USERS", room=room, after="azzz")["users"] == expected[expected.index("Bob") :]


@pytest.mark.parametrize("after", ["x" * 60_000, "two words", "\u200b", "", "#", "\U0010ffff"])
def test_after_need_not_be_a_name(connect: Connect, bystander: Client, after: str) -> None:
    """A cursor is only compared."""
    alice = connect("alice")
    assert alice.ask("ROOMS", after=after)["type"] in ("ROOMS", "ERROR")
    assert alice.ask("USERS", room="lobby", after=after)["type"] in ("USERS", "ERROR")
    assert alice.sync() == []


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
    assert _ids(backwards)[-1] == said[3]
    forwards = alice.ask("HISTORY", room=room, after=said[0])
    assert _ids(forwards)[0] == said[1]
    seen: list[int] = []
    while len(seen) < 5:
        page = alice.ask("HISTORY", room=room, after=seen[-1] if seen else 0)
        seen += _ids(page)
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
    assert _ids(alice.ask("HISTORY", to="bob")) == ids
    assert _ids(bob.ask("HISTORY", to="ALICE", limit=2)) == ids[-2:]
    assert bob.ask("HISTORY", to="alice", limit=2)["more"] is True
    assert _ids(bob.ask("HISTORY", to="alice", after=ids[0], limit=2)) == ids[1:3]
    assert carol.ask("HISTORY", to="bob")["messages"] == []
    nobody = alice.ask("HISTORY", to="nobody")
    assert (nobody["messages"], nobody["more"], nobody["to"]) == ([], False, "nobody")


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
        return _ids(alice.ask("SEARCH", query="word", room=room, **fields))

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
    assert _ids(alice.ask("SEARCH", query=word)) == [other, public, direct]
    assert _ids(bob.ask("SEARCH", query=word)) == [public, direct]
    assert _ids(carol.ask("SEARCH", query=word)) == [public]
    assert _ids(bob.ask("SEARCH", query=word, room=room)) == [public]
    assert carol.ask("SEARCH", query=word, room=f"{room}-2")["code"] == "not_in_room"
    nobody = connect("nobody", rooms=[])
    assert nobody.ask("SEARCH", query=word)["messages"] == []
    assert _ids(nobody.ask("JOIN", room=room) and nobody.ask("SEARCH", query=word)) == [public]


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


# Big rooms


@pytest.fixture(scope="module")
def crowd(server: ServerProcess) -> Iterator[list[Client]]:
    """230 users in a room; two rooms of the same users."""
    clients = [Client(server.port) for _ in range(CROWD)]
    for number, client in enumerate(clients):
        client.greet()
        client.open(f"guest{number:03}", rooms=["arena"])
    for client in clients:
        client.sync()
    yield clients
    for client in clients:
        client.leave()


def test_the_room_of_a_big_room_lists_200(crowd: list[Client], connect: Connect) -> None:
    """The count is the whole; USERS pages through them all."""
    alice = connect("zacharias", rooms=["arena"])
    names = [f"guest{number:03}" for number in range(CROWD)] + ["zacharias"]
    assert alice.rooms[0]["count"] == CROWD + 1
    assert alice.rooms[0]["users"] == names[:200]
    page = alice.ask("USERS", room="arena")
    assert (page["users"], page["count"], page["more"]) == (names[:200], CROWD + 1, True)
    page = alice.ask("USERS", room="arena", after=page["users"][-1])
    assert (page["users"], page["count"], page["more"]) == (names[200:], CROWD + 1, False)


def test_comings_and_goings_in_a_big_room_are_counted(crowd: list[Client], connect: Connect) -> None:
    """JOIN and LEAVE go to the one that they are about; members get ROOM with a count, at most once a second."""
    alice = connect("alice", rooms=[])
    for _ in range(3):
        alice.send("JOIN", room="arena")
        alice.expect("JOIN", room="arena", nickname="alice")
        alice.expect("ROOM", room="arena", count=CROWD + 1)
        alice.send("LEAVE", room="arena", ref="r")
        alice.expect("LEAVE", room="arena", nickname="alice", ref="r")
    member = crowd[7]
    while (packet := member.read()) != {"type": "ROOM", "room": "arena", "count": CROWD}:
        assert packet["type"] not in ("JOIN", "LEAVE")
    assert [packet for packet in member.sync() if packet["type"] in ("JOIN", "LEAVE")] == []


def test_messages_and_topics_reach_all_of_a_big_room(crowd: list[Client]) -> None:
    """So do new nicknames."""
    said = crowd[0].say("hello, all", "arena")
    crowd[1].ask("TOPIC", room="arena", topic="crowded")
    crowd[2].ready = crowd[2].ask("NICK", nickname="guest002a")
    for client in (crowd[3], crowd[-1]):
        assert client.find("MSG") == said
        client.find("TOPIC", topic="crowded")
        client.find("NICK", old="guest002", nickname="guest002a")
    crowd[2].ready = crowd[2].ask("NICK", nickname="guest002")


def _ids(packet: Packet) -> list[int]:
    return [message["id"] for message in packet["messages"]]


def _later(timestamp: str) -> str:
    later = datetime.fromisoformat(timestamp) + timedelta(milliseconds=1)
    return later.isoformat(timespec="milliseconds").replace("+00:00", "Z")
