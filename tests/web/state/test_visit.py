"""visit.js: a sign-in, a connection that comes and goes, and what a visit leaves for the next."""

from playwright.sync_api import Page

from tests.web.state_run import HELLO, READY, ROOM, Run, msg


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


def test_quit_keeps_and_forget_drops(lab: Page) -> None:
    run = Run(lab).signed_in().do("closed", retryAt=2000).say("unsent").do("quit")
    assert run.result()["unsent"] == 1
    assert run.result()["account"]["signedOut"] is True
    gone = run.do("forget").state()
    assert (gone["outbox"], gone["token"], gone["conversations"]) == ([], None, {})
