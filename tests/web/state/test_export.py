"""export.js: every message that a person may see, in pages, as one file."""

import json

from playwright.sync_api import Page

from tests.web.state_run import Run, msg


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
    assert run.state()["exporting"] is None
    (download,) = run.result()["downloads"]
    assert [json.loads(line)["id"] for line in download] == [3, 5, 8, 9]
