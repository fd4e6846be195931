"""queue.js: at most 64 packets without an answer, and refused ones again in their order (PROTOCOL.md section 6)."""

from playwright.sync_api import Page

from tests.web.state_run import Run

REFUSED = {"type": "ERROR", "code": "rate_limited", "message": "the queue is full", "what": "queue"}


def ask(run: Run, room: str) -> Run:
    return run.do("request", packet={"type": "JOIN", "room": room}, purpose={"what": "join", "key": f"#{room}"})


def joined(run: Run) -> list[str]:
    return [packet["room"] for packet in run.sent("JOIN")]


def enter(run: Run, index: int) -> Run:
    packet = run.sent("JOIN")[index]
    room = {"type": "ROOM", "topic": "", "count": 1, "users": ["alice"], "id": 0}
    return run.get({**room, "room": packet["room"], "ref": packet["ref"]})


def test_at_most_64_are_unanswered(lab: Page) -> None:
    """The others go out as answers come, in order; a message waits behind them."""
    run = Run(lab).signed_in()
    for number in range(70):
        ask(run, f"r{number}")
    run.say("behind them")
    assert joined(run) == [f"r{number}" for number in range(60)]
    for index in range(9):
        enter(run, index)
    assert joined(run) == [f"r{number}" for number in range(69)]
    assert run.sent("MSG") == []
    enter(run, 9)
    assert run.effects()[-2]["room"] == "r69"
    assert run.effects()[-1]["message"] == "behind them"


def test_what_was_refused_is_asked_again_in_order(lab: Page) -> None:
    """With its `ref`, once the server wants it; what is asked meanwhile waits its turn; nobody is told."""
    run = Run(lab).signed_in()
    for room in ("a", "b", "c"):
        ask(run, room)
    _, b, c = run.sent("JOIN")
    for packet in (b, c):
        run.get({**REFUSED, "ref": packet["ref"], "retry_after": 2})
    ask(run, "d").say("then this")
    assert joined(run) == ["a", "b", "c"]
    assert run.sent("MSG") == []
    due = run.result()["wakeAt"]
    run.do("wait", msec=1_000).do("wake")
    assert joined(run) == ["a", "b", "c"]
    run.do("wait", msec=1_500).do("wake")
    assert joined(run) == ["a", "b", "c", "b", "c", "d"]
    assert [packet["ref"] for packet in run.sent("JOIN")][3:5] == [b["ref"], c["ref"]]
    assert run.effects()[-1]["message"] == "then this"
    assert 2_000 < due < 3_500
    assert run.shown() == [(0, 10)]


def test_a_message_comes_again_when_the_server_says(lab: Page) -> None:
    run = Run(lab).signed_in().say("one").say("two")
    run.get({**REFUSED, "ref": "ref-one", "retry_after": 0.5})
    run.do("wait", msec=600).do("wake")
    assert [packet["ref"] for packet in run.sent("MSG")] == ["ref-one", "ref-one"]


def test_a_refused_ping_or_typing_is_nobodys_business(lab: Page) -> None:
    run = Run(lab).signed_in()
    run.get({**REFUSED, "ref": "alive-3"}, {**REFUSED, "ref": "idle"}, REFUSED)
    assert run.shown() == [(0, 10)]


def test_what_a_lost_connection_held_is_gone(lab: Page) -> None:
    """As every question that it had not answered; a wait that the old server asked for doesn't hold the new one."""
    run = Run(lab).signed_in()
    ask(run, "a")
    run.get({**REFUSED, "ref": run.sent("JOIN")[0]["ref"], "retry_after": 30}).do("closed", retryAt=2_000)
    state = run.state()
    assert (state["held"], state["heldUntil"], state["asked"]) == ([], 0, {})


def test_a_wait_is_bounded(lab: Page) -> None:
    """Whatever a server says."""
    script = "seconds => Queue.retryMsec({ retry_after: seconds })"
    found = [lab.evaluate(script, seconds) for seconds in (None, -1, 0, 2.5, 1e300)]
    assert found == [None, None, 100, 2_500, 30_000]
