"""state.js and what it calls: events in, state and effects out, driven as the page drives it but by values alone."""

import json
from typing import Any

from playwright.sync_api import Page

Packet = dict[str, Any]
URL = "ws://chat.example/"
READY: Packet = {
    "type": "READY",
    "nickname": "alice",
    "token": "t1",
    "epoch": "e1",
    "id": 10,
    "rooms": ["lobby"],
    "resumed": False,
}
ROOM: Packet = {"type": "ROOM", "room": "lobby", "topic": "", "count": 2, "users": ["alice", "bob"], "id": 9}
HELLO: Packet = {"type": "HELLO", "protocol": 1, "server": "S", "version": "1", "limits": {}, "server_password": False}

RUN = """events => {
  let state = State.initial();
  const effects = [];
  let at = 1000;
  for (const event of events) {
    at += 10;
    if (event.type === "wait") { at += event.msec; continue; }
    const step = State.reduce(state, { at, ...event });
    state = step.state;
    for (const effect of step.effects) effects.push(effect.packet ? JSON.parse(Wire.format(effect.packet)) : effect.do);
  }
  return { state: JSON.parse(JSON.stringify(state)), effects, link: State.linkState(state), unsent: State.unsent(state),
           account: State.account(state), tick: State.nextTick(state) };
}"""


class Run:
    """Events written one after the other; reading anything runs them."""

    def __init__(self, lab: Page) -> None:
        self.lab = lab
        self.events: list[dict[str, Any]] = []

    def do(self, kind: str, **event: Any) -> "Run":
        self.events.append({"type": kind, **event})
        return self

    def get(self, *packets: Packet) -> "Run":
        for packet in packets:
            self.do("packet", packet=packet)
        return self

    def say(self, text: str, **more: Any) -> "Run":
        return self.do("say", text=text, ref=f"ref-{text}", **more)

    def signed_in(self) -> "Run":
        """As alice in #lobby, whose newest message is 9, with the link in step."""
        self.do("attention", attentive=True)
        self.do("signin", url=URL, nickname="alice", password="", serverPassword="")
        return self.do("opened").get(HELLO, READY, ROOM).synced()

    def synced(self) -> "Run":
        found = [one for one in self.effects() if one.get("type") == "PING"]
        return self.get({"type": "PONG", "id": 0, "ref": found[-1]["ref"]})

    def result(self) -> dict[str, Any]:
        return dict(self.lab.evaluate(RUN, self.events))

    def effects(self) -> list[Packet]:
        return [one if isinstance(one, dict) else {"do": one} for one in self.result()["effects"]]

    def sent(self, kind: str) -> list[Packet]:
        return [one for one in self.effects() if one.get("type") == kind]

    def state(self) -> dict[str, Any]:
        return dict(self.result()["state"])

    def room(self, key: str = "#lobby") -> dict[str, Any]:
        return dict(self.state()["conversations"][key])

    def shown(self, key: str = "#lobby") -> list[Any]:
        """The timeline: messages as texts, gaps as (after, before), other lines as their words."""
        words: list[Any] = []
        for entry in self.room(key)["timeline"]:
            if entry["kind"] == "gap":
                words.append((entry["after"], entry["before"]))
            elif entry["kind"] == "presence":
                words.append({"joined": entry["joined"], "left": entry["left"]})
            else:
                words.append(entry.get("message", entry.get("text")))
        return words


def msg(identity: int, message: str, nickname: str = "bob", **more: Any) -> Packet:
    target = {} if "to" in more else {"room": "lobby"}
    return {
        "type": "MSG",
        "id": identity,
        "nickname": nickname,
        "message": message,
        "timestamp": "2026-11-22T10:00:00Z",
        **target,
        **more,
    }


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


