"""chat_packets.js: rooms, people, messages, and what is unread."""

from playwright.sync_api import Page

from tests.web.state_run import ROOM, Run, msg


def test_unread_and_mentions(lab: Page) -> None:
    other = {"type": "ROOM", "room": "den", "topic": "", "count": 1, "users": ["alice"], "id": 0}
    run = Run(lab).signed_in().get(other, msg(11, "x", room="den"), msg(12, "hey ALICE", room="den"), msg(13, "seen"))
    den = run.room("#den")
    assert (den["unread"], den["mentions"], den["divider"]) == (2, 1, 11)
    assert run.room()["unread"] == 0
    run.do("look", key="#den")
    assert run.room("#den")["unread"] == 0
    run.do("attention", attentive=False).get(msg(14, "later", room="den"))
    assert run.room("#den")["unread"] == 1
    assert run.do("attention", attentive=True).room("#den")["unread"] == 0


def test_direct_messages(lab: Page) -> None:
    """To whom or from whom: one conversation with each person, and a rename takes it along."""
    run = Run(lab).signed_in().get(msg(11, "psst", "bob", to="alice"), msg(12, "yes?", "alice", to="bob"))
    assert run.shown("@bob") == [(0, 11), "psst", "yes?"]
    assert run.room("@bob")["mentions"] == 1
    run.get({"type": "NICK", "room": "lobby", "old": "bob", "nickname": "rob"})
    assert run.shown("@rob") == [(0, 11), "psst", "yes?"]
    assert run.say("hi rob", key="@rob").sent("MSG")[-1]["to"] == "rob"


def test_a_rename_into_an_older_conversation(lab: Page) -> None:
    """One conversation is left, under the new name, with what both held; it goes on where the person looks."""
    run = Run(lab).signed_in().get(msg(11, "from the first benny", "benny", to="alice"))
    run.get(msg(12, "from ben", "ben", to="alice")).do("look", key="@ben")
    run.get({"type": "NICK", "room": "lobby", "old": "ben", "nickname": "benny"})
    run.get(msg(13, "can you read me", "benny", to="alice"))
    state = run.state()
    assert (state["current"], sorted(state["conversations"])) == ("@benny", ["#lobby", "@benny"])
    assert run.shown("@benny") == [(0, 12), "from the first benny", "from ben", "can you read me"]
    assert run.room("@benny")["unread"] == 0
    assert run.say("my answer").sent("MSG")[-1]["to"] == "benny"


def test_a_rename_behind_ones_back_keeps_what_is_unread(lab: Page) -> None:
    """The other way round too: the older conversation is the one that is shown."""
    run = Run(lab).signed_in().get(msg(11, "old", "benny", to="alice"), msg(12, "new", "ben", to="alice"))
    rename = {"type": "NICK", "room": "lobby", "old": "ben", "nickname": "benny"}
    assert run.get(rename).room("@benny")["unread"] == 2
    assert run.room("@benny")["divider"] == 11
    looking = Run(lab).signed_in().get(msg(11, "old", "benny", to="alice"), msg(12, "new", "ben", to="alice"))
    assert looking.do("look", key="@benny").get(rename).room("@benny")["unread"] == 0


def test_names_from_right_to_left_are_isolated(lab: Page) -> None:
    """In every sentence; what turns the text around is taken out of them."""
    run = Run(lab).signed_in()
    run.get({"type": "NICK", "room": "lobby", "old": "אבג", "nickname": "דהו"})
    run.get({"type": "TOPIC", "room": "lobby", "topic": "tea", "nickname": "דהו"})
    run.get({"type": "NICK", "room": "lobby", "old": "a\u202eb", "nickname": "bob"})
    first, renamed, turned = run.shown()[1:4]
    assert first == "\u2068אבג\u2069 is now \u2068דהו\u2069"
    assert renamed == "\u2068דהו\u2069 set the topic: tea"
    assert turned == "\u2068ab\u2069 is now bob"


