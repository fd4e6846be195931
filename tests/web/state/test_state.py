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