def test_a_message_is_pending_and_then_sent(lab: Page) -> None:
    run = Run(lab).signed_in().say("hello")
    assert [entry["state"] for entry in run.state()["outbox"]] == ["pending"]
    assert run.sent("MSG") == [{"type": "MSG", "room": "lobby", "message": "hello", "ref": "ref-hello"}]
    run.get(msg(11, "hello", "alice", ref="ref-hello"))
    assert run.state()["outbox"] == []
    assert run.shown()[-1] == "hello"
    assert run.room()["unread"] == 0


def test_nothing_is_sent_before_the_pong(lab: Page) -> None:
    """After a reconnect the replay may hold the echo: what is unsent waits until all of it is here (section 5)."""
    run = Run(lab).signed_in().say("one").say("two").do("closed", retryAt=2000, code=1006)
    run.do("opened").get(HELLO, {**READY, "token": "t2", "resumed": True, "id": 12}, ROOM)
    before = len(run.sent("MSG"))
    run.get(msg(11, "one", "alice", ref="ref-one"))
    assert len(run.sent("MSG")) == before == 2
    run.synced()
    assert [packet["message"] for packet in run.sent("MSG")[2:]] == ["two"]
    assert run.sent("MSG")[2]["ref"] == "ref-two"


def test_resuming_says_who_and_from_where(lab: Page) -> None:
    run = (
        Run(lab)
        .signed_in()
        .get(msg(15, "x"), {"type": "PONG", "id": 17})
        .do("closed", retryAt=2000, code=1006)
        .do("opened")
        .get(HELLO)
    )
    nick = run.sent("NICK")[1]
    assert (nick["token"], nick["epoch"], nick["after"], nick["rooms"]) == ("t1", "e1", 17, ["lobby"])


def test_the_cursor_of_a_resume_is_not_readys_id(lab: Page) -> None:
    """READY's id comes before the replay: taking it would lose what a second cut swallows."""
    run = Run(lab).signed_in().get(msg(11, "x")).do("closed", retryAt=2000, code=1006).do("opened")
    run.get(HELLO, {**READY, "resumed": True, "id": 500}, ROOM)
    assert run.state()["after"] == 11
    assert run.get(msg(400, "y")).state()["after"] == 400


def test_a_replay_repeats_nothing(lab: Page) -> None:
    run = Run(lab).signed_in().get(msg(11, "x"), msg(12, "y"), msg(11, "x"), msg(12, "y"))
    assert run.shown() == [(0, 10), "x", "y"]


def test_refused_for_good_and_for_now(lab: Page) -> None:
    run = Run(lab).signed_in().say("no").say("later")
    run.get({"type": "ERROR", "code": "not_in_room", "message": "not in it", "ref": "ref-no"})
    run.get({"type": "ERROR", "code": "rate_limited", "message": "too fast", "ref": "ref-later"})
    assert [(entry["state"], entry["reason"]) for entry in run.state()["outbox"]] == [
        ("failed", "not in it"),
        ("pending", "too fast"),
    ]
    assert run.result()["tick"] is not None
    run.do("wait", msec=2000).do("tick")
    assert [packet["message"] for packet in run.sent("MSG")] == ["no", "later", "later"]
    assert run.do("retry", ref="ref-no").sent("MSG")[-1]["ref"] == "ref-no"
    assert run.do("discard", ref="ref-no").result()["unsent"] == 1


def test_full_disk_is_no_refusal(lab: Page) -> None:
    run = (
        Run(lab)
        .signed_in()
        .say("keep")
        .get({"type": "ERROR", "code": "log_unavailable", "message": "disk", "ref": "ref-keep"})
    )
    assert run.state()["outbox"][0]["state"] == "pending"


def test_gap(lab: Page) -> None:
    """GAP says what was left out; after 0 what is shown is replaced."""
    run = Run(lab).signed_in().get(msg(11, "x"), {"type": "GAP", "after": 11, "id": 90}, msg(90, "y"))
    assert run.shown() == [(0, 10), "x", (11, 90), "y"]
    run.get({"type": "GAP", "after": 0, "id": 5}, msg(5, "z"))
    assert run.shown() == [(0, 5), "z"]
    assert run.state()["after"] == 5


