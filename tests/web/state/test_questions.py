"""questions.js: questions to the server, their answers and refusals."""

from playwright.sync_api import Page

from tests.web.state_run import Run, msg


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


def test_an_answer_of_a_former_connection_is_dropped(lab: Page) -> None:
    gap = {"kind": "gap", "key": "gap-0", "id": 0, "after": 0, "before": 10}
    run = Run(lab).signed_in().do("fill", key="#lobby", gap=gap, side="before")
    ref = run.sent("HISTORY")[-1]["ref"]
    run.do("closed", retryAt=2000).get({"type": "HISTORY", "room": "lobby", "messages": [], "more": False, "ref": ref})
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


def test_a_search_goes_on_where_the_server_stopped(lab: Page) -> None:
    """A page may be empty with older ones to come: `before` says where the next one begins."""
    run = Run(lab).signed_in().do("search", search={"query": "word"})
    answer = {"type": "SEARCH", "query": "word", "messages": [], "more": True}
    run.get({**answer, "before": 500, "ref": run.sent("SEARCH")[-1]["ref"]}).do("searchMore")
    assert run.sent("SEARCH")[-1]["before"] == 500
    run.get({**answer, "messages": [msg(5, "a word")], "ref": run.sent("SEARCH")[-1]["ref"]}).do("searchMore")
    assert run.sent("SEARCH")[-1]["before"] == 5
    run.get({**answer, "ref": run.sent("SEARCH")[-1]["ref"]})
    assert run.state()["search"]["more"] is False, "a page that leads nowhere is the last"
    assert len(run.do("searchMore").sent("SEARCH")) == 3