def test_presence(lab: Page) -> None:
    """Comings and goings in a row are one line; who came and went within it is not spoken of."""
    join = {"type": "JOIN", "room": "lobby"}
    leave = {"type": "LEAVE", "room": "lobby", "reason": "left"}
    run = (
        Run(lab)
        .signed_in()
        .get(
            {**join, "nickname": "eve"},
            {**join, "nickname": "dan"},
            {**leave, "nickname": "eve"},
            {**leave, "nickname": "bob"},
        )
    )
    assert run.shown() == [(0, 10), {"joined": ["dan"], "left": ["bob"]}]
    assert run.room()["count"] == 2
    assert sorted(run.room()["members"]) == ["alice", "dan"]


def test_leaving_and_being_sent_out(lab: Page) -> None:
    gone = Run(lab).signed_in().get({"type": "LEAVE", "room": "lobby", "nickname": "alice", "reason": "left"})
    assert gone.state()["conversations"] == {}
    kicked = (
        Run(lab)
        .signed_in()
        .get({"type": "LEAVE", "room": "lobby", "nickname": "alice", "reason": "kicked", "message": "spam"})
    )
    assert kicked.room()["joined"] is False
    assert kicked.shown()[-1] == "You were removed from this room: spam"


def test_another_tab_enters_a_room(lab: Page) -> None:
    """The tab that didn't ask learns the room's members by a JOIN of its own, which gets the ROOM alone."""
    run = Run(lab).signed_in().get({"type": "JOIN", "room": "den", "nickname": "alice"})
    ref = run.sent("JOIN")[-1]["ref"]
    run.get({"type": "ROOM", "room": "den", "topic": "t", "count": 1, "users": ["alice"], "id": 7, "ref": ref})
    assert run.room("#den")["topic"] == "t"
    assert run.state()["current"] == "#lobby"


def test_typing(lab: Page) -> None:
    run = (
        Run(lab)
        .signed_in()
        .get(
            {"type": "TYPING", "room": "lobby", "nickname": "bob"},
            {"type": "TYPING", "room": "lobby", "nickname": "alice"},
        )
    )
    assert list(run.room()["typing"]) == ["bob"]
    assert run.do("wait", msec=6_001).do("wake").room()["typing"] == {}
    again = Run(lab).signed_in().get({"type": "TYPING", "room": "lobby", "nickname": "bob"}, msg(11, "done"))
    assert again.room()["typing"] == {}


def test_what_the_server_tells_has_its_time(lab: Page) -> None:
    """Whatever this device's clock says: the day lines would go back and forth."""
    told = "2020-02-02T10:00:00.000Z"
    run = Run(lab).signed_in()
    run.get(
        {"type": "JOIN", "room": "lobby", "nickname": "carol", "timestamp": told},
        {"type": "TOPIC", "room": "lobby", "topic": "tea", "nickname": "bob", "timestamp": told},
        {"type": "NICK", "room": "lobby", "old": "bob", "nickname": "rob", "timestamp": told},
        {"type": "LEAVE", "room": "lobby", "nickname": "rob", "reason": "left", "timestamp": told},
    )
    times = [entry["at"] for entry in run.room()["timeline"] if entry["kind"] != "gap"]
    assert times == [1580637600000] * 4


def test_nicknames_that_are_words_of_javascript(lab: Page) -> None:
    """A member called like a property of every object is a member like any other."""
    users = ["alice", "constructor", "__proto__"]
    run = Run(lab).signed_in().get({**ROOM, "users": users[:2], "count": 2})
    join = {"type": "JOIN", "room": "lobby"}
    run.get({**join, "nickname": "__proto__"}, {**join, "nickname": "valueof"})
    names = "Conversations.memberNames(state.conversations['#lobby'])"
    script = """events => {
      let state = initialState();
      for (const event of events) ({ state } = State.reduce(state, { at: 1, ...event }));
      return NAMES;
    }"""
    assert sorted(lab.evaluate(script.replace("NAMES", names), run.events)) == sorted([*users, "valueof"])
    run.get({"type": "NICK", "room": "lobby", "old": "__proto__", "nickname": "toString"})
    run.get({"type": "NICK", "room": "lobby", "old": "hasOwnProperty", "nickname": "ghost"})
    found = lab.evaluate(script.replace("NAMES", names), run.events)
    assert sorted(found) == sorted(["alice", "constructor", "toString", "valueof"])
