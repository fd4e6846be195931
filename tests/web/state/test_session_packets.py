"""session_packets.js: opening, resuming and resending (PROTOCOL.md sections 3 and 5), BYE, ERROR."""

from playwright.sync_api import Page

from tests.web.state_run import HELLO, READY, ROOM, URL, Run, msg


def test_opening(lab: Page) -> None:
    """Connect, NICK after HELLO, a PING after READY, and live at its PONG."""
    run = Run(lab).signed_in()
    nick, ping = run.sent("NICK")[0], run.sent("PING")[0]
    assert run.effects()[0] == {"do": "connect"}
    assert nick == {"type": "NICK", "nickname": "alice", "client": "wordpacket-web", "ref": nick["ref"]}
    assert ping["ref"] != nick["ref"]
    assert run.result()["shown"] == "live"
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
    assert (state["nickname"], state["token"], state["connection"]["phase"]) == ("alicia", "t2", "live")
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


def test_a_rename_in_another_tab(lab: Page) -> None:
    """NICK comes before READY, and neither has a ref of ours: still nothing is reset or resent."""
    run = Run(lab).signed_in().say("one")
    run.get({"type": "NICK", "room": "lobby", "old": "alice", "nickname": "alicia"})
    run.get({**READY, "nickname": "alicia", "token": "t2"})
    state = run.state()
    assert (state["nickname"], state["token"], state["connection"]["phase"]) == ("alicia", "t2", "live")
    assert state["outbox"][0]["state"] == "pending"
    assert len(run.sent("MSG")) == 1


def test_a_later_protocol_is_said(lab: Page) -> None:
    run = Run(lab).do("signin", url="ws://x/", nickname="alice", password="", serverPassword="").do("opened")
    run.get({**HELLO, "protocol": 2})
    assert run.effects()[-1] == {"do": "stop"}
    assert "version 2" in run.state()["refusal"]["message"]


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
    run = Run(lab).signed_in().say("one").say("two").do("closed", retryAt=2000)
    run.do("opened").get(HELLO, {**READY, "token": "t2", "resumed": True, "id": 12}, ROOM)
    run.get(msg(11, "one", "alice", ref="ref-one"))
    assert [packet["message"] for packet in run.sent("MSG")] == ["one"]
    run.synced()
    assert [packet["message"] for packet in run.sent("MSG")] == ["one", "two"]
    assert run.sent("MSG")[1]["ref"] == "ref-two"


def test_resuming_says_who_and_from_where(lab: Page) -> None:
    run = (
        Run(lab)
        .signed_in()
        .get(msg(15, "x"), {"type": "PONG", "id": 17})
        .do("closed", retryAt=2000)
        .do("opened")
        .get(HELLO)
    )
    nick = run.sent("NICK")[1]
    assert (nick["token"], nick["epoch"], nick["after"], nick["rooms"]) == ("t1", "e1", 17, ["lobby"])


def test_the_cursor_of_a_resume_is_not_readys_id(lab: Page) -> None:
    """READY's id comes before the replay: taking it would lose what a second cut swallows."""
    run = Run(lab).signed_in().get(msg(11, "x")).do("closed", retryAt=2000).do("opened")
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
    assert run.result()["wakeAt"] is not None
    run.do("wait", msec=2000).do("wake")
    assert [packet["message"] for packet in run.sent("MSG")] == ["no", "later", "later"]
    run.do("retry", ref="ref-no").get(msg(11, "later", "alice", ref="ref-later"))
    assert run.sent("MSG")[-1]["ref"] == "ref-no"
    assert run.do("discard", ref="ref-no").result()["unsent"] == 0


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
    run = Run(lab).signed_in().get(msg(11, "x")).do("closed", retryAt=2000).do("opened")
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
    run = Run(lab).signed_in().get(msg(11, "x")).say("sent").do("closed", retryAt=2000).say("never sent").do("opened")
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
    assert run.result()["shown"] == "reconnecting"
    run.say("two")
    assert len(run.sent("MSG")) == 1
    run.get({**READY, "resumed": True, "token": "t2"}, ROOM).synced()
    run.get(msg(11, "one", "alice", ref="ref-one"))
    assert [packet["message"] for packet in run.sent("MSG")] == ["one", "one", "two"]
    assert run.result()["shown"] == "live"


