"""state.js and what it calls: rooms, people, what is unread, questions and their answers."""

import json

from playwright.sync_api import Page

from .state_run import HELLO, READY, ROOM, Run, msg


def test_opening(lab: Page) -> None:
    """Connect, NICK after HELLO, a PING after READY, and live at its PONG."""
    run = Run(lab).signed_in()
    nick, ping = run.sent("NICK")[0], run.sent("PING")[0]
    assert run.effects()[0] == {"do": "connect"}
    assert nick == {"type": "NICK", "nickname": "alice", "client": "wordpacket-web", "ref": nick["ref"]}
    assert ping["ref"] != nick["ref"]
    assert run.result()["link"] == "live"
    assert run.state()["current"] == "#lobby"
    assert run.state()["after"] == 10
    assert run.shown() == [(0, 10)]


def test_rename(lab: Page) -> None:
    """A rename brings a new READY: a new token, and nothing is resent or reset."""
    run = (
        Run(lab)
        .signed_in()
        .say("one")
        .do("request", packet={"type": "NICK", "nickname": "alicia"}, purpose={"what": "rename"})
    )
    ref = run.sent("NICK")[-1]["ref"]
    run.get(
        {"type": "NICK", "room": "lobby", "old": "alice", "nickname": "alicia"},
        {**READY, "nickname": "alicia", "token": "t2", "ref": ref},
    )
    state = run.state()
    assert (state["nickname"], state["token"], state["link"]["state"]) == ("alicia", "t2", "live")
    assert len(run.sent("MSG")) == 1
    assert run.room()["members"] == {"bob": "bob", "alicia": "alicia"}
    run.do("request", packet={"type": "NICK", "nickname": "bob"}, purpose={"what": "rename"})
    run.get(
        {
            "type": "RETRY",
            "nickname": "bob",
            "reason": "taken",
            "message": "bob is taken",
            "ref": run.sent("NICK")[-1]["ref"],
        }
    )
    assert run.state()["phase"] == "chat"
    assert run.shown()[-1] == "bob is taken. You are still alicia."


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


def test_drafts(lab: Page) -> None:
    """Each conversation has its own; a rename takes it along and loses no other; the first room inherits."""
    renamed = {"type": "NICK", "room": "lobby", "old": "bob"}
    run = Run(lab).signed_in().get(msg(11, "psst", to="alice")).do("draft", key="@bob", text="for bob")
    run.do("draft", key="#lobby", text="for all").do("draft", key="#lobby", text="")
    assert run.get({**renamed, "nickname": "Bob"}).state()["drafts"] == {"@bob": "for bob"}
    run.do("draft", key="@rob", text="of old").get({**renamed, "nickname": "rob"})
    assert run.state()["drafts"] == {"@rob": "of old\nfor bob"}
    nowhere = Run(lab).do("draft", key="", text="begun").signed_in()
    assert nowhere.state()["drafts"] == {"#lobby": "begun"}


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
    assert run.do("wait", msec=6_001).do("tick").room()["typing"] == {}
    again = Run(lab).signed_in().get({"type": "TYPING", "room": "lobby", "nickname": "bob"}, msg(11, "done"))
    assert again.room()["typing"] == {}


def test_typing_is_told_at_most_every_three_seconds(lab: Page) -> None:
    run = Run(lab).signed_in().do("wait", msec=9_000).do("typing").do("typing").do("wait", msec=3_001).do("typing")
    assert len(run.sent("TYPING")) == 2


def test_history_answers(lab: Page) -> None:
    """One question at a time; an ERROR ends it and waits for the person."""
    gap = {"kind": "gap", "key": "gap-0", "id": 0, "after": 0, "before": 10}
    run = (
        Run(lab)
        .signed_in()
        .do("fill", key="#lobby", gap=gap, side="before")
        .do("fill", key="#lobby", gap=gap, side="before")
    )
    (asked,) = run.sent("HISTORY")
    assert (asked["room"], asked["before"]) == ("lobby", 10)
    run.get(
        {"type": "HISTORY", "room": "lobby", "messages": [msg(8, "p"), msg(9, "q")], "more": True, "ref": asked["ref"]}
    )
    assert run.shown() == [(0, 8), "p", "q"]
    assert run.room()["loading"] is None
    run.do("fill", key="#lobby", gap={**gap, "before": 8}, side="before")
    run.get({"type": "ERROR", "code": "log_unavailable", "message": "no", "ref": run.sent("HISTORY")[-1]["ref"]})
    assert run.room()["timeline"][0]["failed"] is True


def test_an_answer_of_a_former_link_is_dropped(lab: Page) -> None:
    gap = {"kind": "gap", "key": "gap-0", "id": 0, "after": 0, "before": 10}
    run = Run(lab).signed_in().do("fill", key="#lobby", gap=gap, side="before")
    ref = run.sent("HISTORY")[-1]["ref"]
    run.do("closed", retryAt=2000, code=1006).get(
        {"type": "HISTORY", "room": "lobby", "messages": [], "more": False, "ref": ref}
    )
    assert run.shown() == [(0, 10)]