def test_another_log(lab: Page) -> None:
    """Another epoch: what is shown goes, and the cursor starts anew though it was higher."""
    run = Run(lab).signed_in().get(msg(11, "x")).do("closed", retryAt=2000, code=1006).do("opened")
    run.get(
        HELLO,
        {**READY, "epoch": "e2", "id": 3, "resumed": True},
        {**ROOM, "id": 3},
        {"type": "GAP", "after": 0, "id": 2},
        msg(2, "p"),
        msg(3, "q"),
    )
    assert run.shown() == [(0, 2), "p", "q"]
    assert (run.state()["after"], run.state()["epoch"]) == (3, "e2")


def test_not_resumed_leaves_a_gap(lab: Page) -> None:
    """A new user (the token was no good) hasn't missed nothing: between then and now is a gap."""
    run = (
        Run(lab)
        .signed_in()
        .get(msg(11, "x"))
        .say("sent")
        .do("closed", retryAt=2000, code=1006)
        .say("never sent")
        .do("opened")
    )
    run.get(HELLO, {**READY, "id": 40}, {**ROOM, "id": 38}).synced()
    assert run.shown() == [(0, 10), "x", (11, 39)]
    assert [(entry["message"], entry["state"]) for entry in run.state()["outbox"]] == [
        ("sent", "failed"),
        ("never sent", "pending"),
    ]


def test_bridge_resumes_by_itself(lab: Page) -> None:
    """A fresh READY on the same socket, no HELLO: what has no echo is sent again after the PONG (section 6)."""
    run = Run(lab).signed_in().say("one").get({"type": "NOTICE", "message": "away"})
    assert run.effects()[-1] == {"do": "probe"}
    run.do("silent", since=5)
    assert run.result()["link"] == "reconnecting"
    run.say("two")
    assert len(run.sent("MSG")) == 1
    run.get({**READY, "resumed": True, "token": "t2"}, ROOM).synced()
    assert [packet["message"] for packet in run.sent("MSG")] == ["one", "one", "two"]
    assert run.result()["link"] == "live"


def test_slow_pong_alone_resends_nothing(lab: Page) -> None:
    """The socket only was slow: nothing on it is lost, so nothing is sent again."""
    run = (
        Run(lab)
        .signed_in()
        .say("one")
        .do("silent", since=5)
        .say("two")
        .get({"type": "PONG", "id": 10, "ref": "alive-1"})
    )
    assert [packet["message"] for packet in run.sent("MSG")] == ["one", "two"]


def test_retry_after_the_bridge_resumed_asks_for_another_nickname(lab: Page) -> None:
    run = (
        Run(lab)
        .signed_in()
        .say("one")
        .get({"type": "RETRY", "nickname": "alice", "reason": "taken", "message": "alice is taken"})
    )
    assert run.state()["phase"] == "signin"
    assert run.state()["refusal"]["message"] == "alice is taken"
    run.do("signin", url=URL, nickname="alicia", password="", serverPassword="")
    assert run.sent("NICK")[-1]["nickname"] == "alicia"
    assert run.result()["unsent"] == 1


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
            "message": "bob is taken.",
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
    lines = lab.evaluate(
        "events => { let s = State.initial(), out; for (const e of events) { const r = State.reduce(s, {at: 1, ...e}); s = r.state; out = r.effects.find((f) => f.do === 'download') ?? out; } return out.lines }",
        run.events,
    )
    assert [json.loads(line)["id"] for line in lines] == [3, 5, 8, 9]