def test_slow_pong_alone_resends_nothing(lab: Page) -> None:
    """The socket only was slow: nothing on it is lost, so nothing is sent again."""
    run = Run(lab).signed_in().say("one").do("silent", since=5).say("two")
    run.get({"type": "PONG", "id": 10, "ref": "alive-1"}, msg(11, "one", "alice", ref="ref-one"))
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


def test_bye(lab: Page) -> None:
    """After a shutdown the page comes back by itself; after being sent away it doesn't."""
    assert {"do": "stop"} not in Run(lab).signed_in().get(
        {"type": "BYE", "reason": "shutdown", "message": "bye"}
    ).effects()
    kicked = Run(lab).signed_in().get({"type": "BYE", "reason": "kicked", "message": "Out"})
    assert kicked.effects()[-1] == {"do": "stop"}
    assert (kicked.result()["shown"], kicked.state()["connection"]["why"]) == ("offline", "Out")


def test_who_takes_their_time_to_sign_in_is_left_alone(lab: Page) -> None:
    """A minute after a refusal the server closes: the refusal stands as it was, and the next try connects again."""
    run = Run(lab).do("signin", url=URL, nickname="alice", password="", serverPassword="").do("opened").get(HELLO)
    run.get({"type": "RETRY", "nickname": "alice", "reason": "taken", "message": "alice is taken."})
    run.get({"type": "BYE", "reason": "timeout", "message": "no READY within 60 seconds"})
    assert run.state()["refusal"]["message"] == "alice is taken."
    assert run.effects()[-1] == {"do": "stop"}
    run.do("signin", url=URL, nickname="alicia", password="", serverPassword="")
    assert run.effects()[-1] == {"do": "connect"}
    joining = Run(lab).do("signin", url=URL, nickname="alice", password="", serverPassword="").do("opened")
    joining.get({"type": "BYE", "reason": "timeout", "message": "no READY within 60 seconds"})
    assert joining.state()["refusal"]["message"] == "no READY within 60 seconds"


def test_a_remembered_room_that_is_refused(lab: Page) -> None:
    """ERROR to a NICK with rooms: once more without them."""
    run = Run(lab).signed_in().do("closed", retryAt=2000).do("opened").get(HELLO)
    run.get({"type": "ERROR", "code": "bad_packet", "message": "rooms: bad", "ref": run.sent("NICK")[-1]["ref"]})
    assert "rooms" not in run.sent("NICK")[-1]
    assert len(run.sent("NICK")) == 3


def test_a_refused_typing_is_nobodys_business(lab: Page) -> None:
    run = Run(lab).signed_in().do("wait", msec=9_000).do("typing")
    ref = run.sent("TYPING")[0]["ref"]
    before = run.shown()
    assert run.get({"type": "ERROR", "code": "rate_limited", "message": "slowly", "ref": ref}).shown() == before


def test_a_repeated_notice_is_shown_once(lab: Page) -> None:
    """A bridge without its server says so every 2 s; said again after a while, it is news."""
    notice = {"type": "NOTICE", "message": "The server is away"}
    run = Run(lab).signed_in()
    for _ in range(15):
        run.get(notice).do("wait", msec=2_000)
    assert run.shown() == [(0, 10), "The server is away"]
    run.get({**notice, "message": "Tea is ready"}).do("wait", msec=15_000).get({**notice, "message": "Tea is ready"})
    assert run.shown()[2:] == ["Tea is ready", "Tea is ready"]


def test_an_old_notice_explains_no_silence(lab: Page) -> None:
    run = Run(lab).signed_in().get({"type": "NOTICE", "message": "Tea is ready"}).do("wait", msec=20_000)
    assert run.do("silent", since=5).state()["connection"]["why"] is None


def test_limits_that_are_none_are_not_taken(lab: Page) -> None:
    """A text or a null in their place would fail where they are shown."""
    hello = {**HELLO, "limits": {"message": "x", "topic": None, "nickname": 0, "rooms": 7}}
    run = Run(lab).do("signin", url=URL, nickname="alice", password="", serverPassword="").do("opened").get(hello)
    assert run.state()["hello"]["limits"] == {
        "message": 8_000,
        "nickname": 32,
        "room": 64,
        "topic": 300,
        "rooms": 7,
    }
