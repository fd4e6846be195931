"""What the page does after a BYE or RETRY, by the table in codes.js; the table itself is in test_cases.py."""

import pytest
from playwright.sync_api import Page

from tests.web.conftest import SignIn
from tests.web.fake_server import FakeServer
from tests.web.state_run import Packet, Run, msg


def bye(reason: str) -> Packet:
    return {"type": "BYE", "reason": reason, "message": f"it is {reason}"}


def last_effects(run: Run) -> list[str]:
    return [effect["do"] for effect in run.effects() if effect.get("do") in ("stop", "later")]


@pytest.mark.parametrize("reason", ["protocol", "banned", "forbidden", "kicked"])
def test_it_stays_away(lab: Page, reason: str) -> None:
    """The chat stays in sight, and says why it is offline."""
    run = Run(lab).signed_in().get(bye(reason))
    assert last_effects(run) == ["stop"]
    assert run.result()["shown"] == "offline"
    assert run.state()["phase"] == "chat"
    assert run.state()["connection"]["why"] == f"it is {reason}"


@pytest.mark.parametrize("reason", ["shutdown", "slow", "flood", "full", "next-year"])
def test_it_comes_back_later(lab: Page, reason: str) -> None:
    run = Run(lab).signed_in().get(bye(reason))
    assert last_effects(run) == ["later"]
    assert run.state()["phase"] == "chat"


def test_after_a_timeout_it_comes_back_at_once(lab: Page) -> None:
    assert last_effects(Run(lab).signed_in().get(bye("timeout"))) == []


def test_who_was_logged_out_is_asked(lab: Page) -> None:
    run = Run(lab).signed_in().get(bye("logout"))
    assert last_effects(run) == ["stop"]
    assert run.state()["phase"] == "signin"
    assert run.state()["refusal"] == {"reason": "logout", "message": "it is logout"}


@pytest.mark.parametrize(
    ("reason", "phase", "effects"),
    [("full", "joining", ["later"]), ("banned", "signin", ["stop"]), ("taken", "signin", []), ("new", "signin", [])],
)
def test_retries(lab: Page, reason: str, phase: str, effects: list[str]) -> None:
    """Full: tried again by itself; banned: it ends; all else is for the person."""
    run = Run(lab).do("signin", url="ws://chat.example/", nickname="alice", password="", serverPassword="")
    hello = {"type": "HELLO", "protocol": 1, "limits": {}, "server_password": False}
    run.do("opened").get(hello, {"type": "RETRY", "nickname": "alice", "reason": reason, "message": "no"})
    assert run.state()["phase"] == phase
    assert last_effects(run) == effects


def test_a_page_outlasts_a_full_server(signed_in: SignIn, server: FakeServer) -> None:
    """The page opens a socket after the one that was refused, and is in."""
    server.retry = {"reason": "full", "message": "The server is full."}
    page = signed_in()
    assert page.locator("#messages").is_visible()
    assert len(server.packets("NICK")) == 2


@pytest.mark.parametrize(("code", "state"), [("rate_limited", "pending"), ("quiet", "failed"), ("new", "failed")])
def test_errors(lab: Page, code: str, state: str) -> None:
    """A message is held or has failed, by the table."""
    run = Run(lab).signed_in().say("hello")
    run.get({"type": "ERROR", "code": code, "message": "no", "ref": "ref-hello"})
    assert [entry["state"] for entry in run.state()["outbox"]] == [state]


def test_mentions_are_counted_by_the_rule(lab: Page) -> None:
    """A name in a link or in code counts as no mention."""
    run = Run(lab).signed_in().do("attention", attentive=False)
    run.get(msg(11, "see https://a.test/alice"), msg(12, "`alice`"), msg(13, "alice: look"))
    assert (run.room()["unread"], run.room()["mentions"]) == (3, 1)