def test_restored(lab: Page) -> None:
    """After a reload rooms and unread counts are there before the server is."""
    first = (
        Run(lab).signed_in().get({"type": "ROOM", "room": "den", "topic": "", "count": 1, "users": ["alice"], "id": 0})
    )
    account = first.get(msg(11, "alice!", room="den"), msg(12, "psst", "bob", to="alice")).result()["account"]
    assert (account["rooms"], account["directs"], account["after"], account["signedOut"]) == (
        ["den", "lobby"],
        ["bob"],
        12,
        False,
    )
    run = Run(lab).do("attention", attentive=True).do("restored", account=account)
    assert run.room("#den")["mentions"] == 1
    assert run.effects() == [{"do": "connect"}]
    run.say("while away").do("opened").get(HELLO)
    assert (run.sent("NICK")[0]["after"], run.sent("NICK")[0]["rooms"]) == (12, ["den", "lobby"])
    run.get(
        {**READY, "resumed": True, "id": 14, "rooms": ["den", "lobby"]},
        {**ROOM, "id": 14},
        msg(13, "missed"),
        msg(14, "also"),
    )
    assert run.shown() == [(0, 13), "missed", "also"]
    assert run.synced().sent("MSG")[-1]["message"] == "while away"


def test_adopted(lab: Page) -> None:
    """Another tab's unsent messages are sent if they are this user's, and otherwise left to the person."""
    entry = {
        "ref": "z",
        "room": "den",
        "message": "left behind",
        "at": 1,
        "state": "pending",
        "sent": True,
        "attempted": True,
        "delay": 0,
        "notBefore": 0,
    }
    run = Run(lab).signed_in()
    identity = run.state()["identity"]
    assert run.do("adopted", entries=[entry], identity=identity).sent("MSG")[-1]["ref"] == "z"
    assert run.room("#den")["joined"] is False
    other = Run(lab).signed_in().do("adopted", entries=[entry], identity="somebody else")
    assert other.sent("MSG") == []
    assert other.state()["outbox"][0]["state"] == "failed"


def test_bye(lab: Page) -> None:
    """After a shutdown the page comes back by itself; after being sent away it doesn't."""
    assert {"do": "stop"} not in Run(lab).signed_in().get(
        {"type": "BYE", "reason": "shutdown", "message": "bye"}
    ).effects()
    kicked = Run(lab).signed_in().get({"type": "BYE", "reason": "kicked", "message": "Out"})
    assert kicked.effects()[-1] == {"do": "stop"}
    assert (kicked.result()["link"], kicked.state()["link"]["why"]) == ("offline", "Out")


def test_a_remembered_room_that_is_refused(lab: Page) -> None:
    """ERROR to a NICK with rooms: once more without them."""
    run = Run(lab).signed_in().do("closed", retryAt=2000, code=1006).do("opened").get(HELLO)
    run.get({"type": "ERROR", "code": "bad_packet", "message": "rooms: bad", "ref": run.sent("NICK")[-1]["ref"]})
    assert "rooms" not in run.sent("NICK")[-1]
    assert len(run.sent("NICK")) == 3


def test_commands_need_the_link(lab: Page) -> None:
    run = (
        Run(lab)
        .signed_in()
        .do("closed", retryAt=2000, code=1006)
        .do("request", packet={"type": "TOPIC", "room": "lobby", "topic": "x"})
    )
    assert run.sent("TOPIC") == []
    assert run.shown()[-1] == "The link is down: TOPIC was not sent"


def test_quit_keeps_and_forget_drops(lab: Page) -> None:
    run = Run(lab).signed_in().do("closed", retryAt=2000, code=1006).say("unsent").do("quit")
    assert run.result()["unsent"] == 1
    assert run.result()["account"]["signedOut"] is True
    gone = run.do("forget").state()
    assert (gone["outbox"], gone["token"], gone["conversations"]) == ([], None, {})


def test_unknown_packets_mean_nothing(lab: Page) -> None:
    run = Run(lab).signed_in()
    before = run.state()
    assert run.get({"type": "REACTION", "id": 4}, {"type": "constructor"}).state() == before