def test_search_and_context(lab: Page) -> None:
    run = Run(lab).signed_in().do("search", search={"query": "word", "from": "bob"})
    (asked,) = run.sent("SEARCH")
    assert (asked["query"], asked["from"]) == ("word", "bob")
    run.get({"type": "SEARCH", "query": "word", "messages": [msg(5, "a word")], "more": True, "ref": asked["ref"]})
    assert run.do("searchMore").sent("SEARCH")[-1]["before"] == 5
    run.do("openContext", message=msg(5, "a word"))
    below, above = run.sent("HISTORY")
    assert (below["before"], above["after"]) == (6, 5)
    run.get(
        {
            "type": "HISTORY",
            "room": "lobby",
            "messages": [msg(4, "p"), msg(5, "a word")],
            "more": True,
            "ref": below["ref"],
        }
    )
    run.get({"type": "HISTORY", "room": "lobby", "messages": [msg(6, "q")], "more": True, "ref": above["ref"]})
    assert run.shown() == [(0, 4), "p", "a word", "q", (6, 10)]
    assert run.room()["goal"]["id"] == 5


def test_export(lab: Page) -> None:
    """All pages of all conversations, by id, each once."""
    run = Run(lab).signed_in().get(msg(11, "psst", "bob", to="alice")).do("export")
    run.get(
        {
            "type": "HISTORY",
            "room": "lobby",
            "messages": [msg(3, "a"), msg(8, "b")],
            "more": True,
            "ref": run.sent("HISTORY")[-1]["ref"],
        }
    )
    assert run.sent("HISTORY")[-1]["after"] == 8
    run.get(
        {
            "type": "HISTORY",
            "room": "lobby",
            "messages": [msg(9, "c")],
            "more": False,
            "ref": run.sent("HISTORY")[-1]["ref"],
        }
    )
    assert run.sent("HISTORY")[-1]["to"] == "bob"
    run.get(
        {
            "type": "HISTORY",
            "to": "bob",
            "messages": [msg(5, "d", to="alice")],
            "more": False,
            "ref": run.sent("HISTORY")[-1]["ref"],
        }
    )
    assert run.effects()[-1] == {"do": "download"}
    assert run.state()["takeout"] is None
    (download,) = run.result()["downloads"]
    assert [json.loads(line)["id"] for line in download] == [3, 5, 8, 9]


def test_commands_need_the_link(lab: Page) -> None:
    run = (
        Run(lab)
        .signed_in()
        .do("closed", retryAt=2000, code=1006)
        .do("request", packet={"type": "TOPIC", "room": "lobby", "topic": "x"})
    )
    assert run.sent("TOPIC") == []
    assert run.shown()[-1] == "The link is down: TOPIC was not sent"


def test_unknown_packets_mean_nothing(lab: Page) -> None:
    run = Run(lab).signed_in()
    before = run.state()
    assert run.get({"type": "REACTION", "id": 4}, {"type": "constructor"}).state() == before


def test_nicknames_that_are_words_of_javascript(lab: Page) -> None:
    """A member called like a property of every object is a member like any other."""
    users = ["alice", "constructor", "__proto__"]
    run = Run(lab).signed_in().get({**ROOM, "users": users[:2], "count": 2})
    join = {"type": "JOIN", "room": "lobby"}
    run.get({**join, "nickname": "__proto__"}, {**join, "nickname": "valueof"})
    names = "Conversations.memberNames(state.conversations['#lobby'])"
    script = """events => {
      let state = State.initial();
      for (const event of events) ({ state } = State.reduce(state, { at: 1, ...event }));
      return NAMES;
    }"""
    assert sorted(lab.evaluate(script.replace("NAMES", names), run.events)) == sorted([*users, "valueof"])
    run.get({"type": "NICK", "room": "lobby", "old": "__proto__", "nickname": "toString"})
    run.get({"type": "NICK", "room": "lobby", "old": "hasOwnProperty", "nickname": "ghost"})
    found = lab.evaluate(script.replace("NAMES", names), run.events)
    assert sorted(found) == sorted(["alice", "constructor", "toString", "valueof"])


def test_a_later_protocol_is_said(lab: Page) -> None:
    run = Run(lab).do("signin", url="ws://x/", nickname="alice", password="", serverPassword="").do("opened")
    run.get({**HELLO, "protocol": 2})
    assert run.effects()[-1] == {"do": "stop"}
    assert "version 2" in run.state()["refusal"]["message"]


def test_a_rename_in_another_tab(lab: Page) -> None:
    """NICK comes before READY, and neither has a ref of ours: still nothing is reset or resent."""
    run = Run(lab).signed_in().say("one")
    run.get({"type": "NICK", "room": "lobby", "old": "alice", "nickname": "alicia"})
    run.get({**READY, "nickname": "alicia", "token": "t2"})
    state = run.state()
    assert (state["nickname"], state["token"], state["link"]["state"]) == ("alicia", "t2", "live")
    assert state["outbox"][0]["state"] == "pending"
    assert len(run.sent("MSG")) == 1


def test_a_refused_typing_is_nobodys_business(lab: Page) -> None:
    run = Run(lab).signed_in().do("wait", msec=9_000).do("typing")
    ref = run.sent("TYPING")[0]["ref"]
    before = run.shown()
    assert run.get({"type": "ERROR", "code": "rate_limited", "message": "slowly", "ref": ref}).shown() == before


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


def test_the_line_above_what_is_new_outlives_a_reload(lab: Page) -> None:
    """It stands before the first that was unread then, not before the first that came since."""
    den = {"type": "ROOM", "room": "den", "topic": "", "count": 1, "users": ["alice"], "id": 0}
    account = Run(lab).signed_in().get(den, msg(11, "one", room="den")).result()["account"]
    run = (
        Run(lab)
        .do("restored", account=account)
        .do("opened")
        .get(HELLO, {**READY, "resumed": True, "id": 11, "rooms": ["den"]})
    )
    assert run.get(msg(12, "two", room="den")).room("#den")["divider"] == 11
