"""state.js: each event's change of the state."""

from playwright.sync_api import Page

from tests.web.state_run import Run, msg


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


def test_typing_is_told_at_most_every_three_seconds(lab: Page) -> None:
    run = Run(lab).signed_in().do("wait", msec=9_000).do("typing").do("typing").do("wait", msec=3_001).do("typing")
    assert len(run.sent("TYPING")) == 2


def test_commands_need_the_link(lab: Page) -> None:
    run = (
        Run(lab)
        .signed_in()
        .do("closed", retryAt=2000)
        .do("request", packet={"type": "TOPIC", "room": "lobby", "topic": "x"})
    )
    assert run.sent("TOPIC") == []
    assert run.shown()[-1] == "There is no connection: TOPIC was not sent"


def test_unknown_packets_mean_nothing(lab: Page) -> None:
    run = Run(lab).signed_in()
    before = run.state()
    assert run.get({"type": "REACTION", "id": 4}, {"type": "constructor"}).state() == before


def test_a_message_without_an_echo_makes_the_page_ask(lab: Page) -> None:
    """After 2 s, and every 2 s again; an echo ends it."""
    run = Run(lab).signed_in().say("one")
    asked = run.result()["wakeAt"]
    run.do("wait", msec=1_000).do("wake")
    assert {"do": "probe"} not in run.effects()
    run.do("wait", msec=1_001).do("wake")
    assert run.effects().count({"do": "probe"}) == 1
    assert run.result()["wakeAt"] > asked
    run.do("wait", msec=2_001).do("wake")
    assert run.effects().count({"do": "probe"}) == 2
    run.get(msg(11, "one", "alice", ref="ref-one"))
    assert run.result()["wakeAt"] is None


def test_another_persons_account_changes_nothing(lab: Page) -> None:
    """The same person's brings a newer token, under whatever nickname; of another server, or log, it is no matter."""
    run = Run(lab).signed_in()
    before = run.state()
    ours = {**run.result()["account"], "token": "t2"}
    others = {**ours, "nickname": "ben", "identity": "ben since 2"}
    for account in (others, {**ours, "url": "ws://y/"}, {**ours, "epoch": "e2"}):
        assert run.do("account", account=account).state() == before
    assert run.do("account", account=ours).state()["token"] == "t2"
    renamed = {**ours, "nickname": "alicia", "token": "t3"}
    assert run.do("account", account=renamed).state()["nickname"] == "alice"
    assert run.do("closed", retryAt=2_000).do("account", account=renamed).state()["nickname"] == "alicia"


def test_what_another_tab_read_is_read(lab: Page) -> None:
    """Up to where it was; what comes after that is new, and what it has not read stays so."""
    other = {"type": "ROOM", "room": "den", "topic": "", "count": 1, "users": ["alice"], "id": 0}
    run = Run(lab).signed_in().get(other, msg(11, "x", room="den"))
    account = {**run.result()["account"], "after": 12}
    run.do("account", account=account)
    assert run.room("#den")["unread"] == 1
    run.do("account", account={**account, "unread": {}})
    assert run.room("#den")["unread"] == 0
    run.get(msg(12, "read there before it came here", room="den"))
    assert run.room("#den")["unread"] == 0
    assert run.get(msg(13, "new", room="den")).room("#den")["unread"] == 1


def test_the_same_nickname_signed_in_anew_has_read_nothing(lab: Page) -> None:
    """Its account begins at the newest message, and says nothing of those before."""
    other = {"type": "ROOM", "room": "den", "topic": "", "count": 1, "users": ["alice"], "id": 0}
    run = Run(lab).signed_in().get(other, msg(11, "x", room="den"))
    account = {**run.result()["account"], "identity": "alice since 9", "unread": {}, "after": 12}
    assert run.do("account", account=account).room("#den")["unread"] == 1


def test_unsent_messages_keep_their_conversation_open(lab: Page) -> None:
    """Closed, it would hide what was not sent; nobody would ever be told."""
    run = Run(lab).signed_in().do("direct", nickname="bob").say("psst")
    run.get({"type": "ERROR", "code": "no_such_user", "message": "no", "ref": "ref-psst"})
    assert lab.evaluate("([state, key]) => State.failed(state, key)", [run.state(), "@bob"]) == 1
    run.do("leaveConversation", key="@bob")
    assert "Messages here are not sent" in run.shown("@bob")[-1]
    run.do("discard", ref="ref-psst").do("leaveConversation", key="@bob")
    assert list(run.state()["conversations"]) == ["#lobby"]


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
